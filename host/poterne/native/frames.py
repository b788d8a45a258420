"""Native messaging on the wire: a 32-bit length in the machine's byte order, then that many bytes of UTF-8 JSON.

nativemessaging-ng packs and unpacks. It reads `sys.stdin` and writes `sys.stdout` whatever they are, believes every
length and takes a body that was cut short, so it only ever sees whole, measured frames in memory.
"""

import functools
import importlib.util
import io
import json
import math
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

from poterne.errors import InvalidRequest

MAX_INCOMING = 1_048_576
"""Bytes of JSON that one message to the host may have."""

MAX_OUTGOING = 1_048_576
"""Bytes of JSON beyond which Chromium closes the port and Firefox stops reading."""

HEADER_BYTES = 4
READ_BYTES = 65_536
MAX_DIGITS = 19


class FrameTooLarge(InvalidRequest):
    """A header announces more than `MAX_INCOMING`: where the next frame begins is not known any more."""


def read_frames(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Whole frames, header included, until the end of input; one that the end cuts short is dropped.

    `read(n)` returns between 1 and n bytes, or none at the end, as `os.read` does. Raises FrameTooLarge.
    """
    pending = bytearray()
    while chunk := read(READ_BYTES):
        pending += chunk
        while len(pending) >= HEADER_BYTES:
            length = int.from_bytes(pending[:HEADER_BYTES], sys.byteorder)
            if length > MAX_INCOMING:
                raise FrameTooLarge(f"a message of {length} bytes is longer than the {MAX_INCOMING} that are read")
            if len(pending) < HEADER_BYTES + length:
                break
            yield bytes(pending[: HEADER_BYTES + length])
            del pending[: HEADER_BYTES + length]


def unpack(frame: bytes) -> str:
    """The text of a whole frame. Raises InvalidRequest where it is not UTF-8."""
    try:
        return _library().receive(frame)
    except UnicodeDecodeError:
        raise InvalidRequest("the message is not UTF-8") from None


def pack(text: str) -> bytes:
    """The frame of a message. Raises ValueError beyond `MAX_OUTGOING`, UnicodeEncodeError for a lone surrogate."""
    frame = _library().send(text)
    if len(frame) > HEADER_BYTES + MAX_OUTGOING:
        raise ValueError(f"a message of {len(frame) - HEADER_BYTES} bytes is longer than a browser takes")
    return frame


def parse(text: str) -> tuple[object, str | None]:
    """The JSON value, and the first thing in it that JSON has but a message may not (or `None`).

    Duplicate keys (the first one stands), numbers that no float or 64-bit integer holds, NaN and Infinity leave the
    value readable, so that the answer can name the message it is about. Raises InvalidRequest where there is no value.
    """
    flaws: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        value: dict[str, object] = {}
        for key, item in pairs:
            if key in value:
                flaws.append("a key stands twice in one object")
            value.setdefault(key, item)
        return value

    def constant(name: str) -> None:
        flaws.append(f"{name} is not JSON")

    def integer(digits: str) -> int:
        if len(digits.lstrip("-")) > MAX_DIGITS:
            flaws.append("a number is out of range")
            return 0
        return int(digits)

    def fraction(digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            flaws.append("a number is out of range")
        return number

    try:
        value: object = json.loads(
            text, object_pairs_hook=members, parse_constant=constant, parse_int=integer, parse_float=fraction
        )
    except RecursionError:
        raise InvalidRequest("the message is nested too deeply") from None
    except ValueError as error:
        raise InvalidRequest(f"the message is not JSON: {error}" if text else "the message is empty") from None
    return value, flaws[0] if flaws else None


class _Library:
    """An instance of the library's module of our own, whose `sys` has the streams that we give it.

    The process's own `sys.stdout` stays as it is: another thread may print at the same time.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec("nativemessaging.nativemessaging")
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError("nativemessaging-ng is not installed")
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)
        self._streams = SimpleNamespace(stdin=SimpleNamespace(buffer=None), stdout=SimpleNamespace(buffer=None))
        vars(self._module)["sys"] = self._streams
        self._lock = threading.Lock()

    def receive(self, frame: bytes) -> str:
        with self._lock:
            self._streams.stdin.buffer = io.BytesIO(frame)
            text: str = self._module.get_message_raw()
        return text

    def send(self, text: str) -> bytes:
        with self._lock:
            self._streams.stdout.buffer = frame = io.BytesIO()
            self._module.send_message_raw(text)
        return frame.getvalue()


@functools.cache
def _library() -> _Library:
    return _Library()

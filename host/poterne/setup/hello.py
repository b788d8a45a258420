"""Starting the native host as a browser does, to hear whether it says hello."""

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_LIMIT = 1_048_576
_GOODBYE_SECONDS = 2.0


@dataclass(frozen=True)
class Hello:
    """What the host said first, and after how long."""

    version: str
    protocol: int
    elapsed_ms: float


@dataclass(frozen=True)
class NoHello:
    """Why there was none, in words that complete "the host …"."""

    reason: str


def listen(program: Path, arguments: Sequence[str], *, seconds: float) -> Hello | NoHello:
    """Start the program in its own directory, as browsers do, wait for its first frame, and end it."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(  # noqa: S603
                [str(program), *arguments],
                cwd=program.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except OSError as error:
            return NoHello(f"cannot be started: {error.strerror or error}")
        heard: list[bytes] = []
        # A child of the host may hold the pipe open after the host has gone: only a thread can be left behind then.
        reader = threading.Thread(target=_read_frame, args=(process.stdout, heard), daemon=True)
        reader.start()
        reader.join(seconds)
        elapsed_ms = (time.monotonic() - started) * 1000
        timed_out = reader.is_alive()
        status = _end(process, patient=not timed_out)
        reader.join(_GOODBYE_SECONDS)
        if timed_out:
            return NoHello(f"said nothing within {seconds:g} s")
        return _judge(b"".join(heard), status, elapsed_ms, _last_line(errors))


def _read_frame(pipe: IO[bytes], heard: list[bytes]) -> None:
    with contextlib.suppress(OSError), pipe:
        header = pipe.read(4)
        heard.append(header)
        if len(header) == 4 and (length := struct.unpack("=I", header)[0]) <= _LIMIT:
            heard.append(pipe.read(length))


def _judge(frame: bytes, status: int | None, elapsed_ms: float, complaint: str) -> Hello | NoHello:
    said = f": {complaint}" if complaint else ""
    if not frame:
        return NoHello(f"ended with status {status} before its hello{said}")
    message = _message(frame)
    if not isinstance(message, dict) or message.get("type") != "hello":
        return NoHello(f"wrote something else than a hello: {frame[:40]!r}{said}")
    version, protocol = message.get("version"), message.get("protocol")
    if not isinstance(version, str) or not isinstance(protocol, int):
        return NoHello(f"says hello without its version or protocol: {frame[4:84]!r}")
    return Hello(version, protocol, elapsed_ms)


def _message(frame: bytes) -> Any:
    header, body = frame[:4], frame[4:]
    if len(header) < 4 or struct.unpack("=I", header)[0] != len(body):
        return None
    try:
        return json.loads(body.decode("utf-8"))
    except ValueError:
        return None


def _end(process: subprocess.Popen[bytes], *, patient: bool) -> int | None:
    """End of input, as browsers do it, and after a while by force; the exit status of a host that ended by itself."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    if patient:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(_GOODBYE_SECONDS)
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return None


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read(_LIMIT).decode("utf-8", "replace").strip().splitlines()
    return "".join(character for character in lines[-1] if character.isprintable())[:200] if lines else ""

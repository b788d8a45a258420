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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

_LIMIT = 1_048_576
_GOODBYE_SECONDS = 2.0
_ANSWER_SECONDS = 20.0
# A question that costs nothing and that every whole host refuses: it has loaded all that a check needs by then.
_QUESTION = json.dumps({"type": "cancel", "id": "doctor"}).encode("ascii")


@dataclass(frozen=True)
class Hello:
    """What the host said first, and after how long. `complaint` is what it answered to a first message, in words that
    complete "the host …", where that was not what a whole host answers.
    """

    version: str
    protocol: int
    elapsed_ms: float
    complaint: str | None = None


@dataclass(frozen=True)
class NoHello:
    """Why there was none, in words that complete "the host …"."""

    reason: str


def listen(program: Path, arguments: Sequence[str], *, seconds: float, ask: str | None = None) -> Hello | NoHello:
    """Start the program in its own directory, as browsers do, wait for its first frame, and end it. A host of the
    version `ask` is asked a question too.
    """
    with tempfile.TemporaryFile() as errors:
        started = time.monotonic()
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
        # A child of the host may hold the pipe open after the host has gone: only a thread can be left behind then.
        heard: list[bytes] = []
        first = _reading(process.stdout, heard)
        first.join(seconds)
        elapsed_ms = (time.monotonic() - started) * 1000
        timed_out = first.is_alive()
        message = None if timed_out else _message(b"".join(heard))
        answer: list[bytes] = []
        reading = first
        asked = isinstance(message, dict) and ask is not None and message.get("version") == ask
        if asked and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(struct.pack("=I", len(_QUESTION)) + _QUESTION)
                process.stdin.flush()
            reading = _reading(process.stdout, answer)
            reading.join(max(seconds, _ANSWER_SECONDS))
        status = _end(process, patient=not timed_out)
        reading.join(_GOODBYE_SECONDS)
        if process.stdout is not None and not reading.is_alive():
            process.stdout.close()
        if timed_out:
            return NoHello(f"said nothing within {seconds:g} s")
        found = _judge(b"".join(heard), status, elapsed_ms, _last_line(errors))
        if asked and isinstance(found, Hello):
            return replace(found, complaint=_complaint(b"".join(answer), _last_line(errors)))
        return found


def _reading(pipe: IO[bytes] | None, heard: list[bytes]) -> threading.Thread:
    thread = threading.Thread(target=_read_frame, args=(pipe, heard), daemon=True)
    thread.start()
    return thread


def _read_frame(pipe: IO[bytes], heard: list[bytes]) -> None:
    with contextlib.suppress(OSError, ValueError):
        header = pipe.read(4)
        heard.append(header)
        if len(header) == 4 and (length := struct.unpack("=I", header)[0]) <= _LIMIT:
            heard.append(pipe.read(length))


def _complaint(frame: bytes, complaint: str) -> str | None:
    message = _message(frame)
    if not isinstance(message, dict):
        return f"answers nothing after its hello{f': {complaint}' if complaint else ''}"
    if message.get("type") == "error" and message.get("code") == "invalid-message":
        return None
    return f"is not whole: {str(message.get('message', message))[:300]}"


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

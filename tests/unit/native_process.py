"""Starts the native host as a browser would, and speaks frames with it."""

import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.waiting import ready

HOST_ROOT = Path(__file__).parents[2] / "host"
MODULE = ("-m", "poterne.native")
MOZILLA_ARGUMENTS = ("/usr/lib/mozilla/native-messaging-hosts/org.poterne.host.json", "poterne@poterne.org")
PATIENCE = 20.0
_BUSY = 5

SCRIPTED = """
import asyncio, os, sys, threading, time
sys.path.insert(0, sys.argv[1])
from poterne import native

def load():
    from poterne.errors import Forbidden, InvalidTarget
    from poterne.report import FindingEvent, Finding, ReportEvent, Report, Settings, Target, Verdict

    def finding(code):
        return FindingEvent(finding=Finding(code=code, severity="note", confidence="certain"))

    def report(request, **more):
        verdict = Verdict(code="ok", severity="good", confidence="certain")
        return ReportEvent(report=Report(
            version="0", target=Target(input=request.target, kind="domain"), verdict=verdict, findings=(),
            settings=Settings(), observations=(), started_at="2026-01-01T00:00:00Z", elapsed_ms=1, **more))

    async def check(request):
        print("a stray line")
{body}
    return check

native.main(sys.argv[2:], load)
"""


def frame(value: object) -> bytes:
    """The frame of any JSON value, or of the very bytes given."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("@I", len(body)) + body


def check(identifier: str, target: str = "example.org", **more: object) -> dict[str, object]:
    return {"type": "check", "id": identifier, "target": target, **more}


def scripted(body: str) -> tuple[str, ...]:
    """Interpreter arguments of a host whose checks run this body, an async generator's with `request`."""
    indented = "\n".join(f"        {line}" for line in body.strip("\n").splitlines())
    return ("-c", SCRIPTED.replace("{body}", indented), str(HOST_ROOT))


class HostProcess:
    """A running host; on leaving, one that still runs is killed."""

    def __init__(
        self,
        start: Sequence[str] = MODULE,
        arguments: Sequence[str] = MOZILLA_ARGUMENTS,
        *,
        interpreter: Sequence[str] = (sys.executable,),
    ) -> None:
        environment = {**os.environ, "PYTHONPATH": str(HOST_ROOT)}
        self.process = subprocess.Popen(  # noqa: S603
            [*interpreter, *start, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin = self.process.stdin
        self.stdout = self.process.stdout.fileno()
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            if not stream.closed:
                with suppress(BrokenPipeError):
                    stream.close()

    def send(self, *values: object) -> None:
        self.write(b"".join(map(frame, values)))

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.stdin.fileno(), rest) :]

    def receive(self) -> dict[str, Any]:
        """The next message. Fails where none comes, or where the stream is not made of frames."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if len(self._buffer) >= 4:
                (length,) = struct.unpack("@I", self._buffer[:4])
                assert length <= 1_048_576, f"not a frame: {self._buffer[:80]!r}"
                if len(self._buffer) >= 4 + length:
                    body, self._buffer = self._buffer[4 : 4 + length], self._buffer[4 + length :]
                    message: dict[str, Any] = json.loads(body, parse_constant=_no_constant)
                    return message
            spoke = ready([self.stdout], max(0.0, deadline - time.monotonic()))
            assert spoke, "the host says nothing"
            chunk = os.read(self.stdout, 65_536)
            if not chunk:
                raise EOFError(f"the host ended, {len(self._buffer)} bytes into a frame")
            self._buffer += chunk

    def receive_all(self) -> list[dict[str, Any]]:
        """Every message until the end of the stream, which must not cut one short."""
        return list(self._messages())

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                yield self.receive()
            except EOFError:
                assert not self._buffer, f"stray bytes: {self._buffer[:80]!r}"
                return

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def errors(self) -> str:
        """All of standard error, once the process has ended."""
        assert self.process.stderr
        return self.process.stderr.read().decode()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails where it takes longer, by the host's own clocks: those end in half of that, and what hinders the end would
    last for a minute. A busy machine may need a multiple to let the process run at all.
    """
    start = time.monotonic()
    yield
    elapsed = time.monotonic() - start
    assert elapsed < seconds * _BUSY, f"took {elapsed:.2f} s"


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} on the wire")

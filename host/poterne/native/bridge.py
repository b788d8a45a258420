"""The browser's two pipes on one side, the session's event loop on the other.

The main thread reads and takes signals, a second one imports what a check needs and then runs the event loop, a third
one writes. Each can therefore end the process within its second, whatever the others are blocked in.
"""

import asyncio
import contextlib
import json
import math
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from poterne.native import frames

if TYPE_CHECKING:
    from poterne.native.session import Check, Session

GRACE_SECONDS = 0.5
"""For checks to be cancelled and last messages to be written, once the browser has gone."""

LOST_STREAM_GRACE_SECONDS = 3.0
"""The browser is still there to be told what is wrong, perhaps while the imports go on."""

MAX_WAITING_FRAMES = 8
MAX_UNWRITTEN_BYTES = 1 << 20
HANG_UP_POLL_SECONDS = 0.1

SWITCH_SECONDS = 0.001
"""How long the event loop may keep the interpreter, busy with handshakes, from the thread that writes a result."""


class FrameWriter:
    """Writes frames in order, from a thread of its own, to a pipe that may be full for ever.

    `broken` is called once, in a thread of its own, when the other end has gone; what follows is thrown away.
    """

    def __init__(self, descriptor: int, loop: asyncio.AbstractEventLoop, broken: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._loop = loop
        self._broken = broken
        self._frames: SimpleQueue[bytes] = SimpleQueue()
        self._unwritten = 0
        self._progress = asyncio.Event()
        threading.Thread(target=self._write_all, name="writer", daemon=True).start()

    async def send(self, frame: bytes) -> None:
        """Take a frame; waits first while more than `MAX_UNWRITTEN_BYTES` are unwritten."""
        await self._until_unwritten(MAX_UNWRITTEN_BYTES)
        self._unwritten += len(frame)
        self._frames.put(frame)

    async def flush(self) -> None:
        """Until everything is written, or thrown away."""
        await self._until_unwritten(0)

    async def _until_unwritten(self, most: int) -> None:
        while self._unwritten > most:
            self._progress.clear()
            await self._progress.wait()

    def _write_all(self) -> None:
        whole = True
        while True:
            frame = self._frames.get()
            if whole:
                try:
                    write_whole(self._descriptor, frame)
                except OSError:
                    whole = False
                    threading.Thread(target=self._broken, name="broken", daemon=True).start()
            self._loop.call_soon_threadsafe(self._written, len(frame))

    def _written(self, size: int) -> None:
        self._unwritten -= size
        self._progress.set()


class Bridge:
    """Reads frames from one descriptor and answers on the other until the browser goes, then ends the process.

    `load` is called in the event loop's thread and returns what runs a check; where it raises, the browser is told and
    the process ends with status 1.
    """

    def __init__(self, source: int, sink: int, load: "Callable[[], Check]") -> None:
        self._source = source
        self._sink = sink
        self._load = load
        self._loop = asyncio.new_event_loop()
        self._inbox: asyncio.Queue[bytes | frames.FrameTooLarge | None] = asyncio.Queue()
        self._slots = threading.Semaphore(MAX_WAITING_FRAMES)
        self._session: Session | None = None
        self._received = False
        self._deadline: float | None = None
        self._ending = threading.Lock()
        self._finished = threading.Event()

    def run(self, end_signals: Sequence[int]) -> NoReturn:
        """Serve until the end of input, one of these signals, a broken pipe or a lost stream."""
        sys.setswitchinterval(SWITCH_SECONDS)
        for number in end_signals:
            signal.signal(number, lambda *_: self.end(0))
        threading.Thread(target=self._serve, name="checks", daemon=True).start()
        try:
            for frame in frames.read_frames(lambda size: os.read(self._source, size)):
                if not self._hand_over(frame):
                    break
        except frames.FrameTooLarge as error:
            self._hand_over(error)
            self.end(1, LOST_STREAM_GRACE_SECONDS)
        except OSError:
            traceback.print_exc()
        self.end(0)
        # Another thread is already ending the process.
        while True:
            time.sleep(GRACE_SECONDS)

    def end(self, status: int, grace: float = GRACE_SECONDS) -> None:
        """Cancel every check, let the last messages be written, and leave within `grace` seconds, whatever is blocked.

        Returns only where an end is under way already, which is so in a second signal's handler.
        """
        if not self._ending.acquire(blocking=False):
            return
        self._set_deadline(grace)
        if self._received:
            self._loop.call_soon_threadsafe(self._stop)
            self._finished.wait(self._remaining())
        leave(status)

    def _set_deadline(self, grace: float) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + grace

    def _remaining(self) -> float:
        return max(0.0, self._deadline - time.monotonic()) if self._deadline is not None else math.inf

    def _hand_over(self, item: "bytes | frames.FrameTooLarge") -> bool:
        """Give a frame to the session once it has room; False where the browser has gone in the meantime."""
        while not self._slots.acquire(timeout=HANG_UP_POLL_SECONDS):
            if hung_up(self._source):
                self._set_deadline(GRACE_SECONDS)
            if self._remaining() <= 0:
                return False
        self._received = True
        self._loop.call_soon_threadsafe(self._inbox.put_nowait, item)
        return True

    def _stop(self) -> None:
        self._inbox.put_nowait(None)
        if self._session is not None:
            self._session.stop()

    def _serve(self) -> None:
        try:
            from poterne.native.session import Session

            check = self._load()
        except Exception as error:
            traceback.print_exc()
            self._report_broken(error)
            self._finished.set()
            self.end(1)
            return
        writer = FrameWriter(self._sink, self._loop, lambda: self.end(0))
        self._session = Session(check, writer.send)
        try:
            self._loop.run_until_complete(self._converse(self._session, writer))
        except BaseException:
            traceback.print_exc()
            leave(1)

    async def _converse(self, session: "Session", writer: FrameWriter) -> None:
        while (item := await self._inbox.get()) is not None:
            if isinstance(item, bytes):
                await session.receive(item)
            else:
                await session.refuse(None, item.code, str(item))
            self._slots.release()
        session.stop()
        await session.wait()
        await writer.flush()
        self._finished.set()

    def _report_broken(self, error: Exception) -> None:
        """Tell the browser without the model, which may be what is missing."""
        reason = f"the host is not completely installed: {type(error).__name__}: {error}"
        text = json.dumps({"type": "error", "id": None, "code": "internal", "message": " ".join(reason.split())})
        try:
            write_whole(self._sink, frames.pack(text))
        except OSError:
            return


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it, however little the pipe takes at a time. Raises OSError where the other end has gone."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def hung_up(descriptor: int) -> bool:
    """Whether the writing end is closed, though what it wrote has not all been read."""
    if sys.platform == "win32":
        import _winapi
        import msvcrt

        try:
            _winapi.PeekNamedPipe(msvcrt.get_osfhandle(descriptor), 0)
        except OSError:
            return True
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0))


def leave(status: int) -> NoReturn:
    """End the process now: the interpreter's own way out would wait for threads, and name look-ups block in some."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(status)

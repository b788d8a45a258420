"""How many checks one user may begin in a minute, counted across processes: a host that is started anew begins no new
count.
"""

import asyncio
import contextlib
import errno
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from poterne.errors import Forbidden
from poterne.policy import files, locks

RULE = "allow.checks_per_minute"
WINDOW_SECONDS = 60.0
MAX_BYTES = 1 << 16
PATIENCE_SECONDS = 2.0
"""For another process that is counting, which takes it less than a millisecond: it is held to be stuck then."""

_PAUSE = 0.01


class Held(Forbidden):
    """Another process is counting at this moment."""


def place() -> Path:
    """The file of one user that counts; it lies where nothing outlives the session, if there is such a place. Raises
    OSError where there is no place at all, or where that cannot be seen.
    """
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / "poterne-checks"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute() and Path(runtime).is_dir():
        return Path(runtime) / "poterne-checks"
    return Path(tempfile.gettempdir()) / f"poterne-checks-{os.getuid()}"


async def begin(limit: int | None, path: Path | None = None) -> None:
    """Count a check that begins, once no other process is counting; the loop goes on meanwhile. Raises Forbidden as
    `count` does, Held after PATIENCE_SECONDS.
    """
    # No thread waits for the lock: one that waits in the kernel for a process that is stuck keeps this one from ending.
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_SECONDS
    while True:
        try:
            count(limit, path)
        except Held:
            if loop.time() >= end:
                raise
        else:
            return
        await asyncio.sleep(_PAUSE)


def count(limit: int | None, path: Path | None = None, now: float | None = None) -> None:
    """Count a check that begins. Raises Forbidden where the limit is reached, or where nothing can be counted; Held
    where another process is counting. Waits for nobody.
    """
    if limit is None:
        return
    now = time.time() if now is None else now
    where = ""
    try:
        path = path or place()
        where = f" in {path}"
        with _opened(path) as file, locks.held(file) as alone:
            if not alone:
                raise Held(f"checks cannot be counted{where}: another program holds the count ({RULE})", RULE)
            wait = _counted(file, limit, now)
    except OSError as error:
        raise Forbidden(f"checks cannot be counted{where}: {error.strerror or error} ({RULE})", RULE) from None
    if wait is not None:
        some = "1 check" if limit == 1 else f"{limit} checks"
        raise Forbidden(f"this machine's policy allows {some} a minute; the next in {wait} s ({RULE})", RULE)


def forget() -> None:
    """Remove the count of this user."""
    with contextlib.suppress(OSError):
        place().unlink()


def _counted(file: int, limit: int, now: float) -> int | None:
    """Write one more moment, or give the seconds until there is room for one."""
    known = _moments(os.read(file, MAX_BYTES + 1))
    if known is None:
        # What was counted is not known. It may have been the limit, so it is; in a minute it has healed.
        _rewrite(file, [now] * limit)
        raise OSError(errno.EBADMSG, f"what was counted cannot be read; the next check in {WINDOW_SECONDS:.0f} s")
    # The clock has been set back since a moment that is still to come. That check has begun, just now at the latest: so
    # setting the clock gains nobody anything, and nobody waits for longer than a minute.
    recent = sorted(min(moment, now) for moment in known if moment > now - WINDOW_SECONDS)
    if len(recent) < limit:
        _rewrite(file, [*recent, now])
        return None
    if any(moment > now for moment in known):
        _rewrite(file, recent)
    return max(1, round(recent[-limit] + WINDOW_SECONDS - now))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Nobody else may have put a link, a pipe or a file of theirs there: the directory may be everybody's.
    file = files.open_regular(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0))
    try:
        if sys.platform != "win32":
            found = os.fstat(file)
            if found.st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "the file belongs to somebody else")
            if found.st_nlink > 1:
                raise PermissionError(errno.EPERM, "the file has another name, under which it may be another's")
        yield file
    finally:
        os.close(file)


def _moments(raw: bytes) -> list[float] | None:
    """The moments that were written; none in a new file. `None` for anything but what is written here."""
    if not raw:
        return []
    try:
        listed = json.loads(raw) if len(raw) <= MAX_BYTES else None
        if not isinstance(listed, list) or any(type(moment) not in (int, float) for moment in listed):
            return None
        moments = [float(moment) for moment in listed]
    except (ValueError, OverflowError, RecursionError):
        return None
    return moments if all(map(math.isfinite, moments)) else None


def _rewrite(file: int, moments: list[float]) -> None:
    """Never empties the file first: what is cut short, on a full disk, must not read as a new count."""
    raw = json.dumps(moments).encode("ascii")
    os.lseek(file, 0, os.SEEK_SET)
    written = os.write(file, raw)
    os.ftruncate(file, written)
    if written < len(raw):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

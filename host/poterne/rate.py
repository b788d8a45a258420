"""How many checks one user may begin in a minute, counted across processes: a host that is started anew begins no new
count.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from poterne.errors import Forbidden

RULE = "allow.checks_per_minute"
WINDOW_SECONDS = 60.0
MAX_BYTES = 1 << 16


def place() -> Path:
    """The file of one user that counts; it lies where nothing outlives the session, if there is such a place."""
    if sys.platform == "win32":
        return Path(tempfile.gettempdir()) / "poterne-checks"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute() and Path(runtime).is_dir():
        return Path(runtime) / "poterne-checks"
    return Path(tempfile.gettempdir()) / f"poterne-checks-{os.getuid()}"


def count(limit: int | None, path: Path | None = None, now: float | None = None) -> None:
    """Count a check that begins. Raises Forbidden where the limit is reached, or where nothing can be counted."""
    if limit is None:
        return
    now = time.time() if now is None else now
    path = path or place()
    try:
        with _locked(path) as file:
            recent = [moment for moment in _moments(os.read(file, MAX_BYTES)) if now - WINDOW_SECONDS < moment <= now]
            if len(recent) < limit:
                _rewrite(file, [*recent, now])
                return
    except OSError as error:
        raise Forbidden(f"checks cannot be counted in {path}: {error.strerror or error} ({RULE})", RULE) from None
    some = "1 check" if limit == 1 else f"{limit} checks"
    wait = max(1, round(recent[0] + WINDOW_SECONDS - now))
    raise Forbidden(f"this machine's policy allows {some} a minute; the next in {wait} s ({RULE})", RULE)


def forget() -> None:
    """Remove the count of this user."""
    with contextlib.suppress(OSError):
        place().unlink()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    # Nobody else may have put a link or a file of theirs there: the directory may be everybody's.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    file = os.open(path, flags, 0o600)
    try:
        if sys.platform != "win32":
            import fcntl

            if os.fstat(file).st_uid != os.geteuid():
                raise PermissionError(1, "the file belongs to somebody else")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _moments(raw: bytes) -> list[float]:
    try:
        listed = json.loads(raw or b"[]")
    except (ValueError, RecursionError):
        return []
    return [float(moment) for moment in listed if isinstance(moment, int | float)] if isinstance(listed, list) else []


def _rewrite(file: int, moments: list[float]) -> None:
    os.lseek(file, 0, os.SEEK_SET)
    os.ftruncate(file, 0)
    os.write(file, json.dumps(moments).encode("ascii"))

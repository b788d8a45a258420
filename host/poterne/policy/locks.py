"""One process at a time: the lock of an open file, for which nobody waits here."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Windows locks bytes, and keeps others from reading them: one that is never written.
_FAR = 1 << 30


@contextmanager
def held(file: int) -> Iterator[bool]:
    """Whether the lock of an open file was free; where it was, it is held meanwhile. Each opening of a file counts for
    itself, also within one process. Raises OSError where files cannot be locked.
    """
    taken = _take(file)
    try:
        yield taken
    finally:
        if taken:
            _leave(file)


if sys.platform == "win32":
    import errno
    import msvcrt

    def _take(file: int) -> bool:
        try:
            _at_the_byte(file, msvcrt.LK_NBLCK)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLOCK):
                return False
            raise
        return True

    def _leave(file: int) -> None:
        _at_the_byte(file, msvcrt.LK_UNLCK)

    def _at_the_byte(file: int, mode: int) -> None:
        before = os.lseek(file, 0, os.SEEK_CUR)
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, mode, 1)
        finally:
            os.lseek(file, before, os.SEEK_SET)

else:
    import fcntl

    def _take(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _leave(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

"""Files that decide something: what is not there is told from what cannot be seen, and nothing is waited for."""

import errno
import os
import stat
from pathlib import Path

_WITHOUT_WAITING = (
    getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)


def is_absent(path: Path) -> bool:
    """Whether nothing stands at an absolute path, link or other, nor below a folder that is missing.

    Raises OSError, whose `filename` is the culprit, where that cannot be known: a folder on the way may not be entered,
    is no folder, or is a link that leads nowhere; the path's own end is one.
    """
    for part in (*reversed(path.parents), path):
        try:
            part.lstat()
        except OSError as error:
            if _says_missing(error):
                return True
            raise _in_words(error, part) from None
        try:
            seen = part.stat()
        except FileNotFoundError:
            # lstat has seen it: a link, or a junction of Windows.
            raise FileNotFoundError(errno.ENOENT, f"the link {part} leads nowhere", str(part)) from None
        except OSError as error:
            said = f"the link {part} cannot be followed: {error.strerror or error}"
            raise type(error)(error.errno, said, str(part)) from None
        if part != path and not stat.S_ISDIR(seen.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, f"{part} is not a folder", str(part))
    return False


def seems_there(path: Path) -> bool:
    """Whether something stands at a path, or may stand where it cannot be seen. Never raises."""
    try:
        return not is_absent(path)
    except OSError:
        return True
    except ValueError:
        # A name with a NUL is no file's.
        return False


def open_regular(path: Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """A descriptor of a regular file. Raises OSError for anything else: nobody waits for the other end of a FIFO."""
    try:
        file = os.open(path, flags | _WITHOUT_WAITING, mode)
    except OSError as error:
        if error.errno == errno.ENXIO:
            # A socket, or a FIFO that nobody reads (open(2)).
            raise _irregular(path) from None
        raise
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise _irregular(path)
    return file


def read(path: Path, most: int) -> bytes:
    """All of a regular file. Raises OSError, also where it has more than `most` bytes."""
    with os.fdopen(open_regular(path), "rb") as file:
        raw = file.read(most + 1)
    if len(raw) > most:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
    return raw


def _irregular(path: Path) -> OSError:
    return OSError(errno.EINVAL, "not a regular file", str(path))


def _says_missing(error: OSError) -> bool:
    # Python makes ENOENT of several errors of Windows, a network's that is down among them: only ERROR_FILE_NOT_FOUND
    # and ERROR_PATH_NOT_FOUND say that nothing is there.
    return error.errno == errno.ENOENT and getattr(error, "winerror", None) in (None, 2, 3)


def _in_words(error: OSError, part: Path) -> OSError:
    """The same fault, of the folder that is to blame, in words that stand alone."""
    if isinstance(error, PermissionError):
        return PermissionError(error.errno, f"this user may not enter {part.parent}", str(part.parent))
    return OSError(error.errno, f"{part} cannot be seen: {error.strerror or error}", str(part))

"""Files that are replaced whole, and keep whom they belong to and who may read them."""

import errno
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Neither is worth more than a failure says: another place for the temporary file is tried.
_ELSEWHERE = frozenset({errno.EXDEV, errno.EROFS, errno.EACCES, errno.EPERM})
_TEMPORARY = ".poterne.new"


@dataclass(frozen=True)
class Attributes:
    """Of a file: its mode, owner and group (`None`: whoever makes it), and extended attributes (ACLs, SELinux; `None`:
    what the folder gives).
    """

    mode: int = 0o644
    owner: tuple[int, int] | None = None
    extended: Mapping[str, bytes] | None = None

    @classmethod
    def of(cls, path: Path) -> "Attributes":
        """Of what a link leads to, too. Raises OSError."""
        found = path.stat()
        extended: dict[str, bytes] = {}
        if sys.platform == "linux":
            try:
                extended = {name: os.getxattr(path, name) for name in os.listxattr(path)}
            except OSError as error:
                if error.errno != errno.ENOTSUP:
                    raise
        return cls(stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid), extended)

    @property
    def public(self) -> bool:
        """Whether every user may read it."""
        return bool(self.mode & stat.S_IROTH)

    def give(self, handle: int) -> None:
        """To an open file. Raises OSError."""
        if sys.platform == "win32":
            return
        if self.owner is not None:
            os.fchown(handle, *self.owner)
        os.fchmod(handle, self.mode)
        if sys.platform == "linux" and self.extended is not None:
            for name in _names(handle):
                if name not in self.extended:
                    os.removexattr(handle, name)
            for name, value in self.extended.items():
                # What the folder's own rules give a new file already may not be given again by everybody.
                if _extended(handle, name) != value:
                    os.setxattr(handle, name, value)


def replace(path: Path, data: bytes, attributes: Attributes, temporary: Sequence[Path]) -> None:
    """Replace the file, which is no link, whole or not at all: written as the first of the temporary files that can be
    moved there. Raises OSError.
    """
    for last, place in enumerate(temporary, start=1 - len(temporary)):
        try:
            _write(place, data, attributes)
            place.replace(path)
        except BaseException as error:
            place.unlink(missing_ok=True)
            if not last or not isinstance(error, OSError) or error.errno not in _ELSEWHERE:
                raise
        else:
            _settle(path.parent)
            return


def remove(path: Path) -> None:
    """Remove the file, if it is there. Raises OSError."""
    path.unlink(missing_ok=True)
    _settle(path.parent)


def temporaries(path: Path) -> Sequence[Path]:
    """Where a policy file is written before it takes its place: beside its folder, since Chromium reads all that lies
    in there; in the folder where the two are on different file systems.
    """
    folder = path.parent
    return (folder.parent / _TEMPORARY, folder / _TEMPORARY)


def _write(path: Path, data: bytes, attributes: Attributes) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        attributes.give(handle)
        os.fsync(handle)


def _names(handle: int) -> list[str]:
    if sys.platform == "linux":
        try:
            return os.listxattr(handle)
        except OSError as error:
            if error.errno != errno.ENOTSUP:
                raise
    return []


def _extended(handle: int, name: str) -> bytes | None:
    if sys.platform == "linux":
        try:
            return os.getxattr(handle, name)
        except OSError:
            return None
    return None


def _settle(folder: Path) -> None:
    """A folder's names outlive a power cut once the folder itself is written."""
    if sys.platform != "win32" and folder.is_dir():
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

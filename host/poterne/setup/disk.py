"""Files that are written whole or not at all, and directories that are only removed by who made them."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from poterne.errors import SetupError


# nativemessaging.install.write_manifest truncates in place, in the locale's encoding and with the umask's mode.
def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace the file by UTF-8 text with this mode, then read it back; raises SetupError."""
    data = text.encode("utf-8")
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        if path.read_bytes() != data:
            raise SetupError(f"{path}: what was written cannot be read back")
    except OSError as error:
        raise cannot("write", path, error) from error


def read(path: Path) -> bytes | None:
    """The file's bytes, `None` where there is none; raises SetupError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot("read", path, error) from error


def remove(path: Path) -> bool:
    """Remove the file; whether there was one; raises SetupError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise cannot("remove", path, error) from error
    return True


def make_directory(path: Path, *, public: bool) -> list[Path]:
    """Make a directory and its parents, and give those that were missing, the outermost first; raises SetupError.

    `public` lets everybody read them, whatever the umask.
    """
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    made: list[Path] = []
    try:
        for directory in reversed(missing):
            directory.mkdir(exist_ok=True)
            made.append(directory)
            if public:
                directory.chmod(0o755)
    except OSError as error:
        raise cannot("make", path, error) from error
    return made


class Ledger:
    """The directories that were made, kept beside the launcher so that `uninstall` takes away these and no others."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "directories.json"

    def add(self, directories: Sequence[Path]) -> None:
        """Remember more of them; raises SetupError."""
        known = self._read()
        new = [str(directory) for directory in directories if str(directory) not in known]
        if new:
            self._write([*known, *new])

    def prune(self, *, last: bool) -> None:
        """Remove those that are empty, the innermost first; the last time, forget the others."""
        directories = sorted(self._read(), key=len, reverse=True)
        if last:
            remove(self.path)
        left = [directory for directory in directories if not _remove_empty(Path(directory))]
        if directories and not last:
            self._write(left[::-1])

    def _read(self) -> list[str]:
        data = read(self.path)
        if data is None:
            return []
        try:
            listed = json.loads(data)
        except ValueError:
            return []
        return [entry for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []

    def _write(self, directories: Sequence[str]) -> None:
        write(self.path, json.dumps(directories, indent=2, ensure_ascii=False) + "\n")


def _remove_empty(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def cannot(action: str, path: Path | str, error: OSError) -> SetupError:
    """One line that says what could not be done, and why."""
    return SetupError(f"cannot {action} {path}: {error.strerror or error}")

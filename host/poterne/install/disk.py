"""Files that are written whole or not at all, and directories that are only removed by who made them."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from poterne.errors import SetupError
from poterne.policy import files

MAX_BYTES = 8 << 20
"""Of what is read whole: manifests, launchers and browsers' policies are kilobytes."""


# nativemessaging.install.write_manifest truncates in place, in the locale's encoding and with the umask's mode.
def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Replace the file by UTF-8 text with this mode, then read it back; raises SetupError."""
    write_bytes(path, text.encode("utf-8"), mode=mode)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace the file by bytes with this mode, then read it back; raises SetupError."""
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
        return files.read(path, MAX_BYTES)
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


def closed_to_others(path: Path) -> Path | None:
    """The first directory on the way, or the file itself, that not every user may enter or execute; None: all may."""
    for part in (*reversed(path.resolve().parents), path.resolve()):
        try:
            if not part.stat().st_mode & 0o001:
                return part
        except PermissionError:
            return part.parent
        except OSError:
            return None
    return None


def make_directory(path: Path, *, public: bool) -> list[Path]:
    """Make a directory and its parents, and give those that were missing, the outermost first; raises SetupError.

    `public` lets everybody read them, whatever the umask.
    """
    made: list[Path] = []
    try:
        missing = [parent for parent in (path, *path.parents) if not parent.exists()]
        for directory in reversed(missing):
            directory.mkdir(exist_ok=True)
            made.append(directory)
            if public:
                directory.chmod(0o755)
    except OSError as error:
        raise cannot("make", path, error) from error
    return made


class Ledger:
    """What registrations made, kept beside the launcher: the directories, so that `uninstall` takes away these and no
    others, and the browsers that were asked for, since some share a place.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / "registered.json"

    @property
    def browsers(self) -> list[str]:
        """The names of those that are registered."""
        return self._read("browsers")

    def add(self, directories: Sequence[Path], browsers: Sequence[str] = ()) -> None:
        """Remember more of them; raises SetupError."""
        known = {"directories": self._read("directories"), "browsers": self._read("browsers")}
        found = {"directories": [str(directory) for directory in directories], "browsers": list(browsers)}
        both = {key: list(dict.fromkeys([*known[key], *found[key]])) for key in known}
        if both != known:
            self._write(both)

    def forget(self, browsers: Sequence[str], *, last: bool) -> None:
        """Remove the directories that are empty, the innermost first; the last time, forget everything."""
        directories = self._read("directories")
        left = [name for name in self._read("browsers") if name not in browsers]
        existed = read(self.path) is not None
        if last:
            remove(self.path)
        kept = [
            directory for directory in sorted(directories, key=len, reverse=True) if not _remove_empty(Path(directory))
        ]
        if existed and not last:
            self._write({"directories": kept[::-1], "browsers": left})

    def _read(self, key: str) -> list[str]:
        """Raises SetupError for what `_write` did not write: if it were written over, nobody knew what to remove."""
        data = read(self.path)
        if data is None:
            return []
        try:
            listed = json.loads(data)[key]
            if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
                raise ValueError("no list of texts")  # noqa: TRY301 (one answer to every fault)
        except (ValueError, LookupError, TypeError, RecursionError):
            raise SetupError(f"{self.path} is not what Poterne wrote there: remove it, and try again") from None
        return listed

    def _write(self, known: Mapping[str, Sequence[str]]) -> None:
        write(self.path, json.dumps(known, indent=2, ensure_ascii=False) + "\n")


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

"""What was changed in browsers' policy files, so that it can be taken back, wherever the change was cut short."""

import contextlib
import errno
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from poterne.errors import SetupError
from poterne.install import attributes, browsers, disk, launcher, policy_files
from poterne.install.attributes import Attributes
from poterne.install.machine import Machine
from poterne.install.register import POLICIES
from poterne.policy import files

# Whatever is written has to be read again, or nobody could take it back.
MAX_BYTES = 256 << 20
Change = Literal["written", "unchanged", "removed", "restored", "left"]


@dataclass(frozen=True)
class Entry:
    """One file, without links. `text` and `before`: what it is without Poterne (None: it is not there), as text and as
    policies; `replaced`: what stood there when it was last written; `wrote`: what was written then; `added` and
    `owned`: the part of it that is Poterne's.
    """

    text: str | None
    before: dict[str, Any]
    replaced: str | None
    wrote: str
    added: dict[str, Any]
    owned: frozenset[tuple[str, ...]] = frozenset()

    @classmethod
    def of(cls, entry: dict[str, Any]) -> "Entry":
        """Raises KeyError, TypeError and ValueError where it is none."""
        text, wrote = entry["text"], entry["wrote"]
        replaced = entry.get("replaced", text)
        owned = frozenset(tuple(str(name) for name in place) for place in entry["owned"])
        made = cls(text, entry["before"], replaced, wrote, entry["added"], owned)
        texts = all(isinstance(each, str | None) for each in (text, replaced)) and isinstance(wrote, str)
        if not (texts and isinstance(made.before, dict) and isinstance(made.added, dict)):
            raise TypeError("a value of another type")
        return made

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "owned": sorted(map(list, self.owned))}


@dataclass
class Ledger:
    """`entries` by path; `directories`: those that were made for it, the outermost first."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, machine: Machine) -> "Ledger":
        """Empty where nothing was written. Raises SetupError: what cannot be read may be all that is left of others'
        files.
        """
        path = browsers.launcher_directory("system", machine) / POLICIES
        try:
            data = files.read(path, MAX_BYTES)
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            raise disk.cannot("read", path, error) from error
        try:
            held = json.loads(data)
            entries = {os.path.realpath(name): Entry.of(entry) for name, entry in held["files"].items()}
            return cls(path, entries, [str(name) for name in held.get("directories", ())])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SetupError(
                f"{path} cannot be understood, and is left as it is: it says what browsers' policies were before"
            ) from None

    def entry(self, path: Path) -> Entry | None:
        return self.entries.get(str(path))

    def save(self) -> None:
        """Raises OSError."""
        held = {
            "files": {name: entry.as_json() for name, entry in self.entries.items()},
            "directories": self.directories,
        }
        # It holds what files say that not every user may read.
        private = Attributes(mode=0o600)
        data = json.dumps(held, indent=2).encode() + b"\n"
        if len(data) > MAX_BYTES:
            raise OSError(
                errno.EFBIG, f"the record of what was there before would be larger than {MAX_BYTES >> 20} MiB"
            )
        attributes.replace(self.path, data, private, [self.temporary])

    @property
    def temporary(self) -> Path:
        return self.path.with_name(f".{POLICIES}.new")

    def make(self, folder: Path) -> None:
        """Make a folder and those above it, once it is written down that they are ours. Raises OSError."""
        missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)][::-1]
        if not missing:
            return
        self.directories += [str(each) for each in missing]
        if self.path.parent.is_dir():
            self.save()
        for each in missing:
            each.mkdir()
            each.chmod(0o755)


@dataclass(frozen=True)
class Step:
    """One file: what is there (`None`: nothing), what is to be there, and what the ledger says of it afterwards.
    `notes`: what an administrator has to know of it.
    """

    path: Path
    current: bytes | None
    wanted: bytes | None
    attributes: Attributes
    entry: Entry | None
    notes: tuple[str, ...] = ()


def carry_out(steps: Sequence[Step], ledger: Ledger) -> None:
    """Do every step or none. The ledger speaks of a file before the file is touched. Raises SetupError."""
    before = replace(ledger, entries=dict(ledger.entries), directories=list(ledger.directories))
    existed = os.path.lexists(ledger.path)
    done: list[Step] = []
    try:
        ledger.make(ledger.path.parent)
        for step in steps:
            check_unchanged(step)
            done.append(step)
            _take(step, ledger)
        ledger.save()
    except BaseException as error:
        reason = _words(error)
        if isinstance(error, OSError):
            reason = f"cannot write {done[-1].path if done else ledger.path}: {reason}"
        try:
            _take_back(done, ledger, before if existed else None)
        except (OSError, SetupError) as second:
            left = f"{reason}; taking it back failed too ({_words(second)}): run poterne policy remove"
            raise SetupError(left) from error
        if isinstance(error, OSError | SetupError):
            raise SetupError(f"{reason}; nothing was written") from error
        raise


def check_unchanged(step: Step) -> None:
    """Raises SetupError where a file is not any more what was judged."""
    if policy_files.read(step.path) != step.current:
        raise SetupError(f"{step.path} has been changed in the meantime")


def _take(step: Step, ledger: Ledger) -> None:
    if step.entry is not None:
        ledger.entries[str(step.path)] = step.entry
        ledger.save()
    if step.wanted != step.current:
        if step.wanted is None:
            attributes.remove(step.path)
        else:
            ledger.make(step.path.parent)
            attributes.replace(step.path, step.wanted, step.attributes, attributes.temporaries(step.path))
    if step.entry is None and ledger.entries.pop(str(step.path), None) is not None:
        ledger.save()


def _take_back(done: Sequence[Step], ledger: Ledger, before: Ledger | None) -> None:
    for step in reversed(done):
        if step.wanted == step.current:
            continue
        if step.current is None:
            _remove(step.path)
        elif policy_files.read(step.path) != step.current:
            attributes.replace(step.path, step.current, step.attributes, attributes.temporaries(step.path))
    made = [each for each in ledger.directories if before is None or each not in before.directories]
    if before is not None:
        remove_directories(made)
        before.save()
        return
    forget(ledger)
    remove_directories(made)


def put_back(step: Step, ledger: Ledger) -> None:
    """Take one file back, and say so in the ledger. Raises SetupError."""
    check_unchanged(step)
    try:
        _take(step, ledger)
    except OSError as error:
        raise disk.cannot("restore", step.path, error) from error


def clear(paths: Sequence[str]) -> None:
    """Remove what a run that was killed has left beside files. Raises SetupError."""
    for temporary in {place for path in paths for place in attributes.temporaries(Path(path))}:
        try:
            _remove(temporary)
        except OSError as error:
            raise disk.cannot("remove", temporary, error) from error


def forget(ledger: Ledger) -> None:
    """Remove the ledger. Raises OSError."""
    for path in (ledger.temporary, ledger.path):
        _remove(path)


def close(ledger: Ledger, machine: Machine) -> None:
    """Once everything is taken back: remove the ledger and the folders that were made for it. Raises SetupError."""
    folder = ledger.path.parent
    begun = os.path.lexists(ledger.path)
    # The ledger goes once nothing else is left to be found by it.
    remove_directories(ledger.directories)
    try:
        forget(ledger)
    except OSError as error:
        raise disk.cannot("remove", ledger.path, error) from error
    kept = remove_directories(ledger.directories)
    registered = disk.Ledger(folder)
    if registered.browsers:
        # A registration lies in there, and takes them with it.
        registered.add(kept)
    # A launcher lies in one of the directories, whether or not a manifest of ours names it.
    launched = (folder / launcher.file_name(machine.platform)).exists()
    registered.forget((), last=not registered.browsers and not launched)
    if not begun:
        # Killed at its very beginning, a run has made the folder and written nothing down.
        with contextlib.suppress(OSError):
            folder.rmdir()


def remove_directories(directories: Sequence[str]) -> list[Path]:
    """Remove those that are empty, the innermost first; gives the others."""
    kept = []
    for name in sorted(directories, key=len, reverse=True):
        try:
            Path(name).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            kept.append(Path(name))
    return kept[::-1]


def _remove(path: Path) -> None:
    if os.path.lexists(path):
        attributes.remove(path)


def _words(error: BaseException) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else str(error) or type(error).__name__

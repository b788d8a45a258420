"""Command lines that mend what `doctor` finds. Each has to work where it is pasted, and may be run as it stands."""

import os
import shlex
import shutil
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from poterne.install import disk, launcher, ownership
from poterne.install.browsers import Browser
from poterne.install.machine import Level, Machine
from poterne.knowledge import installer
from poterne.policy import files

# Of those that sudo searches (secure_path), where packages put commands.
_PATH_OF_ROOT = "/usr/local/bin:/usr/bin"


class Remedy(NamedTuple):
    """A command line, or `None` and why there is none, in words that end a sentence."""

    line: str | None
    why: str = ""


def install(browser: Browser, level: Level, machine: Machine) -> Remedy:
    """What registers Poterne with a browser."""
    arguments = f"install --browser {browser.name}"
    return as_root(f"{arguments} --system", machine) if level == "system" else Remedy(f"{command(machine)} {arguments}")


def as_root(arguments: str, machine: Machine) -> Remedy:
    """`poterne` with these arguments, run by root; none where root would run what a user can write."""
    if sys.platform == "win32" or machine.platform == "win32" or os.geteuid() == 0:
        return Remedy(f"{command(machine)} {arguments}")
    program = _beside(machine)
    if (place := ownership.writable(machine, program)) is not None:
        return Remedy(None, f"that takes root, and a Poterne that only root can change (a package): {place} is not so")
    found = shutil.which("poterne", path=_PATH_OF_ROOT)
    if found and os.path.realpath(found) == os.path.realpath(program):
        return Remedy(f"sudo poterne {arguments}")
    # Isolated: the current folder, which may be anybody's, holds no modules then.
    known = shlex.quote(str(program)) if program.is_file() else f"{shlex.quote(machine.executable)} -I -m poterne"
    return Remedy(f"sudo {known} {arguments}")


def installed_again(machine: Machine) -> Remedy:
    """What brings a broken program back: a command only where a public index is known to have it."""
    line = installer.table().install.get(machine.platform)
    return Remedy(line or None, "" if line else "install Poterne again, in the way in which it was installed")


def command(machine: Machine) -> str:
    """How a shell finds this very Poterne: by its bare name only where the PATH leads to it."""
    beside = _beside(machine)
    found = shutil.which("poterne", path=machine.environ.get("PATH"))
    if found and Path(found).resolve() == beside.resolve():
        return "poterne"
    if any(not os.access(needed, os.X_OK) for needed in launcher.interpreters(launcher.read(beside))):
        # The command's own interpreter has been moved, this one is here.
        return f"{shlex.quote(machine.executable)} -m poterne"
    return shlex.quote(str(beside)) if os.path.exists(beside) else "poterne"  # noqa: PTH110 (never raises)


def _beside(machine: Machine) -> Path:
    return Path(machine.executable).parent / "poterne"


def opened(path: Path, *, execute: bool = False) -> Remedy:
    """What lets this user read (or execute) a file: its own mode, or that of the folder that keeps them out."""
    culprit = _culprit(path)
    if sys.platform == "win32" or culprit is None:
        return Remedy(None)
    place, found = culprit
    mine = found.st_uid == os.geteuid()
    mode = "a+rx" if execute or stat.S_ISDIR(found.st_mode) else "a+r"
    if mine and stat.S_ISDIR(found.st_mode):
        mode = "u+rx"
    if not mine and os.geteuid() != 0 and ownership.movable(place) is not None:
        # Where a user can put something else in its place, root would open that up.
        return Remedy(None, "it belongs to somebody else")
    sudo = "" if mine or os.geteuid() == 0 else "sudo "
    return Remedy(f"{sudo}chmod {mode} {shlex.quote(str(place))}")


def open_up(path: Path, *, execute: bool = False) -> str | None:
    """Do that, in words; `None` where there is nothing whose mode would do. Raises SetupError."""
    culprit = _culprit(path)
    if culprit is None:
        return None
    place, found = culprit
    folder = stat.S_ISDIR(found.st_mode)
    bits = stat.S_IRUSR | stat.S_IXUSR if folder else 0o555 if execute else 0o444
    try:
        place.chmod(stat.S_IMODE(found.st_mode) | bits)
    except OSError as error:
        raise disk.cannot("change", place, error) from error
    return f"made {place} {'executable' if execute and not folder else 'readable'}"


def _culprit(path: Path) -> tuple[Path, os.stat_result] | None:
    """The file, or the folder on the way that may not be entered; `None` for what no mode mends."""
    is_right = stat.S_ISREG
    try:
        if files.is_absent(path):
            return None
    except PermissionError as error:
        path, is_right = Path(error.filename), stat.S_ISDIR
    except OSError:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return (path, found) if is_right(found.st_mode) else None

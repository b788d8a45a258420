"""What a Flatpak may do outside its sandbox, read from the files of its permissions."""

import configparser
import shlex
from collections.abc import Iterator
from pathlib import Path

from poterne.install.machine import Machine


def may_talk(app: str, bus_name: str, machine: Machine) -> bool:
    """Whether an app may talk to a name on the session bus: its own wish, and the overrides of the system and the user,
    the last of which wins (flatpak-metadata(5), flatpak-override(1)).
    """
    allowed = False
    for path in _files(app, machine):
        parser = configparser.RawConfigParser(strict=False, delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, configparser.Error):
            continue
        word = parser.get("Session Bus Policy", bus_name, fallback=None)
        if word is not None:
            allowed = word.strip() in ("talk", "own")
    return allowed


def permit(app: str, bus_name: str) -> str:
    """The command with which a user permits it."""
    return shlex.join(["flatpak", "override", "--user", f"--talk-name={bus_name}", app])


def _files(app: str, machine: Machine) -> Iterator[Path]:
    roots = (machine.place("/var/lib/flatpak"), machine.place("{data}/flatpak"))
    for root in roots:
        yield root / "app" / app / "current" / "active" / "metadata"
    for root in roots:
        yield root / "overrides" / "global"
        yield root / "overrides" / app

"""How people get this program: `installer.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from poterne.knowledge.reading import read

Platform = Literal["linux", "darwin", "win32"]


@dataclass(frozen=True, slots=True)
class Installer:
    """A command line for each system (`sys.platform`); empty where no public index has the program."""

    install: Mapping[Platform, str]
    upgrade: Mapping[Platform, str]


@cache
def table() -> Installer:
    """The whole table."""
    return read("installer", Installer)

"""The table of browsers, `browsers.toml`, and what it means on one machine."""

import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from poterne.errors import SetupError
from poterne.setup.machine import HIVES, Hive, Level, Machine, Platform

BrowserFamily = Literal["chromium", "firefox"]
HOST_NAME = "org.poterne.host"


@dataclass(frozen=True)
class Browser:
    """One row. The inner tuples are directories on Linux and macOS, registry keys on Windows."""

    name: str
    title: str
    family: BrowserFamily
    user: Mapping[Platform, Sequence[str]]
    system: Mapping[Platform, Sequence[str]]
    found: Mapping[Platform, Sequence[str]]

    def places(self, level: Level, machine: Machine) -> Sequence[str]:
        """The table's words for this machine; empty where the browser does not exist."""
        return (self.user if level == "user" else self.system).get(machine.platform, ())


@dataclass(frozen=True)
class Location:
    """Where one manifest of one browser lies; on Windows `hive` and `key` name what points to it."""

    browser: Browser
    level: Level
    manifest: Path
    hive: Hive | None = None
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.hive}\\{self.key}" if self.key else str(self.manifest)


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "browsers.toml").read_text(encoding="utf-8"))


@cache
def table() -> Mapping[str, Browser]:
    """Every browser that is known, by name."""
    return {row["name"]: Browser(**row) for row in _table()["browser"]}


def named(name: str) -> Browser:
    """The browser of that name; raises SetupError."""
    try:
        return table()[name]
    except KeyError:
        raise SetupError(f"unknown browser {name!r}: known are {', '.join(table())}") from None


def launcher_directory(level: Level, machine: Machine) -> Path:
    """Where the launcher lies that the manifests name."""
    return machine.place(_table()["launcher"][level][machine.platform])


def locations(browser: Browser, level: Level, machine: Machine) -> Sequence[Location]:
    """Every manifest that is to be written for a browser; evaluated at the call, since HOME may change."""
    places = browser.places(level, machine)
    if machine.platform != "win32":
        return [Location(browser, level, machine.place(place) / f"{HOST_NAME}.json") for place in places]
    manifest = launcher_directory(level, machine) / f"{HOST_NAME}.{browser.name}.json"
    return [Location(browser, level, manifest, HIVES[level], f"{place}\\{HOST_NAME}") for place in places]


def is_here(browser: Browser, machine: Machine) -> bool:
    """The browser's program is on this machine, or its profile is."""
    signs = browser.found.get(machine.platform, ())
    if machine.platform == "linux":
        path = machine.environ.get("PATH")
        return any(shutil.which(program, path=path) for program in signs) or _has_profile(browser, machine)
    if machine.platform == "darwin":
        folders = (machine.root / "Applications", machine.home() / "Applications")
        return any((folder / bundle).exists() for folder in folders for bundle in signs)
    key = "Software\\Microsoft\\Windows\\CurrentVersion\\App Paths\\"
    registry = machine.registry
    return registry is not None and any(registry.read(hive, key + sign) for hive in HIVES.values() for sign in signs)


def here(machine: Machine) -> Sequence[Browser]:
    """The browsers of the table that are on this machine."""
    return [browser for browser in table().values() if is_here(browser, machine)]


def _has_profile(browser: Browser, machine: Machine) -> bool:
    # A directory that an earlier registration made holds nothing else.
    for place in browser.places("user", machine):
        directory = machine.place(place)
        if directory.parent.is_dir() and any(entry != directory for entry in directory.parent.iterdir()):
            return True
    return False

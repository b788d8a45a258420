"""The table of browsers, `browsers.toml`, and what it means on one machine."""

import os
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from poterne.errors import SetupError
from poterne.install import launcher
from poterne.install.machine import HIVES, Level, Machine, Platform
from poterne.install.registry import Hive, View
from poterne.policy import files

BrowserFamily = Literal["chromium", "firefox"]
Sandbox = Literal["flatpak", "portal", "closed"]
_Places = Mapping[Platform, Sequence[str]]
HOST_NAME = "org.poterne.host"


@dataclass(frozen=True)
class Browser:
    """One row. The inner tuples are directories on Linux and macOS, registry keys on Windows."""

    name: str
    title: str
    family: BrowserFamily
    found: _Places
    profile: _Places
    user: _Places = field(default_factory=dict)
    system: _Places = field(default_factory=dict)
    policies: _Places = field(default_factory=dict)
    sandbox: Sandbox | None = None
    app: str | None = None
    bundle: str | None = None
    pin: Literal["toolbar_pin", "toolbar_state"] = "toolbar_pin"

    def places(self, level: Level, machine: Machine) -> Sequence[str]:
        """The table's words for this machine; empty where the browser does not exist."""
        words = (self.user if level == "user" else self.system).get(machine.platform, ())
        certain = [word for word in words if not word.startswith("?")]
        perhaps = [word[1:] for word in words if word.startswith("?")]
        return [*certain, *(word for word in perhaps if files.seems_there(machine.place(word).parent))]

    def inner_launcher(self, machine: Machine) -> Path | None:
        """What a Flatpak executes inside itself, which leads to the launcher outside."""
        return None if self.bundle is None else machine.place(self.bundle) / launcher.file_name(machine.platform)


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

    @property
    def views(self) -> Sequence[View]:
        """The views of the registry in which it stands, in the order in which browsers look."""
        return (32, 64) if self.level == "system" else (64,)

    @property
    def public(self) -> bool:
        """Whether everybody has to be able to read it."""
        return self.level == "system"


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((resources.files(__package__) / "browsers.toml").read_text(encoding="utf-8"))


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


def managed_storage(platform: Platform) -> str:
    """The table's words for where Firefox's family reads what an extension finds as managed."""
    place: str = _table()["managed_storage"][platform]
    return place


def locations(browser: Browser, level: Level, machine: Machine) -> Sequence[Location]:
    """Every manifest that is to be written for a browser; evaluated at the call, since HOME may change."""
    places = browser.places(level, machine)
    if machine.platform != "win32":
        return [Location(browser, level, machine.place(place) / f"{HOST_NAME}.json") for place in places]
    # Browsers of one family share keys, so they share the manifest too.
    manifest = launcher_directory(level, machine) / f"{HOST_NAME}.{browser.family}.json"
    return [Location(browser, level, manifest, HIVES[level], f"{place}\\{HOST_NAME}") for place in places]


def is_here(browser: Browser, machine: Machine) -> bool:
    """The browser's program is on this machine, or a profile of it."""
    signs = browser.found.get(machine.platform, ())
    if _has_profile(browser, machine):
        return True
    if machine.platform == "linux":
        return any(_is_program(sign, machine) for sign in signs)
    if machine.platform == "darwin":
        folders = (machine.root / "Applications", machine.home() / "Applications")
        return any(_exists(folder / bundle) for folder in folders for bundle in signs)
    key = "Software\\Microsoft\\Windows\\CurrentVersion\\App Paths\\"
    registry = machine.registry
    try:
        return registry is not None and any(
            registry.read(hive, key + sign) for hive in HIVES.values() for sign in signs
        )
    except OSError:
        return False


def here(machine: Machine) -> Sequence[Browser]:
    """The browsers of the table that are on this machine."""
    return [browser for browser in table().values() if is_here(browser, machine)]


def _exists(path: Path) -> bool:
    # A program in a folder that this user may not enter is none that they can start.
    return os.path.exists(path)  # noqa: PTH110 (never raises)


def _is_program(sign: str, machine: Machine) -> bool:
    """A path that exists, or a program of the PATH that is no Snap, which has a row of its own."""
    if "/" in sign:
        return _exists(machine.place(sign))
    found = shutil.which(sign, path=machine.environ.get("PATH"))
    if found is None:
        return False
    try:
        if Path(found).resolve().name == "snap" or "/snap/" in str(Path(found).resolve()):
            return False
        with Path(found).open("rb") as file:
            start = file.read(4096)
    except OSError:
        return True
    # Ubuntu's own command is a script that starts the Snap.
    return not (start.startswith(b"#!") and b"/snap/bin/" in start)


def _has_profile(browser: Browser, machine: Machine) -> bool:
    # What a registration made is no sign of a browser.
    ours = [machine.place(place) for place in browser.user.get(machine.platform, ())]
    if machine.platform == "win32":
        ours = []
    if browser.bundle is not None:
        ours.append(machine.place(browser.bundle))
    for place in browser.profile.get(machine.platform, ()):
        directory = machine.place(place)
        try:
            entries = list(directory.iterdir())
        except PermissionError:
            # A profile that is closed to this user, as one is that root's browser made, is one to be told of.
            return True
        except OSError:
            continue
        if any(not any(path == entry or entry in path.parents for path in ours) for entry in entries):
            return True
    return False

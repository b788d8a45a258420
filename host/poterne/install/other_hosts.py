"""Native hosts of others that are registered here, and which of them a policy would switch off."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from poterne.errors import SetupError, printable
from poterne.install import browsers, policy_files
from poterne.install.browsers import HOST_NAME, Browser
from poterne.install.machine import Level, Machine
from poterne.install.policy_plan import Plan

_HOMES = 1000
_MANIFESTS = 2000
_BLOCK, _ALLOW, _USERS = "NativeMessagingBlocklist", "NativeMessagingAllowlist", "NativeMessagingUserLevelHosts"


@dataclass(frozen=True)
class OtherHost:
    """One manifest of one browser; `name` and `file` are fit to be shown."""

    name: str
    file: str
    title: str
    level: Level


def switched_off(chosen: Sequence[Browser], plan: Plan, machine: Machine) -> list[OtherHost] | None:
    """Those that may be started as policies are, and may not as they are planned; `None` where no rule that switches
    off any comes into force. One that does binds those that are registered later, too.
    """
    found: dict[str, OtherHost] = {}
    stricter = False
    for browser in chosen:
        if browser.family != "chromium":
            continue
        (directory,) = (machine.place(place) for place in browser.policies["linux"])
        before, after = (
            [plan.effective(directory, key, after=later) for key in (_BLOCK, _ALLOW, _USERS)] for later in (False, True)
        )
        if not _rules(*after) - _rules(*before):
            continue
        stricter = True
        for reader in _readers(directory, machine):
            for host in _registered(reader, machine):
                if _may_start(host, *before) and not _may_start(host, *after):
                    found.setdefault(host.file, host)
    return list(found.values()) if stricter else None


def _readers(directory: Path, machine: Machine) -> Iterator[Browser]:
    """Every browser that reads policies there, by whatever name."""
    for browser in browsers.table().values():
        places = browser.policies.get("linux", ()) if browser.family == "chromium" else ()
        if any(os.path.realpath(machine.place(place)) == os.path.realpath(directory) for place in places):
            yield browser


def _rules(blocked: Any, _: Any, users: Any) -> set[str]:
    """The policies that switch off hosts of others whatever they are called."""
    every = isinstance(blocked, list) and "*" in blocked
    return {name for name, holds in ((_BLOCK, every), (_USERS, users is False)) if holds}


def _may_start(host: OtherHost, blocked: Any, allowed: Any, users: Any) -> bool:
    if host.level == "user" and users is False:
        return False
    listed = blocked if isinstance(blocked, list) else []
    return not ({"*", host.name} & {each for each in listed if isinstance(each, str)}) or (
        isinstance(allowed, list) and host.name in allowed
    )


def _registered(browser: Browser, machine: Machine) -> Iterator[OtherHost]:
    for place in browser.places("system", machine):
        yield from _in(machine.place(place), browser, "system")
    for desk in _users(machine):
        for place in browser.places("user", desk):
            yield from _in(desk.place(place), browser, "user")


def _in(folder: Path, browser: Browser, level: Level) -> Iterator[OtherHost]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".json")[:_MANIFESTS]
    except OSError:
        return
    for file in files:
        name = file.stem
        if name != HOST_NAME and _is_manifest(file, name):
            yield OtherHost(_shown(name), _shown(str(file)), browser.title, level)


def _is_manifest(file: Path, name: str) -> bool:
    """Whether it can be a host at all: a browser passes over a file that is for another name."""
    try:
        held = policy_files.understand(policy_files.read(file) or b"", policy_files.chromium, file)
    except SetupError:
        # What Poterne cannot read, the browser may.
        return True
    return held.get("name") == name


def _users(machine: Machine) -> Iterator[Machine]:
    """The machine as each user has it, whoever runs this first."""
    yield machine
    for home in islice(_homes(machine), _HOMES):
        if str(home) != machine.environ.get("HOME"):
            yield replace(machine, environ={"HOME": str(home)})


def _homes(machine: Machine) -> Iterator[Path]:
    if machine.root != Path("/"):
        try:
            lines = machine.place("/etc/passwd").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        homes = [machine.place(fields[5]) for line in lines if len(fields := line.split(":")) == 7]
    elif sys.platform != "win32":
        import pwd

        homes = [Path(entry.pw_dir) for entry in pwd.getpwall()]
    else:
        return
    for home in dict.fromkeys(homes):
        try:
            if home != machine.root and home.is_dir():
                yield home
        except OSError:
            continue


def _shown(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= 300 else f"{shown[:299]}…"

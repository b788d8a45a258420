"""Registering the native host with browsers, and taking it away again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poterne.errors import SetupError
from poterne.setup import browsers, disk, launcher, manifest
from poterne.setup.browsers import HOST_NAME, Browser, BrowserFamily, Location
from poterne.setup.machine import Level, Machine

Change = Literal["written", "unchanged", "replaced", "removed", "absent", "foreign", "failed"]


@dataclass(frozen=True)
class Registration:
    """What became of one manifest.

    `foreign`: another program's manifest was found and left alone. `note` says, in one line, what was replaced, what
    was left, or why it failed.
    """

    browser: str
    title: str
    level: Level
    location: str
    launcher: str
    change: Change
    note: str | None = None


def install(names: Sequence[str] = (), *, system: bool = False, machine: Machine | None = None) -> list[Registration]:
    """Write the launcher and each browser's manifest; without names, for every browser that is on this machine.

    Can be called again at any time. Raises SetupError for an unknown browser, where no browser is found, and where the
    launcher cannot be written; a browser that fails does not keep the others from being registered.
    """
    machine = machine or Machine.this()
    level: Level = "system" if system else "user"
    chosen = [browsers.named(name) for name in names] or browsers.here(machine)
    if not chosen:
        raise SetupError(f"no browser found here; name one: --browser {'|'.join(browsers.table())}")
    directory = browsers.launcher_directory(level, machine)
    made = disk.make_directory(directory, public=system)
    ledger = disk.Ledger(directory)
    ledger.add(made)
    program = directory / launcher.file_name(machine.platform)
    disk.write(program, launcher.script(machine), mode=0o755)
    return [
        _install(location, program, ledger, machine)
        for browser in chosen
        for location in browsers.locations(browser, level, machine)
    ]


def uninstall(names: Sequence[str] = (), *, system: bool = False, machine: Machine | None = None) -> list[Registration]:
    """Take away what `install` wrote; without names, for every browser of the table.

    What is missing already is no error. The launcher goes with the last manifest that names it. Raises SetupError for
    an unknown browser and where the launcher cannot be removed.
    """
    machine = machine or Machine.this()
    level: Level = "system" if system else "user"
    chosen = [browsers.named(name) for name in names] or list(browsers.table().values())
    directory = browsers.launcher_directory(level, machine)
    program = directory / launcher.file_name(machine.platform)
    done = [
        _uninstall(location, program, machine)
        for browser in chosen
        for location in browsers.locations(browser, level, machine)
    ]
    last = not any(_names(location, program) for location in _everywhere(level, machine))
    if last:
        disk.remove(program)
    disk.Ledger(directory).prune(last=last)
    return done


def register_in(
    directory: Path,
    family: BrowserFamily,
    *,
    policy: Path | None = None,
    environment: Mapping[str, str] | None = None,
    machine: Machine | None = None,
) -> Path:
    """Write a manifest, and beside it a launcher of its own, into one directory, and give the manifest's path.

    For a throw-away profile: Chromium reads `<user data directory>/NativeMessagingHosts`, Firefox
    `<HOME>/.mozilla/native-messaging-hosts`. The launcher passes `--policy` and sets the environment. Raises
    SetupError.
    """
    machine = machine or Machine.this()
    directory = directory.absolute()
    disk.make_directory(directory, public=False)
    program = directory / launcher.file_name(machine.platform)
    disk.write(program, launcher.script(machine, policy=policy, environment=environment), mode=0o755)
    written = directory / f"{HOST_NAME}.json"
    disk.write(written, manifest.dump(manifest.make(family, program)))
    return written


def _install(location: Location, program: Path, ledger: disk.Ledger, machine: Machine) -> Registration:
    try:
        text = manifest.dump(manifest.make(location.browser.family, program))
        before = disk.read(location.manifest)
        was = None if before is None else _other(before, program)
        ledger.add(disk.make_directory(location.manifest.parent, public=location.level == "system"))
        if before != text.encode("utf-8"):
            disk.write(location.manifest, text)
        pointed = _point(location, machine)
    except SetupError as error:
        return _registration(location, program, "failed", str(error))
    if was or pointed:
        return _registration(location, program, "replaced", was or pointed)
    return _registration(location, program, "unchanged" if before == text.encode("utf-8") else "written")


def _uninstall(location: Location, program: Path, machine: Machine) -> Registration:
    try:
        unpointed = _unpoint(location, machine)
        before = disk.read(location.manifest)
        if before is None:
            return _registration(location, program, "removed" if unpointed else "absent")
        other = _other(before, program)
        if other and not _is_broken(before):
            return _registration(location, program, "foreign", other)
        disk.remove(location.manifest)
    except SetupError as error:
        return _registration(location, program, "failed", str(error))
    return _registration(location, program, "removed", other)


def _other(data: bytes, program: Path) -> str | None:
    """What the manifest says if it is not ours."""
    try:
        path = manifest.parse(data)["path"]
    except SetupError as error:
        return f"the manifest there {error}"
    return None if path == str(program) else f"the manifest there names {path}"


def _is_broken(data: bytes) -> bool:
    try:
        manifest.parse(data)
    except SetupError:
        return True
    return False


def _names(location: Location, program: Path) -> bool:
    """The manifest there names our launcher; one that cannot be read counts, so that the launcher stays."""
    try:
        data = disk.read(location.manifest)
    except SetupError:
        return True
    return data is not None and _other(data, program) is None


def _everywhere(level: Level, machine: Machine) -> list[Location]:
    rows: Sequence[Browser] = list(browsers.table().values())
    return [location for browser in rows for location in browsers.locations(browser, level, machine)]


def _point(location: Location, machine: Machine) -> str | None:
    """Let the registry name the manifest; what it named before, if that was another."""
    if location.hive is None or location.key is None or machine.registry is None:
        return None
    try:
        before = machine.registry.read(location.hive, location.key)
        if before == str(location.manifest):
            return None
        machine.registry.write(location.hive, location.key, str(location.manifest))
        if machine.registry.read(location.hive, location.key) != str(location.manifest):
            raise SetupError(f"{location}: what was written cannot be read back")
    except OSError as error:
        raise disk.cannot("write", str(location), error) from error
    return f"the registry named {before}" if before else None


def _unpoint(location: Location, machine: Machine) -> bool:
    """Take the key away if it names our manifest; whether it did."""
    if location.hive is None or location.key is None or machine.registry is None:
        return False
    try:
        if machine.registry.read(location.hive, location.key) != str(location.manifest):
            return False
        machine.registry.delete(location.hive, location.key)
    except OSError as error:
        raise disk.cannot("remove", str(location), error) from error
    return True


def _registration(location: Location, program: Path, change: Change, note: str | None = None) -> Registration:
    browser = location.browser
    return Registration(browser.name, browser.title, location.level, str(location), str(program), change, note)

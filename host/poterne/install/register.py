"""Registering the native host with browsers, and taking it away again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poterne.errors import SetupError
from poterne.install import browsers, disk, launcher, manifest
from poterne.install.browsers import HOST_NAME, Browser, BrowserFamily, Location
from poterne.install.machine import Level, Machine
from poterne.policy import files

POLICIES = "policies.json"
Change = Literal["written", "unchanged", "replaced", "removed", "absent", "kept", "foreign", "impossible", "failed"]


@dataclass(frozen=True)
class Registration:
    """What became of one manifest.

    `foreign`: another program's manifest was found and left alone; `kept`: another browser needs it; `impossible`: the
    browser has no place for it. `note` says, in one line, what was replaced, what was left, or why.
    """

    browser: str
    title: str
    level: Level
    location: str
    launcher: str
    change: Change
    note: str | None = None


def install(
    names: Sequence[str] = (), *, system: bool = False, dry_run: bool = False, machine: Machine | None = None
) -> list[Registration]:
    """Write the launcher and each browser's manifest; without names, for every browser that is on this machine.

    Can be called again at any time; `dry_run` only says what would be done. Raises SetupError for an unknown browser,
    where no browser is found, and where the launcher cannot be written; a browser that fails does not keep the others
    from being registered.
    """
    machine = machine or Machine.this()
    level: Level = "system" if system else "user"
    chosen = [browsers.named(name) for name in names] or browsers.here(machine)
    if not chosen:
        raise SetupError("no browser found here; name one: --browser NAME (poterne install --help lists them)")
    directory = browsers.launcher_directory(level, machine)
    writer = _Writer(machine, directory / launcher.file_name(machine.platform), disk.Ledger(directory), dry_run)
    text = launcher.script(machine)
    done: list[Registration] = []
    begun = False
    for browser in chosen:
        places = browsers.locations(browser, level, machine)
        if not places:
            done.append(_nowhere(browser, level, writer.program))
        for location in places:
            beside = next((entry for entry in done if entry.location == str(location)), None)
            if beside is not None:
                writer.remember([], browser)
                done.append(_registration(location, writer.program, beside.change, f"the same place as {beside.title}"))
                continue
            if not begun and not dry_run:
                writer.remember(disk.make_directory(directory, public=system))
                disk.write(writer.program, text, mode=0o755)
            begun = True
            done.append(_install(location, writer))
    return done


def uninstall(
    names: Sequence[str] = (), *, system: bool = False, dry_run: bool = False, machine: Machine | None = None
) -> list[Registration]:
    """Take away what `install` wrote; without names, for every browser of the table.

    What is missing already is no error. A place that another registered browser shares is kept; the launcher goes with
    the last manifest that names it. Raises SetupError for an unknown browser and where the launcher cannot be removed.
    """
    machine = machine or Machine.this()
    level: Level = "system" if system else "user"
    chosen = [browsers.named(name) for name in names] or list(browsers.table().values())
    directory = browsers.launcher_directory(level, machine)
    writer = _Writer(machine, directory / launcher.file_name(machine.platform), disk.Ledger(directory), dry_run)
    asked = [browser.name for browser in chosen]
    needed = {
        str(location): browsers.named(name).title
        for name in writer.ledger.browsers
        if name not in asked and name in browsers.table()
        for location in browsers.locations(browsers.named(name), level, machine)
    }
    done: list[Registration] = []
    for browser in chosen:
        for location in browsers.locations(browser, level, machine):
            beside = next((entry for entry in done if entry.location == str(location)), None)
            if beside is not None:
                if names:
                    note = f"the same place as {beside.title}"
                    done.append(_registration(location, writer.program, beside.change, note))
            elif str(location) in needed and disk.read(location.manifest) is not None:
                note = f"{needed[str(location)]} needs it"
                done.append(_registration(location, writer.program, "kept", note))
            else:
                done.append(_uninstall(location, writer))
    if not dry_run:
        last = not any(_names(location, writer.inside(location)) for location in _everywhere(level, machine))
        if last:
            disk.remove(writer.program)
        # Policies that were written for browsers have a note of their own there, and still need this one.
        writer.ledger.forget(asked, last=last and not files.seems_there(directory / POLICIES))
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


@dataclass(frozen=True)
class _Writer:
    """What writes: `program` is the launcher of one level."""

    machine: Machine
    program: Path
    ledger: disk.Ledger
    dry_run: bool

    def inside(self, location: Location) -> Path:
        """The program that the manifest of a place names."""
        return location.browser.inner_launcher(self.machine) or self.program

    def remember(self, directories: list[Path], browser: Browser | None = None) -> None:
        if not self.dry_run:
            self.ledger.add(directories, [browser.name] if browser else [])


def _install(location: Location, writer: _Writer) -> Registration:
    program = writer.inside(location)
    try:
        text = manifest.dump(manifest.make(location.browser.family, program))
        before = disk.read(location.manifest)
        was = None if before is None else _other(before, program)
        if before is not None and (packaged := _packaged(before, writer.machine)):
            return _registration(location, program, "foreign", f"a package of this system registers {packaged}")
        if not writer.dry_run:
            writer.remember(disk.make_directory(location.manifest.parent, public=location.public), location.browser)
            if program != writer.program:
                writer.remember(disk.make_directory(program.parent, public=False))
                disk.write(program, launcher.inner_script(writer.program), mode=0o755)
            if before != text.encode("utf-8"):
                disk.write(location.manifest, text)
        pointed, changed = _point(location, writer)
    except SetupError as error:
        return _registration(location, program, "failed", str(error))
    if was or pointed:
        return _registration(location, program, "replaced", was or pointed)
    unchanged = before == text.encode("utf-8") and not changed
    return _registration(location, program, "unchanged" if unchanged else "written")


def _nowhere(browser: Browser, level: Level, program: Path) -> Registration:
    if browser.sandbox == "closed":
        why = "a Snap starts no program outside itself; install the browser from another package"
    elif browser.sandbox is not None and level == "system":
        why = "each user registers it, without --system"
    else:
        why = "it is not known where this browser looks on this system"
    return Registration(browser.name, browser.title, level, "no place", str(program), "impossible", why)


def _uninstall(location: Location, writer: _Writer) -> Registration:
    program = writer.inside(location)
    try:
        unpointed = _unpoint(location, writer)
        before = disk.read(location.manifest)
        if before is None:
            return _registration(location, program, "removed" if unpointed else "absent")
        other = _other(before, program)
        if other and not _is_broken(before):
            return _registration(location, program, "foreign", other)
        if location.key is not None and not unpointed and _is_pointed_to(location, writer.machine):
            # On Windows the manifest serves every key of its family.
            return _registration(location, program, "absent")
        if not writer.dry_run:
            if not _is_pointed_to(location, writer.machine):
                disk.remove(location.manifest)
            if program != writer.program:
                disk.remove(program)
    except SetupError as error:
        return _registration(location, program, "failed", str(error))
    return _registration(location, program, "removed", other)


def _packaged(data: bytes, machine: Machine) -> str | None:
    """The program that a manifest of the distribution's own packages names."""
    try:
        path = Path(manifest.parse(data)["path"])
    except SetupError:
        return None
    usr = machine.root / "usr"
    mine = usr in path.parents and usr / "local" not in path.parents
    return str(path) if mine and files.seems_there(path) else None


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


def _point(location: Location, writer: _Writer) -> tuple[str | None, bool]:
    """Let the registry name the manifest, in every view: what it named before, if that was another, and whether
    anything changed.
    """
    registry, hive, key = writer.machine.registry, location.hive, location.key
    if hive is None or key is None or registry is None:
        return None, False
    before: list[str] = []
    changed = False
    try:
        for view in location.views:
            named = registry.read(hive, key, view)
            if named == str(location.manifest):
                continue
            changed = True
            before += [named] if named else []
            if writer.dry_run:
                continue
            registry.write(hive, key, str(location.manifest), view)
            if registry.read(hive, key, view) != str(location.manifest):
                raise SetupError(f"{location}: what was written cannot be read back")
    except OSError as error:
        raise disk.cannot("write", str(location), error) from error
    return (f"the registry named {before[0]}" if before else None), changed


def _unpoint(location: Location, writer: _Writer) -> bool:
    """Take the key away if it names our manifest; whether it did."""
    registry, hive, key = writer.machine.registry, location.hive, location.key
    if hive is None or key is None or registry is None:
        return False
    try:
        ours = [view for view in location.views if registry.read(hive, key, view) == str(location.manifest)]
        for view in ours:
            if not writer.dry_run:
                registry.delete(hive, key, view)
    except OSError as error:
        raise disk.cannot("remove", str(location), error) from error
    return bool(ours)


def _is_pointed_to(location: Location, machine: Machine) -> bool:
    """Whether a key of the registry, of whatever browser, names this manifest."""
    registry = machine.registry
    return registry is not None and any(
        other.hive is not None
        and other.key is not None
        and any(registry.read(other.hive, other.key, view) == str(location.manifest) for view in other.views)
        for other in _everywhere(location.level, machine)
    )


def _registration(location: Location, program: Path, change: Change, note: str | None = None) -> Registration:
    browser = location.browser
    return Registration(browser.name, browser.title, location.level, str(location), str(program), change, note)

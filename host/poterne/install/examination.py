"""What keeps a browser from starting the native host: each cause told apart."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import poterne
from poterne.errors import SetupError
from poterne.install import browser_policies, browsers, disk, flatpak, hello, launcher, manifest, remedies
from poterne.install.browsers import HOST_NAME, Browser, Location
from poterne.install.machine import Level, Machine
from poterne.install.register import install
from poterne.install.remedies import Remedy
from poterne.policy import files

Problem = Literal[
    "no-manifest",
    "manifest-unreadable",
    "manifest-broken",
    "wrong-name",
    "wrong-id",
    "launcher-missing",
    "launcher-not-executable",
    "interpreter-gone",
    "environment-moved",
    "package-missing",
    "no-hello",
    "host-broken",
    "version-differs",
    "user-level-forbidden",
    "blocked-by-policy",
    "sandboxed",
    "policy-broken",
]


@dataclass(frozen=True)
class Diagnosis:
    """One browser. `problem` is `None` where the host said hello; `remedy` is a command line, or `None`. `level` is the
    one of the manifest that the browser uses, or that it should have.
    """

    browser: str
    title: str
    problem: Problem | None
    detail: str
    remedy: str | None = None
    manifest: str | None = None
    launcher: str | None = None
    version: str | None = None
    hello_ms: float | None = None
    level: Level = "user"


@dataclass(frozen=True)
class _Case:
    """What the checks look at, filled in as they go on."""

    browser: Browser
    machine: Machine
    level: Level
    seconds: float
    path: Path
    manifest: Mapping[str, Any]

    @property
    def program(self) -> Path:
        # Windows alone takes a path relative to the manifest.
        return self.path.parent / str(self.manifest["path"])

    @property
    def started(self) -> Path:
        """The launcher outside a sandbox, which is what can be started here."""
        return launcher.started_outside(launcher.read(self.program)) or self.program

    @property
    def install(self) -> Remedy:
        return remedies.install(self.browser, self.level, self.machine)

    def problem(self, problem: Problem, detail: str, remedy: Remedy) -> Diagnosis:
        browser = self.browser
        return Diagnosis(
            browser.name,
            browser.title,
            problem,
            _with(detail, remedy),
            remedy.line,
            manifest=str(self.path),
            launcher=self.manifest.get("path"),
            level=self.level,
        )


_Check = Callable[[_Case], Diagnosis | None]
_Place = tuple[Level, Path, OSError | None]


def doctor(
    names: Sequence[str] = (), *, system: bool = False, machine: Machine | None = None, seconds: float = 5.0
) -> list[Diagnosis]:
    """Examine each browser; without names, those that are on this machine or have a manifest.

    The user's registration comes first and then the system's, as browsers look; `system` looks at the latter alone.
    `seconds` is how long a host may take to say hello. Raises SetupError for an unknown browser.
    """
    machine = machine or Machine.this()
    levels: Sequence[Level] = ("system",) if system else ("user", "system")
    chosen = [browsers.named(name) for name in names] or _here_or_registered(levels, machine)
    return [_examine(browser, levels, machine, seconds) for browser in chosen]


def _here_or_registered(levels: Sequence[Level], machine: Machine) -> list[Browser]:
    """Several browsers may share a place: a manifest there counts for the first, and for those that were asked for."""
    asked: set[str] = set()
    for level in levels:
        # Without what was noted of registrations, the manifests still tell.
        with suppress(SetupError):
            asked.update(disk.Ledger(browsers.launcher_directory(level, machine)).browsers)
    chosen: list[Browser] = []
    seen: set[Path] = set()
    for browser in browsers.table().values():
        places = {path for _, path, fault in _looked_for(browser, levels, machine) if fault is None}
        if browsers.is_here(browser, machine) or browser.name in asked or places - seen:
            chosen.append(browser)
        seen |= places
    return chosen


def _examine(browser: Browser, levels: Sequence[Level], machine: Machine, seconds: float) -> Diagnosis:
    said = browser_policies.ruling(browser, machine)
    found = _under(said, browser, levels, machine, seconds)
    return replace(found, detail="; ".join((found.detail, *said.passed_over)))


def _under(
    said: browser_policies.Ruling, browser: Browser, levels: Sequence[Level], machine: Machine, seconds: float
) -> Diagnosis:
    def problem(name: Problem, detail: str, remedy: Remedy, level: Level = levels[0]) -> Diagnosis:
        return Diagnosis(browser.name, browser.title, name, _with(detail, remedy), remedy.line, level=level)

    if browser.sandbox == "closed":
        detail = "its Snap starts no program outside itself; install the browser from another package"
        return problem("sandboxed", detail, Remedy(None))
    if said.blocked:
        remedy = remedies.as_root(f"policy generate --write --browser {browser.name}", machine)
        return problem("blocked-by-policy", said.blocked, remedy)
    looked = list(_looked_for(browser, levels, machine))
    if said.user_level_forbidden and next((level for level, _, fault in looked if fault is None), "user") == "user":
        looked = [place for place in looked if place[0] == "system"]
        if not looked:
            detail = f"manifests of users are not read: {said.user_level_forbidden}"
            return problem("user-level-forbidden", detail, remedies.install(browser, "system", machine), "system")
    registered = [(level, path) for level, path, fault in looked if fault is None]
    if not registered:
        return _unregistered(browser, levels[0], looked, machine)
    cases = [_read(browser, level, path, machine, seconds) for level, path in registered]
    # Firefox passes over a manifest that it cannot use; Chromium stops at the first that exists.
    usable = [case for case in cases if isinstance(case, _Case) and _first(case, _STRUCTURE) is None]
    case = usable[0] if usable and browser.family == "firefox" else cases[0]
    if isinstance(case, Diagnosis):
        return case
    return _first(case, _CHECKS) or _hello(case)


def _unregistered(browser: Browser, level: Level, looked: Sequence[_Place], machine: Machine) -> Diagnosis:
    """Browsers pass over what they cannot see as over what is not there, but people have to be told which it is."""
    for at, path, fault in looked:
        if fault is not None:
            detail = f"cannot read {path}: {fault.strerror or fault}"
            return _Case(browser, machine, at, 0.0, path, {}).problem(
                "manifest-unreadable", detail, remedies.opened(path)
            )
    remedy = remedies.install(browser, level, machine)
    detail = _with(f"there is no manifest of {HOST_NAME}", remedy)
    return Diagnosis(browser.name, browser.title, "no-manifest", detail, remedy.line, level=level)


def _looked_for(browser: Browser, levels: Sequence[Level], machine: Machine) -> Iterator[_Place]:
    """The manifests that the browser finds, in its order, and those of which nobody can see whether they are there."""
    for level in levels:
        for location in browsers.locations(browser, level, machine):
            try:
                path = _manifest(location, machine)
            except OSError as fault:
                yield level, location.manifest, fault
            else:
                if path is not None:
                    yield level, path, None


def _manifest(location: Location, machine: Machine) -> Path | None:
    registry, hive, key = machine.registry, location.hive, location.key
    if hive is not None and key is not None:
        named = [registry.read(hive, key, view) for view in location.views] if registry else []
        return next((Path(path) for path in named if path), None)
    try:
        return None if files.is_absent(location.manifest) else location.manifest
    except OSError as fault:
        if fault.filename == str(location.manifest):
            # A link that leads nowhere is there.
            return location.manifest
        raise


def _read(browser: Browser, level: Level, path: Path, machine: Machine, seconds: float) -> _Case | Diagnosis:
    case = _Case(browser, machine, level, seconds, path, {})
    try:
        data = disk.read(path)
    except SetupError as error:
        remedy = remedies.opened(path) if isinstance(error.__cause__, PermissionError) else Remedy(None)
        return case.problem("manifest-unreadable", str(error), remedy)
    if data is None:
        return case.problem("no-manifest", f"{path} is named, and does not exist", case.install)
    try:
        return replace(case, manifest=manifest.parse(data))
    except SetupError as error:
        return case.problem("manifest-broken", f"{path} {error}", case.install)


def _kind(case: _Case) -> Diagnosis | None:
    if (kind := case.manifest.get("type")) != "stdio":
        return case.problem("manifest-broken", f"{case.path} has the type {kind!r}, not 'stdio'", case.install)
    path = case.manifest["path"]
    if case.machine.platform != "win32" and not Path(path).is_absolute():
        return case.problem("manifest-broken", f"{case.path} names a path that is not absolute: {path}", case.install)
    return None


def _name(case: _Case) -> Diagnosis | None:
    if (name := case.manifest.get("name")) == HOST_NAME:
        return None
    return case.problem("wrong-name", f"{case.path} is for {name!r}, not {HOST_NAME!r}", case.install)


def _ids(case: _Case) -> Diagnosis | None:
    wanted = manifest.caller(case.browser.family)
    listed = manifest.callers(case.manifest, case.browser.family)
    if wanted in listed:
        return None
    allowed = ", ".join(listed) or "nobody"
    return case.problem("wrong-id", f"{case.path} lets {allowed} call, not {wanted}", case.install)


def _launcher(case: _Case, program: Path | None = None) -> Diagnosis | None:
    program = program or case.program
    if (why := _unseen(program)) is not None:
        return case.problem("launcher-not-executable", f"{program} may not be executed: {why}", _executable(program))
    if not os.path.isfile(program):  # noqa: PTH113 (never raises)
        return case.problem("launcher-missing", f"{program} does not exist", case.install)
    if not os.access(program, os.X_OK):
        return case.problem("launcher-not-executable", f"{program} may not be executed", _executable(program))
    return None


def _unseen(program: Path) -> str | None:
    """Why nobody can see whether a program is there."""
    try:
        files.is_absent(program)
    except PermissionError as error:
        return error.strerror
    except (OSError, ValueError):
        return None
    return None


def _executable(program: Path) -> Remedy:
    return remedies.opened(program, execute=True)


def _inner(case: _Case) -> Diagnosis | None:
    """What a Flatpak executes leads outside, and the Flatpak may go there."""
    app = case.browser.app
    if case.browser.sandbox != "flatpak" or app is None:
        return None
    outer = launcher.started_outside(launcher.read(case.program))
    if outer is None:
        return case.problem("launcher-missing", f"{case.program} does not lead out of the Flatpak", case.install)
    if (found := _launcher(case, outer)) is not None:
        return found
    if not flatpak.may_talk(app, "org.freedesktop.Flatpak", case.machine):
        detail = f"{app} may not start programs outside its sandbox; to let it start any (of yours) is your decision"
        return case.problem("sandboxed", detail, Remedy(flatpak.permit(app, "org.freedesktop.Flatpak")))
    return None


def _interpreter(case: _Case) -> Diagnosis | None:
    text = launcher.read(case.started)
    environment = launcher.environment_of(text)
    if environment is not None and _is_missing(str(environment)):
        detail = f"{case.started} starts the virtual environment {environment}, which has been moved or removed"
        return case.problem("environment-moved", detail, case.install)
    for needed in launcher.interpreters(text):
        if not os.access(needed, os.X_OK):
            gone = "does not exist any more" if _is_missing(needed) else "this user may not execute"
            detail = f"{case.started} starts {needed}, which {gone}"
            return case.problem("interpreter-gone", detail, case.install)
    return None


def _is_missing(path: str) -> bool:
    try:
        Path(path).stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return False


def _hello(case: _Case) -> Diagnosis:
    from poterne import report as model

    caller = manifest.caller(case.browser.family)
    arguments = [caller] if case.browser.family == "chromium" else [str(case.path), caller]
    if case.browser.family == "chromium" and case.machine.platform == "win32":
        arguments.append("--parent-window=0")
    said = hello.listen(case.started, arguments, seconds=case.seconds, ask=poterne.__version__)
    if isinstance(said, hello.NoHello):
        if "No module named 'poterne'" in said.reason:
            detail = f"{case.started} starts a Python in which Poterne is not installed any more"
            return case.problem("package-missing", detail, case.install)
        return case.problem("no-hello", f"{case.started} {said.reason}", _mend(case))
    problem: Problem | None = "version-differs"
    remedy = case.install
    if said.version != poterne.__version__:
        detail = f"{case.started} is version {said.version}, this is {poterne.__version__}"
    elif said.protocol != model.PROTOCOL:
        detail = f"{case.started} speaks protocol {said.protocol}, this {model.PROTOCOL}"
    elif said.complaint is not None:
        # Another launcher leads to another installation, which this one may stand in for.
        problem, detail = "host-broken", f"{case.started} {said.complaint}"
        remedy = remedies.installed_again(case.machine) if _is_this(case) else case.install
    else:
        problem, detail, remedy = None, f"{case.started} says hello, version {said.version}", Remedy(None)
    heard = replace(
        case.problem("version-differs", detail, remedy),
        problem=problem,
        version=said.version,
        hello_ms=round(said.elapsed_ms, 1),
    )
    return _policy(heard, case) if problem is None else heard


def _policy(heard: Diagnosis, case: _Case) -> Diagnosis:
    """A host whose policy file is broken refuses every check."""
    from poterne import policy
    from poterne.errors import PolicyError

    try:
        policy.load()
    except PolicyError as error:
        remedy = f"{remedies.command(case.machine)} policy check"
        return replace(heard, problem="policy-broken", detail=str(error), remedy=remedy)
    if case.browser.sandbox == "portal":
        return replace(heard, detail=f"{heard.detail}; the desktop's portal asks once whether the browser may start it")
    return heard


def _mend(case: _Case) -> Remedy:
    # A launcher that is written already as `install` would write it is only told by its own complaints.
    return Remedy(shlex.quote(str(case.started))) if _is_this(case) else case.install


def _is_this(case: _Case) -> bool:
    """Whether the launcher starts this very installation, as `install` would write it."""
    return launcher.read(case.started) == launcher.script(case.machine)


def _with(detail: str, remedy: Remedy) -> str:
    return f"{detail}; {remedy.why}" if remedy.why else detail


def mend(found: Diagnosis, machine: Machine | None = None) -> str | None:
    """Mend what can be mended without another's decision, in words; `None` where it cannot. Raises SetupError."""
    machine = machine or Machine.this()
    match found.problem:
        case None | "blocked-by-policy" | "sandboxed" | "policy-broken" | "host-broken":
            return None
        case "launcher-not-executable" | "manifest-unreadable" if found.manifest:
            execute = found.problem == "launcher-not-executable"
            return remedies.open_up(Path((found.launcher if execute else found.manifest) or ""), execute=execute)
        case _:
            done = install([found.browser], system=found.level == "system", machine=machine)
            if failed := next((entry for entry in done if entry.change in ("failed", "impossible")), None):
                raise SetupError(f"{failed.title}: {failed.note}")
            return f"registered at {done[0].location}"


_STRUCTURE: Sequence[_Check] = (_kind, _name)
_CHECKS: Sequence[_Check] = (*_STRUCTURE, _ids, _launcher, _inner, _interpreter)


def _first(case: _Case, checks: Sequence[_Check]) -> Diagnosis | None:
    return next((found for check in checks if (found := check(case))), None)

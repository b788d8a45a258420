"""What keeps a browser from starting the native host: each cause told apart."""

import os
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import poterne
from poterne.errors import SetupError
from poterne.setup import browsers, disk, hello, launcher, manifest
from poterne.setup.browsers import HOST_NAME, Browser, Location
from poterne.setup.machine import Level, Machine

Problem = Literal[
    "no-manifest",
    "manifest-unreadable",
    "manifest-broken",
    "wrong-name",
    "wrong-id",
    "launcher-missing",
    "launcher-not-executable",
    "interpreter-gone",
    "no-hello",
    "version-differs",
]


@dataclass(frozen=True)
class Diagnosis:
    """One browser. `problem` is `None` where the host said hello; `remedy` is a command line, or `None`."""

    browser: str
    title: str
    problem: Problem | None
    detail: str
    remedy: str | None = None
    manifest: str | None = None
    launcher: str | None = None
    version: str | None = None
    hello_ms: float | None = None


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
    def install(self) -> str:
        return _install(self.browser, self.level, self.machine)

    def problem(self, problem: Problem, detail: str, remedy: str | None) -> Diagnosis:
        browser = self.browser
        return Diagnosis(
            browser.name, browser.title, problem, detail, remedy, str(self.path), self.manifest.get("path")
        )


_Check = Callable[[_Case], Diagnosis | None]


def doctor(
    names: Sequence[str] = (), *, system: bool = False, machine: Machine | None = None, seconds: float = 5.0
) -> list[Diagnosis]:
    """Examine each browser; without names, those that are on this machine or have a manifest.

    The user's registration comes first and then the system's, as browsers look; `system` looks at the latter alone.
    `seconds` is how long a host may take to say hello. Raises SetupError for an unknown browser.
    """
    machine = machine or Machine.this()
    levels: Sequence[Level] = ("system",) if system else ("user", "system")
    chosen = [browsers.named(name) for name in names] or [
        browser
        for browser in browsers.table().values()
        if browsers.is_here(browser, machine) or _registered(browser, levels, machine)
    ]
    return [_examine(browser, levels, machine, seconds) for browser in chosen]


def _examine(browser: Browser, levels: Sequence[Level], machine: Machine, seconds: float) -> Diagnosis:
    registered = _registered(browser, levels, machine)
    if not registered:
        detail = f"there is no manifest of {HOST_NAME}"
        return Diagnosis(browser.name, browser.title, "no-manifest", detail, _install(browser, levels[0], machine))
    cases = [_read(browser, level, path, machine, seconds) for level, path in registered]
    # Firefox passes over a manifest that it cannot use; Chromium stops at the first that exists.
    usable = [case for case in cases if isinstance(case, _Case) and _first(case, _STRUCTURE) is None]
    case = usable[0] if usable and browser.family == "firefox" else cases[0]
    if isinstance(case, Diagnosis):
        return case
    return _first(case, _CHECKS) or _hello(case)


def _registered(browser: Browser, levels: Sequence[Level], machine: Machine) -> list[tuple[Level, Path]]:
    """The manifests that the browser finds, in its order."""
    found = []
    for level in levels:
        for location in browsers.locations(browser, level, machine):
            path = _manifest(location, machine)
            if path is not None:
                found.append((level, path))
    return found


def _manifest(location: Location, machine: Machine) -> Path | None:
    if location.hive is not None and location.key is not None:
        named = machine.registry.read(location.hive, location.key) if machine.registry else None
        return Path(named) if named else None
    return location.manifest if os.path.lexists(location.manifest) else None


def _read(browser: Browser, level: Level, path: Path, machine: Machine, seconds: float) -> _Case | Diagnosis:
    case = _Case(browser, machine, level, seconds, path, {})
    try:
        data = disk.read(path)
    except SetupError as error:
        denied = isinstance(error.__cause__, PermissionError)
        remedy = f"chmod a+r {shlex.quote(str(path))}" if denied else None
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


def _launcher(case: _Case) -> Diagnosis | None:
    program = case.program
    if not program.is_file():
        return case.problem("launcher-missing", f"{program} does not exist", case.install)
    if not os.access(program, os.X_OK):
        remedy = f"chmod a+rx {shlex.quote(str(program))}"
        return case.problem("launcher-not-executable", f"{program} may not be executed", remedy)
    return None


def _interpreter(case: _Case) -> Diagnosis | None:
    try:
        text = case.program.read_bytes()[:65536].decode("utf-8")
    except (OSError, ValueError):
        # A compiled program needs no interpreter.
        return None
    for needed in launcher.interpreters(text):
        if not os.access(needed, os.X_OK):
            detail = f"{case.program} starts {needed}, which does not exist any more"
            return case.problem("interpreter-gone", detail, case.install)
    return None


def _hello(case: _Case) -> Diagnosis:
    from poterne import model

    caller = manifest.caller(case.browser.family)
    arguments = [caller] if case.browser.family == "chromium" else [str(case.path), caller]
    if case.browser.family == "chromium" and case.machine.platform == "win32":
        arguments.append("--parent-window=0")
    said = hello.listen(case.program, arguments, seconds=case.seconds)
    if isinstance(said, hello.NoHello):
        return case.problem("no-hello", f"{case.program} {said.reason}", _mend(case))
    heard = case.problem("version-differs", "", case.install)
    heard = replace(heard, version=said.version, hello_ms=round(said.elapsed_ms, 1))
    if said.version != poterne.__version__:
        return replace(heard, detail=f"{case.program} is version {said.version}, this is {poterne.__version__}")
    if said.protocol != model.PROTOCOL:
        return replace(heard, detail=f"{case.program} speaks protocol {said.protocol}, this {model.PROTOCOL}")
    detail = f"{case.program} says hello, version {said.version}"
    return replace(heard, problem=None, detail=detail, remedy=None)


def _mend(case: _Case) -> str:
    # A launcher that is written already as `install` would write it is only told by its own complaints.
    wanted = launcher.script(case.machine).encode("utf-8")
    return case.install if disk.read(case.program) != wanted else shlex.quote(str(case.program))


_STRUCTURE: Sequence[_Check] = (_kind, _name)
_CHECKS: Sequence[_Check] = (*_STRUCTURE, _ids, _launcher, _interpreter)


def _first(case: _Case, checks: Sequence[_Check]) -> Diagnosis | None:
    return next((found for check in checks if (found := check(case))), None)


def _install(browser: Browser, level: Level, machine: Machine) -> str:
    return f"{_command(machine)} install --browser {browser.name}" + (" --system" if level == "system" else "")


def _command(machine: Machine) -> str:
    """How a shell finds this very Poterne: by its bare name only where the PATH leads to it."""
    beside = Path(machine.executable).parent / "poterne"
    found = shutil.which("poterne", path=machine.environ.get("PATH"))
    if not beside.exists() or (found and Path(found).resolve() == beside.resolve()):
        return "poterne"
    return shlex.quote(str(beside))

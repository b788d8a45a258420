"""`poterne install`, `poterne uninstall` and `poterne doctor`: arguments in, lines out."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import poterne
from poterne.errors import SetupError
from poterne.install import browser_policies, browsers, disk, ownership
from poterne.install.examination import Diagnosis, doctor, mend
from poterne.install.machine import Machine
from poterne.install.register import Change, Registration, install, uninstall

_WORDS: Mapping[Change, str] = {
    "written": "registered",
    "unchanged": "registered already",
    "replaced": "registered, in place of another",
    "removed": "removed",
    "absent": "was not registered",
    "kept": "kept",
    "foreign": "left alone",
    "impossible": "cannot be registered",
    "failed": "failed",
}
_WOULD: Mapping[Change, str] = {
    "written": "would be registered",
    "replaced": "would be registered, in place of another",
    "removed": "would be removed",
}


def add_arguments(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three commands; each sets `run`, which takes the parsed arguments and gives the exit status."""
    commands = (
        ("install", run_install, "register the host with browsers, so that the extension can start it"),
        ("uninstall", run_uninstall, "take the registration away again"),
        ("doctor", run_doctor, "say what keeps a browser from starting the host"),
    )
    for name, run, text in commands:
        parser = subparsers.add_parser(name, help=text, description=text)
        parser.add_argument(
            "--browser",
            action="append",
            choices=list(browsers.table()),
            metavar="B",
            help=f"{', '.join(browsers.table())}; may be repeated (default: {_default(name)})",
        )
        parser.add_argument("--system", action="store_true", help="for every user of this machine")
        if name == "doctor":
            parser.add_argument("--fix", action="store_true", help="mend what can be mended, then look again")
            parser.add_argument("--json", action="store_true", help="print what was found as JSON")
        else:
            parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.set_defaults(run=run)


def _default(command: str) -> str:
    return "all of them" if command == "uninstall" else "those found here"


def run_install(args: argparse.Namespace) -> int:
    """Register; 1 where a browser could not be. Raises SetupError."""
    done = install(args.browser or (), system=args.system, dry_run=args.dry_run)
    _print(_registration(entry, args.dry_run) for entry in done)
    for note in _notes(args.system, done):
        sys.stderr.write(f"note: {note}\n")
    return _status(done, named=bool(args.browser))


def run_uninstall(args: argparse.Namespace) -> int:
    """Take away; 1 where something of ours is left. Raises SetupError."""
    done = uninstall(args.browser or (), system=args.system, dry_run=args.dry_run)
    _print(_registration(entry, args.dry_run) for entry in done if entry.change != "absent" or args.browser)
    if all(entry.change == "absent" for entry in done) and not args.browser:
        _print(["nothing was registered"])
    for note in _left(args.system, whole=not args.browser and not args.dry_run):
        sys.stderr.write(f"note: {note}\n")
    return _status(done)


def run_doctor(args: argparse.Namespace) -> int:
    """Examine; 1 where a browser cannot start the host, or where there is no browser. Raises SetupError."""
    names: Sequence[str] = args.browser or ()
    found = doctor(names, system=args.system)
    if args.fix:
        found = _mended(found, args)
    if args.json:
        print(json.dumps({"version": poterne.__version__, "browsers": [asdict(each) for each in found]}, indent=2))
    else:
        _print(map(_diagnosis, found))
        if not found:
            _print(["no browser found here; name one: --browser NAME (poterne doctor --help lists them)"])
    return 0 if found and all(diagnosis.problem is None for diagnosis in found) else 1


def _mended(found: Sequence[Diagnosis], args: argparse.Namespace) -> list[Diagnosis]:
    """One fault may hide another, so each browser is looked at again until nothing can be mended in it any more."""
    result = []
    for first in found:
        diagnosis, tried = first, set()
        while diagnosis.problem is not None and diagnosis.problem not in tried:
            tried.add(diagnosis.problem)
            try:
                done = mend(diagnosis)
            except SetupError as error:
                sys.stderr.write(f"{diagnosis.title}: could not be mended: {error}\n")
                break
            if done is None:
                break
            sys.stderr.write(f"{diagnosis.title}: {diagnosis.problem}: {done}\n")
            (diagnosis,) = doctor([diagnosis.browser], system=args.system)
        result.append(diagnosis)
    return result


def _registration(entry: Registration, dry_run: bool) -> str:
    note = f" ({entry.note})" if entry.note else ""
    word = _WOULD.get(entry.change, _WORDS[entry.change]) if dry_run else _WORDS[entry.change]
    return f"{entry.title}: {word}: {entry.location}{note}"


def _diagnosis(found: Diagnosis) -> str:
    if found.problem is None:
        return f"{found.title}: ok: {found.detail}"
    remedy = f"; mend it with: {found.remedy}" if found.remedy else ""
    return f"{found.title}: {found.problem}: {found.detail}{remedy}"


def _notes(system: bool, done: Sequence[Registration]) -> Iterable[str]:
    if sys.prefix != sys.base_prefix:
        yield f"the host runs from {sys.prefix}; if that is moved or removed, run this command again"
    if system and sys.platform != "win32" and (closed := disk.closed_to_others(Path(sys.executable))):
        yield f"other users may not enter {closed}, so the host does not start for them: install Poterne elsewhere"
    if system and (place := ownership.writable(Machine.this(), Path(sys.argv[0]))):
        yield f"others than root can change {place}, and so what every user's browser starts: install Poterne elsewhere"
    sudo_user = os.environ.get("SUDO_USER")
    if sudo_user and not system:
        yield f"registered for {os.environ.get('HOME', 'root')}, not for {sudo_user}; for everybody: --system"
    machine = Machine.this()
    for entry in done:
        said = browser_policies.ruling(browsers.named(entry.browser), machine)
        if said.blocked:
            yield f"{entry.title}: an administrator's policy blocks it: {said.blocked}"
        elif said.user_level_forbidden and not system:
            yield f"{entry.title} reads no user's registration ({said.user_level_forbidden}); for all users: --system"
        yield from (f"{entry.title}: {line}" for line in said.passed_over)


def _left(system: bool, *, whole: bool) -> Iterable[str]:
    """What other commands, or the administrator's own wishes, have left on this machine."""
    from poterne.install import deployment
    from poterne.policy import audit, files, rate

    if whole:
        rate.forget()
    if system and deployment.is_applied(Machine.this()):
        yield "browsers' policies are still there; to take them away: poterne policy remove"
    try:
        place = audit.file_place()
    except OSError:
        return
    if whole and files.seems_there(place):
        yield f"the log that a policy asked for stays: {place}"


def _status(done: Iterable[Registration], *, named: bool = False) -> int:
    bad = ("failed", "impossible") if named else ("failed",)
    return 1 if any(entry.change in bad for entry in done) else 0


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")

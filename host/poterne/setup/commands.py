"""`poterne install`, `poterne uninstall` and `poterne doctor`: arguments in, lines out."""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping

from poterne.setup import browsers
from poterne.setup.examination import Diagnosis, doctor
from poterne.setup.register import Change, Registration, install, uninstall

_WORDS: Mapping[Change, str] = {
    "written": "registered",
    "unchanged": "registered already",
    "replaced": "registered, in place of another",
    "removed": "removed",
    "absent": "was not registered",
    "foreign": "left alone",
    "failed": "failed",
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
            help=f"{', '.join(browsers.table())}; may be repeated (default: those found here)",
        )
        parser.add_argument("--system", action="store_true", help="for every user of this machine")
        parser.set_defaults(run=run)


def run_install(args: argparse.Namespace) -> int:
    """Register; 1 where a browser could not be. Raises SetupError."""
    done = install(args.browser or (), system=args.system)
    _print(map(_registration, done))
    for note in _notes(args.system):
        sys.stderr.write(f"note: {note}\n")
    return _status(done)


def run_uninstall(args: argparse.Namespace) -> int:
    """Take away; 1 where something of ours is left. Raises SetupError."""
    done = uninstall(args.browser or (), system=args.system)
    _print(_registration(entry) for entry in done if entry.change != "absent" or args.browser)
    if all(entry.change == "absent" for entry in done) and not args.browser:
        _print(["nothing was registered"])
    return _status(done)


def run_doctor(args: argparse.Namespace) -> int:
    """Examine; 1 where a browser cannot start the host, or where there is no browser. Raises SetupError."""
    found = doctor(args.browser or (), system=args.system)
    _print(map(_diagnosis, found))
    if not found:
        _print([f"no browser found here; name one: --browser {'|'.join(browsers.table())}"])
    return 0 if found and all(diagnosis.problem is None for diagnosis in found) else 1


def _registration(entry: Registration) -> str:
    note = f" ({entry.note})" if entry.note else ""
    return f"{entry.title}: {_WORDS[entry.change]}: {entry.location}{note}"


def _diagnosis(found: Diagnosis) -> str:
    if found.problem is None:
        return f"{found.title}: ok: {found.detail}"
    remedy = f"; mend it with: {found.remedy}" if found.remedy else ""
    return f"{found.title}: {found.problem}: {found.detail}{remedy}"


def _notes(system: bool) -> Iterable[str]:
    if sys.prefix != sys.base_prefix:
        yield f"the host runs from {sys.prefix}; if that is moved or removed, run this command again"
    sudo_user = os.environ.get("SUDO_USER")
    if sudo_user and not system:
        yield f"registered for {os.environ.get('HOME', 'root')}, not for {sudo_user}; for everybody: --system"


def _status(done: Iterable[Registration]) -> int:
    return 1 if any(entry.change == "failed" for entry in done) else 0


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")

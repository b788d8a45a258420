"""The command line: arguments in, a Request to the conductor, Events out. No logic."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from poterne import __version__
from poterne.errors import InvalidRequest, PoterneError, ReportError, printable

if TYPE_CHECKING:
    from poterne.policy import Policy
    from poterne.report import Options, Report, Request, Target

EXIT_INTERNAL = 3
EXIT_INTERRUPTED = 130
MAX_REPORT_BYTES = 8 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status (docs/contract.md 2.1). A line on standard error says what is wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        return int(args.run(args))
    except PoterneError as error:
        print(f"poterne: {printable(str(error))}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone: what is left must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_INTERNAL
    except Exception as error:
        if os.environ.get("POTERNE_TRACEBACK"):
            raise
        print(f"poterne: internal failure: {type(error).__name__}: {_one_line(error)}", file=sys.stderr)
        return EXIT_INTERNAL


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


class _Parser(argparse.ArgumentParser):
    """Refuses arguments in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(InvalidRequest.exit_status, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    from poterne.demo import demo
    from poterne.install import commands, policy_commands

    parser: argparse.ArgumentParser = _Parser(
        prog="poterne",
        description="Finds out, from where you are, why a mail server cannot be reached, and which settings work.",
    )
    parser.add_argument("--version", action="version", version=f"poterne {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(subparsers)
    commands.add_arguments(subparsers)
    policy_commands.add_arguments(subparsers)
    demo.add_arguments(subparsers).set_defaults(run=_demo)
    explain = subparsers.add_parser("explain", help="diagnose a saved report again, without a network")
    explain.add_argument("report", metavar="REPORT.json", type=Path)
    explain.add_argument("--json", action="store_true", help="print the report instead of text")
    explain.set_defaults(run=_explain)
    schema = subparsers.add_parser("schema", help="print the JSON Schema of reports and messages")
    schema.set_defaults(run=_schema)
    return parser


def _add_check(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from poterne.knowledge import formats

    check = subparsers.add_parser(
        "check",
        help="test an address, a domain, a server or an endpoint",
        epilog="exit status: 0 it works, 1 a problem was diagnosed, 2 the input is unusable, 3 nothing could be tested",
    )
    check.add_argument(
        "target", metavar="TARGET", help="user@example.org, example.org, smtp.example.org[:587], a mail URL"
    )
    output = check.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one report")
    output.add_argument("--jsonl", action="store_true", help="print every event as it happens, one object a line")
    check.add_argument("--ports", metavar="25,587", type=_numbers, help="test these ports only")
    check.add_argument("--family", type=int, choices=(4, 6), help="test IPv4 or IPv6 only")
    check.add_argument("--relay", metavar="HOST", help="your provider's own SMTP relay, to compare port 25 with")
    check.add_argument("--policy", metavar="FILE", type=Path, help="read this policy instead of this machine's")
    check.add_argument(
        "--no-trace",
        dest="trace",
        action="store_false",
        help="do not look for the place on the path where connections stop",
    )
    check.add_argument(
        "--budget", metavar="SECONDS", type=float, default=30.0, help="end by then (default: %(default)g)"
    )
    exports = tuple(formats.table().format)
    check.add_argument(
        "--export",
        metavar="FORMAT",
        choices=exports,
        help=f"write the settings that work to a file for a mail program or a person: {', '.join(exports)}",
    )
    check.add_argument(
        "--output", metavar="FILE", help="the file to export to (default: named after the domain); - for the terminal"
    )
    check.add_argument("--force", action="store_true", help="replace the file if there is one")
    check.set_defaults(run=_check)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError("expected port numbers, such as 25,587") from None


def _options(args: argparse.Namespace) -> "Options":
    from pydantic import ValidationError

    from poterne.report import Options

    given = {name: getattr(args, name) for name in ("ports", "family", "relay", "trace", "budget")}
    try:
        return Options.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidRequest(f"--{first['loc'][0]}: {first['msg']}") from None


def _check(args: argparse.Namespace) -> int:
    from poterne import policy
    from poterne.report import Request
    from poterne.target.parser import parse

    target = parse(args.target)
    output = _export_path(args, target)
    request = Request(target=args.target[:4096], options=_options(args))
    rules = policy.load(args.policy)
    if args.json or args.jsonl:
        _write_utf8()
        report = asyncio.run(_print_events(request, rules, every=args.jsonl))
    elif args.output == "-":
        report = asyncio.run(_silently(request, rules))
    else:
        report = _show(request, rules)
    return exit_status(report) if args.export is None else _export(args, report, output)


def _export_path(args: argparse.Namespace, target: "Target") -> Path | None:
    """Where the file goes, `None` for standard output. What cannot be written is refused before anything is probed."""
    if args.export is None:
        if args.output is not None or args.force:
            raise InvalidRequest("--output and --force belong to --export")
        return None
    from poterne.export import file_name

    if args.output == "-":
        if args.json or args.jsonl:
            raise InvalidRequest("standard output takes the report or the file, not both: give --output FILE")
        return None
    path = Path(args.output or file_name(target, args.export))
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror or error}") from None
    if is_folder:
        raise InvalidRequest(f"{path} is a folder")
    if is_there and not args.force:
        raise InvalidRequest(f"{path} is there already: choose another name with --output, or replace it with --force")
    return path


def _export(args: argparse.Namespace, report: "Report", path: Path | None) -> int:
    """Writes the file; the exit status stays the check's, but for 1 where there is nothing to write."""
    from poterne.errors import NoSettings
    from poterne.export import export
    from poterne.report.catalogue import language_of

    try:
        made = export(report, args.export, language_of(os.environ))
    except NoSettings as error:
        print(f"poterne: {error}", file=sys.stderr)
        return exit_status(report) or error.exit_status
    if path is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(made.data)
        return exit_status(report)
    try:
        with path.open("wb" if args.force else "xb") as file:
            file.write(made.data)
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror or error}") from None
    print(f"poterne: {path} written", file=sys.stderr)
    return exit_status(report)


async def _silently(request: "Request", rules: "Policy") -> "Report":
    from contextlib import aclosing

    from poterne.check import check

    async with aclosing(check(request, rules)) as events:
        async for event in events:
            if event.type == "report":
                return event.report
    raise AssertionError("a check ends with a report")


async def _print_events(request: "Request", rules: "Policy", *, every: bool) -> "Report":
    from poterne.check import check

    last: Report | None = None
    async for event in check(request, rules):
        if event.type == "report":
            last = event.report
        if every:
            print(event.model_dump_json(exclude={"id", "reduced", "network"}), flush=True)
        elif event.type == "report":
            print(event.report.model_dump_json(), flush=True)
    assert last is not None
    return last


def _write_utf8() -> None:
    """JSON is UTF-8 (RFC 8259 section 8.1), whatever the terminal's encoding."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def _show(request: "Request", rules: "Policy") -> "Report":
    from poterne.cli import text

    return asyncio.run(text.follow(request, rules))


def _demo(args: argparse.Namespace) -> int:
    from poterne import policy
    from poterne.demo import demo
    from poterne.report import Request
    from poterne.report.catalogue import Catalogue, language_of

    catalogue = Catalogue(language_of(os.environ))

    def check(target: str, path: Path) -> int:
        return exit_status(_show(Request(target=target), policy.load(path)))

    return demo.run(args, check=check, say=catalogue.text, language=catalogue.language)


def _explain(args: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from poterne.cli import text
    from poterne.told import again as explain

    try:
        with args.report.open("rb") as file:
            raw = file.read(MAX_REPORT_BYTES + 1)
        if len(raw) > MAX_REPORT_BYTES:
            raise ReportError(f"{args.report}: larger than {MAX_REPORT_BYTES} bytes")
        report = explain.explain(explain.read(json.loads(raw)))
    except OSError as error:
        raise ReportError(f"{args.report}: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ReportError(f"{args.report}: not a report: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ReportError(f"{args.report}: not a report: {_one_line(error)}") from None
    if args.json:
        _write_utf8()
        print(report.model_dump_json())
    else:
        text.show(report)
    return exit_status(report)


def _schema(args: argparse.Namespace) -> int:
    from poterne.report.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


def exit_status(report: "Report") -> int:
    """0 usable, 1 not usable as asked, 3 nothing could be tested (no network)."""
    if report.verdict.code == "offline":
        return 3
    return 1 if any(finding.severity == "blocker" for finding in report.findings) else 0


if __name__ == "__main__":
    sys.exit(main())

"""`poterne policy check`, `generate` and `remove`: arguments in, lines out."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poterne.errors import InvalidRequest, SetupError, printable

if TYPE_CHECKING:
    from poterne.install.deployment import Written
    from poterne.install.other_hosts import OtherHost
    from poterne.policy import Policy

_LISTED = 100


def add_arguments(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `policy` and its three actions; each sets `run`, which gives the exit status."""
    parser = subparsers.add_parser("policy", help="what this machine's administrator allows, and tells browsers")
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    check = actions.add_parser("check", help="say whether a policy file can be used, and what it comes to")
    check.add_argument("file", metavar="FILE", nargs="?", type=Path, help="default: this machine's policy")
    check.add_argument("--json", action="store_true", help="print every value in force as JSON")
    check.set_defaults(run=run_check)

    text = "write the policies with which an organisation's browsers install, pin and allow Poterne"
    generate = actions.add_parser("generate", help=text, description=text)
    generate.add_argument("--policy", metavar="FILE", type=Path, help="made from this file (default: this machine's)")
    where = generate.add_mutually_exclusive_group(required=True)
    where.add_argument("--output", metavar="FOLDER", type=Path, help="files for Linux, Windows and macOS, merged into")
    where.add_argument("--write", action="store_true", help="tell the browsers of this Linux machine (needs root)")
    generate.add_argument("--browser", action="append", metavar="B", help="may be repeated (default: all; those here)")
    generate.add_argument("--update-url", metavar="URL", help="the extension's update manifest, for Chromium's family")
    generate.add_argument("--xpi-url", metavar="URL", help="the extension's package for Firefox's family")
    generate.add_argument("--yes", action="store_true", help="do not ask before programs of others are switched off")
    generate.set_defaults(run=run_generate)

    remove = actions.add_parser("remove", help="take away what generate --write added, and nothing else")
    remove.set_defaults(run=run_remove)


def run_check(args: argparse.Namespace) -> int:
    """0 where the file can be used; raises PolicyError where it cannot."""
    from poterne import policy

    path: Path = args.file or policy.default_path()
    if args.file is None and policy.is_absent(path):
        rules, said = policy.Policy(), f"{path}: there is none, so the defaults hold"
    else:
        rules, said = policy.load(args.file), f"{path}: ok"
    if args.json:
        print(json.dumps(rules.model_dump(mode="json"), indent=2))
    else:
        _print([said, *_summary(rules)])
    return 0


def run_generate(args: argparse.Namespace) -> int:
    """Raises SetupError, PolicyError and InvalidRequest."""
    from poterne import policy
    from poterne.install import deployment

    rules = _with_addresses(policy.load(args.policy), args)
    names = args.browser or ()
    if args.write:
        done = deployment.apply(rules, names, consent=_agreed if args.yes else _ask)
    else:
        done = deployment.generate(rules, args.output, names)
        if (found := deployment.would_switch_off(rules, names)) is not None:
            sys.stderr.write("note: that switches off programs of others; of this machine's:\n")
            _list(found)
    _tell(done)
    for option, value in (("update_url", rules.deploy.update_url), ("xpi_url", rules.deploy.xpi_url)):
        if value is None:
            family = "Chromium" if option == "update_url" else "Firefox"
            sys.stderr.write(
                f"note: without deploy.{option} {family}'s family is allowed the extension, not given it\n"
            )
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Raises SetupError."""
    from poterne.install import deployment

    done = deployment.withdraw()
    _tell(entry for entry in done if entry.change != "left")
    if not done:
        _print(["nothing had been written"])
    if left := [reason for entry in done if entry.change == "left" for reason in entry.kept]:
        raise SetupError(f"{'; '.join(left)}: left as it is; once that is put right, run poterne policy remove again")
    return 0


def _ask(found: Sequence["OtherHost"]) -> None:
    """Raises InvalidRequest where nobody can be asked, SetupError where the answer is no."""
    sys.stderr.write("This switches off programs of others, which extensions may start now:\n")
    _list(found)
    if sys.stdin is None or not sys.stdin.isatty():
        raise InvalidRequest("nothing was written: to switch these programs off, say --yes")
    sys.stderr.write("Type yes to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise SetupError("nothing was written")


def _agreed(found: Sequence["OtherHost"]) -> None:
    sys.stderr.write("note: programs of others that are switched off:\n")
    _list(found)


def _list(found: Sequence["OtherHost"]) -> None:
    for host in found[:_LISTED]:
        sys.stderr.write(f"  {host.name}  {host.file}  ({host.title})\n")
    if not found:
        sys.stderr.write("  none that is registered now\n")
    if len(found) > _LISTED:
        sys.stderr.write(f"  and {len(found) - _LISTED} more\n")


def _with_addresses(rules: "Policy", args: argparse.Namespace) -> "Policy":
    from pydantic import ValidationError

    from poterne.policy.organisation import Deploy

    given = {name: getattr(args, name) for name in ("update_url", "xpi_url") if getattr(args, name) is not None}
    try:
        deploy = Deploy.model_validate({**rules.deploy.model_dump(), **given})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidRequest(f"--{str(first['loc'][0]).replace('_', '-')}: expected an http or https URL") from None
    return rules.model_copy(update={"deploy": deploy})


def _summary(rules: "Policy") -> Iterator[str]:
    allow = rules.allow
    stated = "any that the user types" if allow.ports is None else ", ".join(map(str, allow.ports)) or "none"
    yield f"  ports            {stated}"
    yield f"  targets          {', '.join(allow.targets) or 'none' if allow.targets is not None else 'any'}"
    if allow.deny_targets:
        yield f"  never            {', '.join(allow.deny_targets)}"
    yield f"  networks         {', '.join(allow.networks) or 'none' if allow.networks is not None else 'any'}"
    if allow.deny_networks:
        yield f"  never            {', '.join(allow.deny_networks)}"
    yield f"  checks           {f'{allow.checks_per_minute} a minute' if allow.checks_per_minute else 'any number'}"
    controls = rules.controls.hosts
    yield f"  controls         {', '.join(controls) or 'none' if controls is not None else 'the usual ones'}"
    yield f"  outside sources  {', '.join(rules.discovery.sources) or 'none'}"
    yield f"  log              {rules.log.to}"
    if count := len(rules.expected.servers):
        domains = ", ".join(rules.expected_domains) or "no domain: set organisation.domain"
        servers = "1 server" if count == 1 else f"{count} servers"
        yield f"  expected         {servers}, for {domains}"
    if rules.lab is not None:
        yield "  lab              yes: only in a file that is named with --policy"


def _tell(done: Iterable["Written"]) -> None:
    for entry in done:
        _print([printable(f"{entry.path}: {entry.change}")])
        for line in entry.kept:
            sys.stderr.write(f"{printable(f'note: {entry.path}: {line}')}\n")


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")

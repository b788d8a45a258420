"""`poterne demo`: the check, shown on servers that are embedded here. Needs no network and no privileges."""

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from poterne.demo.world import World

Check = Callable[[str, Path], int]
"""Checks a target under a policy file, prints the answer, returns the exit status of `poterne check`."""


class Say(Protocol):
    """The catalogue's sentence for a key, with its placeholders filled in by name."""

    def __call__(self, key: str, /, **values: object) -> str: ...


_NAP_S = 3600.0


def add_arguments(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add `demo`, with `target` (or None) and `serve`."""
    parser = subparsers.add_parser("demo", help="show the check on mail servers that run on this machine alone")
    parser.add_argument("target", metavar="TARGET", nargs="?", help="a target of the demonstration (see --serve)")
    parser.add_argument("--serve", action="store_true", help="keep the servers up and list the targets")
    return parser


def run(args: argparse.Namespace, *, check: Check, say: Say, language: str = "en") -> int:
    """Start the demonstration's servers and check its showcase, or `args.target`, or only serve (`args.serve`).

    Returns the highest exit status of the checks, 0 after serving. Interruption stops the servers and goes through.
    """
    from poterne.demo import serving

    with _terminated_as_exit(), serving() as world:
        for place, reason in world.unavailable.items():
            print(say("cli_demo_unavailable", endpoint=place, reason=reason), file=sys.stderr)
        if args.serve:
            _serve(world, say, language)
            return 0
        if args.target is not None:
            return check(args.target, world.policy_path)
        status = 0
        for number, target in enumerate(world.showcase):
            if number:
                print()
            print(say("cli_demo_target", target=target, says=_says(world, target, language)), flush=True)
            status = max(status, check(target, world.policy_path))
        return status


def _serve(world: "World", say: Say, language: str) -> None:
    width = max(map(len, world.targets))
    command = f"poterne check {world.targets[0]} --policy {shlex.quote(str(world.policy_path))}"
    with suppress(KeyboardInterrupt):
        print(say("cli_demo_targets"))
        for target in world.targets:
            print(f"  {target:{width}}  {_says(world, target, language)}")
        print(say("cli_demo_serving", policy=world.policy_path, command=command), flush=True)
        while True:
            time.sleep(_NAP_S)


def _says(world: "World", target: str, language: str) -> str:
    says = dict(world.shown)[target].says
    return says.get(language) or says["en"]


@contextmanager
def _terminated_as_exit() -> Iterator[None]:
    """SIGTERM unwinds as SystemExit, so that servers and temporary files are gone."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

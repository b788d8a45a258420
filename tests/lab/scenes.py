"""Scenes: networks that ail in one way each, and what a check in them has to say, and must not say."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from poterne.report import Report
from poterne.told.again import explain

from .firewall import Firewall
from .netns import Namespace
from .runs import Run
from .topology import Host, Machine
from .world import World

NETWORK = frozenset(
    {
        "port25-blocked", "port25-relay-only", "port-blocked", "mail-allowlist", "local-firewall", "gateway-firewall",
        "smtp-intercepted", "starttls-stripped", "tls-intercepted", "tls-stalled", "captive-portal", "offline",
        "ipv6-broken", "ipv4-broken", "proxy-only",
    }
)  # fmt: skip
# Codes that accuse somebody: a scene names those that it expects, and any other is a false accusation.
ACCUSING = NETWORK | {
    "server-down", "client-rejected", "port-silent", "dns-hijacked", "wrong-host-name", "clock-wrong",
    "no-mail-service", "own-address", "private-address", "dns-differs", "resolver-slow",
}  # fmt: skip
_CONFIDENCES = ("possible", "likely", "certain")

Row = tuple[str | None, int, str]


@dataclass(frozen=True)
class Expected:
    """What a check has to say. `verdict` is the code (or one of several), with this `confidence` at least (and at most
    `at_most`); `codes` have to stand beside it, `maybe` may; whatever else accuses somebody, and whatever of `never`,
    must not. `outgoing` and `incoming` begin with these ports.
    """

    verdict: str | tuple[str, ...]
    confidence: str = "possible"
    at_most: str = "certain"
    status: int | tuple[int, ...] = 0
    codes: Sequence[str] = ()
    maybe: Sequence[str] = ()
    never: Sequence[str] = ()
    outgoing: Sequence[tuple[int, str]] = ()
    incoming: Sequence[tuple[int, str]] = ()

    def check(self, run: Run) -> None:
        """Assert all of it."""
        verdict = run.report["verdict"]
        verdicts = (self.verdict,) if isinstance(self.verdict, str) else self.verdict
        statuses = (self.status,) if isinstance(self.status, int) else self.status
        assert verdict["code"] in verdicts
        assert run.status in statuses
        rank = _CONFIDENCES.index(verdict["confidence"])
        assert _CONFIDENCES.index(self.confidence) <= rank <= _CONFIDENCES.index(self.at_most), verdict
        missing = set(self.codes) - run.codes
        assert not missing, f"missing: {sorted(missing)}"
        wrong = run.codes & (ACCUSING | set(self.never)) - {*verdicts, *self.codes, *self.maybe}
        assert not wrong, f"wrong: {sorted(wrong)}"
        for direction, rows in (("outgoing", self.outgoing), ("incoming", self.incoming)):
            found = [row[1:] for row in run.settings(direction)]
            assert found[: len(rows)] == list(rows), direction
        report = Report.model_validate(run.report)
        again = explain(report)
        assert (again.verdict, again.findings) == (report.verdict, report.findings), "a saved report is read otherwise"


SENDS = ((465, "tls"), (587, "starttls"))


@dataclass
class Stage:
    """Where one scene is played: its machine, its target and its rules, which hold until all scenes have ended."""

    world: World
    label: str
    stack: ExitStack
    made: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def machine(self) -> Machine:
        """A client of this scene's own, with both families."""
        return self.world.machine()

    @cached_property
    def own_firewall(self) -> Firewall:
        return self.world.at(self.machine)

    @cached_property
    def target(self) -> Host:
        """A faultless server of this scene's own."""
        return self.world.real(self.label)

    def use(self, machine: Machine) -> Machine:
        """Play on this machine instead."""
        self.__dict__["machine"] = machine
        return machine

    def rule(self, rule: AbstractContextManager[object]) -> None:
        self.stack.enter_context(rule)

    def check(
        self,
        target: str | None = None,
        *flags: str,
        port: int | None = None,
        env: Mapping[str, str] | None = None,
        **policy: Any,
    ) -> "Future[Run]":
        """Check the target (or another) from the machine; `policy` is for `World.compared`."""
        wanted = target or (f"{self.target.name}:{port}" if port else self.target.name)
        namespace: Namespace = self.machine.namespace
        return self.world.start(wanted, *flags, policy=self.world.compared(**policy), namespace=namespace, env=env)


Play = Callable[[Stage], "Future[Run]"]


class Scenes:
    """The scenes of one module: they begin together, and each is a test. Hosts' names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._plays: dict[str, Play] = {}
        self.expected: dict[str, Expected] = {}

    def scene(self, expected: Expected) -> Callable[[Play], Play]:
        def add(play: Play) -> Play:
            name = play.__name__.strip("_").replace("_", "-")
            self._plays[name] = play
            self.expected[name] = expected
            return play

        return add

    def add(self, name: str, play: Play, expected: Expected) -> None:
        """As `scene`, for scenes that differ in a value."""
        self._plays[name] = play
        self.expected[name] = expected

    @property
    def names(self) -> list[str]:
        return list(self._plays)

    def play(self, world: World) -> "Iterator[dict[str, Future[Run]]]":
        """Begin all; their rules end when the iterator is resumed."""
        with ExitStack() as stack:
            yield {
                name: play(Stage(world, re.sub(r"[^a-z0-9]+", "-", f"{self._prefix}-{name}"), stack))
                for name, play in self._plays.items()
            }

"""Who answers in the servers' place: signs by the canary, by names in greetings, and by traces."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.evidence import CONFIDENCES, Evidence, settled, spoke, verified
from poterne.diagnosis.limits import Limits
from poterne.diagnosis.operators import independent
from poterne.diagnosis.starttls import lacking_alike
from poterne.diagnosis.target_seen import TargetSeen
from poterne.knowledge import ports
from poterne.report import Confidence, Observation

_NAME = re.compile(r"^220[- ]+(\S+)")

Sign = tuple[Confidence, set[str]]
"""What one sign proves, and the ids of the observations that show it."""


class Impostor(NamedTuple):
    """Somebody else answers at the observations `seen`, in the target's place; `support`: the ids of what shows it."""

    confidence: Confidence
    seen: tuple[Observation, ...]
    support: tuple[str, ...]


class Impostors:
    """Ports on which somebody else answers than the servers."""

    def __init__(self, evidence: Evidence, target: TargetSeen, controls: Controls, limits: Limits) -> None:
        self._evidence = evidence
        self._target = target
        self._controls = controls
        self._limits = limits

    @cached_property
    def found(self) -> tuple[Impostor, ...]:
        """One for each confidence, the least sure first, with all the ports that it is so sure of."""
        by_port: dict[int, Sign] = {}
        for port in dict.fromkeys(o.port for o in self._target.tried if settled(o)):
            for confidence, support in self._signs(port):
                known = by_port.get(port, ("possible", set()))
                best = max(known[0], confidence, key=CONFIDENCES.index)
                by_port[port] = (best, known[1] | support)
        return tuple(self._impostors(by_port))

    def _signs(self, port: int) -> Iterator[Sign]:
        yield from self._by_canary(port)
        yield from self._by_name(port)
        yield from self._by_relay(port)
        yield from self._by_path(port)

    def _impostors(self, by_port: dict[int, Sign]) -> Iterator[Impostor]:
        for confidence in CONFIDENCES:
            numbers = [port for port, (sure, _) in by_port.items() if sure == confidence]
            there = [o for o in self._target.tried if o.port in numbers and settled(o)]
            seen = tuple(o for o in there if o.state in ("open", "reset"))
            if seen:
                yield Impostor(confidence, seen, tuple(sorted(set().union(*(by_port[port][1] for port in numbers)))))

    def _by_canary(self, port: int) -> Iterator[Sign]:
        opened = [o for o in self._evidence.canary if o.port == port and o.state == "open"]
        if not opened:
            return
        if any(spoke(o) for o in opened):
            yield "certain", {o.id for o in opened}
            return
        ours = [o for o in self._target.tried if o.port == port and o.state == "open"]
        elsewhere = [o for o in self._evidence.canary if o.port != port and settled(o)]
        passes = bool(ours) and all(verified(o) for o in ours)
        stripped = lacking_alike(self._target, self._controls, port)
        if any(o.state != "open" for o in elsewhere) and not passes and not stripped:
            yield "likely", {o.id for o in (*opened, *elsewhere)}

    def _by_name(self, port: int) -> Iterator[Sign]:
        names = {_greeted_as(o) for o in self._target.tried if o.port == port} - {None}
        for name in names:
            saying = [o for o in self._greeters if o.port == port and _greeted_as(o) == name]
            hosts = {o.host for o in saying}
            elsewhere = [o for o in self._greeters if o.host in hosts and o.port != port]
            if any(_greeted_as(o) == name for o in elsewhere):
                continue
            # Only controls that say another name elsewhere are known to have one of their own.
            known = {o.host for o in elsewhere}
            telling = [o for o in saying if o.role == "target" or o.host in known]
            if count := independent(o for o in telling if o.role == "control"):
                yield ("certain" if count >= 2 else "likely"), {o.id for o in (*telling, *elsewhere)}

    def _by_relay(self, port: int) -> Iterator[Sign]:
        """The target greets as the provider's relay does, at another address, and by another name on another port."""
        for relay in self._evidence.relay:
            name = _greeted_as(relay)
            alike = [o for o in self._greeters if o.role == "target" and o.port == port and _greeted_as(o) == name]
            for seen in alike if relay.port == port else ():
                elsewhere = [o for o in self._greeters if o.host == seen.host and o.port != port]
                stranger = seen.host != relay.host and seen.address != relay.address
                if stranger and elsewhere and all(_greeted_as(o) != name for o in elsewhere):
                    yield "likely", {seen.id, relay.id, *(o.id for o in elsewhere)}

    @cached_property
    def _greeters(self) -> list[Observation]:
        every = (*self._target.tried, *self._controls.seen)
        return [o for o in every if settled(o) and _greeted_as(o) is not None]

    def _by_path(self, port: int) -> Iterator[Sign]:
        if _dialogue(port) != "smtp":
            return
        for seen in self._target.tried:
            near = _opens_at(seen)
            if seen.port != port or near is None or self._limits.unreliable(seen.family):
                continue
            for other in self._target.seen:
                far = _opens_at(other)
                if other.address != seen.address or other.port == port or far is None or far <= near:
                    continue
                routed = any(hop.hop == near and hop.answer == "time-exceeded" for hop in other.path)
                if near == 1 and routed:
                    yield "likely", {seen.id, other.id}
                elif far - near > 1:
                    yield "possible", {seen.id, other.id}


def _greeted_as(seen: Observation) -> str | None:
    """The name in an SMTP greeting (RFC 5321 section 4.2)."""
    match = _NAME.match(seen.greeting or "")
    return match[1].lower().rstrip(".") if match and _dialogue(seen.port) == "smtp" else None


def _dialogue(port: int) -> str:
    row = ports.facts(port)
    return row.dialogue if row else "smtp"


def _opens_at(seen: Observation) -> int | None:
    return min((hop.hop for hop in seen.path if hop.answer == "open"), default=None)

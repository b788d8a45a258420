"""One check's evidence, arranged: who is who, how each connection failed, and what traces show."""

import ipaddress
from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from poterne.diagnose.evidence import (
    Evidence,
    answers,
    cut_in_tls,
    needed,
    reached,
    refused_by_target,
    reset,
    settled,
    spoke,
    web_ports,
)
from poterne.diagnose.operators import independent, loopback, vouches
from poterne.knowledge import load
from poterne.model import Family, Observation, State

Signature = Literal[
    "silent", "refused", "own", "local", "target", "gateway", "way", "cut", "mute", "foreign", "nowhere"
]
_UNREPORTED: dict[State, Signature] = {
    "no-answer": "silent",
    "refused": "refused",
    "reset": "cut",
    "prohibited": "local",
}
# An ICMP error of somebody on the way.
REPORTED: tuple[Signature, ...] = ("own", "gateway", "way")
Place = tuple[Family, int]

_CLEAR_WEB = 80
_ANSWERS = ("open", "refused", "prohibited")


class Arranged:
    """One check's evidence. Nothing is computed that no rule asks for."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    # ---- who is who

    @cached_property
    def target(self) -> tuple[Observation, ...]:
        """The target's own observations on every port, the web's included, provisional ones too. Where somebody alters
        pages, HTTP in the clear says nothing of the target.
        """
        portal = self.evidence.portal
        if portal is None or portal.state != "altered":
            return self.evidence.ours
        return tuple(o for o in self.evidence.ours if o.port != _CLEAR_WEB or self.evidence.asks_for(o.port))

    @cached_property
    def tried(self) -> tuple[Observation, ...]:
        """The target's own observations on the ports that were meant to be tested."""
        return self.evidence.tried

    @cached_property
    def failing(self) -> tuple[Observation, ...]:
        """Those of `tried` without an answer, as far as known, that are news."""
        return tuple(o for o in self.tried if not spoke(o) and needed(o, self.evidence))

    @cached_property
    def controls(self) -> tuple[Observation, ...]:
        """Observations of hosts that have nothing to do with the target. The gateway is no control."""
        ours = [o for o in self.evidence.observations if o.role == "target"]
        hosts = {o.host for o in ours} | {self.evidence.target.host}
        addresses = {o.address for o in ours if not loopback(o.address)}
        return tuple(
            o
            for o in self.evidence.observations
            if o.role == "control" and o.source != "gateway" and o.host not in hosts and o.address not in addresses
        )

    def of(self, role: str) -> tuple[Observation, ...]:
        """Observations of the canary, the relay; `gateway` for the home box."""
        if role == "gateway":
            return tuple(o for o in self.evidence.observations if o.role == "control" and o.source == "gateway")
        return tuple(o for o in self.evidence.observations if o.role == role)

    @cached_property
    def _places(self) -> dict[Place, list[Observation]]:
        places: dict[Place, list[Observation]] = {}
        for seen in self.controls:
            places.setdefault((seen.family, seen.port), []).append(seen)
        return places

    def controls_at(self, family: Family, port: int) -> list[Observation]:
        """The controls' observations there."""
        return self._places.get((family, port), [])

    @cached_property
    def _signs_of_life(self) -> dict[tuple[Family, str], set[int]]:
        """Ports on which a control spoke in this check."""
        alive: dict[tuple[Family, str], set[int]] = {}
        for seen in self.controls:
            if spoke(seen) and not seen.cached:
                alive.setdefault((seen.family, seen.host), set()).add(seen.port)
        return alive

    def live(self, host: str, family: Family, port: int) -> bool:
        """Whether a control spoke on some other port than the one that is judged."""
        return bool(self._signs_of_life.get((family, host), set()) - {port})

    def answering(self, family: Family, port: int) -> list[Observation]:
        """Controls that spoke there, be it a minute ago: they clear the network."""
        return [o for o in self.controls_at(family, port) if spoke(o)]

    @cached_property
    def living(self) -> list[Observation]:
        """The controls' observations, in this check, of ports that spoke."""
        return [o for o in self.controls if spoke(o) and not o.cached]

    # ---- failures

    @cached_property
    def _neighbours(self) -> tuple[frozenset[str], frozenset[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
        machine = self.evidence.machine
        own = frozenset(_plain(address) for address in machine.addresses)
        gateways = frozenset(_plain(address) for address in machine.gateways)
        networks = [ipaddress.ip_network(network, strict=False) for network in machine.networks]
        return own, gateways, networks

    @cached_property
    def first_hops(self) -> dict[Family, set[str]]:
        """The routers that traces met first."""
        found: dict[Family, set[str]] = {4: set(), 6: set()}
        for seen in self.evidence.observations:
            found[seen.family] |= {
                _plain(hop.address)
                for hop in seen.path
                if hop.hop == 1 and hop.answer == "time-exceeded" and hop.address
            }
        return found

    def signature(self, seen: Observation) -> Signature | None:
        """How a connection failed: None where somebody spoke. Who sent an ICMP error decides what it means: this
        machine (`own`), the target itself, the home box (`gateway`), or any other router (`way`).
        """
        if spoke(seen):
            return None
        if seen.state == "open":
            return _without_words(seen)
        if seen.reporter is not None:
            return self._reporter(seen)
        return _UNREPORTED.get(seen.state, "nowhere")

    def _reporter(self, seen: Observation) -> Signature:
        own, gateways, networks = self._neighbours
        reporter = _plain(seen.reporter or "")
        if reporter in own:
            return "own"
        if reporter == _plain(seen.address):
            return "target"
        if reporter in gateways or reporter in self.first_hops[seen.family]:
            return "gateway"
        try:
            parsed = ipaddress.ip_address(reporter)
        except ValueError:
            return "way"
        if parsed.is_loopback:
            return "own"
        return "gateway" if any(parsed in network for network in networks) else "way"

    def elsewhere(self, seen: Observation, *, resets: bool = False) -> bool:
        """Whether the target answers on another port in that family. `resets`: a TCP reset is answer enough."""
        return any(
            o.family == seen.family and o.port != seen.port and not o.cached and (spoke(o) or (resets and reset(o)))
            for o in self.target
        )

    def one_family(self, failing: Iterable[Observation]) -> Family | None:
        """The family of a failure, where the target was tested on the same ports in the other one too, and does not
        show it there.
        """
        failing = list(failing)
        families = {o.family for o in failing}
        places = {(o.host, o.port) for o in failing}
        tested = {o.family for o in self.tried if (o.host, o.port) in places and self.signature(o) != "nowhere"}
        return families.pop() if len(families) == 1 and len(tested) > 1 else None

    def beside(self, seen: Observation) -> Observation | None:
        """A working port of the same address, the best to hold a path against."""
        working = [
            o
            for o in self.target
            if o.state == "open" and o.address == seen.address and o.port != seen.port and not o.cached
        ]
        return min(working, key=lambda o: (o.path == (), not answers(o), o.port), default=None)

    def clears(self, seen: Observation, signature: Signature) -> bool:
        """Whether an observation shows that a port is not blocked in the way of that signature: one answer on it, by
        whomever, is enough.
        """
        if signature == "cut":
            return spoke(seen) or refused_by_target(seen)
        return reached(seen) and not (signature == "refused" and reset(seen))

    def proxied(self, port: int) -> bool:
        """Whether a proxy nearby, such as a virus scanner's, opens this port and others for everybody: the canary opens
        on all of them and greets on none. Then only greetings count.
        """
        opened = {o.port for o in self.of("canary") if o.state == "open" and not spoke(o)}
        settled_ = {o.port for o in self.of("canary") if settled(o)}
        return port in opened and len(opened) > 1 and settled_ <= opened

    def gagged(self, family: Family, port: int) -> bool:
        """Whether neither the target nor two controls greet on a port that opened."""
        ours = [o for o in self.tried if (o.family, o.port) == (family, port) and settled(o)]
        theirs = [o for o in self.controls_at(family, port) if settled(o) and self.signature(o) in ("mute", "cut")]
        return any(self.signature(o) == "mute" for o in ours) and independent(theirs) >= 2

    def of_greetings(self, seen: Observation) -> Signature | None:
        """The signature; behind a proxy that opens for everybody, a greeting that does not come for long says as much
        as a connection that is cut.
        """
        signature = self.signature(seen)
        if signature != "mute" or not self.proxied(seen.port):
            return signature
        waits = (seen.stages.greeting_ms, seen.stages.tls_ms)
        waited = max((wait for wait in waits if wait is not None), default=0.0)
        return "cut" if waited >= load("timing")["dialogue"]["suspicion_relay"] * 1000 else "mute"

    def judged(self, family: Family, port: int) -> list[Observation]:
        """The live controls that are known to serve a port."""
        return [o for o in self.controls_at(family, port) if vouches(o, port) and self.live(o.host, family, port)]

    # ---- the path

    def nearer(self, seen: Observation) -> bool:
        """Whether a trace shows that an answer came from fewer hops than those of a working port of that address."""
        end = _end(seen)
        far = self._distance(seen)
        return end is not None and far is not None and end < far

    def _distance(self, seen: Observation) -> int | None:
        ends = [
            end
            for o in self.target
            if o.address == seen.address and o.port != seen.port and o.state == "open" and (end := _end(o)) is not None
        ]
        return min(ends, default=None)

    def working_path(self, seen: Observation) -> Observation | None:
        """A working port of the same address with a path."""
        working = self.beside(seen)
        return working if working is not None and working.path else None

    def stops_midway(self, seen: Observation) -> bool:
        """Whether a trace shows that a port falls silent behind a router where a working port of the same address meets
        another one: it is not the server that keeps silent.
        """
        working = self.working_path(seen)
        if not seen.path or working is None or any(hop.answer in _ANSWERS for hop in seen.path):
            return False
        last = max((hop.hop for hop in seen.path if hop.answer == "time-exceeded"), default=0)
        return any(
            hop.hop == last + 1 and hop.answer == "time-exceeded" and hop.address != seen.address
            for hop in working.path
        )

    def begins_unseen(self, seen: Observation) -> bool:
        """Whether nobody was met on a failing port's way, and on a working one's somebody, but not the first router."""
        working = self.working_path(seen)
        if not seen.path or working is None or any(hop.answer != "silent" for hop in seen.path):
            return False
        box = [o for o in self.of("gateway") if (o.family, o.port) == (seen.family, seen.port)]
        return (
            working.path[0].answer == "silent"
            and any(hop.answer == "time-exceeded" for hop in working.path)
            and not any(reached(o) for o in box)
        )


def _without_words(seen: Observation) -> Signature:
    if seen.greeting_kind == "foreign":
        return "foreign"
    return "cut" if seen.greeting_kind == "closed" or cut_in_tls(seen) else "mute"


def _plain(address: str) -> str:
    return address.partition("%")[0]


def _end(seen: Observation) -> int | None:
    """The hop that answered the SYN itself."""
    return min((hop.hop for hop in seen.path if hop.answer in ("open", "refused")), default=None)


def is_web(observation: Observation) -> bool:
    """Whether the port is one of the web's."""
    return observation.port in web_ports()

"""How a connection failed, and who says so."""

import ipaddress
from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.evidence import Evidence, cut_in_tls, reached, refused_by_target, reset, settled, spoke
from poterne.diagnosis.operators import independent
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Family, Observation, State

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


class Failures:
    """What each failure looks like, told by this machine's place in the network."""

    def __init__(self, evidence: Evidence, target: TargetSeen, controls: Controls) -> None:
        self._evidence = evidence
        self._target = target
        self._controls = controls

    @cached_property
    def _neighbours(self) -> tuple[frozenset[str], frozenset[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
        machine = self._evidence.machine
        own = frozenset(_plain(address) for address in machine.addresses)
        gateways = frozenset(_plain(address) for address in machine.gateways)
        networks = [ipaddress.ip_network(network, strict=False) for network in machine.networks]
        return own, gateways, networks

    @cached_property
    def first_hops(self) -> dict[Family, set[str]]:
        """The routers that traces met first."""
        found: dict[Family, set[str]] = {4: set(), 6: set()}
        for seen in self._evidence.observations:
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

    def greeting_signature(self, seen: Observation) -> Signature | None:
        """The signature; behind a proxy that opens for everybody, a greeting that does not come for long says as much
        as a connection that is cut.
        """
        signature = self.signature(seen)
        if signature != "mute" or not self.proxied(seen.port):
            return signature
        waits = (seen.stages.greeting_ms, seen.stages.tls_ms)
        waited = max((wait for wait in waits if wait is not None), default=0.0)
        return "cut" if waited >= self._evidence.timing.dialogue.slow * 1000 else "mute"

    def proxied(self, port: int) -> bool:
        """Whether a proxy nearby, such as a virus scanner's, opens this port and others for everybody: the canary opens
        on all of them and greets on none. Then only greetings count.
        """
        canary = self._evidence.canary
        opened = {o.port for o in canary if o.state == "open" and not spoke(o)}
        return port in opened and len(opened) > 1 and {o.port for o in canary if settled(o)} <= opened

    def gagged(self, family: Family, port: int) -> bool:
        """Whether neither the target nor two controls greet on a port that opened."""
        ours = [o for o in self._target.tried if (o.family, o.port) == (family, port) and settled(o)]
        theirs = [o for o in self._controls.on(family, port) if settled(o) and self.signature(o) in ("mute", "cut")]
        return any(self.signature(o) == "mute" for o in ours) and independent(theirs) >= 2

    def families_tested(self, port: int) -> set[Family]:
        """The families in which the target was tested there. One that this machine does not have was not."""
        return {o.family for o in self._target.tried if o.port == port and self.signature(o) != "nowhere"}

    def one_family(self, failing: Iterable[Observation]) -> Family | None:
        """The family of a failure, where the target was tested on the same ports in the other one too, and does not
        show it there.
        """
        failing = list(failing)
        families = {o.family for o in failing}
        endpoints = {(o.host, o.port) for o in failing}
        tested = {
            o.family for o in self._target.tried if (o.host, o.port) in endpoints and self.signature(o) != "nowhere"
        }
        return families.pop() if len(families) == 1 and len(tested) > 1 else None


def clears(seen: Observation, signature: Signature) -> bool:
    """Whether an observation shows that a port is not blocked in the way of that signature: one answer on it, by
    whomever, is enough. That a connection opens is none where openings are followed by silence, or cut.
    """
    if signature in ("cut", "mute"):
        return spoke(seen) or refused_by_target(seen)
    return reached(seen) and not (signature == "refused" and reset(seen))


def _without_words(seen: Observation) -> Signature:
    if seen.greeting_kind == "foreign":
        return "foreign"
    return "cut" if seen.greeting_kind == "closed" or cut_in_tls(seen) else "mute"


def _plain(address: str) -> str:
    return address.partition("%")[0]

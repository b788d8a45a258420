"""What the target's failures are held against: which controls are alive, who vouches for what, and what fails alike."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
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
from poterne.diagnose.operators import independent, loopback, serves, vouches
from poterne.diagnose.wanted import Want
from poterne.knowledge import load
from poterne.model import Confidence, Family, Observation, State

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
_REPORTED: tuple[Signature, ...] = ("own", "gateway", "way")
Place = tuple[Family, int]

# A SYN that is repeated once a second, and then every two: an answer after that long is not the first one's.
_REPEATED_MS = 900.0
_FAMILIES: tuple[Family, Family] = (4, 6)
_CLEAR_WEB = 80
_BEGUN = (25, 587)
_ANSWERS = ("open", "refused", "prohibited")


@dataclass(frozen=True, slots=True)
class Alike:
    """A failure on one port and family that the target shares with every live control that vouches for the port.

    `failing` are the target's observations, `controls` those of the controls, `count` how many operators these are.
    `shaky`: what has to be seen once more. `most`: what it may prove at most.
    """

    signature: Signature
    failing: tuple[Observation, ...]
    controls: tuple[Observation, ...]
    count: int
    shaky: tuple[Observation, ...] = ()
    most: Confidence = "certain"

    @property
    def confidence(self) -> Confidence | None:
        """What so many controls prove: three certain, two likely, fewer nothing; nothing either before a second look,
        where one is due.
        """
        if self.count < 2 or self.shaky:
            return None
        return self.most if self.count >= 3 else "likely"


class Comparison:
    """One check's evidence, arranged. Nothing is computed that no rule asks for."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._alike: dict[Place, Alike | None] = {}
        self._unreliable: dict[Family, bool] = {}

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

    def alike(self, family: Family, port: int) -> Alike | None:
        """The failure on that port that the target and the controls have in common; None where there is none, where
        anybody got through, or where it is not known of everybody yet.
        """
        if (family, port) not in self._alike:
            self._alike[family, port] = self._compare(family, port)
        return self._alike[family, port]

    def _compare(self, family: Family, port: int) -> Alike | None:
        here = [o for o in self.target if (o.family, o.port) == (family, port)]
        failing = tuple(o for o in here if settled(o) and not spoke(o))
        judged = self._judged(family, port)
        signature = self._shared(failing, judged, port)
        if signature is None or not self._closed(here, family, port, signature):
            return None
        fits = (signature, "silent") if signature in _REPORTED else (signature,)
        if any(not o.cached and (not settled(o) or self._of_greetings(o) not in fits) for o in judged):
            return None
        if signature != "silent" and self._limited(family, port, signature):
            return None  # at once, and to some only: a second look proves no more than the first
        controls = tuple(o for o in judged if settled(o))
        shaky = self._shaky(family, port, controls, signature)
        most = self._most(failing, controls, signature)
        return Alike(signature, failing, controls, independent(controls), shaky, most)

    def _common(self, failing: tuple[Observation, ...], judged: list[Observation]) -> Signature | None:
        """How all of them failed. Routers send few ICMP errors a second (RFC 1812 section 4.3.2.8), so that silence
        beside the errors of one router, who reported a control too, be it on another port, is the same failure.
        """
        ours = {self._of_greetings(o) for o in failing}
        reports = [o for o in (*failing, *judged) if self.signature(o) in _REPORTED]
        kinds = {self.signature(o) for o in reports}
        reporters = {(o.family, o.reporter) for o in reports}
        one = len(kinds) == len(reporters) == 1 and ours <= {"silent", *kinds}
        if one and ours and any((o.family, o.reporter) in reporters for o in self.controls):
            return kinds.pop()
        return ours.pop() if len(ours) == 1 else None

    def _shared(self, failing: tuple[Observation, ...], judged: list[Observation], port: int) -> Signature | None:
        """The one way in which all of them fail, if that says anything."""
        signature = self._common(failing, judged)
        family = failing[0].family if failing else 4
        # Servers may take minutes to greet (RFC 5321 section 4.5.3.2.1), and look up names as slowly as one another.
        if signature == "mute" or (signature == "silent" and self.unreliable(family)):
            return None
        if signature == "cut" and not self.proxied(port):
            # Whatever opens there alone, and for everybody, is somebody who answers in the servers' place.
            return None if any(o.state == "open" and o.port == port for o in self.of("canary")) else signature
        return signature

    def _closed(self, here: list[Observation], family: Family, port: int, signature: Signature) -> bool:
        """Whether nobody gets through on a port, while the target answers on another."""
        others = [o for o in self.evidence.others if (o.family, o.port) == (family, port)]
        if any(self.clears(o, signature) for o in (*here, *others, *self.controls_at(family, port))):
            return False
        silent = signature in ("silent", "way", "gateway", "own")
        return any(self.elsewhere(o, resets=silent) for o in here)

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

    def _of_greetings(self, seen: Observation) -> Signature | None:
        """The signature; behind a proxy that opens for everybody, a greeting that does not come for long says as much
        as a connection that is cut.
        """
        signature = self.signature(seen)
        if signature != "mute" or not self.proxied(seen.port):
            return signature
        waits = (seen.stages.greeting_ms, seen.stages.tls_ms)
        waited = max((wait for wait in waits if wait is not None), default=0.0)
        return "cut" if waited >= load("timing")["dialogue"]["suspicion_relay"] * 1000 else "mute"

    def _most(
        self, failing: tuple[Observation, ...], controls: tuple[Observation, ...], signature: Signature
    ) -> Confidence:
        """What a failure in common proves at most. Not certain: behind a proxy that answers for everybody, which may be
        what fails; where the way out has no gateway, and no trace shows that anything leaves this machine; on a port
        that the controls are not known to serve, unless a router rejects it, or silence begins on the way (a reset is
        held against more than controls, where such a port is judged).
        """
        port, family = failing[0].port, failing[0].family
        if signature == "cut" and self.proxied(port):
            return "likely"
        passed = any(hop.answer == "time-exceeded" for o in failing for hop in o.path)
        machine = self.evidence.machine
        if signature == "silent" and not passed and machine.networks and not _of_family(machine.gateways, family):
            return "likely"
        known = independent(o for o in controls if serves(o, port) or self._served_once(o))
        if known >= 3 or signature in ("way", "refused") or any(self.stops_midway(o) for o in failing):
            return "certain"
        return "likely"

    def _served_once(self, control: Observation) -> bool:
        """Whether it answered on that port at all, be it in the other family, or a minute ago."""
        return any(o.host == control.host and o.port == control.port and spoke(o) for o in self.controls)

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

    def _judged(self, family: Family, port: int) -> list[Observation]:
        """The live controls that are known to serve a port."""
        return [o for o in self.controls_at(family, port) if vouches(o, port) and self.live(o.host, family, port)]

    # ---- loss and limits

    def unreliable(self, family: Family) -> bool:
        """Whether so much gets lost in a family that no silence there means anything: of what answered, too much came
        late, or was silent at one control and not at another.
        """
        if family not in self._unreliable:
            self._unreliable[family] = self._loses(family)
        return self._unreliable[family]

    def _loses(self, family: Family) -> bool:
        least, share = (float(load("findings")["limits"][name]) for name in ("signs_of_loss", "share_of_loss"))
        seen = [o for o in (*self.target, *self.controls) if o.family == family and settled(o)]
        answered = [o for o in seen if o.state == "open"]
        late = [o for o in answered if o.attempts > 1 or (o.stages.connect_ms or 0) >= _REPEATED_MS]
        places = {(o.host, o.address, o.port) for o in answered}
        alive = {o.host for o in answered}
        opened = {o.port for o in answered if o.role == "control"}
        missed = [
            o
            for o in seen
            if o.state == "no-answer"
            and (
                (o.host, o.address, o.port) in places
                or (o.role == "control" and vouches(o, o.port) and o.port in opened and o.host in alive)
            )
        ]
        signs = len(late) + len(missed)
        return signs >= least and signs > share * (len(answered) + len(missed))

    def _shaky(
        self, family: Family, port: int, controls: tuple[Observation, ...], signature: Signature
    ) -> tuple[Observation, ...]:
        """The controls that have to be seen once more. A limit on new connections may just have been used up, by this
        very check: a refusal, which comes at once, is one try only, so one control is asked again, alone; silence took
        several, at moments that differ, so it has to be seen twice only where packets are lost, or where the other
        family shows that some get through. What took a proxy long to find out is no refusal. The target is not asked
        again: it would take what a limit lets through.
        """
        reported = signature in _REPORTED
        hasty = [o for o in controls if not (reported and self.signature(o) == "silent")]
        again = tuple(o for o in hasty if not self.seen_twice(o))
        if signature != "silent":
            return again[:1] if len(again) == len(hasty) and not all(map(_slow_to_fail, hasty)) else ()
        return again if self._lossy(family, port) or self._limited(family, port, signature) else ()

    @cached_property
    def losing(self) -> bool:
        """Whether anything opened only when it was tried again: packets are lost, or new connections limited."""
        return any(
            o.state == "open" and not o.cached and (o.attempts > 1 or (o.stages.connect_ms or 0) >= _REPEATED_MS)
            for o in (*self.target, *self.controls)
        )

    def _lossy(self, family: Family, port: int) -> bool:
        if self.losing:
            return True
        for host, ports in self._by_host(family).items():
            silent = {p for p, seen in ports.items() if p != port and vouches(seen, p) and seen.state == "no-answer"}
            if self.live(host, family, port) and any(self.answering(family, p) for p in silent):
                return True
        return False

    def _by_host(self, family: Family) -> dict[str, dict[int, Observation]]:
        found: dict[str, dict[int, Observation]] = {}
        for seen in self.controls:
            if seen.family == family:
                found.setdefault(seen.host, {})[seen.port] = seen
        return found

    def _limited(self, family: Family, port: int, signature: Signature) -> bool:
        """Whether in the other family some get through on a port, and not everybody that should: no control, or none
        but some, while others fail in the same way. What lets all of one family through, and nobody of the other, is no
        limit.
        """
        other = _FAMILIES[family == 4]
        there = [o for o in (*self.target, *self.controls) if (o.family, o.port) == (other, port) and not o.cached]
        if not any(o.state == "open" and self._of_greetings(o) != signature for o in there):
            return False
        judged = [*(o for o in there if o.role == "target"), *self._judged(other, port)]
        return not any(spoke(o) and o.role == "control" for o in there) or any(
            self._of_greetings(o) == signature for o in judged
        )

    def seen_twice(self, seen: Observation) -> bool:
        """Whether an endpoint was looked at again, after its first failure."""
        same = [
            o
            for o in self.evidence.observations
            if (o.role, o.host, o.address, o.family, o.port)
            == (seen.role, seen.host, seen.address, seen.family, seen.port)
            and settled(o)
        ]
        return len(same) > 1

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

    # ---- what is wanted

    def want_controls(self, port: int) -> Iterable[Want]:
        """The controls on a port; some are asked on 25 and 587 from the beginning."""
        return self.want(Want("controls", port=None if port in _BEGUN else port))

    def want(self, *wants: Want) -> Iterable[Want]:
        """Those that can still be had."""
        evidence = self.evidence
        return () if evidence.complete else [want for want in wants if want not in evidence.fetched]


def _without_words(seen: Observation) -> Signature:
    if seen.greeting_kind == "foreign":
        return "foreign"
    return "cut" if seen.greeting_kind == "closed" or cut_in_tls(seen) else "mute"


def _slow_to_fail(seen: Observation) -> bool:
    waited = (seen.stages.connect_ms or 0) + (seen.stages.greeting_ms or 0)
    return bool(waited >= load("timing")["dialogue"]["slow"] * 1000)


def _of_family(addresses: Iterable[str], family: Family) -> list[str]:
    return [address for address in addresses if (":" in address) == (family == 6)]


def _end(seen: Observation) -> int | None:
    """The hop that answered the SYN itself."""
    return min((hop.hop for hop in seen.path if hop.answer in ("open", "refused")), default=None)


def _plain(address: str) -> str:
    return address.partition("%")[0]


def is_web(observation: Observation) -> bool:
    """Whether the port is one of the web's."""
    return observation.port in web_ports()

"""Whether packets are lost, or connections limited, so that failures say less of a network than they seem to."""

from functools import cached_property

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.evidence import FAMILIES, Evidence, settled, spoke
from poterne.diagnosis.failures import REPORTED, Failures, Signature
from poterne.diagnosis.operators import vouches
from poterne.diagnosis.target_seen import TargetSeen
from poterne.knowledge import limits
from poterne.report import Family, Observation

# A SYN that is repeated once a second, and then every two: an answer after that long is not the first one's.
_REPEATED_MS = 900.0


class Limits:
    """What else may make a failure look like a block."""

    def __init__(self, evidence: Evidence, target: TargetSeen, controls: Controls, failures: Failures) -> None:
        self._evidence = evidence
        self._target = target
        self._controls = controls
        self._failures = failures

    @cached_property
    def _everybody(self) -> tuple[Observation, ...]:
        return (*self._target.seen, *self._controls.seen)

    def unreliable(self, family: Family) -> bool:
        """Whether so much gets lost in a family that no silence there means anything: of what answered, too much came
        late, or was silent at one control and not at another.
        """
        return family in self._losing_families

    @cached_property
    def _losing_families(self) -> frozenset[Family]:
        return frozenset(family for family in FAMILIES if self._loses(family))

    def _loses(self, family: Family) -> bool:
        table = limits.table()
        seen = [o for o in self._everybody if o.family == family and settled(o)]
        answered = [o for o in seen if o.state == "open"]
        late = [o for o in answered if _late(o)]
        endpoints = {(o.host, o.address, o.port) for o in answered}
        alive = {o.host for o in answered}
        opened = {o.port for o in answered if o.role == "control"}
        missed = [
            o
            for o in seen
            if o.state == "no-answer"
            and (
                (o.host, o.address, o.port) in endpoints
                or (o.role == "control" and vouches(o, o.port) and o.port in opened and o.host in alive)
            )
        ]
        signs = len(late) + len(missed)
        return signs >= table.signs_of_loss and signs > table.share_of_loss * (len(answered) + len(missed))

    def shaky(
        self, family: Family, port: int, controls: tuple[Observation, ...], signature: Signature
    ) -> tuple[Observation, ...]:
        """The controls that have to be seen once more. A limit on new connections may just have been used up, by this
        very check: a refusal, which comes at once, is one try only, so one control is asked again, alone; silence took
        several, at moments that differ, so it has to be seen twice only where packets are lost, or where the other
        family shows that some get through. Silence beside the refusals of a router that seldom says so took several
        tries as well. What took a proxy long to find out is no refusal. The target is not asked again: it would take
        what a limit lets through.
        """
        reported = signature in REPORTED
        waited = reported and self._stands_before_several(controls) and any(map(self._tried_for_long, controls))
        if waited and not (self._lossy(family, port) or self.limited(family, port, signature)):
            return ()
        hasty = [o for o in controls if not (reported and self._failures.signature(o) == "silent")]
        again = tuple(o for o in hasty if not self.seen_twice(o))
        if signature != "silent":
            if len(again) < len(hasty) or all(map(self._slow_to_fail, hasty)):
                return ()
            # The earliest, in whatever order they came: ids are numbered.
            return tuple(sorted(again, key=lambda o: (len(o.id), o.id))[:1])
        return again if self._lossy(family, port) or self.limited(family, port, signature) else ()

    def _stands_before_several(self, controls: tuple[Observation, ...]) -> bool:
        """Whether the router that rejects some of them has rejected several hosts, on whatever port: it is in the way
        of all, and not of one.
        """
        reporters = {o.reporter for o in controls if o.reporter is not None}
        return len({o.host for o in self._everybody if o.reporter in reporters}) > 1

    def _tried_for_long(self, seen: Observation) -> bool:
        """Whether it failed at several moments, the last of them as late as a second look would be."""
        waited = (seen.stages.connect_ms or 0) >= self._evidence.timing.compare.pause * 1000
        return self._failures.signature(seen) == "silent" or waited

    def _slow_to_fail(self, seen: Observation) -> bool:
        waited = (seen.stages.connect_ms or 0) + (seen.stages.greeting_ms or 0)
        return waited >= self._evidence.timing.dialogue.slow * 1000

    @cached_property
    def losing(self) -> bool:
        """Whether anything opened only when it was tried again: packets are lost, or new connections limited."""
        return any(o.state == "open" and not o.cached and _late(o) for o in self._everybody)

    def _lossy(self, family: Family, port: int) -> bool:
        if self.losing:
            return True
        for host, ports in self._by_host(family).items():
            silent = {p for p, seen in ports.items() if p != port and vouches(seen, p) and seen.state == "no-answer"}
            if self._controls.live(host, family, port) and any(self._controls.answering(family, p) for p in silent):
                return True
        return False

    def _by_host(self, family: Family) -> dict[str, dict[int, Observation]]:
        found: dict[str, dict[int, Observation]] = {}
        for seen in self._controls.seen:
            if seen.family == family:
                found.setdefault(seen.host, {})[seen.port] = seen
        return found

    def limited(self, family: Family, port: int, signature: Signature) -> bool:
        """Whether in the other family some get through on a port, and not everybody that should: no control, or none
        but some, while others fail in the same way. What lets all of one family through, and nobody of the other, is no
        limit.
        """
        other = FAMILIES[family == 4]
        there = [o for o in self._everybody if (o.family, o.port) == (other, port) and not o.cached]
        if not any(o.state == "open" and self._failures.greeting_signature(o) != signature for o in there):
            return False
        judged = [*(o for o in there if o.role == "target"), *self._controls.vouching(other, port)]
        return not any(spoke(o) and o.role == "control" for o in there) or any(
            self._failures.greeting_signature(o) == signature for o in judged
        )

    def picks(self, signature: Signature) -> bool:
        """Whether somebody refuses connections to one host and lets the same ones to another through, which a rule for
        a port does not do, and a limit on connections does: by a reset of the canary, that has no server to reset
        anything; by an ICMP error for one control and not for another; or by turning down what it lets through later.
        """
        seen = [
            o
            for o in self._evidence.observations
            if not o.cached and o.source not in ("gateway", "dns") and o.role != "relay"
        ]
        through = [
            o
            for o in seen
            if o.state == "open" and self._failures.greeting_signature(o) != signature and o.role != "canary"
        ]
        ports = {(o.family, o.port) for o in through}
        endpoints = {(o.host, o.address, o.port) for o in through}
        whose = "control" if signature in REPORTED else "canary" if signature == "refused" else None
        return any(
            (o.host, o.address, o.port) in endpoints
            or (o.role == whose and (o.family, o.port) in ports and (whose == "canary" or self._lives(o)))
            for o in seen
            if settled(o) and self._failures.signature(o) == signature
        )

    def _lives(self, control: Observation) -> bool:
        """A control that is turned away on every port is perhaps just dead."""
        return self._controls.live(control.host, control.family, control.port)

    def seen_twice(self, seen: Observation) -> bool:
        """Whether an endpoint was looked at again, after its first failure."""
        same = [
            o
            for o in self._evidence.observations
            if (o.role, o.host, o.address, o.family, o.port)
            == (seen.role, seen.host, seen.address, seen.family, seen.port)
            and settled(o)
        ]
        return len(same) > 1


def _late(opened: Observation) -> bool:
    """Whether its first SYN, or the answer to it, was lost."""
    return opened.attempts > 1 or (opened.stages.connect_ms or 0) >= _REPEATED_MS

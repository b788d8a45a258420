"""Who is nearest: signs that this machine or the home box is what refuses."""

from collections.abc import Iterable

from poterne.diagnosis.controls import Controls
from poterne.diagnosis.evidence import Evidence, reset, settled, spoke
from poterne.diagnosis.failures import Failures, clears
from poterne.diagnosis.limits import Limits
from poterne.diagnosis.shared import SharedFailures
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Observation

# An absent neighbour is reported by this machine itself, after three questions of a second each (RFC 4861 section 10).
_NEIGHBOUR_MS = 900.0
_ABSENT = ("ICMP 3/1)", "ICMPv6 1/3)")


class Nearest:
    """What speaks for this machine's firewall, and for the home box."""

    def __init__(
        self,
        evidence: Evidence,
        *,
        target: TargetSeen,
        controls: Controls,
        failures: Failures,
        limits: Limits,
        shared: SharedFailures,
    ) -> None:
        self._evidence = evidence
        self._target = target
        self._controls = controls
        self._failures = failures
        self._limits = limits
        self._shared = shared

    def silent_here(self, seen: Observation) -> bool:
        """Whether silence seems to begin in this machine: the first hop does not see the failing port, sees a working
        one, and the box itself, asked on that port, does not answer. Any answer of anybody on that port clears this
        machine.
        """
        if self._failures.signature(seen) != "silent" or self._limits.unreliable(seen.family):
            return False
        first = [hop for hop in seen.path if hop.hop == 1]
        if not first or any(hop.answer != "silent" for hop in first):
            return False
        working = [o for o in self._target.seen if o.state == "open" and o.address == seen.address and o.path]
        passed = [o for o in working if _passed_the_box(o)]
        if len(passed) < len(working) and any(
            _passed_the_box(o) for o in self._target.failing if o.address == seen.address
        ):
            return False  # of several traces, one met a box that had no answers left
        box = self.box_asked(seen)
        if not passed or not box or any(o.state != "no-answer" or o.provisional for o in box):
            return False
        others = (*self._target.seen, *self._controls.on(seen.family, seen.port))
        return not any((o.family, o.port) == (seen.family, seen.port) and clears(o, "silent") for o in others)

    def like_those_here(self, seen: Observation) -> bool:
        """Whether silence that was not traced stands beside silence that seems to begin in this machine, and nobody
        answers on that port either.
        """
        return (
            self._failures.signature(seen) == "silent"
            and not seen.path
            and self._shared.on(seen.family, seen.port) is not None
            and any(o.family == seen.family and o.id != seen.id and self.silent_here(o) for o in self._target.failing)
        )

    def box_asked(self, seen: Observation) -> list[Observation]:
        """What the box itself answered, asked on that port in that family."""
        return [o for o in self._evidence.gateway if (o.family, o.port) == (seen.family, seen.port)]

    def silent_like_the_box(self, seen: Observation) -> bool:
        """Whether silence stands beside refusals of the home box, on the same port or in the same family."""
        return self._failures.signature(seen) == "silent" and any(
            settled(o) and (o.port == seen.port or o.family == seen.family) and self.refused_by_the_box(o)
            for o in self._target.failing
        )

    def refused_by_the_box(self, seen: Observation) -> bool:
        """Whether the home box reports by ICMP that it refuses that port."""
        return self._failures.signature(seen) == "gateway" and self.is_of_that_port(seen)

    def is_of_that_port(self, seen: Observation) -> bool:
        """Whether an ICMP error speaks of a rule, not of a host that cannot be reached."""
        if seen.state in ("prohibited", "refused"):
            return True
        lost = (seen.stages.connect_ms or 0) >= _NEIGHBOUR_MS and (seen.error or "").endswith(_ABSENT)
        others = (*self._target.seen, *self._controls.seen)
        return not lost and any(
            o.family == seen.family
            and o.port != seen.port
            and spoke(o)
            and (o.role == "control" or o.address == seen.address)
            for o in others
        )

    def reset_too(self, failing: Iterable[Observation]) -> frozenset[str]:
        """Resets of the target where somebody nearer resets the same port: nothing was held against some of them."""
        ports = {o.port for o in failing if reset(o)}
        return frozenset(o.id for o in self._target.tried if o.port in ports and reset(o))


def absent(seen: Observation) -> bool:
    """Whether it was reported that the next machine on the way is not there."""
    return seen.state == "unreachable" and (seen.error or "").endswith(_ABSENT)


def reset_at(seen: Observation, number: int) -> bool:
    """Whether a trace shows a reset at that hop; 0 is this machine itself."""
    return any(hop.hop == number and hop.answer == "refused" for hop in seen.path)


def _passed_the_box(seen: Observation) -> bool:
    return any(
        hop.hop == 1 and hop.answer == "time-exceeded" and hop.address not in (None, seen.address) for hop in seen.path
    )

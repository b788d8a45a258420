"""What traces show: where a failing port stops, held against a working port of the same address."""

import ipaddress

from poterne.diagnosis.evidence import Evidence, reached
from poterne.diagnosis.failures import Failures
from poterne.diagnosis.limits import Limits
from poterne.diagnosis.target_seen import TargetSeen
from poterne.knowledge import special
from poterne.report import Observation

_ANSWERS = ("open", "refused", "prohibited")


class Paths:
    """The paths to the target's ports."""

    def __init__(self, evidence: Evidence, target: TargetSeen, failures: Failures, limits: Limits) -> None:
        self._evidence = evidence
        self._target = target
        self._failures = failures
        self._limits = limits

    def working(self, seen: Observation) -> Observation | None:
        """A working port of the same address with a path."""
        working = self._target.working_port(seen)
        return working if working is not None and working.path else None

    def nearer(self, seen: Observation) -> bool:
        """Whether a trace shows that an answer came from fewer hops than those of a working port of that address."""
        end = _end(seen)
        far = self._distance(seen)
        return end is not None and far is not None and end < far

    def _distance(self, seen: Observation) -> int | None:
        ends = [
            end
            for o in self._target.seen
            if o.address == seen.address and o.port != seen.port and o.state == "open" and (end := _end(o)) is not None
        ]
        return min(ends, default=None)

    def stops_midway(self, seen: Observation) -> bool:
        """Whether a trace shows that a port falls silent behind a router where a working port of the same address meets
        another one: it is not the server that keeps silent.
        """
        working = self.working(seen)
        if not seen.path or working is None or any(hop.answer in _ANSWERS for hop in seen.path):
            return False
        last = max((hop.hop for hop in seen.path if hop.answer == "time-exceeded"), default=0)
        return any(
            hop.hop == last + 1 and hop.answer == "time-exceeded" and hop.address != seen.address
            for hop in working.path
        )

    def stops_at_the_box(self, seen: Observation) -> bool | None:
        """Whether a trace shows that a port stops right behind the first hop, while a working port of the same address
        goes on to further routers. None where there is no such trace.
        """
        working = self.working(seen)
        if not seen.path or working is None or self._limits.unreliable(seen.family):
            return None
        if not any(hop.hop == 1 and hop.answer == "time-exceeded" for hop in seen.path):
            return None
        beyond = [hop for hop in seen.path if hop.hop > 1]
        if not beyond or not any(
            hop.hop > 1 and hop.answer == "time-exceeded" and hop.address != seen.address for hop in working.path
        ):
            return None
        if self._failures.signature(seen) == "refused":
            return any(hop.hop == 2 and hop.answer == "refused" for hop in beyond)
        return all(hop.answer == "silent" for hop in beyond)

    def begins_unseen(self, seen: Observation) -> bool:
        """Whether nobody was met on a failing port's way, and on a working one's somebody, but not the first router."""
        working = self.working(seen)
        if not seen.path or working is None or any(hop.answer != "silent" for hop in seen.path):
            return False
        box = [o for o in self._evidence.gateway if (o.family, o.port) == (seen.family, seen.port)]
        return (
            working.path[0].answer == "silent"
            and any(hop.answer == "time-exceeded" for hop in working.path)
            and not any(reached(o) for o in box)
        )

    def at_the_provider(self, seen: Observation) -> bool:
        """Whether it is shown that a port passes the box and stops behind it: this machine and its box have private
        addresses, and a router with a public one still answers on the failing port, or rejects it. IPv4 only: IPv6 has
        no such border.
        """
        machine = self._evidence.machine
        near = [hop.address for hop in seen.path if hop.hop == 1 and hop.answer == "time-exceeded"]
        every = (*machine.addresses, *machine.gateways, *near)
        inside = [address for address in every if address and ":" not in address]
        far = [hop.address for hop in seen.path if hop.hop > 1 and hop.answer == "time-exceeded"]
        far += [seen.reporter] if seen.reporter != seen.address else []
        return (
            seen.family == 4
            and bool(machine.gateways and inside)
            and not any(outside(address) for address in inside)
            and any(outside(address) for address in far)
            and not any(hop.answer == "open" for hop in seen.path)
        )


def outside(text: str | None) -> bool:
    """Whether it is an address of the public Internet; False for what is no address."""
    if text is None:
        return False
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return not any(address in network for network in special.table().inside if network.version == address.version)


def _end(seen: Observation) -> int | None:
    """The hop that answered the SYN itself."""
    return min((hop.hop for hop in seen.path if hop.answer in ("open", "refused")), default=None)

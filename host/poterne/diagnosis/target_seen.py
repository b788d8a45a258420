"""What was seen of the target itself."""

from functools import cached_property

from poterne.diagnosis.evidence import Evidence, answers, direction, needed, reached, reset, settled, spoke, web_ports
from poterne.report import Observation

_CLEAR_WEB = 80
# This machine has no way out in the family of that address.
_NO_WAY_OUT = ("ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT")


class TargetSeen:
    """The observations of the target's own hosts."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    @cached_property
    def seen(self) -> tuple[Observation, ...]:
        """Those on every port, the web's included, provisional ones too. Where somebody alters pages, HTTP in the clear
        says nothing of the target.
        """
        evidence = self._evidence
        if evidence.portal is None or evidence.portal.state != "altered":
            return evidence.ours
        return tuple(o for o in evidence.ours if o.port != _CLEAR_WEB or evidence.asks_for(o.port))

    @cached_property
    def tried(self) -> tuple[Observation, ...]:
        """Those on the ports that were meant to be tested."""
        return self._evidence.tried

    @cached_property
    def failing(self) -> tuple[Observation, ...]:
        """Those of `tried` without an answer, as far as known, that are news."""
        return tuple(o for o in self.tried if not spoke(o) and needed(o, self._evidence))

    @cached_property
    def final(self) -> tuple[Observation, ...]:
        """Those of `tried` that are results: what has only been silent for a while shows nothing yet."""
        return tuple(o for o in self.tried if not o.provisional)

    @cached_property
    def is_cut_off(self) -> bool:
        """Whether this machine has no way out and nothing answered, so that nothing that failed says anything of the
        target.
        """
        return not self._evidence.online and not any(o.state in ("open", "refused") for o in self.final)

    @cached_property
    def by_host(self) -> dict[str, list[Observation]]:
        """Those of `tried`, host by host."""
        found: dict[str, list[Observation]] = {}
        for seen in self.tried:
            found.setdefault(seen.host, []).append(seen)
        return found

    @cached_property
    def without_service(self) -> dict[str, list[Observation]]:
        """The hosts that answer and reset every mail port, with those resets. ICMP errors of a host's own are a
        firewall's, which may well guard some. Ports that servers seldom offer only must not open; those for filters
        carry no mail. Nothing is known of hosts of which single ports were asked for.
        """
        evidence = self._evidence
        found: dict[str, list[Observation]] = {}
        if evidence.target.kind == "endpoint" or evidence.options.ports is not None:
            return found
        for host, there in self.by_host.items():
            usual = [o for o in there if needed(o, evidence)]
            opened = [o for o in there if o.state == "open"]
            if usual and all(map(reset, usual)) and all(direction(o) == "filters" for o in opened):
                found[host] = usual
        return found

    @cached_property
    def cut_at_once(self) -> tuple[Observation, ...]:
        """Those that were accepted, and reset before a byte came. On a port of TLS only where another port of that host
        is reset on which the server speaks first: else it may be our first words that somebody dislikes.
        """
        cut = [o for o in self.final if o.state == "reset"]
        waiting = {(o.host, o.family) for o in cut if o.asked != "tls"}
        return tuple(o for o in cut if o.asked != "tls" or (o.host, o.family) in waiting)

    @cached_property
    def web_alone(self) -> dict[str, list[Observation]]:
        """The hosts whose web answers while every mail port that was tried, two at least, is silent, with those ports.
        A host that resets any port lets it be seen that the others are dropped on purpose.
        """
        found: dict[str, list[Observation]] = {}
        for host, there in self.by_host.items():
            web = [o for o in self.seen if o.host == host and o.port in web_ports() and o.state == "open"]
            silent = [o for o in there if o.state == "no-answer" and settled(o) and o.port not in web_ports()]
            others = [o for o in self.seen if o.host == host and o not in silent and o not in web]
            families = {o.family for o in web}
            if (
                {o.family for o in silent} == families
                and len({o.port for o in silent if direction(o) in ("outgoing", "incoming")}) > 1
                and not any(reached(o) for o in others)
            ):
                found[host] = silent
        return found

    @cached_property
    def without_family(self) -> dict[str, Observation]:
        """The hosts with addresses of one family only, which this machine does not have, with one observation each."""
        if not self._evidence.online:
            return {}
        return {
            host: there[0]
            for host, there in self.by_host.items()
            if all(o.error in _NO_WAY_OUT and o.reporter is None for o in there) and len({o.family for o in there}) == 1
        }

    def answers_elsewhere(self, seen: Observation, *, resets: bool = False) -> bool:
        """Whether the target answers on another port in that family. `resets`: a TCP reset is answer enough."""
        return any(
            o.family == seen.family and o.port != seen.port and not o.cached and (spoke(o) or (resets and reset(o)))
            for o in self.seen
        )

    def working_port(self, seen: Observation) -> Observation | None:
        """A working port of the same address, the best to hold a path against."""
        working = [
            o
            for o in self.seen
            if o.state == "open" and o.address == seen.address and o.port != seen.port and not o.cached
        ]
        return min(working, key=lambda o: (o.path == (), not answers(o), o.port), default=None)

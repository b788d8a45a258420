"""Servers of other operators, which have nothing to do with the target."""

from functools import cached_property

from poterne.diagnosis.evidence import Evidence, spoke
from poterne.diagnosis.operators import loopback, vouches
from poterne.report import Family, Observation

FamilyPort = tuple[Family, int]


class Controls:
    """What was seen of the controls: who is alive, and who answers where."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    @cached_property
    def seen(self) -> tuple[Observation, ...]:
        """Observations of hosts that have nothing to do with the target. The gateway is no control."""
        evidence = self._evidence
        ours = [o for o in evidence.observations if o.role == "target"]
        hosts = {o.host for o in ours} | {evidence.target.host}
        addresses = {o.address for o in ours if not loopback(o.address)}
        return tuple(
            o
            for o in evidence.observations
            if o.role == "control"
            and o.source not in ("gateway", "dns")
            and o.host not in hosts
            and o.address not in addresses
        )

    @cached_property
    def _by_port(self) -> dict[FamilyPort, list[Observation]]:
        found: dict[FamilyPort, list[Observation]] = {}
        for seen in self.seen:
            found.setdefault((seen.family, seen.port), []).append(seen)
        return found

    def on(self, family: Family, port: int) -> list[Observation]:
        """The observations on that port in that family."""
        return self._by_port.get((family, port), [])

    def answering(self, family: Family, port: int) -> list[Observation]:
        """Those that spoke there, be it a minute ago: they clear the network."""
        return [o for o in self.on(family, port) if spoke(o)]

    @cached_property
    def living(self) -> list[Observation]:
        """The observations, in this check, of ports that spoke."""
        return [o for o in self.seen if spoke(o) and not o.cached]

    @cached_property
    def _signs_of_life(self) -> dict[tuple[Family, str], set[int]]:
        """Ports on which a host spoke in this check."""
        alive: dict[tuple[Family, str], set[int]] = {}
        for seen in self.living:
            alive.setdefault((seen.family, seen.host), set()).add(seen.port)
        return alive

    def live(self, host: str, family: Family, port: int) -> bool:
        """Whether a control spoke on some other port than the one that is judged."""
        return bool(self._signs_of_life.get((family, host), set()) - {port})

    def vouching(self, family: Family, port: int) -> list[Observation]:
        """The live ones that are known to serve a port, so that their failure there is news."""
        return [o for o in self.on(family, port) if vouches(o, port) and self.live(o.host, family, port)]

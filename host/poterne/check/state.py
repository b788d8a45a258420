"""What has become known in a check."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from poterne.check import networks
from poterne.diagnosis.evidence import Evidence
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.discovery.merge import by_authority, in_order
from poterne.report import (
    Disturbance,
    Endpoint,
    Hint,
    Hop,
    Lookup,
    Machine,
    NameAnswer,
    NameServer,
    Observation,
    Offer,
    Options,
    Portal,
    ProxyState,
    Target,
    TraceState,
)


@dataclass(slots=True)
class CheckState:
    """All that is known so far. It only grows: what was recorded is not changed any more. What is learnt of an
    observation later (the path to it, that a typed name is a domain) is put in where evidence is derived.

    endpoints   the target's own that were announced, by id
    compared    those of whom the target is compared with, by id
    dialled     the ports behind the target's endpoints, by id; a lab may map them elsewhere
    names       answers for the target's sake; `invented`: for names that must not exist
    paths       traces, by the id of the observation that they belong to; `routers`: names of the routers, by address
    is_domain   the bare name that was typed was found to be a mail domain
    network     the key of this computer's network, where it can be told apart
    """

    target: Target
    options: Options
    started_at: datetime
    online: bool
    trace: TraceState
    is_domain: bool = False
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    compared: dict[str, Endpoint] = field(default_factory=dict)
    dialled: dict[str, int] = field(default_factory=dict)
    names: list[NameAnswer] = field(default_factory=list)
    invented: list[NameAnswer] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    paths: dict[str, tuple[Hop, ...]] = field(default_factory=dict)
    routers: dict[str, str] = field(default_factory=dict)
    machine: Machine = field(default_factory=Machine)
    network: str | None = None
    portal: Portal | None = None
    proxy: ProxyState | None = None
    name_servers: tuple[NameServer, ...] = ()
    disturbed: Disturbance | None = None
    _final: dict[str, Observation] = field(default_factory=dict)
    _provisional: dict[str, Observation] = field(default_factory=dict)

    def record(self, seen: Observation) -> None:
        """Adds an observation; the final one of an endpoint stands in front of the provisional ones."""
        (self._provisional if seen.provisional else self._final)[seen.id] = seen

    def observations(self, *, of_target: bool | None = None) -> list[Observation]:
        """Final observations in the order in which they came: all, the target's, or the comparisons' alone."""
        return [self.known(seen) for seen in self._final.values() if _of(seen, of_target)]

    def silent(self, *, of_target: bool | None = None) -> list[Observation]:
        """Provisional observations of what has been silent for a while and still is."""
        return [seen for seen in self._unfinished(of_target) if seen.state != "open"]

    def opened(self) -> list[Observation]:
        """Provisional observations of dialogues with the target that are going on."""
        return [seen for seen in self._unfinished(True) if seen.state == "open"]

    def latest(self) -> dict[str, Observation]:
        """Final observations, and silent ones of what has none, by id."""
        return {seen.id: seen for seen in (*self.silent(), *self.observations())}

    def known(self, seen: Observation) -> Observation:
        """An observation with what was learnt after it."""
        later: dict[str, object] = {}
        if seen.source == "typed" and self.is_domain and self.target.kind == "domain":
            # It was tried as a server before DNS said that the name is a mail domain: it is just one of its hosts.
            later["source"] = "domain"
        if seen.id in self.paths:
            later["path"] = self._named(self.paths[seen.id])
        return seen.model_copy(update=later) if later else seen

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What is publicly known of the provider to whom the first routers belong: one or none."""
        found = (networks.of_path(self._named(path)) for path in self.paths.values())
        return tuple(hint for hint in found if hint is not None)[:1]

    @property
    def by_authority(self) -> tuple[Offer, ...]:
        """What the sources of the domain say, the most authoritative first."""
        return tuple(by_authority(self.offers))

    def evidence(self, fetched: frozenset[EvidenceRequest], *, early: bool = False) -> Evidence:
        """What is known, for the rules; `early`: with what has only been silent for a while. `fetched`: what they need
        not want any more.
        """
        seen = self.latest() if early else {each.id: each for each in self.observations()}
        remembered = (each.id for each in self.observations(of_target=False))
        ids = dict.fromkeys((*self.endpoints, *self.compared, *remembered))
        return Evidence(
            target=self.target,
            options=self.options,
            names=(*self.names, *self.invented),
            offers=self.by_authority,
            lookups=tuple(in_order(self.lookups)),
            observations=tuple(seen[id_] for id_ in ids if id_ in seen),
            online=self.online,
            disturbed=self.disturbed,
            now=self.started_at,
            machine=self.machine,
            portal=self.portal,
            proxy=self.proxy,
            name_servers=self.name_servers,
            trace=self.trace,
            fetched=fetched,
        )

    def _unfinished(self, of_target: bool | None) -> Iterator[Observation]:
        for seen in self._provisional.values():
            if seen.id not in self._final and _of(seen, of_target):
                yield self.known(seen)

    def _named(self, path: tuple[Hop, ...]) -> tuple[Hop, ...]:
        return tuple(hop.model_copy(update={"name": self.routers.get(hop.address or "", hop.name)}) for hop in path)


def _of(seen: Observation, of_target: bool | None) -> bool:
    return of_target is None or (seen.role == "target") == of_target

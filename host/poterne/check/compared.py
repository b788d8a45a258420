"""Hosts beside the target: each is looked at on a port, in every family, once a check."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from poterne.check.fetcher import Fetcher
from poterne.check.state import CheckState
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.knowledge import ports
from poterne.knowledge.timing import Schedule
from poterne.net.resolver import NameResolver
from poterne.net.socket_addresses import SocketAddress, socket_addresses
from poterne.policy import Policy
from poterne.probe.endpoint import observe
from poterne.probe.toolkit import Toolkit
from poterne.report import Endpoint, Family, NameAnswer, Observation, Role


@dataclass(slots=True)
class ComparedHosts:
    """Looks at controls, canaries, the relay and the gateway, and records what they do. `on_news` is called for each
    observation, also for a provisional silence. `toolkit` is the comparisons': its handshakes wait for the target's.
    """

    policy: Policy
    resolver: NameResolver
    toolkit: Toolkit
    state: CheckState
    fetcher: Fetcher
    on_news: Callable[[], None]
    _manners: dict[EvidenceRequest, tuple[str, Toolkit]] = field(default_factory=dict)
    _opened: set[tuple[str, Family]] = field(default_factory=set)
    _turns: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.toolkit = replace(self.toolkit, on_open=self._note_open)

    async def look_at(self, role: Role, host: str, port: int, source: str, toolkit: Toolkit | None = None) -> None:
        """What a host does on a port; once a check, whoever asks: the first one's toolkit is used."""
        want = EvidenceRequest("host", role=role, host=host, port=port)
        self._manners.setdefault(want, (source, toolkit or self.toolkit))
        await self.fetcher.had(want)

    async def fetch(self, want: EvidenceRequest) -> None:
        """Fetches a `host`."""
        assert want.host is not None
        assert want.port is not None
        assert want.role is not None
        if not self.policy.allow.permits_port(want.port):
            return
        source, toolkit = self._manners[want]
        answer = await self.resolver.addresses(want.host, source)
        await self._look(want.role, answer, want.port, toolkit)

    async def by_dns(self, want: EvidenceRequest) -> None:
        """What DNS itself says of a host of the target, and what is there on the ports that were tried, where this
        system has led to none of these addresses. Only public ones are dialled: nobody typed them.
        """
        host = want.host or ""
        answers = await self.resolver.by_dns(host)
        known = {address for answer in self.state.names if answer.name == host for address in answer.addresses}
        self.state.names += answers
        elsewhere = next((answer for answer in answers if answer.source == "dns"), None)
        if elsewhere is None or known & set(elsewhere.addresses):
            return
        tried = dict.fromkeys(seen.port for seen in self.state.observations(of_target=True) if seen.host == host)
        hurried = replace(self.toolkit, schedule=self.toolkit.timing.late)
        await asyncio.gather(*(self._look("control", elsewhere, port, hurried) for port in tried))

    async def _look(self, role: Role, answer: NameAnswer, port: int, toolkit: Toolkit) -> None:
        """What is at the first address of each family."""
        there = await socket_addresses(answer, port, self.policy, self.resolver, self.state.options.family)
        endpoints = [self._endpoint(role, answer.name, place, port, answer.source) for place in there]
        probes = (
            self._observe(endpoint, place, answer.elapsed_ms, toolkit)
            for endpoint, place in zip(endpoints, there, strict=True)
        )
        await asyncio.gather(*probes)

    async def again(self, failing: Observation) -> None:
        """Looks once more at what failed; patiently, where it was silent, and briefly, where a router rejected it."""
        place = SocketAddress(failing.family, failing.address, failing.port)
        endpoint = self._endpoint(failing.role, failing.host, place, failing.port, failing.source)
        how: Schedule = "again" if failing.state == "no-answer" else "late" if failing.reporter is None else "brief"
        await self._observe(endpoint, place, None, self.in_turn(failing.host, how))

    def in_turn(self, host: str, name: Schedule, by: float | None = None) -> Toolkit:
        """Where new connections are limited, the target's attempts and the controls' would compete for the same moments
        if all were made in step, and the same one would get through each time. `by`: the loop's time at which the last
        should be over; the schedule is shortened for it, by half at most.
        """
        timing = self.toolkit.timing
        later = timing.compare.step * (self._turns.setdefault(host, len(self._turns)) % timing.compare.turns)
        usual = timing.schedule(name)
        left = usual.give_up if by is None else by - asyncio.get_running_loop().time()
        share = min(1.0, max(0.5, left / usual.give_up))
        shortened = replace(
            usual,
            attempts=tuple((moment + later) * share if moment else moment for moment in usual.attempts),
            provisional=usual.provisional * share,
            give_up=usual.give_up * share,
        )
        return replace(self.toolkit, schedule=shortened)

    def any_opened(self, host: str) -> bool:
        """Whether a connection to the host was opened."""
        return any(opened == host for opened, _ in self._opened)

    def all_opened(self, host: str) -> bool:
        """Whether something has opened there in every family in which it is tried."""
        tried = {(each.host, each.family) for each in self.state.compared.values() if each.host == host}
        return bool(tried) and tried <= self._opened

    def _note_open(self, endpoint: Endpoint, connect_ms: float) -> None:
        self._opened.add((endpoint.host, endpoint.family))

    def _endpoint(self, role: Role, host: str, place: SocketAddress, port: int, source: str) -> Endpoint:
        row = ports.facts(port)
        endpoint = Endpoint(
            id=f"c{len(self.state.compared) + 1}",
            role=role,
            host=host,
            address=place.address,
            family=place.family,
            port=port,
            service=row.service if row else "smtp",
            asked=row.begins if row else "starttls",
            source=source,
        )
        self.state.compared[endpoint.id] = endpoint
        return endpoint

    async def _observe(
        self, endpoint: Endpoint, place: SocketAddress, resolve_ms: float | None, toolkit: Toolkit
    ) -> None:
        if not toolkit.gate.permits(endpoint):
            return
        seen = await observe(
            endpoint, toolkit, dialled_port=place.port, resolve_ms=resolve_ms, on_progress=self._progress
        )
        self.state.record(seen)
        self.on_news()

    def _progress(self, seen: Observation) -> None:
        if seen.state == "no-answer":
            self.state.record(seen)
            self.on_news()

"""The conductor: a Request in, a stream of Events out, a Report last. Doors call it; it calls every room below."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from poterne import __version__, ports
from poterne import policy as policies
from poterne.diagnose import Evidence, diagnose
from poterne.diagnose import settings as advice
from poterne.dial import Gate, Trust, has_route, source_address
from poterne.discover import Discovery, Server
from poterne.errors import Forbidden
from poterne.model import (
    CheckEvent,
    Endpoint,
    Family,
    FindingEvent,
    NameAnswer,
    Observation,
    ObservationEvent,
    PlanEvent,
    Report,
    ReportEvent,
    Request,
    Settings,
    SettingsEvent,
    Target,
)
from poterne.probe.endpoint import Toolkit, observe
from poterne.probe.names import Names
from poterne.probe.tls import TrustStores
from poterne.target import parse

MAX_ENDPOINTS = 160
_MARGIN = 0.3  # seconds of the budget that are kept for the verdict


@lru_cache(maxsize=4)
def _stores(policy: policies.Policy) -> TrustStores:
    return TrustStores(policy)


def warm(policy: policies.Policy | None = None) -> None:
    """Does what the first check would wait for: trust stores, and the libraries that are imported late."""
    import dns.asyncresolver  # noqa: F401

    _stores(policy or policies.Policy()).warm()


async def check(request: Request, policy: policies.Policy) -> AsyncGenerator[CheckEvent, None]:
    """Events as they happen, the Report last. Raises InvalidTarget or Forbidden before the first event.

    Closing the generator cancels every probe.
    """
    target = parse(request.target)
    asked = (*(request.options.ports or ()), *((target.port,) if target.port else ()))
    policy.check_ports(asked)
    run = _Run(request, policy, target)
    conductor = asyncio.create_task(run.conduct())
    conductor.add_done_callback(lambda _: run.events.put_nowait(None))
    try:
        while (event := await run.events.get()) is not None:
            yield event
        await conductor
    finally:
        conductor.cancel()
        with suppress(asyncio.CancelledError):
            await conductor


@dataclass(frozen=True, slots=True)
class _Route:
    """An endpoint, and the port that is dialled for it where a lab maps it elsewhere."""

    endpoint: Endpoint
    dialled_port: int


@dataclass(slots=True)
class _Run:
    request: Request
    policy: policies.Policy
    target: Target
    events: asyncio.Queue[CheckEvent | None] = field(default_factory=asyncio.Queue)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    observations: dict[str, Observation] = field(default_factory=dict)
    provisional: dict[str, Observation] = field(default_factory=dict)
    names: list[NameAnswer] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    forbidden: int = 0

    async def conduct(self) -> None:
        loop = asyncio.get_running_loop()
        started, started_at = loop.time(), datetime.now(UTC)
        stores = _stores(self.policy)
        resolver = Names(self.policy)
        warming = asyncio.create_task(asyncio.to_thread(stores.warm))
        toolkit = Toolkit(Gate(self.policy), stores, started + self.request.options.budget - _MARGIN, warming)
        online = any(source_address(family) for family in (4, 6))
        try:
            await self._observe_all(resolver, toolkit)
            evidence = Evidence(
                target=self.target,
                options=self.request.options,
                names=tuple(self.names),
                observations=tuple(self.observations[id_] for id_ in self.endpoints if id_ in self.observations),
                online=online,
                now=started_at,
            )
            conclusion = diagnose(evidence)
            for finding in conclusion.findings:
                self.events.put_nowait(FindingEvent(finding=finding))
            report = Report(
                version=__version__,
                target=self.target,
                options=self.request.options,
                verdict=conclusion.verdict,
                findings=conclusion.findings,
                settings=conclusion.settings,
                names=tuple(self.names),
                observations=evidence.observations,
                online=online,
                started_at=started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                elapsed_ms=round((loop.time() - started) * 1000, 1),
                lab=self.policy.lab is not None,
            )
            self.events.put_nowait(ReportEvent(report=report))
            if toolkit.farewells:
                await asyncio.wait(toolkit.farewells)
        finally:
            warming.cancel()
            await resolver.close()
            await asyncio.gather(warming, *toolkit.farewells, return_exceptions=True)

    async def _observe_all(self, resolver: Names, toolkit: Toolkit) -> None:
        """Plans each server's endpoints as it becomes known, and probes them at once, side by side."""
        discovery = Discovery(self.target, resolver, self.names)
        async with asyncio.TaskGroup() as probes, aclosing(discovery.servers()) as servers:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(toolkit.deadline):
                    async for server in servers:
                        self.target = discovery.target
                        planned = await self._plan(server, toolkit.gate, resolver)
                        if planned:
                            self.events.put_nowait(PlanEvent(endpoints=tuple(self.endpoints.values())))
                        for route in planned:
                            probes.create_task(self._probe(route, server.answer.elapsed_ms, toolkit))
            self.target = discovery.target
        if not self.endpoints and self.forbidden:
            raise Forbidden("this machine's policy does not allow connecting to the addresses of that target")

    async def _plan(self, server: Server, gate: Gate, resolver: Names) -> list[_Route]:
        """The endpoints of one server: one address a family, on each port that is wanted and allowed."""
        trust: Trust = "typed" if server.source == "typed" else "named"
        routes: list[_Route] = []
        for port in self._ports(server):
            for family, address, dialled_port in await self._addresses(server, port, resolver):
                if not (self._mapped(server.host, port) or gate.allows(address, trust)) or self.policy.denies(address):
                    self.forbidden += 1
                    continue
                if len(self.endpoints) >= MAX_ENDPOINTS:
                    break
                row = ports.facts(port)
                asked = row.begins if row else "starttls"
                if port == self.target.port and self.target.asked is not None:
                    asked = self.target.asked
                endpoint = Endpoint(
                    id=f"o{len(self.endpoints) + 1}",
                    host=server.host,
                    address=address,
                    family=family,
                    port=port,
                    service=row.service if row else "smtp",
                    asked=asked,
                    source=server.source,
                )
                self.endpoints[endpoint.id] = endpoint
                routes.append(_Route(endpoint, dialled_port))
        return routes

    def _ports(self, server: Server) -> list[int]:
        asked = self.request.options.ports
        wanted = server.ports
        if asked is not None:
            typed_port = (self.target.port,) if self.target.port else ()
            wanted = (*typed_port, *asked) if server.source == "typed" else tuple(p for p in wanted if p in asked)
        return [port for port in dict.fromkeys(wanted) if port in self.policy.allow.ports]

    def _mapped(self, host: str, port: int) -> bool:
        return self.policy.lab is not None and any(entry.matches(host, port) for entry in self.policy.lab.connect_to)

    async def _addresses(self, server: Server, port: int, resolver: Names) -> list[tuple[Family, str, int]]:
        """(family, address, port to dial): the first address of each family that is wanted and that has a route; where
        none has, all the same, so that the failure is seen.
        """
        found: dict[Family, tuple[str, int]] = {}
        lab = self.policy.lab
        both: tuple[Family, Family] = (6, 4)
        families = [family for family in both if self.request.options.family in (None, family)]
        if lab is not None and self._mapped(server.host, port):
            for family in families:
                if mapped := lab.addresses(server.host, port, family):
                    found[family] = mapped
            if not found and (renamed := lab.renamed(server.host, port)):
                answer = await resolver.addresses(renamed[0], server.source)
                found = _first_of_each(answer.addresses, renamed[1], families)
        else:
            found = _first_of_each(server.answer.addresses, port, families)
        reachable = {family: place for family, place in found.items() if has_route(place[0], family)}
        return [(family, *place) for family, place in (reachable or found).items()]

    async def _probe(self, route: _Route, resolve_ms: float, toolkit: Toolkit) -> None:
        observation = await observe(
            route.endpoint,
            toolkit,
            dialled_port=route.dialled_port,
            resolve_ms=resolve_ms,
            on_progress=self._progress,
        )
        self.provisional.pop(observation.id, None)
        self.observations[observation.id] = observation
        self.events.put_nowait(ObservationEvent(observation=observation))
        self._tell_settings()

    def _progress(self, observation: Observation) -> None:
        """Tells of a provisional observation where nothing answers, or where it brings the first verified settings."""
        if observation.state == "open":
            self.provisional[observation.id] = observation
            if not advice.improves(self._advice(), self.settings):
                return
        self.events.put_nowait(ObservationEvent(observation=observation))
        self._tell_settings()

    def _advice(self) -> Settings:
        return advice.settings((*self.observations.values(), *self.provisional.values()))

    def _tell_settings(self) -> None:
        settings = self._advice()
        if settings != self.settings:
            self.settings = settings
            self.events.put_nowait(SettingsEvent(settings=settings))


def _first_of_each(addresses: tuple[str, ...], port: int, families: list[Family]) -> dict[Family, tuple[str, int]]:
    found: dict[Family, tuple[str, int]] = {}
    for address in addresses:
        family: Family = 6 if ":" in address else 4
        if family in families:
            found.setdefault(family, (address, port))
    return found

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
from poterne.dial import Gate, has_route, source_address
from poterne.discover import Discovery, Server
from poterne.errors import Forbidden, InvalidRequest
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
    State,
    Target,
)
from poterne.probe.endpoint import Toolkit, observe
from poterne.probe.names import Names, is_address
from poterne.probe.tls import TrustStores
from poterne.target import parse

MAX_ENDPOINTS = 160
MAX_SPARE_ADDRESSES = 2
_MARGIN = 0.3  # seconds of the budget that are kept for the verdict


def _check_family(target: Target, family: Family | None) -> None:
    host = target.host or ""
    if family is not None and is_address(host) and (":" in host) != (family == 6):
        raise InvalidRequest(f"{host} is no IPv{family} address")


@lru_cache(maxsize=4)
def _stores(policy: policies.Policy) -> TrustStores:
    return TrustStores(policy)


def warm(policy: policies.Policy | None = None) -> None:
    """Does what the first check would wait for: trust stores, and the libraries that are imported late."""
    import dns.asyncresolver  # noqa: F401

    _stores(policy or policies.Policy()).warm()


async def check(request: Request, policy: policies.Policy) -> AsyncGenerator[CheckEvent, None]:
    """Events as they happen, the Report last. Raises InvalidTarget, InvalidRequest or Forbidden
    before the first event.

    Closing the generator cancels every probe.
    """
    target = parse(request.target)
    asked = (*(request.options.ports or ()), *((target.port,) if target.port else ()))
    policy.check_ports(asked)
    _check_family(target, request.options.family)
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


_Place = tuple[Family, str, int]


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
                await asyncio.wait(toolkit.farewells, timeout=max(0.0, toolkit.deadline + _MARGIN - loop.time()))
        finally:
            for farewell in toolkit.farewells:
                farewell.cancel()
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
                            self._tell_plan()
                        for family, routes in planned.items():
                            probes.create_task(self._probe_family(server, family, routes, toolkit))
            self.target = discovery.target
        if not self.names and not self.endpoints and not self.forbidden:
            name = self.target.host or self.target.domain or ""
            self.names.append(NameAnswer(name=name, source="typed", state="timeout"))
        if not self.endpoints and self.forbidden:
            raise Forbidden(
                "nothing was dialled: that target leads to addresses or ports that are not to be tested from here"
            )

    async def _plan(self, server: Server, gate: Gate, resolver: Names) -> dict[Family, list[_Route]]:
        """The endpoints of one server by family: one address each, on every port that is wanted and allowed."""
        routes: dict[Family, list[_Route]] = {}
        for port in self._ports(server):
            if port not in self.policy.allow.ports:
                self.forbidden += bool(server.answer.addresses)
                continue
            for place in await self._addresses(server, port, resolver):
                if route := self._route(server, gate, port, place):
                    routes.setdefault(place[0], []).append(route)
        return routes

    def _route(self, server: Server, gate: Gate, port: int, place: _Place) -> _Route | None:
        """A new endpoint, unless its address may not be dialled."""
        family, address, dialled_port = place
        if len(self.endpoints) >= MAX_ENDPOINTS:
            return None
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
        if not gate.permits(endpoint):
            self.forbidden += 1
            return None
        self.endpoints[endpoint.id] = endpoint
        return _Route(endpoint, dialled_port)

    def _ports(self, server: Server) -> list[int]:
        asked = self.request.options.ports
        wanted = server.ports
        if asked is not None:
            typed_port = (self.target.port,) if self.target.port else ()
            elsewhere = tuple(port for port in asked if (row := ports.facts(port)) is None or not row.usual)
            if server.source == "typed":
                wanted = (*typed_port, *asked)
            else:
                wanted = (*(port for port in wanted if port in asked), *elsewhere)
        return list(dict.fromkeys(wanted))

    async def _probe_family(self, server: Server, family: Family, routes: list[_Route], toolkit: Toolkit) -> None:
        """Probes one address of a server on all its ports; where none opens, the next address, as programs do."""
        tried = {route.endpoint.address for route in routes}
        spare = [
            address
            for address in server.answer.addresses
            if (":" in address) == (family == 6) and address not in tried and has_route(address, family)
        ][:MAX_SPARE_ADDRESSES]
        if any(self._mapped(server.host, route.endpoint.port) for route in routes):
            spare = []
        while routes:
            states = await asyncio.gather(*(self._probe(route, server.answer.elapsed_ms, toolkit) for route in routes))
            if "open" in states or not spare:
                return
            address, numbers = spare.pop(0), [route.endpoint.port for route in routes]
            found = [self._route(server, toolkit.gate, port, (family, address, port)) for port in numbers]
            routes = [route for route in found if route is not None]
            self._tell_plan()

    def _tell_plan(self) -> None:
        self.events.put_nowait(PlanEvent(endpoints=tuple(self.endpoints.values())))

    def _mapped(self, host: str, port: int) -> bool:
        return self.policy.lab is not None and self.policy.lab.maps(host, port)

    async def _addresses(self, server: Server, port: int, resolver: Names) -> list[_Place]:
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

    async def _probe(self, route: _Route, resolve_ms: float, toolkit: Toolkit) -> State:
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
        return observation.state

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

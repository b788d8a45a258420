"""The conductor: a Request in, a stream of Events out, a Report last. Doors call it; it calls every room below."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from poterne import __version__, machine, ports
from poterne import policy as policies
from poterne.compare.cache import Cache
from poterne.compare.comparison import Comparison
from poterne.compare.controls import relay
from poterne.diagnose import Conclusion, Evidence, diagnose
from poterne.diagnose import settings as advice
from poterne.diagnose.wanted import Want
from poterne.dial import Gate
from poterne.discover import Discovery, Server
from poterne.discover.beside import beside
from poterne.errors import Forbidden, InvalidRequest
from poterne.knowledge import load
from poterne.machine import has_route, source_address
from poterne.model import (
    CheckEvent,
    Endpoint,
    Family,
    FindingEvent,
    Hop,
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
from poterne.probe.places import Place, mapped, places
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


@lru_cache(maxsize=4)
def _cache(policy: policies.Policy) -> Cache:
    return Cache()


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
    relay(policy, request.options)
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
    silent: dict[str, Observation] = field(default_factory=dict)
    dialled: dict[str, int] = field(default_factory=dict)
    names: list[NameAnswer] = field(default_factory=list)
    servers: dict[str, Server] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    forbidden: int = 0
    fetching: dict[Want, asyncio.Task[None]] = field(default_factory=dict)
    online: bool = True
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    resolver: Names = field(init=False)
    toolkit: Toolkit = field(init=False)
    compared: Comparison = field(init=False)
    _thinking: asyncio.TimerHandle | None = None

    async def conduct(self) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        stores = _stores(self.policy)
        self.resolver = Names(self.policy)
        warming = asyncio.create_task(asyncio.to_thread(stores.warm))
        deadline = started + self.request.options.budget - _MARGIN
        self.toolkit = Toolkit(Gate(self.policy), stores, deadline, warming)
        self.online = any(source_address(family) for family in (4, 6))
        self.compared = Comparison(
            self.policy,
            self.request.options,
            self.resolver,
            self.toolkit,
            _cache(self.policy),
            on_news=self._think_soon,
        )
        try:
            await self._observe_all()
            conclusion = await self._weigh()
            self._tell_compared()
            for finding in conclusion.findings:
                self.events.put_nowait(FindingEvent(finding=finding))
            self._tell_settings(conclusion.settings)
            elapsed_ms = round((loop.time() - started) * 1000, 1)
            self.events.put_nowait(ReportEvent(report=self._report(conclusion, elapsed_ms)))
            if self.toolkit.farewells:
                await asyncio.wait(self.toolkit.farewells, timeout=max(0.0, deadline + _MARGIN - loop.time()))
        finally:
            if self._thinking is not None:
                self._thinking.cancel()
            for task in (*self.toolkit.farewells, *self.fetching.values(), warming):
                task.cancel()
            await self.compared.close()
            await self.resolver.close()
            await asyncio.gather(warming, *self.fetching.values(), *self.toolkit.farewells, return_exceptions=True)

    def _report(self, conclusion: Conclusion, elapsed_ms: float) -> Report:
        evidence = self._evidence()
        return Report(
            version=__version__,
            target=self.target,
            options=self.request.options,
            verdict=conclusion.verdict,
            findings=conclusion.findings,
            settings=conclusion.settings,
            names=evidence.names,
            observations=evidence.observations,
            online=self.online,
            machine=evidence.machine,
            portal=evidence.portal,
            trace=evidence.trace,
            way=conclusion.way,
            hints=self.compared.hints,
            started_at=self.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            elapsed_ms=elapsed_ms,
            lab=self.policy.lab is not None,
        )

    # ---- the target

    async def _observe_all(self) -> None:
        """Plans each server's endpoints as it becomes known, and probes them at once, side by side."""
        discovery = Discovery(self.target, self.resolver, self.names)
        async with asyncio.TaskGroup() as probes, aclosing(discovery.servers()) as servers:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.toolkit.deadline):
                    async for server in servers:
                        self.target = discovery.target
                        for family, routes in (await self._plan(server)).items():
                            probes.create_task(self._probe_family(server, family, routes))
                            self.compared.begin()
            self.target = discovery.target
        self.compared.calm.set()
        await self._second_opinion()
        if not self.names and not self.endpoints and not self.forbidden:
            name = self.target.host or self.target.domain or ""
            self.names.append(NameAnswer(name=name, source="typed", state="timeout"))
        if not self.endpoints and self.forbidden:
            raise Forbidden(
                "nothing was dialled: that target leads to addresses or ports that are not to be tested from here"
            )

    async def _second_opinion(self) -> None:
        """What another resolver says of a typed name that did not resolve, where the policy names one."""
        for answer in [each for each in self.names if each.state != "ok" and each.source == "typed"]:
            if second := await self.resolver.second(answer.name):
                self.names.append(second)

    async def _plan(self, server: Server) -> dict[Family, list[_Route]]:
        """The endpoints of one server by family: one address each, on every port that is wanted and allowed."""
        self.servers.setdefault(server.host, server)
        routes: dict[Family, list[_Route]] = {}
        for port in self._ports(server):
            if port not in self.policy.allow.ports:
                self.forbidden += bool(server.answer.addresses)
                continue
            for place in await places(server.answer, port, self.policy, self.resolver, self.request.options.family):
                if route := self._route(server, port, place):
                    routes.setdefault(place.family, []).append(route)
        if routes:
            self._tell_plan()
        return routes

    def _route(self, server: Server, port: int, place: Place) -> _Route | None:
        """A new endpoint, unless its address may not be dialled."""
        if len(self.endpoints) >= MAX_ENDPOINTS:
            return None
        row = ports.facts(port)
        asked = row.begins if row else "starttls"
        if port == self.target.port and self.target.asked is not None:
            asked = self.target.asked
        endpoint = Endpoint(
            id=f"o{len(self.endpoints) + 1}",
            host=server.host,
            address=place.address,
            family=place.family,
            port=port,
            service=row.service if row else "smtp",
            asked=asked,
            source=server.source,
        )
        if not self.toolkit.gate.permits(endpoint):
            self.forbidden += 1
            return None
        self.endpoints[endpoint.id] = endpoint
        self.dialled[endpoint.id] = place.port
        return _Route(endpoint, place.port)

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

    async def _probe_family(self, server: Server, family: Family, routes: list[_Route]) -> None:
        """Probes one address of a server on all its ports; where none opens, the next address, as programs do."""
        tried = {route.endpoint.address for route in routes}
        spare = [
            address
            for address in server.answer.addresses
            if (":" in address) == (family == 6) and address not in tried and has_route(address, family)
        ][:MAX_SPARE_ADDRESSES]
        if any(mapped(self.policy, server.host, route.endpoint.port) for route in routes):
            spare = []
        while routes:
            states = await asyncio.gather(*(self._probe(route, server.answer.elapsed_ms) for route in routes))
            if "open" in states or not spare:
                return
            address, numbers = spare.pop(0), [route.endpoint.port for route in routes]
            found = [self._route(server, port, Place(family, address, port)) for port in numbers]
            routes = [route for route in found if route is not None]
            self._tell_plan()

    async def _probe(self, route: _Route, resolve_ms: float | None, toolkit: Toolkit | None = None) -> State:
        observation = await observe(
            route.endpoint,
            toolkit or self.toolkit,
            dialled_port=route.dialled_port,
            resolve_ms=resolve_ms,
            on_progress=self._progress,
        )
        self.provisional.pop(observation.id, None)
        self.silent.pop(observation.id, None)
        self.observations[observation.id] = observation
        self.events.put_nowait(ObservationEvent(observation=observation))
        self._tell_settings()
        if len(self.observations) + len(self.silent) >= len(self.endpoints):
            self.compared.calm.set()
        return observation.state

    def _progress(self, observation: Observation) -> None:
        """Tells of a provisional observation where nothing answers, or where it brings the first verified settings."""
        if observation.state == "open":
            self.provisional[observation.id] = observation
            if not advice.improves(self._advice(), self.settings):
                return
        else:
            self.silent[observation.id] = observation
            self._think_soon()
        self.events.put_nowait(ObservationEvent(observation=observation))
        self._tell_settings()

    # ---- what it is held against

    def _evidence(self, *, early: bool = False) -> Evidence:
        """What is known; `early`: with what has only been silent for a while."""
        compared = self.compared
        seen = {**self.observations, **compared.observations}
        if early:
            seen = {**self.silent, **compared.silent, **seen}
        ids = dict.fromkeys((*self.endpoints, *compared.endpoints, *compared.observations))
        return Evidence(
            target=self.target,
            options=self.request.options,
            names=(*self.names, *compared.names),
            observations=tuple(_with_path(seen[id_], compared.paths.get(id_)) for id_ in ids if id_ in seen),
            online=self.online,
            now=self.started_at,
            machine=compared.machine,
            portal=compared.portal,
            trace=compared.trace,
            fetched=frozenset(want for want, task in self.fetching.items() if task.done()),
        )

    def _think_soon(self) -> None:
        """Asks the rules, while the target is being probed, what they will want; news that come together are one."""
        if self.silent and self._thinking is None:
            pause = load("timing")["compare"]["think"]
            self._thinking = asyncio.get_running_loop().call_later(pause, self._think)

    def _think(self) -> None:
        self._thinking = None
        for want in _in_order(diagnose(self._evidence(early=True)).wanted):
            self._fetch(want)

    async def _weigh(self) -> Conclusion:
        """Diagnoses, fetches what the rules want, and asks again, until they want nothing new or the budget ends."""
        loop = asyncio.get_running_loop()
        while True:
            conclusion = diagnose(self._evidence())
            waiting = [task for want in _in_order(conclusion.wanted) if not (task := self._fetch(want)).done()]
            if any(seen.state != "open" for seen in self.observations.values()) or not self.observations:
                waiting += self.compared.expected
            left = self.toolkit.deadline - loop.time()
            if not waiting or left <= 0:
                return conclusion
            await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def _fetch(self, want: Want) -> asyncio.Task[None]:
        if want not in self.fetching:
            self.fetching[want] = asyncio.create_task(self._bounded(self._fetched(want)))
        return self.fetching[want]

    async def _bounded(self, work: Coroutine[Any, Any, None]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self.toolkit.deadline):
                await work

    async def _fetched(self, want: Want) -> None:
        seen = {**self.silent, **self.compared.silent, **self.observations, **self.compared.observations}
        concerned = seen.get(want.observation or "")
        match want.kind:
            case "trace" if concerned is not None and machine.leads_out(concerned.address):
                await self.compared.trace_to(want, concerned, seen.get(want.beside or ""), self.dialled)
            case "again" if concerned is not None:
                await self._again(want, concerned)
            case "web":
                await self._web(want.host or "")
            case "names":
                await self._beside(want.host or "")
            case "controls" | "canary" | "relay" | "portal":
                await self.compared.fetch(want)
            case "gateway" if any(
                (each.port, each.family) == (want.port, want.family) and machine.leads_out(each.address)
                for each in seen.values()
            ):
                await self.compared.fetch(want)
            case _:
                return  # no router and no gateway is on the way to what is on the link

    async def _again(self, want: Want, seen: Observation) -> None:
        if seen.role != "target":
            await self.compared.again(want, seen)
            return
        server = self.servers[seen.host]
        for place in await places(server.answer, seen.port, self.policy, self.resolver, seen.family):
            if route := self._route(server, seen.port, place._replace(address=seen.address)):
                self._tell_plan()
                await self._probe(route, None, self.compared.patient)

    async def _web(self, host: str) -> None:
        """The ports of the web at a server whose mail ports all fail: is there anybody?"""
        if (server := self.servers.get(host)) is not None:
            await self._probe_server(server, tuple(load("controls")["begin"]["web_ports"]))

    async def _beside(self, host: str) -> None:
        """Other servers of the same mail domain, tried on the ports that were tried at the one that was typed."""
        certified = [
            name for seen in self.observations.values() if seen.host == host and seen.tls for name in seen.tls.names
        ]
        tried = tuple(dict.fromkeys(seen.port for seen in self.observations.values() if seen.host == host))
        async with asyncio.TaskGroup() as probes:
            async for server in beside(host, certified, tried, self.resolver):
                if server.host not in self.servers:
                    self.names.append(server.answer)
                    probes.create_task(self._probe_server(server, server.ports))

    async def _probe_server(self, server: Server, numbers: tuple[int, ...]) -> None:
        planned = await self._plan(Server(server.host, server.source, server.answer, numbers))
        await asyncio.gather(*(self._probe_family(server, family, routes) for family, routes in planned.items()))

    # ---- what is told

    def _tell_plan(self) -> None:
        self.events.put_nowait(PlanEvent(endpoints=tuple(self.endpoints.values())))

    def _tell_compared(self) -> None:
        """Comparisons are told when they are complete: nobody waits for them before."""
        finished = [
            self.compared.endpoints.get(id_) or _endpoint(seen) for id_, seen in self.compared.observations.items()
        ]
        if finished:
            self.events.put_nowait(PlanEvent(endpoints=(*self.endpoints.values(), *finished)))
        for seen in self.compared.observations.values():
            self.events.put_nowait(ObservationEvent(observation=seen))

    def _advice(self) -> Settings:
        return advice.settings((*self.observations.values(), *self.provisional.values()))

    def _tell_settings(self, settings: Settings | None = None) -> None:
        settings = settings or self._advice()
        if settings != self.settings:
            self.settings = settings
            self.events.put_nowait(SettingsEvent(settings=settings))


def _in_order(wanted: frozenset[Want]) -> list[Want]:
    """The relay last: a trace may show whose it is."""
    return sorted(wanted, key=lambda want: want.kind == "relay")


def _with_path(seen: Observation, path: tuple[Hop, ...] | None) -> Observation:
    return seen if path is None else seen.model_copy(update={"path": path})


def _endpoint(seen: Observation) -> Endpoint:
    return Endpoint(**{name: getattr(seen, name) for name in Endpoint.model_fields})

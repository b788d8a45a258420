"""The target's side of a check: which endpoints are tried, and what each of them did."""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace

from poterne import ports
from poterne.diagnose import settings as advice
from poterne.dial import schedule
from poterne.discover import Discovery, Server
from poterne.discover.beside import beside
from poterne.discover.merge import by_authority, in_order
from poterne.errors import Forbidden
from poterne.knowledge import load
from poterne.machine import has_route
from poterne.model import (
    CheckEvent,
    Endpoint,
    Family,
    Lookup,
    NameAnswer,
    Observation,
    ObservationEvent,
    Offer,
    Options,
    PlanEvent,
    Security,
    Settings,
    SettingsEvent,
    State,
    Target,
)
from poterne.policy import Policy
from poterne.probe.endpoint import Toolkit, observe
from poterne.probe.names import Names
from poterne.probe.places import Place, mapped, places

MAX_ENDPOINTS = 160
MAX_SPARE_ADDRESSES = 2


@dataclass(frozen=True, slots=True)
class _Route:
    """An endpoint, and the port that is dialled for it where a lab maps it elsewhere."""

    endpoint: Endpoint
    dialled_port: int


@dataclass(slots=True)
class Targets:
    """Plans, probes, and tells of it.

    `endpoints` are those that were announced: the target's own before they are tried, so that they can be waited for;
    what is tried besides, because a rule wants it, when it is done. `observations` are final, `silent` the provisional
    ones of what has kept silent for a while, `opened` those of dialogues that are going on. `dialled`: the ports behind
    endpoints, which a lab may map elsewhere. `on_planned` is called when the first endpoints of a server are known,
    `on_quiet` when nothing is left that may still answer, `on_silence` when something keeps silent.
    """

    target: Target
    options: Options
    policy: Policy
    resolver: Names
    toolkit: Toolkit
    tell: Callable[[CheckEvent], None]
    on_planned: Callable[[], None]
    on_quiet: Callable[[], None]
    on_silence: Callable[[], None]
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    observations: dict[str, Observation] = field(default_factory=dict)
    silent: dict[str, Observation] = field(default_factory=dict)
    opened: dict[str, Observation] = field(default_factory=dict)
    dialled: dict[str, int] = field(default_factory=dict)
    names: list[NameAnswer] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    _discovery: Discovery | None = None
    _servers: dict[str, Server] = field(default_factory=dict)
    _odd: dict[tuple[str, int], tuple[str, Security]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _forbidden: int = 0
    _rules: dict[str, None] = field(default_factory=dict)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What the sources of the domain say, the most authoritative first."""
        return tuple(by_authority(self._discovery.offers)) if self._discovery else ()

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """How the sources were asked, in the same order."""
        return tuple(in_order(self._discovery.lookups)) if self._discovery else ()

    async def observe(self) -> None:
        """Plans each server's endpoints as it becomes known, and probes them at once, side by side.

        Raises Forbidden where the policy leaves nothing to be dialled.
        """
        discovery = Discovery(self.target, self.resolver, self.names, self.policy, self.toolkit)
        self._discovery = discovery
        async with asyncio.TaskGroup() as probes, aclosing(discovery.servers()) as servers:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.toolkit.deadline):
                    async for server in servers:
                        self.target = discovery.target
                        self._name_the_domain()
                        for family, routes in (await self._plan(server)).items():
                            probes.create_task(self._probe_family(server, family, routes))
                            self.on_planned()
            self.target = discovery.target
            self._name_the_domain()
        self.on_quiet()
        await self._second_opinion()
        if not self.names and not self.endpoints and not self._forbidden:
            name = self.target.host or self.target.domain or ""
            self.names.append(NameAnswer(name=name, source="typed", state="timeout"))
        if not self.endpoints and self._forbidden:
            rules = ", ".join(self._rules)
            raise Forbidden(
                "nothing was dialled: that target leads to addresses or ports that are not to be tested from here"
                + (f" ({rules})" if rules else ""),
                next(iter(self._rules), None),
            )

    async def again(self, seen: Observation, toolkit: Toolkit) -> None:
        """Looks at an endpoint once more, with another toolkit's patience."""
        server = self._servers[seen.host]
        for place in await places(server.answer, seen.port, self.policy, self.resolver, seen.family):
            if route := self._route(server, seen.port, place._replace(address=seen.address)):
                await self._probe(route, None, toolkit)

    async def web(self, host: str) -> None:
        """The ports of the web at a server whose mail ports all fail: is there anybody? Not where the user named the
        ports.
        """
        if self.options.ports is None and (server := self._servers.get(host)) is not None:
            hurried = replace(self.toolkit, schedule=schedule("late"))
            await self._probe_server(server, tuple(load("controls")["begin"]["web_ports"]), hurried)

    async def beside(self, host: str) -> None:
        """Other servers of the same mail domain, tried on the ports that were tried at the one that was typed."""
        certified = [
            name for seen in self.observations.values() if seen.host == host and seen.tls for name in seen.tls.names
        ]
        tried = tuple(dict.fromkeys(seen.port for seen in self.observations.values() if seen.host == host))
        wanted = tried or (ports.usual() if self.target.port is None else ports.alternatives(self.target.port))
        async with asyncio.TaskGroup() as probes:
            # What a domain names was looked up already.
            above = self.target.kind in ("server", "endpoint")
            async for server in beside(host, certified, wanted, self.resolver, above=above):
                if server.host not in self._servers:
                    self.names.append(server.answer)
                    probes.create_task(self._probe_server(server, server.ports))

    def tell_settings(self, settings: Settings | None = None) -> None:
        """Tells of the settings, those that are known so far unless given, where they have changed."""
        settings = settings or self._advice()
        if settings != self.settings:
            self.settings = settings
            if self._discovery and all(
                rows and rows[0].verified and rows[0].security != "none"
                for rows in (settings.outgoing, settings.incoming)
            ):
                self._discovery.enough.set()
            self.tell(SettingsEvent(settings=settings))

    async def _second_opinion(self) -> None:
        """What another resolver says of a typed name that did not resolve, where the policy names one."""
        for answer in [each for each in self.names if each.state != "ok" and each.source == "typed"]:
            if second := await self.resolver.second(answer.name):
                self.names.append(second)

    async def _probe_server(self, server: Server, numbers: tuple[int, ...], toolkit: Toolkit | None = None) -> None:
        planned = await self._plan(Server(server.host, server.source, server.answer, numbers), announced=False)
        probes = (self._probe_family(server, family, routes, toolkit) for family, routes in planned.items())
        await asyncio.gather(*probes)

    async def _plan(self, server: Server, *, announced: bool = True) -> dict[Family, list[_Route]]:
        """The endpoints of one server by family: one address each, on every port that is wanted and allowed."""
        self._servers.setdefault(server.host, server)
        for port, offered in server.odd.items():
            self._odd.setdefault((server.host, port), offered)
        if server.source == "typed":
            for address in server.answer.addresses:
                self.toolkit.gate.admit(address)
        routes: dict[Family, list[_Route]] = {}
        for port in self._ports(server):
            if port not in self.policy.allow.ports:
                if server.answer.addresses:
                    self._forbidden += 1
                    self._rules["allow.ports"] = None
                continue
            for place in await places(server.answer, port, self.policy, self.resolver, self.options.family):
                if route := self._first_route(server, port, place):
                    routes.setdefault(place.family, []).append(route)
        if routes and announced:
            found = [route.endpoint for family in routes.values() for route in family]
            self._announce(sorted(found, key=lambda endpoint: int(endpoint.id[1:])))
        return routes

    def _announce(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints.update((endpoint.id, endpoint) for endpoint in endpoints)
        self.tell(PlanEvent(endpoints=tuple(self.endpoints.values())))

    def _first_route(self, server: Server, port: int, place: Place) -> _Route | None:
        """A new endpoint at a place; where that may not be dialled, at the next address of the same family that may."""
        addresses = [place.address]
        if not mapped(self.policy, server.host, port):
            addresses += [each for each in server.answer.addresses if (":" in each) == (place.family == 6)]
        for address in dict.fromkeys(addresses):
            if route := self._route(server, port, place._replace(address=address)):
                return route
        return None

    def _route(self, server: Server, port: int, place: Place) -> _Route | None:
        """A new endpoint, unless its address may not be dialled."""
        if len(self.dialled) >= MAX_ENDPOINTS:
            return None
        row = ports.facts(port)
        usual = (row.service, row.begins) if row else ("smtp", "starttls")
        service, asked = self._odd.get((server.host, port), usual)
        if port == self.target.port and self.target.asked is not None:
            asked = self.target.asked
        endpoint = Endpoint(
            id="",
            host=server.host,
            address=place.address,
            family=place.family,
            port=port,
            service=service,
            asked=asked,
            source=server.source,
        )
        if not self.toolkit.gate.permits(endpoint):
            self._forbidden += 1
            if rule := self.policy.forbids(endpoint.address):
                self._rules[rule] = None
            return None
        endpoint = endpoint.model_copy(update={"id": f"o{next(self._numbers)}"})
        self.dialled[endpoint.id] = place.port
        return _Route(endpoint, place.port)

    def _ports(self, server: Server) -> list[int]:
        asked = self.options.ports
        wanted = server.ports
        if asked is not None:
            typed_port = (self.target.port,) if self.target.port else ()
            elsewhere = tuple(port for port in asked if (row := ports.facts(port)) is None or not row.usual)
            if server.source == "typed":
                wanted = (*typed_port, *asked)
            else:
                wanted = (*(port for port in wanted if port in asked), *elsewhere)
        return list(dict.fromkeys(wanted))

    async def _probe_family(
        self, server: Server, family: Family, routes: list[_Route], toolkit: Toolkit | None = None
    ) -> None:
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
            states = await asyncio.gather(*(self._probe(route, server.answer.elapsed_ms, toolkit) for route in routes))
            if "open" in states or not spare:
                return
            announced, numbers = routes[0].endpoint.id in self.endpoints, [route.endpoint.port for route in routes]
            routes = []
            while spare and not routes:
                address = spare.pop(0)
                found = [self._route(server, port, Place(family, address, port)) for port in numbers]
                routes = [route for route in found if route is not None]
            if announced:
                self._announce(route.endpoint for route in routes)

    async def _probe(self, route: _Route, resolve_ms: float | None, toolkit: Toolkit | None = None) -> State:
        observation = await observe(
            route.endpoint,
            toolkit or self.toolkit,
            dialled_port=route.dialled_port,
            resolve_ms=resolve_ms,
            on_progress=self._progress,
        )
        self.opened.pop(observation.id, None)
        self.silent.pop(observation.id, None)
        self.observations[observation.id] = observation
        self._name_the_domain()
        observation = self.observations[observation.id]
        if observation.id not in self.endpoints:
            self._announce([route.endpoint])
        self.tell(ObservationEvent(observation=observation))
        self.tell_settings()
        if len(self.observations) + len(self.silent) >= len(self.endpoints):
            self.on_quiet()
        return observation.state

    def _name_the_domain(self) -> None:
        """What was tried as a server before DNS said that it is a mail domain is just one of its hosts."""
        if self.target.kind != "domain" or self._discovery is None or not self._discovery.decided:
            return
        for known in (self.observations, self.silent, self.opened):
            for id_, seen in known.items():
                if seen.source == "typed":
                    known[id_] = seen.model_copy(update={"source": "domain"})

    def _progress(self, observation: Observation) -> None:
        """Tells of a provisional observation where nothing answers, or where it brings the first verified settings."""
        if observation.state == "open":
            self.opened[observation.id] = observation
            if not advice.improves(self._advice(), self.settings):
                return
        else:
            self.silent[observation.id] = observation
            self.on_silence()
        if observation.id in self.endpoints:
            self.tell(ObservationEvent(observation=observation))
            self.tell_settings()

    def _advice(self) -> Settings:
        return advice.settings(
            (*self.observations.values(), *self.opened.values()), offers=self.offers, lookups=self.lookups
        )

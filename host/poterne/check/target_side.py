"""The target's side of a check: its endpoints are planned and probed, and what each of them did is told."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from poterne.check.planner import Planner, Route
from poterne.check.state import CheckState
from poterne.check.watch import Watch
from poterne.diagnosis import settings as advice
from poterne.diagnosis.evidence import verified, well
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.discovery import Discovery, Server
from poterne.discovery.other_servers import other_servers
from poterne.knowledge import controls, ports
from poterne.net.resolver import NameResolver
from poterne.probe.endpoint import observe
from poterne.probe.toolkit import Toolkit
from poterne.report import (
    CheckEvent,
    Endpoint,
    Family,
    NameAnswer,
    Observation,
    ObservationEvent,
    PlanEvent,
    Settings,
    SettingsEvent,
    State,
)


@dataclass(slots=True)
class TargetSide:
    """Probes the target's servers, records and tells what they do.

    Endpoints are announced before they are tried, so that they can be waited for; what is tried besides, because a rule
    wants it, when it is done. `watch` notices trouble, `on_silence` is called when something has been silent for a
    while. `served` is set when nothing is left that may still answer.
    """

    state: CheckState
    planner: Planner
    discovery: Discovery
    resolver: NameResolver
    toolkit: Toolkit
    served: asyncio.Event
    watch: Watch
    tell: Callable[[CheckEvent], None]
    on_silence: Callable[[], None]
    settings: Settings = field(default_factory=Settings)
    _doubt: asyncio.Event = field(default_factory=asyncio.Event)

    async def observe(self) -> None:
        """Plans each server's endpoints as it becomes known, and probes them at once, side by side.

        Raises Forbidden where the policy leaves nothing to be dialled.
        """
        async with asyncio.TaskGroup() as probes, aclosing(self.discovery.servers()) as servers:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.toolkit.deadline):
                    async for server in servers:
                        self._understand()
                        planned = await self._announced(server)
                        probing = {
                            probes.create_task(self._probe_family(server, family, routes))
                            for family, routes in planned.items()
                        }
                        if self._is_odd(server):
                            probes.create_task(self._alternatives(server, probing))
            self._understand()
        self.served.set()
        await self._second_opinion()
        if self.state.endpoints:
            return
        if (refusal := self.planner.refusal()) is not None:
            raise refusal
        if not self.state.names:
            name = self.state.target.host or self.state.target.domain or ""
            self.state.names.append(NameAnswer(name=name, source="typed", state="timeout"))

    def _is_odd(self, server: Server) -> bool:
        """Whether the user has typed a port of this host that the table does not name, and no list of ports."""
        target, options = self.state.target, self.state.options
        odd = target.port is not None and ports.facts(target.port) is None
        return odd and options.ports is None and server.source == "typed"

    def _is_as_asked(self, seen: Observation) -> bool:
        return verified(seen) and self.state.target.asked in (None, seen.security)

    async def _alternatives(self, server: Server, probing: set[asyncio.Task[None]]) -> None:
        """The mail ports of a host, as soon as the port that was typed does not answer well: nothing tells which of
        them it was to be. `probing` is that port.
        """
        doubt: asyncio.Task[Any] = asyncio.create_task(self._doubt.wait())
        try:
            while not self._doubt.is_set() and (left := [task for task in probing if not task.done()]):
                await asyncio.wait([doubt, *left], return_when=asyncio.FIRST_COMPLETED)
        finally:
            doubt.cancel()
        if self._doubt.is_set():
            planned = await self._announced(replace(server, ports=ports.usual()))
            async with asyncio.TaskGroup() as probes:
                for family, routes in planned.items():
                    probes.create_task(self._probe_family(server, family, routes))

    async def again(self, seen: Observation, toolkit: Toolkit) -> None:
        """Looks at an endpoint once more, with another toolkit's patience."""
        server = self.planner.server(seen.host)
        if server is not None:
            for route in await self.planner.once_more(server, seen.port, seen.address, seen.family):
                await self._probe(route, None, toolkit)

    async def web(self, want: EvidenceRequest) -> None:
        """The ports of the web at a server whose mail ports all fail: is there anybody? Not where the user named the
        ports.
        """
        server = self.planner.server(want.host or "")
        if self.state.options.ports is None and server is not None:
            hurried = replace(self.toolkit, schedule=self.toolkit.timing.late)
            await self._probe_server(server, controls.table().begin.web_ports, hurried)

    async def other_names(self, want: EvidenceRequest) -> None:
        """Other servers of the same mail domain, tried on the ports that were tried at the one that was typed."""
        host = want.host or ""
        seen_there = [seen for seen in self.state.observations(of_target=True) if seen.host == host]
        certified = [name for seen in seen_there if seen.tls for name in seen.tls.names]
        tried = tuple(dict.fromkeys(seen.port for seen in seen_there))
        target = self.state.target
        wanted = tried or (ports.usual() if target.port is None else ports.alternatives(target.port))
        async with asyncio.TaskGroup() as probes:
            # What a domain names was looked up already.
            above = target.kind in ("server", "endpoint")
            async for server in other_servers(host, certified, wanted, self.resolver, above=above):
                if not self.planner.knows(server.host):
                    self.state.names.append(server.answer)
                    probes.create_task(self._probe_server(server, server.ports))

    def tell_settings(self, settings: Settings | None = None) -> None:
        """Tells of the settings, those that are known so far unless given, where they have changed."""
        settings = settings or self._advice()
        if settings != self.settings:
            self.settings = settings
            if all(
                rows and rows[0].verified and rows[0].security != "none"
                for rows in (settings.outgoing, settings.incoming)
            ):
                self.discovery.enough.set()
            self.tell(SettingsEvent(settings=settings))

    def _understand(self) -> None:
        """What discovery has found out of the target itself."""
        self.state.target = self.discovery.target
        self.state.is_domain = self.discovery.decided

    async def _second_opinion(self) -> None:
        """What another resolver says of a typed name that did not resolve, where the policy names one."""
        for answer in [each for each in self.state.names if each.state != "ok" and each.source == "typed"]:
            if second := await self.resolver.second(answer.name):
                self.state.names.append(second)

    async def _announced(self, server: Server) -> dict[Family, list[Route]]:
        planned = await self.planner.plan(server)
        routes = [route for family in planned.values() for route in family]
        if routes:
            self._announce(sorted(routes, key=lambda route: int(route.endpoint.id[1:])))
        return planned

    def _announce(self, routes: Iterable[Route]) -> None:
        self.state.endpoints.update((route.endpoint.id, route.endpoint) for route in routes)
        self.tell(PlanEvent(endpoints=tuple(self.state.endpoints.values())))

    async def _probe_server(self, server: Server, numbers: tuple[int, ...], toolkit: Toolkit | None = None) -> None:
        planned = await self.planner.plan(Server(server.host, server.source, server.answer, numbers))
        probes = (self._probe_family(server, family, routes, toolkit) for family, routes in planned.items())
        await asyncio.gather(*probes)

    async def _probe_family(
        self, server: Server, family: Family, routes: list[Route], toolkit: Toolkit | None = None
    ) -> None:
        """Probes one address of a server on all its ports; where none opens, the next address, as programs do."""
        spare = self.planner.spare_addresses(server, family, routes)
        while routes:
            states = await asyncio.gather(*(self._probe(route, server.answer.elapsed_ms, toolkit) for route in routes))
            if "open" in states or not spare:
                return
            announced = routes[0].endpoint.id in self.state.endpoints
            numbers = [route.endpoint.port for route in routes]
            routes = []
            while spare and not routes:
                routes = self.planner.routes_to(server, family, spare.pop(0), numbers)
            if announced:
                self._announce(routes)

    async def _probe(self, route: Route, resolve_ms: float | None, toolkit: Toolkit | None = None) -> State:
        news = self._is_news(route.endpoint)
        if news:
            self.watch.dialled(route.endpoint)
        seen = await observe(
            route.endpoint,
            toolkit or self.toolkit,
            dialled_port=route.dialled_port,
            resolve_ms=resolve_ms,
            on_progress=self._progress,
        )
        self.watch.ended(route.endpoint)
        if news and not well(seen):
            self.watch.trouble()
        self.state.record(seen)
        if not self._is_as_asked(seen):
            self._doubt.set()
        self.state.is_domain = self.discovery.decided
        if seen.id not in self.state.endpoints:
            self._announce([route])
        self.tell(ObservationEvent(observation=self.state.known(seen)))
        self.tell_settings()
        state = self.state
        if len(state.observations(of_target=True)) + len(state.silent(of_target=True)) >= len(state.endpoints):
            self.served.set()
        return seen.state

    def _is_news(self, endpoint: Endpoint) -> bool:
        """Whether it would be news that nothing answers there."""
        row = ports.row_of(endpoint)
        asked = endpoint.port == self.state.target.port or endpoint.port in (self.state.options.ports or ())
        return row is None or not row.optional or asked

    def _progress(self, seen: Observation) -> None:
        """Tells of a provisional observation where nothing answers, or where it brings the first verified settings."""
        self.state.record(seen)
        if seen.state == "open" and seen.greeting_kind is None:
            self.watch.trouble()
        if seen.greeting_kind is None:
            self._doubt.set()
        if seen.state != "open":
            self.on_silence()
        elif not advice.improves(self._advice(), self.settings):
            return
        if seen.id in self.state.endpoints:
            self.tell(ObservationEvent(observation=seen))
            self.tell_settings()

    def _advice(self) -> Settings:
        state = self.state
        seen = (*state.observations(of_target=True), *state.opened())
        return advice.settings(seen, offers=state.by_authority, lookups=state.lookups)

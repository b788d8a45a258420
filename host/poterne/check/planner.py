"""Which endpoints of a server are tried: what is wanted, and what the policy and the gate allow."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from poterne.check.state import CheckState
from poterne.discovery import Server
from poterne.errors import Forbidden
from poterne.knowledge import ports
from poterne.net.gate import Gate
from poterne.net.machine import has_route
from poterne.net.resolver import NameResolver
from poterne.net.socket_addresses import SocketAddress, mapped, socket_addresses
from poterne.policy import Policy
from poterne.report import Endpoint, Family, Security
from poterne.target.hosts import is_inside
from poterne.target.parser import scheme_of

MAX_ENDPOINTS = 160
MAX_SPARE_ADDRESSES = 2


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, and the port that is dialled for it where a lab maps it elsewhere."""

    endpoint: Endpoint
    dialled_port: int


@dataclass(slots=True)
class Planner:
    """Makes the endpoints of the target's servers, each with an id of its own."""

    policy: Policy
    resolver: NameResolver
    gate: Gate
    state: CheckState
    _servers: dict[str, Server] = field(default_factory=dict)
    _odd: dict[tuple[str, int], tuple[str, Security]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _forbidden: bool = False
    _rules: dict[str, None] = field(default_factory=dict)

    async def plan(self, server: Server) -> dict[Family, list[Route]]:
        """The endpoints of one server by family: one address each, on every port that is wanted and allowed."""
        self._servers.setdefault(server.host, server)
        for port, offered in server.odd.items():
            self._odd.setdefault((server.host, port), offered)
        if server.source == "typed":
            for address in server.answer.addresses:
                self.gate.admit(address)
        routes: dict[Family, list[Route]] = {}
        for port in self._ports(server):
            if not self.policy.allow.permits_port(port, typed=self._is_typed(port)):
                if server.answer.addresses:
                    self._forbid("allow.ports" if self.policy.allow.ports is not None else None)
                continue
            for place in await socket_addresses(
                server.answer, port, self.policy, self.resolver, self.state.options.family
            ):
                if route := self._first_route(server, port, place):
                    routes.setdefault(place.family, []).append(route)
        return routes

    @property
    def stays_inside(self) -> bool:
        """Whether the servers that are known are all on this computer or in networks of its own: loopback, private and
        link-local addresses (RFC 6890), where no lab maps them elsewhere. What fails there is nobody else's business.
        """
        servers = self._servers.values()
        return any(server.answer.addresses for server in servers) and not any(map(self._leads_outside, servers))

    def knows(self, host: str) -> bool:
        """Whether this host has been planned."""
        return host in self._servers

    def server(self, host: str) -> Server | None:
        """The server that was planned first under this host name."""
        return self._servers.get(host)

    async def once_more(self, server: Server, port: int, address: str, family: Family) -> list[Route]:
        """A further endpoint at an address that was tried."""
        there = await socket_addresses(server.answer, port, self.policy, self.resolver, family)
        routes = [self._route(server, port, place._replace(address=address)) for place in there]
        return [route for route in routes if route is not None]

    def spare_addresses(self, server: Server, family: Family, tried: list[Route]) -> list[str]:
        """Further addresses of a server: for when none of the tried routes opens."""
        if any(mapped(self.policy, server.host, route.endpoint.port) for route in tried):
            return []
        known = {route.endpoint.address for route in tried}
        return [
            address
            for address in server.answer.addresses
            if (":" in address) == (family == 6) and address not in known and has_route(address, family)
        ][:MAX_SPARE_ADDRESSES]

    def routes_to(self, server: Server, place: Family, address: str, numbers: list[int]) -> list[Route]:
        """The same ports at another address of a server."""
        found = [self._route(server, port, SocketAddress(place, address, port)) for port in numbers]
        return [route for route in found if route is not None]

    def refusal(self) -> Forbidden | None:
        """Why nothing could be planned, where the policy or the gate is the reason."""
        if not self._forbidden:
            return None
        rules = ", ".join(self._rules)
        return Forbidden(
            "nothing was dialled: that target leads to addresses or ports that are not to be tested from here"
            + (f" ({rules})" if rules else ""),
            next(iter(self._rules), None),
        )

    def _forbid(self, rule: str | None) -> None:
        self._forbidden = True
        if rule:
            self._rules[rule] = None

    def _leads_outside(self, server: Server) -> bool:
        if any(mapped(self.policy, server.host, port) for port in server.ports):
            return True
        return not all(map(is_inside, server.answer.addresses))

    def _is_typed(self, port: int) -> bool:
        """Whether the user typed the number of a port."""
        options = self.state.options
        return options.origin == "typed" and port in (self.state.target.port, *(options.ports or ()))

    def _ports(self, server: Server) -> list[int]:
        asked, typed = self.state.options.ports, self.state.target.port
        wanted = server.ports
        if asked is not None:
            typed_port = (typed,) if typed else ()
            elsewhere = tuple(port for port in asked if (row := ports.facts(port)) is None or not row.usual)
            if server.source == "typed":
                wanted = (*typed_port, *asked)
            else:
                wanted = (*(port for port in wanted if port in asked), *elsewhere)
        return list(dict.fromkeys(wanted))

    def _first_route(self, server: Server, port: int, place: SocketAddress) -> Route | None:
        """A new endpoint at a place; where that may not be dialled, at the next address of the same family that may."""
        addresses = [place.address]
        if not mapped(self.policy, server.host, port):
            addresses += [each for each in server.answer.addresses if (":" in each) == (place.family == 6)]
        for address in dict.fromkeys(addresses):
            if route := self._route(server, port, place._replace(address=address)):
                return route
        return None

    def _route(self, server: Server, port: int, place: SocketAddress) -> Route | None:
        """A new endpoint, unless its address may not be dialled."""
        if len(self.state.dialled) >= MAX_ENDPOINTS:
            return None
        service, asked = self._odd.get((server.host, port)) or self._usual(port)
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
        if not self.gate.permits(endpoint):
            self._forbid(self.policy.forbids(endpoint.address))
            return None
        endpoint = endpoint.model_copy(update={"id": f"o{next(self._numbers)}"})
        self.state.dialled[endpoint.id] = place.port
        return Route(endpoint, place.port)

    def _usual(self, port: int) -> tuple[str, Security]:
        """The service of a port, and how its connections begin: by the table, else by the scheme of the URL that was
        typed; where nobody knows, by listening first.
        """
        row, target = ports.facts(port), self.state.target
        service, begins = (row.service, row.begins) if row else (ports.UNKNOWN, "starttls")
        if port != target.port or target.asked is None:
            return service, begins
        if row is None and (named := scheme_of(target)) is not None:
            service = ports.service_of(named.dialogue, named.begins) or service
        return service, target.asked

"""A running world: servers, names and the policy file that leads a check to them."""

import asyncio
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from poterne.demo import names, smtp, sockets
from poterne.demo.certificates import Authority
from poterne.demo.connections import Connections, Gate
from poterne.demo.lines import LineServer, dialogues
from poterne.demo.plan import Domain, Plan, Server, Service, load
from poterne.report import Family, Security

_FIRST_HOST = 10
_LAST_HOST = 250


@dataclass(frozen=True)
class Place:
    """Where a host's port is really served."""

    family: Family
    address: str
    port: int


@dataclass
class World:
    """What runs. `policy` is the text of the file at `policy_path`; `roots_path` holds the root to trust, in PEM.

    `places` maps (host, well-known port) to where it is served; every other port of a host leads to one of `closed`,
    which refuse. `unavailable` says, by "HOST:PORT", what this system cannot play, and why.
    """

    plan: Plan
    families: tuple[Family, ...]
    policy_path: Path
    roots_path: Path
    resolver: str = ""
    policy: str = ""
    places: dict[tuple[str, int], tuple[Place, ...]] = field(default_factory=dict)
    closed: tuple[Place, ...] = ()
    unavailable: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[tuple[str, Domain], ...]:
        """Every target that shows something, with its domain, in the plan's order."""
        return tuple((domain.target, domain) for domain in self.plan.domains.values() if domain.target)

    @property
    def targets(self) -> tuple[str, ...]:
        """The shown targets."""
        return tuple(target for target, _ in self.shown)

    @property
    def showcase(self) -> tuple[str, ...]:
        """The targets that `poterne demo` checks."""
        return tuple(target for target, domain in self.shown if domain.showcase)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The shown targets that are accounts."""
        return tuple(target for target in self.targets if "@" in target)

    def place(self, host: str, port: int, family: Family = 4) -> Place:
        """Where this port is served; raises KeyError where no server has it in this family."""
        for place in self.places[host, port]:
            if place.family == family:
                return place
        raise KeyError((host, port, family))


@asynccontextmanager
async def start(path: Path | None = None) -> AsyncIterator[World]:
    """Start the servers of a world (default: the demonstration's) and stop them at the end, with all they made.

    Raises PolicyError where the file at `path` is unusable, OSError where loopback cannot be used.
    """
    plan = load(path)
    smtp.hush()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="poterne-demo-")))
        families = sockets.families()
        world = World(plan, families, folder / "policy.toml", folder / "roots.pem")
        connections = Connections()
        stack.push_async_callback(connections.close)
        builder = _Builder(world, connections, Authority(), stack)
        await builder.build()
        zones = names.Zones(plan, _addresses(plan, families))
        world.resolver = f"{sockets.LOOPBACK[4]}:{await names.serve(zones, connections, sockets.LOOPBACK[4])}"
        world.policy = _policy(world)
        world.roots_path.write_bytes(builder.authority.roots_pem)
        world.policy_path.write_text(world.policy, "utf-8")
        yield world


class _Builder:
    """Fills a world with listeners."""

    def __init__(self, world: World, connections: Connections, authority: Authority, stack: AsyncExitStack) -> None:
        self._world = world
        self._connections = connections
        self.authority = authority
        self._stack = stack

    async def build(self) -> None:
        """Serve every server of the plan, and reserve a port that refuses in each family."""
        closed = []
        for family in self._world.families:
            reserved = sockets.closed(family)
            self._stack.callback(reserved.close)
            closed.append(Place(family, sockets.LOOPBACK[family], reserved.getsockname()[1]))
        self._world.closed = tuple(closed)
        for server in self._world.plan.servers:
            await self._serve(server)

    async def _serve(self, server: Server) -> None:
        services = [self._world.plan.services[name] for name in server.services]
        context = None
        if server.behaviour != "silent" and any(_security(server, service) != "none" for service in services):
            context = self.authority.context(self._world.plan.certificates[server.certificate], server.hosts)
        for service in services:
            for family in server.families:
                if family not in self._world.families:
                    continue
                if server.behaviour == "silent":
                    port = await self._silence(server, service, family)
                else:
                    port = await self._connections.listen(
                        sockets.LOOPBACK[family], self._gate(server, service, context)
                    )
                if port is not None:
                    self._put(server, service, Place(family, sockets.LOOPBACK[family], port))

    async def _silence(self, server: Server, service: Service, family: Family) -> int | None:
        try:
            silence = await asyncio.to_thread(sockets.silent, family)
        except sockets.SilenceUnavailableError as error:
            for host in server.hosts:
                self._world.unavailable[f"{host}:{service.port}"] = str(error)
            return None
        self._stack.callback(silence.close)
        return silence.port

    def _put(self, server: Server, service: Service, place: Place) -> None:
        for host in server.hosts:
            key = (host, service.port)
            self._world.places[key] = (*self._world.places.get(key, ()), place)

    def _gate(self, server: Server, service: Service, context: ssl.SSLContext | None) -> Callable[[], Gate]:
        enter = None if server.behaviour == "mute" else self._protocol(server, service, context)
        tls = context if _security(server, service) == "tls" and enter is not None else None
        return lambda: Gate(self._connections, enter, tls=tls, delay_s=server.greets_after_s)

    def _protocol(
        self, server: Server, service: Service, context: ssl.SSLContext | None
    ) -> Callable[[], asyncio.Protocol]:
        host = server.hosts[0]
        starttls = context if _security(server, service) == "starttls" else None
        if service.protocol != "smtp":
            dialogue = dialogues()[service.protocol]
            return lambda: LineServer(self._connections, dialogue, host, starttls=starttls, greeting=server.greeting)
        if server.greeting is not None and not server.greeting.startswith("220 "):
            refusal = dialogues()["smtp-busy" if server.greeting.startswith("421") else "smtp-refusal"]
            return lambda: LineServer(self._connections, refusal, host, greeting=server.greeting)
        name, words = host, "ESMTP ready"
        if server.greeting is not None:
            name, _, words = server.greeting.removeprefix("220 ").partition(" ")
        return lambda: smtp.SmtpServer(self._connections, name, words, sign_in=service.sign_in, starttls=starttls)


def _security(server: Server, service: Service) -> Security:
    return server.security or service.security


def _addresses(plan: Plan, families: tuple[Family, ...]) -> dict[str, dict[Family, str]]:
    """Documentation addresses (RFC 5737, RFC 3849) for every host; nobody dials them, `connect_to` comes first."""
    offered: dict[str, set[Family]] = {}
    for server in plan.servers:
        for host in server.hosts:
            offered.setdefault(host, set()).update(server.families)
    if len(offered) > _LAST_HOST - _FIRST_HOST:
        raise ValueError("a world has at most 240 hosts")
    return {
        host: {
            family: f"192.0.2.{number}" if family == 4 else f"2001:db8::{number:x}"
            for family in families
            if family in has
        }
        for number, (host, has) in enumerate(sorted(offered.items()), _FIRST_HOST)
    }


def _policy(world: World) -> str:
    """The policy file. Every port of every host is mapped, no other name exists, no other address is allowed."""
    connect_to = [_entry(host, str(port), place) for (host, port), places in world.places.items() for place in places]
    for host, addresses in _addresses(world.plan, world.families).items():
        connect_to += [_entry(host, "", place) for place in world.closed if place.family in addresses]
    tables: dict[str, dict[str, object]] = {
        "controls": {"hosts": list(world.plan.controls), "canary": [], "portal": ""},
        "allow": {"deny_networks": [str(network) for network in sockets.beyond_loopback()]},
        "trust": {"public_roots": str(world.roots_path)},
        "discovery": {"ispdb": ""},
        "lab": {"connect_to": connect_to, "resolver": world.resolver, "roots": str(world.roots_path)},
    }
    return "\n".join(
        f"[{table}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
        for table, values in tables.items()
    )


def _entry(host: str, port: str, place: Place) -> str:
    address = f"[{place.address}]" if place.family == 6 else place.address
    return f"{host}:{port}:{address}:{place.port}"


def _toml(value: object) -> str:
    """A string or a list of strings as TOML; JSON's escapes are a subset of those of TOML's basic strings."""
    if isinstance(value, list):
        return "[\n" + "".join(f"  {_toml(item)},\n" for item in value) + "]" if value else "[]"
    return json.dumps(value, ensure_ascii=False)

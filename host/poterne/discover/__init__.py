"""From a target to the servers that are worth trying, as each becomes known."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poterne import ports
from poterne.diagnose.offers import is_own
from poterne.discover import expected, guess, mx, srv
from poterne.discover.side_by_side import as_they_come
from poterne.discover.source import Asking, Find, lookup
from poterne.knowledge import load
from poterne.model import Lookup, NameAnswer, Offer, Target
from poterne.policy import Policy
from poterne.probe.endpoint import Toolkit
from poterne.probe.names import Names, is_address

if TYPE_CHECKING:
    from poterne.discover.document import Web

_SIDES = frozenset({"outgoing", "incoming"})
_DIRECTIONS = {"smtp": "outgoing", "imap": "incoming", "pop3": "incoming", "sieve": "filters"}


@dataclass(frozen=True, slots=True)
class Server:
    """A candidate: a host, who named it, its addresses, and the ports worth trying there."""

    host: str
    source: str
    answer: NameAnswer
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Ended:
    """The end of one stream of servers."""

    stream: str
    error: BaseException | None


@dataclass(slots=True)
class Discovery:
    """Finds servers; `names` collects every answer that the report should tell of, `target` what was understood,
    `offers` and `lookups` what the sources said and how they were asked. Without a policy and a toolkit no document is
    asked for.
    """

    target: Target
    resolver: Names
    names: list[NameAnswer]
    policy: Policy | None = None
    toolkit: Toolkit | None = None
    offers: list[Offer] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    _web: "Web | None" = None
    _covered: set[str] = field(default_factory=set)
    _by_domain: set[str] = field(default_factory=set)
    _tried: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.policy is not None and self.toolkit is not None:
            from poterne.discover.document import Web

            self._web = Web(self.policy, self.resolver, self.toolkit)

    async def servers(self) -> AsyncGenerator[Server, None]:
        """Servers, the earliest first; a host comes again where further ports are worth trying. A server or an endpoint
        yields itself; a domain what it offers.
        """
        if self.target.kind == "domain" and not await self._domain_or_server():
            return
        if self.target.kind in ("server", "endpoint"):
            host = self.target.host or ""
            answer = await self.resolver.addresses(host, "typed")
            self._tell(answer)
            wanted = ports.usual() if self.target.port is None else ports.alternatives(self.target.port)
            yield Server(host, "typed", answer, wanted)
        elif self.target.domain is not None:
            async with aclosing(self._of_domain(self.target.domain)) as offered:
                async for server in offered:
                    yield server

    # ---- domain or server

    async def _domain_or_server(self) -> bool:
        """A bare name is a mail domain where it has an MX, SRV records or a document, or has no address of its own;
        else it is a server. False where DNS leaves nothing to try: below a name that does not exist nothing does
        (RFC 8020).
        """
        name = self.target.domain or ""
        loop = asyncio.get_running_loop()
        decided_by = loop.time() + load("discovery")["limits"]["deciding"]
        asking = asyncio.create_task(self._own_exchangers(name))
        others = asyncio.create_task(self._has_offers(name))
        try:
            answer = await self.resolver.addresses(name, "typed")
            patience = load("timing")["names"]["patience"] if answer.addresses else None
            await asyncio.wait({asking}, timeout=patience)
            exchangers = asking.result() if asking.done() else None
            is_domain = exchangers is not None and bool(exchangers.mail_exchangers)
            if not is_domain and answer.state != "nxdomain":
                await asyncio.wait({others}, timeout=max(0.0, decided_by - loop.time()))
                is_domain = others.done() and others.result()
        finally:
            for task in (asking, others):
                task.cancel()
            await asyncio.gather(asking, others, return_exceptions=True)
        if is_domain or (exchangers is not None and exchangers.mail_exchangers):
            if exchangers is not None:
                self._tell(exchangers)
        elif answer.addresses:
            self.target = self.target.model_copy(update={"kind": "server", "host": name, "domain": None})
        else:
            self._tell(answer)
            if exchangers is not None and answer.state == "nodata":
                self._tell(exchangers)
            return answer.state != "nxdomain"
        return True

    async def _has_offers(self, name: str) -> bool:
        """Whether a name has SRV records, or a host `autoconfig` whose document names servers."""
        if self._wants(srv.SOURCE) and await srv.offers_any(name, self.resolver):
            return True
        if self._web is None or not self._wants("autoconfig"):
            return False
        from poterne.discover import autoconfig

        if not (await self.resolver.addresses(f"autoconfig.{name}", "autoconfig")).addresses:
            return False
        return bool((await autoconfig.ask(0, load("discovery")["autoconfig"][0], name, self._web)).offers)

    async def _own_exchangers(self, name: str) -> NameAnswer:
        """The MX of a name; without the exchangers that a wildcard (RFC 4592) gives to every name beside it."""
        parent = name.partition(".")[2]
        if "." not in parent:
            return await self.resolver.mail_exchangers(name)
        invented = f"{secrets.token_hex(8)}.{parent}"
        own, wildcard = await asyncio.gather(
            self.resolver.mail_exchangers(name), self.resolver.mail_exchangers(invented)
        )
        if own.mail_exchangers and own.mail_exchangers == wildcard.mail_exchangers:
            return own.model_copy(update={"mail_exchangers": (), "state": "nodata"})
        return own

    # ---- what a domain offers

    def _wants(self, source: str) -> bool:
        return self.policy is None or source in self.policy.discovery.sources

    async def _of_domain(self, domain: str) -> AsyncGenerator[Server, None]:
        known = next((answer for answer in self.names if answer.source == "mx"), None)
        exchangers = asyncio.ensure_future(mx.exchangers(domain, self.resolver, known))

        async def asked_exchangers() -> NameAnswer:
            return await asyncio.shield(exchangers)

        asking = Asking(domain, self.resolver, asked_exchangers, self._web)
        sources = _sources()
        streams = {name: self._told(name, find, asking) for name, find in sources.items() if self._wants(name)}
        if self._wants("guess"):
            streams["guess"] = self._guessed(domain)
        if self.policy is not None and self.policy.servers_of(domain):
            streams[expected.SOURCE] = self._told(expected.SOURCE, expected.of(self.policy), asking)
        self.lookups += [lookup(name, domain, "off") for name in (*sources, "guess") if not self._wants(name)]
        try:
            async with aclosing(self._side_by_side(streams)) as servers:
                async for server in servers:
                    if (new := self._untried(server)) is not None:
                        yield new
            self._tell(await exchangers)
            missing = _SIDES - self._covered
            async for answer in mx.hosts(domain, exchangers.result(), self.resolver):
                # A name that resolves need not serve: the domain's own exchanger is tried in any case, a stranger's
                # only for what nothing else is there for.
                if answer.source == "mx" and answer.name.endswith(f".{domain}"):
                    sides = None
                elif missing:
                    sides = frozenset(missing | {"filters"}) if self._covered else None
                else:
                    continue
                if (new := self._untried(Server(answer.name, answer.source, answer, ports.usual(sides)))) is not None:
                    self._tell(answer)
                    yield new
        finally:
            exchangers.cancel()
            await asyncio.gather(exchangers, return_exceptions=True)

    async def _side_by_side(self, streams: dict[str, AsyncGenerator[Server, None]]) -> AsyncGenerator[Server, None]:
        """The servers of all streams as they come. Guesses alone are not waited for where the domain itself has said
        where to send and where to read.
        """
        queue: asyncio.Queue[Server | _Ended] = asyncio.Queue()

        async def pump(name: str, stream: AsyncGenerator[Server, None]) -> None:
            error: BaseException | None = None
            try:
                async with aclosing(stream):
                    async for server in stream:
                        queue.put_nowait(server)
            except Exception as raised:
                error = raised
            queue.put_nowait(_Ended(name, error))

        pumps = [asyncio.create_task(pump(name, stream)) for name, stream in streams.items()]
        running = set(streams)
        try:
            while running or not queue.empty():
                if queue.empty() and running == {"guess"} and self._by_domain >= _SIDES:
                    return
                item = await queue.get()
                if isinstance(item, Server):
                    yield item
                    continue
                running.discard(item.stream)
                if item.error is not None:
                    raise item.error
        finally:
            for task in pumps:
                task.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _guessed(self, domain: str) -> AsyncGenerator[Server, None]:
        async with aclosing(guess.guesses(domain, self.resolver)) as guessed:
            async for conventional, answer in guessed:
                self._tell(answer)
                self._covered |= conventional.directions & _SIDES
                wanted = ports.usual(conventional.directions, conventional.protocols)
                yield Server(answer.name, "guess", answer, wanted)

    async def _told(self, source: str, find: Find, asking: Asking) -> AsyncGenerator[Server, None]:
        """The servers that a source offers; what it says is kept for the report."""
        hosts: set[str] = set()
        async with aclosing(find(asking)) as answers:
            async for found in answers:
                self.lookups.append(found.lookup)
                self.offers += found.offers
                wanted: dict[str, dict[int, None]] = {}
                for offer in found.offers:
                    if offer.host in hosts or len(hosts) < load("discovery")["limits"]["hosts"]:
                        hosts.add(offer.host)
                        wanted.setdefault(offer.host, {}).update(dict.fromkeys(_worth_trying(offer)))
                    side = _DIRECTIONS[offer.protocol]
                    self._by_domain |= {side} if is_own(source) else set()
                async with aclosing(as_they_come(self._resolved(host, source) for host in wanted)) as resolved:
                    async for answer in resolved:
                        if (server := self._judged(answer, source, tuple(wanted[answer.name]))) is not None:
                            self._covered |= {_DIRECTIONS[each.protocol] for each in found.offers} & _SIDES
                            yield server

    async def _resolved(self, host: str, source: str) -> NameAnswer:
        answer = await self.resolver.addresses(host, source)
        self._tell(answer)
        return answer

    def _judged(self, answer: NameAnswer, source: str, wanted: tuple[int, ...]) -> Server | None:
        """The server, unless a document has named what only the user or the domain may name (DESIGN 2.5). The gate
        judges every address again; this keeps the host for whoever else names it.
        """
        if not answer.addresses:
            return None
        by_document = (
            source not in (srv.SOURCE, expected.SOURCE) and self.policy is not None and self.toolkit is not None
        )
        if by_document and self.policy is not None and self.toolkit is not None:
            lab = self.policy.lab
            permitted = tuple(address for address in answer.addresses if self.toolkit.gate.allows(address, "foreign"))
            if lab is None or not any(lab.maps(answer.name, port) for port in wanted):
                if not permitted:
                    problem = "leads to addresses that are not to be dialled because a document says so"
                    self.lookups.append(lookup(source, answer.name, "refused", problem))
                    return None
                answer = answer.model_copy(update={"addresses": permitted})
        return Server(answer.name, source, answer, wanted)

    def _untried(self, server: Server) -> Server | None:
        """The server with the ports that nobody has named before."""
        tried = self._tried.setdefault(server.host, set())
        wanted = tuple(port for port in server.ports if port not in tried)
        tried.update(wanted)
        return Server(server.host, server.source, server.answer, wanted) if wanted else None

    def _tell(self, answer: NameAnswer) -> None:
        if not is_address(answer.name) and answer not in self.names:
            self.names.append(answer)


def _sources() -> dict[str, Find]:
    """What a domain is looked up in. A server or an endpoint needs none of it, and does not wait for its modules."""
    from poterne.discover import autoconfig, ispdb, pacc

    return {module.SOURCE: module.find for module in (srv, autoconfig, pacc, ispdb)}


def _worth_trying(offer: Offer) -> tuple[int, ...]:
    """The port that is offered, unless it is known to be another protocol's, and its neighbours on the same host: a
    source may name a port that is blocked, or not encrypted, or no longer there.
    """
    row = ports.facts(offer.port)
    offered = (offer.port,) if row is None or row.dialogue == offer.protocol else ()
    beside: list[int] = load("discovery")["beside"][offer.protocol]
    return tuple(dict.fromkeys((*offered, *beside)))

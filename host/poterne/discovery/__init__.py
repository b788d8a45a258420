"""From a target to the servers that are worth trying, as each becomes known."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from poterne.diagnosis.offers import is_own, not_offered
from poterne.discovery import expected, guess, mx, srv
from poterne.discovery.refusal import Unusable
from poterne.discovery.side_by_side import as_they_come
from poterne.discovery.source import Asking, Find, lookup
from poterne.knowledge import discovery, ports
from poterne.net.resolver import NameResolver
from poterne.policy import Policy
from poterne.probe.toolkit import Toolkit
from poterne.report import Lookup, NameAnswer, Offer, Security, Target
from poterne.target.hosts import is_address

if TYPE_CHECKING:
    from poterne.discovery.document import Web

_SIDES = frozenset({"outgoing", "incoming"})
_DIRECTIONS = {"smtp": "outgoing", "imap": "incoming", "pop3": "incoming", "sieve": "filters"}


@dataclass(frozen=True, slots=True)
class Server:
    """A candidate: a host, who named it, its addresses, and the ports worth trying there; `odd` are the services that
    are offered on a port of another service, or of none, and how a connection begins.
    """

    host: str
    source: str
    answer: NameAnswer
    ports: tuple[int, ...]
    odd: Mapping[int, tuple[str, Security]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ended:
    """The end of one stream of servers."""

    stream: str
    error: BaseException | None


@dataclass(slots=True)
class Discovery:
    """Finds servers; `names` collects every answer that the report should tell of, `target` what was understood,
    `offers` and `lookups` what the sources said and how they were asked. Without a policy and a toolkit no document is
    asked for. Whoever sets `enough` has verified settings for both directions: slow sources are given up soon then.
    `decided`: a bare name was found to be a domain, or a server.
    """

    target: Target
    resolver: NameResolver
    names: list[NameAnswer]
    policy: Policy | None = None
    toolkit: Toolkit | None = None
    offers: list[Offer] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    _web: "Web | None" = None
    _covered: set[str] = field(default_factory=set)
    _offered: set[str] = field(default_factory=set)
    _records: asyncio.Event = field(default_factory=asyncio.Event)
    decided: bool = False
    _hopeless: bool = False
    _by_domain: set[str] = field(default_factory=set)
    _tried: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.policy is not None and self.toolkit is not None:
            from poterne.discovery.document import Web

            self._web = Web(self.policy, self.resolver, self.toolkit)

    async def servers(self) -> AsyncGenerator[Server, None]:
        """Servers, the earliest first; a host comes again where further ports are worth trying. A server or an endpoint
        yields itself; a domain what it offers.
        """
        if self.target.kind == "domain":
            async with aclosing(self._domain_or_server()) as early:
                async for server in early:
                    yield server
            self.decided = True
            if self._hopeless:
                return
        if self.target.kind in ("server", "endpoint"):
            host = self.target.host or ""
            answer = await self.resolver.addresses(host, "typed")
            self._tell(answer)
            wanted = ports.usual() if self.target.port is None else ports.alternatives(self.target.port)
            if (new := self._untried(Server(host, "typed", answer, wanted))) is not None:
                yield new
        elif self.target.domain is not None:
            async with aclosing(self._of_domain(self.target.domain)) as offered:
                async for server in offered:
                    yield server

    # ---- domain or server

    async def _domain_or_server(self) -> AsyncGenerator[Server, None]:
        """A bare name is a mail domain where it has an MX, SRV records or a document, or has no address of its own;
        else it is a server. Where DNS leaves nothing to try it is `_hopeless`: below a name that does not exist nothing
        does (RFC 8020). What looks like a server is yielded while that is still being asked: nobody waits for answers
        that may never come.
        """
        name = self.target.domain or ""
        loop = asyncio.get_running_loop()
        decided_by = loop.time() + self.resolver.timing.discovery.deciding
        asking = asyncio.create_task(self._own_exchangers(name))
        others = asyncio.create_task(self._has_offers(name))
        satisfied = asyncio.create_task(self.enough.wait())
        try:
            answer = await self.resolver.addresses(name, "typed")
            patience = self.resolver.timing.names.patience if answer.addresses else None
            await asyncio.wait({asking}, timeout=patience)
            exchangers = asking.result() if asking.done() else None
            is_domain = exchangers is not None and bool(exchangers.mail_exchangers)
            if not is_domain and answer.state != "nxdomain":
                await asyncio.wait({others}, timeout=self.resolver.timing.discovery.undecided)
                if not others.done() and answer.addresses:
                    early = Server(name, "typed", answer, ports.usual())
                    if (new := self._untried(early)) is not None:
                        yield new
                await asyncio.wait(
                    {others, satisfied},
                    timeout=max(0.0, decided_by - loop.time()),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                is_domain = others.done() and others.result()
        finally:
            for task in (asking, others, satisfied):
                task.cancel()
            await asyncio.gather(asking, others, satisfied, return_exceptions=True)
        if is_domain or (exchangers is not None and exchangers.mail_exchangers):
            if exchangers is not None:
                self._tell(exchangers)
        elif answer.addresses:
            self.target = self.target.model_copy(update={"kind": "server", "host": name, "domain": None})
        else:
            self._tell(answer)
            if exchangers is not None and answer.state == "nodata":
                self._tell(exchangers)
            self._hopeless = answer.state == "nxdomain"

    async def _has_offers(self, name: str) -> bool:
        """Whether a name has SRV records, or a host `autoconfig` whose document names servers."""
        documents = self._web is not None and self._wants("autoconfig")
        place = asyncio.create_task(self.resolver.guess(f"autoconfig.{name}", "autoconfig")) if documents else None
        try:
            if self._wants(srv.SOURCE) and await srv.offers_any(name, self.resolver):
                return True
            if self._web is None or place is None or not (await place).addresses:
                return False
        finally:
            if place is not None:
                place.cancel()
        from poterne.discovery import autoconfig

        return bool((await autoconfig.ask(0, discovery.table().autoconfig[0], name, self._web)).offers)

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

        asking = Asking(domain, self.resolver, asked_exchangers, self._web, self.enough)
        sources = _sources()
        streams = {name: self._told(name, find, asking) for name, find in sources.items() if self._wants(name)}
        if self._wants(guess.SOURCE):
            streams[guess.SOURCE] = self._guessed(domain)
        if self.policy is not None and self.policy.servers_of(domain):
            streams[expected.SOURCE] = self._told(expected.SOURCE, expected.of(self.policy), asking)
        self.lookups += [lookup(name, domain, "off") for name in (*sources, guess.SOURCE) if not self._wants(name)]
        try:
            async with aclosing(self._side_by_side(streams)) as servers:
                async for server in servers:
                    if (new := self._untried(server)) is not None:
                        yield new
            self._tell(await exchangers)
            async for answer in mx.hosts(domain, exchangers.result(), self.resolver):
                wanted = self._of_exchanger(answer, domain)
                if wanted and (new := self._untried(Server(answer.name, answer.source, answer, wanted))) is not None:
                    self._tell(answer)
                    yield new
        finally:
            exchangers.cancel()
            await asyncio.gather(exchangers, return_exceptions=True)

    def _of_exchanger(self, answer: NameAnswer, domain: str) -> tuple[int, ...]:
        """The ports on which an exchanger is tried. A guessed name that resolves need not serve, so that the domain's
        own exchanger is a guess for every direction that no source offers; else it is what port 25 is for. A stranger's
        is tried for what nothing else is there for.
        """
        if answer.source == "mx" and answer.name.endswith(f".{domain}"):
            missing = _SIDES - self._offered
            relays = tuple(row.number for row in ports.known() if row.service == "smtp")
            return tuple(dict.fromkeys((*self._usual(missing), *relays)))
        missing = _SIDES - self._covered
        return self._usual(missing) if missing else ()

    def _usual(self, missing: frozenset[str] | set[str]) -> tuple[int, ...]:
        if not missing:
            return ()
        return self._not_withheld(ports.usual(None if missing >= _SIDES else frozenset(missing | {"filters"})))

    def _not_withheld(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Those of the ports whose service the domain does not say to be missing (RFC 6186 section 3.4)."""
        withheld = not_offered(self.lookups)
        return tuple(port for port in numbers if (row := ports.facts(port)) is None or row.service not in withheld)

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
                if queue.empty() and running == {guess.SOURCE} and self._by_domain >= _SIDES:
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
        """Conventional names, without the services that the domain says it does not offer (RFC 6186 section 3.4)."""
        async with aclosing(guess.guesses(domain, self.resolver)) as guessed:
            async for conventional, answer in guessed:
                if self._wants(srv.SOURCE) and not self._records.is_set():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self.resolver.timing.names.patience):
                            await self._records.wait()
                wanted = self._not_withheld(ports.usual(conventional.directions, conventional.protocols))
                served = {row.direction for port in wanted if (row := ports.facts(port))}
                if not served & _SIDES:
                    continue
                self._tell(answer)
                self._covered |= served & _SIDES
                yield Server(answer.name, guess.SOURCE, answer, wanted)

    async def _told(self, source: str, find: Find, asking: Asking) -> AsyncGenerator[Server, None]:
        """The servers that a source offers; what it says is kept for the report."""
        hosts: set[str] = set()
        async with aclosing(find(asking)) as answers:
            async for found in answers:
                self.lookups.append(found.lookup)
                self.offers += found.offers
                wanted: dict[str, list[Offer]] = {}
                for offer in found.offers:
                    wanted.setdefault(offer.host, []).append(offer)
                async with aclosing(as_they_come(self._resolved(host, source) for host in wanted)) as resolved:
                    async for answer in resolved:
                        offers = wanted[answer.name]
                        if (server := self._judged(answer, source, offers)) is None:
                            continue
                        sides = {_DIRECTIONS[each.protocol] for each in offers} & _SIDES
                        self._covered |= sides
                        self._offered |= sides
                        self._by_domain |= sides if is_own(source) else set()
                        hosts.add(server.host)
                        if len(hosts) <= discovery.table().limits.hosts:
                            yield server
        if source == srv.SOURCE:
            self._records.set()

    async def _resolved(self, host: str, source: str) -> NameAnswer:
        answer = await self.resolver.addresses(host, source)
        self._tell(answer)
        return answer

    def _judged(self, answer: NameAnswer, source: str, offers: list[Offer]) -> Server | None:
        """The server, unless a document has named what only the user or the domain may name (docs/contract.md 2.5).
        The gate judges every address again; this keeps the host for whoever else names it.
        """
        if not answer.addresses:
            return None
        odd: dict[int, tuple[str, Security]] = {}
        wanted: dict[int, None] = {}
        for offer in offers:
            if self.policy is not None and not self.policy.allow.permits_port(offer.port):
                problem = _forbidden_port(offer.port, stated=self.policy.allow.ports is not None)
                refusal = lookup(source, f"{offer.host}:{offer.port}", "refused", problem)
                self.lookups += [refusal] if refusal not in self.lookups else []
            wanted |= dict.fromkeys(_worth_trying(offer))
            row = ports.facts(offer.port)
            if row is None or row.dialogue != offer.protocol:
                begins: Security = "tls" if offer.security == "tls" else "starttls"
                odd.setdefault(offer.port, (ports.service_of(offer.protocol, begins) or "smtp", begins))
        by_document = source not in (srv.SOURCE, expected.SOURCE)
        if by_document and self.policy is not None and self.toolkit is not None:
            lab = self.policy.lab
            permitted = tuple(address for address in answer.addresses if self.toolkit.gate.allows(address, "foreign"))
            if lab is None or not any(lab.maps(answer.name, port) for port in wanted):
                if not permitted:
                    told = "leads to addresses that are not to be dialled because a document says so"
                    self.lookups.append(lookup(source, answer.name, "refused", Unusable(told, "inside")))
                    return None
                answer = answer.model_copy(update={"addresses": permitted})
        return Server(answer.name, source, answer, tuple(wanted), odd)

    def _untried(self, server: Server) -> Server | None:
        """The server with the ports that nobody has named before."""
        tried = self._tried.setdefault(server.host, set())
        wanted = tuple(port for port in server.ports if port not in tried)
        tried.update(wanted)
        return replace(server, ports=wanted) if wanted else None

    def _tell(self, answer: NameAnswer) -> None:
        if not is_address(answer.name) and answer not in self.names:
            self.names.append(answer)


def _sources() -> dict[str, Find]:
    """What a domain is looked up in, conventional names apart: each source has a module of its name, whose `find` asks
    it. A server or an endpoint needs none of it, and does not wait for its modules.
    """
    names = (name for name in discovery.table().asked if name != guess.SOURCE)
    return {name: resolve_name(f"{__name__}.{name}:find") for name in names}


def _forbidden_port(port: int, *, stated: bool) -> Unusable:
    """Why a port that a source names is not tried. `stated`: the policy lists ports."""
    if stated:
        return Unusable(f"the policy does not allow port {port}", "port-forbidden", str(port))
    return Unusable(f"port {port} is none of mail's usual ports", "port-unusual", str(port))


def _worth_trying(offer: Offer) -> tuple[int, ...]:
    """The port that is offered, and its neighbours on the same host: a source may name a port that is blocked, or not
    encrypted, or no longer there.
    """
    return tuple(dict.fromkeys((offer.port, *discovery.table().beside[offer.protocol])))

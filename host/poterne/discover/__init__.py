"""From a target to the servers that are worth trying, as each becomes known."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from poterne import ports
from poterne.discover import guess, mx
from poterne.knowledge import load
from poterne.model import NameAnswer, Target
from poterne.probe.names import Names, is_address

_SIDES = frozenset({"outgoing", "incoming"})


@dataclass(frozen=True, slots=True)
class Server:
    """A candidate: a host, who named it, its addresses, and the ports worth trying there."""

    host: str
    source: str
    answer: NameAnswer
    ports: tuple[int, ...]


@dataclass(slots=True)
class Discovery:
    """Finds servers; `names` collects every answer that the report should tell of, `target` what was understood."""

    target: Target
    resolver: Names
    names: list[NameAnswer]

    async def servers(self) -> AsyncGenerator[Server, None]:
        """Servers, the earliest first. A server or an endpoint yields itself; a domain what it offers."""
        if self.target.kind == "domain" and not await self._domain_or_server():
            return
        if self.target.kind in ("server", "endpoint"):
            host = self.target.host or ""
            answer = await self.resolver.addresses(host, "typed")
            self._tell(answer)
            wanted = ports.usual() if self.target.port is None else ports.alternatives(self.target.port)
            yield Server(host, "typed", answer, wanted)
        elif self.target.domain is not None:
            async with aclosing(self._offered_by(self.target.domain)) as offered:
                async for server in offered:
                    yield server

    async def _domain_or_server(self) -> bool:
        """A bare name is a mail domain where it has an MX, or has no address of its own; else it is a server. False
        where DNS leaves nothing to try: below a name that does not exist nothing does (RFC 8020).
        """
        name = self.target.domain or ""
        asking = asyncio.create_task(self._own_exchangers(name))
        try:
            answer = await self.resolver.addresses(name, "typed")
            await asyncio.wait({asking}, timeout=load("timing")["names"]["patience"] if answer.addresses else None)
            exchangers = asking.result() if asking.done() else None
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        if exchangers is not None and exchangers.mail_exchangers:
            self._tell(exchangers)
        elif answer.addresses:
            self.target = self.target.model_copy(update={"kind": "server", "host": name, "domain": None})
        else:
            self._tell(answer)
            if exchangers is not None and answer.state == "nodata":
                self._tell(exchangers)
            return answer.state != "nxdomain"
        return True

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

    async def _offered_by(self, domain: str) -> AsyncGenerator[Server, None]:
        known = next((answer for answer in self.names if answer.source == "mx"), None)
        exchangers = asyncio.ensure_future(mx.exchangers(domain, self.resolver, known))
        guessed = guess.guesses(domain, self.resolver)
        covered: set[str] = set()
        tried: dict[str, set[int]] = {}
        try:
            async for conventional, answer in guessed:
                self._tell(answer)
                covered |= conventional.directions & _SIDES
                wanted = ports.usual(conventional.directions, conventional.protocols)
                tried[answer.name] = set(wanted)
                yield Server(answer.name, "guess", answer, wanted)
            self._tell(await exchangers)
            missing = _SIDES - covered
            async for answer in mx.hosts(domain, exchangers.result(), self.resolver):
                # A name that resolves need not serve: the domain's own exchanger is tried in any case, a stranger's
                # only for what nothing else is there for.
                if answer.source == "mx" and answer.name.endswith(f".{domain}"):
                    sides = None
                elif missing:
                    sides = frozenset(missing | {"filters"}) if covered else None
                else:
                    continue
                wanted = tuple(port for port in ports.usual(sides) if port not in tried.get(answer.name, ()))
                if wanted:
                    self._tell(answer)
                    yield Server(answer.name, answer.source, answer, wanted)
        finally:
            exchangers.cancel()
            await asyncio.gather(exchangers, return_exceptions=True)
            await guessed.aclose()

    def _tell(self, answer: NameAnswer) -> None:
        if not is_address(answer.name) and answer not in self.names:
            self.names.append(answer)

"""From a target to the servers that are worth trying, as each becomes known."""

import asyncio
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
        asking = asyncio.create_task(self.resolver.mail_exchangers(name))
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
            return answer.state == "nodata"
        return True

    async def _offered_by(self, domain: str) -> AsyncGenerator[Server, None]:
        known = next((answer for answer in self.names if answer.source == "mx"), None)
        exchangers = asyncio.ensure_future(mx.exchangers(domain, self.resolver, known))
        guessed = guess.guesses(domain, self.resolver)
        covered: set[str] = set()
        try:
            async for conventional, answer in guessed:
                self._tell(answer)
                covered |= conventional.directions & _SIDES
                wanted = ports.usual(conventional.directions, conventional.protocols)
                yield Server(answer.name, "guess", answer, wanted)
            self._tell(await exchangers)
            missing = _SIDES - covered
            if missing:
                wanted = ports.usual(frozenset(missing | {"filters"}) if covered else None)
                async for answer in mx.hosts(domain, exchangers.result(), self.resolver):
                    self._tell(answer)
                    yield Server(answer.name, answer.source, answer, wanted)
        finally:
            exchangers.cancel()
            await asyncio.gather(exchangers, return_exceptions=True)
            await guessed.aclose()

    def _tell(self, answer: NameAnswer) -> None:
        if not is_address(answer.name) and answer not in self.names:
            self.names.append(answer)

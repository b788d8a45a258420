"""Names: addresses as the mail program would get them, and what DNS says where that fails."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from poterne.knowledge import load
from poterne.model import NameAnswer, NameState
from poterne.policy import Policy

# Of two answers without an address, the one that tells more.
_TELLING: tuple[NameState, ...] = ("nxdomain", "servfail", "timeout", "unasked", "nodata", "ok")

MAX_ADDRESSES = 16
MAX_EXCHANGERS = 10


class Names:
    """The resolvers of one check. Answers are kept for its length, so that a name is asked once."""

    def __init__(self, policy: Policy) -> None:
        self._lab = policy.lab
        self._lab_resolver = policy.lab.resolver if policy.lab else None
        self._timing = load("timing")["names"]
        self._asked: dict[str, asyncio.Task[NameAnswer]] = {}

    async def addresses(self, name: str, source: str) -> NameAnswer:
        """The addresses of a name (IPv6 and IPv4), or why there are none. Never raises."""
        if name not in self._asked:
            self._asked[name] = asyncio.create_task(self._addresses(name, source))
        answer = await asyncio.shield(self._asked[name])
        return answer if answer.source == source else answer.model_copy(update={"source": source})

    async def mail_exchangers(self, domain: str) -> NameAnswer:
        """The MX records, the most wanted first (RFC 5321 section 5.1); a null MX (RFC 7505) is one empty name."""
        started = perf_counter()
        state, answer = await self._question(domain, "MX")
        records = sorted(answer, key=lambda record: (record.preference, str(record.exchange))) if answer else []
        exchangers = tuple(str(record.exchange).removesuffix(".").lower() for record in records[:MAX_EXCHANGERS])
        return NameAnswer(name=domain, source="mx", state=state, mail_exchangers=exchangers, elapsed_ms=_since(started))

    async def close(self) -> None:
        """Ends questions that are still open."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _addresses(self, name: str, source: str) -> NameAnswer:
        started = perf_counter()
        if is_address(name):
            return NameAnswer(name=name, source=source, state="ok", addresses=(name,))
        if self._lab is not None and (places := self._lab.places(name)):
            return NameAnswer(name=name, source=source, state="ok", addresses=places[:MAX_ADDRESSES])
        if self._lab_resolver is not None:
            state, found = await self._explain(name)
        else:
            state, found = await self._system(name)
        return NameAnswer(
            name=name, source=source, state=state, addresses=found[:MAX_ADDRESSES], elapsed_ms=_since(started)
        )

    async def _system(self, name: str) -> tuple[NameState, tuple[str, ...]]:
        """getaddrinfo, as programs use it (hosts files, VPN resolvers); DNS explains where it fails or takes long."""
        system = asyncio.ensure_future(_in_thread(lambda: _getaddrinfo(name)))
        try:
            await asyncio.wait({system}, timeout=self._timing["patience"])
            if system.done() and system.result():
                return "ok", system.result()
            state, _ = await self._explain(name)
            if not system.done():
                await asyncio.wait({system}, timeout=self._timing["patience"] if state == "ok" else 0)
            if system.done() and system.result():
                return "ok", system.result()
            return ("timeout" if state == "ok" and not system.done() else "differs" if state == "ok" else state), ()
        finally:
            system.cancel()

    async def _explain(self, name: str) -> tuple[NameState, tuple[str, ...]]:
        answers = await asyncio.gather(self._question(name, "AAAA"), self._question(name, "A"))
        found = tuple(record.address for _, records in answers for record in records or ())
        if found:
            return "ok", found
        return min((state for state, _ in answers), key=_TELLING.index), ()

    async def _question(self, name: str, kind: str) -> tuple[NameState, Any]:
        import dns.asyncresolver
        import dns.exception
        import dns.resolver

        try:
            if self._lab_resolver is not None:
                resolver = dns.asyncresolver.Resolver(configure=False)
                resolver.nameservers = [self._lab_resolver.address]
                resolver.port = self._lab_resolver.port
            else:
                resolver = dns.asyncresolver.Resolver()
            answer = await resolver.resolve(name + ".", kind, lifetime=self._timing["answer"], search=False)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            kinds: dict[type[Exception], NameState] = {
                dns.resolver.NXDOMAIN: "nxdomain",
                dns.resolver.NoAnswer: "nodata",
                dns.resolver.NoResolverConfiguration: "unasked",
                dns.exception.Timeout: "timeout",
            }
            return next((state for kind, state in kinds.items() if isinstance(error, kind)), "servfail"), None
        return "ok", list(answer)


def is_address(name: str) -> bool:
    """Whether a host is an address, not a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)


def _getaddrinfo(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    addresses: dict[str, None] = {}
    for *_, address in found:
        addresses[str(address[0])] = None
    return tuple(addresses)


def _in_thread(work: Callable[[], tuple[str, ...]]) -> Awaitable[tuple[str, ...]]:
    """Runs work in a daemon thread: a resolver that hangs must not keep the program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[str, ...]] = loop.create_future()

    def deliver(result: tuple[str, ...]) -> None:
        if not future.done():
            future.set_result(result)

    def run() -> None:
        result = work()
        try:
            loop.call_soon_threadsafe(deliver, result)
        except RuntimeError:
            return  # the loop was closed while the resolver thought

    threading.Thread(target=run, daemon=True, name="resolver").start()
    return future

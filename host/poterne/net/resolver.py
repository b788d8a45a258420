"""Names: addresses as the mail program would get them, and what DNS says where that fails."""

import asyncio
import secrets
import socket
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from poterne.knowledge import controls
from poterne.knowledge import timing as timings
from poterne.knowledge.timing import Timing
from poterne.net.system_names import in_hosts_file, system_resolver
from poterne.net.threads import Questions
from poterne.policy import Policy, Resolver
from poterne.report import NameAnswer, NameServer, NameState
from poterne.report.display import display
from poterne.target.hosts import is_address

if TYPE_CHECKING:
    import dns.asyncresolver

# Of two answers without an address, the one that tells more.
_TELLING: tuple[NameState, ...] = ("nxdomain", "servfail", "timeout", "unasked", "nodata", "ok")

MAX_ADDRESSES = 16
MAX_EXCHANGERS = 10
MAX_SERVICES = 32
MAX_TEXTS = 16
MAX_NAME = 253

SYSTEM: Questions[tuple[str, ...]] = Questions(128)
"""Of all checks, to the system's resolver. One check asks for some fifty names at once where a domain names many
servers; a resolver that leaves more than this unanswered is not asked further.
"""


class Service(NamedTuple):
    """One SRV record (RFC 2782). `target` in small letters, without its last dot: empty where nothing is offered."""

    priority: int
    weight: int
    port: int
    target: str


class NameResolver:
    """The resolvers of one check. Answers are kept for its length, so that a name is asked once. `timing`: the times of
    the check, the usual ones unless given.
    """

    def __init__(self, policy: Policy, timing: Timing | None = None) -> None:
        self.timing = timing or timings.usual()
        self._lab = policy.lab
        self._lab_resolver = policy.lab.resolver if policy.lab else None
        self._second_resolver = policy.controls.resolver
        self._asked: dict[str, asyncio.Task[NameAnswer]] = {}
        self._guessed: dict[str, asyncio.Task[NameAnswer]] = {}
        self._services: dict[str, asyncio.Task[tuple[NameState, tuple[Service, ...]]]] = {}
        self._reversed: dict[str, asyncio.Task[str | None]] = {}
        self._resolvers: dict[Resolver | None, dns.asyncresolver.Resolver] = {}

    async def addresses(self, name: str, source: str) -> NameAnswer:
        """The addresses of a name (IPv6 and IPv4), or why there are none. Never raises."""
        guessed = self._guessed.get(name)
        if guessed is not None and (answer := await asyncio.shield(guessed)).addresses:
            return _from(source, answer)
        if name not in self._asked:
            self._asked[name] = asyncio.create_task(self._addresses(name, source))
        return _from(source, await asyncio.shield(self._asked[name]))

    async def guess(self, name: str, source: str) -> NameAnswer:
        """The addresses of a name that nobody has named: as `addresses`, but where there are none nobody wants to know
        why, and the answer (`nodata`) comes a question earlier. Never raises.
        """
        if name in self._asked:
            return await self.addresses(name, source)
        if name not in self._guessed:
            self._guessed[name] = asyncio.create_task(self._addresses(name, source, explained=False))
        return _from(source, await asyncio.shield(self._guessed[name]))

    async def mail_exchangers(self, domain: str) -> NameAnswer:
        """The MX records, the most wanted first (RFC 5321 section 5.1); a null MX (RFC 7505) is one empty name."""
        started = perf_counter()
        state, answer = await self._question(domain, "MX")
        records = sorted(answer, key=lambda record: (record.preference, str(record.exchange))) if answer else []
        exchangers = tuple(str(record.exchange).removesuffix(".").lower() for record in records[:MAX_EXCHANGERS])
        return NameAnswer(name=domain, source="mx", state=state, mail_exchangers=exchangers, elapsed_ms=_since(started))

    async def services(self, name: str) -> tuple[NameState, tuple[Service, ...]]:
        """The SRV records of a name such as `_imaps._tcp.example.org`, in no order. Never raises."""
        if name not in self._services:
            self._services[name] = asyncio.create_task(self._ask_services(name))
        return await asyncio.shield(self._services[name])

    async def texts(self, name: str) -> tuple[NameState, tuple[bytes, ...]]:
        """The TXT records of a name, the strings of each put together (RFC 7208 section 3.3). Never raises."""
        state, answer = await self._question(name, "TXT")
        return state, tuple(b"".join(record.strings) for record in (answer or ())[:MAX_TEXTS])

    async def random_labels(self) -> tuple[NameAnswer, NameAnswer]:
        """Two labels that nobody has registered, in zones of different operators: `ok` is a resolver that makes up
        answers. Asked as programs ask, yet absolute: a search domain that answers for every name is no such resolver.
        Never raises; within a few seconds.
        """
        first, second = (f"{secrets.token_hex(8)}.{zone}" for zone in controls.table().random.zones)
        return await asyncio.gather(self._random(first), self._random(second))

    async def second(self, name: str) -> NameAnswer | None:
        """The addresses of a name by the policy's second resolver; None where the policy has none. Never raises."""
        if self._second_resolver is None or is_address(name):
            return None
        started = perf_counter()
        state, found = await self._explain(name, self._second_resolver)
        return NameAnswer(
            name=name, source="second", state=state, addresses=found[:MAX_ADDRESSES], elapsed_ms=_since(started)
        )

    async def by_dns(self, name: str) -> tuple[NameAnswer, ...]:
        """What DNS says of a name, whatever this system makes of it (`dns`), and what this system's hosts file has
        (`hosts`, where it has a line for it). Nothing for an address, or where a lab answers. Never raises.
        """
        if is_address(name) or self._lab_resolver is not None or (self._lab is not None and self._lab.places(name)):
            return ()
        started = perf_counter()
        state, found = await self._explain(name)
        answers = [NameAnswer(name=name, source="dns", state=state, addresses=found, elapsed_ms=_since(started))]
        if listed := await asyncio.to_thread(in_hosts_file, name):
            answers.append(NameAnswer(name=name, source="hosts", state="ok", addresses=listed[:MAX_ADDRESSES]))
        return tuple(answers)

    async def name_servers(self, name: str) -> tuple[NameServer, ...]:
        """Whether each of this computer's name servers answers when it is asked for a name, whatever it says. Nothing
        where the system does not tell which they are, or where a lab answers. Never raises.
        """
        if self._lab_resolver is not None:
            return ()
        servers = (await asyncio.to_thread(system_resolver)).servers
        patience = self.timing.names.silent
        answers = await asyncio.gather(
            *(self._question(name, "A", server=Resolver(address=each), patience=patience) for each in servers)
        )
        return tuple(
            NameServer(address=each, answers=state != "timeout")
            for each, (state, _) in zip(servers, answers, strict=True)
        )

    async def reverse(self, address: str) -> str | None:
        """The name of an address in reverse DNS (RFC 1035 section 3.5), fit to be shown; None where none comes soon."""
        if address not in self._reversed:
            self._reversed[address] = asyncio.create_task(self._reverse(address))
        return await asyncio.shield(self._reversed[address])

    async def close(self) -> None:
        """Ends questions that are still open."""
        known = (self._asked, self._guessed, self._services, self._reversed)
        tasks: list[asyncio.Task[Any]] = [task for tasks in known for task in tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_services(self, name: str) -> tuple[NameState, tuple[Service, ...]]:
        state, answer = await self._question(name, "SRV")
        return state, tuple(
            Service(record.priority, record.weight, record.port, str(record.target).removesuffix(".").lower())
            for record in (answer or ())[:MAX_SERVICES]
        )

    async def _random(self, name: str) -> NameAnswer:
        started = perf_counter()
        state: NameState = "timeout"
        found: tuple[str, ...] = ()
        try:
            async with asyncio.timeout(self.timing.names.random):
                if self._lab_resolver is not None:
                    state, found = await self._explain(name)
                else:
                    state, found = await self._system(name, absolute=True)
        except TimeoutError:
            pass
        return NameAnswer(
            name=name, source="random", state=state, addresses=found[:MAX_ADDRESSES], elapsed_ms=_since(started)
        )

    async def _reverse(self, address: str) -> str | None:
        import dns.reversename

        if not is_address(address):
            return None
        pointer = dns.reversename.from_address(address.partition("%")[0]).to_text(omit_final_dot=True)
        _, records = await self._question(pointer, "PTR", patience=self.timing.names.reverse)
        names = sorted(record.target.to_text().removesuffix(".") for record in records or ())
        return display(names[0], MAX_NAME) or None if names else None

    async def _addresses(self, name: str, source: str, *, explained: bool = True) -> NameAnswer:
        started = perf_counter()
        if is_address(name):
            return NameAnswer(name=name, source=source, state="ok", addresses=(name,))
        if self._lab is not None and (places := self._lab.places(name)):
            return NameAnswer(name=name, source=source, state="ok", addresses=places[:MAX_ADDRESSES])
        if self._lab_resolver is not None:
            state, found = await self._explain(name)
        else:
            state, found = await self._system(name, explained=explained)
        return NameAnswer(
            name=name, source=source, state=state, addresses=found[:MAX_ADDRESSES], elapsed_ms=_since(started)
        )

    async def _system(
        self, name: str, *, absolute: bool = False, explained: bool = True
    ) -> tuple[NameState, tuple[str, ...]]:
        """getaddrinfo, as programs use it (hosts files, VPN resolvers); DNS explains where it takes long, and where it
        fails, if an explanation is wanted. Where DNS knows the name, the system gets the time that its own rules give
        it: it asks the next name server only when the first has kept silent for some seconds, and finds the name late.
        """
        started = perf_counter()
        asked = f"{name}." if absolute else name
        system = SYSTEM.ask(asked, lambda: _getaddrinfo(asked))
        if system is None:
            return "timeout", ()
        try:
            await asyncio.wait({system}, timeout=self.timing.names.patience)
            if system.done() and system.result():
                return "ok", system.result()
            if system.done() and not explained:
                return "nodata", ()
            state, _ = await self._explain(name)
            if not system.done():
                left = max(self.timing.names.patience, system_resolver().patience - (perf_counter() - started))
                await asyncio.wait({system}, timeout=left if state == "ok" else 0)
            if system.done() and system.result():
                return "ok", system.result()
            return ("timeout" if state == "ok" and not system.done() else "differs" if state == "ok" else state), ()
        finally:
            system.cancel()

    async def _explain(self, name: str, server: Resolver | None = None) -> tuple[NameState, tuple[str, ...]]:
        answers = await asyncio.gather(
            self._question(name, "AAAA", server=server), self._question(name, "A", server=server)
        )
        found = tuple(record.address for _, records in answers for record in records or ())
        if found:
            return "ok", found
        return min((state for state, _ in answers), key=_TELLING.index), ()

    async def _question(
        self, name: str, kind: str, *, server: Resolver | None = None, patience: float | None = None
    ) -> tuple[NameState, Any]:
        """Asks `server`, else the lab's resolver, else the system's."""
        import dns.exception
        import dns.resolver

        server = server or self._lab_resolver
        lifetime = patience or self.timing.names.answer
        try:
            answer = await self._resolver(server).resolve(name + ".", kind, lifetime=lifetime, search=False)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            kinds: dict[type[Exception], NameState] = {
                dns.resolver.NXDOMAIN: "nxdomain",
                dns.resolver.NoAnswer: "nodata",
                dns.resolver.NoResolverConfiguration: "unasked",
                dns.exception.Timeout: "timeout",
            }
            return next((state for kind, state in kinds.items() if isinstance(error, kind)), "servfail"), None
        return "ok", list(answer)

    def _resolver(self, server: Resolver | None) -> "dns.asyncresolver.Resolver":
        """One for `server`, or for the system's; its configuration is read once."""
        import dns.asyncresolver

        if server not in self._resolvers:
            resolver = dns.asyncresolver.Resolver(configure=server is None)
            if server is not None:
                resolver.nameservers = [server.address]
                resolver.port = server.port
            self._resolvers[server] = resolver
        return self._resolvers[server]


def _from(source: str, answer: NameAnswer) -> NameAnswer:
    return answer if answer.source == source else answer.model_copy(update={"source": source})


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

"""The one gate to the network: it decides what may be dialled, and dials the very address that it judged."""

import asyncio
import errno
import ipaddress
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from poterne.knowledge import discovery
from poterne.knowledge import timing as timings
from poterne.knowledge.discovery import Trust
from poterne.knowledge.special import table as special
from poterne.knowledge.timing import ConnectTiming, Timing
from poterne.net import icmp, machine
from poterne.policy import Policy
from poterne.report import Endpoint, Hop, Origin, State
from poterne.target import embedded_addresses as embedded
from poterne.target.embedded_addresses import IpAddress

# Who named a host that is no target; others are strangers.
_BESIDE: dict[str, Trust] = {
    **dict.fromkeys(("typed", "policy", "option", "canary", "gateway", "proxy"), "typed"),
    "domain": "named",
}
_HOP_LIMIT = {4: (socket.IPPROTO_IP, socket.IP_TTL), 6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)}
_STATES: dict[int, State] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "no-answer",
    errno.EACCES: "prohibited",
    errno.EPERM: "prohibited",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.ENETDOWN: "unreachable",
    errno.ENOPROTOOPT: "unreachable",
    errno.EADDRNOTAVAIL: "unreachable",
    errno.EINVAL: "unreachable",
}
# What a hop answers where no ICMP error says who did.
_UNSIGNED: dict[State | None, Literal["refused", "prohibited"]] = {
    "refused": "refused",
    "reset": "refused",
    "prohibited": "prohibited",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """An open TCP connection. `connect_ms` counts from the SYN that was answered."""

    sock: socket.socket
    connect_ms: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no connection: the state, errno's name or the ICMP message, and who sent that message."""

    state: State
    error: str | None
    reporter: str | None
    elapsed_ms: float
    attempts: int


class Gate:
    """Asks the policy, then connects. `origin`: who named the target; nothing that a page says is trusted further than
    a stranger is (docs/contract.md 2.5). `timing`: the times of the check, the usual ones unless given.
    """

    def __init__(self, policy: Policy, origin: Origin = "typed", timing: Timing | None = None) -> None:
        self._policy = policy
        self.timing = timing or timings.usual()
        self._by_page = origin == "page"
        self._typed: set[str] = set()
        self._judged: dict[tuple[str, Trust], bool] = {}

    def admit(self, address: str) -> None:
        """An address of a host that the user typed: whoever names it further may lead there too."""
        if not self._by_page:
            self._typed.add(address)

    def allows(self, address: str, trust: Trust) -> bool:
        """Whether an address may be dialled for a host that the user typed, that a typed domain named, or that a
        document, a redirect or a page named (docs/contract.md 2.5). Addresses that carry an IPv4 address are judged
        by it too (`embedded`).
        """
        if (address, trust) not in self._judged:
            self._judged[address, trust] = self._judge(address, trust)
        return self._judged[address, trust]

    def _judge(self, address: str, trust: Trust) -> bool:
        if self._policy.denies(address):
            return False
        certain, readings = embedded.faces(address)
        # Where the last 32 bits are meant, the other readings are mostly 0.0.0.0, which says nothing. A foreign one is
        # refused for it all the same, since it is not public: the price of not knowing which reading counts.
        if any(map(_is_nowhere, certain)) or (readings and all(map(_is_nowhere, readings))):
            return False
        if trust != "typed" and any(map(_is_close, (*certain, *readings))):
            return False
        return trust != "foreign" or all(self._is_public(face) for face in readings or certain)

    def _is_public(self, address: IpAddress) -> bool:
        if self._is_of_lab(address):
            return True
        # Python calls most multicast addresses global.
        if _is_nowhere(address) or address.is_private:
            return False
        return address.is_global and not embedded.is_in(address, special().never_public)

    def _is_of_lab(self, address: IpAddress) -> bool:
        """Whether an address is for documentation, of which labs are made: there it stands for a public one."""
        return self._policy.lab is not None and embedded.is_in(address, special().documentation)

    def permits(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint may be dialled, by its role and by who named its host (docs/contract.md 2.5): what a
        certificate, the default controls or the known networks name has to be public. Where a lab maps it, the lab's
        author named it.
        """
        if self._policy.lab is not None and self._policy.lab.maps(endpoint.host, endpoint.port):
            return not self._policy.denies(endpoint.address)
        target = endpoint.role == "target"
        if self._by_page and (target or endpoint.source == "domain"):
            return self.allows(endpoint.address, "foreign")
        if target and endpoint.address in self._typed:
            return self.allows(endpoint.address, "typed")
        source = endpoint.source
        trust = discovery.table().trust.get(source, "named") if target else _BESIDE.get(source, "foreign")
        return self.allows(endpoint.address, trust)

    async def connect(
        self,
        endpoint: Endpoint,
        *,
        port: int | None = None,
        on_silence: Callable[[], None] | None = None,
        schedule: ConnectTiming | None = None,
    ) -> Connection | Failure:
        """Connects to the endpoint's address, with staggered attempts where nothing answers.

        `on_silence` is called once when there is no answer for `ConnectTiming.provisional` seconds. `port` replaces the
        endpoint's where a lab maps it. `schedule` replaces the usual one. What is not permitted is not dialled. At most
        `ConnectTiming.give_up` seconds. Cancelling closes every attempt.
        """
        if not self.permits(endpoint):
            return Failure("error", "forbidden by policy", None, 0.0, 0)
        loop = asyncio.get_running_loop()
        started = loop.time()
        schedule = schedule or self.timing.connect
        pending: set[asyncio.Task[Connection | Failure]] = set()
        attempts = 0
        moments = sorted(
            [
                *((moment, "attempt") for moment in schedule.attempts),
                (schedule.provisional, "silence"),
                (schedule.give_up, "end"),
            ]
        )
        try:
            for position, (_, kind) in enumerate(moments):
                if kind == "attempt":
                    attempts += 1
                    attempt = _attempt(endpoint, port or endpoint.port, attempts, schedule.patience)
                    pending.add(loop.create_task(attempt))
                elif kind == "silence" and on_silence is not None:
                    on_silence()
                until = moments[position + 1][0] if position + 1 < len(moments) else 0.0
                decided = await _decided(pending, started + until)
                if decided is not None:
                    return decided
            elapsed = (loop.time() - started) * 1000
            return Failure("no-answer", None, None, elapsed, attempts)
        finally:
            await _abandon(pending)

    async def knock(self, endpoint: Endpoint, hops: int, *, port: int | None = None, patience: float) -> Hop | None:
        """Sends one SYN that may travel so many hops, and tells who answered within `patience` seconds.

        `time-exceeded` and `prohibited` (any other ICMP error) name the sender; a SYN-ACK (`open`) comes in the
        endpoint's name; a reset (`refused`) names nobody. An open connection is closed at once. None: it could not be
        asked (not permitted, not Linux, no error queue, no socket, no route).
        """
        if sys.platform != "linux" or not self.permits(endpoint):
            return None
        try:
            with _open_socket(endpoint.family) as sock:
                level, option = _HOP_LIMIT[endpoint.family]
                sock.setsockopt(level, option, hops)
                return await _answer(sock, endpoint, port or endpoint.port, hops, patience)
        except OSError:
            return None

    async def refused_here(self, endpoint: Endpoint, *, port: int | None = None) -> bool | None:
        """Whether this machine's own firewall resets connections to a port: a SYN that cannot leave is reset all the
        same.

        It is bound to the outgoing interface and told to pass no router (SO_DONTROUTE, socket(7)), so that it waits for
        a link-layer address that nobody gives. None where that proves nothing: not IPv4 on Linux, the address is on the
        link, the interface is a tunnel, or somebody did give that address (proxy ARP, RFC 1027).
        """
        if sys.platform != "linux" or endpoint.family != 4 or not self.permits(endpoint):
            return None
        way = machine.route(endpoint.address)
        if way is None or way.gateway is None or not machine.has_neighbours(way.index):
            return None
        if machine.neighbour(endpoint.address, way.index) is not None:
            return None
        try:
            with _open_socket(endpoint.family) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, way.interface.encode())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
                answer = await _answer(sock, endpoint, port or endpoint.port, 0, self.timing.trace.here)
        except OSError:
            return None
        known = machine.neighbour(endpoint.address, way.index) is not None
        return None if answer is None or known else answer.answer == "refused"


async def _answer(sock: socket.socket, endpoint: Endpoint, port: int, hops: int, patience: float) -> Hop | None:
    """What answers one SYN; None for a fault of this machine's that no packet has caused."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience):
            await loop.sock_connect(sock, machine.socket_address(endpoint.address, endpoint.family, port))
        sock.getpeername()
    except TimeoutError:
        return Hop(hop=hops, answer="silent")
    except OSError as error:
        reported = icmp.take(sock)
        if reported is None:
            state = _STATES.get(error.errno or 0)
            return Hop(hop=hops, answer=_UNSIGNED[state]) if state in _UNSIGNED else None
        if reported.expired:
            return Hop(hop=hops, address=reported.sender, answer="time-exceeded")
        if reported.unreachable and reported.sender in machine.look().addresses:
            # This is how the kernel tells that no machine on the link has the next address; it forbids nothing.
            return Hop(hop=hops, answer="silent")
        return Hop(hop=hops, address=reported.sender, answer="prohibited")
    return Hop(hop=hops, address=endpoint.address, answer="open")


async def _decided(pending: set[asyncio.Task[Connection | Failure]], until: float) -> Connection | Failure | None:
    """What an attempt brings by `until` (loop time), unless it is silence; attempts that have ended leave `pending`."""
    loop = asyncio.get_running_loop()
    while pending:
        left = max(0.0, until - loop.time())
        done, _ = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return None
        pending -= done
        results = [task.result() for task in done]
        opened = [result for result in results if isinstance(result, Connection)]
        for another in opened[1:]:
            another.sock.close()
        if opened:
            return opened[0]
        for result in results:
            if isinstance(result, Failure) and result.state != "no-answer":
                return result
    await asyncio.sleep(max(0.0, until - loop.time()))
    return None


async def _abandon(pending: set[asyncio.Task[Connection | Failure]]) -> None:
    for task in pending:
        task.cancel()
    for late in await asyncio.gather(*pending, return_exceptions=True):
        if isinstance(late, Connection):
            late.sock.close()


async def _attempt(endpoint: Endpoint, port: int, number: int, patience: float | None) -> Connection | Failure:
    loop = asyncio.get_running_loop()
    started = loop.time()
    sock: socket.socket | None = None
    try:
        sock = _open_socket(endpoint.family)
        async with asyncio.timeout(patience):
            await loop.sock_connect(sock, machine.socket_address(endpoint.address, endpoint.family, port))
    except TimeoutError:
        if sock is not None:
            sock.close()
        return Failure("no-answer", None, None, (loop.time() - started) * 1000, number)
    except OSError as error:
        reported = icmp.take(sock) if sock is not None else None
        if sock is not None:
            sock.close()
        return _failure(error, reported, (loop.time() - started) * 1000, number)
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    return Connection(sock, (loop.time() - started) * 1000, number)


def _failure(error: OSError, reported: icmp.IcmpError | None, elapsed_ms: float, attempts: int) -> Failure:
    name = errno.errorcode.get(error.errno or 0, "") or type(error).__name__
    if reported is None:
        return Failure(_STATES.get(error.errno or 0, "error"), name, None, elapsed_ms, attempts)
    state: State = "prohibited" if reported.prohibited else _STATES.get(error.errno or 0, "unreachable")
    if state == "prohibited" and not reported.prohibited:
        state = "unreachable"
    message = f"{name} (ICMP{'v6' if reported.family == 6 else ''} {reported.type}/{reported.code})"
    return Failure(state, message, reported.sender, elapsed_ms, attempts)


def _open_socket(family: int) -> socket.socket:
    sock = socket.socket(machine.FAMILIES[family], socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        icmp.listen(sock)
        quick_ack(sock)
    except OSError:
        sock.close()
        raise
    return sock


def quick_ack(sock: socket.socket) -> None:
    """Acknowledges at once what was received. Without it a server whose next write waits for our acknowledgement
    (Nagle, RFC 896) loses 40 ms to our delayed one (RFC 1122 4.2.3.2). The kernel forgets it: ask after each read.
    """
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _is_nowhere(address: IpAddress) -> bool:
    """Whether an address is no single machine's."""
    return address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255")


def _is_close(address: IpAddress) -> bool:
    """Whether an address is this machine's, its link's or its cloud's: nobody but the user means those."""
    return address.is_loopback or address.is_link_local or address in special().cloud_metadata

"""Listeners, and every connection and task behind them, so that all are gone at the end."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, cast
from weakref import WeakSet

_CLOSING_TURNS = 1000


class Connections:
    """Keeps track of connections; `close` leaves neither a socket nor a task."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._transports: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, address: str, factory: Callable[[], asyncio.BaseProtocol], port: int = 0) -> int:
        """Listen on this address and return the port (0: a free one is chosen)."""
        server = await asyncio.get_running_loop().create_server(factory, address, port)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def admit(self, transport: asyncio.BaseTransport) -> None:
        """Abort this transport at the end, unless it is gone by then."""
        self._transports.add(transport)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this until it ends or the world does."""
        self.watch(asyncio.get_running_loop().create_task(work))

    def watch(self, task: asyncio.Task[None]) -> None:
        """Cancel this task at the end. What it raises is the client's doing: a connection that broke."""
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def close(self) -> None:
        """Close every listener, abort every connection, and wait until all are gone."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        transports = list(self._transports)
        for transport in transports:
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
            else:
                transport.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(_CLOSING_TURNS):
            if not any(_is_open(transport) for transport in transports):
                break
            await asyncio.sleep(0)
        for server in self._servers:
            await server.wait_closed()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


class Gate(asyncio.Protocol):
    """The first protocol of every connection: waits if it is told to, makes implicit TLS, then hands over.

    `enter` makes the protocol that follows; `None`: nobody follows, and the client is left without a word.
    """

    def __init__(
        self,
        connections: Connections,
        enter: Callable[[], asyncio.Protocol] | None,
        *,
        tls: ssl.SSLContext | None = None,
        delay_s: float = 0.0,
    ) -> None:
        self._connections = connections
        self._enter = enter
        self._tls = tls
        self._delay_s = delay_s
        self._early = b""
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.admit(transport)
        stream = cast(asyncio.Transport, transport)
        if self._enter is None:
            return
        if self._tls is None and not self._delay_s:
            self._hand_over(stream, self._enter)
            return
        if self._tls is not None:
            stream.pause_reading()
        self._connections.spawn(self._open(stream, self._enter))

    def data_received(self, data: bytes) -> None:
        if self._enter is not None:
            self._early += data

    def eof_received(self) -> bool:
        self._over = True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True

    async def _open(self, stream: asyncio.Transport, enter: Callable[[], asyncio.Protocol]) -> None:
        if self._tls is not None:
            try:
                upgraded = await asyncio.get_running_loop().start_tls(stream, self, self._tls, server_side=True)
            except OSError:
                stream.abort()
                return
            if upgraded is None:
                return
            stream = upgraded
        await asyncio.sleep(self._delay_s)
        self._hand_over(stream, enter)

    def _hand_over(self, stream: asyncio.Transport, enter: Callable[[], asyncio.Protocol]) -> None:
        if self._over or stream.is_closing():
            return
        protocol = enter()
        stream.set_protocol(protocol)
        protocol.connection_made(stream)
        if self._early:
            protocol.data_received(self._early)


def _is_open(transport: asyncio.BaseTransport) -> bool:
    sock: socket.socket | None = transport.get_extra_info("socket")
    return sock is not None and sock.fileno() != -1

"""HTTP/1.1 by httpcore, over a connection that the gate has opened. Imported late: few checks ask for a page."""

import asyncio
import socket
import ssl

import httpcore

from poterne.errors import WebError

MAX_HEAD = 16 * 1024
_CHUNK = 16 * 1024


class Http(httpcore.AsyncHTTP11Connection):
    """One request and its answer, whose head is bounded.

    httpcore's pool and its proxies are not used. They offer `http/1.1` (ALPN, RFC 7301) on the TLS context, which the
    connections to mail servers share; and what a proxy sends after its answer to CONNECT they drop unseen.
    """

    MAX_INCOMPLETE_EVENT_SIZE = MAX_HEAD


class Stream(httpcore.AsyncNetworkStream):
    """Owns a connected socket, and reads at most `limit` bytes from it; after that, `read` raises WebError.

    The timeouts that httpcore hands on are not used: callers have a deadline for the whole.
    """

    def __init__(self, sock: socket.socket, limit: int) -> None:
        self._sock = sock
        self._left = limit
        self._secure: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        size = min(max_bytes, _CHUNK)
        if self._secure is None:
            data = await asyncio.get_running_loop().sock_recv(self._sock, size)
        else:
            data = await self._secure[0].read(size)
        self._left -= len(data)
        if self._left < 0:
            raise WebError("the answer is too long")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if self._secure is None:
            await asyncio.get_running_loop().sock_sendall(self._sock, buffer)
        else:
            self._secure[1].write(buffer)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> "Stream":
        self._secure = await asyncio.open_connection(
            sock=self._sock, limit=_CHUNK, ssl=ssl_context, server_hostname=server_hostname
        )
        return self

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection at once, without TLS's goodbye."""
        if self._secure is None:
            self._sock.close()
        else:
            self._secure[1].transport.abort()

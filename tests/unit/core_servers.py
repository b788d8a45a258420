"""Servers whose every byte a test decides, on loopback; each connection runs in a thread of its own."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from poterne.report import Family

LOOPBACK: dict[Family, str] = {4: "127.0.0.1", 6: "::1"}
_KIND = {4: socket.AF_INET, 6: socket.AF_INET6}
_IDLE_SECONDS = 20.0


class GoneError(Exception):
    """The client left, or the server is closing."""


class Peer:
    """One accepted connection. `received` holds every byte that the client said, in the clear and inside TLS alike."""

    def __init__(self, sock: socket.socket, closing: threading.Event) -> None:
        sock.settimeout(_IDLE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._closing = closing
        self._unread = bytearray()
        self.received = bytearray()
        self.opened_at = time.monotonic()
        self.left_at: float | None = None

    def send(self, data: bytes, *, chunk: int | None = None, pause: float = 0.0) -> None:
        """Send all, or `chunk` bytes at a time with a pause of so many seconds between."""
        size = chunk or max(1, len(data))
        for start in range(0, len(data), size):
            if start and pause:
                self.sleep(pause)
            try:
                self._sock.sendall(data[start : start + size])
            except OSError as error:
                raise GoneError from error

    def line(self) -> bytes:
        """The next line of the client, without its CR LF."""
        while b"\n" not in self._unread:
            self._unread += self._read()
        line, _, rest = bytes(self._unread).partition(b"\n")
        self._unread[:] = rest
        return line.removesuffix(b"\r")

    def raw(self) -> bytes:
        """Whatever comes next."""
        if self._unread:
            data = bytes(self._unread)
            self._unread.clear()
            return data
        return self._read()

    def _read(self) -> bytes:
        try:
            data = self._sock.recv(16384)
        except OSError as error:
            self.left_at = time.monotonic()
            raise GoneError from error
        if not data:
            self.left_at = time.monotonic()
            raise GoneError
        self.received += data
        return data

    def start_tls(self, context: ssl.SSLContext) -> None:
        """The server's side of a handshake."""
        try:
            self._sock = context.wrap_socket(self._sock, server_side=True)
        except (OSError, ValueError) as error:
            raise GoneError from error

    @property
    def alpn(self) -> str | None:
        """The protocol that was agreed upon inside TLS (RFC 7301)."""
        return self._sock.selected_alpn_protocol() if isinstance(self._sock, ssl.SSLSocket) else None

    def sleep(self, seconds: float) -> None:
        """Wait, unless the server closes meanwhile."""
        if self._closing.wait(seconds):
            raise GoneError

    def drain(self) -> None:
        """Say nothing until the client leaves."""
        while True:
            self.raw()

    def reset(self) -> None:
        """End the connection by RST."""
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError as error:
            raise GoneError from error
        self._sock.close()

    def close(self) -> None:
        """End the connection by FIN."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


Behaviour = Callable[[Peer], None]


class Server:
    """One behaviour on one loopback port, while the context lasts."""

    def __init__(self, behaviour: Behaviour, family: Family = 4) -> None:
        self._behaviour = behaviour
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self.family: Family = family
        self.address = LOOPBACK[family]
        self.peers: list[Peer] = []
        self._listener = socket.create_server((self.address, 0), family=_KIND[family], backlog=64)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.peers:
            peer.close()
        for thread in self._threads:
            thread.join(timeout=3)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        with self._starting:
            self._threads.append(thread)
            thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
                peer = Peer(sock, self._closing)
            except OSError:
                return
            self.peers.append(peer)
            self._spawn(self._converse, peer)

    def _converse(self, peer: Peer) -> None:
        try:
            with suppress(GoneError):
                self._behaviour(peer)
        finally:
            peer.close()

    def settle(self, seconds: float = 3.0) -> None:
        """Wait until every conversation has ended."""
        # What is in the list has been started, or cannot be waited for.
        with self._starting:
            threads = self._threads[1:]
        for thread in threads:
            thread.join(timeout=seconds)

    @property
    def said(self) -> list[bytes]:
        """What each client said, one entry a connection, after every conversation has ended."""
        self.settle()
        return [bytes(peer.received) for peer in self.peers]


def free_port(family: Family = 4) -> tuple[socket.socket, int]:
    """A bound socket that does not listen, and its port: connections there are refused while the socket lives."""
    sock = socket.socket(_KIND[family], socket.SOCK_STREAM)
    sock.bind((LOOPBACK[family], 0))
    return sock, int(sock.getsockname()[1])

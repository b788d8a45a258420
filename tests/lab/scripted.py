"""Servers whose every byte a test decides, on sockets of a namespace; they run in threads of the test process."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .netns import Namespace
from .topology import Host

_IDLE_SECONDS = 60.0
_ORIGINAL_DESTINATION = 80  # SO_ORIGINAL_DST of linux/netfilter_ipv4.h


class GoneError(Exception):
    """The other side closed, or the lab is closing."""


class Peer:
    """One accepted connection. `heard` holds the lines that the client said, in the clear and inside TLS alike."""

    def __init__(self, sock: socket.socket, closing: threading.Event) -> None:
        self.sock = sock
        self._closing = closing
        self._buffer = b""
        self.heard: list[str] = []
        self.address: str = sock.getpeername()[0]

    def send(self, data: bytes | str, *, chunk: int | None = None, pause: float = 0.0) -> None:
        """Send all, or `chunk` bytes at a time with a pause of so many seconds between."""
        data = data.encode() if isinstance(data, str) else data
        for start in range(0, len(data), chunk or max(1, len(data))):
            if start and pause:
                self.sleep(pause)
            try:
                self.sock.sendall(data[start : start + (chunk or len(data))])
            except OSError as error:
                raise GoneError from error

    def line(self) -> str:
        """The next line from the client, without its end."""
        while b"\n" not in self._buffer:
            self._buffer += self._read()
        line, self._buffer = self._buffer.split(b"\n", 1)
        self.heard.append(line.rstrip(b"\r").decode("latin-1"))
        return self.heard[-1]

    def raw(self) -> bytes:
        """Whatever comes next."""
        data, self._buffer = self._buffer or self._read(), b""
        return data

    def _read(self) -> bytes:
        try:
            data = self.sock.recv(4096)
        except OSError as error:
            raise GoneError from error
        if not data:
            raise GoneError
        return data

    def start_tls(self, context: ssl.SSLContext) -> None:
        try:
            # A connection that is gone already: CPython would leave the wrapping socket open.
            self.sock.getpeername()
            self.sock = context.wrap_socket(self.sock, server_side=True)
        except OSError as error:
            raise GoneError from error

    def original_destination(self) -> tuple[str, int]:
        """Where the client meant to go before the connection was diverted hither."""
        if ":" in self.address:
            raw = self.sock.getsockopt(socket.IPPROTO_IPV6, _ORIGINAL_DESTINATION, 28)
            port, address = struct.unpack("!2xH4x16s4x", raw)
            return socket.inet_ntop(socket.AF_INET6, address), port
        raw = self.sock.getsockopt(socket.IPPROTO_IP, _ORIGINAL_DESTINATION, 16)
        port, address = struct.unpack("!2xH4s8x", raw)
        return socket.inet_ntop(socket.AF_INET, address), port

    def sleep(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise GoneError

    def wait_for_close(self) -> None:
        """Say nothing until the client leaves."""
        while self.raw():
            pass

    def end(self) -> None:
        """Send FIN and go on listening."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection by RST, without a FIN before it."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


Behaviour = Callable[[Peer], None]


class Scripted:
    """One behaviour on one port of a host, over each of its families."""

    def __init__(self, namespace: Namespace, host: Host, port: int, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._closing = threading.Event()
        self._listeners = [namespace.listen(address, port) for address in host.addresses]
        self._threads: list[threading.Thread] = []
        self.peers: list[Peer] = []
        for listener in self._listeners:
            self._spawn(self._accept, listener)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        # In this order: what is in the list can be waited for.
        thread.start()
        self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.settimeout(_IDLE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                peer = Peer(sock, self._closing)
            except OSError:
                sock.close()
                continue
            self.peers.append(peer)
            self._spawn(self._converse, peer)

    def _converse(self, peer: Peer) -> None:
        try:
            with suppress(GoneError):
                self._behaviour(peer)
        finally:
            peer.close()

    def connections(self, family: int | None = None) -> int:
        """How many connections were made to it, of one family or of both."""
        return sum(family in (None, 6 if ":" in peer.address else 4) for peer in self.peers)

    @property
    def heard(self) -> list[str]:
        """Every line that any client said."""
        return [line for peer in self.peers for line in peer.heard]

    def close(self) -> None:
        self._closing.set()
        for listener in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
        for peer in list(self.peers):
            peer.close()
        deadline = time.monotonic() + 3
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        for listener in self._listeners:
            listener.close()


def server_context(
    certificate: Path,
    *,
    newest: ssl.TLSVersion | None = None,
    weak: bool = False,
    clients: ssl.VerifyMode = ssl.CERT_NONE,
) -> ssl.SSLContext:
    """A server's side of TLS; with `newest`, one that offers nothing later. `weak`: it takes any key of its own;
    `clients`: whether it asks for their certificates.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate)
    context.verify_mode = clients
    if newest:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = newest
    return context

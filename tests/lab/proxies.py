"""Boxes on the way that answer in the servers' place: they take diverted connections and pass them on, altered."""

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.waiting import ready

from .netns import Namespace
from .pki import Authority, Pki
from .scripted import GoneError, Peer, server_context

Alter = Callable[[bytes], bytes]

_PATIENCE = 5.0
_OFFER = re.compile(rb"STARTTLS|STLS", re.IGNORECASE)


def _same(data: bytes) -> bytes:
    return data


def _pump(near: socket.socket, far: socket.socket, to_client: Alter, to_server: Alter) -> None:
    """Pass on what either side says until one of them has ended."""
    ways = {near: (far, to_server), far: (near, to_client)}
    while True:
        waiting: list[socket.socket] = [end for end in ways if isinstance(end, ssl.SSLSocket) and end.pending()]
        for end in waiting or ready(list(ways), 60):
            other, alter = ways[end]
            # What TLS says about itself is readable too, and nothing is to be passed on then.
            end.settimeout(0)
            with suppress(ssl.SSLWantReadError, BlockingIOError):
                data = end.recv(65536)
                if not data:
                    return
                other.settimeout(_PATIENCE)
                other.sendall(alter(data))


class Proxy:
    """A transparent proxy: it accepts at once, whoever is called, and then calls the server itself. Its own packets
    bear `mark`, so that rules can leave them alone.
    """

    def __init__(
        self, namespace: Namespace, *, mark: int = 0, to_client: Alter = _same, to_server: Alter = _same
    ) -> None:
        self._namespace = namespace
        self._mark = mark
        self._to_client = to_client
        self._to_server = to_server

    def __call__(self, peer: Peer) -> None:
        goal = peer.original_destination()
        with self._namespace.open_socket(goal[0], socket.SOCK_STREAM) as far:
            far.settimeout(_PATIENCE)
            if self._mark:
                far.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self._mark)
            try:
                far.connect(goal)
                near, beyond = self._dress(peer, far)
                with beyond:
                    _pump(near, beyond, self._to_client, self._to_server)
            except OSError as error:
                raise GoneError from error

    def _dress(self, peer: Peer, far: socket.socket) -> tuple[socket.socket, socket.socket]:
        """Both connections as they are pumped."""
        return peer.sock, far


def stripper(namespace: Namespace) -> Proxy:
    """Crosses out STARTTLS (POP3: STLS) where a server offers it, as some firewalls do, and spoils it where a client
    asks for it all the same.
    """
    return Proxy(
        namespace,
        to_client=lambda data: _OFFER.sub(lambda match: b"X" * len(match[0]), data),
        to_server=lambda data: _OFFER.sub(b"XNOP", data),
    )


class TlsProxy(Proxy):
    """Opens implicit TLS with a certificate of its own, minted for the name that the client asks for."""

    def __init__(self, namespace: Namespace, pki: Pki, authority: Authority) -> None:
        super().__init__(namespace)
        self._pki = pki
        self._authority = authority
        self._minted: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def _mint(self, name: str) -> ssl.SSLContext:
        with self._lock:
            if name not in self._minted:
                self._minted[name] = server_context(self._pki.leaf(name, issuer=self._authority))
            return self._minted[name]

    def _dress(self, peer: Peer, far: socket.socket) -> tuple[socket.socket, socket.socket]:
        asked: list[str] = []

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name:
                asked.append(name)
                connection.context = self._mint(name)

        first = server_context(self._pki.leaf("nobody.test", issuer=self._authority))
        first.sni_callback = choose
        peer.start_tls(first)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return peer.sock, context.wrap_socket(far, server_hostname=asked[0] if asked else None)

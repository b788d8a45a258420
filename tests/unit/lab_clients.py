"""What the tests of the embedded lab share: a running world, and clients that trust its root."""

import socket
import ssl
from typing import Any

from poterne.demo.world import World
from poterne.report import Family

LIMIT_S = 5.0


class NamedContext(ssl.SSLContext):
    """Verifies against the world's root and for one name, whatever address the client was given."""

    name: str

    def wrap_socket(self, sock: socket.socket, *_: Any, **__: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, server_hostname=self.name)


def trusting(world: World, name: str) -> NamedContext:
    """A client's context."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(world.roots_path)
    context.name = name
    return context


def dial(world: World, host: str, port: int, family: Family = 4) -> socket.socket:
    """A connection to where the world serves this port."""
    place = world.place(host, port, family)
    return socket.create_connection((place.address, place.port), LIMIT_S)


def lines(sock: socket.socket, count: int) -> list[str]:
    """Exactly the next lines, without their ends; fewer where the server closes."""
    received = b""
    while received.count(b"\n") < count and (data := sock.recv(1)):
        received += data
    return received.decode().splitlines()


def rest(sock: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    while data := sock.recv(4096):
        received += data
    return received

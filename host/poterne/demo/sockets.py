"""Loopback sockets: of each family, reserved and closed, or listening and never answering."""

import contextlib
import errno
import ipaddress
import os
import selectors
import socket
import sys
from dataclasses import dataclass

from poterne.report import Family

LOOPBACK: dict[Family, str] = {4: "127.0.0.1", 6: "::1"}
_AF: dict[Family, socket.AddressFamily] = {4: socket.AF_INET, 6: socket.AF_INET6}
_FILLERS = 8
_SETTLE_S = 0.25


class SilenceUnavailableError(Exception):
    """This system answers for a listener whose queue is full."""


def families() -> tuple[Family, ...]:
    """The families whose loopback address can be bound here."""
    found: list[Family] = []
    for family in LOOPBACK:
        with contextlib.suppress(OSError), closed(family):
            found.append(family)
    return tuple(found)


def beyond_loopback() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks that hold every IPv4 address outside 127.0.0.0/8, and every IPv6 address in use (RFC 4291) but ::1."""
    everything, loopback = ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv4Network("127.0.0.0/8")
    return [
        *sorted(everything.address_exclude(loopback)),
        *(ipaddress.IPv6Network(text) for text in ("::ffff:0:0/96", "64:ff9b::/32", "2000::/3", "fc00::/6")),
    ]


def closed(family: Family) -> socket.socket:
    """A bound socket that does not listen: its port stays ours, and connections to it are refused."""
    bound = socket.socket(_AF[family], socket.SOCK_STREAM)
    try:
        bound.bind((LOOPBACK[family], 0))
    except OSError:
        bound.close()
        raise
    return bound


@dataclass(frozen=True)
class SilentPort:
    """A port that answers no SYN while this is open."""

    port: int
    _sockets: tuple[socket.socket, ...]

    def close(self) -> None:
        """Free the port."""
        for sock in self._sockets:
            sock.close()


def silent(family: Family) -> SilentPort:
    """A listener whose accept queue is full, so that the kernel drops every further SYN.

    Needs no privileges and takes about a quarter of a second, because the silence is verified. Raises
    SilenceUnavailableError where that cannot be had: on other systems than Linux, which refuse or accept.
    """
    if sys.platform != "linux":
        raise SilenceUnavailableError("only Linux is silent when a listener's queue is full")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(closed(family))
        listener.listen(0)
        held = [listener]
        for _ in range(_FILLERS):
            filler = stack.enter_context(socket.socket(_AF[family], socket.SOCK_STREAM))
            filler.setblocking(False)
            error = filler.connect_ex(listener.getsockname())
            if error not in {0, errno.EINPROGRESS}:
                raise SilenceUnavailableError(f"a listener with a full queue answers: {os.strerror(error)}")
            if not _answered(filler):
                filler.close()
                stack.pop_all()
                return SilentPort(listener.getsockname()[1], tuple(held))
            held.append(filler)
    raise SilenceUnavailableError("a listener with a full queue accepts connections")


def _answered(filler: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(filler, selectors.EVENT_WRITE)
        return bool(selector.select(_SETTLE_S))

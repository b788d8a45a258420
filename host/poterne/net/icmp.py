"""Who refused a connection: the ICMP error behind it, from the socket's error queue (Linux, without privileges)."""

import ipaddress
import socket
import struct
import sys
from dataclasses import dataclass

# linux/in.h, linux/in6.h: Python 3.11 does not name them.
_IP_RECVERR = 11
_IPV6_RECVERR = 25
_ORIGIN_ICMP = 2
_ORIGIN_ICMP6 = 3
_EXTENDED_ERROR = struct.Struct("=IBBBBII")

# Codes that say "forbidden", not "cannot be reached": RFC 1812 section 5.2.7.1, RFC 4443 section 3.1.
_PROHIBITED = {4: {(3, 9), (3, 10), (3, 13)}, 6: {(1, 1), (1, 5), (1, 6)}}
# No machine has that address: RFC 792, RFC 4443 section 3.1.
_UNREACHABLE = {4: (3, 1), 6: (1, 3)}
# The hop limit was used up on the way: RFC 792, RFC 4443 section 3.3.
_EXPIRED = {4: (11, 0), 6: (3, 0)}


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP or ICMPv6 error: its type and code, and the address that sent it."""

    family: int
    type: int
    code: int
    sender: str

    @property
    def prohibited(self) -> bool:
        """Whether it says that a rule forbids the connection."""
        return (self.type, self.code) in _PROHIBITED[self.family]

    @property
    def unreachable(self) -> bool:
        """Whether it says that no machine answers at the address."""
        return (self.type, self.code) == _UNREACHABLE[self.family]

    @property
    def expired(self) -> bool:
        """Whether a router says that the packet was allowed too few hops."""
        return (self.type, self.code) == _EXPIRED[self.family]


def listen(sock: socket.socket) -> None:
    """Asks the kernel to keep ICMP errors for this socket."""
    if sys.platform != "linux":
        return
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def take(sock: socket.socket) -> IcmpError | None:
    """The oldest ICMP error of a socket, or None. SO_ERROR has to be read before: taking first would clear it."""
    if sys.platform != "linux":
        return None
    try:
        _, ancillary, _, _ = sock.recvmsg(1, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
    except OSError:
        return None
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
            return _parse(data)
    return None


def _parse(data: bytes) -> IcmpError | None:
    """Reads struct sock_extended_err and the offender's address behind it (ip(7), IP_RECVERR)."""
    if len(data) < _EXTENDED_ERROR.size + 2:
        return None
    _, origin, kind, code, _, _, _ = _EXTENDED_ERROR.unpack_from(data)
    offender = data[_EXTENDED_ERROR.size :]
    if origin == _ORIGIN_ICMP and len(offender) >= 8:
        return IcmpError(4, kind, code, str(ipaddress.IPv4Address(offender[4:8])))
    if origin == _ORIGIN_ICMP6 and len(offender) >= 24:
        return IcmpError(6, kind, code, str(ipaddress.IPv6Address(offender[8:24])))
    return None

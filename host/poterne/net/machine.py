"""This machine's place in the network, as its kernel tells it without privileges. Sends nothing to anybody."""

import hashlib
import hmac
import ipaddress
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from poterne.report import Machine

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

# The way to these is the way to the world: AS112 (RFC 7534); where a network routes only what it knows, as laboratories
# do, addresses of documentation (RFC 5737, RFC 3849).
_WORLD = {4: ("192.175.48.1", "192.0.2.1"), 6: ("2620:4f:8000::1", "2001:db8::1")}

# linux/netlink.h, linux/rtnetlink.h, linux/neighbour.h, linux/if.h
_ERROR, _DONE = 2, 3
_NEW_LINK, _GET_LINK = 16, 18
_NEW_ADDRESS, _GET_ADDRESS = 20, 22
_NEW_ROUTE, _GET_ROUTE = 24, 26
_NEW_NEIGHBOUR, _GET_NEIGHBOUR = 28, 30
_REQUEST, _MULTI, _DUMP = 0x1, 0x2, 0x300
_UNICAST = 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DESTINATION, _RTA_INTERFACE, _RTA_GATEWAY, _RTA_SOURCE, _RTA_VIA = 1, 4, 5, 7, 18
_NDA_DESTINATION, _NDA_LINK_LAYER = 1, 2
_POINT_TO_POINT, _NO_ARP = 0x10, 0x80

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")

_PATIENCE = 0.3  # seconds; the kernel answers at once
_MAX_DATAGRAMS = 64
_MAX_ADDRESSES = 64

Attributes = dict[int, bytes]


class Message(NamedTuple):
    """One netlink message: its type, and what follows its header."""

    kind: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Route:
    """The way that the kernel takes to an address: the interface (name and number), the next router and our own
    address there. `gateway` None: the address is on the link, or the interface needs no router.
    """

    interface: str
    index: int
    gateway: str | None
    source: str | None


class NetworkNames(NamedTuple):
    """What a network is called, and what it was called `before`, when its name was another with each of our addresses
    there.
    """

    now: str | None
    before: str | None


def look() -> Machine:
    """This machine's addresses, the networks that it is on, and its routers towards the world. Never raises.

    Only Linux tells all of it; elsewhere there are the addresses from which it would speak, and neither networks nor
    gateways. A router's link-local address stands without its zone; `gateway` has it.
    """
    if sys.platform != "linux":
        own = (source_address(family) for family in FAMILIES)
        return Machine(addresses=tuple(address for address in own if address is not None))
    addresses, networks = _interfaces()
    gateways = [route.gateway for family in FAMILIES if (route := _to_the_world(family)) and route.gateway]
    return Machine(addresses=addresses, networks=networks, gateways=tuple(dict.fromkeys(gateways)))


def gateway(family: int) -> str | None:
    """The router towards the world, with the zone that is needed to dial a link-local address (RFC 4007)."""
    way = _to_the_world(family)
    if way is None or way.gateway is None:
        return None
    return f"{way.gateway}%{way.interface}" if ipaddress.ip_address(way.gateway).is_link_local else way.gateway


def network_key() -> str | None:
    """A strict name for the network that this machine is on: the same only for the same interfaces, source addresses
    and link-layer addresses of the gateways. None where one of these cannot be told. Never raises.
    """
    parts = []
    for family in FAMILIES:
        way = _to_the_world(family)
        if way is None:
            continue
        link_layer = neighbour(way.gateway, way.index) if way.gateway else None
        if link_layer is None or way.source is None:
            return None
        parts.append(f"{way.interface} {way.source} {link_layer}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest() if parts else None


def network_identity() -> str | None:
    """A name for the network that this machine is on which it keeps while our own addresses there change: of the link-
    layer address of the router towards the world, and the network's prefix. None where one of these cannot be told.
    Never raises.

    IPv4 decides wherever there is a way by it: many providers give IPv6 another prefix every day.
    """
    ways = ((family, _to_the_world(family)) for family in FAMILIES)
    family, way = next(((family, way) for family, way in ways if way), (0, None))
    if way is None or way.gateway is None or way.source is None:
        return None
    link_layer, prefix = neighbour(way.gateway, way.index), _prefix(way.source)
    if link_layer is None or prefix is None:
        return None
    return hashlib.sha256(f"{family} {link_layer} {prefix}".encode()).hexdigest()


def network_names(salt: str) -> NetworkNames:
    """The network's identity, and its key, as only the owner of a salt can recognise them again: 32 hexadecimal digits
    that tell nobody else which network it is. None where there is none. Never raises.
    """
    identity, key = network_identity(), network_key()
    return NetworkNames(identity and _salted(salt, identity), key and _salted(salt, key))


def _salted(salt: str, name: str) -> str:
    return hmac.new(salt.encode(errors="replace"), name.encode(), hashlib.sha256).hexdigest()[:32]


def source_address(family: int) -> str | None:
    """The address from which this machine would speak to the world, or None where it has no way out. Sends nothing."""
    for place in _WORLD[family]:
        try:
            with socket.socket(FAMILIES[family], socket.SOCK_DGRAM) as sock:
                sock.connect((place, 9))
                address = str(sock.getsockname()[0])
        except OSError:
            continue
        parsed = ipaddress.ip_address(address.partition("%")[0])
        if not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified):
            return address
    return None


def has_route(address: str, family: int) -> bool:
    """Whether this machine knows any way to an address. Sends nothing."""
    try:
        with socket.socket(FAMILIES[family], socket.SOCK_DGRAM) as sock:
            sock.connect(socket_address(address, family, 9))
    except OSError:
        return False
    return True


def leads_out(address: str) -> bool:
    """Whether the way to an address goes through a router. False where that cannot be told.

    A tunnel needs no address of the router at its other end: whatever is not its peer lies behind it.
    """
    address = address.partition("%")[0]
    way = route(address)
    if way is None:
        return False
    return way.gateway is not None or not (has_neighbours(way.index) or _is_near(address))


def _is_near(address: str) -> bool:
    """Whether an address is on one of this machine's networks, or a peer of it."""
    parsed = ipaddress.ip_address(address)
    near = (ipaddress.ip_network(network) for network in _interfaces()[1])
    return any(parsed in network for network in near if network.version == parsed.version)


def socket_address(address: str, family: int, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """What `socket.connect` wants. Raises OSError where the zone's interface does not exist."""
    if family == 4:
        return address, port
    address, _, zone = address.partition("%")
    scope = 0
    if zone:
        scope = int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    return address, port, 0, scope


def slept() -> float:
    """Seconds that this machine has slept since it started; elsewhere than on Linux nobody tells."""
    if sys.platform != "linux":
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()


# ---- what the kernel of Linux is asked (rtnetlink(7)) ----------------------------------------------------------------


def route(address: str) -> Route | None:
    """The kernel's way to an address, policy routing included; None where there is none or it cannot be told."""
    try:
        packed = ipaddress.ip_address(address).packed
    except ValueError:
        return None
    family = FAMILIES[4 if len(packed) == 4 else 6]
    body = _ROUTE.pack(family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0) + _attribute(_RTA_DESTINATION, packed)
    for message in _ask(_GET_ROUTE, 0, body):
        if message.kind == _NEW_ROUTE and (found := parse_route(message.body)):
            return found
    return None


def parse_route(body: bytes) -> Route | None:
    """Reads struct rtmsg and its attributes; None for anything but a way to one other machine."""
    if len(body) < _ROUTE.size or _ROUTE.unpack_from(body)[7] != _UNICAST:
        return None
    found = _attributes(body[_ROUTE.size :])
    interface = found.get(_RTA_INTERFACE, b"")
    if len(interface) != 4:
        return None
    (index,) = struct.unpack("=I", interface)
    try:
        name = socket.if_indextoname(index)
    except OSError:
        return None
    via = found.get(_RTA_GATEWAY) or found.get(_RTA_VIA, b"")[2:]
    return Route(name, index, _text(via), _text(found.get(_RTA_SOURCE, b"")))


def neighbour(address: str, index: int) -> str | None:
    """The link-layer address behind an address on an interface (hexadecimal), where the kernel knows it."""
    try:
        packed = ipaddress.ip_address(address).packed
    except ValueError:
        return None
    family = FAMILIES[4 if len(packed) == 4 else 6]
    body = _NEIGHBOUR.pack(family, index, 0, 0, 0) + _attribute(_NDA_DESTINATION, packed)
    for message in _ask(_GET_NEIGHBOUR, 0, body):
        if message.kind == _NEW_NEIGHBOUR and len(message.body) >= _NEIGHBOUR.size:
            known = _attributes(message.body[_NEIGHBOUR.size :]).get(_NDA_LINK_LAYER)
            return known.hex() if known else None
    return None


def has_neighbours(index: int) -> bool:
    """Whether an interface looks for link-layer addresses, as Ethernet does and a tunnel does not."""
    for message in _ask(_GET_LINK, 0, _LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0)):
        if message.kind == _NEW_LINK and len(message.body) >= _LINK.size:
            flags: int = _LINK.unpack_from(message.body)[3]
            return not flags & (_POINT_TO_POINT | _NO_ARP)
    return False


def _to_the_world(family: int) -> Route | None:
    """The way to the first of those places that is not on the link; else any way."""
    ways = [way for place in _WORLD[family] if (way := route(place))]
    return next((way for way in ways if way.gateway), ways[0] if ways else None)


def _interfaces() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Addresses and networks of all interfaces; a network may be the one address of a peer."""
    addresses: dict[str, None] = {}
    networks: dict[str, None] = {}
    for own, network in _own():
        if own.is_loopback or len(addresses) >= _MAX_ADDRESSES:
            continue
        addresses[str(own)] = None
        if not network.is_link_local and (network.num_addresses > 1 or own not in network):
            networks[str(network)] = None
    return tuple(addresses), tuple(networks)


def _prefix(source: str) -> str | None:
    """Of the network that one of our addresses is on: nothing (`""`) of one address alone, which is a lease itself."""
    own = ipaddress.ip_address(source)
    if own.version == 6:
        # RFC 4291 section 2.5.4; an address of DHCPv6 comes without a prefix (RFC 8415 section 21.6).
        return str(ipaddress.ip_network((own.packed, 64), strict=False))
    network = next((network for address, network in _own() if address == own), None)
    if network is None:
        return None
    return str(network) if network.num_addresses > 1 else ""


def _own() -> Iterator["Parsed"]:
    """The addresses of all interfaces."""
    for message in _ask(_GET_ADDRESS, _DUMP, _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        if message.kind == _NEW_ADDRESS and (parsed := parse_address(message.body)) is not None:
            yield parsed


Parsed = tuple[
    ipaddress.IPv4Address | ipaddress.IPv6Address,
    ipaddress.IPv4Network | ipaddress.IPv6Network,
]


def parse_address(body: bytes) -> Parsed | None:
    """Reads struct ifaddrmsg and its attributes: our own address, and the network that it is on. On a point-to-point
    link the network is the peer's (rtnetlink(7), IFA_LOCAL).
    """
    if len(body) < _ADDRESS.size:
        return None
    _, prefix, _, _, _ = _ADDRESS.unpack_from(body)
    found = _attributes(body[_ADDRESS.size :])
    peer = found.get(_IFA_ADDRESS, b"")
    try:
        own = ipaddress.ip_address(found.get(_IFA_LOCAL) or peer)
        network = ipaddress.ip_network((peer or own.packed, prefix), strict=False)
    except ValueError:
        return None
    return own, network


def _text(packed: bytes) -> str | None:
    try:
        return str(ipaddress.ip_address(packed)) if packed else None
    except ValueError:
        return None


def _attribute(kind: int, data: bytes) -> bytes:
    """Struct rtattr; every payload here is a multiple of four bytes."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(data), kind) + data


def _attributes(data: bytes) -> Attributes:
    """Attributes by their type, without the two flag bits; whatever is cut short ends the reading."""
    found: Attributes = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        found.setdefault(kind & 0x3FFF, data[_ATTRIBUTE.size : length])
        data = data[length + 3 & ~3 :]
    return found


def _ask(kind: int, flags: int, body: bytes) -> Iterator[Message]:
    """The kernel's answers to one question; nothing where it refuses."""
    if sys.platform != "linux":
        return
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
            sock.settimeout(_PATIENCE)
            sock.connect((0, 0))
            sock.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, 1, 0) + body)
            for _ in range(_MAX_DATAGRAMS):
                more = False
                for message, multi in messages(sock.recv(1 << 16)):
                    if message.kind in (_ERROR, _DONE):
                        return
                    yield message
                    more = multi
                if not more:
                    return
    except OSError:
        return


def messages(data: bytes) -> Iterator[tuple[Message, bool]]:
    """The messages of one datagram, and whether each is one of several (NLM_F_MULTI)."""
    while len(data) >= _HEADER.size:
        length, kind, flags, _, _ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        yield Message(kind, data[_HEADER.size : length]), bool(flags & _MULTI)
        data = data[length + 3 & ~3 :]

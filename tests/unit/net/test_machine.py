import ipaddress
import socket
import struct
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poterne.net import machine
from poterne.net.machine import Message, Route
from poterne.report import Machine

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has netlink")
_NEWADDR, _NEWROUTE, _NEWNEIGH, _NEWLINK = 20, 24, 28, 16


def attribute(kind: int, data: bytes) -> bytes:
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + bytes(-length % 4)


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def address_message(local: str, prefix: int, peer: str | None = None, index: int = 2) -> Message:
    head = struct.pack("=BBBBI", family(local), prefix, 0, 0, index)
    body = attribute(1, packed(peer or local))
    return Message(_NEWADDR, head + body + ((attribute(2, packed(local))) if ":" not in local or peer else b""))


def route_message(gateway: str | None, source: str, *, index: int = 1, kind: int = 1, via: bool = False) -> Message:
    head = struct.pack("=BBBBBBBBI", family(source), 32, 0, 0, 254, 3, 0, kind, 0)
    body = attribute(4, struct.pack("=I", index)) + attribute(7, packed(source))
    if gateway and via:
        body += attribute(18, struct.pack("=H", family(gateway)) + packed(gateway))
    elif gateway:
        body += attribute(5, packed(gateway))
    return Message(_NEWROUTE, head + body)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[Message]]:
    """What the kernel answers, by the type of the answer."""
    answers: dict[int, list[Message]] = {}
    monkeypatch.setattr(machine, "_ask", lambda kind, flags, body: iter(answers.get(kind - 2, [])))
    monkeypatch.setattr(socket, "if_indextoname", lambda index: f"eth{index}")
    return answers


# ---- what is told of this machine


@linux
def test_addresses_and_networks_of_all_interfaces(kernel: dict[int, list[Message]]) -> None:
    kernel[_NEWADDR] = [
        address_message("127.0.0.1", 8),
        address_message("::1", 128),
        address_message("192.168.1.7", 24),
        address_message("172.17.0.1", 16, index=3),
        address_message("fd12::7", 64),
        address_message("fe80::7", 64),
        address_message("169.254.3.4", 16),
        address_message("203.0.113.9", 32),
        address_message("2001:db8::9", 128),
        address_message("10.8.0.6", 32, peer="10.8.0.5"),
        address_message("192.168.1.7", 24, index=4),
        Message(99, b"another message"),
    ]
    found = machine.look()
    assert found.addresses == (
        "192.168.1.7", "172.17.0.1", "fd12::7", "fe80::7", "169.254.3.4", "203.0.113.9", "2001:db8::9", "10.8.0.6",
    )  # fmt: skip
    assert found.networks == ("192.168.1.0/24", "172.17.0.0/16", "fd12::/64", "10.8.0.5/32")


@linux
@pytest.mark.parametrize("via", [False, True])
def test_gateways_are_told_without_zones(kernel: dict[int, list[Message]], via: bool) -> None:
    kernel[_NEWROUTE] = [route_message("fe80::1", "2001:db8::9", via=via)]
    assert machine.look().gateways == ("fe80::1",)
    assert machine.gateway(6) == "fe80::1%eth1"
    kernel[_NEWROUTE] = [route_message("192.168.1.1", "192.168.1.7", via=via)]
    assert machine.look().gateways == ("192.168.1.1",)
    assert machine.gateway(4) == "192.168.1.1"


@linux
def test_a_tunnel_has_no_gateway_and_no_key(kernel: dict[int, list[Message]]) -> None:
    kernel[_NEWROUTE] = [route_message(None, "10.8.0.6")]
    assert machine.look().gateways == ()
    assert machine.gateway(4) is None
    assert machine.network_key() is None


@linux
@pytest.mark.parametrize("kind", [0, 2, 6, 7, 8])
def test_no_way_leads_nowhere(kernel: dict[int, list[Message]], kind: int) -> None:
    """Unspecified, local, blackhole, unreachable, prohibit: no router leads there (rtnetlink(7))."""
    kernel[_NEWROUTE] = [route_message("192.168.1.1", "192.168.1.7", kind=kind)]
    assert machine.route("192.0.2.1") is None


@linux
def test_a_key_changes_with_the_network(kernel: dict[int, list[Message]]) -> None:
    def key(source: str, link_layer: bytes | None, index: int = 1) -> str | None:
        kernel[_NEWROUTE] = [route_message("192.168.1.1", source, index=index)]
        attributes = attribute(1, packed("192.168.1.1")) + (attribute(2, link_layer) if link_layer else b"")
        kernel[_NEWNEIGH] = [Message(_NEWNEIGH, struct.pack("=BxxxiHBB", 2, index, 2, 0, 1) + attributes)]
        return machine.network_key()

    usual = key("192.168.1.7", b"\2\0\0\0\0\1")
    assert usual is not None
    assert usual == key("192.168.1.7", b"\2\0\0\0\0\1")
    others = {
        key("192.168.1.8", b"\2\0\0\0\0\1"),
        key("192.168.1.7", b"\2\0\0\0\0\2"),
        key("192.168.1.7", b"\2\0\0\0\0\1", index=2),
    }
    assert len(others | {usual}) == 4
    assert key("192.168.1.7", None) is None
    assert "0200" not in usual
    assert "192.168" not in usual


class Place:
    """Where this machine is, as its kernel tells: a way by each family, the routers' link-layer addresses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kernel: dict[int, list[Message]]) -> None:
        self.interface = "eth1"
        self.sources: dict[int, str] = {4: "192.168.1.7", 6: "2001:db8:1:2:a::7"}
        self.gateways: dict[int, str | None] = {4: "192.168.1.1", 6: "fe80::1"}
        self.link_layer: dict[str | None, str] = {"192.168.1.1": "020000000001", "fe80::1": "020000000001"}
        self.prefix = 24
        self._kernel = kernel
        monkeypatch.setattr(machine, "route", self._route)
        monkeypatch.setattr(machine, "neighbour", lambda address, index: self.link_layer.get(address))

    def _route(self, address: str) -> Route | None:
        version = ipaddress.ip_address(address).version
        if version not in self.sources:
            return None
        return Route(self.interface, 1, self.gateways[version], self.sources[version])

    def names(self) -> machine.NetworkNames:
        own = [address_message(source, self.prefix if ":" not in source else 128) for source in self.sources.values()]
        self._kernel[_NEWADDR] = [address_message("172.17.0.1", 16), *own]
        return machine.network_names("s" * 32)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, kernel: dict[int, list[Message]]) -> Place:
    return Place(monkeypatch, kernel)


@linux
def test_a_network_keeps_its_name_while_our_addresses_change(place: Place) -> None:
    usual = place.names()
    assert usual.now is not None
    assert usual.before is not None
    assert len({usual.now, usual.before, machine.network_key(), machine.network_identity()}) == 4
    befores: set[str | None] = {usual.before}
    for version, source in ((4, "192.168.1.8"), (6, "2001:db8:1:2:b::8"), (6, "2001:db8:9:9:b::8")):
        place.sources[version] = source
        moved = place.names()
        assert moved.now == usual.now
        befores.add(moved.before)
    place.interface = "wlan0"
    assert place.names().now == usual.now
    assert len(befores | {place.names().before}) == 5, "the strict key changes with each"
    del place.sources[6]
    assert place.names().now == usual.now


@linux
def test_another_router_or_prefix_is_another_network(place: Place) -> None:
    names = {place.names().now}
    place.link_layer["192.168.1.1"] = "020000000002"
    names.add(place.names().now)
    place.sources[4] = "192.168.2.7"
    names.add(place.names().now)
    place.prefix = 16
    names.add(place.names().now)
    assert None not in names
    assert len(names) == 4


@linux
def test_a_network_of_ipv6_alone_goes_by_its_prefix(place: Place) -> None:
    """Whether the address came with one (SLAAC) or alone (DHCPv6)."""
    del place.sources[4]
    usual = place.names()
    place.sources[6] = "2001:db8:1:2:b::8"
    assert place.names().now == usual.now is not None
    assert place.names().before != usual.before
    place.sources[6] = "2001:db8:1:3:a::7"
    assert place.names().now not in (None, usual.now)


@linux
def test_an_address_alone_is_no_prefix(place: Place) -> None:
    place.prefix = 32
    usual = place.names()
    place.sources[4] = "203.0.113.9"
    assert place.names().now == usual.now is not None


@linux
def test_a_network_whose_router_cannot_be_told_has_no_name(place: Place) -> None:
    """A tunnel by IPv4 makes another network of the one that IPv6 goes through."""
    place.gateways[4] = None
    assert place.names() == (None, None)
    place.gateways[4] = "192.168.1.1"
    del place.link_layer["192.168.1.1"]
    assert place.names() == (None, None)
    place.sources.clear()
    assert place.names() == (None, None)


@linux
def test_only_a_link_with_addresses_has_neighbours(kernel: dict[int, list[Message]]) -> None:
    def link(flags: int) -> bool:
        kernel[_NEWLINK] = [Message(_NEWLINK, struct.pack("=BxHiII", 0, 1, 1, flags, 0))]
        return machine.has_neighbours(1)

    assert link(0x1003)
    assert not link(0x1003 | 0x10)
    assert not link(0x1003 | 0x80)
    kernel.clear()
    assert not machine.has_neighbours(1)


@linux
@pytest.mark.parametrize(
    ("gateway", "flags", "own", "target", "leads"),
    [
        ("192.168.1.1", 0x1003, address_message("192.168.1.7", 24), "203.0.113.5", True),
        (None, 0x1003, address_message("192.168.1.7", 24), "192.168.1.9", False),
        (None, 0x1003 | 0x10, address_message("10.8.0.6", 32, peer="10.8.0.5"), "203.0.113.5", True),
        (None, 0x1003 | 0x10, address_message("10.8.0.6", 32, peer="10.8.0.5"), "10.8.0.5", False),
        (None, 0x1003 | 0x80, address_message("10.8.0.6", 24), "10.8.0.9", False),
    ],
)
def test_a_tunnel_leads_out_without_a_gateway(
    kernel: dict[int, list[Message]], *, gateway: str | None, flags: int, own: Message, target: str, leads: bool
) -> None:
    kernel[_NEWADDR] = [own]
    kernel[_NEWROUTE] = [route_message(gateway, "10.8.0.6")]
    kernel[_NEWLINK] = [Message(_NEWLINK, struct.pack("=BxHiII", 0, 1, 1, flags, 0))]
    assert machine.leads_out(target) is leads
    kernel.clear()
    assert not machine.leads_out(target)


# ---- the real kernel


def test_this_machine_is_told_without_raising() -> None:
    found = machine.look()
    assert not {"127.0.0.1", "::1"} & set(found.addresses)
    for network in found.networks:
        assert network.partition("/")[0] not in found.addresses or ipaddress.ip_network(network).num_addresses > 1
    for address in (*found.addresses, *found.gateways):
        assert "%" not in address
        ipaddress.ip_address(address)
    key = machine.network_key()
    assert key is None or key == machine.network_key()


@linux
def test_the_speaking_address_is_one_of_them() -> None:
    for version in (4, 6):
        address = machine.source_address(version)
        assert address is None or address in machine.look().addresses


@linux
def test_the_way_to_oneself_is_no_way_out() -> None:
    assert machine.route("127.0.0.1") is None
    assert machine.route("no address") is None
    assert machine.neighbour("no address", 1) is None
    assert machine.neighbour("192.0.2.1", 1) is None


def test_the_ways_of_this_machine_are_told_without_raising() -> None:
    assert machine.has_route("127.0.0.1", 4) is True
    assert machine.source_address(4) != "127.0.0.1"
    assert machine.source_address(6) != "::1"
    assert machine.has_route("fe80::1%no-such-device", 6) is False


def test_elsewhere_there_are_the_speaking_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        platform = "win32"

    monkeypatch.setattr(machine, "sys", Elsewhere)
    monkeypatch.setattr(machine, "source_address", lambda version: "192.0.2.99" if version == 4 else None)
    assert machine.look() == Machine(addresses=("192.0.2.99",))
    assert machine.network_key() is None
    assert machine.network_names("s" * 32) == (None, None)
    assert machine.gateway(4) is None


def test_a_kernel_that_refuses_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> socket.socket:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refuse)
    assert machine.look() == Machine()
    assert machine.network_key() is None
    assert machine.source_address(4) is None
    assert machine.route("192.0.2.1") is None


# ---- any bytes


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_passed_over(data: bytes) -> None:
    for message, _ in machine.messages(data):
        assert len(message.body) <= len(data)
    found = machine.parse_address(data)
    assert found is None or len(found) == 2
    way = machine.parse_route(data)
    assert way is None or isinstance(way, Route)


@given(st.lists(st.tuples(st.integers(16, 100), st.binary(max_size=40), st.booleans()), max_size=5))
def test_messages_are_read_back(parts: list[tuple[int, bytes, bool]]) -> None:
    wire = b""
    for kind, body, multi in parts:
        wire += struct.pack("=IHHII", 16 + len(body), kind, 2 if multi else 0, 1, 0) + body + bytes(-len(body) % 4)
    assert list(machine.messages(wire)) == [(Message(kind, body), multi) for kind, body, multi in parts]

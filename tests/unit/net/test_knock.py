import asyncio
import errno
import socket
import sys
from typing import Any

import pytest
from tests.unit.core_servers import Server, free_port
from tests.unit.net.test_connect import FAMILIES, LOOPBACK, descriptors, place, silence

from poterne.net import gate as dial
from poterne.net import icmp, machine
from poterne.net.gate import Gate
from poterne.net.icmp import IcmpError
from poterne.policy import Allow, Policy
from poterne.report import Endpoint, Family, Hop, Machine

__all__ = ["silence"]

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has an error queue")


@linux
@pytest.mark.parametrize("family", FAMILIES)
async def test_loopback_opens_at_the_first_hop_and_is_closed_at_once(family: Family) -> None:
    with Server(lambda peer: peer.drain(), family) as server:
        before = descriptors()
        hop = await Gate(Policy()).knock(place(family, server.port), 1, patience=2.0)
        assert hop == Hop(hop=1, address=LOOPBACK[family], answer="open")
        await asyncio.sleep(0.05)
        (peer,) = server.peers
        assert peer.received == b""
    assert descriptors() <= before


@linux
@pytest.mark.parametrize("family", FAMILIES)
async def test_a_reset_names_nobody(family: Family) -> None:
    holder, port = free_port(family)
    with holder:
        hop = await Gate(Policy()).knock(place(family, 25), 3, port=port, patience=2.0)
    assert hop == Hop(hop=3, answer="refused")


@linux
async def test_silence_ends_by_patience(silence: Endpoint) -> None:
    before = descriptors()
    assert await Gate(Policy()).knock(silence, 2, patience=0.05) == Hop(hop=2, answer="silent")
    assert descriptors() == before


@linux
async def test_cancelling_a_knock_closes_it(silence: Endpoint) -> None:
    before = descriptors()
    knocking = asyncio.create_task(Gate(Policy()).knock(silence, 2, patience=5.0))
    await asyncio.sleep(0.05)
    knocking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await knocking
    assert descriptors() == before


@linux
@pytest.mark.parametrize("family", FAMILIES)
async def test_the_packet_may_travel_so_many_hops(monkeypatch: pytest.MonkeyPatch, family: Family) -> None:
    seen: list[int] = []

    async def connect(sock: socket.socket, _: object) -> None:
        level, option = (
            (socket.IPPROTO_IP, socket.IP_TTL) if family == 4 else (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
        )
        seen.append(sock.getsockopt(level, option))
        raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    for hops in (1, 7, 24):
        await Gate(Policy()).knock(place(family, 25), hops, patience=1.0)
    assert seen == [1, 7, 24]


@linux
@pytest.mark.parametrize(
    ("number", "reported", "expected"),
    [
        (errno.EHOSTUNREACH, IcmpError(4, 11, 0, "192.0.2.9"), Hop(hop=5, address="192.0.2.9", answer="time-exceeded")),
        (
            errno.EHOSTUNREACH,
            IcmpError(6, 3, 0, "2001:db8::9"),
            Hop(hop=5, address="2001:db8::9", answer="time-exceeded"),
        ),
        (errno.EHOSTUNREACH, IcmpError(4, 3, 13, "192.0.2.9"), Hop(hop=5, address="192.0.2.9", answer="prohibited")),
        (errno.ECONNREFUSED, IcmpError(4, 3, 3, "192.0.2.9"), Hop(hop=5, address="192.0.2.9", answer="prohibited")),
        (errno.EHOSTUNREACH, IcmpError(4, 3, 1, "192.0.2.9"), Hop(hop=5, address="192.0.2.9", answer="prohibited")),
        (errno.EHOSTUNREACH, IcmpError(4, 3, 1, "192.0.2.77"), Hop(hop=5, answer="silent")),
        (errno.EHOSTUNREACH, IcmpError(4, 3, 13, "192.0.2.77"), Hop(hop=5, address="192.0.2.77", answer="prohibited")),
        (errno.ECONNREFUSED, None, Hop(hop=5, answer="refused")),
        (errno.ECONNRESET, None, Hop(hop=5, answer="refused")),
        (errno.EACCES, None, Hop(hop=5, answer="prohibited")),
        (errno.EPERM, None, Hop(hop=5, answer="prohibited")),
        (errno.ETIMEDOUT, None, Hop(hop=5, answer="silent")),
        (errno.ENETUNREACH, None, None),
        (errno.EADDRNOTAVAIL, None, None),
    ],
)
async def test_every_answer_has_its_name(
    monkeypatch: pytest.MonkeyPatch, number: int, reported: IcmpError | None, expected: Hop | None
) -> None:
    async def connect(sock: socket.socket, _: object) -> None:
        raise OSError(number, "failed")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    monkeypatch.setattr(icmp, "take", lambda _: reported)
    monkeypatch.setattr(machine, "look", lambda: Machine(addresses=("192.0.2.77",)))
    before = descriptors()
    assert await Gate(Policy()).knock(place(4, 25), 5, patience=1.0) == expected
    assert descriptors() == before


@linux
async def test_a_connect_that_only_looks_open_is_asked_for_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(sock: socket.socket, _: object) -> None:
        return

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connect)
    monkeypatch.setattr(icmp, "take", lambda _: IcmpError(4, 11, 0, "192.0.2.9"))
    hop = await Gate(Policy()).knock(place(4, 25), 2, patience=1.0)
    assert hop == Hop(hop=2, address="192.0.2.9", answer="time-exceeded")


async def test_what_is_denied_is_not_knocked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_: Any) -> socket.socket:
        raise AssertionError

    monkeypatch.setattr(socket, "socket", no_socket)
    gate = Gate(Policy(allow=Allow(deny_networks=("127.0.0.0/8",))))
    assert await gate.knock(place(4, 25), 1, patience=1.0) is None
    assert await gate.refused_here(place(4, 25)) is None


async def test_elsewhere_than_on_linux_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        platform = "darwin"

    monkeypatch.setattr(dial, "sys", Elsewhere)
    assert await Gate(Policy()).knock(place(4, 25), 1, patience=1.0) is None
    assert await Gate(Policy()).refused_here(place(4, 25)) is None


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_reset_on_the_link_proves_nothing_about_this_machine(family: Family) -> None:
    holder, port = free_port(family)
    with holder:
        assert await Gate(Policy()).refused_here(place(family, port)) is None


@linux
@pytest.mark.parametrize("neighbours", [True, False])
async def test_a_device_that_cannot_be_bound_or_is_a_tunnel_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, neighbours: bool
) -> None:
    holder, port = free_port(4)
    monkeypatch.setattr(
        machine, "route", lambda _: machine.Route("no-such-device" if neighbours else "lo", 1, "192.0.2.1", None)
    )
    monkeypatch.setattr(machine, "has_neighbours", lambda _: neighbours)
    with holder:
        assert await Gate(Policy()).refused_here(place(4, port)) is None


@linux
@pytest.mark.parametrize("known", [[None, None], [None, "020000000001"], ["020000000001"]])
async def test_a_reset_counts_only_while_nobody_gives_a_link_layer_address(
    monkeypatch: pytest.MonkeyPatch, known: list[str | None]
) -> None:
    holder, port = free_port(4)
    expected = True if known == [None, None] else None
    monkeypatch.setattr(machine, "route", lambda _: machine.Route("lo", 1, "192.0.2.1", None))
    monkeypatch.setattr(machine, "has_neighbours", lambda _: True)
    monkeypatch.setattr(machine, "neighbour", lambda *_: known.pop(0))
    with holder:
        assert await Gate(Policy()).refused_here(place(4, port)) is expected
    assert not known

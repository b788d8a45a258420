import asyncio
import errno
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from tests.unit.core_servers import Server, free_port

from poterne.demo.sockets import SilenceUnavailableError, silent
from poterne.knowledge import timing as timings
from poterne.knowledge.timing import ConnectTiming
from poterne.net.gate import Connection, Failure, Gate
from poterne.policy import Policy
from poterne.report import Endpoint, Family

FAMILIES: tuple[Family, ...] = (4, 6)
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def place(family: Family, port: int) -> Endpoint:
    return Endpoint(
        id="o1", host="x.example", address=LOOPBACK[family], family=family, port=port, service="smtp", asked="starttls"
    )


QUICK_CONNECT = ConnectTiming((0.0, 0.1, 0.2), 0.25, 0.4)


def _gate() -> Gate:
    """A gate that soon gives up."""
    return Gate(Policy(), timing=replace(timings.usual(), connect=QUICK_CONNECT))


@pytest.fixture(params=FAMILIES)
def silence(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    family: Family = request.param
    try:
        port = silent(family)
    except SilenceUnavailableError as error:
        pytest.skip(str(error))
    yield place(family, port.port)
    port.close()


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system does not list a process's file descriptors")
    return len(os.listdir(folder))  # noqa: PTH208


@pytest.mark.parametrize("family", FAMILIES)
async def test_an_open_port(family: Family) -> None:
    calls: list[None] = []
    with Server(lambda peer: peer.drain(), family) as server:
        result = await _gate().connect(place(family, server.port), on_silence=lambda: calls.append(None))
        assert isinstance(result, Connection)
        assert result.attempts == 1
        assert 0 <= result.connect_ms < 500
        assert result.sock.getpeername()[:2] == (LOOPBACK[family], server.port)
        result.sock.close()
        await asyncio.sleep(0.05)
        assert len(server.peers) == 1
    assert calls == []


@pytest.mark.parametrize("family", FAMILIES)
async def test_the_port_may_be_replaced(family: Family) -> None:
    with Server(lambda peer: peer.drain(), family) as server:
        result = await _gate().connect(place(family, 25), port=server.port)
        assert isinstance(result, Connection)
        result.sock.close()


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_closed_port_is_refused_at_once(family: Family) -> None:
    holder, port = free_port(family)
    with holder:
        started = time.monotonic()
        result = await _gate().connect(place(family, port))
    assert isinstance(result, Failure)
    assert (result.state, result.error, result.reporter, result.attempts) == ("refused", "ECONNREFUSED", None, 1)
    assert time.monotonic() - started < 0.4


async def test_silence_is_told_once_and_ends_in_time(silence: Endpoint) -> None:
    told: list[float] = []
    started = time.monotonic()
    result = await _gate().connect(silence, on_silence=lambda: told.append(time.monotonic() - started))
    took = time.monotonic() - started
    assert isinstance(result, Failure)
    assert (result.state, result.reporter, result.attempts) == ("no-answer", None, 3)
    assert len(told) == 1
    assert QUICK_CONNECT.provisional <= told[0] < QUICK_CONNECT.provisional + 0.1
    assert QUICK_CONNECT.give_up <= took < QUICK_CONNECT.give_up + 0.2


async def test_another_schedule_may_be_asked_for(silence: Endpoint) -> None:
    told: list[float] = []
    started = time.monotonic()
    hurry = ConnectTiming((0.0, 0.1), 0.3, 0.3)
    result = await _gate().connect(silence, schedule=hurry, on_silence=lambda: told.append(time.monotonic() - started))
    assert isinstance(result, Failure)
    assert (result.state, result.attempts) == ("no-answer", 2)
    assert hurry.give_up * 1000 <= result.elapsed_ms < timings.usual().schedule("gateway").give_up * 1000
    assert len(told) == 1


async def test_an_attempt_may_be_given_up_before_the_last(silence: Endpoint) -> None:
    started = time.monotonic()
    result = await _gate().connect(silence, schedule=ConnectTiming((0.0, 0.1), 0.2, 0.6, patience=0.15))
    assert isinstance(result, Failure)
    assert (result.state, result.attempts) == ("no-answer", 2)
    assert 0.6 <= time.monotonic() - started < 2.0


@pytest.mark.parametrize("name", get_args(timings.Schedule))
def test_schedules_are_in_order(name: timings.Schedule) -> None:
    found = timings.usual().schedule(name)
    assert list(found.attempts) == sorted(found.attempts)
    assert found.attempts[0] == 0
    assert found.attempts[-1] < found.give_up
    assert found.provisional <= found.give_up


def test_each_schedule_has_its_purpose() -> None:
    usual = timings.usual()
    assert usual.gateway.give_up < usual.connect.give_up < usual.again.give_up


async def test_silence_leaves_no_socket(silence: Endpoint) -> None:
    before = descriptors()
    await _gate().connect(silence)
    assert descriptors() == before


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.15, 0.3])
async def test_cancelling_closes_every_attempt(silence: Endpoint, moment: float) -> None:
    before = descriptors()
    dialling = asyncio.create_task(_gate().connect(silence))
    await asyncio.sleep(moment)
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    assert descriptors() == before
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_later_attempt_reaches_a_server_that_lost_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    tries: list[socket.socket] = []

    async def lossy(sock: socket.socket, address: object) -> None:
        tries.append(sock)
        if len(tries) == 1:
            await asyncio.sleep(10)
        await connect(sock, address)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "sock_connect", lossy)
    with Server(lambda peer: peer.drain()) as server:
        before = descriptors()
        result = await _gate().connect(place(4, server.port))
        assert isinstance(result, Connection)
        assert result.attempts == 2
        assert result.connect_ms < 90
        result.sock.close()
        assert tries[0].fileno() == -1
        await asyncio.sleep(0.1)
        assert len(server.peers) == 1
    assert descriptors() <= before


async def test_the_kernel_may_give_up_before_we_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """ETIMEDOUT is the kernel's word for silence: it may come early (tcp_syn_retries), and decides nothing."""
    loop = asyncio.get_running_loop()

    async def expired(sock: socket.socket, address: object) -> None:
        await asyncio.sleep(0.01)
        raise TimeoutError(errno.ETIMEDOUT, "expired")

    monkeypatch.setattr(loop, "sock_connect", expired)
    result = await _gate().connect(place(4, 25))
    assert isinstance(result, Failure)
    assert (result.state, result.attempts) == ("no-answer", 3)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ECONNRESET, "reset"),
        (errno.EACCES, "prohibited"),
        (errno.EPERM, "prohibited"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ENETUNREACH, "unreachable"),
        (errno.EMFILE, "error"),
    ],
)
async def test_every_cause_has_its_state(monkeypatch: pytest.MonkeyPatch, number: int, state: str) -> None:
    loop = asyncio.get_running_loop()

    async def failing(sock: socket.socket, address: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(loop, "sock_connect", failing)
    before = descriptors()
    result = await _gate().connect(place(4, 25))
    assert isinstance(result, Failure)
    assert (result.state, result.error, result.reporter) == (state, errno.errorcode[number], None)
    assert descriptors() == before


async def test_a_family_that_this_machine_lacks_is_an_observation_and_no_crash() -> None:
    endpoint = place(6, 25).model_copy(update={"address": "fe80::1%no-such-device"})
    result = await _gate().connect(endpoint)
    assert isinstance(result, Failure)
    assert result.state in ("unreachable", "error")

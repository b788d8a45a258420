import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.unit.core_certificates import HOST, pki
from tests.unit.core_dns import NameServer
from tests.unit.core_scripts import saying, smtp
from tests.unit.core_servers import Peer, Server
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import events, mapped, policy, report, roots_file

from poterne.check import check
from poterne.report import ObservationEvent, Options, Request


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poterne.check.surroundings.source_address", lambda family: "192.0.2.99")


async def test_leaving_in_the_middle_ends_every_probe_and_task(tmp_path: Path) -> None:
    with Server(Peer.drain) as mute, Server(smtp(pki().good)) as good:
        entries = mapped(HOST, p25=mute, p587=good, p465=mute, p143=mute)
        rules = policy(tmp_path, connect_to=entries, roots=roots_file())
        before = asyncio.all_tasks()
        async with aclosing(
            check(Request(target=HOST, options=Options(family=4, ports=(25, 587, 465, 143))), rules, QUICK)
        ) as run:
            async for event in run:
                if isinstance(event, ObservationEvent) and not event.observation.provisional:
                    break
            started = time.monotonic()
        assert time.monotonic() - started < 0.5
        assert asyncio.all_tasks() == before
        mute.settle(1)
        assert all(peer.left_at is not None for peer in mute.peers)


async def test_leaving_does_not_wait_for_a_server_that_never_hangs_up(
    tmp_path: Path,
) -> None:
    timing = timed(dialogue={"farewell": 1.0, "greeting": 20.0})

    def clinging(peer: Peer) -> None:
        saying(b"220 ESMTP\r\n", b"250 x\r\n")(peer)

    with Server(clinging) as good, Server(Peer.drain) as mute:
        rules = policy(tmp_path, connect_to=mapped(HOST, p25=mute, p587=good))
        async with aclosing(
            check(Request(target=HOST, options=Options(family=4, ports=(25, 587))), rules, timing)
        ) as run:
            async for event in run:
                if isinstance(event, ObservationEvent) and not event.observation.provisional:
                    break
            started = time.monotonic()
        assert time.monotonic() - started < 0.6


@pytest.mark.parametrize("target", ["slow.example", "me@slow.example", "slow.example:25"])
async def test_leaving_while_names_are_looked_up_leaves_no_task(tmp_path: Path, target: str) -> None:
    with NameServer({("*", "*"): "SILENT"}) as names:
        rules = policy(tmp_path, resolver=names.place)
        before = asyncio.all_tasks()
        running = asyncio.create_task(events(target, rules))
        await asyncio.sleep(0.1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == before


async def test_a_tarpit_ends_with_the_budget(tmp_path: Path) -> None:
    names = ("greeting", "reply", "suspicion", "suspicion_relay")
    timing = timed(dialogue={**dict.fromkeys(names, 60.0), "farewell": 1.0})

    def tarpit(peer: Peer) -> None:
        peer.send(b"220-slowly\r\n" * 1000, chunk=1, pause=0.05)

    def late(peer: Peer) -> None:
        peer.sleep(1.6)
        saying(b"220 ESMTP\r\n", b"250 x\r\n")(peer)

    with Server(tarpit) as slow, Server(late) as clinging:
        rules = policy(tmp_path, connect_to=mapped(HOST, p25=slow, p587=clinging))
        started = time.monotonic()
        found = await report(HOST, rules, timing=timing, family=4, ports=(25, 587), budget=2.0)
        took = time.monotonic() - started
    assert took <= 2.1
    assert found.elapsed_ms <= 2000
    assert {o.state for o in found.observations} == {"open"}
    assert found.verdict.severity == "blocker"


async def test_names_that_never_come_end_with_the_budget(tmp_path: Path) -> None:
    timing = timed(names={"answer": 60.0, "patience": 60.0})
    with NameServer({("*", "*"): "SILENT"}) as names:
        started = time.monotonic()
        found = await report("me@slow.example", policy(tmp_path, resolver=names.place), timing=timing, budget=1.0)
    assert time.monotonic() - started < 1.4
    assert found.verdict.severity == "blocker"


@pytest.mark.parametrize("how", ["moved", "slept"])
async def test_a_machine_that_is_elsewhere_at_the_end_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The clock that counts sleep, and the source addresses, as they are while the server still thinks."""
    nap = 0.0
    address = "192.0.2.99"

    def disturb(peer: Peer) -> None:
        nonlocal nap, address
        if how == "slept":
            nap = 60.0
        else:
            address = "198.51.100.99"
        peer.reset()

    monkeypatch.setattr("poterne.check.surroundings.source_address", lambda family: address)
    monkeypatch.setattr("poterne.net.machine.slept", lambda: nap)
    with Server(disturb) as server:
        rules = policy(tmp_path, connect_to=mapped(HOST, p587=server))
        found = await report(f"{HOST}:587", rules, family=4, budget=3.0)
    assert found.disturbed == how
    assert found.verdict.code == "network-changed"

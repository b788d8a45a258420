import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import cast

import pytest
from tests.unit.core_servers import Server, free_port
from tests.unit.core_timing import timed
from tests.unit.net.test_connect import FAMILIES, LOOPBACK, descriptors, place

from poterne.knowledge import timing as timings
from poterne.knowledge.timing import Timing
from poterne.net.gate import Gate
from poterne.policy import Policy
from poterne.probe import trace as tracing
from poterne.probe.trace import trace
from poterne.report import Endpoint, Family, Hop

FAILING, WORKING = 25, 587
QUICK = timed(trace={"interval": 0.002, "hold": 0.06, "patience": 0.1, "whole": 0.8})
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has an error queue")


def endpoint(port: int) -> Endpoint:
    return place(4, port).model_copy(update={"address": "203.0.113.9"})


@dataclass
class Road:
    """Routers 192.0.2.1, 192.0.2.2, … to a target: what the packet that may go so many hops gets, by port. Each answer
    takes `delay` seconds a hop; `limits` says how often a router answers altogether.
    """

    distance: int
    stops: dict[int, tuple[int, str]] = field(default_factory=dict)
    delay: float = 0.0
    limits: dict[int, int] = field(default_factory=dict)
    lost: set[tuple[int, int]] = field(default_factory=set)
    mute: set[int] = field(default_factory=set)
    here: bool | None = None
    broken: bool = False
    knocks: Counter[tuple[int, int]] = field(default_factory=Counter)
    under_way: int = 0
    timing: Timing = QUICK

    async def knock(self, target: Endpoint, hops: int, *, port: int | None = None, patience: float) -> Hop | None:
        number = port or target.port
        self.knocks[number, hops] += 1
        self.under_way += 1
        try:
            answer = self._answer(number, hops, self.knocks[number, hops])
            if self.broken:
                return None
            await asyncio.sleep(patience if answer.answer == "silent" else self.delay * min(hops, self.distance))
            return answer
        finally:
            self.under_way -= 1

    def _answer(self, port: int, hops: int, count: int) -> Hop:
        silent = Hop(hop=hops, answer="silent")
        stop, how = self.stops.get(port, (self.distance, "open"))
        if hops >= stop:
            return silent if how == "silent" else Hop.model_validate({"hop": hops, "answer": how})
        if hops in self.mute or ((port, hops) in self.lost and count == 1):
            return silent
        if hops in self.limits:
            if self.limits[hops] == 0:
                return silent
            self.limits[hops] -= 1
        return Hop(hop=hops, address=f"192.0.2.{hops}", answer="time-exceeded")

    async def refused_here(self, target: Endpoint, *, port: int | None = None) -> bool | None:
        return self.here

    def asked(self, port: int) -> int:
        return max(hops for number, hops in self.knocks if number == port)


async def walk(road: Road, *, alone: bool = False, seconds: float = 10.0) -> tracing.TracePair | None:
    working = None if alone else endpoint(WORKING)
    deadline = asyncio.get_running_loop().time() + seconds
    pair = await trace(cast(Gate, road), endpoint(FAILING), working, deadline=deadline)
    assert road.under_way == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return pair


def shown(hops: tuple[Hop, ...]) -> str:
    """t: time-exceeded, o: open, and so on; with the number of a hop that is not where it should be."""
    start = hops[0].hop if hops else 1
    return "".join(hop.answer[0] if hop.hop == start + n else str(hop.hop) for n, hop in enumerate(hops))


async def both(road: Road, *, alone: bool = False) -> tuple[str, str]:
    pair = await walk(road, alone=alone)
    assert pair is not None
    return shown(pair.failing), shown(pair.working)


async def test_two_ports_that_open() -> None:
    assert await both(Road(5)) == ("tttto", "tttto")


@pytest.mark.parametrize("block", [1, 2, 4, 5])
async def test_silence_begins_somewhere(block: int) -> None:
    road = Road(5, {FAILING: (block, "silent")})
    assert await both(road) == ("t" * (block - 1) + "s" * (6 - block), "tttto")
    assert {road.knocks[FAILING, hop] for hop in range(block, 6)} == {2}


@pytest.mark.parametrize("answer", ["refused", "prohibited", "open"])
@pytest.mark.parametrize("block", [1, 3, 5])
async def test_a_path_ends_where_it_is_answered(block: int, answer: str) -> None:
    road = Road(5, {FAILING: (block, answer)})
    assert await both(road) == ("t" * (block - 1) + answer[0], "tttto")
    assert road.asked(FAILING) <= block + 2


async def test_routers_are_named() -> None:
    pair = await walk(Road(3))
    assert pair is not None
    assert [hop.address for hop in pair.working] == ["192.0.2.1", "192.0.2.2", None]


async def test_the_failing_path_is_no_longer_than_the_working_one() -> None:
    assert await both(Road(9, {WORKING: (3, "open")})) == ("ttt", "tto")


async def test_without_a_working_port_the_path_ends_behind_the_last_answer() -> None:
    road = Road(9, {FAILING: (4, "silent")})
    assert await both(road, alone=True) == ("tttssss", "")
    assert road.asked(FAILING) == 7


async def test_without_a_working_port_mute_routers_are_passed() -> None:
    assert await both(Road(7, mute={2, 3, 4}), alone=True) == ("tssstto", "")


async def test_a_working_port_that_opens_no_more() -> None:
    road = Road(3, {FAILING: (2, "silent"), WORKING: (3, "silent")})
    pair = await walk(road)
    assert pair is not None
    assert shown(pair.failing) == "tssss"
    assert shown(pair.working)[:2] == "tt"


async def test_mute_routers_do_not_end_a_path() -> None:
    assert await both(Road(8, {FAILING: (8, "silent")}, mute={2, 3, 4, 5, 6})) == ("tssssst" + "s", "tssssst" + "o")


async def test_what_was_lost_is_asked_again() -> None:
    road = Road(4, lost={(FAILING, 1), (WORKING, 2), (FAILING, 3)})
    assert await both(road) == ("ttto", "ttto")


async def test_a_router_that_limits_its_answers_accuses_nobody() -> None:
    """It answered the working port, and would not have answered the failing one anyway."""
    pair = await walk(Road(4, {FAILING: (3, "silent")}, limits={1: 1, 2: 9}))
    assert pair is not None
    assert shown(pair.failing) == "stss"
    pair = await walk(Road(4, {FAILING: (2, "silent")}, limits={1: 1}))
    assert pair is not None
    assert shown(pair.failing) == "ssss"
    assert shown(pair.working) == "stto"


async def test_a_router_that_answers_once_more_is_believed() -> None:
    road = Road(4, {FAILING: (1, "silent")}, limits={1: 2})
    assert await both(road) == ("ssss", "ttto")
    assert road.knocks[WORKING, 1] == 2
    assert road.knocks[WORKING, 4] == 1


async def test_few_connections_open_at_a_far_target() -> None:
    road = Road(6, {FAILING: (2, "silent")}, delay=0.008)
    assert await both(road) == ("tsssss", "ttttto")
    opened = sum(count for (port, hops), count in road.knocks.items() if port == WORKING and hops >= 6)
    assert 1 <= opened <= QUICK.trace.ahead


@pytest.mark.parametrize(("here", "expected"), [(True, [0, 1]), (False, [1]), (None, [1])])
async def test_a_reset_that_this_machine_gives_stands_in_front(here: bool | None, expected: list[int]) -> None:
    pair = await walk(Road(5, {FAILING: (1, "refused")}, here=here))
    assert pair is not None
    assert [hop.hop for hop in pair.failing] == expected
    assert {hop.answer for hop in pair.failing} == {"refused"}


async def test_a_reset_from_farther_away_is_not_this_machines() -> None:
    assert await both(Road(5, {FAILING: (2, "refused")}, here=True)) == ("tr", "tttto")


async def test_it_ends_by_the_deadline_and_without_time_it_is_not_begun() -> None:
    loop = asyncio.get_running_loop()
    road = Road(20, {FAILING: (2, "silent"), WORKING: (2, "silent")})
    started = loop.time()
    await walk(road, seconds=0.3)
    assert loop.time() - started < QUICK.trace.whole
    road = Road(20)
    assert await walk(road, seconds=0.15) is None
    assert not road.knocks


async def test_where_nothing_can_be_asked_it_is_impossible() -> None:
    assert await walk(Road(3, broken=True)) is None


async def test_cancelling_ends_every_knock() -> None:
    road = Road(20, {FAILING: (2, "silent"), WORKING: (2, "silent")})
    deadline = asyncio.get_running_loop().time() + 10
    task = asyncio.create_task(trace(cast(Gate, road), endpoint(FAILING), endpoint(WORKING), deadline=deadline))
    await asyncio.sleep(0.05)
    assert road.under_way
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert road.under_way == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_the_data_allows_two_tries_in_time() -> None:
    usual = timings.usual().trace
    assert 2 * usual.patience < usual.whole
    assert 1 <= usual.ahead < usual.hops


@linux
@pytest.mark.parametrize("family", FAMILIES)
async def test_loopback_is_one_hop_away(family: Family) -> None:
    holder, port = free_port(family)
    before = descriptors()
    with holder, Server(lambda peer: peer.drain(), family) as server:
        deadline = asyncio.get_running_loop().time() + 10
        pair = await trace(
            Gate(Policy(), timing=QUICK),
            place(family, FAILING),
            place(family, WORKING),
            deadline=deadline,
            failing_port=port,
            working_port=server.port,
        )
        assert pair is not None
        assert pair.failing == (Hop(hop=1, answer="refused"),)
        assert pair.working == (Hop(hop=1, address=LOOPBACK[family], answer="open"),)
    assert descriptors() <= before

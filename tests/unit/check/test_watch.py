import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.unit.core_observations import planned, seen
from tests.unit.core_timing import timed

from poterne.check.watch import Watch
from poterne.knowledge import timing as timings

ONE, OTHER = planned(seen(465)), planned(seen(587))
TICK = 0.01


@asynccontextmanager
async def watching(
    *, warm: bool = True, silence: float = 0.08, unmeasured: float = 0.2
) -> AsyncIterator[tuple[Watch, asyncio.Event]]:
    """A watch that runs, and what is set when there is trouble. Its times are short, and only their order counts."""
    timing = timed(
        timings.usual(), compare={"tick": TICK, "silence": silence, "silence_unmeasured": unmeasured}
    ).compare
    warming: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    if warm:
        warming.set_result(None)
    trouble = asyncio.Event()
    watch = Watch(timing, warming, on_trouble=trouble.set)
    running = asyncio.create_task(watch.run())
    try:
        yield watch, trouble
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def ticks(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(TICK)


async def test_a_silence_is_trouble_once() -> None:
    told: list[str] = []
    async with watching() as (watch, trouble):

        def tell() -> None:
            told.append("trouble")
            trouble.set()

        watch.on_trouble = tell
        watch.dialled(ONE)
        await asyncio.wait_for(trouble.wait(), 5)
        watch.trouble()
    assert told == ["trouble"]


async def test_who_keeps_talking_and_who_has_ended_is_not_silent() -> None:
    async with watching() as (watch, trouble):
        watch.dialled(ONE)
        watch.dialled(OTHER)
        watch.opened(ONE, 1.0)
        watch.ended(OTHER)
        for _ in range(30):
            await ticks(2)
            watch.heard(ONE)
        assert not trouble.is_set()


async def test_what_was_ended_does_not_come_back() -> None:
    async with watching() as (watch, trouble):
        watch.dialled(ONE)
        watch.ended(ONE)
        watch.heard(ONE)
        await ticks(40)
        assert not trouble.is_set()


async def test_patience_follows_the_shortest_round_trip_that_was_measured() -> None:
    async with watching(silence=0.3, unmeasured=0.7) as (watch, _):
        assert watch.patience == 0.7
        watch.opened(ONE, 300.0)
        assert watch.patience == 1.2
        watch.opened(OTHER, 100.0)
        assert watch.patience == 0.4
        watch.opened(ONE, 5.0)
        assert watch.patience == 0.3


async def test_time_does_not_count_while_trust_stores_are_loaded() -> None:
    async with watching(warm=False) as (watch, trouble):
        watch.dialled(ONE)
        await ticks(60)
        assert not trouble.is_set()
        watch.warming.set_result(None)
        await asyncio.wait_for(trouble.wait(), 5)


async def test_a_loop_that_is_busy_makes_nobody_silent() -> None:
    async with watching(silence=0.2, unmeasured=0.2) as (watch, trouble):
        watch.dialled(ONE)
        for _ in range(5):
            await ticks(1)
            until = asyncio.get_running_loop().time() + 0.1
            while asyncio.get_running_loop().time() < until:
                pass
        assert not trouble.is_set()

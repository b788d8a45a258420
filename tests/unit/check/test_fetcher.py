import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from poterne.check.fetcher import Fetcher, Work
from poterne.diagnosis.evidence_request import EvidenceKind, EvidenceRequest

PORTAL, RELAY = EvidenceRequest("portal"), EvidenceRequest("relay")


def fetcher(work: Mapping[EvidenceKind, Work]) -> Fetcher:
    made = Fetcher(on_news=lambda: None)
    made.provide(work)
    return made


async def test_the_same_request_is_fetched_once_whoever_asks() -> None:
    asked: list[EvidenceRequest] = []

    async def portal(want: EvidenceRequest) -> None:
        asked.append(want)
        await asyncio.sleep(0)

    async with fetcher({"portal": portal}) as fetching:
        assert fetching.fetch(PORTAL) is fetching.fetch(EvidenceRequest("portal"))
        await fetching.had(PORTAL, PORTAL)
        assert fetching.fetched == {PORTAL}
        await fetching.had(PORTAL)
    assert asked == [PORTAL]


async def test_each_end_is_news() -> None:
    async def done(want: EvidenceRequest) -> None:
        pass

    news: list[str] = []
    async with Fetcher(on_news=lambda: news.append("one")) as fetching:
        fetching.provide({"portal": done, "relay": done})
        await fetching.had(PORTAL, RELAY)
    assert news == ["one", "one"]


async def test_leaving_cancels_what_is_not_done() -> None:
    ended: list[str] = []

    async def portal(want: EvidenceRequest) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(want.kind)

    async with fetcher({"portal": portal}) as fetching:
        task = fetching.fetch(PORTAL)
        await asyncio.sleep(0)
        assert fetching.pending(PORTAL, RELAY) == [task]
    assert ended == ["portal"]
    assert task.cancelled()


async def test_one_who_waits_does_not_take_it_from_the_others() -> None:
    go = asyncio.Event()

    async def portal(want: EvidenceRequest) -> None:
        await go.wait()

    async with fetcher({"portal": portal}) as fetching:
        impatient = asyncio.create_task(fetching.had(PORTAL))
        patient = asyncio.create_task(fetching.had(PORTAL))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        go.set()
        await patient
        assert fetching.fetched == {PORTAL}


async def test_what_was_begun_of_a_kind_is_waited_for_and_nothing_is_begun_for_it() -> None:
    order: list[str] = []

    async def trace(want: EvidenceRequest) -> None:
        await asyncio.sleep(0.01)
        order.append(want.observation or "")

    async def relay(want: EvidenceRequest) -> None:
        await fetching.begun("trace")
        await fetching.begun("routers")
        order.append("relay")

    async with fetcher({"trace": trace, "relay": relay}) as fetching:
        for id_ in ("o1", "o2"):
            fetching.fetch(EvidenceRequest("trace", observation=id_))
        await fetching.had(RELAY)
    assert order == ["o1", "o2", "relay"]


async def test_a_fault_is_told_to_the_loop_and_costs_nobody_the_answer() -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))

    async def portal(want: EvidenceRequest) -> None:
        raise ValueError("broken")

    async with fetcher({"portal": portal}) as fetching:
        await fetching.had(PORTAL)
        assert fetching.fetched == {PORTAL}
    (fault,) = faults
    assert isinstance(fault["exception"], ValueError)
    assert "portal" in fault["message"]


async def test_the_callers_own_exception_leaves_as_it_is() -> None:
    async def portal(want: EvidenceRequest) -> None:
        await asyncio.sleep(3600)

    with pytest.raises(KeyError, match="mine"):
        async with fetcher({"portal": portal}) as fetching:
            fetching.fetch(PORTAL)
            raise KeyError("mine")

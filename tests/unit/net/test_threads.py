import asyncio
import threading
from functools import partial

import pytest
from tests.unit.core_timing import QUICK, timed

from poterne.knowledge.timing import Timing
from poterne.net.resolver import NameResolver
from poterne.net.threads import Questions
from poterne.policy import Policy


async def test_a_resolver_that_never_answers_has_few_threads_and_is_asked_for_a_name_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard, begun, released = list[str](), threading.Semaphore(0), threading.Event()

    def never(name: str, *_: object, **__: object) -> list[object]:
        heard.append(name)
        begun.release()
        released.wait()
        return []

    def finding(*_: object, **__: object) -> list[object]:
        return [(0, 0, 0, "", ("127.0.0.7", 0))]

    async def known(*_: object, **__: object) -> tuple[str, None]:
        return "nxdomain", None

    async def states(names: list[str], timing: Timing = QUICK) -> list[str]:
        """As a check of its own asks."""
        check = NameResolver(Policy(), timing)
        answers = await asyncio.gather(*(check.addresses(name, "typed") for name in names))
        await check.close()
        return [answer.state for answer in answers]

    monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", never)
    monkeypatch.setattr("poterne.net.resolver.SYSTEM", Questions(3))
    monkeypatch.setattr(NameResolver, "_question", known)
    before = set(threading.enumerate())
    names = [f"n{number}.example" for number in range(6)]
    try:
        assert await states(names) == ["nxdomain"] * 3 + ["timeout"] * 3
        assert await states(names[:1] * 2) == ["nxdomain"] * 2
        assert await states(names[3:]) == ["timeout"] * 3
        for _ in range(3):
            begun.acquire()
        threads = set(threading.enumerate()) - before
        assert (len(threads), sorted(heard)) == (3, names[:3])
    finally:
        released.set()
    for thread in threads:
        thread.join()
    monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", finding)
    assert await states(names[:4], timed(names={"patience": 60.0})) == ["ok"] * 4


async def test_who_asks_what_is_being_asked_gets_the_same_answer() -> None:
    questions: Questions[int] = Questions(1)
    released, asked = threading.Event(), list[str]()

    def answer(own: str) -> int:
        asked.append(own)
        released.wait()
        return len(asked)

    first, gone, second = (questions.ask("key", partial(answer, own)) for own in ("a", "b", "c"))
    assert questions.ask("another", lambda: 7) is None
    assert first is not None
    assert gone is not None
    assert second is not None
    gone.cancel()
    released.set()
    assert (await first, await second) == (1, 1)
    assert asked == ["a"]
    again = questions.ask("another", lambda: 7)
    assert again is not None
    assert await again == 7


def test_an_answer_for_a_loop_that_is_closed_is_thrown_away() -> None:
    questions: Questions[int] = Questions(1)
    released, before = threading.Event(), set(threading.enumerate())

    def late() -> int:
        released.wait()
        return 1

    async def leave() -> None:
        assert questions.ask("key", late) is not None

    async def next_answer() -> int:
        answer = questions.ask("key", lambda: 2)
        assert answer is not None
        return await answer

    asyncio.run(leave())
    (thread,) = set(threading.enumerate()) - before
    released.set()
    thread.join()
    assert asyncio.run(next_answer()) == 2


async def test_a_machine_without_room_for_threads_is_one_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    questions: Questions[int] = Questions(1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        assert questions.ask("key", lambda: 1) is None
    answer = questions.ask("key", lambda: 2)
    assert answer is not None
    assert await answer == 2

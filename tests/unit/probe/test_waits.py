"""Who is waited for, and what nobody waits on for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from poterne.probe.waits import Waits, WaitStage
from poterne.report import Endpoint, Family

PATIENCE = 0.12
LONG = 0.9
_HOSTS = {"alpha": "198.51.100.1", "beta": "203.0.113.1", "gamma": "192.0.2.1"}


def target(port: int = 25, family: Family = 4) -> Endpoint:
    return Endpoint(
        id="o1",
        host="mail.example.org",
        address="192.0.2.7",
        family=family,
        port=port,
        service="smtp",
        asked="starttls",
    )


def control(name: str, port: int = 25, **changed: Any) -> Endpoint:
    place: dict[str, Any] = {
        "id": name, "role": "control", "host": f"mx.{name}.example", "address": _HOSTS.get(name, "198.51.100.9"),
        "source": "policy",
    }  # fmt: skip
    return target(port).model_copy(update={**place, **changed})


async def wait(
    waits: Waits, endpoint: Endpoint, stage: WaitStage = "greeting", *, after: float = 0.0, answer: float = LONG
) -> bool:
    """Whether an answer that takes so long was waited for."""
    await asyncio.sleep(after)
    try:
        async with asyncio.timeout(LONG * 2) as limit:
            with waits.at(stage, endpoint, limit, PATIENCE):
                await asyncio.sleep(answer)
    except TimeoutError:
        return False
    return True


async def outcome(*waiting: Callable[[Waits], Awaitable[bool]]) -> list[bool]:
    waits = Waits()
    return list(await asyncio.gather(*(each(waits) for each in waiting)))


async def test_what_nobody_gets_an_answer_to_is_given_up() -> None:
    waits = Waits()
    loop = asyncio.get_running_loop()
    started = loop.time()
    done = await asyncio.gather(*(wait(waits, each) for each in (target(), control("alpha"), control("beta"))))
    assert done == [False, False, False]
    assert PATIENCE * 0.5 <= loop.time() - started < LONG
    # Later comers to the same port wait no longer either.
    assert await wait(waits, control("gamma")) is False


async def test_a_slow_server_is_waited_for_where_a_control_is_answered() -> None:
    done = await outcome(
        lambda waits: wait(waits, target()),
        lambda waits: wait(waits, control("alpha"), answer=0.01),
        lambda waits: wait(waits, control("beta")),
        lambda waits: wait(waits, control("gamma")),
    )
    assert done == [True, True, True, True]


async def test_one_operator_is_not_enough() -> None:
    twin = control("alpha", host="mx.twin.example")
    done = await outcome(
        lambda waits: wait(waits, target()),
        lambda waits: wait(waits, control("alpha")),
        lambda waits: wait(waits, twin),
    )
    assert done == [True, True, True]


async def test_the_gateway_is_no_control() -> None:
    box = control("beta", source="gateway")
    done = await outcome(
        lambda waits: wait(waits, target()), lambda waits: wait(waits, control("alpha")), lambda waits: wait(waits, box)
    )
    assert done == [True, True, True]


async def test_controls_without_a_target_keep_their_patience() -> None:
    waits = Waits()
    assert all(await asyncio.gather(*(wait(waits, control(name)) for name in _HOSTS)))


async def test_a_control_that_began_later_is_waited_for_as_long() -> None:
    waits = Waits()
    loop = asyncio.get_running_loop()
    started = loop.time()
    later = PATIENCE * 0.8
    done = await asyncio.gather(
        wait(waits, target()), wait(waits, control("alpha")), wait(waits, control("beta"), after=later)
    )
    assert not any(done)
    assert loop.time() - started >= later + PATIENCE * 0.5


async def test_another_port_and_another_family_are_no_comparison_for_a_greeting() -> None:
    for other in (control("beta", port=587), control("beta", family=6)):
        waits = Waits()
        assert all(await asyncio.gather(*(wait(waits, each) for each in (target(), control("alpha"), other))))


async def test_handshakes_on_other_ports_count_where_none_was_answered() -> None:
    waiting = (target(465), control("alpha", 25), control("beta", 587))
    waits = Waits()
    assert not any(await asyncio.gather(*(wait(waits, each, "handshake") for each in waiting)))
    waits = Waits()
    answered = wait(waits, target(993), "handshake", answer=0.01)
    assert all(await asyncio.gather(answered, *(wait(waits, each, "handshake") for each in waiting)))

"""One check: a `Request` in, a stream of `Events` out, the `Report` last."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from poterne import knowledge
from poterne import policy as policies
from poterne.check import runner, tools
from poterne.check.control_pool import relay
from poterne.errors import Forbidden, InvalidRequest
from poterne.knowledge import timing as timings
from poterne.knowledge.timing import Timing
from poterne.policy import rate
from poterne.report import CheckEvent, Family, Request, Target
from poterne.target.hosts import is_address
from poterne.target.parser import parse

if TYPE_CHECKING:
    from poterne.policy import audit

__all__ = ["check", "warm"]


async def check(
    request: Request, policy: policies.Policy, timing: Timing | None = None
) -> AsyncGenerator[CheckEvent, None]:
    """Events as they happen, the Report last. Raises InvalidTarget, InvalidRequest or Forbidden
    before the first event. What became of it is logged where the policy asks for it; where that fails in the end,
    Forbidden is raised in the report's place. `timing`: the times of the check, the usual ones unless given.

    Closing the generator cancels every probe.
    """
    target = parse(request.target)
    _check_family(target, request.options.family)
    record = _logged(policy)
    became, rule = "unfinished", None
    try:
        policy.check_request(target, request.options)
        relay(policy, request.options)
        await rate.begin(policy.allow.checks_per_minute)
        async with aclosing(_events(request, policy, target, timing or timings.usual())) as events:
            async for event in events:
                if event.type == "report":
                    target, became = event.report.target, event.report.verdict.code
                    if record is not None:
                        # Before it is handed out: what cannot be logged has no result.
                        record(target, became, client=request.client)
                yield event
    except Forbidden as error:
        became, rule = "forbidden", error.rule
        raise
    finally:
        if record is not None:
            record(target, became, rule=rule, client=request.client)


def warm(policy: policies.Policy | None = None) -> None:
    """Does what the first check would wait for: trust stores, and the libraries that are imported late."""
    import ssl

    import dns.asyncbackend
    import dns.asyncresolver

    from poterne.discovery import document  # noqa: F401

    # Both import at their first use what they need.
    dns.asyncbackend.get_backend("asyncio")
    ssl.cert_time_to_seconds("Jan  1 00:00:00 2026 GMT")
    knowledge.warm()
    tools.stores(policy or policies.Policy()).warm()


async def _events(
    request: Request, policy: policies.Policy, target: Target, timing: Timing
) -> AsyncGenerator[CheckEvent, None]:
    events: asyncio.Queue[CheckEvent | None] = asyncio.Queue()
    running = asyncio.create_task(runner.run(request, policy, target, timing=timing, tell=events.put_nowait))
    running.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
        await running
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def _check_family(target: Target, family: Family | None) -> None:
    host = target.host or ""
    if family is not None and is_address(host) and (":" in host) != (family == 6):
        raise InvalidRequest(f"{host} is no IPv{family} address")


def _logged(policy: policies.Policy) -> "audit.Record | None":
    """What writes to the log that the policy asks for. Raises Forbidden."""
    if policy.log.to == "off":
        return None
    # Most policies ask for no log, and it imports much.
    from poterne.policy import audit

    return audit.begin(policy.log)

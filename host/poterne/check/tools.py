"""What the probes of a check share, from its beginning to its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache

from poterne.check.cache import Cache
from poterne.knowledge.timing import Timing
from poterne.net.gate import Gate
from poterne.net.resolver import NameResolver
from poterne.policy import Policy
from poterne.probe.toolkit import Toolkit
from poterne.probe.trust import TrustStores
from poterne.report import Options


@dataclass(frozen=True, slots=True)
class Tools:
    """`probing` is for the target, `comparing` for comparisons: their handshakes would take processor time from the
    target's, so that they wait a moment until it is `served`.
    """

    resolver: NameResolver
    probing: Toolkit
    comparing: Toolkit
    served: asyncio.Event

    async def say_goodbye(self, until: float) -> None:
        """Waits for servers to whom a goodbye was said, until a moment of the loop's time."""
        if self.probing.farewells:
            left = until - asyncio.get_running_loop().time()
            await asyncio.wait(self.probing.farewells, timeout=max(0.0, left))


@asynccontextmanager
async def borrowed(policy: Policy, options: Options, timing: Timing, deadline: float) -> AsyncIterator[Tools]:
    """The tools of one check; at the end whatever still runs with them is cancelled."""
    trusted, resolver, served = stores(policy), NameResolver(policy, timing), asyncio.Event()
    warming = asyncio.create_task(asyncio.to_thread(trusted.warm))
    courtesy = asyncio.create_task(_courtesy(warming, served, timing.compare.courtesy))
    probing = Toolkit(Gate(policy, options.origin, timing), trusted, deadline, warming)
    try:
        yield Tools(resolver, probing, replace(probing, warming=courtesy), served)
    finally:
        ending = (*probing.farewells, courtesy, warming)
        for task in ending:
            task.cancel()
        await resolver.close()
        await asyncio.gather(*ending, return_exceptions=True)


@lru_cache(maxsize=4)
def stores(policy: Policy) -> TrustStores:
    """The trust stores of a policy; loaded once."""
    return TrustStores(policy)


@lru_cache(maxsize=4)
def cache(policy: Policy) -> Cache:
    """What checks under this policy have seen of controls."""
    return Cache()


async def _courtesy(warming: asyncio.Future[None], served: asyncio.Event, patience: float) -> None:
    await asyncio.shield(warming)
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await served.wait()

"""Names under which mail domains conventionally keep their servers. A guess counts only while it resolves."""

import asyncio
import secrets
from collections.abc import AsyncGenerator

from poterne.knowledge import names
from poterne.knowledge.names import ConventionalName
from poterne.net.resolver import NameResolver
from poterne.report import NameAnswer

SOURCE = "guess"


async def guesses(domain: str, resolver: NameResolver) -> AsyncGenerator[tuple[ConventionalName, NameAnswer], None]:
    """Those that resolve, as their answers come. Names that only a wildcard (RFC 4592), or a resolver that invents
    answers, makes resolve are left out: a random label shows the addresses that such an answer has.
    """
    rows = names.table().name
    invented = asyncio.create_task(resolver.guess(f"{secrets.token_hex(8)}.{domain}", "wildcard"))
    tasks = {asyncio.create_task(resolver.guess(f"{row.label}.{domain}", "guess")): row for row in rows}
    pending = set(tasks)
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda task: rows.index(tasks[task])):
                answer = task.result()
                wildcard = await _addresses_in_time(invented, resolver.timing.names.patience)
                if answer.addresses and not wildcard.issuperset(answer.addresses):
                    yield tasks[task], answer
    finally:
        for task in (invented, *tasks):
            task.cancel()
        await asyncio.gather(invented, *tasks, return_exceptions=True)


async def _addresses_in_time(invented: asyncio.Task[NameAnswer], patience: float) -> frozenset[str]:
    """What a wildcard answers; nothing where the resolvers keep silent about a name that nobody knows."""
    await asyncio.wait({invented}, timeout=patience)
    return frozenset(invented.result().addresses) if invented.done() else frozenset()

"""Names under which mail domains conventionally keep their servers. A guess counts only while it resolves."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from poterne.knowledge import load
from poterne.model import NameAnswer
from poterne.probe.names import Names


@dataclass(frozen=True, slots=True)
class Conventional:
    """One row of `knowledge/names.toml`."""

    label: str
    directions: frozenset[str]
    protocols: frozenset[str] | None


def conventional() -> tuple[Conventional, ...]:
    """The rows, in the order in which they are tried."""
    return tuple(
        Conventional(
            row["label"], frozenset(row["directions"]), frozenset(row["protocols"]) if "protocols" in row else None
        )
        for row in load("names")["name"]
    )


async def guesses(domain: str, resolver: Names) -> AsyncGenerator[tuple[Conventional, NameAnswer], None]:
    """Those that resolve, as their answers come. Names that only a wildcard (RFC 4592), or a resolver that invents
    answers, makes resolve are left out: a random label shows the addresses that such an answer has.
    """
    rows = conventional()
    invented = asyncio.create_task(resolver.guess(f"{secrets.token_hex(8)}.{domain}", "wildcard"))
    tasks = {asyncio.create_task(resolver.guess(f"{row.label}.{domain}", "guess")): row for row in rows}
    pending = set(tasks)
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=lambda task: rows.index(tasks[task])):
                answer = task.result()
                wildcard = await _addresses_in_time(invented)
                if answer.addresses and not wildcard.issuperset(answer.addresses):
                    yield tasks[task], answer
    finally:
        for task in (invented, *tasks):
            task.cancel()
        await asyncio.gather(invented, *tasks, return_exceptions=True)


async def _addresses_in_time(invented: asyncio.Task[NameAnswer]) -> frozenset[str]:
    """What a wildcard answers; nothing where the resolvers keep silent about a name that nobody knows."""
    await asyncio.wait({invented}, timeout=load("timing")["names"]["patience"])
    return frozenset(invented.result().addresses) if invented.done() else frozenset()

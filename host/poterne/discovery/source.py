"""What every source is given, what it gives back, and what an offer has to be to be believed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from poterne.diagnosis.offers import is_own
from poterne.discovery.refusal import Unusable
from poterne.errors import InvalidTarget
from poterne.net.resolver import NameResolver
from poterne.report import Lookup, MailProtocol, NameAnswer, Offer, Security, UserName
from poterne.report.display import display
from poterne.target.hosts import is_address
from poterne.target.parser import host_name

if TYPE_CHECKING:
    from poterne.discovery.document import Web

LookupState = Literal["found", "absent", "not-offered", "refused", "failed", "off"]


class Found(NamedTuple):
    """One question of a source: how it went, and the offers that came of it."""

    lookup: Lookup
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """What a source may use. `web` None: documents are not asked for. `exchangers` gives the domain's MX answer.
    `enough` is set when settings for both directions are verified.
    """

    domain: str
    resolver: NameResolver
    exchangers: Callable[[], Coroutine[Any, Any, NameAnswer]]
    web: "Web | None" = None
    enough: asyncio.Event = field(default_factory=asyncio.Event)


Find = Callable[[Asking], AsyncGenerator[Found, None]]


def offered_host(text: str) -> str:
    """A host that a stranger names, as lower-case A-labels or an address. Raises Unusable."""
    shown = display(text, 80)
    try:
        host = host_name(text.strip())
    except InvalidTarget:
        raise Unusable(f"“{shown}” is no host name", "host", shown) from None
    if "." not in host and not is_address(host):
        # Search domains would make it a name of this network's.
        raise Unusable(f"“{shown}” is no full host name", "host", shown)
    return host


def offered_port(text: str | int) -> int:
    """A port that a stranger names. Raises Unusable."""
    digits = str(text).strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65535):
        raise Unusable(f"port “{display(digits, 20)}” is not from 1 to 65535", "port", display(digits, 20))
    return int(digits)


def offer(
    source: str,
    said_by: str,
    *,
    protocol: MailProtocol | Literal["sieve"],
    host: str,
    port: int,
    security: Security,
    rank: int,
    username: UserName = "unknown",
    auth: tuple[str, ...] = (),
    trusted: bool = True,
    own_name: bool = False,
) -> Offer:
    """An Offer of a host and a port that were found usable."""
    return Offer(
        source=source,
        said_by=said_by,
        protocol=protocol,
        host=host,
        port=port,
        security=security,
        username=username,
        auth=auth,
        rank=rank,
        trusted=trusted,
        own_name=own_name,
    )


def lookup(
    source: str, place: str, state: LookupState, problem: Unusable | None = None, *, started: float | None = None
) -> Lookup:
    """A Lookup; `started` is perf_counter's moment at which it began."""
    elapsed_ms = round((perf_counter() - started) * 1000, 3) if started is not None else 0
    found = Lookup(source=source, place=place, state=state, elapsed_ms=elapsed_ms)
    if problem is None:
        return found
    return found.model_copy(update={"problem": str(problem), "reason": problem.reason, "value": problem.value})


async def bounded(work: Coroutine[Any, Any, Found], source: str, place: str, about: Asking) -> Found:
    """The result of a question, or that it was not answered in time: there is less of it from when there is `enough`,
    and still less for what others than the domain say.
    """
    started = perf_counter()
    timing = about.resolver.timing.discovery
    asking = asyncio.create_task(work)
    satisfied = asyncio.create_task(about.enough.wait())
    try:
        await asyncio.wait({asking, satisfied}, timeout=timing.patience, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done() and satisfied.done():
            left = timing.patience - (perf_counter() - started)
            grace = timing.grace_own if is_own(source) else timing.grace_others
            await asyncio.wait({asking}, timeout=max(0.0, min(left, grace)))
        if asking.done():
            return asking.result()
        return Found(lookup(source, place, "failed", Unusable("no answer in time", "timeout"), started=started))
    finally:
        for task in (asking, satisfied):
            task.cancel()
        await asyncio.gather(asking, satisfied, return_exceptions=True)

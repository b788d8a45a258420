"""What every source is given, what it gives back, and what an offer has to be to be believed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from poterne.errors import InvalidTarget
from poterne.knowledge import load
from poterne.model import Lookup, MailProtocol, NameAnswer, Offer, Security, UserName
from poterne.probe.names import Names, is_address
from poterne.probe.text import display
from poterne.target import host_name

if TYPE_CHECKING:
    from poterne.discover.document import Web

LookupState = Literal["found", "absent", "not-offered", "refused", "failed", "off"]


class Found(NamedTuple):
    """One question of a source: how it went, and the offers that came of it."""

    lookup: Lookup
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """What a source may use. `web` None: documents are not asked for. `exchangers` gives the domain's MX answer."""

    domain: str
    resolver: Names
    exchangers: Callable[[], Coroutine[Any, Any, NameAnswer]]
    web: "Web | None" = None


Find = Callable[[Asking], AsyncGenerator[Found, None]]


class Unusable(Exception):
    """Why an entry of a record or a document cannot be used, in a few words."""


def offered_host(text: str) -> str:
    """A host that a stranger names, as lower-case A-labels or an address. Raises Unusable."""
    shown = display(text, 80)
    try:
        host = host_name(text.strip())
    except InvalidTarget:
        raise Unusable(f"“{shown}” is no host name") from None
    if "." not in host and not is_address(host):
        # Search domains would make it a name of this network's.
        raise Unusable(f"“{shown}” is no full host name")
    return host


def offered_port(text: str | int) -> int:
    """A port that a stranger names. Raises Unusable."""
    digits = str(text).strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65535):
        raise Unusable(f"port “{display(digits, 20)}” is not from 1 to 65535")
    return int(digits)


def inside(host: str, domain: str) -> bool:
    """Whether a host is the domain or below it."""
    return host == domain or host.endswith(f".{domain}")


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
    )


def lookup(
    source: str, place: str, state: LookupState, problem: str | None = None, *, started: float | None = None
) -> Lookup:
    """A Lookup; `started` is perf_counter's moment at which it began."""
    elapsed_ms = round((perf_counter() - started) * 1000, 3) if started is not None else 0
    return Lookup(source=source, place=place, state=state, problem=problem, elapsed_ms=elapsed_ms)


def left_out(problems: list[str]) -> str | None:
    """One line about entries that could not be used."""
    if not problems:
        return None
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"left out: {problems[0]}{more}"


async def bounded(work: Coroutine[Any, Any, Found], source: str, place: str) -> Found:
    """The result of a question, or that it was not answered in time."""
    started = perf_counter()
    try:
        async with asyncio.timeout(load("discovery")["limits"]["patience"]):
            return await work
    except TimeoutError:
        return Found(lookup(source, place, "failed", "no answer in time", started=started))

"""A database of providers (Thunderbird's, or the policy's), asked by the domain, then by its mail exchanger's."""

import asyncio
from collections.abc import AsyncGenerator
from time import perf_counter

from poterne.discovery.clientconfig import Unreadable, read
from poterne.discovery.document import Web
from poterne.discovery.refusal import Unusable
from poterne.discovery.source import Asking, Found, bounded, lookup, offered_host
from poterne.errors import InvalidTarget
from poterne.knowledge import discovery
from poterne.knowledge.discovery import Trust
from poterne.report import NameAnswer
from poterne.target.hosts import is_address
from poterne.target.suffixes import registered_domain

SOURCE = "ispdb"


async def find(asking: Asking) -> AsyncGenerator[Found, None]:
    """What the database says of the domain; where it knows nothing, of what the name of its first mail exchanger
    tells of the provider. Nothing but a domain is sent.
    """
    if asking.web is None:
        return
    base = asking.web.policy.discovery.ispdb
    if base == "":
        yield Found(lookup(SOURCE, asking.domain, "off"))
        return
    found = await _ask(asking.domain, asking, asking.web, base)
    yield found
    if found.offers:
        return
    for provider in await _providers(asking):
        if asking.enough.is_set():
            return
        found = await _ask(provider, asking, asking.web, base)
        yield found
        if found.offers:
            return


async def _ask(about: str, asking: Asking, web: Web, base: str | None) -> Found:
    url = f"{(base or discovery.table().ispdb).rstrip('/')}/{about}"
    return await bounded(_look_up(about, url, asking, web, by_policy=base is not None), SOURCE, url, asking)


async def _look_up(about: str, url: str, asking: Asking, web: Web, *, by_policy: bool) -> Found:
    started = perf_counter()
    trust: Trust = "typed" if by_policy else "foreign"
    fetched = await web.fetch(url, trust=trust, named_by="policy" if by_policy else "default")
    if fetched.state != "found":
        return Found(lookup(SOURCE, url, fetched.state, fetched.problem, started=started))
    try:
        document = read(fetched.body, domain=asking.domain, source=SOURCE, said_by=about)
    except Unreadable as problem:
        return Found(lookup(SOURCE, url, "refused", problem, started=started))
    return Found(lookup(SOURCE, url, "found", document.problem, started=started), document.offers)


async def _providers(asking: Asking) -> list[str]:
    """What the most wanted exchanger's name says of the provider: the name without its first label, which may stand for
    the customer, then the registered domain; nothing that was asked about already.
    """
    try:
        answer: NameAnswer = await asking.exchangers()
        first = next((name for name in answer.mail_exchangers if name), None)
        if first is None or is_address(first):
            return []
        exchanger = offered_host(first)
        registered = await asyncio.to_thread(registered_domain, exchanger)
    except (Unusable, InvalidTarget):
        return []
    if registered is None:
        return []
    service = exchanger.partition(".")[2]
    wanted = [service, registered] if service.endswith(f".{registered}") else [registered]
    return [name for name in wanted if name != asking.domain]

"""The hosts that receive a domain's mail (RFC 5321 section 5); small installations have no other mail servers."""

import asyncio
import re
from collections.abc import AsyncIterator

from poterne.errors import InvalidTarget
from poterne.net.resolver import NameResolver
from poterne.report import NameAnswer
from poterne.target.parser import host_name

MAX_HOSTS = 2
_NUMBER = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)$", re.ASCII)


async def exchangers(domain: str, resolver: NameResolver, known: NameAnswer | None) -> NameAnswer:
    """The domain's MX answer, asked unless it is known."""
    return known if known is not None else await resolver.mail_exchangers(domain)


async def hosts(domain: str, exchangers: NameAnswer, resolver: NameResolver) -> AsyncIterator[NameAnswer]:
    """Addresses of the most wanted exchangers; of the domain itself where it has none (the implicit MX). Where none can
    be a host, those that are numbers, such as an address in a form of C's, are said not to exist: no name is one.
    """
    wanted = [name for name in exchangers.mail_exchangers if _is_host(name)][:MAX_HOSTS]
    if not wanted:
        for name in filter(_NUMBER.search, exchangers.mail_exchangers):
            yield NameAnswer(name=name, source="mx", state="nxdomain")
    if not exchangers.mail_exchangers:
        answer = await resolver.addresses(domain, "domain")
        yield answer
        return
    for answer in await asyncio.gather(*(resolver.addresses(name, "mx") for name in wanted)):
        yield answer


def _is_host(name: str) -> bool:
    try:
        return host_name(name) == name
    except InvalidTarget:
        return False

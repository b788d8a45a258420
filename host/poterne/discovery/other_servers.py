"""Where the typed name is not the mail server's: which other names may be, of the same mail domain or certificate."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from poterne.discovery import Server, guess, mx
from poterne.errors import InvalidTarget
from poterne.knowledge import ports
from poterne.net.resolver import NameResolver
from poterne.report import NameAnswer
from poterne.target.hosts import is_address
from poterne.target.parser import host_name
from poterne.target.suffixes import registered_domain

MAX_CERTIFIED = 3
MAX_DOMAINS = 2


async def other_servers(
    host: str, certified: Iterable[str], numbers: tuple[int, ...], resolver: NameResolver, *, above: bool = True
) -> AsyncGenerator[Server, None]:
    """Other servers, each with those of the ports `numbers` that it is tried for: those that the host's certificates
    name, then the conventional names and the mail exchangers of the mail domains above the host, never above what a
    registry hands out (a public suffix). Each name once. Without `above` only those that the certificates name.
    """
    told = {host}
    for name in _hosts(certified)[:MAX_CERTIFIED]:
        if name not in told:
            told.add(name)
            answer = await resolver.addresses(name, "certificate")
            if answer.addresses:
                yield Server(name, "certificate", answer, numbers)
    if is_address(host) or not above:
        return
    for domain in domains(host):
        async with aclosing(guess.guesses(domain, resolver)) as guessed:
            async for conventional, answer in guessed:
                wanted = ports.usual(conventional.directions, conventional.protocols)
                if answer.name not in told and (serving := tuple(port for port in wanted if port in numbers)):
                    told.add(answer.name)
                    yield Server(answer.name, "guess", answer, serving)
        async for answer in _exchangers(domain, resolver):
            if answer.name not in told and answer.addresses:
                told.add(answer.name)
                yield Server(answer.name, "mx", answer, numbers)


def domains(host: str) -> list[str]:
    """The mail domains that a host may belong to, the nearest first: its parents down to the registered domain, or
    itself where it is the registered domain.
    """
    registered = registered_domain(host)
    if not registered:
        return []
    found = [host] if host == registered else []
    name = host
    while name != registered:
        name = name.partition(".")[2]
        found.append(name)
    return found[:MAX_DOMAINS]


async def _exchangers(domain: str, resolver: NameResolver) -> AsyncGenerator[NameAnswer, None]:
    answer = await resolver.mail_exchangers(domain)
    if any(name for name in answer.mail_exchangers):
        async for found in mx.hosts(domain, answer, resolver):
            yield found


def _hosts(names: Iterable[str]) -> list[str]:
    """Those that are host names: a certificate may hold anything, and a wildcard names no host."""
    found = []
    for name in names:
        try:
            if host_name(name) == name and not is_address(name):
                found.append(name)
        except InvalidTarget:
            continue
    return list(dict.fromkeys(found))

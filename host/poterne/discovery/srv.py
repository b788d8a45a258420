"""Servers that a domain names in DNS (RFC 6186, RFC 8314 section 5.1, RFC 5804 section 1.8)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter

from poterne.discovery.refusal import Unusable, in_vain, left_out
from poterne.discovery.side_by_side import as_they_come
from poterne.discovery.source import Asking, Found, bounded, lookup, offer, offered_host
from poterne.discovery.source import offered_port as usable_port
from poterne.knowledge import discovery
from poterne.knowledge.discovery import ServiceLabel
from poterne.net.resolver import NameResolver, Service
from poterne.report import Offer
from poterne.target.hosts import is_within

SOURCE = "srv"


async def find(asking: Asking) -> AsyncGenerator[Found, None]:
    """What each service label of the domain says, as the answers come."""
    rows = discovery.table().srv
    work = (bounded(_ask(row, asking), SOURCE, _place(row, asking.domain), asking) for row in rows)
    async with aclosing(as_they_come(work)) as answers:
        async for found in answers:
            yield found


async def offers_any(domain: str, resolver: NameResolver) -> bool:
    """Whether any label of the domain names a server: then the name is a mail domain's."""
    rows = discovery.table().srv
    async with aclosing(as_they_come(resolver.services(_place(row, domain)) for row in rows)) as answers:
        async for _, services in answers:
            if any(service.target for service in services):
                return True
    return False


def preferred(services: tuple[Service, ...]) -> list[Service]:
    """The order of RFC 2782, without its lottery, so that one report is like the next: the lowest priority first, and
    of those that are alike the heaviest.
    """
    return sorted(services, key=lambda service: (service.priority, -service.weight, service.target, service.port))


def _place(row: ServiceLabel, domain: str) -> str:
    return f"{row.label}._tcp.{domain}"


async def _ask(row: ServiceLabel, asking: Asking) -> Found:
    started = perf_counter()
    place = _place(row, asking.domain)
    state, services = await asking.resolver.services(place)
    if state in ("nxdomain", "nodata"):
        return Found(lookup(SOURCE, place, "absent", started=started))
    if state != "ok":
        return Found(lookup(SOURCE, place, "failed", in_vain(state), started=started))
    if services and not any(service.target for service in services):
        # RFC 6186 section 3.4: the root is no server.
        return Found(lookup(SOURCE, place, "not-offered", started=started))
    offers, problems = _read(row, services, asking.domain)
    if not offers:
        problem = left_out(problems) or Unusable("no server in it", "no-server")
        return Found(lookup(SOURCE, place, "refused", problem, started=started))
    return Found(lookup(SOURCE, place, "found", left_out(problems), started=started), offers)


def _read(row: ServiceLabel, services: tuple[Service, ...], domain: str) -> tuple[tuple[Offer, ...], list[Unusable]]:
    """RFC 6186 section 6: a target outside the domain is trusted only where DNSSEC vouches for the record. A stub
    resolver cannot know that (the AD bit of a resolver that is not on this machine is anybody's), so it never is.
    """
    offers: list[Offer] = []
    problems: list[Unusable] = []
    for service in preferred(services):
        if len(offers) == discovery.table().limits.records:
            break
        try:
            host = offered_host(service.target)
            offers.append(
                offer(
                    SOURCE,
                    domain,
                    protocol=row.protocol,
                    host=host,
                    port=usable_port(service.port),
                    security=row.security,
                    rank=len(offers),
                    trusted=is_within(host, domain),
                )
            )
        except Unusable as problem:
            problems.append(problem)
    return tuple(offers), problems

"""The document that a domain publishes for mail programs (Mozilla's autoconfig)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter

from poterne.discovery.clientconfig import Unreadable, read
from poterne.discovery.document import Fetched, Web
from poterne.discovery.side_by_side import as_they_come
from poterne.discovery.source import Asking, Found, bounded, lookup
from poterne.knowledge import discovery
from poterne.knowledge.discovery import DocumentPlace

SOURCE = "autoconfig"


async def find(asking: Asking) -> AsyncGenerator[Found, None]:
    """What each of the two places says, as they answer; the offers of the first rank before those of the second."""
    if asking.web is None:
        return
    rows = discovery.table().autoconfig
    work = (
        bounded(ask(place, row, asking.domain, asking.web), SOURCE, row.url.format(domain=asking.domain), asking)
        for place, row in enumerate(rows)
    )
    async with aclosing(as_they_come(work)) as answers:
        async for found in answers:
            yield found


async def ask(place: int, row: DocumentPlace, domain: str, web: Web) -> Found:
    """One place. The user's address is not sent: where a server wants one, it gets one that nobody has."""
    started = perf_counter()
    url = row.url.format(domain=domain)
    fetched = await web.fetch(url, trust="named", named_by="domain")
    found = _judge(fetched, place, url, domain, started)
    if found.offers or not row.address or fetched.status is None:
        return found
    url += f"?emailaddress={discovery.table().local_part}%40{domain}"
    better = _judge(await web.fetch(url, trust="named", named_by="domain"), place, url, domain, started)
    return better if better.offers else found


def _judge(fetched: Fetched, place: int, url: str, domain: str, started: float) -> Found:
    if fetched.state != "found":
        return Found(lookup(SOURCE, url, fetched.state, fetched.problem, started=started))
    try:
        document = read(fetched.body, domain=domain, source=SOURCE, said_by=domain)
    except Unreadable as problem:
        return Found(lookup(SOURCE, url, "refused", problem, started=started))
    behind = place * 3 * discovery.table().limits.servers
    offers = tuple(each.model_copy(update={"rank": each.rank + behind}) for each in document.offers)
    return Found(lookup(SOURCE, url, "found", document.problem, started=started), offers)

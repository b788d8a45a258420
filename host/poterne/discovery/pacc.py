"""The JSON document of draft-ietf-mailmaint-pacc, which a digest in DNS vouches for."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Iterable
from time import perf_counter
from typing import Any

from poterne.discovery.document import Fetched, Web
from poterne.discovery.refusal import Unusable, in_vain, left_out
from poterne.discovery.source import Asking, Found, bounded, lookup, offer, offered_host
from poterne.knowledge import discovery
from poterne.report import NameState, Offer

SOURCE = "pacc"


class Mismatch(Unusable):
    """Why the digest in DNS does not vouch for a document, in one line."""


async def find(asking: Asking) -> AsyncGenerator[Found, None]:
    """What the domain's document says, and its digest."""
    if asking.web is None:
        return
    table = discovery.table().pacc
    digest = table.digest.format(domain=asking.domain)
    url = table.url.format(domain=asking.domain)
    texts = asyncio.create_task(asking.resolver.texts(digest))
    try:
        found = await bounded(_ask(url, texts, asking.domain, asking.web), SOURCE, url, asking)
        yield found
        # A digest of nothing is waited for by nobody.
        if texts.done() or found.lookup.state in ("found", "refused"):
            yield await bounded(_digest(digest, texts), SOURCE, digest, asking)
    finally:
        texts.cancel()
        await asyncio.gather(texts, return_exceptions=True)


def check(body: bytes, state: NameState, texts: Iterable[bytes]) -> None:
    """Raises Mismatch unless one of the records holds the SHA-256 of these very bytes. Several may stand side by side
    while a document is being replaced. Without any, nobody but the web server vouches for the document, which is what
    the draft wants to be sure against: it is not used.
    """
    digests = [digest for text in texts if (digest := _digest_of(text)) is not None]
    if not digests:
        if state not in ("ok", "nxdomain", "nodata"):
            raise Mismatch("its digest in DNS could not be asked for", "digest-unasked")
        raise Mismatch("DNS holds no digest that vouches for it", "digest-absent")
    actual = hashlib.sha256(body).digest()
    if not any(hmac.compare_digest(actual, digest) for digest in digests):
        raise Mismatch("it is not the document whose digest stands in DNS", "digest-differs")


def read(body: bytes, *, domain: str) -> tuple[tuple[Offer, ...], Unusable | None]:
    """The servers of a document, in its order, and one line about what was left out. Users sign in with their address.
    Raises Unusable.
    """
    try:
        document: Any = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        page = body.lstrip()[:1] == b"<"
        if page:
            raise Unusable("a web page came instead of the document", "web-page") from None
        raise Unusable("the document is not JSON", "unreadable") from None
    protocols = document.get("protocols") if isinstance(document, dict) else None
    if not isinstance(protocols, dict):
        raise Unusable("the document has no protocols", "no-server")
    table = discovery.table().pacc
    auth = _auth(document.get("authentication"))
    offers: list[Offer] = []
    problems: list[Unusable] = []
    for key, entry in protocols.items():
        row = table.protocols.get(key)
        if row is None:
            continue
        host = entry.get("host") if isinstance(entry, dict) else None
        try:
            if not isinstance(host, str):
                raise Unusable(f"{key} has no host", "host", key)  # noqa: TRY301
            found = offer(
                SOURCE,
                domain,
                protocol=row.protocol,
                host=offered_host(host),
                port=row.port,
                security=row.security,
                username="address",
                auth=auth,
                rank=len(offers),
            )
        except Unusable as problem:
            problems.append(problem)
        else:
            offers.append(found)
    if not offers:
        raise left_out(problems) or Unusable("the document names no server that is understood", "no-server")
    return tuple(offers), left_out(problems)


async def _ask(url: str, texts: "asyncio.Task[tuple[NameState, tuple[bytes, ...]]]", domain: str, web: Web) -> Found:
    started = perf_counter()
    fetched: Fetched = await web.fetch(url, trust="named", named_by="domain")
    if fetched.state != "found":
        return Found(lookup(SOURCE, url, fetched.state, fetched.problem, started=started))
    try:
        check(fetched.body, *await asyncio.shield(texts))
        offers, problem = read(fetched.body, domain=domain)
    except Unusable as reason:
        return Found(lookup(SOURCE, url, "refused", reason, started=started))
    return Found(lookup(SOURCE, url, "found", problem, started=started), offers)


async def _digest(place: str, texts: "asyncio.Task[tuple[NameState, tuple[bytes, ...]]]") -> Found:
    started = perf_counter()
    state, found = await asyncio.shield(texts)
    if any(_digest_of(text) is not None for text in found):
        return Found(lookup(SOURCE, place, "found", started=started))
    if state in ("ok", "nxdomain", "nodata"):
        return Found(lookup(SOURCE, place, "absent", started=started))
    return Found(lookup(SOURCE, place, "failed", in_vain(state), started=started))


def _digest_of(text: bytes) -> bytes | None:
    """The SHA-256 of a record `v=UAAC1; a=sha256; d=BASE64`; None for any other record."""
    tags: dict[str, str] = {}
    for part in text.decode("ascii", errors="replace").split(";"):
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
    if tags.get("v", "").upper() != "UAAC1" or tags.get("a", "").lower() != "sha256":
        return None
    try:
        digest = base64.b64decode(tags.get("d", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == hashlib.sha256().digest_size else None


def _auth(table: object) -> tuple[str, ...]:
    words = discovery.table().pacc.auth
    return tuple(word for key, word in words.items() if isinstance(table, dict) and table.get(key))

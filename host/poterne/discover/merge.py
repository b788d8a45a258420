"""Opinions about one server, put together: by protocol, host, port and security, with everybody who said so."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from poterne.knowledge import load
from poterne.model import Lookup, MailProtocol, Offer, Security, UserName

_SECURITIES: tuple[Security, ...] = ("tls", "starttls", "none")


@dataclass(frozen=True, slots=True)
class Merged:
    """One way into one server. `sources` the most authoritative first, `said_by` in that order. `username` and `auth`
    are those of the most authoritative source that knows them. `trusted` where any source is; `rank` within the first.
    """

    protocol: MailProtocol | Literal["sieve"]
    host: str
    port: int
    security: Security
    sources: tuple[str, ...]
    said_by: tuple[str, ...]
    username: UserName
    auth: tuple[str, ...]
    trusted: bool
    rank: int


@cache
def _authorities() -> dict[str, int]:
    return {source: position for position, source in enumerate(load("discovery")["authority"])}


def authority(source: str) -> int:
    """How much a source is believed; 0 is the most."""
    return _authorities().get(source, len(_authorities()))


def is_own(source: str) -> bool:
    """Whether it is the domain itself that speaks."""
    return source in load("discovery")["own"]


def by_authority(offers: Iterable[Offer]) -> list[Offer]:
    """The most authoritative source first, each in its own order, whenever it answered."""
    return sorted(
        offers,
        key=lambda offer: (authority(offer.source), offer.rank, offer.protocol, offer.host, offer.port, offer.security),
    )


def in_order(lookups: Iterable[Lookup]) -> list[Lookup]:
    """The most authoritative source first, by place."""
    return sorted(lookups, key=lambda lookup: (authority(lookup.source), lookup.place))


def merge(offers: Iterable[Offer]) -> tuple[Merged, ...]:
    """The ways that were offered, the most authoritative source's first, in its own order."""
    alike: dict[tuple[str, str, int, str], list[Offer]] = {}
    for offer in by_authority(offers):
        alike.setdefault((offer.protocol, offer.host, offer.port, offer.security), []).append(offer)
    return tuple(_merged(group) for group in alike.values())


def ranked(offers: Iterable[Offer]) -> tuple[Merged, ...]:
    """Merged offers, those to be typed first: encrypted before not, then hosts that the domain itself names before
    others, then implicit TLS before STARTTLS (RFC 8314 section 3), IMAP before POP3. What the wire says comes before
    all of it.
    """
    ways = merge(offers)
    own = {(way.protocol, way.host) for way in ways if is_own(way.sources[0])}
    return tuple(
        sorted(
            ways,
            key=lambda way: (
                way.protocol == "pop3",
                way.security == "none",
                (way.protocol, way.host) not in own,
                _SECURITIES.index(way.security),
                authority(way.sources[0]),
                way.rank,
            ),
        )
    )


def _merged(group: list[Offer]) -> Merged:
    first = group[0]
    return Merged(
        protocol=first.protocol,
        host=first.host,
        port=first.port,
        security=first.security,
        sources=tuple(dict.fromkeys(offer.source for offer in group)),
        said_by=tuple(dict.fromkeys(offer.said_by for offer in group)),
        username=next((offer.username for offer in group if offer.username != "unknown"), "unknown"),
        auth=next((offer.auth for offer in group if offer.auth), ()),
        trusted=any(offer.trusted for offer in group),
        rank=first.rank,
    )

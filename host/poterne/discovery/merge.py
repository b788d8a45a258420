"""The opinions of several sources, in the order in which they are believed."""

from collections.abc import Iterable

from poterne.diagnosis.offers import position
from poterne.report import Lookup, Offer


def by_authority(offers: Iterable[Offer]) -> list[Offer]:
    """The most authoritative source first, each in its own order, whenever it answered."""
    return sorted(
        offers,
        key=lambda offer: (position(offer.source), offer.rank, offer.protocol, offer.host, offer.port, offer.security),
    )


def in_order(lookups: Iterable[Lookup]) -> list[Lookup]:
    """The most authoritative source first, by place."""
    return sorted(lookups, key=lambda lookup: (position(lookup.source), lookup.place))

"""Whose network a path begins in, by its routers' names, and what is publicly known of that provider's port 25."""

import ipaddress
from collections.abc import Iterable
from functools import cache

from poterne.knowledge import networks
from poterne.report import Hint, Hop

# Further away the routers are somebody else's: a server's own hoster is not the user's provider.
MAX_PUBLIC_HOPS = 4
# Names that home boxes and private networks give (RFC 6762, RFC 8375, RFC 6761, ICANN's `internal`, FRITZ!Box).
_LOCAL = frozenset({"arpa", "box", "corp", "home", "internal", "lan", "local", "localdomain", "localhost", "test"})


def recognise(names: Iterable[str]) -> Hint | None:
    """What is known of the provider to which the first public name belongs; None where that is nobody of
    `knowledge/networks.toml`.

    `names` are those of the path's routers from here on. Only the first counts: what follows may be another network.
    """
    first = next((name for name in map(_normal, names) if _public(name)), None)
    return None if first is None else _by_suffix(first)


def of_path(path: Iterable[Hop]) -> Hint | None:
    """The same from a trace: a name is believed only within the first MAX_PUBLIC_HOPS public routers."""
    near = sorted((hop for hop in path if hop.answer == "time-exceeded"), key=lambda hop: hop.hop)
    reached = [hop for hop in near if hop.address is not None and _global(hop.address)][:MAX_PUBLIC_HOPS]
    return recognise(hop.name for hop in reached if hop.name)


def _by_suffix(name: str) -> Hint | None:
    labels = name.split(".")
    suffixes = _suffixes()
    for start in range(len(labels)):
        if hint := suffixes.get(".".join(labels[start:])):
            return hint
    return None


@cache
def _suffixes() -> dict[str, Hint]:
    return {
        suffix: Hint(
            network=row.id,
            name=row.name,
            kind=row.kind,
            where=row.where,
            relay=row.relay,
            source=row.source,
            date=row.date,
        )
        for row in networks.table().network
        for suffix in row.suffixes
    }


def _normal(name: str) -> str:
    return name.strip().removesuffix(".").lower()


def _public(name: str) -> bool:
    labels = name.split(".")
    return len(labels) > 1 and all(labels) and labels[-1] not in _LOCAL


def _global(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False

"""Where a host's port is dialled: an address of each family, and the port, which a lab may map elsewhere."""

from typing import NamedTuple

from poterne.net.machine import has_route
from poterne.net.resolver import NameResolver
from poterne.policy import Policy
from poterne.report import Family, NameAnswer

_BOTH: tuple[Family, Family] = (6, 4)


class SocketAddress(NamedTuple):
    """One address to dial, and the port there."""

    family: Family
    address: str
    port: int


def mapped(policy: Policy, host: str, port: int) -> bool:
    """Whether a lab sends a connection elsewhere."""
    return policy.lab is not None and policy.lab.maps(host, port)


async def socket_addresses(
    answer: NameAnswer, port: int, policy: Policy, resolver: NameResolver, family: Family | None = None
) -> list[SocketAddress]:
    """The first address of each family that is wanted (None: both) and that has a route; where none has one, all the
    same, so that the failure is seen.
    """
    found: dict[Family, SocketAddress] = {}
    families = [each for each in _BOTH if family in (None, each)]
    if policy.lab is not None and policy.lab.maps(answer.name, port):
        for each in families:
            if there := policy.lab.addresses(answer.name, port, each):
                found[each] = SocketAddress(each, *there)
        if not found and (renamed := policy.lab.renamed(answer.name, port)):
            elsewhere = await resolver.addresses(renamed[0], answer.source)
            found = _first_of_each(elsewhere.addresses, renamed[1], families)
    else:
        found = _first_of_each(answer.addresses, port, families)
    reachable = {each: place for each, place in found.items() if has_route(place.address, each)}
    return list((reachable or found).values())


def _first_of_each(addresses: tuple[str, ...], port: int, families: list[Family]) -> dict[Family, SocketAddress]:
    found: dict[Family, SocketAddress] = {}
    for address in addresses:
        family: Family = 6 if ":" in address else 4
        if family in families:
            found.setdefault(family, SocketAddress(family, address, port))
    return found

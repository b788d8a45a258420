"""Addresses and names with a special meaning: `special.toml`, which says by which RFC."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Host, IpAddress, IpNetwork
from poterne.knowledge.reading import read


@dataclass(frozen=True, slots=True)
class Special:
    """`cloud_metadata`: where cloud providers answer their own machines with credentials; `documentation`: networks
    that stand for public ones in a lab; `never_public`: what no stranger may lead to; `inside`: addresses of routers
    that may stand at home; `private_names`: domains that no public DNS knows.
    """

    cloud_metadata: frozenset[IpAddress]
    documentation: tuple[IpNetwork, ...]
    never_public: tuple[IpNetwork, ...]
    inside: tuple[IpNetwork, ...]
    private_names: tuple[Host, ...]


@cache
def table() -> Special:
    """The whole table."""
    return read("special", Special)

"""Who is asked for comparison where the policy names nobody: `controls.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Annotated

from poterne.knowledge.kinds import Count, Day, Host, IpAddress, Label, PortNumber, Text
from poterne.knowledge.reading import Matching, distinct, read


@dataclass(frozen=True, slots=True)
class Beginning:
    """How many controls are drawn, and how many more may replace one on which nothing opens (`spares`). The ports of
    canaries, those on which a control shows that it is alive beside port 25, and those of the web.
    """

    drawn: Count
    spares: Count
    canary_ports: tuple[PortNumber, ...]
    life_ports: tuple[PortNumber, ...]
    web_ports: tuple[PortNumber, ...]


@dataclass(frozen=True, slots=True)
class PolicyHosts:
    """`ports`: those on which silence of the hosts that a policy names counts in full."""

    ports: frozenset[PortNumber]


@dataclass(frozen=True, slots=True)
class Canary:
    """Addresses at which nobody answers."""

    addresses: tuple[IpAddress, ...]


@dataclass(frozen=True, slots=True)
class PortalPage:
    """The page that a captive portal alters; at most `limit` bytes of it are read."""

    url: Annotated[str, Matching(r"http://\S+", "an http:// URL")]
    limit: Count


@dataclass(frozen=True, slots=True)
class RandomNames:
    """Zones of two operators in which a random label must not exist."""

    zones: tuple[Label, ...]

    def __post_init__(self) -> None:
        if len(set(self.zones)) != 2:
            raise ValueError("“zones” has to name two zones")


@dataclass(frozen=True, slots=True)
class DefaultControl:
    """A server that is documented to answer on these ports; `network` is its operator, `read` the day on which the
    documentation (`source`) was read.
    """

    host: Host
    network: Text
    ports: frozenset[PortNumber]
    source: Text
    read: Day


@dataclass(frozen=True, slots=True)
class Controls:
    """The whole table; `by_host`: the rows by their hosts."""

    begin: Beginning
    policy: PolicyHosts
    canary: Canary
    portal: PortalPage
    random: RandomNames
    control: tuple[DefaultControl, ...]
    by_host: Mapping[str, DefaultControl] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        distinct("the host", (row.host for row in self.control))
        object.__setattr__(self, "by_host", MappingProxyType({row.host: row for row in self.control}))


@cache
def table() -> Controls:
    """The whole table."""
    return read("controls", Controls)

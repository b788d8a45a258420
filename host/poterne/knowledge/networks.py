"""What is publicly said of providers' port 25: `networks.toml`."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Day, Host, Label, Text
from poterne.knowledge.reading import distinct, read
from poterne.report import HintKind


@dataclass(frozen=True, slots=True)
class Provider:
    """`suffixes`: domains of its routers and lines; `kind`: how port 25 can be opened, at `where`, or the `relay` that
    mail has to go through instead; `source` says so, `date` is the source's.
    """

    id: Label
    name: Text
    suffixes: tuple[Host, ...]
    kind: HintKind
    source: Text
    where: Text | None = None
    relay: Host | None = None
    date: Day | None = None

    def __post_init__(self) -> None:
        if (self.relay is not None) != (self.kind == "relay"):
            raise ValueError("“relay” has to be there where the kind is “relay”, and nowhere else")


@dataclass(frozen=True, slots=True)
class Networks:
    """`network`: the rows."""

    network: tuple[Provider, ...]

    def __post_init__(self) -> None:
        distinct("the id", (row.id for row in self.network))
        distinct("the suffix", (suffix for row in self.network for suffix in row.suffixes))


@cache
def table() -> Networks:
    """The whole table."""
    return read("networks", Networks)

"""TCP ports: `ports.toml`. `poterne.ports` answers questions about them."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Count, Direction, Label, PortNumber
from poterne.knowledge.reading import distinct, read
from poterne.model import Security


@dataclass(frozen=True, slots=True)
class PortFacts:
    """One row of the table: the service, its dialogue, how a connection begins, and how it ranks (1 is best)."""

    number: PortNumber
    service: Label
    dialogue: Label
    begins: Security
    direction: Direction
    rank: Count
    usual: bool = False
    optional: bool = False
    schemes: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Ports:
    """`port`: the rows, the best of each direction first."""

    port: tuple[PortFacts, ...]

    def __post_init__(self) -> None:
        distinct("the port", (row.number for row in self.port))
        distinct("the scheme", (scheme for row in self.port for scheme in row.schemes))


@cache
def table() -> Ports:
    """The whole table."""
    return read("ports", Ports)

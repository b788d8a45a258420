"""What is known of TCP ports, read from `knowledge/ports.toml`."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge import load
from poterne.model import Security


@dataclass(frozen=True, slots=True)
class PortFacts:
    """One row of the table: the service, its dialogue, how a connection begins, and how it ranks (1 is best)."""

    number: int
    service: str
    dialogue: str
    begins: Security
    direction: str
    rank: int
    usual: bool = False
    optional: bool = False


@cache
def _table() -> dict[int, PortFacts]:
    return {row["number"]: PortFacts(**row) for row in load("ports")["port"]}


def known() -> tuple[PortFacts, ...]:
    """Every port of the table, the best of each direction first."""
    return tuple(_table().values())


def facts(number: int) -> PortFacts | None:
    """The row of a port, or None where nothing is known of it."""
    return _table().get(number)


def usual(directions: frozenset[str] | None = None, dialogues: frozenset[str] | None = None) -> tuple[int, ...]:
    """The mail ports that are tested on a server, limited to directions and dialogues where given."""
    return tuple(
        row.number
        for row in known()
        if row.usual
        and (directions is None or row.direction in directions)
        and (dialogues is None or row.dialogue in dialogues)
    )


def alternatives(number: int) -> tuple[int, ...]:
    """The port itself, then the other mail ports that serve the same purpose."""
    row = facts(number)
    if row is None or not row.usual:
        return (number,)
    return (number, *(port for port in usual(frozenset({row.direction})) if port != number))

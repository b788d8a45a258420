"""TCP ports: `ports.toml`, and what is asked of them."""

from dataclasses import dataclass, replace
from functools import cache

from poterne.knowledge.kinds import Count, Direction, Label, PortNumber
from poterne.knowledge.reading import distinct, read
from poterne.report import Endpoint, Security

UNKNOWN = "unknown"
"""The service of a port that no table names: what speaks there is found out by listening."""


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
    """`port`: the rows, the best of each direction first. `unspoken`: ports to which nothing is ever sent."""

    port: tuple[PortFacts, ...]
    unspoken: tuple[PortNumber, ...]

    def __post_init__(self) -> None:
        distinct("the port", (row.number for row in self.port))
        distinct("the scheme", (scheme for row in self.port for scheme in row.schemes))


@cache
def table() -> Ports:
    """The whole table."""
    return read("ports", Ports)


@cache
def _by_number() -> dict[int, PortFacts]:
    return {row.number: row for row in table().port}


def known() -> tuple[PortFacts, ...]:
    """Every port of the table, the best of each direction first."""
    return table().port


def schemes() -> dict[str, PortFacts]:
    """The port that each URL scheme names."""
    return {scheme: row for row in known() for scheme in row.schemes}


def facts(number: int) -> PortFacts | None:
    """The row of a port, or None where nothing is known of it."""
    return _by_number().get(number)


@cache
def unspoken() -> frozenset[int]:
    """Ports at which one may listen, and to which not a byte is sent."""
    return frozenset(table().unspoken)


def row_of(endpoint: Endpoint) -> PortFacts | None:
    """What is known of an endpoint: the row of its port, or, where a source names another service there, that service's
    row with this port. It ranks behind the standard ports of its purpose.
    """
    row = facts(endpoint.port)
    if row is not None and row.service == endpoint.service:
        return row
    return at_odds(endpoint.service, endpoint.port) or row


@cache
def at_odds(service: str, number: int) -> PortFacts | None:
    """A service on a port that is not its own; None for port 25's, which every unknown port is called by, and for a
    service that is not known.
    """
    row = next((row for row in known() if row.service == service and row.service != "smtp"), None)
    if row is None:
        return None
    behind = max(other.rank for other in known() if other.direction == row.direction)
    return replace(row, number=number, rank=behind, usual=False, optional=False)


def service_of(dialogue: str, begins: Security) -> str | None:
    """The service for users that speaks a protocol in this way; in the clear where it has no other."""
    rows = [row for row in known() if row.dialogue == dialogue and row.service != "smtp"]
    exact = (row.service for row in rows if row.begins == begins)
    return next(exact, next((row.service for row in rows if row.begins == "starttls"), None))


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

"""Names under which mail domains conventionally keep their servers: `names.toml`."""

from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import Direction, Label
from poterne.knowledge.reading import distinct, read


@dataclass(frozen=True, slots=True)
class ConventionalName:
    """A label below the domain, and what it is tried for; `protocols`: None for all of these directions."""

    label: Label
    directions: frozenset[Direction]
    protocols: frozenset[Label] | None = None


@dataclass(frozen=True, slots=True)
class ConventionalNames:
    """`name`: the rows, in the order in which they are recommended."""

    name: tuple[ConventionalName, ...]

    def __post_init__(self) -> None:
        distinct("the label", (row.label for row in self.name))


@cache
def table() -> ConventionalNames:
    """The whole table."""
    return read("names", ConventionalNames)

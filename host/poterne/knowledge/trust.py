"""Where systems keep their roots: `trust.toml`."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated

from poterne.knowledge.reading import Matching, read


@dataclass(frozen=True, slots=True)
class Trust:
    """`bundles`: files of roots; the first that exists is read."""

    bundles: tuple[Annotated[str, Matching(r"/\S+", "an absolute path")], ...]


@cache
def table() -> Trust:
    """The whole table."""
    return read("trust", Trust)

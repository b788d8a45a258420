"""Sign-in mechanisms and what a person needs for them: `auth.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from poterne.knowledge.kinds import SignIn, Text
from poterne.knowledge.reading import distinct, read


@dataclass(frozen=True, slots=True)
class Order:
    """The order in which sign-ins are listed; the first is what most programs take."""

    families: tuple[SignIn, ...]


@dataclass(frozen=True, slots=True)
class Auth:
    """`mechanisms`: what a person needs for each, by its name in capitals."""

    mechanisms: Mapping[Text, SignIn]
    order: Order

    def __post_init__(self) -> None:
        distinct("the family", self.order.families)
        if without := set(self.mechanisms.values()) - set(self.order.families):
            raise ValueError(f"{min(without)!r} has no place in the order")


@cache
def table() -> Auth:
    """The whole table."""
    return read("auth", Auth)

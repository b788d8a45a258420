"""What is told to people, before it is put into the words of a language (docs/contract.md 5)."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from poterne.report import locales

NAMED = 4
"""So many texts of a list are written; ports are numbers, and all of them matter."""


class Record(BaseModel):
    """Frozen, and refuses keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TextValue(Record):
    """A stranger's words. They are put into a sentence as they are, without controls, and never formatted again."""

    text: str


class DateValue(Record):
    """A day or a moment (ISO 8601), written as the language writes a day."""

    date: str


class NumberValue(Record):
    """A quantity, with at most one decimal, as the language writes numbers."""

    number: float
    unit: Literal["second"] | None = None


class Statement(Record):
    """One sentence, or a part of one: the key of a message of `_locales`, and the values of its placeholders, whose
    names are in upper case. `count` selects the plural form.

    A bare integer is a port, or another name made of digits. A bare text is a host name, an address, or another word
    that is the same in every language. Of a list of more than NAMED texts, the formatters write the first ones.
    """

    key: str
    values: "dict[str, Value]" = Field(default_factory=dict)
    count: int | None = None


Item = Statement | TextValue | DateValue | NumberValue | int | str
Value = Item | tuple[Item, ...]


def say(key: str, count: int | None = None, /, **values: Value) -> Statement:
    """A statement; the names of its values are given in lower case."""
    return Statement(key=key, values={name.upper(): value for name, value in values.items()}, count=count)


def word(kind: str, value: str) -> Statement | TextValue:
    """The word for a value of the model: of ("state", "no-answer") the message `state_no_answer`. Where there is no
    such message, the value itself.
    """
    key = f"{kind}_{value.replace('-', '_')}"
    return Statement(key=key) if locales.exists(key) else TextValue(text=value)


def about_ports(key: str, ports: Iterable[int], /, **values: Value) -> Statement:
    """A statement about ports, in rising order; their number selects the plural form."""
    numbers = tuple(sorted(set(ports)))
    return say(key, len(numbers), ports=numbers, **values)


def refusal(reason: str, value: str | None) -> Statement:
    """Why something that was published is not used, as a clause. `value`: what it is about, a stranger's text."""
    key = f"refusal_{reason.replace('-', '_')}"
    return say(key if locales.exists(key) else "refusal_unreadable", value=TextValue(text=value or ""))


def joined(parts: Iterable[Statement]) -> Statement:
    """Sentences that belong together as one. There is at least one."""
    first, *others = parts
    return say("joined", first=first, next=joined(others)) if others else first

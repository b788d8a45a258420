"""What is said on a port, and how answers are read: `dialogues.toml`, which explains each key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from poterne.knowledge.kinds import Label, Pattern, Text
from poterne.knowledge.reading import read

Framing = Literal["numeric", "imap", "pop3", "sieve", "http"]


@dataclass(frozen=True, slots=True)
class Implied:
    """A sign-in mechanism that nobody announces: it holds without the capability `unless`, or only with `given`."""

    mechanism: Text
    unless: Text | None = None
    given: Text | None = None

    def __post_init__(self) -> None:
        if (self.unless is None) == (self.given is None):
            raise ValueError("either “unless” or “given” says when the mechanism holds")

    def holds(self, capabilities: Iterable[str]) -> bool:
        """Whether the capabilities leave the mechanism usable."""
        present = {capability.upper() for capability in capabilities}
        return self.unless not in present if self.given is None else self.given in present


@dataclass(frozen=True, slots=True)
class Script:
    """One protocol's row."""

    framing: Framing
    greets: bool
    accepted: Pattern
    positive: Pattern
    again: Literal["ask", "wait"]
    busy: Pattern | None = None
    refused: Pattern | None = None
    ask: str | None = None
    ask_plain: str | None = None
    asked_by: Pattern | None = None
    welcomes: bool = False
    offer: Text | None = None
    upgrade: Text | None = None
    upgraded: Pattern | None = None
    try_unoffered: bool = False
    sign_in: Pattern | None = None
    implied: Implied | None = None
    goodbye: Text | None = None

    def __post_init__(self) -> None:
        if len({self.offer is None, self.upgrade is None, self.upgraded is None}) > 1:
            raise ValueError("“offer”, “upgrade” and “upgraded” belong together")


@dataclass(frozen=True, slots=True)
class FirstLine:
    """A first line by which a protocol is known."""

    pattern: Pattern
    protocol: Text


@dataclass(frozen=True, slots=True)
class Dialogues:
    """`dialogue`: what is said; `recognise`: other protocols' first lines, in the order in which they are tried;
    `busy_words`, `busy_words_without_code`: words of a refusal by which it is one for a while.
    """

    dialogue: Mapping[Label, Script]
    recognise: tuple[FirstLine, ...]
    busy_words: Pattern
    busy_words_without_code: Pattern


@cache
def table() -> Dialogues:
    """The whole table."""
    return read("dialogues", Dialogues)

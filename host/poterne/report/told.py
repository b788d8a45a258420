"""What a report tells people, as statements."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from poterne.report.statement import Record, Statement
from poterne.report.words import ComparedRole, Party


class ToldMessage(Record):
    """What to write to those who can remove the cause; `for` is one of the parties."""

    for_: Annotated[Party, Field(alias="for")]
    says: tuple[Statement, ...]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class ToldExpected(Record):
    """Whether what the organisation states works from here; `servers`: those that are not as stated."""

    title: Statement
    answer: Statement
    servers: tuple[Statement, ...] = ()


class Comparison(Record):
    """A row of the comparison: what was asked at one port of one server; `evidence`: ids of observations."""

    role: ComparedRole
    evidence: tuple[str, ...]


class FollowedPath(Record):
    """The observation of a failing port whose path was followed, and of a working one at the same address (ids)."""

    failing: str
    working: str | None = None


class Told(Record):
    """Everything that a report tells people. `word` is the verdict in a word or two; `remedy` the tested way round what
    the verdict names; `party` who can remove the cause (null: nothing has to be removed); `way` where connections stop,
    in sentences; `reasons` how it is known: sentences of one reason belong together. `help`: names of help pages.
    """

    headline: Statement
    word: Statement
    remedy: Statement | None = None
    advice: tuple[Statement, ...] = ()
    party: Party | None = None
    message: ToldMessage | None = None
    way: tuple[Statement, ...] = ()
    reasons: tuple[tuple[Statement, ...], ...] = ()
    hints: tuple[Statement, ...] = ()
    expected: ToldExpected | None = None
    comparison: tuple[Comparison, ...] = ()
    paths: tuple[FollowedPath, ...] = ()
    help: tuple[Literal["port25"], ...] = ()

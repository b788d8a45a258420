"""The statements that both formatters are held to: one of each kind that the recorded reports contain, and odd ones."""

from collections.abc import Iterator
from typing import Any

from tests.golden import corpus
from tests.golden.corpus import Json

from poterne.report.catalogue import Catalogue
from poterne.report.locales import LANGUAGES
from poterne.report.statement import DateValue, NumberValue, Statement, TextValue, Value, about_ports, say
from poterne.told import retold

ODD = (
    Statement(key="said_by_a_later_version"),
    say("why_target_none", host="$HOST$ $$ $1 \\1"),
    say("why_target_none", host=TextValue(text="a\u202eb\u0000c\r\n d ")),
    say("why_target_none", host=Statement(key="said_by_a_later_version")),
    say("why_target_none"),
    say("why_random", addresses=()),
    say("why_random", addresses=tuple(f"192.0.2.{last}" for last in range(1, 7))),
    say("why_random", addresses=(TextValue(text="one"), say("station_you"))),
    about_ports("port_closed", (), host="mail.example.org"),
    about_ports("port_closed", (25,), host="mail.example.org"),
    about_ports("port_closed", (110, 143, 465, 587, 993, 995), host="mail.example.org"),
    say("why_controls", 0, count=NumberValue(number=0)),
    say("why_controls", 1, count=NumberValue(number=1)),
    say("why_controls", 1_000_000, count=NumberValue(number=1_000_000)),
    say("why_controls", 1234, count=NumberValue(number=1234.56)),
    say("why_path_none", port=2525),
    say("cert_expired", 1, date=DateValue(date="2026-11-01T00:00:00Z"), port=587, host="mail.example.org"),
    say("cert_expired", 1, date=DateValue(date="soon\u202e"), port=587, host="mail.example.org"),
    say("joined", first=say("station_you"), next=say("joined", first=say("station_box"), next=say("station_server"))),
)


def found() -> dict[str, Statement]:
    """A statement of each key, plural form and shape of values in the recorded reports, by what is told apart."""
    shapes: dict[str, Statement] = {}
    for name in corpus.names():
        told = retold(corpus.recorded(name)).model_dump(mode="json")
        for statement in _statements(told):
            shapes.setdefault(_shape(statement), statement)
    return dict(sorted(shapes.items()))


def said(statement: Statement) -> Json:
    """The statement, and its words in each language."""
    words = {language: Catalogue(language).said(statement) for language in LANGUAGES}
    return {"statement": statement.model_dump(mode="json"), "said": words}


def _statements(value: Any) -> Iterator[Statement]:
    if isinstance(value, dict):
        if set(value) == {"key", "values", "count"}:
            yield Statement.model_validate(value)
        for inner in value.values():
            yield from _statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _statements(inner)


def _shape(statement: Statement) -> str:
    count = statement.count if statement.count is None or statement.count < 3 else "many"
    values = " ".join(f"{name}:{_kind(value)}" for name, value in sorted(statement.values.items()))
    return f"{statement.key} {count} {values}"


def _kind(value: Value) -> str:
    if isinstance(value, tuple):
        size = "none" if not value else "some" if len(value) <= 4 else "many"
        return f"{size}-{_kind(value[0]) if value else ''}"
    return type(value).__name__

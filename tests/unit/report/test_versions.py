"""What an earlier version of the other side sends is understood, and what it reads is still sent."""

import json
from typing import Any

import pytest
from tests.golden.corpus import FOLDER

from poterne.report.schema import json_schema

FIRST: dict[str, Any] = json.loads((FOLDER / "schema-of-the-first-version.json").read_text(encoding="utf-8"))["$defs"]
NOW: dict[str, Any] = json_schema()["$defs"]
RECORDS = [name for name, record in FIRST.items() if "properties" in record]
# What the extension sends; everything else is what it reads.
SENT = ("CheckMessage", "CancelMessage", "ExportMessage", "OptionsInput", "Options-Input")


def kinds(schema: dict[str, Any]) -> str:
    """A property's type, whatever is said about it."""
    return json.dumps(
        {key: value for key, value in schema.items() if key not in ("description", "default")}, sort_keys=True
    )


def takes(schema: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether a property of what the extension sends takes all that it took: closed sets may grow, or be opened."""
    closed = "enum" in before and set(before["enum"]) <= set(schema.get("enum", before["enum"]))
    return kinds(schema) == kinds(before) or (closed and schema["type"] == before["type"])


@pytest.mark.parametrize("name", RECORDS)
def test_every_key_of_the_first_version_is_there_and_of_the_same_kind(name: str) -> None:
    before, now = FIRST[name]["properties"], NOW[name]["properties"]
    if name in SENT:
        assert [key for key in before if key not in now or not takes(now[key], before[key])] == []
        return
    assert {key: kinds(value) for key, value in before.items()} == {
        key: kinds(now[key]) if key in now else "gone" for key in before
    }


@pytest.mark.parametrize("name", [name for name in RECORDS if name in SENT])
def test_the_first_extension_sends_all_that_is_required(name: str) -> None:
    assert set(NOW[name].get("required", ())) <= set(FIRST[name].get("required", ()))


def test_what_the_extension_sends_is_looked_at() -> None:
    assert len([name for name in RECORDS if name in SENT]) >= 4

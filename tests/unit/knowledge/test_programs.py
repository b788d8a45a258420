import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from poterne.report import MailProtocol, Security
from poterne.report.locales import LANGUAGES

FILE = Path(__file__).parents[3] / "extension" / "core" / "data" / "programs.json"
WHOLE: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PROGRAMS: list[dict[str, Any]] = WHOLE["programs"]
FIELDS = {"section", "host", "port", "security", "username"}
ENCRYPTED = set(get_args(Security)) - {"none"}
REQUIRED = {"id", "name", "protocols", "labels", "choices", "sources"}
OPTIONAL = {"ports", "address", "remarks"}

each_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program["id"])


def said(words: dict[str, str]) -> None:
    assert "en" in words
    assert set(words) <= set(LANGUAGES)
    for text in words.values():
        assert text == text.strip() != ""
        assert text.isprintable()
        assert not text.endswith(":"), "a label is shown without the colon"


def words_in(program: dict[str, Any]) -> Iterator[dict[str, str]]:
    yield program["name"]
    yield from program["choices"].values()
    for labels in program["labels"].values():
        yield from labels.values()
    for remark in program.get("remarks", ()):
        yield {key: text for key, text in remark.items() if key != "when"}


@each_program
def test_a_program_has_the_known_keys(program: dict[str, Any]) -> None:
    assert set(program) >= REQUIRED
    assert set(program) <= REQUIRED | OPTIONAL
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", program["id"])
    protocols = set(program["protocols"])
    assert protocols
    assert protocols <= set(get_args(MailProtocol))
    assert set(program["labels"]) <= set(get_args(MailProtocol)) | {"incoming", "outgoing"}
    for labels in program["labels"].values():
        assert labels
        assert set(labels) <= FIELDS
    assert set(program["choices"]) == ENCRYPTED
    for protocol, ports in program.get("ports", {}).items():
        assert protocol in protocols
        assert all(type(port) is int and 0 < port < 65536 for port in ports)
    if "address" in program:
        assert set(program["address"]) == ENCRYPTED
        assert all("{host}" in form and "{port}" in form for form in program["address"].values())
    for remark in program.get("remarks", ()):
        assert set(remark["when"]) <= {"protocol", "security"}
        assert set(remark["when"].get("security", ())) <= ENCRYPTED
        assert set(remark["when"].get("protocol", ())) <= set(get_args(MailProtocol))


@each_program
def test_every_word_is_a_line_that_can_be_shown(program: dict[str, Any]) -> None:
    for words in words_in(program):
        said(words)
    for remark in program.get("remarks", ()):
        assert set(LANGUAGES) <= set(remark), "our own sentences are in every language"


@each_program
def test_every_program_has_its_sources(program: dict[str, Any]) -> None:
    assert program["sources"]
    assert set(program["sources"]) <= set(WHOLE["sources"])


@each_program
def test_the_kinds_of_encryption_are_told_apart_or_the_program_is_known_not_to(program: dict[str, Any]) -> None:
    tls, starttls = (program["choices"][kind]["en"] for kind in ("tls", "starttls"))
    explained = [remark for remark in program.get("remarks", ()) if "starttls" in remark["when"].get("security", ())]
    assert tls != starttls or explained


def test_sources_are_named_dated_and_used() -> None:
    used = {source for program in PROGRAMS for source in program["sources"]}
    assert used == set(WHOLE["sources"])
    read = date.fromisoformat(WHOLE["read"])
    for source in WHOLE["sources"].values():
        assert set(source) == {"title", "organisation", "place", "date"}
        assert all(source[key] for key in ("title", "organisation", "place"))
        assert source["date"] is None or date.fromisoformat(source["date"]) <= read


def test_ids_and_names_are_unique() -> None:
    for names in (
        [program["id"] for program in PROGRAMS],
        *[[program["name"].get(language, program["name"]["en"]) for program in PROGRAMS] for language in LANGUAGES],
    ):
        assert len(set(names)) == len(names)


def test_the_programs_that_most_people_use_are_there() -> None:
    assert {program["id"] for program in PROGRAMS} >= {
        "gmail",
        "thunderbird",
        "thunderbird-android",
        "outlook-classic",
        "outlook-new",
        "apple-mail-mac",
        "apple-mail-ios",
        "roundcube",
    }

"""Every word of the command line is the one that is held."""

import json
from pathlib import Path

import pytest
from tests.golden import corpus, sides, statements
from tests.golden.explained import explained

from poterne.report.catalogue import Catalogue
from poterne.report.locales import LANGUAGES
from poterne.report.statement import Statement

VECTORS: list[corpus.Json] = json.loads(corpus.STATEMENTS.read_text(encoding="utf-8"))
EXPLAINED = {line["name"]: line for line in map(json.loads, corpus.EXPLAINED.read_text(encoding="utf-8").splitlines())}
HELD = corpus.digests()


def test_every_report_is_held() -> None:
    assert set(HELD) == set(EXPLAINED) == set(corpus.names())
    assert len(HELD) > 200


@pytest.mark.parametrize("name", corpus.names())
def test_the_words_of_the_terminal(name: str) -> None:
    report = corpus.recorded(name)
    for language in LANGUAGES:
        parts = sides.terminal(report, language)
        if language == "en" and name in corpus.in_full():
            assert corpus.page(parts) == (corpus.SAID / f"{name}.terminal.txt").read_text(encoding="utf-8")
        assert corpus.digest(parts) == HELD[name][language]["terminal"], f"{language}\n{corpus.page(parts)}"


@pytest.mark.parametrize("name", corpus.names())
def test_what_is_concluded_of_a_saved_report(name: str, tmp_path: Path) -> None:
    assert explained(name, corpus.recorded(name), tmp_path) == EXPLAINED[name]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["statement"]["key"] for vector in VECTORS])
def test_a_statement_in_words(vector: corpus.Json) -> None:
    statement = Statement.model_validate(vector["statement"])
    assert {language: Catalogue(language).said(statement) for language in LANGUAGES} == vector["said"]


def test_the_vectors_hold_every_kind_of_statement() -> None:
    held = [Statement.model_validate(vector["statement"]) for vector in VECTORS]
    missing = [kind for kind, statement in statements.found().items() if statement not in held]
    assert missing == []

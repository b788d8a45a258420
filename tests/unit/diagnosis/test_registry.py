"""What a finding is, and what it takes to add one (docs/ARCHITECTURE.md)."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.golden.corpus import names, recorded
from tests.unit.core_observations import HOST, World, evidence, report_of, seen, server

from poterne.diagnosis import Evidence, diagnose, registry, rules
from poterne.diagnosis.case import Case
from poterne.diagnosis.registry import FindingKind, compares, kind, kinds, known, register, shows
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import locales
from poterne.report.catalogue import Catalogue
from poterne.report.locales import LANGUAGES
from poterne.told import retold

MOON = FindingKind(
    code="full-moon", party="provider", depth=97, severity="note", network=True, stops=("provider", "internet")
)
MESSAGES = {
    "full_moon": "The moon is full over $HOST$ ($LIGHT$).",
    "full_moon_advice": "Wait for a fortnight.",
    "tell_full_moon": "Your moon is full.",
}


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is registered in a test is known to nobody else."""
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))
    monkeypatch.setattr(registry, "_COMPARING", list(registry._COMPARING))
    monkeypatch.setattr(registry, "_ALONE", list(registry._ALONE))


@pytest.fixture
def own_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The catalogues, and in each the sentences of a finding that there is not."""
    folder = tmp_path / "_locales"
    shutil.copytree(locales._folder(), folder)
    for language in LANGUAGES:
        file = folder / language / "messages.json"
        raw = json.loads(file.read_text(encoding="utf-8"))
        raw |= {key: {"message": f"{language}: {message}"} for key, message in MESSAGES.items()}
        file.write_text(json.dumps(raw), encoding="utf-8")
    monkeypatch.setattr(locales, "_folder", lambda: folder)
    locales.messages.cache_clear()
    locales.placeholders.cache_clear()
    yield
    monkeypatch.undo()
    locales.messages.cache_clear()
    locales.placeholders.cache_clear()


@pytest.mark.usefixtures("own_registry", "own_messages")
def test_a_rule_with_its_registration_and_its_sentences_are_all_that_a_finding_takes() -> None:
    @compares(MOON)
    def full_moon(case: Case) -> Yields:
        there = case.target.tried
        yield Symptom(
            "full-moon", "likely", params={"light": 1}, seen=there, explains=frozenset(o.id for o in there), blocks=True
        )

    report = retold(report_of(World().silent(who="target").evidence))
    (finding,) = [finding for finding in report.findings if finding.code == "full-moon"]
    assert (report.verdict.code, finding.severity, finding.party) == ("full-moon", "blocker", "provider")
    assert "unproven" not in {each.code for each in report.findings}, "a deeper finding explains it"
    assert report.way is not None
    assert (report.way.stops_from, report.way.stops_to) == ("provider", "internet")
    told = report.told
    assert told is not None
    assert told.message is not None
    for language in LANGUAGES:
        catalogue = Catalogue(language)
        assert catalogue.said(told.headline) == f"{language}: The moon is full over {HOST} (1)."
        assert catalogue.paragraph(told.advice) == f"{language}: Wait for a fortnight."
        assert catalogue.paragraph(told.message.says).startswith(f"{language}: Your moon is full.")


@pytest.mark.usefixtures("own_registry", "own_messages")
def test_where_settings_work_a_finding_has_the_severity_that_it_was_registered_with() -> None:
    @shows(MOON)
    def full_moon(case: Case) -> Yields:
        yield Symptom("full-moon", "certain", host=HOST, params={"light": 1})

    known_ = evidence(server(), seen(587))
    (finding,) = [finding for finding in diagnose(known_).findings if finding.code == "full-moon"]
    assert finding.severity == "note"
    assert diagnose(known_).verdict.code == "full-moon", "a network's doing is the verdict all the same"


@pytest.mark.usefixtures("own_registry")
def test_a_rule_on_endpoints_alone_says_nothing_without_a_network() -> None:
    @shows(MOON)
    def full_moon(case: Case) -> Yields:
        yield Symptom("full-moon", "certain", host=HOST)

    assert {finding.code for finding in diagnose(evidence(server(), online=False)).findings} == {"offline"}


@pytest.mark.usefixtures("own_registry")
def test_a_code_is_registered_once() -> None:
    with pytest.raises(ValueError, match="port-closed"):
        register(FindingKind(code="port-closed", party="server", depth=1, severity="note"))
    with pytest.raises(ValueError, match="full-moon"):
        register(MOON, MOON)


def test_a_code_of_another_version_means_nothing_further() -> None:
    strange = kind("of-tomorrow")
    assert (strange.party, strange.depth, strange.network, strange.stops) == (None, 0, False, None)
    assert strange not in kinds()
    with pytest.raises(KeyError):
        known("of-tomorrow")


def test_a_port_that_sends_may_weigh_more() -> None:
    assert known("port-silent").milder(outgoing=True) == "warning"
    assert known("port-silent").milder(outgoing=False) == "note"
    assert known("port-closed").milder(outgoing=True) == "note"


def test_every_module_of_rules_is_loaded() -> None:
    modules = {path.stem for path in Path(rules.__file__).parent.glob("*.py")} - {"__init__"}
    assert modules == set(rules.__all__)
    registered = {rule.__module__.rpartition(".")[2] for rule in (*registry._COMPARING, *registry._ALONE)}
    assert modules == registered


@pytest.mark.usefixtures("own_registry")
def test_the_order_of_rules_decides_nothing() -> None:
    """But for findings of one module that weigh the same, which are told in its order."""
    reports = [recorded(name) for name in names()]
    before = [diagnose(Evidence.of(report)) for report in reports]
    registry._COMPARING.reverse()
    registry._ALONE.sort(key=lambda rule: rule.__module__, reverse=True)
    assert [diagnose(Evidence.of(report)) for report in reports] == before

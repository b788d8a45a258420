import asyncio
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core_observations import (
    HOST,
    concluded,
    evidence,
    plain,
    report_of,
    resolved,
    seen,
    server,
    spoilt,
    unreached,
)
from tests.unit.said import (
    advice,
    hint_in_words,
    message_in_words,
    reasons_in_words,
    remedy_in_words,
    sentence,
    way_in_words,
)
from tests.unit.told_reports import CONTROLS, reports

from poterne.cli.drawing import way_drawn
from poterne.cli.main import main
from poterne.cli.text import follow, show
from poterne.policy import Policy
from poterne.report import CheckEvent, Report, ReportEvent, Request
from poterne.report.catalogue import Catalogue
from poterne.report.display import MAX_LINE, display, displays

TOLD = reports()
REPORTS = {
    "all well": report_of(evidence(server(), seen(587), seen(993), names=[resolved()])),
    "blocked": report_of(evidence(f"{HOST}:25", unreached(25, "no-answer"), seen(587), seen(465))),
    "several": report_of(
        evidence(
            server(),
            spoilt(587, "cert-expired", "cert-name-mismatch"),
            plain(143),
            unreached(465, "refused"),
            unreached(25, "prohibited", error="EHOSTUNREACH (ICMP 3/13)", reporter="192.0.2.1"),
        )
    ),
    "no name": report_of(
        evidence("me@example.org", names=[resolved("example.org", "domain", state="nxdomain", addresses=())])
    ),
    "offline": report_of(evidence(server(), unreached(25, "unreachable"), online=False)),
    "nothing tested": report_of(evidence("me@example.org")),
}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", REPORTS)
def test_the_answer_as_text(name: str, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    report, catalogue = REPORTS[name], Catalogue(language)
    show(report, catalogue)
    out = capsys.readouterr().out
    verdict = next(finding for finding in report.findings if finding.code == report.verdict.code)
    flat = " ".join(out.split())
    assert " ".join(sentence(verdict, catalogue).split()) in flat
    assert " ".join(advice(verdict, catalogue).split()) in flat
    for way in (*report.settings.outgoing, *report.settings.incoming):
        if way.security != "none":
            assert re.search(rf"{re.escape(way.host)}\s+{way.port}\b", out)
    assert not re.search(r"\$\w*\$|\{\w*\}|\bNone\b|\bTrue\b|\bFalse\b", out)
    assert not re.search(r"\b[Pp]orts?  ", out.partition("\n\n")[0])
    assert all(character.isprintable() or character in "\n\u00a0\u202f" for character in out)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", TOLD)
def test_a_comparison_as_text(name: str, language: str, capsys: pytest.CaptureFixture[str]) -> None:
    report, catalogue = TOLD[name], Catalogue(language)
    show(report, catalogue)
    out = capsys.readouterr().out
    flat = " ".join(out.split()).replace(" · ", " ")
    wanted = [
        *reasons_in_words(report, catalogue),
        *(hint_in_words(hint, catalogue) for hint in report.hints),
        message_in_words(report, catalogue),
        remedy_in_words(report, catalogue),
        way_in_words(report.way, report.verdict.code, catalogue) if report.way else None,
    ]
    for text in filter(None, wanted):
        assert " ".join(text.split()) in flat
    if report.way:
        for line, ports in way_drawn(report.way, catalogue):
            assert f"  {line}   {ports}" in out
    for one in report.observations:
        assert re.search(rf"{re.escape(one.host)}\s+{one.port}\b", out)
    assert not re.search(r"\$\w*\$|\bNone\b|\bTrue\b|\bFalse\b", out)


def test_a_narrow_terminal_gets_the_sentence_without_the_picture(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("poterne.cli.text._WIDTH", 60)
    report = TOLD["blocked"]
    show(report, Catalogue("en"))
    out = capsys.readouterr().out
    assert report.way is not None
    assert " ".join(way_in_words(report.way, report.verdict.code, Catalogue("en")).split()) in " ".join(out.split())
    assert "──" not in out


async def test_the_check_has_cleaned_up_before_its_report_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned: list[str] = []

    async def check(request: Request, policy: Policy) -> AsyncGenerator[CheckEvent, None]:
        try:
            yield ReportEvent(report=REPORTS["all well"])
        finally:
            await asyncio.sleep(0)
            cleaned.append(capsys.readouterr().out)

    monkeypatch.setattr("poterne.cli.text.check", check)
    assert await follow(Request(target=HOST), Policy()) == REPORTS["all well"]
    assert cleaned == [""]
    assert HOST in capsys.readouterr().out


def test_controls_stand_apart_from_the_target(capsys: pytest.CaptureFixture[str]) -> None:
    show(TOLD["blocked"], Catalogue("en"))
    own, _, others = capsys.readouterr().out.partition("Endpoints")[2].partition("Asked for comparison")
    for host in CONTROLS:
        assert host not in own
        assert host in others
    assert HOST not in others.partition("The way to")[0]


def test_the_first_line_is_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORTS["blocked"], Catalogue("en"))
    assert capsys.readouterr().out.lstrip().startswith("✗ Port 25 of mail.example.org")


def test_settings_without_encryption_are_never_shown_as_something_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_of(evidence(server(), plain(587), plain(143)))
    assert report.settings.outgoing
    show(report, Catalogue("en"))
    out = capsys.readouterr().out
    typed = out.partition("Settings to type")[2].partition("Findings")[0]
    assert "587" not in typed
    assert "143" not in typed


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "port"),
        ({"LC_ALL": "fr", "LANG": "en_US.UTF-8"}, "port"),
        ({"LANGUAGE": "nl:fr"}, "port"),
    ],
)
def test_french_where_the_environment_asks_for_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    word: str,
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "report.json"
    file.write_text(REPORTS["several"].model_dump_json(), encoding="utf-8")
    assert main(("explain", str(file))) == 1
    out = " ".join(capsys.readouterr().out.split())
    french = Catalogue("fr")
    for finding in concluded(server(), *REPORTS["several"].observations).findings:
        assert " ".join(sentence(finding, french).split()) in out
    assert "Settings to type" not in out


def test_the_same_report_is_shown_alike_after_a_round_trip(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORTS["several"], Catalogue("en"))
    first = capsys.readouterr().out
    show(Report.model_validate_json(REPORTS["several"].model_dump_json()), Catalogue("en"))
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        (b"  around \r\n", "around"),
        (b"a\x00b\x1b[31mc", "a\ufffdb\ufffd[31mc"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("caf\u00e9 \u2603", "caf\u00e9 \u2603"),
        ("a\u202eb\u2066c\u200bd\ufeffe\u2028f", "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf"),
        ("a\tb", "a\ufffdb"),
        ("\ud800", "\ufffd"),
        ("\ue000", "\ufffd"),
    ],
)
def test_bytes_of_strangers(raw: bytes | str, shown: str) -> None:
    assert display(raw) == shown


def test_long_text_is_cut() -> None:
    assert display("x" * MAX_LINE) == "x" * MAX_LINE
    assert display("x" * (MAX_LINE + 1)) == "x" * (MAX_LINE - 3) + "…"


@given(st.one_of(st.binary(max_size=3000), st.text(max_size=3000)), st.integers(8, 600))
def test_whatever_comes_is_one_printable_line_within_bounds(raw: bytes | str, limit: int) -> None:
    shown = display(raw, limit)
    assert len(shown.encode()) <= limit
    assert all(c.isprintable() or c.isspace() for c in shown)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)
    shown.encode()


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=400), max_size=100))
def test_many_texts_stay_within_bounds(raws: list[bytes]) -> None:
    shown = displays(raws, total=1200)
    assert len(shown) <= 64
    assert sum(len(text.encode()) for text in shown) <= 1200
    assert shown == tuple(display(raw, 160) for raw in raws[: len(shown)])

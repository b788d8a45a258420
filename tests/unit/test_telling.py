"""What is told beyond the findings; the extension, asked by node, says it in the same words."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_observations import HOST
from tests.unit.told_reports import CONTROLS, FREE, blocked, reports

from poterne.catalogue import LANGUAGES, Catalogue
from poterne.model import Report, Settings, Station, Way
from poterne.reasons import compared, reasons_in_words, traced
from poterne.telling import hint_in_words, remedy, remedy_in_words, tell, verdict_finding, way_drawn, way_in_words

ROOT = Path(__file__).parents[2]
ENGLISH = Catalogue("en")
REPORTS = reports()


@pytest.fixture(scope="module")
def extension() -> dict[str, dict[str, dict[str, Any]]]:
    """By language and report."""
    asked = {name: json.loads(report.model_dump_json()) for name, report in REPORTS.items()}
    done = subprocess.run(
        ["node", "tests/extension/say.mjs"],  # noqa: S607
        cwd=ROOT,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, dict[str, dict[str, Any]]] = json.loads(done.stdout)
    return said


def everything(report: Report, catalogue: Catalogue) -> dict[str, Any]:
    setting = remedy(report)
    return {
        "headline": catalogue.finding(verdict_finding(report)),
        "use": remedy_in_words(report, catalogue),
        "tell": tell(report, catalogue),
        "hints": [hint_in_words(hint, catalogue) for hint in report.hints],
        "way": way_in_words(report.way, report.verdict.code, catalogue) if report.way else None,
        "reasons": reasons_in_words(report, catalogue),
        "tested": setting.port if setting else None,
        "traced": [[failing.id, beside.id if beside else None] for failing, beside in traced(report)],
        "compared": list(dict.fromkeys(f"{role} {s[0].host} {s[0].port}" for role, s in compared(report))),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", REPORTS)
def test_the_command_line_and_the_extension_say_the_same(
    name: str, language: str, extension: dict[str, dict[str, dict[str, Any]]]
) -> None:
    mine = everything(REPORTS[name], Catalogue(language))
    assert mine == extension[language][name]
    text = json.dumps(mine, ensure_ascii=False)
    assert not re.search(r"\$\w+\$|\bundefined\b|\bNone\b|\bwhy_|\bway_", text)


def test_every_sentence_of_these_is_said_in_one_of_the_reports() -> None:
    said: set[str] = set()

    class Listening(Catalogue):
        def text(self, key: str, /, **values: object) -> str:
            said.add(key)
            return super().text(key, **values)

    listening = Listening("en")
    for report in REPORTS.values():
        everything(report, listening)
    raw = json.loads((ROOT / "extension/_locales/en/messages.json").read_text(encoding="utf-8"))
    told = {key for key in raw if key.startswith(("why_", "tell_", "use_"))}
    elsewhere = {"why_title", "why_comparison", "why_way", "why_step", "why_role", "tell_title", "tell_text"}
    plural = {key for key in told if key.endswith("_one") or f"{key}_one" in told}
    assert {key for key in told - said - elsewhere if key not in plural} == set()
    for key in plural:
        stem = key.removesuffix("_one")
        assert {stem, f"{stem}_one"} & said, stem


def test_how_a_blocked_port_is_known() -> None:
    assert reasons_in_words(blocked(), ENGLISH) == [
        f"{HOST} answers on ports 465 and 587. Refused: 110, 143, 993, and 995. No answer: 25.",
        "3 servers of other operators were asked for comparison. On port 25 none could be reached. "
        "On ports 465 and 587 all could be reached.",
        "Your box itself (192.168.1.1) reacts on port 25: this computer lets the port out.",
        "Port 25 can be followed to step 1 (192.168.1.1); after that nothing answers. "
        "Port 465 of the same address reaches the server at step 5.",
        "An address at which there is nobody stays silent: nothing answers in place of others.",
        "The web page that is kept for such tests came unaltered.",
    ]


def test_who_refused_is_named() -> None:
    for name, who in (("box", "your box"), ("this computer", "this computer"), ("the server", "the server")):
        assert any(f"({who})" in reason for reason in reasons_in_words(REPORTS[name], ENGLISH)), name


def test_one_control_of_three_is_no_silence_of_all() -> None:
    said = " ".join(reasons_in_words(REPORTS["ports"], ENGLISH))
    assert "On port 465 none could be reached." in said
    assert "On port 587, 1 of 3 could be reached." in said


def test_a_refusal_without_an_address_is_the_server_s_own() -> None:
    assert "Port 587 is refused at step 3, by 192.0.2.7." in reasons_in_words(REPORTS["down"], ENGLISH)


def test_what_both_families_show_is_said_once() -> None:
    said = reasons_in_words(REPORTS["both families"], ENGLISH)
    assert sum("not even the first router" in reason for reason in said) == 2, (
        "once with a port beside it, once for two addresses without"
    )


def test_the_tested_way_out() -> None:
    assert remedy_in_words(blocked(), ENGLISH) == (f"Use port 465 with SSL/TLS ({HOST}): tested from here, it works.")
    without = blocked().model_copy(update={"settings": Settings()})
    assert remedy_in_words(without, ENGLISH) is None
    unsure = blocked().settings.model_copy(
        update={"outgoing": tuple(row.model_copy(update={"verified": False}) for row in blocked().settings.outgoing)}
    )
    assert remedy_in_words(blocked().model_copy(update={"settings": unsure}), ENGLISH) is None
    assert remedy_in_words(REPORTS["ok"], ENGLISH) is None


def test_a_stopped_port_is_not_what_to_use() -> None:
    stopped = Way(stops_from="box", stops_to="provider", stopped=(465,))
    setting = remedy(blocked().model_copy(update={"way": stopped}))
    assert setting is not None
    assert setting.port == 587


def test_where_connections_are_opened_nothing_is_recommended() -> None:
    assert remedy(REPORTS["opened on the way"]) is None


def test_receiving_is_helped_by_a_setting_for_receiving() -> None:
    setting = remedy(REPORTS["receiving"])
    assert setting is not None
    assert setting.port == 995


def test_what_to_tell_names_the_port_the_servers_and_the_time() -> None:
    text = tell(blocked(), ENGLISH)
    assert text is not None
    for needed in ("port 25", "465 and 587", HOST, *CONTROLS, "2026-11-24", "12:00 UTC"):
        assert needed in text
    assert tell(REPORTS["ok"], ENGLISH) is None


def test_the_provider_is_accused_only_where_it_is_proved() -> None:
    proved, not_proved = (REPORTS[name] for name in ("blocked by the provider", "blocked"))
    for language in LANGUAGES:
        catalogue = Catalogue(language)
        key = "port25_blocked"
        assert catalogue.finding(verdict_finding(proved)) == catalogue.text(f"{key}_provider")
        assert catalogue.finding(verdict_finding(not_proved)) == catalogue.text(key)
        assert catalogue.finding(verdict_finding(proved), "_advice") == catalogue.text(f"{key}_advice")


def test_a_hint_says_perhaps_whence_and_when() -> None:
    said = hint_in_words(FREE, ENGLISH)
    assert said.startswith("Perhaps your provider is Free")
    assert said.endswith("(YunoHost documentation, 2020; may be out of date.)")
    assert "undated" in hint_in_words(FREE.model_copy(update={"date": None}), ENGLISH)
    assert "January 11, 2020" in hint_in_words(FREE.model_copy(update={"date": "2020-01-11"}), ENGLISH)


@pytest.mark.parametrize(
    ("first", "last", "words", "drawn"),
    [
        ("you", "you", "on this computer", "you ✗···· your box ····· provider ····· internet ····· server"),
        ("box", "box", "at your box", "you ────✗ your box ····· provider ····· internet ····· server"),
        ("server", "server", "at the server", "you ───── your box ───── provider ───── internet ────✗ server"),
        (
            "box",
            "provider",
            "between your box and your provider",
            "you ───── your box ──✗── provider ····· internet ····· server",
        ),
        (
            "provider",
            "server",
            "somewhere between your provider and the server",
            "you ───── your box ───── provider ┄┄?┄┄ internet ┄┄?┄┄ server",
        ),
    ],
)
def test_the_picture_of_the_way(first: Station, last: Station, words: str, drawn: str) -> None:
    way = Way(stops_from=first, stops_to=last, stopped=(25,), passing=(465, 587))
    stops, passes = way_drawn(way, ENGLISH)
    assert way_in_words(way, "port25-blocked", ENGLISH) == f"Port 25 stops {words}. Ports 465 and 587 get through."
    assert stops == (drawn, "port 25")
    assert passes == ("you ───── your box ───── provider ───── internet ───── server", "ports 465 and 587 ✓")
    assert len(stops[0]) == len(passes[0])

"""What is told beyond the findings."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_observations import HOST
from tests.unit.said import (
    advice,
    hint_in_words,
    message_in_words,
    reasons_in_words,
    remedy_in_words,
    sentence,
    way_in_words,
)
from tests.unit.told_reports import CONTROLS, FREE, blocked, report, reports
from tests.unit.told_reports import report as told_report

from poterne.cli.drawing import way_drawn
from poterne.diagnosis.registry import kind, kinds
from poterne.report import Report, Setting, Settings, Station, Way
from poterne.report.catalogue import Catalogue
from poterne.report.locales import LANGUAGES
from poterne.told import advice as advised
from poterne.told import retold, verdict_finding

ROOT = Path(__file__).parents[3]
ENGLISH = Catalogue("en")
REPORTS = reports()


def remedy(report: Report) -> Setting | None:
    return advised.remedy(report, verdict_finding(report))


def keys(value: Any) -> Iterator[tuple[str, int | None]]:
    """The key and the count of every statement in a report that was written as JSON."""
    if isinstance(value, dict):
        if {"key", "values"} <= set(value):
            yield value["key"], value["count"]
        for inner in value.values():
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_every_sentence_of_these_is_said_in_one_of_the_reports() -> None:
    said = {key for report in REPORTS.values() for key, _ in keys(json.loads(retold(report).model_dump_json()))}
    raw = json.loads((ROOT / "extension/_locales/en/messages.json").read_text(encoding="utf-8"))
    told = {key.removesuffix("_one") for key in raw if key.startswith(("why_", "tell_", "use_"))}
    elsewhere = {"why_title", "why_comparison", "why_way", "why_step", "why_role", "tell_title", "tell_text"}
    assert told - said - elsewhere == set()


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_that_is_told_again_tells_the_same(name: str) -> None:
    once = retold(REPORTS[name])
    assert retold(Report.model_validate_json(once.model_dump_json())) == once


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
    text = message_in_words(blocked(), ENGLISH)
    assert text is not None
    for needed in ("port 25", "465 and 587", HOST, *CONTROLS, "2026-11-24", "12:00 UTC"):
        assert needed in text
    assert message_in_words(REPORTS["ok"], ENGLISH) is None


def test_the_provider_is_accused_only_where_it_is_proved() -> None:
    proved, not_proved = (REPORTS[name] for name in ("blocked by the provider", "blocked"))
    for language in LANGUAGES:
        catalogue = Catalogue(language)
        key = "port25_blocked"
        assert sentence(verdict_finding(proved), catalogue) == catalogue.text(f"{key}_provider")
        assert sentence(verdict_finding(not_proved), catalogue) == catalogue.text(key)
        assert advice(verdict_finding(proved), catalogue) == catalogue.text(f"{key}_advice")


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


@pytest.mark.parametrize(
    ("reason", "party", "words"), [("port-forbidden", "computer", "policy"), ("port-unusual", "you", "type")]
)
def test_who_may_have_a_port_tested_that_a_domain_offers(reason: str, party: str, words: str) -> None:
    params = {"place": "out.example.org:26", "source": "srv", "reason": reason, "value": "26"}
    told = retold(report("offer-untested", finding={"port": None, "params": params})).told
    assert told is not None
    assert told.party == party
    assert words in ENGLISH.said(told.headline)
    assert ("policy" in ENGLISH.said(told.headline)) is (reason == "port-forbidden")
    assert ("administ" in ENGLISH.paragraph(told.advice) or "looks after" in ENGLISH.paragraph(told.advice)) is (
        reason == "port-forbidden"
    )


def test_the_picture_shows_what_the_server_itself_refuses() -> None:
    way = Way(stops_from="box", stops_to="provider", stopped=(25,), refused=(465,))
    _, refuses = way_drawn(way, ENGLISH)
    assert refuses == ("you ───── your box ───── provider ───── internet ────✗ server", "port 465")
    said = way_in_words(way, "port25-blocked", ENGLISH)
    assert said == "Port 25 stops between your box and your provider. Port 465 stops at the server."


# ---- whom to ask, and what

_ASKS = re.compile(r"\b(ask|tell|send (this|the server)|can (mend|lift|help|open|change) )", re.IGNORECASE)


def blocking(code: str) -> Report:
    """A report whose verdict is that code, in the way of everything, with all that its sentences may name."""
    params: dict[str, Any] = {
        "ports": (465, 587), "addresses": ("192.0.2.7",), "names": ("smtp.example.org",), "date": "2026-11-01",
        "issuer": "An authority", "greeting": "554 no", "version": "TLSv1", "asked": "tls", "works": "none",
        "expected": "smtp", "spoke": "imap", "place": "https://example.org/x", "reason": "unreadable", "value": "26",
        "relay": "smtp.isp.example", "seconds": 9, "days": 3, "alert": "HANDSHAKE_FAILURE", "state": "no-answer",
    }  # fmt: skip
    return retold(told_report(code, finding={"severity": "blocker", "port": 465, "params": params}))


def may_be_the_verdict(code: str) -> bool:
    return code != "ok" and not kind(code).remark


@pytest.mark.parametrize("code", [each.code for each in kinds() if may_be_the_verdict(each.code)])
def test_whoever_is_to_be_asked_has_a_message(code: str) -> None:
    """In every language, where the advice says to ask somebody; and it goes to somebody else than the reader."""
    told = blocking(code).told
    assert told is not None
    advised = ENGLISH.paragraph(told.advice)
    if told.message is None:
        assert told.party in ("you", "clock", None), "who can remove the cause is told what it is"
        assert not _ASKS.search(advised), advised
        return
    assert told.message.for_ not in ("you", "clock")
    assert told.party in (told.message.for_, "you", "clock"), "no two of them are asked for the same"
    for language in LANGUAGES:
        text = Catalogue(language).paragraph(told.message.says)
        assert len(text) > 40
        assert "$" not in text


@pytest.mark.parametrize(("code", "recipient"), [("cert-expired", "server"), ("captive-portal", "network")])
def test_what_was_found_is_told_to_those_who_can_remove_it(code: str, recipient: str) -> None:
    told = blocking(code).told
    assert told is not None
    assert told.message is not None
    assert told.message.for_ == recipient
    assert told.headline in told.message.says


def test_a_remark_is_told_to_nobody() -> None:
    told = retold(told_report("cert-expiring", finding={"severity": "note", "params": {"date": "2026-12-01"}})).told
    assert told is not None
    assert told.message is None


def test_who_can_remove_the_cause_of_a_silent_name_is_clear_only_where_it_is_certain() -> None:
    for confidence, party in (("certain", "network"), ("likely", "unclear")):
        told = retold(told_report("dns-timeout", finding={"severity": "blocker", "confidence": confidence})).told
        assert told is not None
        assert told.party == party

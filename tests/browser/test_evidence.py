"""What the popup shows of a comparison: the way, the tested way round, whom to tell what, hints, how it is known."""

import re
from typing import Any

import pytest
from tests.unit.core_observations import HOST
from tests.unit.said import hint_in_words, message_in_words, reasons_in_words, remedy_in_words, way_in_words
from tests.unit.told_reports import BOX, CONTROLS, blocked, reports

from poterne.report import Endpoint, PlanEvent, Report, ReportEvent
from poterne.report.catalogue import Catalogue
from poterne.told import retold

from .conftest import Lab, message
from .drive.page import Browser, Page, until
from .drive.popup import Popup
from .test_accessibility import examine


def answers(report: Report) -> list[dict[str, Any]]:
    report = retold(report)
    plan = [Endpoint(**{name: getattr(seen, name) for name in Endpoint.model_fields}) for seen in report.observations]
    events = (PlanEvent(endpoints=tuple(plan)), ReportEvent(report=report))
    return [event.model_dump(mode="json", exclude={"id"}) for event in events]


def shown(browser: Browser, lab: Lab, report: Report) -> Popup:
    lab.scripted_host(browser, answers=answers(report))
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.ask(report.target.input)
    popup.until_run("done")
    return popup


def speak(page: Page, language: str) -> None:
    page.evaluate(f"chrome.storage.local.set({{language: '{language}'}})")
    until(lambda: page.evaluate("document.documentElement.lang") == language, language)


def flat(text: str | None) -> str:
    assert text
    return " ".join(text.split())


def test_all_of_it_is_said_and_is_accessible(browser: Browser, lab: Lab) -> None:
    report = blocked()
    popup = shown(browser, lab, report)
    page = popup.page
    assert report.way is not None
    for language in ("en", "fr"):
        speak(page, language)
        popup.unfold()
        say = Catalogue(language)
        assert page.element(".way figcaption").text() == flat(way_in_words(report.way, report.verdict.code, say))
        assert page.element("[data-use]").text() == flat(remedy_in_words(report, say))
        assert page.element("[data-hint='self-service']").text() == flat(hint_in_words(report.hints[0], say))
        assert page.element("[data-tell] blockquote").text() == flat(message_in_words(report, say))
        assert [item.text() for item in page.elements("[data-why] li")] == [
            flat(reason) for reason in reasons_in_words(report, say)
        ]
    examine(browser, page)


def test_the_report_in_a_tab_shows_it_and_stays_narrow(browser: Browser, lab: Lab) -> None:
    shown(browser, lab, blocked())
    tab = Popup(browser.open(browser.url("report/report.html")))
    for language in ("en", "fr"):
        speak(tab.page, language)
        tab.unfold()
        for width in (320, 900):
            tab.page.resize(width, 800)
            until(lambda width=width: tab.page.evaluate("innerWidth") == width, f"{width} pixels")  # type: ignore[misc]
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, (language, width)
            boxes = tab.page.evaluate(INSIDE)
            assert boxes == [], (language, width)
    examine(browser, tab.page)


INSIDE = """(() => {
    const frame = document.querySelector(".way-picture").getBoundingClientRect();
    return [...document.querySelectorAll(".way-picture *")].filter(element => {
        const {left, right, top, bottom} = element.getBoundingClientRect();
        return left < frame.left || right > frame.right || top < frame.top || bottom > frame.bottom;
    }).map(element => element.outerHTML);
})()"""

PLACES = """(() => {
    const centre = element => {
        const {left, width} = element.getBoundingClientRect();
        return left + width / 2;
    };
    return {
        stations: [...document.querySelectorAll(".way-station")].map(centre),
        marks: [...document.querySelectorAll("[data-tone=bad] .way-mark")].map(centre),
        dots: [...document.querySelectorAll("[data-tone=bad] .way-dot")].map(centre),
    };
})()"""


# Between which stations a cross stands.
CROSSES = {
    "this computer": [(0, 0)],
    "box": [(1, 1)],
    "blocked": [(1, 2)],
    "ports": [(2, 3), (3, 4)],
    "the server": [(4, 4)],
}


def test_the_cross_stands_where_it_stops(browser: Browser, lab: Lab) -> None:
    host = lab.scripted_host(browser)
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    for name, between in CROSSES.items():
        report = reports()[name]
        host.answer(answers(report))
        popup.check(report.target.input)
        assert report.way is not None
        said = flat(way_in_words(report.way, report.verdict.code, Catalogue("en")))
        until(lambda said=said: popup.page.element(".way figcaption").text() == said, said)  # type: ignore[misc]
        for direction in ("ltr", "rtl"):
            popup.page.evaluate(f"void (document.documentElement.dir = '{direction}')")
            places = popup.page.evaluate(PLACES)
            stations = places["stations"]
            assert sorted(stations, reverse=direction == "rtl") == stations, (name, direction)
            assert places["dots"] == pytest.approx(stations, abs=1), (name, direction)
            middles = [(stations[one] + stations[other]) / 2 for one, other in between]
            assert places["marks"] == pytest.approx(middles, abs=1), (name, direction)
        popup.page.evaluate("void (document.documentElement.dir = 'ltr')")


def test_without_a_way_there_is_no_picture(browser: Browser, lab: Lab) -> None:
    popup = shown(browser, lab, reports()["ok"])
    for nothing in (".way", "[data-use]", "[data-tell]", "[data-hint]"):
        assert popup.page.elements(nothing) == []


def test_controls_are_evidence_and_no_endpoints(browser: Browser, lab: Lab) -> None:
    report = blocked()
    popup = shown(browser, lab, report)
    assert {row["host"] for row in popup.endpoints()} == {HOST}
    assert not popup.page.evaluate("document.querySelector('[data-why]').open"), "one click away"
    popup.unfold()
    compared = popup.page.element(".comparison").text()
    for host in (*CONTROLS, BOX, "192.0.2.1", message("en", "ui_role_canary")):
        assert host in compared
    way = popup.page.element("[data-path]").text()
    assert re.search(r"Port 25 Port 465 1 192\.168\.1\.1 192\.168\.1\.1 2 no answer 198\.51\.100\.1 bng1", way)


def test_what_to_tell_can_be_copied(browser: Browser, lab: Lab) -> None:
    report = blocked()
    popup = shown(browser, lab, report)
    popup.page.element("[data-tell] summary").click()
    popup.page.element("[data-tell] button[data-copy]").click()
    expected = message_in_words(report, Catalogue("en"))
    until(lambda: browser.clipboard() == expected, "the message on the clipboard")


def test_the_provider_is_named_where_it_is_proved(browser: Browser, lab: Lab) -> None:
    popup = shown(browser, lab, reports()["blocked by the provider"])
    assert popup.headline() == message("en", "port25_blocked_provider")
    assert message("en", "party_provider") in popup.page.element(".facts").text().split("Who can mend it")[1].strip()

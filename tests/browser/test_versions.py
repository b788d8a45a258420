"""The other side is of another version: a host that tells nothing, reports that an earlier version kept."""

import json
from typing import Any

from tests.unit.told_reports import blocked

from poterne.report import Report
from poterne.report.catalogue import Catalogue
from poterne.told import retold

from .conftest import Lab
from .drive.page import Browser, Page, until
from .drive.popup import Popup
from .test_evidence import answers

KEEP = """
(async (report) => {
  const { historyEntry } = await import(chrome.runtime.getURL("core/history-list.js"));
  const entry = historyEntry({ id: "old", target: "mail.example.org", report, network: null });
  delete entry.word;
  const items = { past: [entry], "past/old": report };
  const { closeToContentScripts } = await import(chrome.runtime.getURL("platform/history-access.js"));
  const { Database } = await import(chrome.runtime.getURL("platform/database.js"));
  await ((await closeToContentScripts()) ? chrome.storage.local : new Database()).set(items);
})
"""


def untold(report: Report) -> dict[str, Any]:
    """A report as a host wrote it that told nothing."""
    old: dict[str, Any] = json.loads(report.model_dump_json())
    for record in (old, *old["findings"], *old["observations"]):
        for key in ("told", "says", "advice", "party"):
            record.pop(key, None)
    return old


def opened(browser: Browser) -> Page:
    """The page of a report that an earlier version kept."""
    page = browser.open(browser.url("options/options.html"))
    page.evaluate(f"{KEEP}({json.dumps(untold(blocked()))})")
    return browser.open(browser.url("report/report.html?past=old"))


def headlines(page: Page) -> list[str]:
    return [element.text() for element in page.elements(".headline")]


def test_a_host_that_tells_nothing_is_outdated(browser: Browser, lab: Lab) -> None:
    plan, last = answers(blocked())
    lab.scripted_host(browser, answers=[plan, {**last, "report": untold(blocked())}])
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.ask("mail.example.org")
    until(lambda: popup.problem == "host-outdated", "the screen of an outdated host")
    assert popup.page.evaluate("document.querySelector('#target').value") == "mail.example.org"


def test_a_report_of_before_is_told_by_the_host_and_kept_so(browser: Browser, lab: Lab) -> None:
    report = retold(blocked())
    assert report.told
    headline = Catalogue("en").said(report.told.headline)
    host = lab.scripted_host(browser, explained=json.loads(report.model_dump_json()))
    page = opened(browser)
    until(lambda: headlines(page) == [headline], "the headline")
    assert [sent["type"] for sent in host.received()] == ["explain"]
    host.end()
    again = browser.open(browser.url("report/report.html?past=old"))
    until(lambda: headlines(again) == [headline], "the headline, without the host")
    assert [sent["type"] for sent in host.received()] == ["explain"]
    rows = browser.open(browser.url("history/history.html"))
    until(lambda: "works, one way is blocked" in rows.element("main").text(), "the verdict in a word")


def test_a_report_of_before_is_shown_where_there_is_no_host(browser: Browser) -> None:
    page = opened(browser)
    until(lambda: page.elements("[data-verdict=port25-blocked]"), "the verdict")
    assert page.elements("[data-settings=outgoing] .setting")
    assert "No answer" in page.element(".endpoints").text()

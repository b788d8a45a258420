"""What goes away in the middle: the extension's worker, the host, a window. Nothing that was shown is lost or stale."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from tests.unit.core_observations import HOST, evidence, report_of

from poterne.report import Endpoint, Observation, ObservationEvent, PlanEvent, ReportEvent
from poterne.told import retold

from .conftest import Lab, message
from .drive.chromium import ChromiumPage
from .drive.hosts import Host
from .drive.page import Browser, Page, until
from .drive.popup import ENDED, Popup

MUTE = "smtp.mute.example"
RESULTS = 220
# Bytes of the largest message that a browser takes from a host.
LARGEST = 1024 * 1024
PAST = "chrome.storage.local.get('past')"
# How many rows were put into the page, and taken out of it, in `self.rows`.
WATCH_ROWS = """void (() => {
    self.rows = { added: 0, removed: 0 };
    const rowsIn = node => node instanceof Element
        ? node.querySelectorAll("[data-endpoint]").length + Number(node.matches("[data-endpoint]"))
        : 0;
    new MutationObserver(list => {
        for (const { addedNodes, removedNodes } of list) {
            for (const node of addedNodes) self.rows.added += rowsIn(node);
            for (const node of removedNodes) self.rows.removed += rowsIn(node);
        }
    }).observe(document.body, { childList: true, subtree: true });
})()"""


@pytest.fixture
def family() -> str:
    """Only Chromium's protocol can stop a worker; Firefox ends its event page by itself, when nobody needs it."""
    return "chromium"


def stop_worker(popup: Popup) -> None:
    page = popup.page
    assert isinstance(page, ChromiumPage)
    page.request("ServiceWorker.enable")
    page.request("ServiceWorker.stopAllWorkers")


def test_the_worker_is_stopped_in_the_middle(popup: Popup, host: Host) -> None:
    popup.ask(MUTE)
    popup.until_run("running")
    before = until(popup.endpoints, "the plan")
    [pid] = host.pids()
    stop_worker(popup)
    until(lambda: pid not in host.pids(), "the host to end with its port")
    # Neither running for ever, nor forgotten: the run has ended, and what was seen of it still stands.
    assert popup.until_run(*ENDED, within=20) == "failed"
    assert {row["endpoint"] for row in before} <= {row["endpoint"] for row in popup.endpoints()}
    popup.check("provider.example")
    assert popup.verdict is not None


def test_the_worker_is_stopped_after_the_end(popup: Popup, host: Host) -> None:
    popup.check("provider.example")
    verdict, settings = popup.verdict, popup.settings("outgoing")
    [pid] = host.pids()
    stop_worker(popup)
    until(lambda: pid not in host.pids(), "the host to end with its port")
    assert (popup.run, popup.verdict, popup.settings("outgoing")) == ("done", verdict, settings)
    popup.page.evaluate("location.reload()")
    again = Popup(popup.page)
    until(lambda: again.run == "done", "what was stored")
    assert (again.verdict, again.settings("outgoing")) == (verdict, settings)
    again.check("provider.example")


def test_two_windows_ask_one_after_the_other(browser: Browser, popup: Popup, host: Host) -> None:
    """There is one run, and both windows show it; the question that came last is the one that is answered."""
    second = Popup(browser.open(browser.url("popup/popup.html")))
    popup.ask(MUTE)
    popup.until_run("running")
    second.until_run("running")
    second.ask("provider.example")
    for each in (popup, second):
        each.until_run("done", within=45)
        assert {row["host"] for row in each.endpoints()}.isdisjoint({MUTE})
    assert popup.verdict == second.verdict
    assert len(host.pids()) == 1


def test_what_is_typed_in_a_window_stays_and_what_is_not_typed_is_not_stale(
    browser: Browser, popup: Popup, host: Host
) -> None:
    popup.check("provider.example")
    writer, reader = (Popup(browser.open(browser.url(f"{page}.html"))) for page in ("popup/popup", "report/report"))
    value = "field => field.value"
    assert {each.field.call(value) for each in (writer, reader)} == {"provider.example"}
    writer.field.click()
    writer.field.call("field => field.select()")
    writer.page.type("mine.exam")
    popup.ask(MUTE)
    for each in (writer, reader):
        each.until_run("running")
    assert writer.field.call(value) == "mine.exam"
    until(lambda: reader.field.call(value) == MUTE, "the target that is being tested")
    writer.page.type("ple")
    popup.page.element("[data-action=stop]").click()
    for each in (popup, writer, reader):
        each.until_run("stopped")
    assert [each.field.call(value) for each in (popup, writer, reader)] == [MUTE, "mine.example", MUTE]


def test_a_report_of_the_largest_size_is_shown_whole(browser: Browser, lab: Lab) -> None:
    endpoints = [
        Endpoint(
            id=f"o{number}",
            host=f"h{number % 20}.{HOST}",
            address="192.0.2.1",
            family=4,
            port=(25, 110, 143, 465, 587, 993, 995, 2525, 4190, 80, 443)[number // 20],
            service="smtp",
            asked="starttls",
        )
        for number in range(RESULTS)
    ]
    seen = [
        Observation(
            **endpoint.model_dump(),
            state="open",
            greeting="220 " + "x" * 400,
            greeting_kind="accepted",
            capabilities=tuple(f"KEYWORD-{n} {'y' * 80}" for n in range(8)),
        )
        for endpoint in endpoints
    ]
    report = retold(report_of(evidence("example.org", *seen)))
    # What the host may say at most in one message.
    size = len(json.dumps(ReportEvent(report=report).model_dump(mode="json")))
    blank = LARGEST - size - len(str(uuid4()))
    report = report.model_copy(update={"version": "x" * blank})
    events = [
        PlanEvent(endpoints=tuple(endpoints)),
        *(ObservationEvent(observation=one) for one in seen),
        ReportEvent(report=report),
    ]
    lab.scripted_host(browser, answers=[event.model_dump(mode="json", exclude={"id"}) for event in events])
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.page.evaluate(WATCH_ROWS)
    popup.check("example.org", within=60)
    assert [row["state"] for row in popup.endpoints()] == ["open"] * RESULTS
    assert popup.verdict == (report.verdict.code, report.verdict.confidence)
    rows = popup.page.evaluate("self.rows")
    assert rows == {"added": RESULTS, "removed": 0}, "a row is made once, and stays"
    again = Popup(browser.open(browser.url("report/report.html")))
    until(lambda: len(again.endpoints()) == RESULTS, "the same in a tab", within=30)
    assert popup.page.evaluate(f"{PAST}.then(({{past}}) => past.length)") == 1


def fill(page: Page, area: str) -> None:
    page.evaluate(
        f"""(async () => {{
            const area = chrome.storage.{area};
            const room = area.QUOTA_BYTES - await area.getBytesInUse(null);
            await area.set({{ filler: "x".repeat(room - 20) }});
        }})()"""
    )


def unhandled(browser: Browser) -> list[str]:
    """What pages and the background left uncaught."""
    lines = [*browser.console(), *browser.log.read_text(errors="replace").splitlines()]
    return [line for line in lines if "uncaught" in line.lower()]


def test_without_room_for_past_runs_the_result_is_shown_and_said_not_to_be_kept(
    browser: Browser, popup: Popup, host: Host
) -> None:
    popup.check("provider.example")
    first = until(lambda: popup.page.evaluate(PAST)["past"], "the first run to be kept")
    assert not popup.page.elements("[data-unkept]")
    # A past run that takes next to nothing: to give it up makes no room.
    kept = f"past/{first[0]['id']}"
    popup.page.evaluate(f"chrome.storage.local.set({{ {kept!r}: {{}} }})")
    fill(popup.page, "local")
    popup.check("jane@provider.example")
    assert popup.verdict is not None
    assert popup.settings("outgoing")
    [said] = until(lambda: popup.page.elements("[data-unkept=result]"), "that it is not kept")
    assert said.text() == message("en", "ui_unkept_result")
    # Nothing of before was given up for it, and it is on no list.
    assert popup.page.evaluate(PAST)["past"] == first
    assert popup.page.evaluate(f"chrome.storage.local.get({kept!r})") == {kept: {}}
    popup.choose("thunderbird")
    until(lambda: popup.page.element("[data-action=program]").call("list => list.value") == "", "the choice to go back")
    assert unhandled(browser) == []


def test_without_room_for_the_run_it_ends_and_is_shown_in_every_window(
    browser: Browser, popup: Popup, host: Host
) -> None:
    popup.check("provider.example")
    verdict = popup.verdict
    fill(popup.page, "session")
    popup.ask("smtp.expired.example")
    # In this order: the verdict of before stands for a moment beside the run of now.
    until(lambda: popup.verdict not in (None, verdict) and popup.run == "done", "the next verdict", within=45)
    assert popup.endpoints()
    assert popup.page.element("[data-unkept=result]").text() == message("en", "ui_unkept_result")
    second = Popup(browser.open(browser.url("report/report.html")))
    assert (second.run, second.verdict) in ((popup.run, popup.verdict), ("idle", None)), "nothing of before"
    popup.page.evaluate("chrome.storage.session.remove('filler')")
    second.ask("provider.example")
    for each in (popup, second):
        until(lambda each=each: (each.run, each.verdict) == ("done", verdict), "the end in both", within=45)  # type: ignore[misc]
        assert not each.page.elements("[data-unkept]")
    assert unhandled(browser) == []


@pytest.mark.parametrize("end", ["quit", "close"])
def test_the_browser_is_closed_in_the_middle(lab: Lab, policy: Path, end: str) -> None:
    """As a person closes it, and as a crash ends it."""
    directory = lab.directory()
    browser = lab.browser("chromium", directory=directory)
    host = lab.real_host(browser, policy)
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.check("provider.example")
    [finished] = until(lambda: popup.page.evaluate(PAST)["past"], "the run to be kept")
    popup.ask(MUTE)
    until(lambda: popup.run == "running" and popup.endpoints(), "the plan")
    assert host.pids()
    getattr(browser, end)()
    until(lambda: not host.pids(), "the host to follow its browser")
    browser = lab.browser("chromium", directory=directory)
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    assert (popup.run, popup.verdict, popup.endpoints()) == ("idle", None, [])
    assert popup.field.call("field => field.value") == ""
    assert popup.page.evaluate("chrome.action.getBadgeText({})") == ""
    assert [entry["id"] for entry in popup.page.evaluate(PAST)["past"]] == [finished["id"]]
    assert [row.attribute("data-past") for row in popup.page.elements("[data-past-verdict]")] == [finished["id"]]
    popup.check("provider.example")
    assert popup.verdict is not None

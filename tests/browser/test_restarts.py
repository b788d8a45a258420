"""What goes away in the middle: the extension's worker, the host, a window. Nothing that was shown is lost or stale."""

import pytest
from tests.unit.core_observations import HOST

from poterne.model import Endpoint, Observation, ObservationEvent, PlanEvent

from .conftest import Lab
from .drive.chromium import ChromiumPage
from .drive.hosts import Host
from .drive.page import Browser, until
from .drive.popup import ENDED, Popup

MUTE = "smtp.mute.example"
RESULTS = 220


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
    events = [PlanEvent(endpoints=tuple(endpoints)), *(ObservationEvent(observation=one) for one in seen)]
    lab.scripted_host(browser, answers=[event.model_dump(mode="json", exclude={"id"}) for event in events])
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    # The longest task that keeps the page from being drawn, in milliseconds.
    popup.page.evaluate(
        """void (self.longest = 0, new PerformanceObserver(list => {
            for (const entry of list.getEntries()) self.longest = Math.max(self.longest, entry.duration);
        }).observe({ type: "longtask" }))"""
    )
    popup.ask("example.org")
    until(
        lambda: len([row for row in popup.endpoints() if row["state"] == "open"]) == RESULTS,
        "every result",
        within=30,
    )
    assert popup.page.evaluate("self.longest") < 2000


def test_storage_that_is_full_costs_no_result(browser: Browser, popup: Popup, host: Host) -> None:
    popup.page.evaluate(
        """(async () => {
            const room = chrome.storage.local.QUOTA_BYTES - await chrome.storage.local.getBytesInUse(null);
            await chrome.storage.local.set({ filler: "x".repeat(room - 2000) });
        })()"""
    )
    popup.check("provider.example")
    assert popup.verdict is not None
    assert popup.settings("outgoing")

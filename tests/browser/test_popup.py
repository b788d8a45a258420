"""The popup of the toolbar button: it may go at any time, the run stays."""

import pytest

from .drive.hosts import Host
from .drive.page import Browser, until
from .drive.popup import Popup

QUIET = "smtp.quiet25.example"


def test_a_check_in_the_popup_itself(browser: Browser, host: Host) -> None:
    popup = Popup(browser.open_popup())
    assert popup.page.evaluate("document.activeElement === document.querySelector('form input')")
    popup.page.type("provider.example")
    popup.page.press("Enter")
    popup.until_run("done", within=45)
    assert popup.verdict is not None
    assert popup.settings("outgoing")[0]["verified"] == "true"
    assert popup.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


def test_opening_the_popup_starts_the_host(browser: Browser, host: Host) -> None:
    assert host.pids() == []
    browser.open_popup()
    until(host.pids, "the host to be started before anything is asked")
    assert len(host.pids()) == 1


def test_the_run_goes_on_while_the_popup_is_closed(browser: Browser, host: Host) -> None:
    popup = Popup(browser.open_popup())
    popup.ask(QUIET)
    popup.until_run("running")
    before = until(popup.endpoints, "the plan")
    popup.page.close()
    until(lambda: not browser.popup_is_open(), "the popup to be gone")
    [pid] = host.pids()

    again = Popup(browser.open_popup())
    assert again.run == "running"
    assert again.field.call("field => field.value") == QUIET
    assert {row["endpoint"] for row in before} <= {row["endpoint"] for row in again.endpoints()}
    assert again.until_run("done", within=45) == "done"
    assert host.pids() == [pid], "the same host from beginning to end"

    again.page.close()
    until(lambda: not browser.popup_is_open(), "the popup to be gone")
    later = Popup(browser.open_popup())
    assert later.run == "done"
    assert later.verdict is not None


def test_a_run_that_ends_while_nobody_looks(browser: Browser, host: Host) -> None:
    popup = Popup(browser.open_popup())
    popup.ask("provider.example")
    popup.until_run("running", "done")
    popup.page.close()
    until(lambda: not browser.popup_is_open(), "the popup to be gone")
    watcher = Popup(browser.open(browser.url("report/report.html")))
    watcher.until_run("done", within=45)
    assert Popup(browser.open_popup()).run == "done"


def test_two_pages_show_the_same_run(browser: Browser, host: Host) -> None:
    tab = Popup(browser.open(browser.url("report/report.html")))
    popup = Popup(browser.open_popup())
    popup.ask("provider.example")
    for view in (popup, tab):
        view.until_run("done", within=45)
    assert tab.verdict == popup.verdict
    assert tab.headline() == popup.headline()
    assert tab.endpoints() == popup.endpoints()
    for direction in ("outgoing", "incoming"):
        assert tab.settings(direction) == popup.settings(direction)


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_the_popup_opens_the_report_in_a_tab(browser: Browser, host: Host, by: str) -> None:
    popup = Popup(browser.open_popup())
    popup.ask("provider.example")
    popup.until_run("done", within=45)
    verdict = popup.verdict
    button = popup.page.element("[data-action='open-tab']")
    if by == "mouse":
        button.click()
    else:
        button.call("button => button.focus()")
        popup.page.press("Enter")
    report = Popup(browser.opened(browser.url("report/report.html")))
    assert report.verdict == verdict
    until(lambda: not browser.popup_is_open(), "the popup to be gone")

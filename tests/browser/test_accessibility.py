"""WCAG 2.2 A and AA, as far as axe can tell, in every state of the popup, light and dark."""

import pytest

from .conftest import Lab
from .drive import axe
from .drive.hosts import Host
from .drive.page import Browser, Page, Scheme, until
from .drive.popup import Popup

pytestmark = pytest.mark.shared_browser

STILL = """document.getAnimations().every(
    ({playState, effect}) => playState !== "running" || effect.getTiming().iterations === Infinity)"""
DARK = "matchMedia('(prefers-color-scheme: dark)').matches"


def examine(browser: Browser, page: Page) -> None:
    """In both schemes."""
    schemes: tuple[Scheme, ...] = ("light", "dark")
    found = []
    for scheme in schemes:
        browser.scheme(scheme)
        settle(page, scheme)
        rules = axe.TAGS if scheme == "light" else axe.COLOURS
        found += [f"{scheme}: {line}" for line in axe.violations(page, rules=rules)]
    assert not found, "\n".join(found)


def settle(page: Page, scheme: Scheme) -> None:
    until(lambda: page.evaluate(DARK) == (scheme == "dark"), f"the page to be {scheme}")
    until(lambda: page.evaluate(STILL), "transitions to end")


def test_each_state(browser: Browser, popup: Popup) -> None:
    assert popup.run == "idle"
    popup.unfold()
    examine(browser, popup.page)
    popup.ask("not a target")
    until(lambda: popup.refusals, "a refusal")
    examine(browser, popup.page)
    popup.ask("smtp.mute.example")
    until(popup.endpoints, "the plan")
    popup.unfold()
    examine(browser, popup.page)
    assert popup.run == "running", "the run ended before it was examined"
    popup.page.element("[data-action=stop]").click()
    popup.until_run("stopped")
    examine(browser, popup.page)
    for target in ("jane@provider.example", "smtp.expired.example"):
        popup.check(target)
        popup.unfold()
        examine(browser, popup.page)
    popup.page.evaluate("chrome.storage.local.set({language: 'fr'})")
    until(lambda: popup.page.evaluate("document.documentElement.lang") == "fr", "French")
    popup.unfold()
    examine(browser, popup.page)


def test_done_in_the_popup_of_the_toolbar_button(browser: Browser, host: Host) -> None:
    popup = Popup(browser.open_popup())
    popup.check("jane@provider.example")
    popup.unfold()
    examine(browser, popup.page)


def test_the_report_in_a_tab(browser: Browser, popup: Popup) -> None:
    popup.check("jane@provider.example")
    report = Popup(browser.open(browser.url("report/report.html")))
    report.unfold()
    examine(browser, report.page)
    # WCAG 1.4.10. The popup itself is as wide as it makes itself.
    report.page.resize(320, 800)
    until(lambda: report.page.evaluate("innerWidth") == 320, "the narrow viewport")
    assert report.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_host_that_is_missing(lab: Lab, family: str) -> None:
    browser = lab.fresh(family)
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    until(lambda: popup.problem, "the screen")
    popup.unfold()
    examine(browser, popup.page)


def test_the_help_page(browser: Browser) -> None:
    for language in ("en", "fr"):
        examine(browser, browser.open(browser.url(f"help/{language}/port25.html")))


def test_axe_itself_sees_a_planted_fault(popup: Popup) -> None:
    page = popup.page
    page.evaluate("void document.body.append(document.createElement('input'))")
    assert any(line.startswith("label:") for line in axe.violations(page))

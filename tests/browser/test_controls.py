"""What a person does beside asking: stop, copy, choose a language, all of it without a mouse."""

import json
from pathlib import Path

import pytest

from .conftest import Lab, message
from .drive.hosts import Host
from .drive.page import Browser, until
from .drive.popup import Popup

pytestmark = pytest.mark.shared_browser


def test_stop(popup: Popup, host: Host) -> None:
    popup.ask("smtp.mute.example")
    popup.until_run("running")
    until(popup.endpoints, "the plan")
    [pid] = host.pids()
    popup.page.one("button", message("en", "ui_stop")).click()
    assert popup.until_run("stopped", within=2) == "stopped"
    assert popup.verdict is None
    popup.check("provider.example")
    assert host.pids() == [pid], "the host serves the next check"


def test_the_values_of_the_best_setting_can_be_copied(browser: Browser, popup: Popup) -> None:
    popup.check("jane@provider.example")
    popup.unfold()
    best = popup.page.elements('[data-settings="outgoing"] [data-host]')[0]
    assert best.attribute("data-verified") == "true"
    copied = set()
    for button in popup.page.elements('[data-settings="outgoing"] [data-host] button[data-copy]')[:4]:
        button.click()
        expected = str(button.attribute("data-copy"))
        on_clipboard(browser, expected)
        copied.add(expected)
    security = message("en", f"security_{best.attribute('data-security')}")
    assert {best.attribute("data-host"), best.attribute("data-port"), security} <= copied


def test_the_command_of_a_problem_can_be_copied(lab: Lab, family: str) -> None:
    browser = lab.fresh(family)
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    until(lambda: popup.problem, "the screen")
    command = popup.command
    popup.page.element("[data-problem] button[data-copy]").click()
    on_clipboard(browser, command)


def on_clipboard(browser: Browser, expected: str) -> None:
    until(lambda: browser.clipboard() == expected, f"{expected} on the clipboard")


def test_the_language_can_be_chosen(browser: Browser, popup: Popup) -> None:
    popup.check("provider.example")
    english = popup.headline()
    choice = popup.page.one("combobox", message("en", "ui_language"))
    choice.call("choice => { choice.value = 'fr'; choice.dispatchEvent(new Event('change', {bubbles: true})); }")
    until(lambda: popup.headline() != english, "another headline")
    assert popup.headline() == message("fr", "ok")
    assert popup.page.evaluate("document.documentElement.lang") == "fr"
    assert popup.page.one("heading", message("fr", "ui_outgoing"))
    again = Popup(browser.open(browser.url("popup/popup.html")))
    assert again.headline() == message("fr", "ok")


def test_the_browser_chooses_the_language_first(lab: Lab, policy: Path) -> None:
    """In Firefox, whose locale can be set; Chromium's other languages are a package of their own."""
    browser = lab.browser("firefox", language="fr")
    lab.real_host(browser, policy)
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    assert popup.page.evaluate("document.documentElement.lang") == "fr"
    assert popup.page.one("button", message("fr", "ui_test"))


def test_tab_reaches_everything_in_the_order_of_the_page(popup: Popup) -> None:
    popup.check("jane@provider.example")
    wanted = "a[href], button, input, select, summary, [tabindex='0']"
    reachable = popup.page.evaluate(
        f"""(() => {{
            const all = [...document.querySelectorAll({json.dumps(wanted)})].filter(found => found.checkVisibility());
            all[0].focus();
            window.visited = [document.activeElement];
            return all.length;
        }})()"""
    )
    assert reachable > 10
    for _ in range(reachable - 1):
        popup.page.press("Tab")
        popup.page.evaluate("void window.visited.push(document.activeElement)")
    order = popup.page.evaluate(
        f"""window.visited.map((element, index, all) => [
            element.matches({json.dumps(wanted)}),
            all.indexOf(element) === index,
            index === 0 || !!(all[index - 1].compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING),
            element.outerHTML.slice(0, 80),
        ])"""
    )
    for interactive, new, after, html in order:
        assert interactive, f"the focus is lost: {html}"
        assert new, f"the focus is caught: {html}"
        assert after, f"out of order: {html}"


def test_the_focus_can_be_seen(popup: Popup) -> None:
    popup.check("jane@provider.example")
    for _ in range(6):
        popup.page.press("Tab")
        seen = popup.page.evaluate(
            """(() => {
                const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(document.activeElement);
                return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 || boxShadow !== "none";
            })()"""
        )
        assert seen, popup.page.evaluate("document.activeElement.outerHTML")


def test_stop_by_keyboard_returns_to_the_field(popup: Popup) -> None:
    popup.ask("smtp.mute.example")
    popup.until_run("running")
    stop = message("en", "ui_stop")
    for _ in range(8):
        popup.page.press("Tab")
        if popup.page.evaluate("document.activeElement.textContent.trim()") == stop:
            break
    popup.page.press("Enter")
    popup.until_run("stopped", within=2)
    assert popup.page.evaluate("document.activeElement === document.querySelector('form input')")

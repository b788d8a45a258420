"""What the popup does with the page in the tab, through the user's actions.

Browsers grant `activeTab` as they do for people: by the toolbar button, and in Firefox by the context menu. Chromium's
menus cannot be driven without a display: their listeners are called in the worker, on a tab for which the button was
pressed before.
"""

import json
from collections.abc import Iterator

import pytest
from tests.unit.told_reports import reports

from .conftest import EXTENSION, Lab, message
from .drive import axe
from .drive.chromium import Chromium
from .drive.firefox import Firefox
from .drive.hosts import Host, ScriptedHost
from .drive.page import Browser, Page, until
from .drive.popup import Popup
from .forms import serving
from .test_evidence import answers, flat, speak

TOLD = reports()["blocked"]
FIELDS = """["h", "p"].map(id => document.getElementById(id).value).concat(document.querySelector("select").value)"""
BEFORE = ["smtp.quiet25.example", "25", "0"]


@pytest.fixture
def site() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture
def scripted(lab: Lab, browser: Browser) -> ScriptedHost:
    return lab.scripted_host(browser, answers=answers(TOLD))


def pressed(browser: Browser) -> Popup:
    popup = Popup(browser.open_popup())
    until(lambda: popup.page.elements("[data-page]"), "what the page says")
    return popup


def press(popup: Popup, selector: str) -> None:
    popup.page.element(selector).click()


def says(popup: Popup) -> str:
    return popup.page.element("[data-page]").text()


def checks(host: ScriptedHost) -> list[tuple[str, str]]:
    sent = [each for each in host.received() if each["type"] == "check"]
    return [(each["target"], each["options"].get("origin", "typed")) for each in sent]


def english(key: str, **values: str) -> str:
    text = message("en", key)
    for name, value in values.items():
        text = text.replace(f"${name.upper()}$", value)
    return text


def test_a_page_is_read_at_the_click_tested_at_a_press_and_filled_in(browser: Browser, host: Host, site: str) -> None:
    form = browser.open(f"{site}/plain.html", here=True)
    popup = pressed(browser)
    assert english("page_says", what="smtp.quiet25.example, port 25, no encryption") in says(popup)
    assert "running-text" not in says(popup)
    assert popup.run == "idle"
    assert popup.field.call("field => field.value") == ""
    press(popup, "[data-action=test-page]")
    popup.until_run("done", within=45)
    assert popup.verdict == ("port25-blocked", "certain")
    best = popup.settings("outgoing")[0]
    press(popup, "[data-action=fill-page]")
    until(lambda: popup.page.elements("[data-filled=done]"), "the form to be filled in")
    assert form.evaluate(FIELDS) == ["smtp.quiet25.example", best["port"], "1" if best["security"] == "tls" else "2"]
    changed = {row["changed"]: row["taken"] for row in popup._rows("[data-changed]")}
    assert changed == {"security": "true", "port": "true"}
    assert f"25 → {best['port']}" in says(popup)
    assert axe.violations(popup.page) == []
    press(popup, "[data-action=undo-page]")
    until(lambda: popup.page.elements("[data-filled=undone]"), "the form to be as before")
    assert form.evaluate(FIELDS) == BEFORE


def test_the_way_back_stays_when_the_popup_was_closed(browser: Browser, scripted: ScriptedHost, site: str) -> None:
    form = browser.open(f"{site}/plain.html", here=True)
    popup = pressed(browser)
    assert checks(scripted) == [], "nothing is tested before somebody presses"
    press(popup, "[data-action=test-page]")
    popup.until_run("done")
    assert checks(scripted) == [("smtp.quiet25.example:25", "page")]
    popup.page.close()
    popup = pressed(browser)
    press(popup, "[data-action=fill-page]")
    until(lambda: popup.page.elements("[data-filled=done]"), "the form to be filled in")
    assert form.evaluate(FIELDS) == [TOLD.settings.outgoing[0].host, "465", "1"]
    popup.page.close()
    popup = pressed(browser)
    press(popup, "[data-action=undo-page]")
    until(lambda: popup.page.elements("[data-filled=undone]"), "the form to be as before")
    assert form.evaluate(FIELDS) == BEFORE
    popup.ask("smtp.typed.example:25")
    until(lambda: len(checks(scripted)) == 2, "the typed target to be asked")
    assert checks(scripted)[-1] == ("smtp.typed.example:25", "typed")


def test_text_of_a_page_in_the_field_stays_the_pages(browser: Browser, scripted: ScriptedHost, site: str) -> None:
    browser.open(f"{site}/plain.html", here=True)
    popup = pressed(browser)
    press(popup, "[data-action=test-page]")
    popup.until_run("done")
    popup.page.close()
    popup = pressed(browser)
    assert popup.field.call("field => field.value") == "smtp.quiet25.example:25"
    popup.field.click()
    popup.page.press("Enter")
    until(lambda: len(checks(scripted)) == 2, "the second run")
    assert checks(scripted)[-1] == ("smtp.quiet25.example:25", "page")


def test_text_of_a_page_stays_the_pages_whatever_another_window_tests(
    browser: Browser, scripted: ScriptedHost, site: str
) -> None:
    browser.open(f"{site}/plain.html", here=True)
    popup = pressed(browser)
    press(popup, "[data-action=test-page]")
    popup.until_run("done")
    popup.page.close()
    tab = Popup(browser.open(browser.url("report/report.html")))
    until(lambda: tab.field.call("field => field.value") == "smtp.quiet25.example:25", "the page's target in the field")
    change = """field => {
        field.value = VALUE;
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }"""
    tab.field.call(change.replace("VALUE", "field.value + 'x'"))
    other = Popup(browser.open(browser.url("popup/popup.html")))
    other.check("smtp.typed.example:25")
    tab.field.call(change.replace("VALUE", "field.value.slice(0, -1)"))
    tab.field.call("field => field.form.requestSubmit()")
    until(lambda: len(checks(scripted)) == 3, "the third run")
    assert checks(scripted) == [
        ("smtp.quiet25.example:25", "page"),
        ("smtp.typed.example:25", "typed"),
        ("smtp.quiet25.example:25", "page"),
    ]


def test_a_page_that_was_left_is_not_written_to(browser: Browser, scripted: ScriptedHost, site: str) -> None:
    form = browser.open(f"{site}/plain.html", here=True)
    popup = pressed(browser)
    press(popup, "[data-action=test-page]")
    popup.until_run("done")
    press(popup, "[data-action=open-tab]")
    tab = Popup(opened_report(browser))
    until(lambda: tab.page.elements("[data-action=fill-page]"), "the report of that form")
    form.evaluate("void location.reload()")
    until(lambda: form.evaluate("document.readyState") == "complete", "the page again")
    press(tab, "[data-action=fill-page]")
    until(lambda: tab.page.elements("[data-page-problem]"), "what is wrong")
    assert tab.page.element("[data-page-problem]").attribute("data-page-problem") in ("lapsed", "left")
    assert form.evaluate(FIELDS) == BEFORE


def test_a_report_in_a_tab_fills_in_the_form_that_it_belongs_to(
    browser: Browser, scripted: ScriptedHost, site: str
) -> None:
    form = browser.open(f"{site}/plain.html", here=True)
    popup = pressed(browser)
    press(popup, "[data-action=test-page]")
    popup.until_run("done")
    press(popup, "[data-action=open-tab]")
    tab = Popup(opened_report(browser))
    until(lambda: tab.page.elements("[data-action=fill-page]"), "the report of that form")
    form.evaluate("void document.getElementById('h').replaceWith(document.getElementById('h').cloneNode())")
    press(tab, "[data-action=fill-page]")
    until(lambda: tab.page.elements("[data-page-problem=changed]"), "another form")
    assert form.evaluate(FIELDS) == BEFORE
    press(tab, "[data-action=read-page]")
    until(lambda: not tab.page.elements("[data-page-problem]"), "the form read again")
    press(tab, "[data-action=fill-page]")
    until(lambda: tab.page.elements("[data-filled=done]"), "the form to be filled in")
    assert form.evaluate(FIELDS)[1:] == ["465", "1"]


def opened_report(browser: Browser) -> Page:
    """The tab with the report that is bound to a form."""
    # Tabs are numbered by the browser.
    listed = (
        "chrome.tabs.query({}).then(tabs => tabs.map(({url}) => url).filter(url => url?.includes('report.html?tab=')))"
    )
    asking = browser.open(browser.url("manifest.json"))
    try:
        [url] = until(lambda: asking.evaluate(listed), "the report")
    finally:
        asking.close()
    return browser.opened(str(url))


def test_a_site_with_nothing_on_it_offers_its_own_domain(browser: Browser, scripted: ScriptedHost, site: str) -> None:
    port = site.rpartition(":")[2]
    browser.open(f"http://mail.site.example:{port}/elsewhere.html", here=True)
    popup = pressed(browser)
    assert popup.page.element("[data-page-site]").attribute("data-page-site") == "site.example"
    assert popup.run == "idle"
    press(popup, "[data-action=test-page]")
    until(lambda: checks(scripted), "the domain to be asked")
    assert checks(scripted) == [("site.example", "page")]


def test_a_page_of_another_site_in_the_page_is_said_to_be_left_out(browser: Browser, host: Host, site: str) -> None:
    browser.open(f"{site}/frames.html", here=True)
    popup = pressed(browser)
    assert message("en", "page_foreign") in says(popup)
    assert "smtp.quiet25.example" in says(popup)
    assert "foreign.example" not in says(popup)


def test_a_page_does_not_lead_to_this_machine(browser: Browser, lab: Lab, policy: object, site: str) -> None:
    """The real host under its own policy: without a lab, as at a user's."""
    lab.real_host(browser, policy)  # type: ignore[arg-type]
    form = browser.open(f"{site}/plain.html", here=True)
    form.evaluate("void (document.getElementById('h').value = '127.0.0.1')")
    popup = pressed(browser)
    press(popup, "[data-action=test-page]")
    until(lambda: popup.refusals, "a refusal")
    assert message("en", "ui_refusal_forbidden_page") in popup.refusals[0]
    assert popup.endpoints() == []


def test_no_page_is_read_where_there_is_none(browser: Browser, host: Host) -> None:
    popup = Popup(browser.open_popup())
    until(lambda: popup.problem is None and popup.run == "idle", "the popup")
    assert popup.page.elements("[data-page]") == []


def test_what_a_page_says_is_said_in_french(browser: Browser, scripted: ScriptedHost, site: str) -> None:
    browser.open(f"{site}/gmail-send-as.html", here=True)
    popup = pressed(browser)
    speak(popup.page, "fr")
    assert flat("Cette page indique smtp.quiet25.example, port 25, aucun chiffrement.") in says(popup)
    press(popup, "[data-action=test-page]")
    popup.until_run("done")
    press(popup, "[data-action=fill-page]")
    until(lambda: popup.page.elements("[data-filled=done]"), "the form to be filled in")
    assert axe.violations(popup.page) == []


def test_the_context_menu_reads_a_form(browser: Browser, scripted: ScriptedHost, site: str) -> None:
    form = browser.open(f"{site}/plain.html", here=True)
    if isinstance(browser, Firefox):
        browser.choose_from_menu(form, "#h", message("en", "menu_form"))
    else:
        assert isinstance(browser, Chromium)
        pressed(browser).page.close()
        number = browser.in_background("chrome.tabs.query({active: true}).then(([tab]) => tab.id)")
        clicked(browser, {"menuItemId": "form", "editable": True}, number)
    tab = Popup(opened_report(browser))
    until(lambda: tab.page.elements("[data-page-server]"), "what the page says")
    assert checks(scripted) == []
    press(tab, "[data-action=test-page]")
    tab.until_run("done")
    press(tab, "[data-action=fill-page]")
    until(lambda: tab.page.elements("[data-filled=done]"), "the form to be filled in")
    assert form.evaluate(FIELDS) == [TOLD.settings.outgoing[0].host, "465", "1"]


def clicked(browser: Chromium, click: dict[str, object], tab: int) -> None:
    arguments = f"{json.dumps(click)}, {json.dumps({'id': tab})}"
    browser.in_background(f"void chrome.contextMenus.onClicked.dispatch({arguments})")


def test_the_context_menu_tests_a_link_a_selection_and_the_site(lab: Lab) -> None:
    browser = lab.fresh("chromium")
    assert isinstance(browser, Chromium)
    host = lab.scripted_host(browser, answers=answers(TOLD))
    clicks: list[tuple[dict[str, object], str]] = [
        ({"menuItemId": "link", "linkUrl": "mailto:jane@provider.example?subject=x"}, "jane@provider.example"),
        ({"menuItemId": "selection", "selectionText": " smtp.provider.example:587. "}, "smtp.provider.example:587"),
        ({"menuItemId": "site", "pageUrl": "https://mail.provider.example/x"}, "provider.example"),
    ]
    for number, (click, target) in enumerate(clicks, 1):
        clicked(browser, click, 1)
        until(lambda number=number: len(checks(host)) == number, target)  # type: ignore[misc]
        assert checks(host)[-1] == (target, "page")
    Popup(browser.opened(browser.url("report/report.html"))).until_run("done")


def test_the_address_bar_tests_what_is_typed_there(browser: Browser, scripted: ScriptedHost) -> None:
    if isinstance(browser, Firefox):
        browser.type_in_address_bar("poterne smtp.provider.example:25")
    else:
        assert isinstance(browser, Chromium)
        typed = '"smtp.provider.example:25", "newForegroundTab"'
        browser.in_background(f"void chrome.omnibox.onInputEntered.dispatch({typed})")
    until(lambda: checks(scripted), "the target to be asked")
    assert checks(scripted) == [("smtp.provider.example:25", "typed")]


def test_there_is_a_shortcut_and_a_word_for_the_address_bar() -> None:
    manifest = json.loads((EXTENSION / "manifest.json").read_text())
    assert set(manifest["commands"]) == {"_execute_action"}
    assert manifest["omnibox"] == {"keyword": "poterne"}

"""What is kept of runs, seen and done as a person sees and does it: by network, compared, named, exported, erased."""

import json
from typing import Any

from poterne.report import Report
from poterne.told import retold

from .conftest import Lab, message
from .drive.hosts import HELLO, Host, ScriptedHost
from .drive.page import Browser, Page, until
from .drive.popup import Popup

HOME, OFFICE = "a" * 32, "b" * 32
TARGET = "smtp.example.org"


def seen(port: int, state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"o{port}",
        "role": "target",
        "host": TARGET,
        "address": "192.0.2.7",
        "family": 4,
        "port": port,
        "service": "submission",
        "asked": "starttls",
        "source": "typed",
        "state": state,
        "reporter": None,
        "attempts": 1,
        "greeting": None,
        "greeting_kind": "accepted" if state == "open" else None,
        "spoke": None,
        "capabilities": [],
        "capabilities_clear": [],
        "auth": [],
        "auth_clear": [],
        "security": "starttls" if state == "open" else None,
        "starttls": None,
        "tls": None,
        "path": [],
        "stages": {},
        "cut": False,
        "error": None,
        "cached": False,
        "provisional": False,
        **more,
    }


def answer(network: str, code: str, severity: str, state: str, at: str) -> dict[str, Any]:
    """The report of a check, from a network."""
    verdict = {"code": code, "severity": severity, "confidence": "certain"}
    report = {
        "schema": 1,
        "version": "0.1.0",
        "target": {"input": TARGET, "kind": "server", "domain": None, "host": TARGET, "port": None, "asked": None},
        "options": {"ports": None, "family": None, "relay": None, "trace": True, "budget": 30},
        "verdict": verdict,
        "findings": [
            {**verdict, "host": TARGET, "port": None, "family": None, "params": {"ports": [587]}, "evidence": []}
        ],
        "settings": {"outgoing": [], "incoming": []},
        "names": [],
        "offers": [],
        "lookups": [],
        "observations": [seen(25, "refused"), seen(587, state)],
        "online": True,
        "machine": {"addresses": ["192.168.1.20"], "networks": [], "gateways": []},
        "portal": None,
        "trace": "unasked",
        "way": None,
        "hints": [],
        "started_at": at,
        "elapsed_ms": 12,
        "lab": False,
    }
    told = retold(Report.model_validate(report)).model_dump(mode="json")
    return {"type": "report", "report": told, "network": network}


BLOCKED = answer(HOME, "port-blocked", "blocker", "no-answer", "2026-11-23T08:00:00Z")
OPEN = answer(OFFICE, "ok", "good", "open", "2026-11-24T09:00:00Z")


def move(host: ScriptedHost, report: dict[str, Any]) -> None:
    """The computer is on another network: the next host that is started says so."""
    host._script.write_text(json.dumps({"hello": HELLO, "answers": [report]}))
    host.end()
    until(lambda: not host.pids(), "the host to end")


def at_home_and_at_the_office(lab: Lab, browser: Browser) -> tuple[ScriptedHost, Popup]:
    host = lab.scripted_host(browser, answers=[BLOCKED])
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.check(TARGET)
    until(lambda: len(stored(popup.page)) == 1, "the first run to be kept")
    move(host, OPEN)
    popup.check(TARGET)
    until(lambda: len(stored(popup.page)) == 2, "the second run to be kept")
    return host, popup


def stored(page: Page) -> list[dict[str, Any]]:
    read = "import(chrome.runtime.getURL('platform/history-access.js')).then(({ readHistory }) => readHistory())"
    found: list[dict[str, Any]] = page.evaluate(f"{read}.then(({{ entries }}) => entries)")
    return found


def history(browser: Browser) -> Page:
    page = browser.open(browser.url("history/history.html"))
    until(lambda: page.elements("main header"), "the page of all runs")
    return page


def past(page: Page) -> list[tuple[str | None, str | None]]:
    return [
        (row.attribute("data-past-verdict"), row.attribute("data-past-network"))
        for row in page.elements("[data-past-verdict]")
    ]


def test_a_target_at_home_and_at_the_office(lab: Lab, browser: Browser) -> None:
    host, popup = at_home_and_at_the_office(lab, browser)
    assert [len(sent["salt"]) for sent in host.received() if sent["type"] == "check"] == [32, 32]
    until(lambda: past(popup.page) == [("port-blocked", HOME)], "the result at home beside the one at the office")
    page = history(browser)
    assert past(page) == [("ok", OFFICE), ("port-blocked", HOME)]
    names = page.elements("[data-network] input")
    for field, name in zip(names, ("Home", "Office"), strict=True):
        field.click()
        page.type(name)
        page.press("Tab")
    blocked, works = message("en", "past_word_blocked"), message("en", "past_word_works")
    summary = f"Office: {works}. Home: {blocked}."
    until(lambda: summary in page.element("main").text(), summary)
    again = Popup(browser.open(browser.url("popup/popup.html")))
    assert f"Home: {blocked}" in again.page.element("main").text()


def test_two_runs_side_by_side(lab: Lab, browser: Browser) -> None:
    at_home_and_at_the_office(lab, browser)
    page = history(browser)
    for box in page.elements("[data-action=choose]"):
        box.click()
    until(lambda: page.element("[data-action=compare]").attribute("aria-disabled") is None, "two to be chosen")
    page.element("[data-action=compare]").click()
    until(lambda: page.elements("[data-comparison]"), "the comparison")
    changed = [row.text() for row in page.elements("[data-comparison] tr[data-changed=true]")]
    same = [row.text() for row in page.elements("[data-comparison] tr[data-changed=false]")]
    assert len(changed) == 2
    assert message("en", "ok") in changed[0]
    assert "587" in changed[1]
    assert any("25" in row for row in same)


def test_a_past_run_has_a_page_of_its_own(lab: Lab, browser: Browser) -> None:
    _, popup = at_home_and_at_the_office(lab, browser)
    link = until(lambda: popup.page.elements(".past-link"), "the link")[0].call("link => link.href")
    page = Popup(browser.open(str(link)))
    assert page.verdict == ("port-blocked", "certain")
    assert page.run == "done"
    assert page.problem is None
    assert len(page.endpoints()) == 2
    page.check(TARGET)
    assert page.verdict == ("ok", "certain"), "the next run takes the page's place"


def test_all_can_be_exported_and_erased(lab: Lab, browser: Browser) -> None:
    at_home_and_at_the_office(lab, browser)
    page = history(browser)
    page.element("[data-action=export]").click()
    file = browser.downloads / "poterne-history.json"
    until(lambda: file.exists() and file.stat().st_size > 0, "the file")
    written = file.read_text()
    assert [run["target"] for run in json.loads(written)["runs"]] == [TARGET, TARGET]
    assert HOME not in written, "the network's key stays here"
    page.element("[data-action=ask-erase]").click()
    page.element("[data-action=erase]").click()
    until(lambda: not page.elements("[data-past-verdict]"), "the rows to go")
    read = (
        "import(chrome.runtime.getURL('platform/history-access.js')).then(({ readHistoryItems }) => readHistoryItems())"
    )
    assert page.evaluate(read) == {}


def test_switched_off_in_the_options_nothing_is_kept(lab: Lab, browser: Browser) -> None:
    host = lab.scripted_host(browser, answers=[OPEN])
    page = browser.open(browser.url("options/options.html"))
    until(lambda: page.elements("[data-option=history] input"), "the options")
    page.element("[data-option=history] input").click()
    until(lambda: page.evaluate("chrome.storage.local.get('history')") == {"history": False}, "the choice")
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.check(TARGET)
    assert "salt" not in host.received()[-1]
    assert stored(popup.page) == []


def test_of_a_private_window_nothing_is_kept_nor_shown_elsewhere(lab: Lab, browser: Browser) -> None:
    """The command says so as the popup of a private window says it."""
    host = lab.scripted_host(browser, answers=[OPEN])
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.page.evaluate(f"chrome.runtime.sendMessage({{type: 'run', target: '{TARGET}', private: true}})")
    run = "chrome.storage.session.get('run').then(({run}) => run?.phase)"
    until(lambda: popup.page.evaluate(run) == "done", "the run to end")
    assert "salt" not in host.received()[-1]
    assert (popup.run, popup.verdict) == ("idle", None)
    assert stored(popup.page) == []


def test_the_first_run_tells_what_it_never_does_and_hides_no_form(browser: Browser, host: Host) -> None:
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    assert message("en", "ui_never_password") in popup.page.element("[data-first-run]").text()
    assert popup.field.call("field => field.checkVisibility()")
    popup.page.one("button", message("en", "ui_welcome_read")).click()
    until(lambda: not popup.page.elements("[data-first-run]"), "the note to go")
    again = Popup(browser.open(browser.url("popup/popup.html")))
    assert not again.page.elements("[data-first-run]")


def test_a_report_to_hand_over_leaves_out_what_is_private(browser: Browser, popup: Popup) -> None:
    popup.check("jane@provider.example")
    popup.unfold()
    choose = popup.page.element("[data-action=ticket-form]")
    texts = {}
    for form in ("provider", "server", "markdown", "json"):
        choose.call(
            f"""list => {{
                list.value = {form!r};
                list.dispatchEvent(new Event("change", {{bubbles: true}}));
            }}"""
        )
        until(lambda form=form: popup.page.elements(f"[data-ticket={form}]"), form)  # type: ignore[misc]
        texts[form] = str(popup.page.element(".ticket-text").call("text => text.textContent"))
        assert "jane@" not in texts[form], form
    assert len(set(texts.values())) == 4
    assert json.loads(texts["json"])["target"]["input"] == "…@provider.example"
    popup.page.element("[data-private=account] input").click()
    until(lambda: "jane@provider.example" in popup.page.element(".ticket-text").text(), "the name, as it was agreed to")
    popup.page.element(".ticket button[data-copy]").click()
    until(lambda: "jane@provider.example" in browser.clipboard(), "the text on the clipboard")

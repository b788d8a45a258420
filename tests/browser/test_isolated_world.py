"""A page's process that somebody has taken over speaks with the extension's id, and is obeyed in nothing.

Each test does from the isolated world of a page that was read by one press what such a process could do.
"""

from collections.abc import Iterator

import pytest
from tests.unit.told_reports import reports

from .conftest import Lab, message
from .drive.firefox import Firefox
from .drive.hosts import ScriptedHost
from .drive.isolated import IsolatedWorld
from .drive.page import Browser, Page, until
from .drive.popup import Popup
from .forms import serving
from .test_evidence import answers

TARGET = "smtp.example.org"
NETWORK = "a" * 32
# What the extension has stored of past runs, wherever it lies.
KEPT = """(async () => {
    const open = await chrome.storage.local.get(null);
    const { items } = (await chrome.runtime.sendMessage({ type: "kept", keys: null })) ?? { items: {} };
    return Object.keys({ ...open, ...items }).filter(key => /^past|^networks$/.test(key)).sort();
})()"""
OPEN_STORAGE = "return Object.keys(await chrome.storage.local.get(null));"


@pytest.fixture
def host(lab: Lab, browser: Browser) -> ScriptedHost:
    done = [*answers(reports()["blocked"])]
    done[-1] = {**done[-1], "network": NETWORK}
    return lab.scripted_host(browser, answers=done)


@pytest.fixture
def world(browser: Browser, host: ScriptedHost) -> Iterator[IsolatedWorld]:
    with serving() as site:
        yield IsolatedWorld(browser, f"{site}/plain.html")


def checked(host: ScriptedHost) -> list[str]:
    return [sent["target"] for sent in host.received() if sent["type"] == "check"]


def a_run(browser: Browser) -> Popup:
    """One that is done and kept."""
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.check(TARGET)
    until(lambda: popup.page.evaluate(KEPT), "the run to be kept")
    return popup


def test_nothing_that_it_says_is_done(browser: Browser, host: ScriptedHost, world: IsolatedWorld) -> None:
    popup = a_run(browser)
    kept = popup.page.evaluate(KEPT)
    [past] = [key.removeprefix("past/") for key in kept if key.startswith("past/")]
    received = len(host.received())
    for asked in (
        {"type": "run", "target": "192.168.1.1:80"},
        {"type": "run", "target": "127.0.0.1:2525", "origin": "typed"},
        {"type": "stop"},
        {"type": "erase-past"},
        {"type": "forget", "id": past},
        {"type": "name-network", "network": NETWORK, "name": "Theirs"},
        {"type": "page", "act": "undo", "tab": world.tab},
        {"type": "export", "format": "text", "language": "en"},
        {"type": "kept", "keys": None},
        {"type": "unkept"},
        {"type": "unheard-of"},
    ):
        answer = world.say(asked)
        assert answer is None or str(answer).startswith("failed: "), asked
    # Whatever was said before this has been heard.
    popup.check("smtp.fence.example")
    assert [sent["target"] for sent in host.received()[received:]] == ["smtp.fence.example"]
    assert set(kept) <= set(popup.page.evaluate(KEPT))
    names = popup.page.evaluate(
        """chrome.runtime.sendMessage({ type: "kept", keys: ["networks"] })
            .then(({ items }) => Object.values(items.networks).map(({ name }) => name))"""
    )
    assert names == [""]


def test_no_window_shows_what_it_makes_up(browser: Browser, host: ScriptedHost, world: IsolatedWorld) -> None:
    popup = a_run(browser)
    state = popup.page.evaluate("chrome.storage.session.get(['link', 'run'])")
    state["run"]["id"] = "forged"
    state["run"]["report"]["verdict"]["code"] = "ok"
    shown = popup.verdict
    # An answer, or that there is none, comes when every window has heard it.
    world.say({"type": "unkept", "state": {**state, "unkept": None}})
    popup.page.evaluate("new Promise(resolve => setTimeout(resolve, 300))")
    assert popup.verdict == shown == ("port25-blocked", "certain")


def test_no_host_is_started_or_held_by_it(browser: Browser, host: ScriptedHost, world: IsolatedWorld) -> None:
    host.end()
    until(lambda: not host.pids(), "the host to end")
    world.say({"type": "warm"})
    ended = world.run(
        """
        const ends = ["popup", "reader", ""].map((name) => new Promise((resolve) => {
            chrome.runtime.connect({ name }).onDisconnect.addListener(() => resolve(name));
        }));
        return Promise.all(ends);
        """
    )
    assert ended == ["popup", "reader", ""]
    assert host.pids() == []
    a_run(browser)
    assert host.pids() != [], "the extension's own documents start it"


def test_it_reads_and_hears_nothing_that_is_private(browser: Browser, host: ScriptedHost, world: IsolatedWorld) -> None:
    world.run(
        """
        self.heard = [];
        chrome.storage.onChanged.addListener((changes) => heard.push(...Object.keys(changes)));
        """
    )
    popup = a_run(browser)
    assert popup.page.evaluate(KEPT), "there is something to be read"
    seen = world.run(OPEN_STORAGE)
    if browser.family == "chromium":
        assert str(seen).startswith("failed: ")
    else:
        assert set(seen) <= {"language", "program", "history", "welcomed"}
    for area in ("session", "sync", "managed"):
        read = str(world.run(f"return Object.keys(await chrome.storage.{area}.get(null));"))
        # Firefox keeps scripts out of the first; nothing is ever in the second, and no administrator fills the third.
        assert read.startswith("failed: ") or (browser.family == "firefox" and area == "sync" and read == "[]"), area
    assert set(world.run("return heard;")) <= {"language", "program", "history", "welcomed"}
    stores = world.run(
        """
        const known = await indexedDB.databases();
        return known.map(({ name }) => name);
        """
    )
    assert stores == []


def test_what_it_writes_is_not_taken_for_past_runs(browser: Browser, host: ScriptedHost, world: IsolatedWorld) -> None:
    popup = a_run(browser)
    kept = popup.page.evaluate(KEPT)
    forged = """
        const finding = { code: "ok", severity: "good", confidence: "certain", host: null, port: null, family: null };
        await chrome.storage.local.set({
            salt: "f".repeat(32),
            past: [{ id: "forged", target: "smtp.evil.example", subject: null, at: "2026-11-29T00:00:00Z",
                network: null, finding: { ...finding, params: {}, evidence: [] }, size: 1 }],
            "past/forged": {},
        });
        return "written";
    """
    written = world.run(forged)
    if browser.family == "chromium":
        assert str(written).startswith("failed: ")
    else:
        assert written == "written"
        assert isinstance(browser, Firefox)
        browser.restart_background()
    again = Popup(browser.open(browser.url("popup/popup.html")))
    again.check(TARGET)
    rows = [row.attribute("data-past") for row in again.page.elements("[data-past-verdict]")]
    assert "forged" not in rows
    assert rows, "the runs that were made"
    assert set(kept) < set(again.page.evaluate(KEPT))
    assert "past/forged" not in again.page.evaluate("chrome.storage.local.get(null).then(Object.keys)")


def test_an_earlier_versions_past_is_moved_out_of_its_reach(lab: Lab, browser: Browser, host: ScriptedHost) -> None:
    page = browser.open(browser.url("options/options.html"))
    earlier(page)
    if isinstance(browser, Firefox):
        browser.restart_background()
        page.evaluate("chrome.runtime.sendMessage({ type: 'kept', keys: null })")
        left = "chrome.storage.local.get(null).then(Object.keys)"
        assert page.evaluate(left) == ["language"]
    page = browser.open(browser.url("history/history.html"))
    until(lambda: page.elements("[data-past-verdict]"), "the earlier run")
    assert [row.attribute("data-past") for row in page.elements("[data-past-verdict]")] == ["earlier"]
    assert page.element("[data-action=name-network]").call("field => field.value") == "Home"
    assert page.evaluate("document.documentElement.lang") == "fr"
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.check(TARGET)
    [check] = [sent for sent in host.received() if sent["type"] == "check"]
    if browser.family == "firefox":
        assert check["salt"] == "5" * 32, "networks are recognised as before"
    until(lambda: len(page.elements("[data-past-verdict]")) == 2, "the run to be on the page too")
    page.element("[data-action=ask-erase]").click()
    page.element("[data-action=erase]").click()
    until(lambda: not page.elements("[data-past-verdict]"), "the rows to go")
    assert popup.page.evaluate(KEPT) == []


def test_where_the_browser_keeps_nothing_that_is_said(lab: Lab) -> None:
    """Firefox opens no database in a private window; in one of the usual kind, the background keeps it."""
    browser = lab.browser("firefox", private=True)
    lab.scripted_host(browser, answers=answers(reports()["blocked"]))
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.check(TARGET)
    assert popup.verdict == ("port25-blocked", "certain")
    said = message("en", "ui_unkept_past")
    assert popup.page.element("[data-unkept=past]").text() == said
    for address in ("history/history.html", "options/options.html"):
        page = browser.open(browser.url(address))
        until(lambda page=page: said in page.element("main").text(), f"what {address} says")  # type: ignore[misc]
    assert popup.page.evaluate(KEPT) == []

    # What an earlier version has left there can at least be erased.
    earlier(popup.page)
    page = browser.open(browser.url("history/history.html"))
    until(lambda: page.elements("[data-left-open]"), "that earlier tests are left")
    page.element("[data-action=ask-erase]").click()
    page.element("[data-action=erase]").click()
    until(lambda: not page.elements("[data-left-open]"), "the note to go")
    assert popup.page.evaluate("chrome.storage.local.get(null).then(Object.keys)") == ["language"]


def earlier(page: Page) -> None:
    """What a version that kept everything in local storage has left."""
    page.evaluate(
        f"""chrome.storage.local.set({{
            language: "fr",
            salt: "5".repeat(32),
            networks: {{ {NETWORK!r}: {{ name: "Home", number: 1 }} }},
            past: [{{
                id: "earlier",
                target: {TARGET!r},
                subject: null,
                at: "2026-11-01T08:00:00Z",
                network: {NETWORK!r},
                finding: {{ code: "ok", severity: "good", confidence: "certain", host: null, port: null, family: null,
                    params: {{}}, evidence: [] }},
                size: 2,
            }}],
            "past/earlier": {{}},
        }})"""
    )

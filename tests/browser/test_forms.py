"""The scripts that read and fill in pages, on forms of many shapes. They run in the page's own world here, where what
they touch can be seen; test_page.py runs them where browsers do.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from poterne.knowledge import ports

from .conftest import EXTENSION
from .drive.page import Browser, Page
from .forms import EXPECTED, serving

SCRIPTS = "\n;".join(
    (EXTENSION / "page" / f"{name}.js").read_text()
    for name in ("words", "choices", "addresses", "labels", "controls", "kinds", "reader", "writer")
)
PORTS = [asdict(row) for row in ports.known() if row.direction in ("outgoing", "incoming")]
WORDS = json.dumps({**json.loads((EXTENSION / "core" / "data" / "forms.json").read_text()), "ports": PORTS})
TLS = {"host": "new.example.org", "port": 465, "security": "tls"}
STARTTLS = {"host": "new.example.org", "port": 587, "security": "starttls"}
TRAP = """(() => {
    window.touched = [];
    const names = element => `${element.type} ${element.name} ${element.id}`;
    const { get, set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    const record = element => { if (get.call(element).startsWith("very-secret")) window.touched.push(names(element)); };
    Object.defineProperty(HTMLInputElement.prototype, "value", {
        configurable: true, set,
        get() { record(this); return get.call(this); },
    });
    const attribute = Element.prototype.getAttribute;
    Element.prototype.getAttribute = function (name) {
        if (name === "value" && this.tagName === "INPUT") record(this);
        return attribute.call(this, name);
    };
})()"""


pytestmark = pytest.mark.shared_browser


@pytest.fixture
def site() -> Iterator[str]:
    with serving() as address:
        yield address


def read(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        f"(() => {{ if (!globalThis.poternePage) {{ {SCRIPTS} }}; return poternePage.read({WORDS}); }})()"
    )
    return found


def fill(page: Page, reading: dict[str, Any], server: str, wanted: dict[str, Any], **changed: Any) -> dict[str, Any]:
    request = {**{name: reading[name] for name in ("token", "origin")}, "server": server, "wanted": wanted, **changed}
    filled: dict[str, Any] = page.evaluate(f"poternePage.fill({{...{json.dumps(request)}, words: {WORDS}}})")
    return filled


def undo(page: Page, reading: dict[str, Any]) -> dict[str, Any]:
    request = json.dumps({name: reading[name] for name in ("token", "origin")})
    undone: dict[str, Any] = page.evaluate(f"poternePage.undo({request})")
    return undone


def said(reading: dict[str, Any]) -> list[list[Any]]:
    return [
        [
            server["direction"],
            server["protocol"],
            server["host"]["name"],
            server["port"] and server["port"]["port"],
            server["security"] and server["security"]["means"],
        ]
        for server in reading["servers"]
    ]


def test_every_form_is_read_filled_in_and_put_back_and_no_secret_touched(browser: Browser, site: str) -> None:
    for form, expected in EXPECTED.items():
        page = browser.open(f"{site}/{form}")
        page.evaluate(TRAP)
        reading = read(page)
        assert said(reading) == expected, form
        assert "running-text" not in json.dumps(reading), form
        assert "very-secret" not in json.dumps(reading), form
        for server in reading["servers"]:
            written = 0
            for wanted in (TLS, STARTTLS):
                filled = fill(page, reading, server["id"], wanted)
                if filled["problem"] == "unfit":
                    continue
                written += 1
                assert filled["problem"] is None, form
                assert all(change["taken"] for change in filled["changes"]), (form, filled)
                now = next(each for each in read(page)["servers"] if each["id"] == server["id"])
                assert (now["host"]["name"], now["port"]["port"]) == (wanted["host"], wanted["port"]), form
                if now["security"] is not None:
                    assert now["security"]["means"] in (wanted["security"], "either"), form
                assert undo(page, reading)["problem"] is None
                assert said(read(page)) == expected, form
            assert written or form == "gmail-fetch.html", f"{form}: nothing could be filled in"
        assert page.evaluate("window.touched") == [], form
        # The trap itself works: it sees whoever reads.
        seen = "[...document.querySelectorAll('input')].map(input => input.value).length && window.touched.length"
        assert page.evaluate(seen) == page.evaluate(
            "document.documentElement.outerHTML.match(/value=.very-secret/g)?.length ?? 0"
        )
        page.close()


def test_a_framework_has_taken_in_what_was_written(browser: Browser, site: str) -> None:
    page = browser.open(f"{site}/controlled.html")
    reading = read(page)
    fill(page, reading, "s0", STARTTLS)
    state = {"host": "new.example.org", "port": "587", "security": "st", "address": ""}
    assert page.evaluate("new Promise(done => setTimeout(() => done(window.state), 150))") == state
    undo(page, reading)
    assert page.evaluate("window.state.host") == "smtp.quiet25.example"


def test_a_shown_password_is_still_a_password(browser: Browser, site: str) -> None:
    page = browser.open(f"{site}/plain.html")
    page.evaluate("void (document.querySelector('[type=password]').type = 'text')")
    page.evaluate(TRAP)
    assert "very-secret" not in json.dumps(read(page))
    assert page.evaluate("window.touched") == []


def test_what_is_not_the_form_that_was_read_is_not_written_to(browser: Browser, site: str) -> None:
    page = browser.open(f"{site}/plain.html")
    reading = read(page)
    assert fill(page, {**reading, "token": "another"}, "s0", TLS)["problem"] == "left"
    assert fill(page, reading, "s0", TLS, origin="https://other.example")["problem"] == "left"
    assert fill(page, reading, "s7", TLS)["problem"] == "changed"
    page.evaluate("void (document.getElementById('p').readOnly = true)")
    assert fill(page, read(page), "s0", TLS)["problem"] == "locked"
    page.evaluate("void (document.getElementById('p').readOnly = false)")
    page.evaluate("void document.getElementById('h').replaceWith(document.getElementById('h').cloneNode())")
    assert fill(page, reading, "s0", TLS)["problem"] == "changed"
    assert said(read(page)) == EXPECTED["plain.html"]
    page.evaluate("void document.querySelector('select').options[1].remove()")
    assert fill(page, read(page), "s0", TLS)["problem"] == "unfit"


def test_what_somebody_changed_after_it_was_filled_in_stays(browser: Browser, site: str) -> None:
    page = browser.open(f"{site}/plain.html")
    reading = read(page)
    fill(page, reading, "s0", TLS)
    page.evaluate("void (document.getElementById('p').value = '2525')")
    assert undo(page, reading)["kept"] == ["port"]
    assert said(read(page)) == [["outgoing", "smtp", "smtp.quiet25.example", 2525, "none"]]


def test_a_page_without_end_is_read_to_a_bound(browser: Browser, site: str) -> None:
    page = browser.open(f"{site}/elsewhere.html")
    page.evaluate("""void (() => {
        const form = document.createElement("form");
        for (let number = 0; number < 3000; number += 1) {
            const label = document.createElement("label");
            label.append("SMTP server ".repeat(number % 50 ? 1 : 400), document.createElement("input"));
            label.lastChild.value = "smtp.example.org".repeat(number % 3 ? 1 : 500);
            form.append(label);
        }
        document.body.append(form);
    })()""")
    reading = read(page)
    assert reading["cut"]
    assert len(reading["servers"]) <= 6
    assert len(json.dumps(reading)) < 20_000


def test_frames_of_other_sites_are_counted_and_not_read(browser: Browser, site: str) -> None:
    page = browser.open(f"{site}/frames.html")
    reading = read(page)
    assert reading["foreign"] == 1
    assert "foreign.example" not in json.dumps(reading)

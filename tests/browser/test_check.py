"""From the keyboard to real servers and back, in real browsers with the real host."""

import pytest

from .conftest import message
from .drive.page import until
from .drive.popup import Popup

pytestmark = pytest.mark.shared_browser

ACCOUNT = "jane@provider.example"
QUIET = "smtp.quiet25.example"


def test_an_account_gets_its_verdict_and_the_settings_to_type(popup: Popup) -> None:
    assert popup.run == "idle"
    assert popup.verdict is None
    popup.check(ACCOUNT)
    assert popup.verdict is not None
    assert popup.verdict[0] == "ok"
    best = popup.settings("outgoing")[0]
    assert best["host"] == "smtp.provider.example"
    assert (best["port"], best["security"], best["verified"]) in {("465", "tls", "true"), ("587", "starttls", "true")}
    best = popup.settings("incoming")[0]
    assert best["host"] == "imap.provider.example"
    assert (best["port"], best["security"], best["verified"]) == ("993", "tls", "true")


def test_a_screen_reader_reads_the_verdict_and_the_settings(popup: Popup) -> None:
    field = popup.page.one("textbox", message("en", "ui_target_label"))
    assert field.call("field => field === document.querySelector('form input')")
    popup.check(ACCOUNT)
    spoken = [element.text() for element in popup.page.accessible("status")]
    assert popup.headline() in spoken
    assert popup.headline() == message("en", "ok")
    for heading in (message("en", "ui_outgoing"), message("en", "ui_incoming")):
        assert popup.page.one("heading", heading)
    best = popup.settings("outgoing")[0]
    terms = [element.text() for element in popup.page.accessible("definition")]
    for value in (best["host"], best["port"], message("en", f"security_{best['security']}")):
        assert value in terms
    assert {ACCOUNT, message("en", "username_unknown")} & set(terms), "what to type as the user name"


def test_a_server_whose_port_25_never_answers(popup: Popup) -> None:
    popup.ask(QUIET)
    until(lambda: popup.settings("outgoing"), "settings while port 25 is still silent")
    assert popup.run == "running"
    assert popup.until_run("done", within=45) == "done"
    states = {row["port"]: row["state"] for row in popup.endpoints() if row["host"] == QUIET}
    assert states["25"] == "no-answer"
    assert states["465"] == states["587"] == "open"
    assert popup.settings("outgoing")[0]["port"] in {"465", "587"}
    assert all(setting["port"] != "25" for setting in popup.settings("outgoing"))
    assert popup.verdict == ("port25-blocked", "certain"), "the controls of the demonstration are silent there too"


def test_port_25_of_that_server_asked_for_by_name(popup: Popup) -> None:
    popup.check(f"{QUIET}:25")
    assert popup.verdict == ("port25-blocked", "certain")
    assert {row["state"] for row in popup.endpoints() if row["port"] == "25"} == {"no-answer"}
    best = popup.settings("outgoing")[0]
    assert (best["host"], best["verified"]) == (QUIET, "true")
    assert best["port"] in {"465", "587"}


def test_endpoints_wait_as_pending_and_arrive_one_by_one(popup: Popup) -> None:
    popup.ask(QUIET)

    def mixed() -> set[str]:
        states = {row["state"] for row in popup.endpoints()}
        return states if "pending" in states and "open" in states else set()

    until(mixed, "some endpoints to be open while others wait")
    popup.until_run("done", within=45)
    rows = popup.endpoints()
    assert "pending" not in {row["state"] for row in rows}
    assert len({row["endpoint"] for row in rows}) == len(rows)
    assert not any(row["host"].endswith(".test") for row in rows), "controls are evidence, not endpoints"


def test_unusable_input_is_refused_and_nothing_runs(popup: Popup) -> None:
    said = []
    for nonsense in ("not a target", "ftp://provider.example/", "jane@", "provider.example:99999"):
        before = popup.refusals
        popup.ask(nonsense)
        until(lambda before=before: popup.refusals not in ([], before), f"a refusal of {nonsense}")  # type: ignore[misc]
        assert len(popup.refusals) == 1
        assert popup.run == "idle"
        assert popup.endpoints() == []
        assert popup.verdict is None
        described = popup.field.attribute("aria-describedby") or ""
        refusal = popup.page.element("[data-refusal]").attribute("id")
        assert refusal in described.split()
        assert popup.field.attribute("aria-invalid") == "true"
        said += popup.refusals
    assert len(set(said)) == 4, "each says what is wrong with it"


def test_a_good_target_after_a_refused_one(popup: Popup) -> None:
    popup.ask("not a target")
    until(lambda: popup.refusals, "a refusal")
    popup.check("provider.example")
    assert popup.refusals == []
    assert popup.verdict is not None


def test_text_from_a_server_stays_text(popup: Popup) -> None:
    popup.page.evaluate("void (window.alert = () => { document.body.dataset.executed = 'yes'; })")
    popup.check("smtp.rude.example")
    shown = popup.page.evaluate("document.body.textContent")
    assert "<b>bold</b>" in shown
    assert not any(character in shown for character in "\x1b\u202e\x07\x00")
    assert popup.page.elements("main img, main b, main iframe, main script") == []
    assert popup.page.evaluate("document.body.dataset.executed ?? null") is None

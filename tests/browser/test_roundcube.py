"""The forms of the real Roundcube, of Debian's packages, read and filled in through the popup."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from .conftest import Lab
from .drive.hosts import ScriptedHost
from .drive.page import Browser, until
from .drive.popup import Popup
from .drive.roundcube import UnavailableError, roundcube
from .test_evidence import answers
from .test_page import TOLD, checks, press, pressed, says

pytestmark = pytest.mark.slow


@pytest.fixture
def site(lab: Lab) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            yield stack.enter_context(roundcube(lab.directory(), smtp_host="smtp.quiet25.example:25"))
        except UnavailableError as error:
            pytest.skip(f"Debian's Roundcube cannot be had: {error}")


@pytest.fixture
def scripted(lab: Lab, browser: Browser) -> ScriptedHost:
    return lab.scripted_host(browser, answers=answers(TOLD))


def filled(popup: Popup) -> None:
    press(popup, "[data-action=fill-page]")
    until(lambda: popup.page.elements("[data-filled=done]"), "the form to be filled in")


def test_the_server_of_its_settings_is_tested_and_filled_in(
    browser: Browser, scripted: ScriptedHost, site: str
) -> None:
    form = browser.open(f"{site}/installer/index.php?_step=2", here=True)
    popup = pressed(browser)
    assert "smtp.quiet25.example, port 25" in says(popup)
    assert "Database" not in says(popup)
    press(popup, '[data-action=test-page][data-target="smtp.quiet25.example:25"]')
    popup.until_run("done")
    assert checks(scripted) == [("smtp.quiet25.example:25", "page")]
    filled(popup)
    best = TOLD.settings.outgoing[0]
    assert form.evaluate("document.querySelector('[name=_smtp_host]').value") == f"{best.host}:{best.port}"
    press(popup, "[data-action=undo-page]")
    until(lambda: popup.page.elements("[data-filled=undone]"), "the form to be as before")
    assert form.evaluate("document.querySelector('[name=_smtp_host]').value") == "smtp.quiet25.example:25"


def test_the_server_of_its_sign_in_is_read_and_the_password_is_not(
    browser: Browser, scripted: ScriptedHost, site: str
) -> None:
    form = browser.open(f"{site}/index.php", here=True)
    form.evaluate("""void Object.entries({ _host: "imap.provider.example", _pass: "very-secret", _user: "jane" })
        .forEach(([name, value]) => { document.querySelector(`[name=${name}]`).value = value; })""")
    popup = pressed(browser)
    assert "imap.provider.example" in says(popup)
    kept = popup.page.evaluate("chrome.storage.session.get().then(JSON.stringify)")
    assert "imap.provider.example" in kept
    assert "very-secret" not in kept

"""Settings in the words of a program, and files of them, in real browsers with the real host."""

import json
import plistlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.unit.told_reports import reports

from .conftest import EXTENSION, Lab, message
from .drive import axe
from .drive.hosts import Host
from .drive.page import Browser, Page, until
from .drive.popup import Popup
from .test_accessibility import examine
from .test_evidence import answers

pytestmark = pytest.mark.shared_browser

ACCOUNT = "jane@provider.example"
PROMPT = message("en", "ui_words")


def downloaded(browser: Browser, pattern: str) -> bytes:
    """The only whole file that the browser saved under such a name."""

    def look() -> list[Path]:
        found = list(browser.downloads.iterdir())
        partial = [path for path in found if path.suffix in (".part", ".crdownload") or path.stat().st_size == 0]
        return [] if partial else [path for path in found if re.fullmatch(pattern, path.name)]

    [path] = until(look, f"a download like {pattern} in {list(browser.downloads.iterdir())}")
    return path.read_bytes()


def press(page: Page, selector: str) -> None:
    page.element(selector).click()


def reopened(browser: Browser) -> Popup:
    return Popup(browser.open(browser.url("popup/popup.html")))


def test_the_words_are_those_of_the_program_that_is_chosen(browser: Browser, popup: Popup) -> None:
    popup.check(ACCOUNT)
    general = popup.words("incoming")
    assert general[message("en", "ui_server")] == "imap.provider.example"
    popup.choose("thunderbird")
    until(lambda: "Hostname" in popup.words("incoming"), "the words of Thunderbird")
    words = popup.words("incoming")
    assert words["Hostname"] == "imap.provider.example"
    assert (words["Port"], words["Connection security"], words["Username"]) == ("993", "SSL/TLS", ACCOUNT)
    assert popup.settings("incoming")[0]["host"] == "imap.provider.example"
    again = reopened(browser)
    assert again.words("incoming") == words, "remembered"
    assert again.page.one("combobox", PROMPT).call("select => select.value") == "thunderbird"
    again.choose("")
    until(lambda: popup.words("incoming") == general, "the general words, on the other page too")
    assert popup.page.one("combobox", PROMPT).call("select => select.value") == ""


def test_the_words_come_in_the_language_of_the_page(popup: Popup) -> None:
    popup.page.evaluate("chrome.storage.local.set({language: 'fr', program: 'thunderbird'})")
    popup.check(ACCOUNT)
    words = popup.words("outgoing")
    programs = json.loads((EXTENSION / "core" / "data" / "programs.json").read_text())["programs"]
    [labels] = [program["labels"]["outgoing"] for program in programs if program["id"] == "thunderbird"]
    french = {field: label["fr"] for field, label in labels.items()}
    assert words[french["host"]] == "smtp.provider.example"
    assert {french[field] for field in ("host", "port", "security", "username")} <= set(words)
    assert french["section"] in popup.page.element('[data-settings="outgoing"] > [data-host] .setting-head').text()


def test_a_program_is_chosen_by_keyboard(popup: Popup) -> None:
    popup.check(ACCOUNT)
    popup.page.one("combobox", PROMPT).call("select => select.focus()")
    popup.page.press("k")
    until(lambda: "IMAP Server" in popup.words("incoming"), "the words of KMail")
    assert popup.page.evaluate("document.activeElement.dataset.action") == "program"


def test_words_can_be_copied(browser: Browser, popup: Popup) -> None:
    popup.check(ACCOUNT)
    popup.choose("roundcube")
    until(lambda: "$config['imap_host']" in popup.words("incoming"), "the words of Roundcube")
    press(popup.page, '[data-settings="incoming"] > [data-host] [data-key="host"] button[data-copy]')
    until(lambda: popup.page.elements("[data-copied]"), "the button to say so")
    assert browser.clipboard() == "ssl://imap.provider.example:993"


def test_what_the_program_cannot_use_does_not_stand_first(popup: Popup) -> None:
    popup.check(ACCOUNT)
    popup.choose("gmail")
    until(lambda: popup.words("incoming") == {}, "nothing to receive mail with")
    assert message("en", "ui_words_none") in popup.page.element('[data-settings="incoming"]').text()
    assert popup.words("outgoing")["SMTP Server"] == "smtp.provider.example"
    assert popup.settings("incoming"), "what was found stays in reach"


def test_an_apple_profile_is_saved(browser: Browser, popup: Popup) -> None:
    popup.check(ACCOUNT)
    outgoing, incoming = popup.settings("outgoing")[0], popup.settings("incoming")[0]
    press(popup.page, "[data-export=mobileconfig]")
    profile = plistlib.loads(downloaded(browser, r".*\.mobileconfig"))
    [mail] = profile["PayloadContent"]
    assert mail["EmailAddress"] == ACCOUNT
    assert (mail["IncomingMailServerHostName"], str(mail["IncomingMailServerPortNumber"])) == (
        incoming["host"],
        incoming["port"],
    )
    assert mail["OutgoingMailServerHostName"] == outgoing["host"]
    assert not any("Password" in key and isinstance(value, str) for key, value in mail.items())
    until(lambda: "provider.example.mobileconfig" in popup.page.element(".handed").text(), "a word on it")


def test_every_format_is_saved_from_the_popup_of_the_toolbar_button(browser: Browser, host: Host) -> None:
    popup = Popup(browser.open_popup())
    popup.page.evaluate("chrome.storage.local.set({language: 'fr'})")
    until(lambda: popup.page.evaluate("document.documentElement.lang") == "fr", "French")
    popup.check(ACCOUNT)
    assert popup.files() == ["mobileconfig", "autoconfig", "text", "json"]
    press(popup.page, "[data-export=autoconfig]")
    config = ElementTree.fromstring(downloaded(browser, r"config-v1\.1\.xml"))  # noqa: S314
    assert [found.text for found in config.iter("domain")] == ["provider.example"]
    press(popup.page, "[data-export=json]")
    settings = json.loads(downloaded(browser, r".*\.json"))
    assert settings["settings"]["incoming"][0]["host"] == "imap.provider.example"
    press(popup.page, "[data-export=text]")
    text = downloaded(browser, r".*\.txt").decode()
    assert "imap.provider.example" in text
    assert message("fr", "handover_no_password") in text
    assert len(list(browser.downloads.iterdir())) == 3
    assert len(host.pids()) == 1


def test_the_text_can_be_copied(browser: Browser, popup: Popup) -> None:
    popup.check(ACCOUNT)
    press(popup.page, "[data-action=export-copy]")
    until(lambda: popup.page.elements(".handed"), "a word on it")
    assert popup.page.element(".handed").text() == message("en", "ui_export_copied")
    assert "smtp.provider.example" in browser.clipboard()
    assert list(browser.downloads.iterdir()) == []


def test_the_report_in_a_tab_starts_the_host_again(browser: Browser, popup: Popup, host: Host) -> None:
    popup.check(ACCOUNT)
    report = Popup(browser.open(browser.url("report/report.html")))
    popup.page.close()
    [gone] = host.pids()
    host.kill()
    until(lambda: host.pids() == [], "the host to be gone")
    linked = "chrome.storage.session.get('link').then(({link}) => link.phase)"
    until(lambda: report.page.evaluate(linked) == "disconnected", "the background to see it")
    press(report.page, "[data-export=mobileconfig]")
    assert plistlib.loads(downloaded(browser, r".*\.mobileconfig"))
    assert host.pids() != [gone]
    assert report.problem is None


def test_files_are_offered_where_they_can_be_made(popup: Popup) -> None:
    popup.check("smtp.quiet25.example")
    assert popup.files() == ["text", "json"]
    popup.check("jane@plain.example")
    assert popup.settings("outgoing")
    assert popup.files() == []
    assert popup.page.elements("[data-action=export-copy]") == []


def test_an_older_host_has_to_be_upgraded(lab: Lab, family: str) -> None:
    told = reports()["blocked"]
    browser = lab.fresh(family)
    host = lab.scripted_host(browser, answers=answers(told))
    popup = reopened(browser)
    popup.check(told.target.input)
    press(popup.page, "[data-export=text]")
    until(lambda: popup.page.elements("[data-export-problem]"), "what is wrong")
    problem = popup.page.element("[data-export-problem]")
    assert problem.attribute("data-export-problem") == "outdated"
    assert problem.attribute("role") == "alert"
    assert message("en", "ui_export_problem_outdated") in problem.text()
    assert popup.run == "done"
    asked = [sent for sent in host.received() if sent["type"] == "export"]
    assert [(sent["format"], sent["language"], sent["report"]["observations"]) for sent in asked] == [
        ("text", "en", [])
    ]
    popup.choose("outlook-new")
    until(lambda: "SMTP Outgoing Server" in popup.words("outgoing"), "the words of Outlook")
    popup.unfold()
    examine(browser, popup.page)


def test_words_and_files_are_accessible_and_fit_into_320_pixels(browser: Browser, popup: Popup) -> None:
    popup.check(ACCOUNT)
    report = Popup(browser.open(browser.url("report/report.html")))
    for program, language in (("roundcube", "en"), ("kmail", "fr"), ("gmail", "fr")):
        report.page.evaluate(f"chrome.storage.local.set({{language: '{language}', program: '{program}'}})")
        until_shown(report.page, program, language)
        report.unfold()
        report.page.resize(1000, 800)
        assert axe.violations(report.page) == []
        report.page.resize(320, 800)
        until(lambda: report.page.evaluate("innerWidth") == 320, "the narrow viewport")
        assert report.page.evaluate("document.documentElement.scrollWidth") <= 320


def until_shown(page: Page, program: str, language: str) -> None:
    shown = "[document.querySelector('[data-action=program]').value, document.documentElement.lang]"
    until(lambda: page.evaluate(shown) == [program, language], f"the words of {program}, {language}")

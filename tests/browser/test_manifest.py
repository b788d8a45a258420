"""What the extension asks for, read from its files."""

import json
import re

from .conftest import EXTENSION, ROOT
from .drive.chromium import extension_id
from .drive.page import Browser

MANIFEST = json.loads((EXTENSION / "manifest.json").read_text())
# The least that works: a host to talk to, a place for the run; the tab that the user is on, when they ask for it.
ALLOWED = {"nativeMessaging", "storage", "activeTab", "scripting", "contextMenus"}
ALLOWED_LATER = {"alarms", "notifications"}


def test_permissions_are_the_least() -> None:
    assert {"nativeMessaging", "storage"} <= set(MANIFEST["permissions"]) <= ALLOWED
    assert set(MANIFEST.get("optional_permissions", [])) <= ALLOWED_LATER


def test_no_page_can_be_read_or_reached() -> None:
    for key in ("host_permissions", "optional_host_permissions", "content_scripts", "externally_connectable"):
        assert key not in MANIFEST, key
    assert "web_accessible_resources" not in MANIFEST


def test_pages_run_their_own_code_only() -> None:
    rules = MANIFEST["content_security_policy"]["extension_pages"].split(";")
    policy = {name: values.split() for name, _, values in (rule.strip().partition(" ") for rule in rules)}
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert policy.pop("require-trusted-types-for") == ["'script'"]
    assert policy.pop("trusted-types") == ["'none'"]
    assert all(values in (["'self'"], ["'none'"]) for values in policy.values())


def test_the_browser_makes_no_markup_of_text_in_a_page(browser: Browser) -> None:
    page = browser.open(browser.url("popup/popup.html"))
    for attempt in (
        "document.createElement('p').innerHTML = '<b>text</b>'",
        "document.createElement('script').text = 'text'",
        "trustedTypes.createPolicy('any', {})",
    ):
        refused = page.evaluate(
            f"(() => {{ try {{ {attempt}; return null; }} catch ({{ name }}) {{ return name; }} }})()"
        )
        assert refused == "TypeError", attempt


def test_no_script_makes_markup_or_code_from_text() -> None:
    forbidden = re.compile(
        r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\s*\(|new Function|DOMParser)\b"
    )
    for script in EXTENSION.rglob("*.js"):
        assert not forbidden.search(script.read_text()), script


def test_nothing_is_loaded_from_elsewhere() -> None:
    for file in (*EXTENSION.rglob("*.html"), *EXTENSION.rglob("*.css"), *EXTENSION.rglob("*.js")):
        loads = re.findall(r"""(?:src=|import\s*\(?|url\(|fetch\()\s*["']?(https?:|//)""", file.read_text())
        assert loads == [], file


def test_the_ids_are_the_ones_that_hosts_are_registered_for() -> None:
    ids = json.loads((ROOT / "manifests" / "ids.json").read_text())
    assert ids == {
        "chromium": extension_id(EXTENSION / "manifest.json"),
        "firefox": MANIFEST["browser_specific_settings"]["gecko"]["id"],
    }

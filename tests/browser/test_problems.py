"""Each way in which the host can be missing or broken has a screen of its own."""

import json
import os
import signal
from pathlib import Path

import pytest

from .conftest import Lab, message
from .drive.hosts import HELLO, NAME, write_manifest
from .drive.page import Browser, until
from .drive.popup import Popup
from .drive.process import is_root

STRANGER = {"chromium": "a" * 32, "firefox": "stranger@example.org"}


def opened(browser: Browser) -> Popup:
    return Popup(browser.open(browser.url("popup/popup.html")))


def explained(popup: Popup, cause: str) -> None:
    """The screen stands there on its own: the field too, and what to do."""
    until(lambda: popup.problem == cause, f"the screen of {cause}")
    assert popup.run == "failed"
    assert popup.verdict is None
    assert popup.command.strip()
    assert popup.field.call("field => field.checkVisibility()")


def test_a_host_that_is_not_registered(browser: Browser) -> None:
    popup = opened(browser)
    explained(popup, "host-missing")
    assert f"poterne install --browser {browser.family}" in popup.command


def test_the_host_is_found_once_it_is_registered(browser: Browser, lab: Lab) -> None:
    popup = opened(browser)
    explained(popup, "host-missing")
    lab.scripted_host(browser)
    popup.page.one("button", message("en", "ui_check_again")).click()
    until(lambda: popup.problem is None, "the screen to go")
    assert popup.run == "idle"


def test_a_manifest_for_another_extension(browser: Browser, lab: Lab) -> None:
    lab.scripted_host(browser, allowed=STRANGER[browser.family])
    explained(opened(browser), {"chromium": "host-forbidden", "firefox": "host-missing"}[browser.family])


def test_a_host_that_exits_at_once(browser: Browser, lab: Lab) -> None:
    lab.scripted_host(browser, hello=None, then="exit")
    popup = opened(browser)
    explained(popup, "host-crashed")
    assert "poterne doctor" in popup.command


def test_a_launcher_that_cannot_be_run(browser: Browser, lab: Lab) -> None:
    launcher = lab.directory() / "launcher"
    launcher.write_text("#!/nowhere/python\n")
    launcher.chmod(0o755)
    write_manifest(browser, launcher)
    explained(opened(browser), "host-crashed")


def test_a_manifest_that_is_no_json(browser: Browser) -> None:
    (browser.manifests / f"{NAME}.json").write_text("{")
    explained(opened(browser), "host-missing")


def test_a_host_that_is_killed_in_the_middle(browser: Browser, lab: Lab, policy: Path) -> None:
    host = lab.real_host(browser, policy)
    popup = opened(browser)
    popup.ask("smtp.mute.example")
    popup.until_run("running")
    until(popup.endpoints, "the plan")
    host.kill()
    explained(popup, "host-crashed")


def test_a_host_that_hangs(browser: Browser, lab: Lab) -> None:
    """It is stopped as by a debugger: the run ends all the same, and the next is another host's."""
    host = lab.scripted_host(browser)
    popup = opened(browser)
    [pid] = until(host.pids, "the host to run")
    asked = "{type: 'run', origin: 'typed', target: 'provider.example', options: {budget: 1}}"
    popup.page.evaluate(f"void chrome.runtime.sendMessage({asked})")
    until(host.received, "the check")
    os.kill(pid, signal.SIGSTOP)
    popup.until_run("failed", within=60)
    until(lambda: popup.page.element("[data-tone] .advice").text() == message("en", "ui_failed_late"), "the reason")
    assert popup.problem is None
    until(lambda: pid not in host.pids(), "the host to end", within=60)
    popup.ask("provider.example")
    until(lambda: len(host.received()) > 1, "the next check")
    assert [sent["type"] for sent in host.received()] == ["check", "check"]


def test_a_check_after_the_host_was_killed(browser: Browser, lab: Lab, policy: Path) -> None:
    host = lab.real_host(browser, policy)
    popup = opened(browser)
    popup.ask("smtp.mute.example")
    until(popup.endpoints, "the plan")
    host.kill()
    explained(popup, "host-crashed")
    popup.ask("provider.example")
    popup.until_run("done", within=45)
    assert popup.problem is None
    assert popup.verdict is not None


@pytest.mark.parametrize(
    ("hello", "cause"),
    [
        ({**HELLO, "protocol": 2}, "extension-outdated"),
        ({**HELLO, "protocol": 0}, "host-outdated"),
        ({"type": "version", "version": "0.0.1"}, "host-outdated"),
    ],
    ids=["newer", "older", "before-hello"],
)
def test_versions_that_do_not_fit(browser: Browser, lab: Lab, hello: dict[str, object], cause: str) -> None:
    host = lab.scripted_host(browser, hello=hello)
    explained(opened(browser), cause)
    assert host.received() == [], "nothing is asked of a host that speaks another protocol"


@pytest.mark.parametrize(("version", "older"), [("0.0.1", "host"), ("99.0", "extension"), (HELLO["version"], None)])
def test_an_older_side_is_named_and_the_check_goes_on(
    browser: Browser, lab: Lab, version: str, older: str | None
) -> None:
    host = lab.scripted_host(browser, hello={**HELLO, "version": version})
    popup = opened(browser)
    note = "document.querySelector('[data-older]')?.dataset.older ?? null"
    until(host.pids, "the host to run")
    if older is not None:
        until(lambda: popup.page.evaluate(note), "the note")
        assert version in popup.page.element("[data-older]").text()
    popup.ask("provider.example")
    sent = until(host.received, "the check")
    assert (sent[0]["type"], sent[0]["target"], sent[0]["version"]) == ("check", "provider.example", HELLO["version"])
    assert popup.page.evaluate(note) == older
    assert popup.problem is None


@pytest.mark.skipif(not is_root(), reason="a browser's policies are read from /etc, which only root can replace")
def test_an_administrator_who_forbids_native_hosts(lab: Lab, tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "block.json").write_text(json.dumps({"NativeMessagingBlocklist": ["*"]}))
    browser = lab.browser("chromium", policies=policies)
    lab.scripted_host(browser)
    explained(opened(browser), "host-blocked-by-policy")


@pytest.mark.skipif(not is_root(), reason="a browser's policies are read from /etc, which only root can replace")
def test_an_administrator_who_allows_this_host_alone(lab: Lab, tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    rules = {"NativeMessagingBlocklist": ["*"], "NativeMessagingAllowlist": [NAME]}
    (policies / "allow.json").write_text(json.dumps(rules))
    browser = lab.browser("chromium", policies=policies)
    host = lab.scripted_host(browser)
    popup = opened(browser)
    until(host.pids, "the host to run")
    assert popup.problem is None
    assert popup.run == "idle"

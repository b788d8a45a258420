"""An organisation's own policies in Chromium, whatever form their files have: `generate --write` changes none."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from poterne.errors import SetupError
from poterne.install import deployment
from poterne.install.machine import Machine
from poterne.policy import Policy
from poterne.policy.organisation import Deploy, Organisation

from .conftest import Lab
from .drive.chromium import Chromium, ChromiumPage
from .drive.page import until
from .drive.process import is_root

pytestmark = pytest.mark.skipif(
    not is_root(), reason="a browser's policies are read from /etc, which only root can replace"
)
LISTEN = """(async () => {
    const {addWebUiListener} = await import("chrome://resources/js/cr.js");
    addWebUiListener("policies-updated", (...told) => { window.told = told; });
    chrome.send("listenPoliciesUpdates");
})()"""
POLICY = Policy(deploy=Deploy(), organisation=Organisation(name="Example Ltd", domain="example.org"))
HOME = '"HomepageLocation": "https://intranet.example.org/"'
HOSTS = '"NativeMessagingAllowlist": ["com.other"]'
OTHERS = f'"ExtensionSettings": {{"{"a" * 32}": {{"installation_mode": "blocked"}}}}'
TICK = "NewTabPageLocation"


class PolicyPage:
    """chrome://policy of a browser, and the folder that it reads."""

    def __init__(self, browser: Chromium) -> None:
        self.folder = browser.profile.parent / "etc-chromium" / "policies" / "managed"
        self._id = browser.id
        self._page: ChromiumPage = browser.open("chrome://policy/")
        self._page.evaluate(LISTEN)

    def read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The browser's own policies and those of our extension, once it has read the folder again."""
        tick = f"https://tick.example/{time.monotonic_ns()}"
        (self.folder / "!tick").write_text(json.dumps({TICK: tick}))

        def look() -> tuple[dict[str, Any], dict[str, Any]] | None:
            self._page.evaluate("chrome.send('reloadPolicies')")
            told = self._page.evaluate("window.told") or []
            groups: dict[str, Any] = next((each["policyGroups"] for each in told if "policyGroups" in each), {})
            found = [
                {name: policy.get("value") for name, policy in groups.get(group, {}).get("policies", {}).items()}
                for group in ("chrome", self._id)
            ]
            return (found[0], found[1]) if found[0].pop(TICK, None) == tick else None

        found = until(look, "the policies to be read again", within=20)
        (self.folder / "!tick").unlink()
        assert found is not None
        return found

    def empty(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()


def _linked(folder: Path) -> None:
    real = folder.parents[2] / "real.json"
    real.write_text(f"{{{HOME}, {HOSTS}}}")
    (folder / "org.json").symlink_to(real)


def _closed(folder: Path) -> None:
    (folder / "org.json").write_text(f"{{{HOME}, {HOSTS}}}")
    (folder / "org.json").chmod(0o640)
    os.chown(folder / "org.json", 0, 33)


def _files(**files: str) -> Callable[[Path], None]:
    def put(folder: Path) -> None:
        for name, text in files.items():
            (folder / name).write_text(text)

    return put


FORMS: dict[str, Callable[[Path], None]] = {
    "commented": _files(**{"org.json": f"// ours\n{{{HOME}, /* and */ {HOSTS}, {OTHERS} // end\n}}"}),
    "trailing comma": _files(**{"org.json": f"{{{HOME}, {HOSTS}, // end\n}}"}),
    "no suffix": _files(org=f"{{{HOME}, {HOSTS}, {OTHERS}}}"),
    "backup file": _files(**{"org.json": f"{{{HOME}}}", "org.json~": f"{{{HOSTS}, {OTHERS}}}"}),
    "symlink": _linked,
    "0640 root:www-data": _closed,
    "one key twice": _files(a=f"{{{HOSTS}}}", z=f'{{"NativeMessagingAllowlist": ["com.last"], {HOME}}}'),
}


def _bytes(folder: Path) -> dict[str, Any]:
    return {path.name: (path.lstat().st_mode, path.stat().st_gid, path.read_bytes()) for path in folder.iterdir()}


def test_chromium_obeys_an_organisations_policies_as_before(lab: Lab, tmp_path: Path) -> None:
    empty = tmp_path / "none"
    empty.mkdir()
    browser = lab.browser("chromium", policies=empty)
    assert isinstance(browser, Chromium)
    shown = PolicyPage(browser)
    machine = Machine("linux", {"HOME": str(tmp_path)}, "", root=tmp_path / "root")
    (machine.root / "etc").mkdir(parents=True)
    machine.place("/etc/chromium").symlink_to(shown.folder.parents[1])

    for form, put in FORMS.items():
        put(shown.folder)
        bytes_before, (before, _) = _bytes(shown.folder), shown.read()
        assert before["HomepageLocation"] == "https://intranet.example.org/", form

        deployment.apply(POLICY, ["chromium"], machine)
        between, told = shown.read()
        hosts = between.pop("NativeMessagingAllowlist")
        assert hosts == [*before["NativeMessagingAllowlist"], "org.poterne.host"], form
        settings = between.pop("ExtensionSettings")
        assert settings.pop(browser.id) == {"installation_mode": "allowed", "toolbar_pin": "force_pinned"}, form
        assert settings == before.get("ExtensionSettings", {}), form
        left = {key: before[key] for key in before.keys() - {"NativeMessagingAllowlist", "ExtensionSettings"}}
        assert between == left, form
        assert told == {"organisation": "Example Ltd", "domain": "example.org"}, form

        deployment.withdraw(machine)
        assert shown.read() == (before, {}), form
        assert _bytes(shown.folder) == bytes_before, form
        shown.empty()

    # Chromium passes over a broken file; beside it nothing is written that it might come to contradict.
    _files(org="{", z=f"{{{HOME}}}")(shown.folder)
    bytes_before, seen = _bytes(shown.folder), shown.read()
    with pytest.raises(SetupError, match=r"managed/org cannot be understood"):
        deployment.apply(POLICY, ["chromium"], machine)
    assert shown.read() == seen
    assert _bytes(shown.folder) == bytes_before

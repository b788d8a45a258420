"""Browsers of an organisation: the extension comes by policy, users' hosts are forbidden, the host's policy binds."""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from poterne import install as setup
from poterne import policy
from poterne.cli import main as cli
from poterne.install import launcher
from poterne.install.machine import Machine

from .conftest import EXTENSION, Lab, executable_of
from .drive.chromium import extension_id
from .drive.hosts import HELLO, ScriptedHost
from .drive.managed import UPDATE, Desk, can_lay_over, pack_crx, pack_xpi, serving, with_own_key
from .drive.page import Browser, until
from .drive.popup import Popup
from .drive.process import is_root

pytestmark = pytest.mark.skipif(not is_root(), reason="only root can lay folders over those of the machine")
NAME = "org.poterne.host"
ACCOUNT = "jane@provider.example"
SYSTEM = {"chromium": "/etc/chromium/native-messaging-hosts", "firefox": "/usr/lib/mozilla/native-messaging-hosts"}
BOUNDS = """
targets = ["provider.example"]
checks_per_minute = 50
"""
STATED = """
[organisation]
name = "Example Ltd"
help = "https://help.example.org/mail"
domain = "provider.example"
program = "thunderbird"
history = false
[[expected.servers]]
protocol = "smtp"
host = "smtp.provider.example"
port = 465
security = "tls"
[[expected.servers]]
protocol = "imap"
host = "imap.provider.example"
port = 993
security = "tls"
"""


@dataclass(frozen=True)
class Office:
    """A browser on a desk of the organisation, and where things lie there."""

    browser: Browser
    desk: Desk
    log: Path
    machine: Machine


@pytest.fixture
def office(lab: Lab, family: str, policy: Path) -> Iterator[Office]:
    executable = executable_of(family)  # type: ignore[arg-type]
    folder = lab.directory()
    if not can_lay_over(folder):
        pytest.skip("no overlays can be mounted here")
    desk, log = Desk(folder), folder / "checks.log"
    with serving(folder) as address:
        file = rules(policy, folder, log)
        file.write_text(f"{file.read_text()}\n[deploy]\nuser_level_hosts = false\nblock_other_hosts = true\n")
        extension, arguments = packed(family, executable, folder, address)
        if family == "chromium":
            identity = extension_id(extension / "manifest.json")
            file.write_text(f'{file.read_text()}chromium_id = "{identity}"\n')
        told(file, desk, folder, arguments)
        machine = registered(desk, family, extension, file)
        browser = lab.browser(family, extension=extension, desk=desk)
        yield Office(browser, desk, log, machine)


def rules(world: Path, folder: Path, log: Path) -> Path:
    """The host's policy: the world of the demonstration, bounded."""
    text = world.read_text().replace("[allow]\n", f"[allow]\n{BOUNDS}")
    file = folder / "policy.toml"
    file.write_text(f'{text}\n{STATED}\n[log]\nto = "file"\nfile = "{log}"\n')
    policy.load(file)
    return file


def packed(family: str, executable: str, folder: Path, address: str) -> tuple[Path, list[str]]:
    """The extension as it is unpacked, and what `poterne policy generate` is told of where it is had."""
    if family == "firefox":
        pack_xpi(EXTENSION, folder)
        return EXTENSION, ["--xpi-url", f"{address}/poterne.xpi"]
    extension, key = with_own_key(EXTENSION, folder)
    crx = pack_crx(executable, extension, key, folder)
    manifest = json.loads((extension / "manifest.json").read_text())
    identity = extension_id(extension / "manifest.json")
    update = UPDATE.format(id=identity, url=f"{address}/{crx.name}", version=manifest["version"])
    (folder / "update.xml").write_text(update)
    return extension, ["--update-url", f"{address}/update.xml"]


def told(file: Path, desk: Desk, folder: Path, arguments: list[str]) -> None:
    """The browsers' policies as `poterne policy generate` writes them, where browsers read them."""
    out = folder / "generated"
    assert cli.main(["policy", "generate", "--policy", str(file), "--output", str(out), *arguments]) == 0
    shutil.copytree(out / "linux", desk.root, dirs_exist_ok=True)
    # What policies install is closed to the developer tools, by which the test looks at it.
    beside = desk.over("/etc/chromium/policies/managed/tests.json")
    beside.write_text(json.dumps({"DeveloperToolsAvailability": 1}))


def registered(desk: Desk, family: str, extension: Path, file: Path) -> Machine:
    """The host, as `poterne install --system` registers it, reading the policy of the test."""
    machine = Machine("linux", {"HOME": str(desk.root / "root")}, sys.executable, root=desk.root)
    (done,) = setup.install([family], system=True, machine=machine)
    Path(done.launcher).write_text(launcher.script(machine, policy=file))
    if family == "chromium":
        path = Path(done.location)
        manifest = json.loads(path.read_text())
        manifest["allowed_origins"] = [f"chrome-extension://{extension_id(extension / 'manifest.json')}/"]
        path.write_text(json.dumps(manifest))
    assert done.location == str(desk.over(SYSTEM[family]) / f"{NAME}.json")
    return machine


def test_an_organisations_desk(office: Office, lab: Lab) -> None:
    browser = office.browser
    intruder = ScriptedHost(lab.directory(), {"hello": HELLO})
    if browser.family == "chromium":
        # A user's own registration is passed over, whatever it names.
        intruder.register(browser)
    popup = Popup(browser.open_popup())

    popup.check(ACCOUNT)

    assert popup.problem is None
    assert popup.verdict == ("ok", "certain")
    assert intruder.pids() == []
    state = popup.page.evaluate("document.querySelector('[data-expected]').dataset.expected")
    assert state == "as-stated"
    assert "Example Ltd" in popup.page.element("[data-expected]").text()

    popup.ask("smtp.quiet25.example")
    until(lambda: popup.refusals, "a refusal")
    assert "allow.targets" in popup.refusals[0]
    assert popup.run == "idle"

    # It comes late on a first run.
    managed = until(lambda: popup.page.evaluate("chrome.storage.managed.get()"), "managed storage", within=30)
    assert managed["organisation"] == "Example Ltd"
    assert managed["history"] is False
    assert managed["servers"][0]["host"] == "smtp.provider.example"
    if browser.family == "chromium":
        assert popup.page.evaluate("chrome.action.getUserSettings()") == {"isOnToolbar": True}
    lines = office.log.read_text().splitlines()
    assert [line.split(" ", 1)[1].partition(" client=")[0] for line in lines] == [
        "kind=account domain=provider.example verdict=ok",
        "kind=domain domain=smtp.quiet25.example verdict=forbidden rule=allow.targets",
    ]
    assert "jane" not in office.log.read_text()
    # The doctor reads the policies that the browser obeys, and starts the host that the browser starts. Of the package
    # that the organisation has signed itself, which has another id, this Poterne knows nothing.
    (found,) = setup.doctor([browser.family], machine=office.machine, seconds=20.0)
    assert (found.problem, found.level) == ("wrong-id" if browser.family == "chromium" else None, "system")

"""Browsers' policies: made, merged into what is there, taken away again."""

import json
import plistlib
from pathlib import Path
from typing import Any

import pytest
from tests.unit.setup_machines import machine, tree

from poterne import install as setup
from poterne.cli import main as cli
from poterne.errors import SetupError
from poterne.install import browsers, deployment, regfile
from poterne.install.browser_policies import ruling
from poterne.install.machine import Machine
from poterne.policy import Policy, load

ID = "ldljdgonginjcecciikejojdelbhpkli"
FIREFOX = "poterne@poterne.org"
TEXT = """
[organisation]
name = "Example Ltd"
domain = "example.org"
help = "https://help.example.org/"
history = false
[[expected.servers]]
protocol = "smtp"
host = "smtp.example.org"
port = 587
security = "starttls"
[deploy]
update_url = "https://intranet.example.org/update.xml"
xpi_url = "https://intranet.example.org/poterne.xpi"
other_hosts = ["org.other.host"]
user_level_hosts = false
block_other_hosts = true
"""
MANAGED = {
    "organisation": "Example Ltd",
    "help": "https://help.example.org/",
    "domain": "example.org",
    "history": False,
    "servers": [{"protocol": "smtp", "host": "smtp.example.org", "port": 587, "security": "starttls"}],
}


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    file = tmp_path / "policy.toml"
    file.write_text(TEXT, encoding="utf-8")
    return load(file)


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return machine(tmp_path)


def agreed(_: object) -> None:
    """Programs of others may be switched off."""


def put(here: Machine, place: str, value: Any) -> Path:
    path = here.place(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def get(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_chromium_is_told(policy: Policy, here: Machine) -> None:
    (done,) = deployment.apply(policy, ["chromium"], here, agreed)

    assert done.path == here.place("/etc/chromium/policies/managed/0-poterne.json")
    assert get(done.path) == {
        "ExtensionSettings": {
            ID: {
                "installation_mode": "force_installed",
                "update_url": "https://intranet.example.org/update.xml",
                "override_update_url": True,
                "toolbar_pin": "force_pinned",
            }
        },
        "NativeMessagingAllowlist": ["org.poterne.host", "org.other.host"],
        "NativeMessagingBlocklist": ["*"],
        "NativeMessagingUserLevelHosts": False,
        "3rdparty": {"extensions": {ID: MANAGED}},
    }
    said = ruling(browsers.named("chromium"), here)
    assert said.blocked is None
    assert said.user_level_forbidden is not None


def test_what_firefox_is_told(policy: Policy, here: Machine) -> None:
    (done,) = deployment.apply(policy, ["firefox"], here, agreed)

    settings = {
        "installation_mode": "force_installed",
        "install_url": "https://intranet.example.org/poterne.xpi",
        "default_area": "navbar",
    }
    third = {"Extensions": {FIREFOX: MANAGED}}
    assert get(done.path) == {"policies": {"ExtensionSettings": {FIREFOX: settings}, "3rdparty": third}}


def test_edge_names_the_fixed_button_otherwise(policy: Policy, here: Machine) -> None:
    (done,) = deployment.apply(policy, ["edge"], here, agreed)

    assert get(done.path)["ExtensionSettings"][ID]["toolbar_state"] == "force_shown"


def test_what_is_there_is_merged_into_and_nothing_is_replaced(policy: Policy, here: Machine) -> None:
    folder = "/etc/opt/chrome/policies/managed"
    other = put(
        here,
        f"{folder}/it.json",
        {
            "HomepageLocation": "https://example.org/",
            "ExtensionSettings": {"*": {"installation_mode": "blocked"}, "aaaa": {"installation_mode": "allowed"}},
            "NativeMessagingAllowlist": ["com.other"],
            "NativeMessagingUserLevelHosts": True,
        },
    )

    done = deployment.apply(policy, ["chrome"], here, agreed)

    merged = get(other)
    assert merged["HomepageLocation"] == "https://example.org/"
    assert merged["ExtensionSettings"]["aaaa"] == {"installation_mode": "allowed"}
    assert merged["ExtensionSettings"][ID]["installation_mode"] == "force_installed"
    assert merged["NativeMessagingAllowlist"] == ["com.other", "org.poterne.host", "org.other.host"]
    assert merged["NativeMessagingUserLevelHosts"] is True
    kept = [line for entry in done for line in entry.kept]
    assert kept == ["NativeMessagingUserLevelHosts stays true; Poterne would set false"]
    # Only one of two files that hold a policy counts.
    assert set(get(here.place(f"{folder}/0-poterne.json"))) == {"NativeMessagingBlocklist", "3rdparty"}


def test_a_second_time_changes_nothing(policy: Policy, here: Machine) -> None:
    deployment.apply(policy, ["chrome", "firefox"], here, agreed)
    before = tree(here.root)

    done = deployment.apply(policy, ["chrome", "firefox"], here, agreed)

    assert {entry.change for entry in done} == {"unchanged"}
    assert tree(here.root) == before


def test_withdrawn_leaves_every_byte_as_it_was(policy: Policy, here: Machine) -> None:
    put(here, "/etc/opt/chrome/policies/managed/it.json", {"NativeMessagingAllowlist": ["com.other"]})
    put(here, "/etc/firefox/policies/policies.json", {"policies": {"DisableTelemetry": True}})
    before = tree(here.root)

    deployment.apply(policy, ["chrome", "firefox", "edge"], here, agreed)
    assert deployment.is_applied(here)
    deployment.withdraw(here)

    assert tree(here.root) == before
    assert not deployment.is_applied(here)
    assert deployment.withdraw(here) == []


@pytest.mark.parametrize("policies_first", [False, True])
def test_registration_and_policies_leave_nothing_in_either_order(
    policy: Policy, here: Machine, policies_first: bool
) -> None:
    before = tree(here.root)
    setup.install(["chrome"], system=True, machine=here)
    deployment.apply(policy, ["chrome"], here, agreed)

    if policies_first:
        deployment.withdraw(here)
        setup.uninstall(system=True, machine=here)
    else:
        setup.uninstall(system=True, machine=here)
        assert deployment.is_applied(here)
        deployment.withdraw(here)

    assert tree(here.root) == before


def test_what_others_have_changed_since_stays_when_it_is_withdrawn(policy: Policy, here: Machine) -> None:
    path = put(here, "/etc/firefox/policies/policies.json", {"policies": {"DisableTelemetry": True}})
    deployment.apply(policy, ["firefox", "chrome"], here, agreed)
    changed = get(path)
    changed["policies"]["DisablePocket"] = True
    changed["policies"]["ExtensionSettings"]["other@example.org"] = {"installation_mode": "allowed"}
    path.write_text(json.dumps(changed), encoding="utf-8")
    own = here.place("/etc/opt/chrome/policies/managed/0-poterne.json")
    own.write_text(json.dumps({**get(own), "NativeMessagingAllowlist": ["org.poterne.host", "com.new"]}))

    deployment.withdraw(here)

    assert get(path) == {
        "policies": {
            "DisableTelemetry": True,
            "DisablePocket": True,
            "ExtensionSettings": {"other@example.org": {"installation_mode": "allowed"}},
        }
    }
    assert get(own) == {"NativeMessagingAllowlist": ["com.new"]}


def test_a_file_that_is_no_json_is_left_as_it_is(policy: Policy, here: Machine) -> None:
    path = here.place("/etc/firefox/policies/policies.json")
    path.parent.mkdir(parents=True)
    path.write_text("{", encoding="utf-8")

    with pytest.raises(SetupError, match=r"policies\.json cannot be understood \(line 1: .*\); nothing was written$"):
        deployment.apply(policy, ["firefox"], here, agreed)

    assert path.read_text(encoding="utf-8") == "{"


def test_a_folder_for_every_system(policy: Policy, tmp_path: Path) -> None:
    folder = tmp_path / "out"

    done = deployment.generate(policy, folder)
    again = deployment.generate(policy, folder)

    assert {entry.change for entry in done} == {"written"}
    assert {entry.change for entry in again} == {"unchanged"}
    names = set(tree(folder))
    for name in ("opt/chrome", "chromium", "opt/edge", "brave"):
        assert f"linux/etc/{name}/policies/managed/poterne.json" in names
    assert get(folder / "linux/usr/lib/mozilla/managed-storage" / f"{FIREFOX}.json")["data"] == MANAGED
    registry = regfile.parse((folder / "windows/poterne.reg").read_bytes())
    chrome = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Google\Chrome"
    assert registry[chrome]["NativeMessagingUserLevelHosts"] == "dword:00000000"
    assert list(registry[rf"{chrome}\NativeMessagingBlocklist"].values()) == ['"*"']
    assert registry[rf"{chrome}\ExtensionSettings\{ID}"]["installation_mode"] == '"force_installed"'
    assert registry[rf"{chrome}\3rdparty\extensions\{ID}\policy"]["organisation"] == '"Example Ltd"'
    firefox = rf"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Mozilla\Firefox\3rdparty\Extensions\{FIREFOX}"
    assert registry[firefox]["history"] == "dword:00000000"
    payloads = {
        payload["PayloadType"]: payload
        for payload in plistlib.loads((folder / "macos/poterne.mobileconfig").read_bytes())["PayloadContent"]
    }
    assert payloads["com.google.Chrome"]["ExtensionSettings"][ID]["toolbar_pin"] == "force_pinned"
    assert payloads[f"com.google.Chrome.extensions.{ID}"]["organisation"] == "Example Ltd"
    assert payloads["org.mozilla.firefox"]["EnterprisePoliciesEnabled"] is True


def test_an_export_of_the_registry_is_merged_into(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "out/windows/poterne.reg"
    path.parent.mkdir(parents=True)
    settings = json.dumps({"aaaa": {"installation_mode": "allowed"}}).replace('"', '\\"')
    lines = [
        "Windows Registry Editor Version 5.00",
        "",
        r"[HKEY_LOCAL_MACHINE\Software\Policies\Google\Chrome]",
        f'"ExtensionSettings"="{settings}"',
        '"Binary"=hex:01,02,\\',
        "  03",
        "",
        r"[HKEY_LOCAL_MACHINE\Software\Policies\Google\Chrome\NativeMessagingAllowlist]",
        '"1"="com.other"',
        "",
    ]
    path.write_bytes("\r\n".join(lines).encode("utf-16"))

    deployment.generate(policy, tmp_path / "out", ["chrome"])

    keys = regfile.parse(path.read_bytes())
    chrome = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Google\Chrome"
    assert keys[chrome]["Binary"] == "hex:01,02,03"
    table = json.loads(json.loads(keys[chrome]["ExtensionSettings"]))
    assert set(table) == {"aaaa", ID}
    assert keys[rf"{chrome}\NativeMessagingAllowlist"] == {
        "1": '"com.other"',
        "2": '"org.poterne.host"',
        "3": '"org.other.host"',
    }


def test_a_profile_is_merged_into(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "out/macos/poterne.mobileconfig"
    path.parent.mkdir(parents=True)
    there = {"PayloadType": "com.google.Chrome", "HomepageLocation": "https://example.org/", "PayloadUUID": "X"}
    path.write_bytes(plistlib.dumps({"PayloadIdentifier": "org.example", "PayloadContent": [there]}))

    deployment.generate(policy, tmp_path / "out", ["chrome"])

    profile = plistlib.loads(path.read_bytes())
    (first, *_) = profile["PayloadContent"]
    assert profile["PayloadIdentifier"] == "org.example"
    assert (first["PayloadUUID"], first["HomepageLocation"]) == ("X", "https://example.org/")
    assert ID in first["ExtensionSettings"]


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"Windows Registry Editor Version 5.00\r\nnonsense\r\n", b"\xff\xfe\x00"]
)
def test_what_is_no_export_is_refused(policy: Policy, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "out/windows/poterne.reg"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)

    with pytest.raises(SetupError, match=r"poterne\.reg"):
        deployment.generate(policy, tmp_path / "out", ["chrome"])
    assert path.read_bytes() == data


def test_the_ids_of_packages_that_the_organisation_signs(tmp_path: Path, here: Machine) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f'[deploy]\nchromium_id = "{"b" * 32}"\nfirefox_id = "own@example.org"\n', encoding="utf-8")

    deployment.apply(load(file), ["chromium", "firefox"], here)

    assert set(get(here.place("/etc/chromium/policies/managed/0-poterne.json"))["ExtensionSettings"]) == {"b" * 32}
    told = get(here.place("/etc/firefox/policies/policies.json"))["policies"]
    assert told["ExtensionSettings"] == {"own@example.org": {"installation_mode": "allowed", "default_area": "navbar"}}


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(TEXT, encoding="utf-8")
    out = str(tmp_path / "out")

    assert cli.main(["policy", "check", str(file)]) == 0
    assert capsys.readouterr().out.startswith(f"{file}: ok\n")
    arguments = ["policy", "generate", "--policy", str(file), "--output", out, "--browser", "chromium"]
    assert cli.main([*arguments, "--update-url", "http://127.0.0.1:8000/update.xml"]) == 0
    told = get(tmp_path / "out/linux/etc/chromium/policies/managed/poterne.json")
    assert told["ExtensionSettings"][ID]["update_url"] == "http://127.0.0.1:8000/update.xml"
    capsys.readouterr()

    assert cli.main([*arguments, "--update-url", "nowhere"]) == 2
    assert capsys.readouterr().err == "poterne: --update-url: expected an http or https URL\n"

    for text, ports in (("", "any that the user types"), ("[allow]\nports = [25, 26]\n", "25, 26")):
        file.write_text(text, encoding="utf-8")
        assert cli.main(["policy", "check", str(file)]) == 0
        assert f"  ports            {ports}\n" in capsys.readouterr().out

    file.write_text("[allow]\nprots = [25]\n", encoding="utf-8")
    assert cli.main(["policy", "check", str(file)]) == 3
    assert capsys.readouterr().err == f"poterne: {file}: allow.prots: unknown key; did you mean 'ports'?\n"

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.setup_machines import MemoryRegistry, machine, tree

from poterne.errors import SetupError
from poterne.install import Registration, browsers, install, manifest, register_in, uninstall
from poterne.install.machine import Machine, Platform

CHROMIUM_ORIGIN = "chrome-extension://ldljdgonginjcecciikejojdelbhpkli/"
FIREFOX_ID = "poterne@poterne.org"
USER_PLACES = {
    "chromium": ".config/chromium/NativeMessagingHosts",
    "chrome": ".config/google-chrome/NativeMessagingHosts",
    "firefox": ".mozilla/native-messaging-hosts",
}


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def changes(done: list[Registration]) -> dict[str, str]:
    """What became of each browser, where there was anything."""
    return {entry.browser: entry.change for entry in done if entry.change != "absent"}


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("names", [["firefox", "chrome", "chromium"], ["chromium", "chrome", "firefox"]])
def test_each_browser_gets_a_manifest_of_its_own(tmp_path: Path, names: list[str]) -> None:
    done = install(names, machine=machine(tmp_path))

    assert [(entry.browser, entry.change) for entry in done] == [(name, "written") for name in names]
    launcher = tmp_path / "home/.local/share/poterne/poterne-host"
    for name, place in USER_PLACES.items():
        written = load(tmp_path / "home" / place / "org.poterne.host.json")
        callers = {"allowed_extensions": [FIREFOX_ID]} if name == "firefox" else {"allowed_origins": [CHROMIUM_ORIGIN]}
        common = {"name": "org.poterne.host", "path": str(launcher), "type": "stdio"}
        written.pop("description")
        assert written == common | callers
    assert os.access(launcher, os.X_OK)


def test_places_follow_the_environment_at_the_call(tmp_path: Path) -> None:
    here = machine(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "cfg"), XDG_DATA_HOME=str(tmp_path / "data"))

    install(["chromium"], machine=here)

    written = load(tmp_path / "cfg/chromium/NativeMessagingHosts/org.poterne.host.json")
    assert written["path"] == str(tmp_path / "data/poterne/poterne-host")
    assert tree(tmp_path / "home") == {}


def test_relative_xdg_directories_are_passed_over(tmp_path: Path) -> None:
    done = install(["chromium"], machine=machine(tmp_path, XDG_CONFIG_HOME="cfg"))

    assert done[0].location == str(tmp_path / "home" / USER_PLACES["chromium"] / "org.poterne.host.json")


def test_without_a_home_nothing_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", lost)

    with pytest.raises(SetupError, match="HOME is not set"):
        install(["firefox"], machine=machine(tmp_path, HOME=""))


def test_system_places(tmp_path: Path) -> None:
    done = install(["chromium", "chrome", "firefox"], system=True, machine=machine(tmp_path))

    root = tmp_path / "root"
    assert [entry.location for entry in done] == [
        str(root / "etc/chromium/native-messaging-hosts/org.poterne.host.json"),
        str(root / "etc/opt/chrome/native-messaging-hosts/org.poterne.host.json"),
        str(root / "usr/lib/mozilla/native-messaging-hosts/org.poterne.host.json"),
    ]
    assert {entry.launcher for entry in done} == {str(root / "usr/local/lib/poterne/poterne-host")}
    assert tree(tmp_path / "home") == {}


@pytest.mark.usefixtures("narrow_umask")
def test_everybody_can_read_what_is_for_the_system(tmp_path: Path) -> None:
    install(["firefox"], system=True, machine=machine(tmp_path))

    library = tmp_path / "root/usr/lib/mozilla"
    program = tmp_path / "root/usr/local/lib/poterne"
    modes = {path: path.stat().st_mode & 0o777 for path in (library, program, program / "poterne-host")}
    assert set(modes.values()) == {0o755}
    written = library / "native-messaging-hosts/org.poterne.host.json"
    assert written.stat().st_mode & 0o777 == 0o644


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(["firefox", "chromium"], machine=here)
    before = tree(tmp_path)

    done = install(["firefox", "chromium"], machine=here)

    assert [entry.change for entry in done] == ["unchanged", "unchanged"]
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("foreign", "note"),
    [('{"path": "/opt/other/host"}', "names /opt/other/host"), ("{", "is not JSON"), ("[]", "is not a JSON object")],
)
def test_what_was_there_is_replaced_and_told(tmp_path: Path, foreign: str, note: str) -> None:
    there = tmp_path / "home/.mozilla/native-messaging-hosts/org.poterne.host.json"
    there.parent.mkdir(parents=True)
    there.write_text(foreign, encoding="utf-8")

    done = install(["firefox"], machine=machine(tmp_path))

    assert done[0].change == "replaced"
    assert note in (done[0].note or "")
    assert load(there)["allowed_extensions"] == [FIREFOX_ID]


def test_one_browser_that_fails_does_not_hold_back_the_next(tmp_path: Path) -> None:
    here = machine(tmp_path)
    (tmp_path / "home/.config").mkdir()
    (tmp_path / "home/.config/chromium").write_text("in the way", encoding="utf-8")

    done = install(["chromium", "firefox"], machine=here)

    assert [entry.change for entry in done] == ["failed", "written"]
    assert str(tmp_path / "home/.config/chromium") in (done[0].note or "")


def test_a_write_that_fails_leaves_the_old_manifest_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine(tmp_path)
    install(["firefox"], machine=here)
    hosts = tmp_path / "home/.mozilla/native-messaging-hosts"
    (hosts / "org.poterne.host.json").write_text("old", encoding="utf-8")
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name.endswith(".json"):
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)

    done = install(["firefox"], machine=here)

    assert done[0].change == "failed"
    assert "No space left on device" in (done[0].note or "")
    assert tree(hosts) == {"org.poterne.host.json": b"old"}


def test_unknown_browsers_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="unknown browser 'netscape': known are chromium"):
        install(["firefox", "netscape"], machine=machine(tmp_path))

    assert tree(tmp_path / "home") == {}


@pytest.mark.parametrize("name", ["../../victim", "a/b", "Host", "a..b", ".a", "a b", ""])
def test_names_that_browsers_refuse_are_refused(name: str) -> None:
    with pytest.raises(SetupError, match="cannot be the name of a native host"):
        manifest.make("firefox", Path("/opt/host"), name)


def test_without_names_the_browsers_that_are_here(tmp_path: Path) -> None:
    here = machine(tmp_path)
    with pytest.raises(SetupError, match="no browser found here"):
        install(machine=here)
    (tmp_path / "bin/firefox-esr").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "bin/firefox-esr").chmod(0o755)
    (tmp_path / "home/.config/google-chrome/Default").mkdir(parents=True)

    assert [entry.browser for entry in install(machine=here)] == ["chrome", "firefox"]


def test_a_registration_alone_is_no_browser(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(["chromium"], machine=here)

    assert browsers.here(here) == []


def test_uninstall_leaves_nothing_and_takes_nothing_else(tmp_path: Path) -> None:
    here = machine(tmp_path)
    (tmp_path / "home/.config/chromium/NativeMessagingHosts").mkdir(parents=True)
    (tmp_path / "home/.config/google-chrome/Default").mkdir(parents=True)
    before = tree(tmp_path)
    install(["chromium", "chrome", "firefox"], machine=here)
    install(["firefox"], system=True, machine=here)

    done = uninstall(machine=here)
    system = uninstall(system=True, machine=here)

    assert changes(done) == {"chromium": "removed", "chrome": "removed", "firefox": "removed"}
    assert changes(system) == {"firefox": "removed"}
    assert tree(tmp_path) == before


def test_uninstall_can_be_called_again(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(["firefox"], machine=here)
    uninstall(["firefox"], machine=here)

    assert [entry.change for entry in uninstall(["firefox", "chrome"], machine=here)] == ["absent", "absent"]


def test_the_launcher_stays_while_a_browser_needs_it(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(["firefox", "chromium"], machine=here)
    launcher = tmp_path / "home/.local/share/poterne/poterne-host"

    uninstall(["firefox"], machine=here)
    assert launcher.exists()
    assert not (tmp_path / "home/.mozilla").exists()

    uninstall(["chromium"], machine=here)
    assert tree(tmp_path / "home") == {}


def test_uninstall_leaves_another_programs_manifest_and_removes_a_broken_one(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(["firefox", "chromium"], machine=here)
    firefox = tmp_path / "home" / USER_PLACES["firefox"] / "org.poterne.host.json"
    chromium = tmp_path / "home" / USER_PLACES["chromium"] / "org.poterne.host.json"
    firefox.write_text('{"path": "/opt/other/host"}', encoding="utf-8")
    chromium.write_text("{", encoding="utf-8")

    done = uninstall(["firefox", "chromium"], machine=here)

    assert [entry.change for entry in done] == ["foreign", "removed"]
    assert "/opt/other/host" in (done[0].note or "")
    assert firefox.exists()
    assert not chromium.exists()


def test_places_on_macos(tmp_path: Path) -> None:
    here = machine(tmp_path, "darwin")
    support = tmp_path / "home/Library/Application Support"
    system = tmp_path / "root/Library"
    names = ["chromium", "chrome", "firefox"]

    assert [entry.location for entry in install(names, machine=here)] == [
        str(support / "Chromium/NativeMessagingHosts/org.poterne.host.json"),
        str(support / "Google/Chrome/NativeMessagingHosts/org.poterne.host.json"),
        str(support / "Mozilla/NativeMessagingHosts/org.poterne.host.json"),
    ]
    assert [entry.location for entry in install(names, system=True, machine=here)] == [
        str(system / "Application Support/Chromium/NativeMessagingHosts/org.poterne.host.json"),
        str(system / "Google/Chrome/NativeMessagingHosts/org.poterne.host.json"),
        str(system / "Application Support/Mozilla/NativeMessagingHosts/org.poterne.host.json"),
    ]
    assert os.access(support / "Poterne/poterne-host", os.X_OK)


def test_browsers_that_are_here_on_macos(tmp_path: Path) -> None:
    here = machine(tmp_path, "darwin")
    (tmp_path / "root/Applications/Google Chrome.app").mkdir(parents=True)
    (tmp_path / "home/Applications/Firefox.app").mkdir(parents=True)

    assert [browser.name for browser in browsers.here(here)] == ["chrome", "firefox"]


def windows(tmp_path: Path) -> tuple[Machine, MemoryRegistry]:
    here = machine(tmp_path, "win32")
    assert isinstance(here.registry, MemoryRegistry)
    return here, here.registry


def test_the_registry_of_windows_points_to_one_manifest_a_browser(tmp_path: Path) -> None:
    here, registry = windows(tmp_path)

    install(["chromium", "chrome", "firefox"], machine=here)
    install(["chrome"], system=True, machine=here)

    user = tmp_path / "home/AppData/Local/Poterne"
    system = tmp_path / "root/Program Files/Poterne"
    assert registry.keys == {
        ("HKEY_CURRENT_USER", r"Software\Chromium\NativeMessagingHosts\org.poterne.host"): str(
            user / "org.poterne.host.chromium.json"
        ),
        ("HKEY_CURRENT_USER", r"Software\Google\Chrome\NativeMessagingHosts\org.poterne.host"): str(
            user / "org.poterne.host.chromium.json"
        ),
        ("HKEY_CURRENT_USER", r"Software\Mozilla\NativeMessagingHosts\org.poterne.host"): str(
            user / "org.poterne.host.firefox.json"
        ),
        ("HKEY_LOCAL_MACHINE", r"Software\Google\Chrome\NativeMessagingHosts\org.poterne.host"): str(
            system / "org.poterne.host.chromium.json"
        ),
    }
    for (hive, _), named in registry.keys.items():
        launcher = (user if hive == "HKEY_CURRENT_USER" else system) / "poterne-host.bat"
        assert load(Path(named))["path"] == str(launcher)
        assert launcher.exists()


def test_uninstall_on_windows_takes_keys_files_and_directory(tmp_path: Path) -> None:
    here, registry = windows(tmp_path)
    before = tree(tmp_path)
    install(["chromium", "firefox"], machine=here)

    done = uninstall(machine=here)

    assert changes(done) == {"chromium": "removed", "firefox": "removed"}
    assert registry.keys == {}
    assert tree(tmp_path) == before


def test_a_key_of_another_program_is_told_at_install_and_left_at_uninstall(tmp_path: Path) -> None:
    here, registry = windows(tmp_path)
    key = r"Software\Mozilla\NativeMessagingHosts\org.poterne.host"
    registry.write("HKEY_CURRENT_USER", key, r"D:\other.json")

    done = install(["firefox"], machine=here)
    assert (done[0].change, done[0].note) == ("replaced", r"the registry named D:\other.json")

    registry.write("HKEY_CURRENT_USER", key, r"D:\other.json")
    uninstall(["firefox"], machine=here)
    assert registry.read("HKEY_CURRENT_USER", key) == r"D:\other.json"


def test_a_registry_that_denies_access_fails_that_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, registry = windows(tmp_path)

    def deny(*_: object) -> None:
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(registry, "write", deny)

    done = install(["firefox"], system=True, machine=here)

    assert done[0].change == "failed"
    assert "HKEY_LOCAL_MACHINE" in (done[0].note or "")
    assert "Access is denied" in (done[0].note or "")


def test_browsers_that_are_here_on_windows(tmp_path: Path) -> None:
    here, registry = windows(tmp_path)
    paths = "Software\\Microsoft\\Windows\\CurrentVersion\\App Paths\\"
    registry.write("HKEY_LOCAL_MACHINE", paths + "firefox.exe", "firefox.exe")

    assert [browser.name for browser in browsers.here(here)] == ["firefox"]


def test_the_machines_hive_is_written_in_both_views(tmp_path: Path) -> None:
    here, registry = windows(tmp_path)

    install(["firefox"], system=True, machine=here)

    key = ("HKEY_LOCAL_MACHINE", r"Software\Mozilla\NativeMessagingHosts\org.poterne.host")
    assert registry.keys_32 == registry.keys != {}
    assert set(registry.keys) == {key}

    uninstall(system=True, machine=here)
    assert registry.keys == registry.keys_32 == {}


def test_the_place_of_64_bit_libraries_counts_where_there_is_one(tmp_path: Path) -> None:
    here = machine(tmp_path)
    assert len(install(["firefox"], system=True, machine=here)) == 1
    (tmp_path / "root/usr/lib64/mozilla").mkdir(parents=True)
    before = tree(tmp_path / "root/usr/lib64")

    first, second = install(["firefox"], system=True, machine=here)
    assert (first.change, second.change) == ("unchanged", "written")
    assert "/usr/lib64/mozilla/" in second.location

    uninstall(system=True, machine=here)
    assert tree(tmp_path / "root/usr/lib64") == before


def test_browsers_that_share_a_place(tmp_path: Path) -> None:
    here = machine(tmp_path)

    done = install(["chrome", "opera"], machine=here)
    assert [entry.change for entry in done] == ["written", "written"]
    assert done[1].note == "the same place as Google Chrome"

    (kept,) = uninstall(["opera"], machine=here)
    assert (kept.change, kept.note) == ("kept", "Google Chrome needs it")
    assert Path(done[0].location).exists()

    uninstall(["chrome"], machine=here)
    assert tree(tmp_path / "home") == {}


def test_keys_that_browsers_of_windows_share(tmp_path: Path) -> None:
    here, registry = windows(tmp_path)
    before = tree(tmp_path)
    install(["chrome", "brave"], machine=here)

    uninstall(["brave"], machine=here)
    assert set(registry.keys) == {
        ("HKEY_CURRENT_USER", r"Software\Google\Chrome\NativeMessagingHosts\org.poterne.host")
    }
    assert Path(next(iter(registry.keys.values()))).exists()

    uninstall(["chrome"], machine=here)
    assert registry.keys == {}
    assert tree(tmp_path) == before


def test_what_a_package_of_the_system_registers_is_left_to_it(tmp_path: Path) -> None:
    here = machine(tmp_path)
    program = tmp_path / "root/usr/lib/poterne/poterne-host"
    program.parent.mkdir(parents=True)
    program.write_text("", encoding="utf-8")
    there = tmp_path / "root/etc/chromium/native-messaging-hosts/org.poterne.host.json"
    there.parent.mkdir(parents=True)
    there.write_text(json.dumps({"path": str(program)}), encoding="utf-8")

    (left,) = install(["chromium"], system=True, machine=here)

    assert left.change == "foreign"
    assert str(program) in (left.note or "")
    assert load(there) == {"path": str(program)}


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_a_dry_run_says_what_would_be_done_and_does_nothing(tmp_path: Path, platform: Platform) -> None:
    here = machine(tmp_path, platform)
    before = tree(tmp_path)

    would = install(["firefox", "chrome"], dry_run=True, machine=here)
    assert [entry.change for entry in would] == ["written", "written"]
    assert tree(tmp_path) == before
    assert here.registry is None or getattr(here.registry, "keys", None) == {}

    install(["firefox"], machine=here)
    before = tree(tmp_path)
    assert changes(uninstall(dry_run=True, machine=here)) == {"firefox": "removed"}
    assert tree(tmp_path) == before


def test_a_self_contained_program_needs_no_interpreter(tmp_path: Path) -> None:
    here = replace(machine(tmp_path), bundled=Path("/opt/poterne/poterne-host"))

    (done,) = install(["firefox"], machine=here)

    assert Path(done.launcher).read_text(encoding="utf-8") == '#!/bin/sh\nexec /opt/poterne/poterne-host "$@"\n'


def test_register_in_a_profile(tmp_path: Path) -> None:
    profile = tmp_path / "a profile's directory" / "NativeMessagingHosts"

    written = register_in(profile, "chromium", policy=tmp_path / "lab.toml", environment={"LANGUAGE": "fr"})

    assert written == profile / "org.poterne.host.json"
    assert load(written)["allowed_origins"] == [CHROMIUM_ORIGIN]
    launcher = Path(load(written)["path"])
    assert launcher.parent == profile
    assert os.access(launcher, os.X_OK)
    assert "--policy" in launcher.read_text(encoding="utf-8")

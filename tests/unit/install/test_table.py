"""Every browser of the table, on every system, in a home and a root that are not this machine's."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.setup_machines import MemoryRegistry, machine, tree

import poterne
from poterne.install import browsers, doctor, install, manifest, uninstall
from poterne.install.browsers import Browser
from poterne.install.machine import Level, Platform

PLATFORMS: tuple[Platform, ...] = ("linux", "darwin", "win32")
LEVELS: tuple[Level, ...] = ("user", "system")
WANTED = {
    *("chrome", "chrome-beta", "chrome-dev", "chrome-canary", "chrome-for-testing", "chromium", "edge", "brave"),
    *("vivaldi", "opera", "firefox", "librewolf", "thunderbird"),
}


def rows(platform: Platform, level: Level) -> list[str]:
    return [
        row.name for row in browsers.table().values() if (row.user if level == "user" else row.system).get(platform)
    ]


EVERYWHERE = [
    pytest.param(platform, level, name, id=f"{platform}-{level}-{name}")
    for platform in PLATFORMS
    for level in LEVELS
    for name in rows(platform, level)
]


def test_the_browsers_of_the_table() -> None:
    assert set(browsers.table()) >= WANTED
    for platform in PLATFORMS:
        for level in LEVELS:
            assert set(rows(platform, level)) >= WANTED, (platform, level)


@pytest.mark.parametrize(("platform", "level", "name"), EVERYWHERE)
def test_install_and_uninstall_leave_nothing_and_can_be_repeated(
    tmp_path: Path, platform: Platform, level: Level, name: str
) -> None:
    here = machine(tmp_path, platform)
    before, system = tree(tmp_path), level == "system"

    first = install([name], system=system, machine=here)
    after = tree(tmp_path)
    second = install([name], system=system, machine=here)

    assert {entry.change for entry in first} == {"written"}
    assert {entry.change for entry in second} == {"unchanged"}
    assert tree(tmp_path) == after
    family = browsers.named(name).family
    for location in browsers.locations(browsers.named(name), level, here):
        written = json.loads(location.manifest.read_text(encoding="utf-8"))
        assert manifest.caller(family) in manifest.callers(written, family)
        assert Path(written["path"]).is_file()

    assert {entry.change for entry in uninstall([name], system=system, machine=here)} == {"removed"}
    assert {entry.change for entry in uninstall([name], system=system, machine=here)} == {"absent"}
    assert tree(tmp_path) == before
    if isinstance(here.registry, MemoryRegistry):
        assert here.registry.keys == here.registry.keys_32 == {}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_all_browsers_at_once_leave_nothing(tmp_path: Path, platform: Platform, level: Level) -> None:
    here = machine(tmp_path, platform)
    before, system = tree(tmp_path), level == "system"

    done = install(rows(platform, level), system=system, machine=here)
    assert {entry.change for entry in done} == {"written"}

    uninstall(system=system, machine=here)
    assert tree(tmp_path) == before
    if isinstance(here.registry, MemoryRegistry):
        assert here.registry.keys == here.registry.keys_32 == {}


def one_of_each() -> list[Any]:
    """Every browser; those after the first of a family and a sandbox only where there is time."""
    seen: set[tuple[str, str | None]] = set()
    marked = []
    for name in rows("linux", "user"):
        kind = (browsers.named(name).family, browsers.named(name).sandbox)
        marked.append(pytest.param(name, marks=[pytest.mark.slow] if kind in seen else []))
        seen.add(kind)
    return marked


@pytest.mark.parametrize("name", one_of_each())
def test_the_doctor_finds_what_install_wrote(tmp_path: Path, name: str) -> None:
    here = machine(tmp_path)
    browser = browsers.named(name)
    install([name], machine=here)
    if browser.sandbox == "flatpak":
        allow(tmp_path, browser)

    (found,) = doctor([name], machine=here, seconds=20.0)

    assert (found.problem, found.version) == (None, poterne.__version__), found.detail


def allow(tmp_path: Path, browser: Browser) -> None:
    overrides = tmp_path / "home/.local/share/flatpak/overrides"
    overrides.mkdir(parents=True)
    text = "[Context]\nsockets=!x11;\n\n[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n"
    (overrides / str(browser.app)).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("name", [row.name for row in browsers.table().values() if row.sandbox == "closed"])
def test_a_snap_that_starts_nothing_is_named_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    here = machine(tmp_path)
    before = tree(tmp_path)

    (done,) = install([name], machine=here)
    (found,) = doctor([name], machine=here)

    assert done.change == "impossible"
    assert found.problem == "sandboxed"
    after = tree(tmp_path)
    uninstall(machine=here)
    assert tree(tmp_path) == before == after


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (".config/mozilla/firefox/a.default", "firefox"),
        (".mozilla/firefox/a.default", "firefox"),
        (".thunderbird/a.default", "thunderbird"),
        (".librewolf/a.default", "librewolf"),
        (".config/opera/Default", "opera"),
        (".config/google-chrome-beta/Default", "chrome-beta"),
        (".config/BraveSoftware/Brave-Browser/Default", "brave"),
        (".var/app/org.mozilla.firefox/config", "firefox-flatpak"),
        ("snap/firefox/common/.mozilla", "firefox-snap"),
    ],
)
def test_a_profile_tells_that_a_browser_is_here(tmp_path: Path, place: str, name: str) -> None:
    here = machine(tmp_path)
    (tmp_path / "home" / place).mkdir(parents=True)

    assert [browser.name for browser in browsers.here(here)] == [name]
    install(machine=here)
    uninstall(machine=here)
    assert [browser.name for browser in browsers.here(here)] == [name]


def test_ubuntus_command_that_starts_a_snap_is_the_snap(tmp_path: Path) -> None:
    here = machine(tmp_path)
    command = tmp_path / "bin/firefox"
    command.write_text('#!/bin/sh\nexec /snap/bin/firefox "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (tmp_path / "root/snap/firefox/current").mkdir(parents=True)

    assert [browser.name for browser in browsers.here(here)] == ["firefox-snap"]


def test_a_registration_is_no_profile(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(rows("linux", "user"), machine=here)

    assert browsers.here(here) == []

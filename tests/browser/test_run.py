"""What `make run` starts, without a display; and how it chooses a browser."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from . import show
from .conftest import ROOT, executable_of, message
from .drive import installed


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(  # noqa: S603
        [sys.executable, str(ROOT / "tests" / "browser" / "run.py"), *arguments],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def size(png: Path) -> tuple[int, int]:
    start = png.read_bytes()[:24]
    assert start.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", start[16:])
    return width, height


def test_it_answers_and_leaves_a_screenshot(family: installed.Family, tmp_path: Path) -> None:
    executable_of(family)
    screenshot = tmp_path / "made" / "popup.png"
    done = run("--browser", family, "--screenshot", str(screenshot))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = " ".join(done.stdout.split())
    assert message("en", "ok") in said
    for words in ("smtp.provider.example", "imap.provider.example", "465", "993"):
        assert words in said
    assert str(screenshot) in said
    width, height = size(screenshot)
    assert width > 400
    assert height > 600


def test_a_refused_target_is_said_and_fails(tmp_path: Path) -> None:
    executable_of("chromium")
    done = run("--browser", "chromium", "--target", "not a target", "--screenshot", str(tmp_path / "popup.png"))
    assert done.returncode == 1
    assert message("en", "ui_refusal_invalid_target") in " ".join(done.stdout.split())


def test_without_a_browser_it_says_what_to_install(tmp_path: Path) -> None:
    done = run(PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Install chromium or firefox" in done.stderr


def test_pictures_for_the_documentation(tmp_path: Path) -> None:
    executable_of("chromium")
    done = run("--browser", "chromium", "--pictures", str(tmp_path))
    assert done.returncode == 0, done.stderr
    pictures = {picture.name: (tmp_path / picture.name).read_bytes() for picture in show.PICTURES}
    assert len(set(pictures.values())) == len(pictures)
    light, dark, _ = (size(tmp_path / name) for name in pictures)
    assert light == dark


def only(tmp_path: Path, *names: str, content: bytes = b"\x7fELF") -> Callable[[str], str | None]:
    for name in names:
        (tmp_path / name).write_bytes(content)
    return lambda name: str(tmp_path / name) if name in names else None


def test_branded_chrome_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    found = installed.find("chromium", only(tmp_path, "google-chrome"))
    assert found.executable is None
    assert "ignores --load-extension" in found.passed_over[0]


def test_chromium_is_taken_beside_chrome(tmp_path: Path) -> None:
    found = installed.find("chromium", only(tmp_path, "google-chrome", "chromium"))
    assert found == installed.Found(str(tmp_path / "chromium"))


def test_a_script_that_starts_a_snap_is_passed_over(tmp_path: Path) -> None:
    script = b'#!/bin/sh\nexec /snap/bin/firefox "$@"\n'
    found = installed.find("firefox", only(tmp_path, "firefox", content=script))
    assert found.executable is None
    assert "Snap" in found.passed_over[0]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True), ({"DISPLAY": ""}, False)],
)
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS always has a display")
def test_a_display_is_seen(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert show.has_display() is expected

"""Nothing that a test starts outlives it."""

import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from .conftest import EXTENSION, ROOT, Lab, executable_of
from .drive.page import until
from .drive.popup import Popup
from .drive.process import alive


def processes_that_name(directory: Path) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except OSError:
            continue
        if bytes(directory) in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def test_browser_host_and_profile_are_gone_afterwards(family: str, policy: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        lab = Lab(stack, tmp_path, lambda: False)
        browser = lab.browser(family)
        host = lab.real_host(browser, policy)
        popup = Popup(browser.open(browser.url("popup/popup.html")))
        popup.ask("smtp.mute.example")
        until(popup.endpoints, "the plan")
        [pid] = host.pids()
        profile = browser.profile
        assert processes_that_name(profile.parent)
        if browser.family == "chromium":
            # It makes a folder for its socket, which nobody but itself would remove.
            assert (profile / "SingletonSocket").readlink().is_relative_to(profile.parent)
    assert not profile.parent.exists()
    assert not alive(pid)
    assert processes_that_name(profile.parent) == []


def test_the_host_ends_by_itself_with_its_browser(family: str, policy: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        lab = Lab(stack, tmp_path, lambda: False)
        browser = lab.browser(family)
        host = lab.real_host(browser, policy)
        popup = Popup(browser.open(browser.url("popup/popup.html")))
        popup.ask("smtp.mute.example")
        until(popup.endpoints, "the plan")
        [pid] = host.pids()
        browser.close()
        until(lambda: not alive(pid), "the host to follow its browser", within=2)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv (util-linux)")
def test_a_browser_does_not_outlive_a_killed_test(lab: Lab) -> None:
    executable, directory = executable_of("chromium"), lab.directory()
    program = (
        "import sys, time; from pathlib import Path; from tests.browser.drive.chromium import Chromium\n"
        f"Chromium({executable!r}, Path({str(EXTENSION)!r}), Path({str(directory)!r})); print('up', flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:  # noqa: S603
        assert killed.stdout is not None
        assert killed.stdout.readline() == "up\n"
        assert processes_that_name(directory)
        killed.kill()
    until(lambda: not processes_that_name(directory), "the browser to end")

"""Nothing that a test starts outlives it."""

from contextlib import ExitStack
from pathlib import Path

from .conftest import Lab
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
    assert not profile.exists()
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

"""Real browsers with the extension, and hosts for them."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from .drive import installed
from .drive.chromium import Chromium
from .drive.firefox import Firefox
from .drive.hosts import HELLO, Host, ScriptedHost, register_real
from .drive.page import Browser, LateError, Page
from .drive.popup import Popup
from .drive.process import is_root
from .drive.wire import WireError

ROOT = Path(__file__).parents[2]
# Another folder can be named: a package, unpacked.
EXTENSION = Path(os.environ.get("POTERNE_EXTENSION", ROOT / "extension"))
FAILED = pytest.StashKey[bool]()
# Elsewhere `make test` asks Chromium, and `make test-all` Firefox too: a browser takes seconds to start.
BOTH = {"test_check.py", "test_isolated_world.py", "test_story.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = (
            item.callspec.params.get("family")
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else ""
        )
        if item.path.parent == Path(__file__).parent and asked == "firefox" and item.path.name not in BOTH:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


class Lab:
    """Browsers and hosts of one test; everything ends with it."""

    def __init__(
        self,
        stack: ExitStack,
        artefacts: Path,
        failed: Callable[[], bool],
        shared: "Callable[[], Shared] | None" = None,
    ) -> None:
        self._stack = stack
        self._artefacts = artefacts
        self._failed = failed
        self._shared = shared

    def directory(self) -> Path:
        """An empty folder, with a path short enough for sockets."""
        return Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="poterne-", ignore_cleanup_errors=True))
        )

    def browser(
        self, family: str, *, extension: Path = EXTENSION, directory: Path | None = None, **options: Any
    ) -> Browser:
        """A new one, unless `directory` is that of one that has ended."""
        executable = executable_of(cast("installed.Family", family))
        kinds: dict[str, type[Browser]] = {"chromium": Chromium, "firefox": Firefox}
        browser = cast("Any", kinds[family])(executable, extension, directory or self.directory(), **options)
        self._stack.callback(browser.close)
        return self.kept(browser)

    def fresh(self, family: str) -> Browser:
        """The one that this process has, as new, without a host. For what a browser's start has no part in."""
        assert self._shared is not None
        return self.kept(self._shared().fresh(family))

    def kept(self, browser: Browser) -> Browser:
        """What it shows stays as files if the test fails."""
        self._stack.callback(self._keep, browser)
        return browser

    def real_host(self, browser: Browser, policy: Path) -> Host:
        return self._kept(register_real(browser, self.directory(), policy))

    def scripted_host(self, browser: Browser, *, allowed: str | None = None, **script: Any) -> ScriptedHost:
        host = ScriptedHost(self.directory(), {"hello": HELLO, **script})
        host.register(browser, allowed=allowed)
        self._stack.callback(host.end)
        return host

    def _kept(self, host: Host) -> Host:
        self._stack.callback(host.end)
        return host

    def _keep(self, browser: Browser) -> None:
        if not self._failed():
            return
        for number, page in enumerate(browser.pages):
            with suppress(Exception):
                page.screenshot(self._artefacts / f"{browser.family}-{number}.png")
        shutil.copy(browser.log, self._artefacts)
        (self._artefacts / f"{browser.family}-console.txt").write_text("\n".join(browser.console()) + "\n")


def message(language: str, key: str) -> str:
    """A sentence of the extension's catalogue, each run of white space as one space."""
    catalogue = json.loads((EXTENSION / "_locales" / language / "messages.json").read_text())
    return " ".join(str(catalogue[key]["message"]).split())


def executable_of(family: installed.Family) -> str:
    """Skips where the browser is missing and cannot be installed; fails where `make` would have installed it."""
    found = installed.find(family)
    if found.executable is None:
        reason = f"no usable {family} on PATH {'; '.join(found.passed_over)}".strip()
        if is_root():
            pytest.fail(f"{reason}: `make setup` installs it")
        pytest.skip(reason)
    return found.executable


@pytest.fixture(scope="session")
def policy() -> Iterator[Path]:
    """The policy file of the demonstration's mail servers, which run on loopback meanwhile."""
    from poterne import demo as lab

    with lab.serving() as world:
        yield world.policy_path


@pytest.fixture(params=["chromium", "firefox"])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    def failed() -> bool:
        return bool(request.node.stash.get(FAILED, False))

    with ExitStack() as stack:
        yield Lab(stack, tmp_path, failed, lambda: cast("Shared", request.getfixturevalue("shared")))


class Shared:
    """One browser of each family for all tests of this process that do not start their own: a start takes a second of a
    processor.
    """

    def __init__(self, lab: Lab, policy: Path) -> None:
        self._lab = lab
        self._policy = policy
        self._started: dict[str, Browser] = {}
        self._hosts: dict[str, Host] = {}

    def host(self, family: str) -> Host:
        return self._hosts[family]

    def fresh(self, family: str) -> Browser:
        """As it was when it was new. No host is registered."""
        if host := self._hosts.pop(family, None):
            host.end()
        browser = self._started.get(family)
        if browser is None or not _renewed(browser):
            if browser is not None:
                browser.close()
            browser = self._started[family] = self._lab.browser(family)
        for manifest in browser.manifests.iterdir():
            manifest.unlink()
        return browser

    def take(self, family: str) -> Browser:
        """With the real host, which stays from one test to the next: no tab of another test, nothing stored, nothing
        downloaded.
        """
        if family not in self._hosts:
            browser = self.fresh(family)
            self._hosts[family] = self._lab.real_host(browser, self._policy)
            return browser
        browser = self._started[family]
        for page in browser.pages:
            with suppress(WireError):
                page.close()
        browser.pages.clear()
        browser.scheme("light")
        page = browser.open(browser.url("manifest.json"))
        page.evaluate("chrome.runtime.sendMessage({ type: 'erase-past' })")
        page.evaluate("Promise.all([chrome.storage.local.clear(), chrome.storage.session.clear()])")
        page.close()
        browser.pages.clear()
        for path in browser.downloads.iterdir():
            path.unlink()
        return browser


def _renewed(browser: Browser) -> bool:
    try:
        return browser.renew()
    except (WireError, LateError):
        # A test has ended it, or left it in disorder.
        return False


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, policy: Path) -> Iterator[Shared]:
    with ExitStack() as stack:
        yield Shared(Lab(stack, tmp_path_factory.mktemp("shared"), lambda: False), policy)


def _is_shared(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("shared_browser") is not None


@pytest.fixture
def browser(request: pytest.FixtureRequest, lab: Lab, family: str) -> Browser:
    """No host is registered, unless the test is marked `shared_browser`."""
    if _is_shared(request):
        shared: Shared = request.getfixturevalue("shared")
        return lab.kept(shared.take(family))
    return lab.fresh(family)


@pytest.fixture
def host(request: pytest.FixtureRequest, lab: Lab, family: str, browser: Browser, policy: Path) -> Host:
    """The real one, for the browser."""
    if _is_shared(request):
        shared: Shared = request.getfixturevalue("shared")
        return shared.host(family)
    return lab.real_host(browser, policy)


@pytest.fixture
def page(browser: Browser, host: Host) -> Page:
    """The popup's document in a tab, with the real host."""
    return browser.open(browser.url("popup/popup.html"))


@pytest.fixture
def popup(page: Page) -> Popup:
    return Popup(page)

"""Opens a browser for a person, or uses one without a display and prints the answer."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .drive import installed
from .drive.chromium import Chromium
from .drive.firefox import Firefox
from .drive.page import Browser, LateError, Page, Scheme, until
from .drive.popup import Popup
from .drive.wire import WireError

if TYPE_CHECKING:
    from poterne.demo.world import World

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOT = ROOT / ".run" / "popup.png"
ACCOUNT = "jane@provider.example"
PICTURED = "smtp.quiet25.example"
PATIENCE_S = 60
ROOMY = (1000, 4000)  # CSS pixels
SCALE = 1.5  # device pixels for each
OPEN: dict[installed.Family, Callable[..., Browser]] = {"chromium": Chromium, "firefox": Firefox}


@dataclass(frozen=True)
class Picture:
    name: str
    scheme: Scheme
    language: str


PICTURES = (
    Picture("popup-light.png", "light", "en"),
    Picture("popup-dark.png", "dark", "en"),
    Picture("popup-fr.png", "light", "fr"),
)


def main(arguments: Sequence[str]) -> int:
    """0: it worked; 1: no browser that can be used, or no answer; 130: interrupted."""
    options = parser().parse_args(arguments)
    families: list[installed.Family] = [options.browser] if options.browser else ["chromium", "firefox"]
    chosen = choose(families)
    if chosen is None:
        return 1
    family, executable = chosen
    headless = options.headless or bool(options.pictures) or not has_display()
    print(f"Browser: {executable}, with a profile that is thrown away", flush=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        with demonstration(family, executable, headless=headless) as (browser, world):
            if options.pictures:
                return draw(browser, options.pictures)
            if headless:
                return answer(browser, options.target, options.screenshot)
            return invite(browser, world)
    except (LateError, WireError) as error:
        print(f"The browser did not do its part: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def interrupt(*_: object) -> None:
    """A closed terminal ends everything too."""
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="run.py", description=__doc__)
    made.add_argument("--browser", choices=sorted(OPEN), help="default: Chromium, else Firefox")
    made.add_argument(
        "--headless", action="store_true", help="as without a display: print the answer, take a screenshot"
    )
    made.add_argument("--target", default=ACCOUNT, help="what is typed without a display (default: %(default)s)")
    made.add_argument("--screenshot", type=Path, default=SCREENSHOT, metavar="PNG", help="default: %(default)s")
    made.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help=f"write {', '.join(picture.name for picture in PICTURES)}"
    )
    return made


def choose(families: Sequence[installed.Family]) -> tuple[installed.Family, str] | None:
    """The first browser that can be used; says why others cannot."""
    for family in families:
        found = installed.find(family)
        for line in found.passed_over:
            print(f"Passed over: {line}", file=sys.stderr)
        if found.executable is not None:
            return family, found.executable
    print(f"No usable browser on PATH. Install {' or '.join(families)} and try again.", file=sys.stderr)
    return None


def has_display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def demonstration(family: installed.Family, executable: str, *, headless: bool) -> "Iterator[tuple[Browser, World]]":
    """The browser with the extension, its host registered, and the mail servers that the host's policy leads to."""
    from poterne import demo as lab
    from poterne import install as setup

    with (
        lab.serving() as world,
        tempfile.TemporaryDirectory(prefix="poterne-", ignore_cleanup_errors=True) as folder,
        OPEN[family](executable, ROOT / "extension", Path(folder), headless=headless) as browser,
    ):
        setup.register_in(browser.manifests, family, policy=world.policy_path)
        yield browser, world


def invite(browser: Browser, world: "World") -> int:
    """Leaves the browser to the person at the screen."""
    browser.open(browser.url("popup/popup.html"), here=True)
    print(
        "\nThe page shows what a click on Poterne's toolbar button shows (look behind the puzzle piece; pin it there)."
    )
    print("Mail servers on this computer answer to these, all of them invented. Try:\n")
    for target, domain in world.shown:
        print(f"  {target:<28} {domain.says['en']}")
    print("\nClose the browser's window to end.", flush=True)
    browser.wait()
    return 0


def answer(browser: Browser, target: str, screenshot: Path) -> int:
    """Types a target, prints what the page answers, and leaves a screenshot."""
    popup = Popup(browser.open(browser.url("popup/popup.html"), here=True))
    print(f"Typed: {target}\n", flush=True)
    ended = run(popup, target)
    if ended == "done":
        print(popup.headline(), *settings(popup), sep="\n")
    else:
        print(*popup.refusals or trouble(popup), sep="\n")
    screenshot.parent.mkdir(parents=True, exist_ok=True)
    photograph(popup.page, screenshot)
    print(f"\nScreenshot: {screenshot}")
    return 0 if ended == "done" else 1


def run(popup: Popup, target: str) -> str:
    """The state in which a run ends; `idle` where the target is refused."""
    before, _ = popup.last_run()
    popup.ask(target)

    def ended() -> str | None:
        state, (identity, phase) = popup.run, popup.last_run()
        if identity != before and state == phase and state in ("done", "stopped", "failed"):
            return state
        return state if popup.problem or (state == "idle" and popup.refusals) else None

    state = until(ended, f"an answer about {target}", within=PATIENCE_S)
    assert state is not None
    return state


def trouble(popup: Popup) -> list[str]:
    """What the page says where there is no verdict."""
    with suppress(LateError):
        until(lambda: popup.problem, "the host's problem", within=3)
    if popup.problem is None:
        return [popup.page.element("main").text()]
    return [popup.page.element("[data-problem] h2").text(), popup.command]


def settings(popup: Popup) -> list[str]:
    """The best setting of each direction, as it is read on the page."""
    lines = []
    for section in popup.page.elements("[data-settings]"):
        title = section.call("section => section.querySelector('h3').innerText")
        values = section.call(
            """section => Array.from(section.querySelector("[data-host]")?.querySelectorAll("dt") ?? [],
                term => `${term.innerText.trim()}: ${term.nextElementSibling.innerText.trim()}`)"""
        )
        lines += [f"\n{title}", *(f"  {value}" for value in values)]
    return lines


def photograph(page: Page, path: Path, *, last: str = "body") -> None:
    """The document down to the end of the first element that `last` selects, as wide as the popup makes itself."""
    page.resize(*ROOMY)
    width = page.evaluate("Math.ceil(document.body.getBoundingClientRect().width)")
    page.resize(width, ROOMY[1])
    page.evaluate("void (document.documentElement.style.overflow = 'hidden')")
    height = page.evaluate(f"Math.ceil(document.querySelector({last!r}).getBoundingClientRect().bottom)")
    page.resize(width, height, scale=SCALE)
    still = """document.getAnimations().every(
        ({playState, effect}) => playState !== "running" || effect.getTiming().iterations === Infinity)"""
    until(lambda: page.evaluate(still), "transitions to end")
    page.screenshot(path)
    page.evaluate("void (document.documentElement.style.overflow = '')")


def draw(browser: Browser, folder: Path) -> int:
    """The documentation's pictures, of one run."""
    folder.mkdir(parents=True, exist_ok=True)
    popup = Popup(browser.open(browser.url("popup/popup.html"), here=True))
    if run(popup, PICTURED) != "done":
        print(f"No answer about {PICTURED}", file=sys.stderr)
        return 1
    popup.page.evaluate("void document.activeElement.blur()")
    for picture in PICTURES:
        browser.scheme(picture.scheme)
        popup.page.evaluate(f"chrome.storage.local.set({{language: '{picture.language}'}})")
        settle(popup.page, picture)
        photograph(popup.page, folder / picture.name, last=".settings .side")
        print(f"Picture: {folder / picture.name}")
    return 0


def settle(page: Page, picture: Picture) -> None:
    language = f"document.documentElement.lang === '{picture.language}'"
    scheme = f"matchMedia('(prefers-color-scheme: {picture.scheme})').matches"
    until(lambda: page.evaluate(f"{language} && {scheme}"), f"the page as in {picture.name}")

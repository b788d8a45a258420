"""How soon the popup shows something, and can be used, beside an empty page of the same extension: `python -m
tests.bench.popup`. In a tab of a headless Chromium: what the browser takes to open the popup's window is not in it.
"""

import argparse
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.browser.drive import installed
from tests.browser.drive.chromium import Chromium
from tests.browser.drive.page import until

from poterne import install as setup

_EXTENSION = Path(__file__).resolve().parents[2] / "extension"
_GOAL_MS = 100
_EMPTY = (
    '<!doctype html><html lang="en"><head><script type="module" src="empty.js"></script></head><body></body></html>'
)
# The button is drawn with the field, and the field takes what is typed.
_EMPTY_SCRIPT = """const field = document.createElement("input");
field.id = "target";
document.body.append("A line of text", field);
field.focus();
"""
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
# Noted by a script that runs before the page's own.
_WATCH = """addEventListener("focusin", ({ target }) => {
    if (target.id === "target") self.usable ??= performance.now();
}, true);"""
_USABLE = "self.usable ?? null"


@dataclass(frozen=True)
class Opening:
    """Milliseconds after the beginning of the navigation."""

    painted: float
    usable: float


def _open(browser: Chromium, path: str) -> Opening:
    page = browser.open("about:blank")
    page.request("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
    page.request("Page.bringToFront")
    page.request("Page.navigate", url=browser.url(path))

    def look() -> Opening | None:
        painted, usable = page.evaluate(f"[{_PAINTED}, {_USABLE}]")
        return None if painted is None or usable is None else Opening(painted, usable)

    opening = until(look, f"{path} to be drawn")
    assert opening is not None
    page.close()
    return opening


def _with_empty_page(directory: Path) -> Path:
    copy = directory / "extension"
    shutil.copytree(_EXTENSION, copy)
    (copy / "empty.html").write_text(_EMPTY)
    (copy / "empty.js").write_text(_EMPTY_SCRIPT)
    return copy


def _shown(values: list[float]) -> str:
    return f"{statistics.median(values):6.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description="Time to the popup's first useful frame.")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    found = installed.find("chromium")
    if found.executable is None:
        raise SystemExit("no usable Chromium on PATH")
    with tempfile.TemporaryDirectory(prefix="poterne-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        browser = Chromium(found.executable, _with_empty_page(directory), directory)
        with browser:
            setup.register_in(browser.manifests, browser.family)
            for path in ("empty.html", "popup/popup.html"):
                _open(browser, path)
            pairs = [
                (_open(browser, "empty.html"), _open(browser, "popup/popup.html")) for _ in range(arguments.rounds)
            ]
    print(f"popup, {arguments.rounds} rounds, the host starting behind it; the goal is {_GOAL_MS} ms")
    for name in ("painted", "usable"):
        empty = [getattr(one, name) for one, _ in pairs]
        popup = [getattr(one, name) for _, one in pairs]
        ratios = [ours / theirs for ours, theirs in zip(popup, empty, strict=True)]
        print(f"  {name:<8} {_shown(popup)} ms; empty page {_shown(empty)} ms; in pairs {_shown(ratios)} times")


if __name__ == "__main__":
    main()

"""What a test may do with a browser and its pages, whatever the browser."""

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

Result = TypeVar("Result")
Scheme = Literal["light", "dark"]


class LateError(AssertionError):
    """A condition did not come true before its deadline."""


def until(look: Callable[[], Result], what: str, *, within: float = 10.0) -> Result:
    """The first true result of `look`, asked again and again. Raises LateError after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        result = look()
        if result:
            return result
        if time.monotonic() > deadline:
            raise LateError(f"not within {within:g} s: {what} (last seen: {result!r})")
        time.sleep(0.04)


class Element(ABC):
    """One element of a page."""

    @abstractmethod
    def call(self, function: str) -> Any:
        """The JSON value of a JavaScript function, given the element."""

    @abstractmethod
    def click(self) -> None:
        """A trusted click in the middle of the element."""

    def text(self) -> str:
        """The visible text, each run of white space as one space."""
        return " ".join(str(self.call("element => element.innerText ?? element.textContent")).split())

    def attribute(self, name: str) -> str | None:
        value = self.call(f"element => element.getAttribute({name!r})")
        return None if value is None else str(value)


class Page(ABC):
    """One document in a tab or in the popup of the toolbar button."""

    @abstractmethod
    def evaluate(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression; promises are awaited."""

    @abstractmethod
    def elements(self, selector: str) -> Sequence[Element]:
        """The elements that a CSS selector matches, in document order."""

    @abstractmethod
    def accessible(self, role: str, name: str | None = None) -> Sequence[Element]:
        """The elements that the accessibility tree shows with this role and accessible name."""

    @abstractmethod
    def press(self, key: str, *, shift: bool = False, control: bool = False) -> None:
        """A trusted key: a character, or `Enter`, `Tab`, `Escape`, `Space`, an arrow."""

    @abstractmethod
    def resize(self, width: int, height: int, *, scale: float = 1.0) -> None:
        """The size of the viewport in CSS pixels, and device pixels for each."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """The viewport as a PNG."""

    @abstractmethod
    def close(self) -> None:
        """Closes the tab or the popup."""

    def element(self, selector: str) -> Element:
        """The only match of a selector."""
        found = self.elements(selector)
        assert len(found) == 1, f"{len(found)} elements match {selector}"
        return found[0]

    def one(self, role: str, name: str | None = None) -> Element:
        """The only element with a role and an accessible name."""
        found = self.accessible(role, name)
        assert len(found) == 1, f"{len(found)} elements with role {role} and name {name!r}"
        return found[0]

    def type(self, text: str) -> None:
        for character in text:
            self.press(character)


class Browser(ABC):
    """One browser process with a throw-away profile and the extension; a context manager."""

    family: ClassVar[Literal["chromium", "firefox"]]
    id: str
    manifests: Path
    profile: Path
    downloads: Path
    log: Path
    pages: list[Page]

    def renew(self) -> bool:
        """Makes it what it was when it was new: one empty tab, no download, the extension installed a moment ago.
        False: only a new one is like that.
        """
        for path in self.downloads.iterdir():
            path.unlink()
        # The browser appends to it.
        os.truncate(self.log, 0)
        self.pages.clear()
        return True

    @abstractmethod
    def url(self, path: str) -> str:
        """The address of one of the extension's pages."""

    @abstractmethod
    def open(self, url: str, *, here: bool = False) -> Page:
        """A new tab in front, its document loaded; `here`: the tab that the browser opened with."""

    @abstractmethod
    def open_popup(self) -> Page:
        """The popup, opened as a click on the toolbar button opens it."""

    @abstractmethod
    def opened(self, url: str) -> Page:
        """The tab that the extension opened at an address."""

    @abstractmethod
    def popup_is_open(self) -> bool: ...

    @abstractmethod
    def scheme(self, scheme: Scheme) -> None:
        """What pages see as prefers-color-scheme, on pages open now and later."""

    @abstractmethod
    def clipboard(self) -> str:
        """The text on the browser's clipboard."""

    @abstractmethod
    def console(self) -> list[str]:
        """What pages and the extension's background wrote to the console, uncaught errors included."""

    @abstractmethod
    def wait(self) -> None:
        """Returns when the person at the screen has closed the browser."""

    @abstractmethod
    def close(self) -> None:
        """Ends the browser and everything it started."""

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

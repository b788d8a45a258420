"""A document in Firefox, over WebDriver BiDi."""

import base64
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import keys
from .page import Element, Page
from .wire import GoneError, Wire, WireError

_ACCESSIBLE_SECONDS = 240.0


class FirefoxPage(Page):
    def __init__(self, wire: Wire, context: str, *, popup: bool = False) -> None:
        self._wire = wire
        self._popup = popup
        self.context = context

    def request(self, method: str, **params: Any) -> Any:
        return self._wire.request(method, **params)

    def evaluate(self, expression: str) -> Any:
        return evaluate(self._wire, self.context, expression)

    def elements(self, selector: str) -> "Sequence[FirefoxElement]":
        return self._locate({"type": "css", "value": selector})

    def accessible(self, role: str, name: str | None = None) -> "Sequence[FirefoxElement]":
        wanted = {"role": role} if name is None else {"role": role, "name": name}
        # Firefox asks for the accessible object of each element in turn, which takes a busy machine minutes.
        locator = {"type": "accessibility", "value": wanted}
        asked = {"context": self.context, "locator": locator}
        nodes = self._wire.request_within(_ACCESSIBLE_SECONDS, "browsingContext.locateNodes", None, asked)["nodes"]
        return [FirefoxElement(self, node["sharedId"]) for node in nodes]

    def press(self, key: str, *, shift: bool = False, control: bool = False) -> None:
        held = [code for code, wanted in (("\ue008", shift), ("\ue009", control)) if wanted]
        value = keys.key(key).webdriver
        actions = [
            *({"type": "keyDown", "value": code} for code in held),
            {"type": "keyDown", "value": value},
            {"type": "keyUp", "value": value},
            *({"type": "keyUp", "value": code} for code in held),
        ]
        self._perform({"type": "key", "id": "keyboard", "actions": actions})

    def resize(self, width: int, height: int, *, scale: float = 1.0) -> None:
        self.request(
            "browsingContext.setViewport",
            context=self.context,
            viewport={"width": width, "height": height},
            devicePixelRatio=scale,
        )

    def screenshot(self, path: Path) -> None:
        answer = self.request("browsingContext.captureScreenshot", context=self.context)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        with contextlib.suppress(WireError):
            if self._popup:
                self.evaluate("void window.close()")
            else:
                self.request("browsingContext.close", context=self.context)

    def point(self, shared: str, button: int = 0) -> None:
        """A trusted click in the middle of an element."""
        origin = {"type": "element", "element": {"sharedId": shared}}
        actions = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": button},
            {"type": "pointerUp", "button": button},
        ]
        self._perform({"type": "pointer", "id": "mouse", "actions": actions})

    def _perform(self, source: dict[str, Any]) -> None:
        # The popup may close on the key or the click, and cannot say then that it took place.
        with contextlib.suppress(GoneError):
            self.request("input.performActions", context=self.context, actions=[source])

    def _locate(self, locator: dict[str, Any]) -> "list[FirefoxElement]":
        nodes = self.request("browsingContext.locateNodes", context=self.context, locator=locator)["nodes"]
        return [FirefoxElement(self, node["sharedId"]) for node in nodes]


class FirefoxElement(Element):
    def __init__(self, page: FirefoxPage, shared: str) -> None:
        self._page = page
        self._shared = shared

    def call(self, function: str) -> Any:
        answer = self._page.request(
            "script.callFunction",
            functionDeclaration=f"async element => JSON.stringify(await ({function})(element)) ?? 'null'",
            arguments=[{"sharedId": self._shared}],
            target={"context": self._page.context},
            awaitPromise=True,
            userActivation=True,
        )
        return _json(answer)

    def click(self) -> None:
        self.call('element => element.scrollIntoView({block: "center", behavior: "instant"})')
        self._page.point(self._shared)

    def click_with(self, *, button: int) -> None:
        self.call('element => element.scrollIntoView({block: "center", behavior: "instant"})')
        self._page.point(self._shared, button)


def evaluate(wire: Wire, context: str, expression: str) -> Any:
    """The JSON value of an expression in a context."""
    answer = wire.request(
        "script.evaluate",
        expression=f"(async () => JSON.stringify(await ({expression})) ?? 'null')()",
        target={"context": context},
        awaitPromise=True,
        userActivation=True,
    )
    return _json(answer)


def _json(answer: dict[str, Any]) -> Any:
    if answer["type"] == "exception":
        raise WireError(answer["exceptionDetails"]["text"])
    return json.loads(answer["result"]["value"])

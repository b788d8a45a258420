"""Chromium over the DevTools protocol.

Elements are found in the accessibility tree that the browser gives to screen readers (`Accessibility.queryAXTree`).
"""

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from . import keys
from .managed import Desk
from .page import Browser, Element, LateError, Page, Scheme, until
from .process import Process, is_root, temporary
from .wire import GoneError, Wire, WireError

_QUIET = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-search-engine-choice-screen",
    "--metrics-recording-only",
    "--no-pings",
    "--password-store=basic",
    # What the background writes to its console goes to the log: a debugger attached to it would keep it alive.
    "--enable-logging=stderr",
    "--disable-features=MediaRouter,OptimizationHints,Translate",
    # Whatever else asks for a name gets none: nothing leaves the machine.
    # Names of the test's own site lead to this machine.
    "--host-resolver-rules=MAP *.site.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Pages that a tab in the background shows are drawn and timed like the one in front.
_AWAKE = (
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
)


def extension_id(manifest: Path) -> str:
    """The id that Chromium derives from the manifest's public key: its SHA-256 in letters from a to p."""
    der = base64.b64decode(json.loads(manifest.read_text())["key"])
    return "".join(chr(ord("a") + int(digit, 16)) for digit in hashlib.sha256(der).hexdigest()[:32])


class Chromium(Browser):
    """In a directory in which one ran before it finds that one's profile. `policies` is a folder that takes the place
    of the machine's, for this browser alone (needs root). With `desk` it runs on that machine, and is to get the
    extension from there.
    """

    family: ClassVar[Literal["chromium", "firefox"]] = "chromium"

    def __init__(
        self,
        executable: str,
        extension: Path,
        directory: Path,
        *,
        headless: bool = True,
        policies: Path | None = None,
        desk: Desk | None = None,
    ) -> None:
        self.profile = directory / "profile"
        self.manifests = self.profile / "NativeMessagingHosts"
        self.manifests.mkdir(parents=True, exist_ok=True)
        # Of a browser that ran in this directory before, and was killed.
        (self.profile / "DevToolsActivePort").unlink(missing_ok=True)
        self.downloads = directory / "downloads"
        self.downloads.mkdir(exist_ok=True)
        self.log = directory / "chromium.log"
        self.id = extension_id(extension / "manifest.json")
        self._extension = extension
        self._scheme: Scheme | None = None
        self.pages: list[Page] = []
        self._tabs: set[str] = set()
        command = [
            executable,
            *(["--headless"] if headless else []),
            *(["--no-sandbox"] if is_root() else []),
            # What policies install is fetched by what that switch ends.
            *(switch for switch in _QUIET if not (desk and switch == "--disable-background-networking")),
            *_AWAKE,
            f"--user-data-dir={self.profile}",
            *([] if desk else [f"--load-extension={extension}", f"--disable-extensions-except={extension}"]),
            "--enable-unsafe-extension-debugging",
            "--remote-debugging-port=0",
            "--lang=en-US",
            "--window-size=1000,800",
            "about:blank",
        ]
        environment = {
            **os.environ,
            "HOME": str(directory),
            "LANGUAGE": "en_US",
            "TMPDIR": temporary(directory),
        }
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        command = desk.command(command) if desk else _with_policies(command, policies, directory)
        self._process = Process(command, log=self.log, environment=environment)
        try:
            self._wire = Wire(self._endpoint())
            self._wire.request("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
            worker = f"chrome-extension://{self.id}/"
            until(lambda: self._targets("service_worker", worker), "the extension's worker", within=90 if desk else 10)
        except BaseException:
            self._process.end()
            raise

    def renew(self) -> bool:
        blank = self._wire.request("Target.createTarget", url="about:blank")["targetId"]
        for other in set(self._targets("page", "")) - {blank}:
            with contextlib.suppress(WireError):
                self._wire.request("Target.closeTarget", targetId=other)
        # What the command line named is uninstalled only once it was loaded in this way as well.
        place = str(self._extension.absolute())
        self._wire.request("Browser.resetPermissions")
        self._wire.request("Extensions.loadUnpacked", path=place)
        self._wire.request("Extensions.uninstall", id=self.id)
        self._wire.request("Extensions.loadUnpacked", path=place)
        until(lambda: self._targets("service_worker", self.url("")), "the extension's worker")
        until(lambda: self._targets("page", "") == [blank], "the other tabs to close")
        self._scheme = None
        self._tabs.clear()
        self._wire.events.clear()
        return super().renew()

    def url(self, path: str) -> str:
        return f"chrome-extension://{self.id}/{path}"

    def open(self, url: str, *, here: bool = False) -> "ChromiumPage":
        if here:
            target = until(lambda: self._targets("page", "about:blank"), "the first tab")[0]
            self._wire.request("Page.navigate", session=self._attach(target), url=url)
        else:
            target = self._wire.request("Target.createTarget", url=url)["targetId"]
        self._tabs.add(target)
        return self._page(target, url)

    def open_popup(self) -> "ChromiumPage":
        popup = self.url("popup/popup.html")
        with contextlib.suppress(LateError):
            until(lambda: not self.popup_is_open(), "the popup before to close, over which none opens", within=5)
        before = set(self._targets("page", popup))
        tab = self._targets("tab", "")[-1]
        self._wire.request("Extensions.triggerAction", id=self.id, targetId=tab)
        target = until(lambda: set(self._targets("page", popup)) - before, "the popup")
        return self._page(target.pop(), popup)

    def opened(self, url: str) -> "ChromiumPage":
        target = until(lambda: set(self._targets("page", url)) - self._tabs, f"a tab at {url}").pop()
        self._tabs.add(target)
        return self._page(target, url)

    def in_background(self, expression: str) -> Any:
        """The JSON value of an expression in the extension's worker, which is attached to for that long."""
        session = until(self._worker, "the extension's worker", within=40)
        ready = "globalThis.chrome?.contextMenus?.onClicked.hasListeners() ?? false"
        try:
            until(
                lambda: _value(self._wire.request("Runtime.evaluate", session=session, expression=ready)),
                "the worker's listeners",
            )
            return _value(
                self._wire.request(
                    "Runtime.evaluate", session=session, expression=expression, returnByValue=True, awaitPromise=True
                )
            )
        finally:
            self._wire.request("Target.detachFromTarget", sessionId=session)

    def popup_is_open(self) -> bool:
        return bool(set(self._targets("page", self.url("popup/popup.html"))) - self._tabs)

    def scheme(self, scheme: Scheme) -> None:
        self._scheme = scheme
        for page in self.pages:
            assert isinstance(page, ChromiumPage)
            with contextlib.suppress(WireError):
                page.emulate(scheme)

    def clipboard(self) -> str:
        self._wire.request(
            "Browser.grantPermissions", origin=self.url("").rstrip("/"), permissions=["clipboardReadWrite"]
        )
        page = self.open(self.url("manifest.json"))
        try:
            return str(page.evaluate("navigator.clipboard.readText()"))
        finally:
            page.close()

    def console(self) -> list[str]:
        lines = []
        for event in self._wire.events:
            parameters = event.get("params", {})
            match event["method"]:
                case "Runtime.consoleAPICalled":
                    words = [str(argument.get("value", argument.get("description"))) for argument in parameters["args"]]
                    lines.append(f"{parameters['type']}: {' '.join(words)}")
                case "Runtime.exceptionThrown":
                    details = parameters["exceptionDetails"]
                    lines.append(f"uncaught: {details.get('exception', {}).get('description', details['text'])}")
                case "Log.entryAdded":
                    lines.append(f"{parameters['entry']['level']}: {parameters['entry']['text']}")
        return lines

    def wait(self) -> None:
        self._process.wait()

    def quit(self) -> None:
        """Closed as a person closes it: what belongs to the profile is written."""
        with contextlib.suppress(WireError):
            self._wire.request("Browser.close")
        assert self._process.wait(20), "Chromium did not end"

    def close(self) -> None:
        self._process.end()
        self._wire.close()

    def _endpoint(self) -> str:
        file = self.profile / "DevToolsActivePort"

        def look() -> list[str]:
            if not self._process.running:
                raise LateError(f"Chromium ended at once: {self._process.last_words()}")
            lines = file.read_text().split() if file.exists() else []
            return lines if len(lines) == 2 else []

        port, path = until(look, "Chromium to listen", within=30)
        return f"ws://127.0.0.1:{port}{path}"

    def _targets(self, kind: str, url: str) -> list[str]:
        found = self._wire.request("Target.getTargets", filter=[{}])["targetInfos"]
        return [target["targetId"] for target in found if target["type"] == kind and target["url"].startswith(url)]

    def _attach(self, target: str, patience: float = 60.0) -> str:
        session = self._wire.request("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._wire.request_within(patience, "Runtime.enable", session, {})
        return str(session)

    def _worker(self) -> str:
        # One that is about to end is in the list, and never answers.
        for worker in self._targets("service_worker", self.url("")):
            with contextlib.suppress(WireError):
                return self._attach(worker, patience=8)
        return ""

    def _page(self, target: str, url: str) -> "ChromiumPage":
        session = self._attach(target)
        for domain in ("Page", "DOM", "Log"):
            self._wire.request(f"{domain}.enable", session=session)
        page = ChromiumPage(self._wire, target, session, is_tab=target in self._tabs)
        page.focus()
        if self._scheme is not None:
            page.emulate(self._scheme)
        loaded = f"location.href === {json.dumps(url)} && document.readyState === 'complete'"

        def look() -> bool:
            # The empty document that a tab begins with may go in the middle of the question.
            with contextlib.suppress(WireError):
                return bool(page.evaluate(loaded))
            return False

        until(look, f"{url} to be loaded")
        self.pages.append(page)
        return page


def _with_policies(command: list[str], policies: Path | None, directory: Path) -> list[str]:
    """The command in a mount namespace of its own, where /etc/chromium holds the folder's policies only."""
    if policies is None:
        return command
    etc = directory / "etc-chromium"
    (etc / "policies" / "managed").mkdir(parents=True)
    for file in policies.iterdir():
        (etc / "policies" / "managed" / file.name).write_bytes(file.read_bytes())
    script = 'mount --bind "$0" /etc/chromium && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(etc), *command]


class ChromiumPage(Page):
    def __init__(self, wire: Wire, target: str, session: str, *, is_tab: bool) -> None:
        self._wire = wire
        self._target = target
        self._session = session
        self._is_tab = is_tab

    def request(self, method: str, **params: Any) -> Any:
        return self._wire.request(method, session=self._session, **params)

    def evaluate(self, expression: str) -> Any:
        answer = self.request(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        return _value(answer)

    def elements(self, selector: str) -> "Sequence[ChromiumElement]":
        # An object id for each needs a call for each: the protocol gives no list of objects.
        count = self.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")
        found = []
        for index in range(count):
            expression = f"document.querySelectorAll({json.dumps(selector)})[{index}]"
            result = self.request("Runtime.evaluate", expression=expression)["result"]
            if "objectId" in result:
                found.append(ChromiumElement(self, result["objectId"]))
        return found

    def accessible(self, role: str, name: str | None = None) -> "Sequence[ChromiumElement]":
        root = self.request("DOM.getDocument", depth=0)["root"]["backendNodeId"]
        wanted = {"role": role} if name is None else {"role": role, "accessibleName": name}
        found = []
        for node in self.request("Accessibility.queryAXTree", backendNodeId=root, **wanted)["nodes"]:
            if not node["ignored"]:
                resolved = self.request("DOM.resolveNode", backendNodeId=node["backendDOMNodeId"])
                found.append(ChromiumElement(self, resolved["object"]["objectId"]))
        return found

    def press(self, key: str, *, shift: bool = False, control: bool = False) -> None:
        pressed = keys.key(key)
        common = {
            "key": " " if key == "Space" else pressed.name,
            "code": pressed.code,
            "windowsVirtualKeyCode": pressed.windows,
            "modifiers": (8 if shift else 0) | (2 if control else 0),
        }
        text = "" if control else pressed.text
        # The page may close on the key, and cannot say then that it was pressed.
        with contextlib.suppress(GoneError):
            self.request("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
            self.request("Input.dispatchKeyEvent", type="keyUp", **common)

    def resize(self, width: int, height: int, *, scale: float = 1.0) -> None:
        self.request(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def screenshot(self, path: Path) -> None:
        if self._is_tab:
            # A tab behind another is not drawn: the picture would never come.
            self.request("Page.bringToFront")
        path.write_bytes(base64.b64decode(self.request("Page.captureScreenshot", format="png")["data"]))

    def focus(self) -> None:
        self.request("Emulation.setFocusEmulationEnabled", enabled=True)

    def emulate(self, scheme: Scheme) -> None:
        self.request("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def close(self) -> None:
        with contextlib.suppress(WireError):
            self._wire.request("Target.closeTarget", targetId=self._target)


class ChromiumElement(Element):
    def __init__(self, page: ChromiumPage, identity: str) -> None:
        self._page = page
        self._identity = identity

    def call(self, function: str) -> Any:
        return _value(
            self._page.request(
                "Runtime.callFunctionOn",
                objectId=self._identity,
                functionDeclaration=function,
                arguments=[{"objectId": self._identity}],
                returnByValue=True,
                awaitPromise=True,
                userGesture=True,
            )
        )

    def click(self) -> None:
        x, y = self.call(
            """element => {
                element.scrollIntoView({block: "center", behavior: "instant"});
                const box = element.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
            }"""
        )
        self._page.request("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        button = {"button": "left", "clickCount": 1}
        self._page.request("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **button)
        # The page may close on the click, and cannot say then that it took place.
        with contextlib.suppress(GoneError):
            self._page.request("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, **button)


def _value(answer: dict[str, Any]) -> Any:
    if "exceptionDetails" in answer:
        details = answer["exceptionDetails"]
        raise WireError(details.get("exception", {}).get("description", details["text"]))
    return answer["result"].get("value")

"""Firefox over WebDriver BiDi.

The popup of the toolbar button is no context that BiDi lists. It becomes one by its browser element: its id is handed
to the manager that looks ids up (`_ADOPT`), after which every command works on it as on a tab.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, ClassVar, Literal

from .firefox_page import FirefoxElement, FirefoxPage, evaluate
from .managed import Desk
from .page import Browser, LateError, Page, Scheme, until
from .process import Process, temporary
from .wire import Wire, WireError

_HOST_NAME = "b6f0a1d4-57c1-4c6b-9d0e-6f1f5c0a7e21"
_NOWHERE = "127.0.0.1"
_PREFERENCES: dict[str, str | int | bool] = {
    # Whatever is not the extension gets a proxy that nobody is: nothing leaves the machine.
    "network.proxy.type": 1,
    "network.proxy.http": _NOWHERE,
    "network.proxy.http_port": 9,
    "network.proxy.ssl": _NOWHERE,
    "network.proxy.ssl_port": 9,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    # The test's own site is on this machine.
    "network.dns.localDomains": "mail.site.example",
    "network.proxy.no_proxies_on": "mail.site.example",
    "network.http.speculative-parallel-limit": 0,
    "network.trr.mode": 5,
    "app.update.disabledForTesting": True,
    "app.normandy.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    # What the background writes to its console goes to the log.
    "devtools.console.stdout.content": True,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.server": "",
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "nimbus.rollouts.enabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "services.settings.server": f"http://{_NOWHERE}:9/v1",
}
_SHOWN = """[...document.querySelectorAll(".webextension-popup-browser")].find(browser =>
    browser.closest("panel")?.state === "open" && browser.currentURI?.spec.startsWith($URL))"""
_ADOPT = f"""(() => {{
    const popup = {_SHOWN};
    if (!popup) return null;
    const {{ NavigableManager }} = ChromeUtils.importESModule(
        "chrome://remote/content/shared/NavigableManager.sys.mjs");
    popup.permanentKey ??= {{}};
    const id = NavigableManager.getIdForBrowser(popup);
    const known = NavigableManager.getBrowsingContextById.bind(NavigableManager);
    NavigableManager.getBrowsingContextById =
        asked => asked === id && popup.isConnected ? popup.browsingContext : known(asked);
    return id;
}})()"""
_TRIGGER = """(async () => {
    const { ExtensionParent } = ChromeUtils.importESModule("resource://gre/modules/ExtensionParent.sys.mjs");
    const { extension } = WebExtensionPolicy.getByID($ID);
    await ExtensionParent.apiManager.asyncLoadModule("browserAction");
    await ExtensionParent.apiManager.global.browserActionFor(extension).triggerAction(window);
})()"""
_ALLOW_PRIVATE = """(async () => {
    const { ExtensionPermissions } = ChromeUtils.importESModule("resource://gre/modules/ExtensionPermissions.sys.mjs");
    const { AddonManager } = ChromeUtils.importESModule("resource://gre/modules/AddonManager.sys.mjs");
    const permission = { permissions: ["internal:privateBrowsingAllowed"], origins: [] };
    await ExtensionPermissions.add($ID, permission, WebExtensionPolicy.getByID($ID).extension);
    await (await AddonManager.getAddonByID($ID)).reload();
})()"""
# Tabs follow the preference; the popup follows the theme of the browser's window.
_SCHEME = """(() => {
    const name = "layout.css.prefers-color-scheme.content-override";
    Services.prefs.setIntPref(name, { dark: 0, light: 1 }[$SCHEME]);
    for (const popup of document.querySelectorAll(".webextension-popup-browser"))
        popup.browsingContext.prefersColorSchemeOverride = $SCHEME;
})()"""
# The browser's own texts need a package for it; what extensions are told does not.
_LOCALE = """(() => {
    Services.locale.availableLocales = [$LANGUAGE, "en-US"];
    Services.locale.requestedLocales = [$LANGUAGE];
})()"""
_CLIPBOARD = """(() => {
    const transfer = Cc["@mozilla.org/widget/transferable;1"].createInstance(Ci.nsITransferable);
    transfer.init(null);
    transfer.addDataFlavor("text/plain");
    Services.clipboard.getData(transfer, Ci.nsIClipboard.kGlobalClipboard);
    const data = {};
    transfer.getTransferData("text/plain", data);
    return data.value.QueryInterface(Ci.nsISupportsString).data;
})()"""


class Firefox(Browser):
    """HOME is a folder of its own: native hosts are looked for in it. With `desk` it runs on that machine, and is to
    get the extension from there. `private`: every window is a private one, to which the extension is admitted.
    """

    family: ClassVar[Literal["chromium", "firefox"]] = "firefox"

    def __init__(
        self,
        executable: str,
        extension: Path,
        directory: Path,
        *,
        headless: bool = True,
        language: str | None = None,
        desk: Desk | None = None,
        private: bool = False,
    ) -> None:
        self.pages: list[Page] = []
        home = directory / "home"
        self.manifests = home / ".mozilla" / "native-messaging-hosts"
        self.manifests.mkdir(parents=True)
        self.downloads = directory / "downloads"
        self.downloads.mkdir()
        self.log = directory / "firefox.log"
        self.profile = directory / "profile"
        self.profile.mkdir()
        manifest = json.loads((extension / "manifest.json").read_text())
        self.id = manifest["browser_specific_settings"]["gecko"]["id"]
        preferences = {
            **_PREFERENCES,
            "extensions.webextensions.uuids": json.dumps({self.id: _HOST_NAME}),
            "browser.download.folderList": 2,
            "browser.download.dir": str(self.downloads),
            # Only builds for organisations (ESR) let this be switched off, and only their packages may be unsigned.
            **({"xpinstall.signatures.required": False} if desk else {}),
            "browser.privatebrowsing.autostart": private,
        }
        (self.profile / "user.js").write_text(
            "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
        )
        command = [
            executable,
            *(["--headless"] if headless else []),
            "--no-remote",
            "--profile",
            str(self.profile),
            "--remote-debugging-port",
            "0",
            "--remote-allow-system-access",
        ]
        self._process = Process(
            desk.command(command) if desk else command,
            log=self.log,
            environment={
                **os.environ,
                "HOME": str(home),
                "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1",
                "TMPDIR": temporary(directory),
            },
        )
        try:
            self._wire = Wire(self._endpoint())
            self._wire.request("session.new", capabilities={})
            self._wire.request("session.subscribe", events=["log.entryAdded"])
            tree = self._wire.request("browsingContext.getTree", maxDepth=0, **{"moz:scope": "chrome"})
            self._window = tree["contexts"][0]["context"]
            if language is not None:
                self._chrome(_LOCALE.replace("$LANGUAGE", json.dumps(language)))
            if desk is None:
                path = {"type": "path", "path": str(extension.absolute())}
                self._wire.request("webExtension.install", extensionData=path)
            else:
                there = f"!!WebExtensionPolicy.getByID({json.dumps(self.id)})?.active"
                until(lambda: self._chrome(there), "the extension to be installed", within=90)
            if private:
                self._chrome(_ALLOW_PRIVATE.replace("$ID", json.dumps(self.id)))
        except BaseException:
            self._process.end()
            raise

    def renew(self) -> bool:
        # It takes an extension that was uninstalled for another one, with another address.
        return False

    def url(self, path: str) -> str:
        return f"moz-extension://{_HOST_NAME}/{path}"

    @property
    def _popup_url(self) -> str:
        return json.dumps(self.url("popup/popup.html"))

    def open(self, url: str, *, here: bool = False) -> FirefoxPage:
        if here:
            context = self._wire.request("browsingContext.getTree", maxDepth=0)["contexts"][0]["context"]
        else:
            context = self._wire.request("browsingContext.create", type="tab")["context"]
        self._wire.request("browsingContext.navigate", context=context, url=url, wait="complete")
        page = FirefoxPage(self._wire, context)
        self.pages.append(page)
        return page

    def open_popup(self) -> FirefoxPage:
        self._chrome(_TRIGGER.replace("$ID", json.dumps(self.id)))
        adopt = _ADOPT.replace("$URL", self._popup_url)

        def look() -> FirefoxPage | None:
            # The document is loaded in one element and moved to another, which is shown.
            with contextlib.suppress(WireError):
                context = self._chrome(adopt)
                page = FirefoxPage(self._wire, context, popup=True) if context else None
                if page and page.evaluate("document.readyState") == "complete":
                    return page
            return None

        page = until(look, "the popup")
        assert page is not None
        self.pages.append(page)
        return page

    def opened(self, url: str) -> FirefoxPage:
        known = {page.context for page in self.pages if isinstance(page, FirefoxPage)}

        def look() -> set[str]:
            contexts = self._wire.request("browsingContext.getTree", maxDepth=0)["contexts"]
            return {found["context"] for found in contexts if found["url"] == url} - known

        page = FirefoxPage(self._wire, until(look, f"a tab at {url}").pop())
        until(lambda: page.evaluate("document.readyState") == "complete", "the document")
        self.pages.append(page)
        return page

    def choose_from_menu(self, page: Page, selector: str, label: str) -> None:
        """Opens the context menu on an element and takes the entry of the extension with that label."""
        assert isinstance(page, FirefoxPage)
        element = page.element(selector)
        assert isinstance(element, FirefoxElement)
        element.click_with(button=2)
        entries = f"""[...document.querySelectorAll("#contentAreaContextMenu menuitem")]
            .filter(item => item.label === {json.dumps(label)} && !item.hidden)"""
        until(lambda: self._chrome(f"{entries}.length"), f"the menu's entry {label}")
        self._chrome(f"""(() => {{
            const menu = document.getElementById("contentAreaContextMenu");
            menu.activateItem({entries}[0]);
        }})()""")

    def restart_background(self) -> None:
        """Ends the event page as the browser does when nothing has happened for a while; the next event starts it."""
        self._chrome(f"""(async () => {{
            const {{ extension }} = WebExtensionPolicy.getByID({json.dumps(self.id)});
            await extension.terminateBackground({{
                ignoreDevToolsAttached: true,
                disableResetIdleForTest: true,
            }});
        }})()""")

    def type_in_address_bar(self, text: str) -> None:
        self._chrome(f"""(async () => {{
            gURLBar.focus();
            gURLBar.search({json.dumps(text)});
            await gURLBar.lastQueryContextPromise;
            gURLBar.handleCommand(new KeyboardEvent("keydown", {{ key: "Enter" }}));
        }})()""")

    def popup_is_open(self) -> bool:
        return bool(self._chrome(f"!!{_SHOWN}".replace("$URL", self._popup_url)))

    def scheme(self, scheme: Scheme) -> None:
        self._chrome(_SCHEME.replace("$SCHEME", json.dumps(scheme)))

    def clipboard(self) -> str:
        return str(self._chrome(_CLIPBOARD))

    def console(self) -> list[str]:
        return [
            f"{event['params']['level']}: {event['params']['text']}"
            for event in self._wire.events
            if event["method"] == "log.entryAdded"
        ]

    def wait(self) -> None:
        self._process.wait()

    def close(self) -> None:
        self._process.end()
        self._wire.close()

    def _endpoint(self) -> str:
        file = self.profile / "WebDriverBiDiServer.json"

        def look() -> dict[str, Any] | None:
            if not self._process.running:
                raise LateError(f"Firefox ended at once: {self._process.last_words()}")
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                found: dict[str, Any] = json.loads(file.read_text())
                return found
            return None

        server = until(look, "Firefox to listen", within=60)
        assert server is not None
        return f"ws://{server['ws_host']}:{server['ws_port']}/session"

    def _chrome(self, expression: str) -> Any:
        """The JSON value of an expression in the browser's own window."""
        return evaluate(self._wire, self._window, expression)

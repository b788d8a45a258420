"""Thunderbird, whose windows are not a browser's: pages of the extension are opened in tabs of its own kind."""

import json
from typing import Any

from .firefox import Firefox
from .firefox_page import FirefoxPage
from .page import until

_OPEN = """(() => {
    const { browsingContextGroupId, extension } = WebExtensionPolicy.getByID($ID);
    const principal = extension.principal;
    const tab = document.getElementById("tabmail").openTab("contentTab", {
        url: $URL,
        linkHandler: "single-page",
        initialBrowsingContextGroupId: browsingContextGroupId,
        principal,
        triggeringPrincipal: principal,
    });
    const { NavigableManager } = ChromeUtils.importESModule("chrome://remote/content/shared/NavigableManager.sys.mjs");
    const browser = tab.browser;
    browser.permanentKey ??= {};
    const id = NavigableManager.getIdForBrowser(browser);
    const known = NavigableManager.getBrowsingContextById.bind(NavigableManager);
    NavigableManager.getBrowsingContextById =
        asked => asked === id && browser.isConnected ? browser.browsingContext : known(asked);
    return id;
})()"""


class Thunderbird(Firefox):
    """With the extension, in a profile without an account."""

    def open(self, url: str, *, here: bool = False) -> FirefoxPage:
        asked = _OPEN.replace("$ID", json.dumps(self.id)).replace("$URL", json.dumps(url))
        page = FirefoxPage(self._wire, self._chrome(asked), popup=True)
        loaded = f"location.href === {json.dumps(url)} && document.readyState === 'complete'"
        until(lambda: page.evaluate(loaded), f"{url} to be loaded", within=20)
        self.pages.append(page)
        return page

    def button(self) -> dict[str, Any]:
        """What the toolbar shows of the extension: its label, and whether it is shown."""
        selector = f'button[extension="{self.id}"]'
        found: dict[str, Any] = self._chrome(
            f"""(() => {{
                const button = document.querySelector({json.dumps(selector)});
                return button && {{ label: button.textContent.trim(), shown: !button.hidden }};
            }})()"""
        )
        return found

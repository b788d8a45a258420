"""The isolated world of the extension's scripts in a page, which whoever takes over the page's process commands."""

import json
from typing import Any

from .page import Browser, Page, until
from .popup import Popup


class IsolatedWorld:
    """Of a page that was read by one press of the toolbar button. `page` is one of the extension's own documents."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.form = browser.open(address, here=True)
        popup = Popup(browser.open_popup())
        until(lambda: popup.page.elements("[data-page]"), "what the page says")
        popup.page.close()
        until(lambda: not browser.popup_is_open(), "the popup to close")
        self.page: Page = browser.open(browser.url("history/history.html"))
        read = (
            f"chrome.tabs.query({{}}).then(tabs => tabs.find(({{url}}) => url === {json.dumps(address)})?.id ?? null)"
        )
        self.tab: int = self.page.evaluate(read)

    def run(self, body: str) -> Any:
        """The JSON value that the body of an async function returns there, or how it failed."""
        return self.page.evaluate(
            f"""chrome.scripting.executeScript({{
                target: {{ tabId: {self.tab} }},
                func: async () => {{
                    try {{
                        {body}
                    }} catch (error) {{
                        return `failed: ${{error}}`;
                    }}
                }},
            }}).then(([{{ result }}]) => result ?? null)"""
        )

    def say(self, message: dict[str, Any]) -> Any:
        """What comes back to a message to the extension."""
        return self.run(f"return await chrome.runtime.sendMessage({json.dumps(message)}) ?? null;")

"""The popup, by the handles that it exposes (they are the same in every language)."""

from collections.abc import Sequence
from typing import Any, Literal

from .page import Element, Page, until

Direction = Literal["outgoing", "incoming"]
ENDED = ("done", "stopped", "failed")


class Popup:
    """A page that shows the popup's document, wherever it is: under the toolbar button or in a tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        until(lambda: page.elements("form input"), "the popup to be drawn")

    @property
    def run(self) -> str | None:
        found = self._data("[data-run]", "run")
        return found[0] if found else None

    @property
    def verdict(self) -> tuple[str, str] | None:
        """Code and confidence."""
        codes, sure = self._data("[data-verdict]", "verdict"), self._data("[data-verdict]", "confidence")
        assert len(codes) < 2, "more than one verdict"
        return (codes[0], sure[0]) if codes else None

    @property
    def problem(self) -> str | None:
        found = self._data("[data-problem]", "problem")
        return found[0] if found else None

    @property
    def command(self) -> str:
        """The command to copy, on the screen of a problem."""
        return self.page.element("[data-command]").text()

    @property
    def refusals(self) -> list[str]:
        # Read at once: what is drawn anew in between would have no text any more.
        read = "Array.from(document.querySelectorAll('[data-refusal]'), element => element.innerText)"
        return [" ".join(text.split()) for text in self.page.evaluate(read) if text.strip()]

    @property
    def field(self) -> Element:
        return self.page.element("form input")

    def headline(self) -> str:
        return self.page.element("[data-verdict]").text()

    def endpoints(self) -> list[dict[str, Any]]:
        """The data of each endpoint's row: endpoint, host, port, family, state."""
        return self._rows("[data-endpoint]")

    def settings(self, direction: Direction) -> list[dict[str, Any]]:
        """The data of each row of settings: host, port, security, verified; the best first."""
        return self._rows(f'[data-settings="{direction}"] [data-host]')

    def choose(self, program: str) -> None:
        """Has the settings said in the words of a program; an empty id stands for none."""
        select = self.page.element("[data-action=program]")
        select.call(
            f"""select => {{
                select.value = {program!r};
                select.dispatchEvent(new Event('change', {{bubbles: true}}));
            }}"""
        )

    def words(self, direction: Direction) -> dict[str, str]:
        """What the card that is shown first says: its terms and their texts."""
        lines = self.page.evaluate(
            f"""Array.from(document.querySelectorAll('[data-settings="{direction}"] > [data-host] .value'),
                line => [line.querySelector("dt").innerText, line.querySelector(".text").innerText])"""
        )
        return {term.strip(): text.strip() for term, text in lines}

    def files(self) -> list[str]:
        """The formats of files that are offered."""
        return self._data("[data-export]", "export")

    def unfold(self) -> None:
        """Opens everything that is folded."""
        self.page.evaluate("void document.querySelectorAll('details').forEach(details => { details.open = true; })")

    def ask(self, target: str) -> None:
        """Types a target in place of what stands in the field, and presses Enter."""
        self.field.click()
        self.field.call("field => field.select()")
        self.page.type(target)
        self.page.press("Enter")

    def until_run(self, *states: str, within: float = 10.0) -> str:
        run = until(lambda: self.run if self.run in states else None, f"the run to be {states}", within=within)
        assert run is not None
        return run

    def last_run(self) -> tuple[str | None, str | None]:
        """Id and phase of the run that the background keeps; the page shows it a moment later."""
        read = "chrome.storage.session.get('run').then(({run}) => [run?.id ?? null, run?.phase ?? null])"
        identity, phase = self.page.evaluate(read)
        return identity, phase

    def check(self, target: str, *, within: float = 45.0) -> None:
        """Asks, and waits for the end of that very run."""
        before, _ = self.last_run()
        self.ask(target)

        def ended() -> bool:
            identity, phase = self.last_run()
            return identity != before and phase in ENDED and self.run == phase

        until(ended, f"the end of the run about {target}", within=within)
        assert self.run == "done"

    def _data(self, selector: str, key: str) -> list[str]:
        read = f"Array.from(document.querySelectorAll({selector!r}), element => element.dataset.{key} ?? null)"
        found: list[str] = self.page.evaluate(read)
        return found

    def _rows(self, selector: str) -> list[dict[str, Any]]:
        read = f"Array.from(document.querySelectorAll({selector!r}), element => ({{...element.dataset}}))"
        found: Sequence[dict[str, Any]] = self.page.evaluate(read)
        return list(found)

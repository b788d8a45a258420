"""Every screen in every language: nothing sticks out, is cut or is left in English, and axe finds nothing."""

import json
import re
from itertools import product
from pathlib import Path

import pytest

from poterne.report.locales import LANGUAGES

from . import screens
from .conftest import EXTENSION, Lab, Shared
from .drive import axe
from .drive.chromium import ChromiumPage
from .drive.page import Browser, Page, until
from .drive.popup import Popup
from .forms import serving

# What a person sees at 200 % zoom of an ordinary popup, or on a narrow screen: WCAG 1.4.10.
NARROW, WIDE = (320, 900), (1000, 900)

# Rows that may be cut on purpose: one line while a run is going, which opens; and long addresses under the picture.
CUT_ON_PURPOSE = ".outlook > summary, .outlook > summary *, .way-address, .visually-hidden, option, select"
STICKS_OUT = f"""(() => {{
    const found = [];
    const wide = document.documentElement.scrollWidth - innerWidth;
    if (wide > 0) found.push(`the page by ${{wide}} px`);
    for (const element of document.body.querySelectorAll("*")) {{
        if (!element.checkVisibility({{visibilityProperty: true}}) || element.closest("svg")) continue;
        if (element.closest({json.dumps(CUT_ON_PURPOSE)})) continue;
        const style = getComputedStyle(element);
        if (style.clipPath !== "none" || style.display === "inline") continue;
        const clipped = ["hidden", "clip"].includes(style.overflowX);
        const held = clipped || element.matches("button, th, td, dt, dd, p, h1, h2, h3");
        const by = element.clientWidth > 0 ? element.scrollWidth - element.clientWidth : 0;
        if (held && by > 1) {{
            found.push(`${{element.tagName}}.${{element.className}} + ${{by}} px: ` + element.textContent.slice(0, 50));
        }}
    }}
    return found;
}})()"""
TEXTS = """[
    ...[...document.querySelectorAll("body *")].flatMap(element =>
        element.closest("[lang]:not(html)") || element.closest("script, style, svg") ? [] :
            [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.nodeValue)),
    ...[...document.querySelectorAll("[title], [aria-label], [placeholder]")].flatMap(element =>
        ["title", "aria-label", "placeholder"].map(name => element.getAttribute(name) ?? "")),
].map(text => text.trim()).filter(Boolean)"""


def catalogue(language: str) -> dict[str, str]:
    entries = json.loads((EXTENSION / "_locales" / language / "messages.json").read_text())
    return {key: entry["message"] for key, entry in entries.items()}


ENGLISH = catalogue("en")


def left_in_english(texts: list[str], language: str) -> list[str]:
    """Texts that are a message's English where the language has another, and texts that are no more than a key."""
    own = catalogue(language)
    english = {ENGLISH[key] for key in ENGLISH if ENGLISH[key] != own[key]} - set(own.values())
    wrong = [text for text in texts if text in english and language != "en"]
    return wrong + [text for text in texts if text in ENGLISH or re.search(r"\$[A-Z_]+\$", text)]


def to(page: Page, size: tuple[int, int]) -> None:
    page.resize(*size)
    until(lambda: page.evaluate("innerWidth") == size[0], f"a width of {size[0]}")


def examine(page: Page, where: str, language: str) -> list[str]:
    found = []
    for size in (WIDE, NARROW):
        to(page, size)
        # The popup makes itself as wide as it needs to be.
        if size == NARROW and page.evaluate("document.body.classList.contains('popup')"):
            continue
        found += [f"{where} {size[0]}: {line}" for line in page.evaluate(STICKS_OUT)]
    page.resize(*WIDE)
    found += [f"{where}: English: {text}" for text in left_in_english(page.evaluate(TEXTS), language)]
    return found


@pytest.fixture
def chromium(shared: Shared) -> Browser:
    return shared.take("chromium")


def unfold(page: Page) -> None:
    page.evaluate("void document.querySelectorAll('details').forEach(details => { details.open = true; })")


def speak(page: Page, language: str) -> None:
    page.evaluate(f"chrome.storage.local.set({{language: {language!r}}})")


def until_spoken(page: Page, language: str) -> None:
    until(lambda: page.evaluate("document.documentElement.lang") == language, f"the page in {language}")


def in_each_language(pages: dict[str, Page]) -> list[str]:
    found = []
    for language in LANGUAGES:
        speak(next(iter(pages.values())), language)
        for name, page in pages.items():
            until_spoken(page, language)
            unfold(page)
            found += examine(page, f"{language} {name}", language)
    return found


def done(browser: Browser) -> dict[str, Page]:
    """A run with a blocked port, and the pages of what is kept of it."""
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    popup.check(screens.BLOCKED)
    popup.check(screens.BLOCKED)
    until(lambda: len(screens.past_ids(popup.page)) == 2, "two runs to be kept")
    screens.seed(popup.page, "en")
    newest, older = screens.past_ids(popup.page)
    return {
        "popup": popup.page,
        "report": screens.show(browser, f"report/report.html?past={newest}"),
        "comparison": screens.show(browser, f"history/history.html?before={older}&after={newest}"),
        "options": screens.show(browser, "options/options.html"),
    }


def test_what_a_run_leads_to_fits_in_every_language(chromium: Browser) -> None:
    pages = done(chromium)
    assert in_each_language(pages) == []


def test_the_beginning_the_running_and_the_end_fit_in_every_language(chromium: Browser) -> None:
    popup = Popup(chromium.open(chromium.url("popup/popup.html")))
    found = in_each_language({"first run": popup.page})
    popup.ask("not a target")
    until(lambda: popup.refusals, "a refusal")
    found += in_each_language({"refused": popup.page})
    popup.ask("smtp.mute.example")
    until(popup.endpoints, "the plan")
    found += in_each_language({"running": popup.page})
    one_line = "document.querySelector('.counted').offsetHeight < 2 * document.querySelector('.left').offsetHeight"
    for language in LANGUAGES:
        speak(popup.page, language)
        until_spoken(popup.page, language)
        if not popup.page.evaluate(one_line):
            found.append(f"{language}: what is counted wraps, and moves what is below when it no longer does")
    assert popup.run == "running", "the run ended before it was examined"
    popup.page.element("[data-action=stop]").click()
    popup.until_run("stopped")
    assert found + in_each_language({"stopped": popup.page}) == []


@pytest.mark.slow
def test_what_a_page_says_and_is_filled_in_with_fits_in_every_language(lab: Lab, policy: Path) -> None:
    browser = lab.fresh("chromium")
    lab.real_host(browser, policy)
    found = []
    with serving() as site:
        for name, page in screens.on_a_page(browser, "en", site):
            for language in LANGUAGES:
                speak(page, language)
                until_spoken(page, language)
                found += [f"{language} {name}: {line}" for line in page.evaluate(STICKS_OUT)]
                found += [
                    f"{language} {name}: English: {text}" for text in left_in_english(page.evaluate(TEXTS), language)
                ]
            found += [f"{name}: {line}" for line in axe.violations(page)]
    assert found == []


def test_a_missing_host_is_explained_in_every_language(lab: Lab) -> None:
    browser = lab.fresh("chromium")
    popup = Popup(browser.open(browser.url("popup/popup.html")))
    until(lambda: popup.problem, "the screen")
    assert popup.page.elements("[data-sandbox]"), "Snap and Flatpak are named"
    assert in_each_language({"missing": popup.page}) == []


def test_the_help_page_fits_in_every_language(chromium: Browser) -> None:
    found = []
    for language in LANGUAGES:
        page = chromium.open(chromium.url(f"help/{language}/port25.html"))
        assert page.evaluate("document.documentElement.lang") == language
        found += examine(page, f"help {language}", "en")
        page.close()
    assert found == []


def colours(page: Page, scheme: str, forced: str) -> None:
    assert isinstance(page, ChromiumPage)
    features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "forced-colors", "value": forced}]
    page.request("Emulation.setEmulatedMedia", features=features)
    query = f"matchMedia('(prefers-color-scheme: {scheme}) and (forced-colors: {forced})').matches"
    until(lambda: page.evaluate(query), f"{scheme}, forced colours {forced}")


@pytest.mark.slow
def test_axe_finds_nothing_on_the_pages_of_what_is_kept(chromium: Browser) -> None:
    """In light, in dark, with forced colours, on a narrow screen."""
    pages = done(chromium)
    found = []
    for name, page in pages.items():
        unfold(page)
        for scheme, forced in product(("light", "dark"), ("none", "active")):
            colours(page, scheme, forced)
            rules = axe.TAGS if (scheme, forced) == ("light", "none") else axe.COLOURS
            found += [f"{name} {scheme} {forced}: {line}" for line in axe.violations(page, rules=rules)]
        page.resize(*NARROW)
        found += [f"{name} narrow: {line}" for line in axe.violations(page)]
        page.resize(*WIDE)
    assert found == []


MOVES = """new Promise(resolve => {
    window.moves = [];
    window.phase = () => document.querySelector("main").dataset.run;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) {
            if (window.phase() === "running" && !entry.hadRecentInput) {
                const names = entry.sources.map(({node}) => node?.className ?? node?.nodeName ?? "");
                window.moves.push([entry.value, names]);
            }
        }
    }).observe({type: "layout-shift"});
    resolve();
})"""


def test_nothing_moves_while_answers_come(chromium: Browser) -> None:
    """The plan has its place, answers come into rows that are there, and what is certain has its room."""
    popup = Popup(chromium.open(chromium.url("popup/popup.html")))
    popup.page.evaluate(MOVES)
    popup.check(screens.BLOCKED)
    assert popup.page.evaluate("window.moves") == []


# The largest that browsers make a popup of this width.
POPUP = (480, 600)
# Of the whole popup, what moves and how far, as the Layout Instability API counts it: at most a tenth is good. Under
# the verdict that is the longest, with the picture of the way, the settings leave the popup.
SHIFTS = {"jane@provider.example": 0.1, "smtp.expired.example": 0.1, screens.BLOCKED: 0.2}
END_MOVES = """void (() => {
    window.shift = 0;
    const look = list => {
        for (const { value } of list) if (document.querySelector("main").dataset.run === "done") window.shift += value;
    };
    window.shifts = new PerformanceObserver(list => look(list.getEntries()));
    window.shifts.observe({ type: "layout-shift" });
    // What was seen and not told yet, two frames after the end.
    window.drawn = () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => {
        look(window.shifts.takeRecords());
        resolve(window.shift);
    })));
})()"""


def test_the_verdict_has_its_room_before_it_comes(chromium: Browser) -> None:
    moved = {}
    for target in SHIFTS:
        popup = Popup(chromium.open(chromium.url("popup/popup.html")))
        popup.page.resize(*POPUP)
        popup.page.evaluate(END_MOVES)
        popup.check(target)
        moved[target] = popup.page.evaluate("window.drawn()")
        popup.page.close()
    assert {target: shift for target, shift in moved.items() if shift > SHIFTS[target]} == {}
    assert any(moved.values()), "nothing was measured"


def test_the_headline_is_the_only_live_region_that_speaks_of_the_result(chromium: Browser) -> None:
    popup = Popup(chromium.open(chromium.url("popup/popup.html")))
    popup.page.evaluate(
        """void (() => {
            window.said = [];
            const live = "[role=status], [role=alert], [aria-live]";
            const look = () => document.querySelectorAll(live).forEach(region => {
                const text = region.textContent.trim();
                if (text && window.said.at(-1) !== text) window.said.push(text);
            });
            new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
        })()"""
    )
    popup.check(screens.BLOCKED)
    said = popup.page.evaluate("window.said")
    assert said[-1] == popup.headline()
    assert len(said) == 2, "that it runs, and what it found"

"""Writes a picture of every screen, in light and dark and in several languages: `screens.py FOLDER [LANGUAGE…]`."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .drive.hosts import HELLO, ScriptedHost
from .drive.page import Browser, Page, Scheme, until
from .drive.popup import Popup
from .forms import serving
from .show import OPEN, ROOMY, ROOT, choose, demonstration, photograph, run

# Language and scheme of each set of pictures.
SETS: tuple[tuple[str, Scheme], ...] = (("en", "light"), ("en", "dark"), ("fr", "light"), ("de", "light"))
ALL_SCHEMES: tuple[Scheme, ...] = ("light",)
BLOCKED = "smtp.quiet25.example"
NETWORKS = {"a" * 32: {"name": "", "number": 1}, "b" * 32: {"name": "", "number": 2}}
NAMES = {"en": ("Home", "Office"), "fr": ("Maison", "Bureau"), "de": ("Zuhause", "Büro"), "es": ("Casa", "Oficina")}

Draw = Callable[[str, Page], None]


def seed(page: Page, language: str) -> None:
    """Past runs as if they had been made at home and at the office."""
    home, office = NAMES.get(language, ("Casa", "Ufficio"))
    page.evaluate(
        f"""chrome.storage.local.get("past").then(({{past}}) => chrome.storage.local.set({{
            past: past.map((entry, index) => ({{...entry, network: (index % 2 ? "a" : "b").repeat(32)}})),
            networks: {{
                ["a".repeat(32)]: {{name: {home!r}, number: 1}},
                ["b".repeat(32)]: {{name: {office!r}, number: 2}},
            }},
        }}))"""
    )


def show(browser: Browser, path: str) -> Page:
    page = browser.open(browser.url(path))
    until(lambda: page.elements("main header"), f"{path} to be drawn")
    return page


def set_language(page: Page, language: str) -> None:
    page.evaluate(f"chrome.storage.local.set({{language: {language!r}}})")


def past_ids(page: Page) -> list[str]:
    found: list[str] = page.evaluate("chrome.storage.local.get('past').then(({past}) => past.map(({id}) => id))")
    return found


def with_host(browser: Browser, language: str) -> Iterator[tuple[str, Page]]:
    """Each screen that a working host leads to, with its name; the page is the caller's until the next is asked for."""
    popup = Popup(show(browser, "popup/popup.html"))
    set_language(popup.page, language)
    until(lambda: popup.page.evaluate("document.documentElement.lang") == language, language)
    yield "first-run", popup.page
    popup.ask("not a target")
    until(lambda: popup.refusals, "a refusal")
    yield "refused", popup.page
    popup.ask("smtp.mute.example")
    until(popup.endpoints, "the plan")
    yield "running", popup.page
    popup.page.element("[data-action=stop]").click()
    popup.until_run("stopped")
    yield "stopped", popup.page
    for target, name in (("jane@provider.example", "works"), ("smtp.expired.example", "certificate")):
        run(popup, target)
        yield name, popup.page
    run(popup, BLOCKED)
    run(popup, BLOCKED)
    until(lambda: len(past_ids(popup.page)) == 4, "four runs in the history")
    seed(popup.page, language)
    yield "blocked", popup.page
    popup.unfold()
    yield "blocked-unfolded", popup.page
    popup.page.evaluate("chrome.storage.session.remove('run')")
    newest, older, *_ = past_ids(popup.page)
    yield "report", show(browser, f"report/report.html?past={newest}")
    yield "history", show(browser, "history/history.html")
    yield "comparison", show(browser, f"history/history.html?before={older}&after={newest}")
    yield "options", show(browser, "options/options.html")
    yield "help", browser.open(browser.url(f"help/{language}/port25.html"))


def on_a_page(browser: Browser, language: str, site: str) -> Iterator[tuple[str, Page]]:
    """The popup over a page with a form: read, tested, filled in, put back; and over a page with nothing on it."""
    browser.open(f"{site}/gmail-send-as.html", here=True)
    popup = Popup(browser.open_popup())
    set_language(popup.page, language)
    until(lambda: popup.page.evaluate("document.documentElement.lang") == language, language)
    until(lambda: popup.page.elements("[data-page-server]"), "what the page says")
    yield "page-says", popup.page
    popup.page.element("[data-action=test-page]").click()
    until(lambda: popup.page.elements("[data-action=fill-page]"), "settings that fit the form", within=45)
    yield "page-works", popup.page
    popup.page.element("[data-action=fill-page]").click()
    until(lambda: popup.page.elements("[data-filled=done]"), "the form to be filled in")
    yield "page-filled", popup.page
    popup.page.element("[data-action=undo-page]").click()
    until(lambda: popup.page.elements("[data-filled=undone]"), "the form to be as before")
    yield "page-undone", popup.page
    popup.page.evaluate("chrome.storage.session.remove('run')")
    popup.page.close()
    browser.open(f"http://mail.site.example:{site.rpartition(':')[2]}/elsewhere.html")
    popup = Popup(browser.open_popup())
    until(lambda: popup.page.elements("[data-page-site]"), "the site's domain")
    yield "page-site", popup.page
    popup.page.close()


def without_host(browser: Browser, language: str, directory: Path) -> Iterator[tuple[str, Page]]:
    """The screens that explain why there is none."""
    for name, script in (
        ("missing", None),
        ("crashed", {"hello": None, "then": "exit"}),
        ("outdated", {"hello": {**HELLO, "protocol": 0}}),
    ):
        if script is not None:
            folder = directory / name
            folder.mkdir()
            ScriptedHost(folder, script).register(browser)
        popup = Popup(show(browser, "popup/popup.html"))
        set_language(popup.page, language)
        until(lambda page=popup.page: page.evaluate("document.documentElement.lang") == language, language)  # type: ignore[misc]
        until(lambda shown=popup: shown.problem, f"the screen: {name}")  # type: ignore[misc]
        yield name, popup.page
        popup.page.close()


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0])
    chosen = choose(["chromium"])
    if chosen is None:
        return 1
    family, executable = chosen
    for language, scheme in SETS:
        if arguments[1:] and language not in arguments[1:]:
            continue
        made = folder / f"{language}-{scheme}"
        made.mkdir(parents=True, exist_ok=True)

        def draw(name: str, page: Page, made: Path = made) -> None:
            page.evaluate("void document.activeElement.blur()")
            photograph(page, made / f"{name}.png")
            page.resize(*ROOMY)

        with demonstration(family, executable, headless=True) as (browser, _):
            browser.scheme(scheme)
            for name, page in with_host(browser, language):
                draw(name, page)
        with demonstration(family, executable, headless=True) as (browser, _), serving() as site:
            browser.scheme(scheme)
            for name, page in on_a_page(browser, language, site):
                # The popup of the button has its own size, which nothing overrides.
                page.evaluate("void scrollTo(0, 0)")
                page.screenshot(made / f"{name}.png")
        with (
            tempfile.TemporaryDirectory(prefix="poterne-", ignore_cleanup_errors=True) as directory,
            OPEN[family](executable, ROOT / "extension", Path(directory), headless=True) as browser,
        ):
            browser.scheme(scheme)
            for name, page in without_host(browser, language, Path(directory)):
                draw(name, page)
        print(f"Pictures: {made}", flush=True)
    return 0

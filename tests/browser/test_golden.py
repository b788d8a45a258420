"""Every word and every handle of the extension is the one that is held."""

import pytest
from tests.golden import corpus, sides

from poterne.report.locales import LANGUAGES

from .drive.page import Browser

HELD = corpus.digests()

pytestmark = pytest.mark.shared_browser


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_the_extension(language: str, browser: Browser) -> None:
    page = browser.open(browser.url("options/options.html"))
    shown = sides.popup(page, {name: corpus.recorded(name) for name in corpus.names()}, language)
    assert set(shown) == set(HELD)
    if language == "en":
        for name in corpus.in_full():
            held = (corpus.SAID / f"{name}.extension.txt").read_text(encoding="utf-8")
            assert corpus.page(shown[name]) == held, name
    different = [name for name, parts in shown.items() if corpus.digest(parts) != HELD[name][language]["extension"]]
    assert different == [], corpus.page(shown[different[0]])

"""Writes what is held, from what is said now: `make golden`. Look at the difference before it is committed."""

import json
import sys
import tempfile
from pathlib import Path

from tests.browser.conftest import EXTENSION, executable_of
from tests.browser.drive.chromium import Chromium
from tests.golden import corpus, sides, statements
from tests.golden.explained import explained

from poterne.report.locales import LANGUAGES


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    reports = {name: corpus.recorded(name) for name in corpus.names()}
    held: corpus.Digests = {name: {language: {} for language in LANGUAGES} for name in reports}
    with (
        tempfile.TemporaryDirectory(prefix="poterne-golden-") as folder,
        Chromium(executable_of("chromium"), EXTENSION, Path(folder)) as browser,
    ):
        page = browser.open(browser.url("options/options.html"))
        for language in LANGUAGES:
            shown = sides.popup(page, reports, language)
            for name, report in reports.items():
                both = {"terminal": sides.terminal(report, language), "extension": shown[name]}
                for side, parts in both.items():
                    held[name][language][side] = corpus.digest(parts)
                    if language == "en" and name in corpus.in_full():
                        _write(corpus.SAID / f"{name}.{side}.txt", corpus.page(parts))
        lines = [explained(name, report, Path(folder)) for name, report in reports.items()]
    _write(corpus.DIGESTS, json.dumps(held, indent=1, sort_keys=True) + "\n")
    _write(corpus.EXPLAINED, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    vectors = [statements.said(each) for each in (*statements.ODD, *statements.found().values())]
    rows = ",\n".join(json.dumps(vector, ensure_ascii=False) for vector in vectors)
    _write(corpus.STATEMENTS, f"[\n{rows}\n]\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What is told of a report: on a terminal and in exported files, and by the extension. Texts by part."""

import contextlib
import io
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tests.browser.drive.page import Page
from tests.golden.corpus import Json

from poterne.cli import text
from poterne.errors import NoSettings
from poterne.export import FORMATS, export
from poterne.report import Report
from poterne.report.catalogue import Catalogue
from poterne.told import retold

_RENDER = Path(__file__).with_name("render.js")
_AT_ONCE = 40
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


@cache
def _catalogue(language: str) -> Catalogue:
    return Catalogue(language)


def terminal(report: Report, language: str) -> dict[str, str]:
    """What the command line prints, and the files that it exports."""
    page = io.StringIO()
    with contextlib.redirect_stdout(page):
        text.show(retold(report), _catalogue(language))
    said = {"terminal": _TRAILING.sub("", page.getvalue())}
    for format in FORMATS:
        with contextlib.suppress(NoSettings):
            said[f"export-{format}"] = export(report, format, _catalogue(language)).data.decode()
    return said


def popup(page: Page, reports: dict[str, Report], language: str) -> dict[str, dict[str, str]]:
    """What the extension shows and hands over, by report. `page` is one of the extension's own."""
    render = _RENDER.read_text(encoding="utf-8")
    said: dict[str, dict[str, str]] = {}
    for some in _in_parts(list(reports)):
        asked: Json = {name: json.loads(retold(reports[name]).model_dump_json()) for name in some}
        said |= page.evaluate(f"{render}.then((render) => render({json.dumps(language)}, {json.dumps(asked)}))")
    return said


def _in_parts(names: list[str]) -> Iterable[list[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]

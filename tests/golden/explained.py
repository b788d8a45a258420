"""What `poterne explain --json` concludes of the recorded reports: a line for each."""

import contextlib
import io
import json
from pathlib import Path

from tests.golden.corpus import Json

from poterne.cli import main as cli
from poterne.report import Report

_CONCLUDED = ("verdict", "findings", "settings", "way", "expected", "told")


def explained(name: str, report: Report, folder: Path) -> Json:
    """The conclusions and the exit status; `folder` is one in which the report may be saved."""
    file = folder / f"{name}.json"
    file.write_text(report.model_dump_json(), encoding="utf-8")
    page = io.StringIO()
    with contextlib.redirect_stdout(page):
        status = cli.main(["explain", "--json", str(file)])
    whole: Json = json.loads(page.getvalue())
    return {"name": name, "status": status, **{key: _short(whole[key]) for key in _CONCLUDED}}


def _short(value: object) -> object:
    """Without what says nothing."""
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items() if inner not in (None, [], {})}
    return [_short(inner) for inner in value] if isinstance(value, list) else value

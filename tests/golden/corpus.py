"""The reports whose wording is held fast, and the files that hold it. README.md says how they are used.

A report is a file of `reports/`: recorded in the lab and in the unit tests' worlds, as an earlier version wrote it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from poterne.report import Report

FOLDER = Path(__file__).parent
SAID = FOLDER / "said"
STATEMENTS = FOLDER / "statements.json"
DIGESTS = FOLDER / "digests.json"
EXPLAINED = FOLDER / "explained.jsonl"
_REPORTS = FOLDER / "reports"

Json = dict[str, Any]
# By report, language and side.
Digests = dict[str, dict[str, dict[str, str]]]


def names() -> list[str]:
    """The names of all reports, in order."""
    return sorted(path.stem for path in _REPORTS.glob("*.json"))


def in_full() -> list[str]:
    """The reports of which every word is kept in `said/`; of the others, and of other languages, digests are."""
    return [name for name in names() if name.startswith("told-")]


def recorded(name: str) -> Report:
    """A report as it was recorded."""
    return Report.model_validate_json((_REPORTS / f"{name}.json").read_text(encoding="utf-8"))


def digest(parts: dict[str, str]) -> str:
    """A digest of the texts of one side."""
    text = "".join(f"{name}\n{parts[name]}\n" for name in sorted(parts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digests() -> Digests:
    """What is held."""
    held: Digests = json.loads(DIGESTS.read_text(encoding="utf-8"))
    return held


def page(parts: dict[str, str]) -> str:
    """The texts of one side as a file of `said/`."""
    return "\n".join(f"==== {name}\n{parts[name].rstrip()}\n" for name in sorted(parts))

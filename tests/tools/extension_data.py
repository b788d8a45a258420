"""What the extension needs of the host's tables: `python tests/tools/extension_data.py` writes it."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

from poterne.knowledge import formats, installer, ports
from poterne.report.locales import LANGUAGES

DATA = Path(__file__).resolve().parents[2] / "extension" / "core" / "data"


def modules() -> dict[str, str]:
    """The text of each module, by its name in `extension/core/data/`."""
    return {
        "formats.js": _module("formats", _formats()),
        "installer.js": _module("installer", installer.table()),
        "languages.js": _module("languages", LANGUAGES, "report/locales.py"),
        "ports.js": _module("ports", ports.table()),
    }


def _formats() -> dict[str, object]:
    """What each format needs, in the order in which they are offered; `auth`: the ways to sign in that it has a word
    for, where it has not one for all of them (`signIns`).
    """
    table = formats.table()
    words = {"apple": tuple(table.apple.auth)}
    needs = {
        name: {"both": row.both, "domain": row.domain, "auth": words.get(row.words or "")}
        for name, row in table.format.items()
    }
    return {"format": needs, "signIns": tuple(table.mozilla.auth)}


def _plain(value: object) -> object:
    """A record of the host as JSON has it; what is as a row has it by default is left out, as in the table."""
    if is_dataclass(value):
        pairs = [(field, getattr(value, field.name)) for field in fields(value)]
        return {field.name: _plain(each) for field, each in pairs if field.default is MISSING or each != field.default}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _module(name: str, record: object, source: str = "") -> str:
    text = json.dumps(_plain(record), indent=2, ensure_ascii=False)
    source = source or f"knowledge/{name}.toml"
    return f"// Generated from host/poterne/{source} by `make types`.\n\nexport const {name} = {text};\n"


if __name__ == "__main__":
    for name, text in modules().items():
        (DATA / name).write_text(text, encoding="utf-8")

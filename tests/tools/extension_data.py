"""What the extension needs of the host's tables: `python tests/tools/extension_data.py` writes it."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

from poterne.knowledge import handover, installer, ports

DATA = Path(__file__).resolve().parents[2] / "extension" / "core" / "data"


def modules() -> dict[str, str]:
    """The text of each module, by its name in `extension/core/data/`."""
    return {
        "handover.js": _module("handover", _handover()),
        "installer.js": _module("installer", installer.table()),
        "ports.js": _module("ports", ports.table()),
    }


def _handover() -> dict[str, list[str]]:
    """The formats in their order, and the ways to sign in that files of each program name."""
    table = handover.table()
    return {"formats": list(table.format), "apple": list(table.apple.auth), "mozilla": list(table.mozilla.auth)}


def _plain(value: object) -> object:
    """A record of the host as JSON has it; what is as a row has it by default is left out, as in the table."""
    if is_dataclass(value):
        pairs = [(field, getattr(value, field.name)) for field in fields(value)]
        return {field.name: _plain(each) for field, each in pairs if field.default is MISSING or each != field.default}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _module(table: str, record: object) -> str:
    text = json.dumps(_plain(record), indent=2, ensure_ascii=False)
    return f"// Generated from host/poterne/knowledge/{table}.toml by `make types`.\n\nexport const {table} = {text};\n"


if __name__ == "__main__":
    for name, text in modules().items():
        (DATA / name).write_text(text, encoding="utf-8")

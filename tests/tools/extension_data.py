"""What the extension needs of the host's tables: `python tests/tools/extension_data.py` writes it."""

import json
from pathlib import Path

from poterne.knowledge import load

DATA = Path(__file__).resolve().parents[2] / "extension" / "core" / "data"


def modules() -> dict[str, str]:
    """The text of each module, by its name in `extension/core/data/`."""
    return {"installer.js": _module("installer"), "ports.js": _module("ports")}


def _module(table: str) -> str:
    text = json.dumps(load(table), indent=2, ensure_ascii=False)
    return f"// Generated from host/poterne/knowledge/{table}.toml by `make types`.\n\nexport const {table} = {text};\n"


if __name__ == "__main__":
    for name, text in modules().items():
        (DATA / name).write_text(text, encoding="utf-8")

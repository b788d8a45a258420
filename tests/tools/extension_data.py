"""What the extension needs of the host's tables: `python tests/tools/extension_data.py` writes it."""

import json
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "extension" / "core" / "data"
TABLES = ROOT / "host" / "poterne" / "knowledge"


def modules() -> dict[str, str]:
    """The text of each module, by its name in `extension/core/data/`."""
    tables = {"installer": _table("installer"), "ports": _table("ports"), "handover": _handover()}
    return {f"{name}.js": _module(name, table) for name, table in tables.items()}


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))


def _handover() -> dict[str, Any]:
    """The formats in their order, and the ways to sign in that files of each program name."""
    table = _table("handover")
    return {"formats": list(table["format"]), **{name: list(table[name]["auth"]) for name in ("apple", "mozilla")}}


def _module(name: str, table: dict[str, Any]) -> str:
    text = json.dumps(table, indent=2, ensure_ascii=False)
    return f"// Generated from host/poterne/knowledge/{name}.toml by `make types`.\n\nexport const {name} = {text};\n"


if __name__ == "__main__":
    for name, text in modules().items():
        (DATA / name).write_text(text, encoding="utf-8")

"""Data files: ports, dialogues, names, sign-in mechanisms. `load` reads one, once."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

# importlib.resources would add a sixth to the time until the first probe.
_FOLDER = Path(__file__).parent


@cache
def load(name: str) -> dict[str, Any]:
    """The tables of `knowledge/<name>.toml`. The caller must not change them."""
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))

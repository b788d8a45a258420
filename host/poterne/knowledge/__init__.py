"""Data files: ports, dialogues, names, sign-in mechanisms. `load` reads one, once."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """The tables of `knowledge/<name>.toml`. The caller must not change them."""
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))

"""The manifest of the native host: made, read, judged."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from poterne.errors import SetupError
from poterne.install.browsers import HOST_NAME, BrowserFamily

DESCRIPTION = "Poterne: finds out why a mail server cannot be reached"
# Chromium allows [a-z0-9_.], Firefox \w with dots between: what both take cannot climb out of a directory.
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_CALLERS: Mapping[BrowserFamily, str] = {"chromium": "allowed_origins", "firefox": "allowed_extensions"}


@cache
def extension_ids() -> Mapping[BrowserFamily, str]:
    """The extension's id in each family of browsers."""
    shipped = files(__package__) / "ids.json"
    if not shipped.is_file():
        # In a clone the file stays where administrators look for it.
        shipped = Path(__file__).parents[3] / "manifests" / "ids.json"
    ids: Mapping[BrowserFamily, str] = json.loads(shipped.read_text(encoding="utf-8"))
    return ids


def caller(family: BrowserFamily, ids: Mapping[BrowserFamily, str] | None = None) -> str:
    """How a browser of this family names the extension in a manifest; `ids` stand for those of `extension_ids`."""
    extension = (ids or extension_ids())[family]
    return f"chrome-extension://{extension}/" if family == "chromium" else extension


def make(
    family: BrowserFamily, launcher: Path, name: str = HOST_NAME, *, ids: Mapping[BrowserFamily, str] | None = None
) -> dict[str, Any]:
    """A manifest for one browser, never shared between two; raises SetupError for a name that browsers refuse."""
    if not _NAME.fullmatch(name):
        raise SetupError(f"{name!r} cannot be the name of a native host")
    if not launcher.is_absolute():
        raise SetupError(f"the launcher's path must be absolute: {launcher}")
    return {
        "name": name,
        "description": DESCRIPTION,
        "path": str(launcher),
        "type": "stdio",
        _CALLERS[family]: [caller(family, ids)],
    }


def dump(manifest: Mapping[str, Any]) -> str:
    """As it is written to disk."""
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def parse(data: bytes) -> dict[str, Any]:
    """A JSON object with a `path` that is text; raises SetupError, whose words complete "the manifest …"."""
    try:
        manifest = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SetupError(f"is not JSON in UTF-8 ({error})") from error
    if not isinstance(manifest, dict):
        raise SetupError("is not a JSON object")
    if not isinstance(manifest.get("path"), str):
        raise SetupError("names no path")
    return manifest


def callers(manifest: Mapping[str, Any], family: BrowserFamily) -> list[str]:
    """Who may call, as far as it is written as a list of texts."""
    listed = manifest.get(_CALLERS[family])
    return [entry for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []

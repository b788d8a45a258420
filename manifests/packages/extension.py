"""The extension's files, as each store and each self-hosted package holds them.

The folder `extension` serves both families of browsers from one manifest. A package is for one family: what only the
other reads, and would complain of or ignore, is left out. So is `key`, which pins the id of an unpacked extension and
which stores refuse.
"""

import json
from typing import Any, Literal

from manifests.packages.place import EXTENSION, PackageError, version

Family = Literal["chromium", "firefox"]
FAMILIES: tuple[Family, ...] = ("chromium", "firefox")
# Types for the checker, and the drawing that the icons were made from.
_FOR_DEVELOPMENT = (".d.ts", ".svg", ".map", ".md")


def files(family: Family, *, update_url: str | None = None, firefox_id: str | None = None) -> dict[str, bytes]:
    """Every file by its name in the archive.

    `update_url` is where a browser looks for a newer version; without, the store does. `firefox_id` takes the place of
    the extension's own id in Firefox. Raises PackageError.
    """
    found = {
        path.relative_to(EXTENSION).as_posix(): path.read_bytes()
        for path in EXTENSION.rglob("*")
        if path.is_file()
        and not path.name.endswith(_FOR_DEVELOPMENT)
        and not _hidden(path.relative_to(EXTENSION).parts)
    }
    shown = manifest(family, update_url=update_url, firefox_id=firefox_id)
    return found | {"manifest.json": (json.dumps(shown, indent=2, ensure_ascii=False) + "\n").encode("utf-8")}


def manifest(family: Family, *, update_url: str | None = None, firefox_id: str | None = None) -> dict[str, Any]:
    """The manifest for one family of browsers. Raises PackageError where the program has another version."""
    made = source()
    if made["version"] != version():
        raise PackageError(f"the extension is version {made['version']}, the program {version()}")
    del made["key"]
    if family == "chromium":
        del made["browser_specific_settings"], made["background"]["scripts"]
        if update_url is not None:
            made["update_url"] = update_url
    else:
        del made["minimum_chrome_version"], made["background"]["service_worker"]
        gecko = made["browser_specific_settings"]["gecko"]
        if firefox_id is not None:
            gecko["id"] = firefox_id
        if update_url is not None:
            gecko["update_url"] = update_url
    return made


def source() -> dict[str, Any]:
    """The manifest of the folder."""
    made: dict[str, Any] = json.loads((EXTENSION / "manifest.json").read_text(encoding="utf-8"))
    return made


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") for part in parts)

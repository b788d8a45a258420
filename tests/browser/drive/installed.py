"""Which browsers of this machine can run an extension from a folder."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Family = Literal["chromium", "firefox"]
NAMES: Mapping[Family, tuple[str, ...]] = {
    "chromium": ("chromium", "chromium-browser", "ungoogled-chromium"),
    "firefox": ("firefox-esr", "firefox"),
}
# Chrome ignores --load-extension since version 137.
BRANDED = ("google-chrome", "google-chrome-stable", "google-chrome-beta", "google-chrome-unstable")


@dataclass(frozen=True)
class Found:
    """`passed_over`: a line for each browser that is there and cannot be used."""

    executable: str | None
    passed_over: tuple[str, ...] = ()


def find(family: Family, which: Callable[[str], str | None] = shutil.which) -> Found:
    """The first usable browser of a family on PATH."""
    passed_over = []
    for name in NAMES[family]:
        path = which(name)
        if path is None:
            continue
        if _in_sandbox(path):
            passed_over.append(f"{path} is a Snap: it can read neither a throw-away profile nor the host")
            continue
        return Found(path, tuple(passed_over))
    if family == "chromium":
        branded = next(filter(None, map(which, BRANDED)), None)
        if branded:
            passed_over.append(f"{branded} ignores --load-extension since version 137")
    return Found(None, tuple(passed_over))


def _in_sandbox(path: str) -> bool:
    """Whether it is a Snap, or a distribution's script that starts one."""
    if "/snap/" in str(Path(path).resolve()) or Path(path).resolve().name == "snap":
        return True
    with Path(path).open("rb") as file:
        start = file.read(4096)
    return start.startswith(b"#!") and b"/snap/bin/" in start

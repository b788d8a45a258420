"""The clone that packages are made from: its folders, its version, its date."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "extension"
HERE = Path(__file__).parent
_WITHOUT_HISTORY = 1_577_836_800


class PackageError(Exception):
    """A package cannot be made; one line says why."""


def version() -> str:
    """The version of the program and of the extension."""
    text = (ROOT / "host" / "poterne" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'__version__ = "([^"]+)"', text)
    if match is None:
        raise PackageError("host/poterne/__init__.py names no version")
    return match[1]


def epoch() -> int:
    """Seconds since 1970 that every file of every package bears: SOURCE_DATE_EPOCH, else the last commit's date.

    Raises PackageError where the variable is no number.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is not None:
        if not given.isascii() or not given.isdigit():
            raise PackageError("SOURCE_DATE_EPOCH must be a whole number of seconds")
        return int(given)
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        asked = [git, "-C", str(ROOT), "log", "-1", "--format=%ct"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
        if said.returncode == 0 and said.stdout.strip().isdigit():
            return int(said.stdout)
    return _WITHOUT_HISTORY


def run(*command: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Run a tool to its end, and give what it printed; raises PackageError with the end of its complaints."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(  # noqa: S603
            words,
            cwd=cwd,
            env=None if environment is None else {**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise PackageError(f"{words[0]}: {error.strerror or error}") from error
    if done.returncode:
        complaint = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise PackageError(f"{Path(words[0]).name} ended with status {done.returncode}:\n{complaint}")
    return done.stdout

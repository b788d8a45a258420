"""Packages that tests look at: made as `make dist` makes them, with the environment that it makes."""

import os
import subprocess
from pathlib import Path

import pytest

from manifests.packages.place import ROOT

BUNDLER = ROOT / "build" / "venv" / "bin" / "python"
EPOCH = 1_700_000_000


def make(command: str, dist: Path, work: Path, *options: str | Path, **environment: str) -> None:
    """Run one command of `manifests.packages`; skips where its environment is missing."""
    if not (BUNDLER.parent.parent / ".installed").exists():
        pytest.skip("`make test-all` makes build/venv, which packages are made with")
    done = subprocess.run(  # noqa: S603
        [BUNDLER, "-m", "manifests.packages", command, "--dist", dist, "--work", work, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "host", "SOURCE_DATE_EPOCH": str(EPOCH), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def call(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a tool to its end; what it printed."""
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    """The one file of that pattern."""
    (found,) = folder.glob(pattern)
    return found

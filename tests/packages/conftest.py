"""Packages that several tests look at, made once."""

import shutil
from pathlib import Path

import pytest

from .making import make, only


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory, work: Path) -> Path:
    """The Debian package."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb here")
    dist = tmp_path_factory.mktemp("deb")
    make("deb", dist, work)
    return only(dist, "poterne_*.deb")


@pytest.fixture(scope="session")
def bundle(deb: Path, work: Path) -> Path:
    """The folder of the bundle that the Debian package was made of."""
    return work / "bundle" / "made" / "poterne"

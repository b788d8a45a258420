"""The wheel and the sdist, as people install them: by pip, pipx and uv, from a folder and not from a network."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from manifests.packages import place
from manifests.packages.place import ROOT

from .making import BUNDLER, EPOCH, call, make, only

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python")
    make("python", folder, folder / "work")
    return folder


@pytest.fixture(scope="module")
def house(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: Poterne's, what it needs and what its sdist is built with, as the locks pin them."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = (BUNDLER, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--wheel-dir", folder)
    call(*pip, "--require-hashes", "--requirement", ROOT / "requirements-build.lock")
    call(*pip, "--require-hashes", "--no-build-isolation", "--requirement", needed(folder))
    return folder


def needed(folder: Path) -> Path:
    """The lock without what is for development alone."""
    told = call(
        *(BUNDLER, "-c"),
        "from manifests.packages import parts; print(*(part.name for part in parts.of_program()))",
        cwd=ROOT,
    ).split()
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    file = folder / "needed.txt"
    file.write_text("\n".join(entry for entry in entries if entry.partition("==")[0] in told) + "\n")
    return file


def works(poterne: Path, home: Path) -> None:
    """The installed command registers a host that a browser can start."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    assert call(poterne, "--version", env=environment) == f"poterne {place.version()}\n"
    assert "registered" in call(poterne, "install", "--browser", "firefox", env=environment)
    assert ": ok: " in call(poterne, "doctor", "--browser", "firefox", env=environment)


def shows(poterne: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """`poterne demo` on one target, as it ends."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    command = (poterne, "demo", "jane@provider.example")
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture(params=["wheel", "sdist"])
def package(request: pytest.FixtureRequest, made: Path) -> Path:
    return only(made, "*.whl" if request.param == "wheel" else "*.tar.gz")


def offline(tmp_path: Path, **more: str) -> dict[str, str]:
    """No configuration, and no network even if it were tried."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "UV_NO_CONFIG": "1",
        "UV_OFFLINE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        **more,
    }


def test_pip(package: Path, house: Path, tmp_path: Path) -> None:
    call(sys.executable, "-m", "venv", tmp_path / "venv")
    pip = (tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet", "--find-links", house, package)
    call(*pip, env=offline(tmp_path))

    works(tmp_path / "venv/bin/poterne", tmp_path)
    without = shows(tmp_path / "venv/bin/poterne", tmp_path)
    assert (without.returncode, without.stdout) == (3, "")
    assert without.stderr.endswith(": install poterne[demo]\n")

    call(*pip[:-1], f"{package}[demo]", env=offline(tmp_path))
    assert shows(tmp_path / "venv/bin/poterne", tmp_path).returncode == 0


def test_pipx(package: Path, house: Path, tmp_path: Path) -> None:
    there = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    # Its other way, by pip, would first fetch the newest pip.
    there |= {"PIPX_DEFAULT_BACKEND": "uv", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    there |= {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(house), "UV_CACHE_DIR": str(tmp_path / "cache")}
    call(BUNDLER, "-m", "pipx", "install", "--python", sys.executable, package, env=offline(tmp_path, **there))

    works(tmp_path / "bin/poterne", tmp_path)
    assert (tmp_path / "bin/poterne-host").exists()


def test_uv(package: Path, house: Path, tmp_path: Path) -> None:
    there = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    there |= {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(house), "UV_CACHE_DIR": str(tmp_path / "cache")}
    uv = Path(sys.executable).with_name("uv")
    call(uv, "tool", "install", "--python", sys.executable, package, env=offline(tmp_path, **there))

    works(tmp_path / "bin/poterne", tmp_path)


def test_the_same_source_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    make("python", tmp_path / "dist", tmp_path / "work", TZ="Pacific/Auckland")

    for pattern in ("*.whl", "*.tar.gz"):
        assert only(tmp_path / "dist", pattern).read_bytes() == only(made, pattern).read_bytes()


def test_a_wheel_built_of_the_sdist_is_the_wheel(made: Path, tmp_path: Path) -> None:
    with tarfile.open(only(made, "*.tar.gz")) as sdist:
        sdist.extractall(tmp_path, filter="data")
    call(
        *(BUNDLER, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / "dist"),
        cwd=only(tmp_path, "poterne-*"),
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
    )

    built, direct = (zipfile.ZipFile(only(folder, "*.whl")) for folder in (tmp_path / "dist", made))
    with built, direct:
        assert built.namelist() == direct.namelist()
        assert all(built.read(name) == direct.read(name) for name in direct.namelist())

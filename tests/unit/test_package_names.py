"""Nobody is told to type a name that is not registered to this project: whoever registers it decides what runs."""

import re
import subprocess
from pathlib import Path

import pytest

from poterne.knowledge import installer

ROOT = Path(__file__).parents[2]
# A tool that fetches from an index, what it is to do, options with or without a value, and the bare name, with or
# without a version. `pipx install .`, `./dist/poterne_*.deb` and `apt purge poterne` fetch nothing by that name.
TOOLS = (
    "pipx|pip3?|uv tool|uv pip|uv|uvx|conda|mamba|apt|apt-get|aptitude|dnf|yum|zypper|pacman|apk|brew|port|snap|flatpak"
    "|winget|choco|scoop|npm|npx|pnpm|yarn|cargo|gem|nix-env"
)
VERBS = "install|upgrade|reinstall|run|add|update|-S|exec|inject|i"
FETCHED = re.compile(
    rf"(?<![\w./-])(?:(?:{TOOLS})\s+(?:-{{1,2}}[\w-]+(?:[= ][\w.:/-]+)?\s+)*(?:{VERBS})|uvx|npx|pipx\s+run)"
    rf"\s+(?:-{{1,2}}[\w-]+(?:=\S+)?\s+)*[\"']?poterne(?![\w./-]|\s*\()",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    "text",
    [
        "pipx install poterne",
        "pipx upgrade poterne",
        "pipx reinstall poterne && poterne install",
        "python -m pip install --user poterne",
        "pip install -U 'poterne[all]==1.0'",
        "uvx poterne check example.org",
        "uv tool install poterne",
        "sudo apt install poterne",
        "apt-get install -y poterne",
        "brew install poterne",
        "winget install poterne",
        "npm install -g poterne",
        "pipx run poterne",
    ],
)
def test_what_fetches_by_name_is_recognised(text: str) -> None:
    assert FETCHED.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "pipx install .",
        "sudo apt install ./dist/poterne_*.deb",
        "sudo apt purge poterne",
        "poterne install --browser firefox",
        "pip install ./dist/poterne-0.1.0-py3-none-any.whl",
        "pip install .\npoterne install",
    ],
)
def test_what_fetches_nothing_by_name_is_not(text: str) -> None:
    assert not FETCHED.search(text.partition("\n")[0])


def tracked() -> list[Path]:
    """The files of the repository; none where this is no clone."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a clone: nobody tells which files are the project's")
    return [ROOT / name for name in listed.decode().split("\0") if name]


def test_no_file_tells_anybody_to_fetch_a_package_of_this_name() -> None:
    found = []
    for path in tracked():
        if path == Path(__file__) or not path.is_file():
            continue
        # Where a line was broken, the command goes on.
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]!r}" for match in FETCHED.finditer(text)]
    assert found == []


def test_the_commands_of_a_release_stand_in_one_place() -> None:
    table = installer.table()
    assert set(table.install) == set(table.upgrade) == {"linux", "darwin", "win32"}
    assert not any("\n" in line for line in (*table.install.values(), *table.upgrade.values()))

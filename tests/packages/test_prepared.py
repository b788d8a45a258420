"""What is run elsewhere, or by tools alone, can at least be read."""

import shutil
import subprocess
from pathlib import Path

import pytest

from manifests.packages.place import HERE, ROOT

ELSEWHERE = sorted((HERE / "elsewhere").iterdir())


def test_the_recipe_of_the_bundle_is_python() -> None:
    recipe = HERE / "pyinstaller" / "poterne.spec"
    compile(recipe.read_text(encoding="utf-8"), recipe, "exec")


@pytest.mark.parametrize("script", [path for path in ELSEWHERE if path.suffix == ".sh"], ids=lambda path: path.name)
def test_a_script_is_shell(script: Path) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("script", ELSEWHERE, ids=lambda path: path.name)
def test_what_was_not_run_is_named_as_such(script: Path) -> None:
    told = (ROOT / "docs" / "packaging.md").read_text(encoding="utf-8")
    assert script.relative_to(ROOT).as_posix() in told.partition("**not run yet**")[2]

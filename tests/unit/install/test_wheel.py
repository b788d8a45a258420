import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_wheel_holds_every_module_and_data_file(tmp_path: Path) -> None:
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    (wheel,) = tmp_path.glob("poterne-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = ROOT / "host" / "poterne"
    written = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {f"poterne/{path.relative_to(package).as_posix()}" for path in written} <= names
    locales = ROOT / "extension" / "_locales"
    assert {f"poterne/_locales/{path.relative_to(locales).as_posix()}" for path in locales.glob("*/*.json")} <= names
    assert {"poterne/py.typed", "poterne/install/ids.json", "poterne/_locales/en/messages.json"} <= names

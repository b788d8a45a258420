"""What the bundle is made of: Python packages of the lock, Python itself, and libraries of the system that made it."""

import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from manifests.packages.place import ROOT, PackageError

_LIBRARIES = ("lib", "lib/*-linux-gnu", "usr/lib", "usr/lib/*-linux-gnu")
_LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)


Kind = Literal["python-package", "python", "bootloader", "library"]


@dataclass(frozen=True)
class Part:
    """One component. `needs` names others; `licence` is an SPDX expression, or what its makers call it."""

    kind: Kind
    name: str
    version: str
    licence: str | None
    texts: Sequence[str]
    needs: Sequence[str] = ()
    hashes: Sequence[str] = ()
    purl: str | None = None


def of_program() -> list[Part]:
    """The Python packages that the program needs on this platform, by name. Raises PackageError."""
    return [_package(name) for name in sorted(_closure())]


def of_bundle(made: Path) -> list[Part]:
    """Those, this Python, and each library of the system that lies in the bundle. Raises PackageError."""
    return [*of_program(), _python(), _bootloader(), *_libraries(made)]


def licences(found: Iterable[Part]) -> str:
    """Every part with its licence, as text."""
    chapters = []
    for part in found:
        title = f"{part.name} {part.version}" + (f" ({part.licence})" if part.licence else "")
        chapters.append("\n\n".join([f"{'=' * len(title)}\n{title}\n{'=' * len(title)}", *part.texts]))
    return "\n\n\n".join(chapters) + "\n"


def direct() -> list[str]:
    """The names that pyproject.toml asks for on this platform, for the demonstration too."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["demo"]]
    return sorted(_name(requirement.name) for requirement in map(Requirement, asked) if _applies(requirement))


@cache
def _closure() -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    waiting = direct()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError as error:
            raise PackageError(f"{name} is not installed here") from error
        waiting += _needs(found[name])
    return found


def _needs(held: Distribution) -> list[str]:
    requirements = map(Requirement, held.requires or ())
    return sorted({_name(requirement.name) for requirement in requirements if _applies(requirement)})


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _package(name: str) -> Part:
    held = _closure()[name]
    return _described("python-package", name, held, _needs(held), _locked(name, held.version, "requirements.lock"))


def _bootloader() -> Part:
    """What starts Python in the bundle is PyInstaller's."""
    held = distribution("pyinstaller")
    return _described(
        "bootloader", "pyinstaller", held, (), _locked("pyinstaller", held.version, "requirements-bundle.lock")
    )


def _described(kind: Kind, name: str, held: Distribution, needs: Sequence[str], hashes: Sequence[str]) -> Part:
    texts = [
        path.read_text()
        for path in sorted(held.files or (), key=str)
        if _LICENCE_FILE.match(path.name) and ".dist-info" in str(path) and Path(path.locate()).is_file()
    ]
    told = (_told(held, "License-Expression"), _classified(held), _told(held, "License"))
    licence = next((line for line in told if line), None)
    return Part(kind, name, held.version, licence, texts, needs, hashes, f"pkg:pypi/{name}@{held.version}")


def _told(held: Distribution, field: str) -> str | None:
    value = "".join(held.metadata.get_all(field) or ()).strip()
    return value.splitlines()[0] if value else None


def _classified(held: Distribution) -> str | None:
    told = [
        line.rpartition(" :: ")[2]
        for line in held.metadata.get_all("Classifier") or ()
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    return ", ".join(told) or None


def _locked(name: str, version: str, file: str) -> list[str]:
    """The hashes of a lock for a package; raises PackageError where this very version is not in it."""
    lock = (ROOT / file).read_text(encoding="utf-8")
    entry = re.search(rf"^{re.escape(name)}=={re.escape(version)}\b[^\n]*\n((?:    --hash=\S+[^\n]*\n?)+)", lock, re.M)
    if entry is None:
        raise PackageError(f"{name} {version} is not in {file}")
    return re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry[1])


def _python() -> Part:
    version = platform.python_version()
    texts: list[str] = []
    for folder in (Path(sys.base_prefix), Path(f"/usr/share/doc/python{version.rpartition('.')[0]}")):
        for name in (f"lib/python{version.rpartition('.')[0]}/LICENSE.txt", "LICENSE.txt", "copyright"):
            if not texts and (folder / name).is_file():
                texts.append((folder / name).read_text(encoding="utf-8"))
    return Part("python", "python", version, "PSF-2.0", texts, purl=f"pkg:generic/python@{version}")


def _libraries(made: Path) -> list[Part]:
    """The packages, as dpkg knows them, of the shared libraries that lie at the top of the bundle."""
    dpkg = shutil.which("dpkg-query")
    found: dict[str, Part] = {}
    for library in sorted((made / "_internal").glob("lib*.so*")):
        if library.name.startswith("libpython"):
            continue
        part = (_debian(dpkg, library.name) if dpkg else None) or Part("library", library.name, "unknown", None, ())
        found.setdefault(part.name, part)
    return list(found.values())


def _debian(dpkg: str, library: str) -> Part | None:
    here = [path for base in _LIBRARIES for path in Path("/").glob(f"{base}/{library}")]
    for path in dict.fromkeys(str(spelt) for found in here for spelt in (found, found.resolve())):
        owner = _ask(dpkg, "--search", path).partition(":")[0]
        if owner:
            shown = _ask(dpkg, "--show", "--showformat", "${Version} ${Architecture}\n", owner)
            version, architecture = shown.split()[:2]
            notice = Path(f"/usr/share/doc/{owner}/copyright")
            texts = [notice.read_text(encoding="utf-8")] if notice.is_file() else []
            purl = f"pkg:deb/debian/{owner}@{version.replace('+', '%2B')}?arch={architecture}"
            return Part("library", owner, version, None, texts, purl=purl)
    return None


def _ask(*command: str) -> str:
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return asked.stdout if asked.returncode == 0 else ""

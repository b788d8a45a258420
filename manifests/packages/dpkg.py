"""The Debian package: the bundle, and what registers it with every browser of the machine. dpkg-deb writes it.

Nothing runs at installation, and nothing is made when the program runs: what dpkg unpacked, dpkg takes away.
"""

import gzip
import hashlib
import os
import re
import shutil
import textwrap
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

from manifests.packages import frozen, manual, parts, place
from manifests.packages.place import HERE, ROOT, PackageError
from poterne.install import browsers, manifest
from poterne.install.browsers import BrowserFamily

DATA = HERE / "debian"
HOME = Path("usr/lib/poterne")
SHARED = Path("usr/share/poterne")
DOCUMENTS = Path("usr/share/doc/poterne")
POLICY = Path("etc/poterne/policy.toml")
SCRIPTS = ("prerm", "postrm")
_GLIBC = re.compile(rb"GLIBC_(\d+(?:\.\d+)+)\0")
_MAINTAINER = "The Poterne authors <poterne@poterne.org>"
_WIDTH = 79
# Whole licences that every Debian system has.
_COMMON = {
    "Apache-2.0": re.compile(
        r"^ *Apache License\n *Version 2\.0, January 2004\n.*?END OF TERMS AND CONDITIONS\n"
        r"(\s*APPENDIX: .*?limitations under the License\.\n)?",
        re.M | re.S,
    ),
    "GPL-2": re.compile(
        r"^\s*GNU GENERAL PUBLIC LICENSE\s+Version 2, June 1991\n.*?END OF TERMS AND CONDITIONS\n", re.M | re.S
    ),
}


def make(dist: Path, work: Path, epoch: int, ids: Path | None) -> Path:
    """The package, made of a bundle that is built for it; `ids` as for the bundle. Raises PackageError."""
    bundle = frozen.build(work, epoch, ids)
    root = work.resolve() / "deb"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(bundle, root / HOME)
    _fill(root, bundle, epoch, ids)
    conffiles = [path for path in sorted((root / "etc").rglob("*")) if path.is_file() and not path.is_symlink()]
    architecture = place.run("dpkg", "--print-architecture").strip()
    values = {
        "VERSION": place.version(),
        "ARCHITECTURE": architecture,
        "MAINTAINER": _maintainer(),
        "SIZE": str(_kibibytes(root)),
        "GLIBC": _glibc(root / HOME),
    }
    sums = {path.relative_to(root): hashlib.md5(path.read_bytes()) for path in _regular(root)}  # noqa: S324
    _write(root / "DEBIAN/control", _filled("control", values))
    _write(root / "DEBIAN/conffiles", "".join(f"/{path.relative_to(root)}\n" for path in conffiles))
    _write(root / "DEBIAN/md5sums", "".join(f"{digest.hexdigest()}  {path}\n" for path, digest in sums.items()))
    for script in SCRIPTS:
        _write(root / "DEBIAN" / script, (DATA / script).read_text(encoding="utf-8"))
    _settle(root, epoch)
    dist.mkdir(parents=True, exist_ok=True)
    target = dist / f"poterne_{place.version()}_{architecture}.deb"
    # Several threads cut the archive in as many pieces.
    place.run(
        *("dpkg-deb", "--root-owner-group", "-Zxz", "--threads-max=1", "--build", root, target),
        environment={"SOURCE_DATE_EPOCH": str(epoch)},
    )
    print(target)
    return target


def registrations() -> dict[Path, BrowserFamily]:
    """Each place below / in which a browser of the table looks for its manifest, with its family."""
    return {
        Path(folder.lstrip("/")) / f"{browsers.HOST_NAME}.json": browser.family
        for browser in browsers.table().values()
        for folder in browser.system.get("linux", ())
        # Debian has no such folders.
        if not folder.startswith("?")
    }


def _registration(family: BrowserFamily, ids: Mapping[BrowserFamily, str] | None) -> str:
    return manifest.dump(manifest.make(family, Path("/") / HOME / "poterne-host", ids=ids))


def _fill(root: Path, bundle: Path, epoch: int, ids: Path | None) -> None:
    from manifests.packages import sbom

    known = None if ids is None else frozen.read_ids(ids)
    placed = registrations()
    for program in frozen.PROGRAMS:
        _link(root / "usr/bin" / program, Path("..") / HOME.relative_to("usr") / program)
    for family in set(placed.values()):
        _write(root / SHARED / "native-messaging-hosts" / f"{family}.json", _registration(family, known))
    for path, family in placed.items():
        # A file in /etc would outlive the package until it is purged, and name a program that is gone.
        shown = SHARED / "native-messaging-hosts" / f"{family}.json"
        # Debian policy 10.5: relative below one top-level directory, absolute beyond it.
        inside = path.parts[0] == shown.parts[0]
        _link(root / path, Path(os.path.relpath(shown, path.parent)) if inside else Path("/") / shown)
    _write(root / POLICY, (DATA / "policy.toml").read_text(encoding="utf-8"))
    _write(root / "usr/share/lintian/overrides/poterne", (DATA / "lintian-overrides").read_text(encoding="utf-8"))
    _write(root / DOCUMENTS / "copyright", _copyright(bundle))
    _write(root / DOCUMENTS / "poterne.cdx.json", sbom.make(epoch, bundle).decode("utf-8"))
    _compressed(root / DOCUMENTS / "changelog.gz", _changelog(epoch))
    for page in ("poterne.1", "poterne-host.1"):
        _compressed(root / "usr/share/man/man1" / f"{page}.gz", _filled(page, manual.values(epoch, placed)))


def _changelog(epoch: int) -> str:
    """Debian's form, of what the project's changelog says of this version, or of what is to come."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    chapters = {
        match[1]: match[2] for match in re.finditer(r"^## \[([^\]]+)\][^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    }
    chapter = chapters.get(place.version(), chapters.get("Unreleased", ""))
    entries = re.findall(r"^- (.*?)(?=^- |^#|\Z)", chapter, re.M | re.S)
    lines = [
        textwrap.fill(" ".join(entry.replace("`", "").split()), _WIDTH, initial_indent="  * ", subsequent_indent="    ")
        for entry in entries
    ]
    body = "\n".join(lines or ["  * New version."])
    date = formatdate(epoch, localtime=False).replace("-0000", "+0000")
    return f"poterne ({place.version()}) stable; urgency=medium\n\n{body}\n\n -- {_maintainer()}  {date}\n"


def _copyright(bundle: Path) -> str:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8").strip()
    told = parts.licences(parts.of_bundle(bundle)).strip()
    for name, whole in _COMMON.items():
        told = whole.sub(f"\nThe text is in /usr/share/common-licenses/{name}.\n", told)
    return _filled("copyright", {"LICENCE": licence, "PARTS": told})


def _maintainer() -> str:
    name, address = os.environ.get("DEBFULLNAME"), os.environ.get("DEBEMAIL")
    return f"{name} <{address}>" if name and address else _MAINTAINER


def _glibc(folder: Path) -> str:
    """The newest version of the C library whose symbols any file wants."""
    wanted = {
        tuple(map(int, version.split(b".")))
        for path in _regular(folder)
        if (data := path.read_bytes()).startswith(b"\x7fELF")
        for version in _GLIBC.findall(data)
    }
    return ".".join(map(str, max(wanted)))


def _kibibytes(root: Path) -> int:
    """As Debian counts: each file rounded up, one for everything else."""
    return sum(1 if path.is_symlink() or path.is_dir() else -(-path.stat().st_size // 1024) for path in root.rglob("*"))


def _regular(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())


def _settle(root: Path, epoch: int) -> None:
    """One date and Debian's modes for everything, whatever the umask was."""
    programs = {
        *(root / "DEBIAN" / script for script in SCRIPTS),
        *(root / HOME / program for program in frozen.PROGRAMS),
    }
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path in programs
            path.chmod(0o755 if executable else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _filled(name: str, values: Mapping[str, str]) -> str:
    text = (DATA / name).read_text(encoding="utf-8")
    filled = re.sub(r"@([A-Z]+)@", lambda match: values.get(match[1], match[0]), text)
    if left := re.search(r"@[A-Z]+@", filled):
        raise PackageError(f"{name}: nothing is known of {left[0]}")
    return filled


def _compressed(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode("utf-8"), 9, mtime=0))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)

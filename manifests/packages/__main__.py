"""`python -m manifests.packages COMMAND`: what the Makefile calls. See docs/packaging.md."""

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from manifests.packages import archive, extension, place, selfhosted
from manifests.packages.place import ROOT, PackageError

DIST = ROOT / "dist"
KEY = ROOT / ".keys" / "extension.pem"
SELF_HOSTED = "self-hosted"
SUMS = "SHA256SUMS"


def zips(args: argparse.Namespace) -> None:
    """The two archives for the stores."""
    epoch = place.epoch()
    name = f"poterne-{place.version()}"
    _write(
        args.dist,
        {f"{name}-{family}.zip": archive.pack(extension.files(family), epoch) for family in extension.FAMILIES},
    )


def self_hosted(args: argparse.Namespace) -> None:
    """The packages that an administrator serves."""
    if args.base_url is None:
        raise PackageError("say where the packages will be served: BASE_URL=https://…")
    made = selfhosted.make(
        args.base_url, args.key, place.epoch(), firefox_id=args.firefox_id, signed_xpi=args.signed_xpi
    )
    _write(args.dist / SELF_HOSTED, made)


def python(args: argparse.Namespace) -> None:
    """The wheel, and the source that it is made from."""
    args.dist.mkdir(parents=True, exist_ok=True)
    command = (sys.executable, "-m", "hatchling", "build", "--directory", args.dist.resolve())
    place.run(*command, cwd=ROOT, environment={"SOURCE_DATE_EPOCH": str(place.epoch())})


def bundle(args: argparse.Namespace) -> None:
    """The program with its own Python."""
    from manifests.packages import frozen

    frozen.archive(args.dist, args.work, place.epoch(), args.ids)


def debian_package(args: argparse.Namespace) -> None:
    """The Debian package."""
    from manifests.packages import dpkg

    dpkg.make(args.dist, args.work, place.epoch(), args.ids)


def materials(args: argparse.Namespace) -> None:
    """The bill of materials."""
    from manifests.packages import sbom

    _write(args.dist, {f"poterne-{place.version()}.cdx.json": sbom.make(place.epoch())})


def everything(args: argparse.Namespace) -> None:
    """All of it; the ids of the administrator's key, where there is one, go into the programs."""
    zips(args)
    if args.base_url is None:
        sys.stderr.write("packages: no BASE_URL=https://…, hence no packages to serve from a web server of your own\n")
    else:
        self_hosted(args)
        args.ids = args.ids or args.dist / SELF_HOSTED / "ids.json"
    for make in (python, materials, bundle, debian_package):
        make(args)
    sums = {
        path.relative_to(args.dist).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(args.dist.rglob("*"))
        if path.is_file() and path.name != SUMS
    }
    _write(args.dist, {SUMS: "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()})


COMMANDS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "zips": zips,
    "self-hosted": self_hosted,
    "python": python,
    "bundle": bundle,
    "deb": debian_package,
    "sbom": materials,
    "dist": everything,
}


def main() -> int:
    """Make what is asked for; 1, and one line on standard error, where it cannot be made."""
    parser = argparse.ArgumentParser(prog="packages", description="Makes what is handed out.", allow_abbrev=False)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--dist", type=Path, default=DIST, help="the folder to write to (default: %(default)s)")
    parser.add_argument("--work", type=Path, default=ROOT / "build", help="a folder for what is made on the way")
    parser.add_argument("--base-url", metavar="URL", help="where the self-hosted packages will be served")
    parser.add_argument("--key", type=Path, default=KEY, help="the administrator's key; made where there is none")
    parser.add_argument("--firefox-id", metavar="ID", help="the extension's id in Firefox, if it is to be your own")
    parser.add_argument("--signed-xpi", type=Path, metavar="FILE", help="the XPI as Mozilla signed it")
    parser.add_argument(
        "--ids", type=Path, metavar="FILE", help="whom the program lets call (default: manifests/ids.json)"
    )
    args = parser.parse_args()
    try:
        COMMANDS[args.command](args)
    except PackageError as error:
        sys.stderr.write(f"packages: {error}\n")
        return 1
    return 0


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
            sys.stdout.write(f"{folder / name}\n")
    except OSError as error:
        raise PackageError(f"{error.filename}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(main())

"""A minimal Debian of its own, in a folder: made by debootstrap, entered without a network."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from .making import call

NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--net", "--ipc", "--kill-child")
# dpkg's own memory and logs: that a package was there is no part of the package.
RECORDS = ("var/lib/dpkg", "var/log", "var/cache", "etc/ld.so.cache")
_TARGETS = "$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)"
# Loopback is down in a new network namespace.
_ENTER = 'mount -t proc proc "$0/proc" && ip link set lo up && exec chroot "$@"'
USER = 1000


def mirror() -> tuple[str, str] | None:
    """(the address of this machine's Debian mirror, the release's name), as apt was told."""
    told = call("apt-get", "indextargets", "--format", _TARGETS, "Created-By: Packages")
    for line in told.splitlines():
        origin, release, component, address = line.split("|", 3)
        if (origin, component) == ("Debian", "main") and re.fullmatch(r"[a-z]+", release):
            return address, release
    return None


class Root:
    """A root folder of Debian."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def bootstrap(cls, folder: Path, address: str, release: str) -> "Root":
        """minbase, which has no Python, and the authorities' certificates."""
        call("debootstrap", "--variant=minbase", "--include=ca-certificates", release, folder, address)
        (folder / "etc" / "resolv.conf").unlink(missing_ok=True)
        return cls(folder)

    def copy(self, folder: Path) -> "Root":
        call("cp", "--archive", "--reflink=auto", self.folder, folder)
        return Root(folder)

    def run(
        self, *command: str, user: int = 0, home: str = "/root", given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command in it, without a network, as root or as a user without rights."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LC_ALL": "C.UTF-8"}
        return subprocess.run(  # noqa: S603
            [*NAMESPACES, "sh", "-c", _ENTER, self.folder, f"--userspec={user}:{user}", self.folder, *command],
            env={**environment, "DEBIAN_FRONTEND": "noninteractive"},
            input=given,
            capture_output=True,
            timeout=120,
            check=False,
        )

    def must(self, *command: str, **options: int | str) -> str:
        """The same; fails where the command does."""
        done = self.run(*command, **options)  # type: ignore[arg-type]
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout.decode()

    def take(self, package: Path) -> str:
        """Bring a package in; its path inside."""
        shutil.copy(package, self.folder / "tmp" / package.name)
        return f"/tmp/{package.name}"  # noqa: S108

    def leave(self, path: str) -> None:
        (self.folder / path.lstrip("/")).unlink()

    def contents(self) -> Mapping[str, tuple[object, ...]]:
        """Everything that lies there, by path, with what it is; but for dpkg's memory."""
        return dict(self._walk())

    def named(self, word: str) -> set[str]:
        """Every path that bears the word, but for dpkg's memory."""
        return {path for path in self.contents() if word in path.lower()}

    def _walk(self) -> Iterator[tuple[str, tuple[object, ...]]]:
        for base, folders, files in os.walk(self.folder):
            for name in (*folders, *files):
                path = Path(base) / name
                inside = path.relative_to(self.folder).as_posix()
                if inside.startswith((*RECORDS, "proc/", "tmp/")):
                    continue
                status = path.lstat()
                mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid
                held = ""
                if path.is_symlink():
                    held = str(path.readlink())
                elif path.is_file():
                    held = hashlib.sha256(path.read_bytes()).hexdigest()
                yield inside, (*mode, held)

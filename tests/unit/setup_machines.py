"""Machines to set up that are not this one: a temporary home, a temporary root, a registry in memory."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poterne.install.machine import Machine, Platform
from poterne.install.registry import Hive, View


@dataclass
class MemoryRegistry:
    """`keys` holds what 64-bit programs see, `keys_32` what 32-bit ones see of the machine's hive."""

    keys: dict[tuple[Hive, str], str] = field(default_factory=dict)
    keys_32: dict[tuple[Hive, str], str] = field(default_factory=dict)
    named: dict[tuple[Hive, str], dict[str, str | int]] = field(default_factory=dict)

    def _of(self, hive: Hive, view: View) -> dict[tuple[Hive, str], str]:
        return self.keys_32 if view == 32 and hive == "HKEY_LOCAL_MACHINE" else self.keys

    def read(self, hive: Hive, key: str, view: View = 64) -> str | None:
        return self._of(hive, view).get((hive, key))

    def write(self, hive: Hive, key: str, value: str, view: View = 64) -> None:
        self._of(hive, view)[hive, key] = value

    def delete(self, hive: Hive, key: str, view: View = 64) -> None:
        self._of(hive, view).pop((hive, key), None)

    def values(self, hive: Hive, key: str) -> Mapping[str, str | int]:
        return self.named.get((hive, key), {})

    def children(self, hive: Hive, key: str) -> Sequence[str]:
        below = [path.removeprefix(f"{key}\\") for at, path in self.named if at == hive and path.startswith(f"{key}\\")]
        return list(dict.fromkeys(path.partition("\\")[0] for path in below))


def machine(tmp_path: Path, platform: Platform = "linux", **environ: str) -> Machine:
    home = tmp_path / "home"
    (tmp_path / "root").mkdir(exist_ok=True)
    (tmp_path / "bin").mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    command = tmp_path / "bin" / "poterne"
    if not command.is_symlink():
        command.symlink_to(Path(sys.executable).parent / "poterne")
    variables = {"HOME": str(home), "PATH": str(tmp_path / "bin")}
    if platform == "win32":
        variables = {
            "USERPROFILE": str(home),
            "LOCALAPPDATA": str(home / "AppData" / "Local"),
            "ProgramFiles": str(tmp_path / "root" / "Program Files"),
        }
    registry = MemoryRegistry() if platform == "win32" else None
    return Machine(platform, {**variables, **environ}, sys.executable, registry, root=tmp_path / "root")


def tree(directory: Path) -> dict[str, bytes | None]:
    """Everything below a directory: a file's bytes, `None` for a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
        for path in sorted(directory.rglob("*"))
    }

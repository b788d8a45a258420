"""Machines to set up that are not this one: a temporary home, a temporary root, a registry in memory."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from poterne.setup.machine import Hive, Machine, Platform


@dataclass
class MemoryRegistry:
    keys: dict[tuple[Hive, str], str] = field(default_factory=dict)

    def read(self, hive: Hive, key: str) -> str | None:
        return self.keys.get((hive, key))

    def write(self, hive: Hive, key: str, value: str) -> None:
        self.keys[hive, key] = value

    def delete(self, hive: Hive, key: str) -> None:
        self.keys.pop((hive, key), None)


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

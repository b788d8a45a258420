"""The machine that is being set up: its platform, its environment, its registry."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from poterne.errors import SetupError
from poterne.install.registry import Hive, Registry

Platform = Literal["linux", "darwin", "win32"]
Level = Literal["user", "system"]
HIVES: Mapping[Level, Hive] = {"user": "HKEY_CURRENT_USER", "system": "HKEY_LOCAL_MACHINE"}
_PLATFORMS: Mapping[str, Platform] = {"linux": "linux", "darwin": "darwin", "win32": "win32"}


@dataclass(frozen=True)
class Machine:
    """What decides where things go. `root` is what absolute paths of the system start from. `bundled`: the program of a
    self-contained Poterne that browsers start, which needs no interpreter.
    """

    platform: Platform
    environ: Mapping[str, str]
    executable: str
    registry: Registry | None = None
    root: Path = field(default_factory=lambda: Path("/"))
    bundled: Path | None = None

    @classmethod
    def this(cls) -> "Machine":
        """The machine that this runs on, as it is now; raises SetupError on a platform without a browser table."""
        if sys.platform not in _PLATFORMS:
            raise SetupError(f"no browser's places are known on {sys.platform}")
        registry = None
        if sys.platform == "win32":
            from poterne.install.winregistry import WindowsRegistry

            registry = WindowsRegistry()
        bundled = None
        if getattr(sys, "frozen", False):
            program = Path(sys.executable)
            bundled = program.with_name(f"poterne-host{program.suffix}")
        return cls(_PLATFORMS[sys.platform], dict(os.environ), sys.executable, registry, bundled=bundled)

    def place(self, template: str) -> Path:
        """The path that a place of the table means here and now.

        `{config}` and `{data}` are XDG_CONFIG_HOME and XDG_DATA_HOME or their defaults, `{support}` macOS's Application
        Support, `{local}`, `{roaming}` and `{programs}` Windows' LocalAppData, AppData and ProgramFiles.
        """
        for name, base in self._bases().items():
            if template.startswith(f"{{{name}}}"):
                return base() / template.removeprefix(f"{{{name}}}").lstrip("/")
        return self.root / template.lstrip("/")

    def home(self) -> Path:
        """The user's home directory; raises SetupError where it cannot be known."""
        variable = "USERPROFILE" if self.platform == "win32" else "HOME"
        if home := self.environ.get(variable):
            return Path(home)
        try:
            return Path.home()
        except RuntimeError as error:
            raise SetupError(f"no home directory: {variable} is not set") from error

    def _bases(self) -> Mapping[str, "_Base"]:
        home = self.home
        return {
            "home": home,
            "config": lambda: self._directory("XDG_CONFIG_HOME", home() / ".config"),
            "data": lambda: self._directory("XDG_DATA_HOME", home() / ".local" / "share"),
            "support": lambda: home() / "Library" / "Application Support",
            "local": lambda: self._directory("LOCALAPPDATA", home() / "AppData" / "Local"),
            "roaming": lambda: self._directory("APPDATA", home() / "AppData" / "Roaming"),
            "programs": lambda: self._directory("ProgramFiles", Path("C:/Program Files")),
        }

    def _directory(self, variable: str, default: Path) -> Path:
        # The XDG base directory specification has relative paths ignored.
        value = self.environ.get(variable, "")
        return Path(value) if Path(value).is_absolute() else default


class _Base(Protocol):
    def __call__(self) -> Path: ...

"""The registry of Windows."""

import sys
from collections.abc import Mapping, Sequence

from poterne.install.registry import Hive, View

if sys.platform == "win32":
    import winreg

    _VIEWS = {32: winreg.KEY_WOW64_32KEY, 64: winreg.KEY_WOW64_64KEY}

    # nativemessaging.install.create_reg_key knows HKEY_CURRENT_USER only, and delete_reg_key leaves the key behind.
    class WindowsRegistry:
        """`poterne.install.registry.Registry` on winreg."""

        def read(self, hive: Hive, key: str, view: View = 64) -> str | None:
            try:
                with winreg.OpenKey(getattr(winreg, hive), key, 0, winreg.KEY_READ | _VIEWS[view]) as opened:
                    value, kind = winreg.QueryValueEx(opened, "")
            except FileNotFoundError:
                return None
            return value if kind == winreg.REG_SZ else None

        def write(self, hive: Hive, key: str, value: str, view: View = 64) -> None:
            with winreg.CreateKeyEx(getattr(winreg, hive), key, 0, winreg.KEY_WRITE | _VIEWS[view]) as opened:
                winreg.SetValueEx(opened, "", 0, winreg.REG_SZ, value)

        def delete(self, hive: Hive, key: str, view: View = 64) -> None:
            try:
                winreg.DeleteKeyEx(getattr(winreg, hive), key, _VIEWS[view])
            except FileNotFoundError:
                return

        def values(self, hive: Hive, key: str) -> Mapping[str, str | int]:
            try:
                with winreg.OpenKey(getattr(winreg, hive), key, 0, winreg.KEY_READ | _VIEWS[64]) as opened:
                    _, number, _ = winreg.QueryInfoKey(opened)
                    found = [winreg.EnumValue(opened, index) for index in range(number)]
            except FileNotFoundError:
                return {}
            return {name: value for name, value, _ in found if name and isinstance(value, str | int)}

        def children(self, hive: Hive, key: str) -> Sequence[str]:
            try:
                with winreg.OpenKey(getattr(winreg, hive), key, 0, winreg.KEY_READ | _VIEWS[64]) as opened:
                    number, _, _ = winreg.QueryInfoKey(opened)
                    return [winreg.EnumKey(opened, index) for index in range(number)]
            except FileNotFoundError:
                return []

else:

    class WindowsRegistry:
        """There is no registry here."""

        def __init__(self) -> None:
            raise NotImplementedError("only Windows has a registry")

"""The registry of Windows."""

import sys

from poterne.setup.machine import Hive

if sys.platform == "win32":
    import winreg

    # nativemessaging.install.create_reg_key knows HKEY_CURRENT_USER only, and delete_reg_key leaves the key behind.
    class WindowsRegistry:
        """`poterne.setup.machine.Registry` on winreg."""

        def read(self, hive: Hive, key: str) -> str | None:
            try:
                with winreg.OpenKey(getattr(winreg, hive), key, 0, winreg.KEY_READ) as opened:
                    value, kind = winreg.QueryValueEx(opened, "")
            except FileNotFoundError:
                return None
            return value if kind == winreg.REG_SZ else None

        def write(self, hive: Hive, key: str, value: str) -> None:
            with winreg.CreateKeyEx(getattr(winreg, hive), key, 0, winreg.KEY_WRITE) as opened:
                winreg.SetValueEx(opened, "", 0, winreg.REG_SZ, value)

        def delete(self, hive: Hive, key: str) -> None:
            try:
                winreg.DeleteKey(getattr(winreg, hive), key)
            except FileNotFoundError:
                return

else:

    class WindowsRegistry:
        """There is no registry here."""

        def __init__(self) -> None:
            raise NotImplementedError("only Windows has a registry")

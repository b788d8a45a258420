"""Where Windows keeps what belongs to the whole machine, whatever the environment of a user says."""

import errno
import re
import sys
from pathlib import Path, PureWindowsPath

if sys.platform == "win32":

    def program_data() -> Path:
        """%ProgramData% as the machine's registry has it; raises OSError. A user can set that variable, and the call
        for known folders (SHGetKnownFolderPath) takes %SystemDrive% from the environment, so neither is asked.
        """
        import ctypes
        import winreg

        key = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
        windows = ctypes.create_unicode_buffer(260)
        ctypes.windll.kernel32.GetSystemWindowsDirectoryW(windows, len(windows))
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as opened:
            value, _ = winreg.QueryValueEx(opened, "ProgramData")
        return expanded(str(value), windows.value)


def expanded(value: str, windows: str) -> Path:
    """The folder that a value of the registry means, given the folder of Windows; raises OSError."""
    drive = PureWindowsPath(windows).drive
    known = re.sub("%SystemDrive%", lambda _: drive, value, flags=re.IGNORECASE)
    if "%" in known or not PureWindowsPath(known).is_absolute():
        raise OSError(errno.EINVAL, f"ProgramData is {value!r} in the registry")
    return Path(known)

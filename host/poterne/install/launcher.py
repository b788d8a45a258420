"""The small script that a browser starts.

A manifest cannot carry arguments, and the PATH of a browser is not that of a shell, so the script names its interpreter
absolutely. `-c` starts faster than `-m`, which imports runpy, and than a path, which is compiled anew each time; `-I`
keeps the user's environment and the current directory out.
"""

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from poterne.errors import SetupError
from poterne.install.machine import Machine, Platform
from poterne.policy import files

_CODE = "import sys; from poterne.native import main; sys.exit(main())"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENVIRONMENT = re.compile(r"^# environment: (.+)$", re.MULTILINE)
_BATCH_INTERPRETER = re.compile(r'^"([^"]+)"', re.MULTILINE)


def file_name(platform: Platform) -> str:
    """What the launcher is called."""
    return "poterne-host.bat" if platform == "win32" else "poterne-host"


def script(machine: Machine, *, policy: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """The launcher's text; raises SetupError where the interpreter or a variable cannot be named."""
    if not machine.executable and machine.bundled is None:
        raise SetupError("this Python does not know its own path, so no launcher can name it")
    environment = environment or {}
    for name in environment:
        if not _VARIABLE.fullmatch(name):
            raise SetupError(f"{name!r} cannot be the name of an environment variable")
    arguments = [] if policy is None else ["--policy", str(policy.absolute())]
    program = [machine.executable, "-I", "-c", _CODE] if machine.bundled is None else [str(machine.bundled)]
    if machine.platform == "win32":
        return _batch([*program, *arguments], environment)
    exports = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    command = shlex.join(["exec", *program, *arguments])
    return "\n".join(["#!/bin/sh", *_note(machine), *exports, f'{command} "$@"', ""])


def read(path: Path) -> str:
    """A launcher's text; empty for a compiled program, which needs no interpreter, and for what cannot be read."""
    try:
        with os.fdopen(files.open_regular(path), "rb") as file:
            text = file.read(65536).decode("utf-8")
    except (OSError, ValueError):
        return ""
    return "" if "\0" in text else text


def inner_script(program: Path) -> str:
    """What a Flatpak executes inside itself: it asks the session to start the launcher outside, and ends it too."""
    return f'#!/bin/sh\nexec flatpak-spawn --host --watch-bus {shlex.quote(str(program))} "$@"\n'


def started_outside(text: str) -> Path | None:
    """The launcher that an `inner_script` names; `None` for any other text."""
    words = shlex.split(text.rpartition("\nexec ")[2].strip()) if "\nexec flatpak-spawn " in text else []
    return Path(words[-2]) if len(words) > 2 else None


def environment_of(text: str) -> Path | None:
    """The virtual environment from which a launcher starts the host, where it is one."""
    match = _ENVIRONMENT.search(text)
    return Path(match[1]) if match else None


def _note(machine: Machine) -> list[str]:
    environment = Path(machine.executable).parent.parent
    if machine.bundled or not (environment / "pyvenv.cfg").is_file() or "\n" in str(environment):
        return []
    return [f"# environment: {environment}"]


def interpreters(text: str) -> list[str]:
    """The absolute paths of the programs that a launcher, ours or a package's, needs in order to start."""
    if not text.startswith("#!"):
        return [match.replace("%%", "%") for match in _BATCH_INTERPRETER.findall(text)]
    first, _, rest = text.partition("\n")
    words = [*first.removeprefix("#!").split()[:1], *_executed(rest)]
    return [word for word in words if Path(word).is_absolute()]


def _executed(text: str) -> list[str]:
    # An exec line may go on over several lines, where a path holds a line's end.
    position = text.find("exec ") if text.startswith("exec ") else text.find("\nexec ")
    try:
        return shlex.split(text[position:])[1:2] if position >= 0 else []
    except ValueError:
        return []


def _batch(command: list[str], environment: Mapping[str, str]) -> str:
    words = [f'"{word}"' for word in command]
    if any(character in word[1:-1] for word in words for character in '"\r\n'):
        raise SetupError("a batch file cannot name a path that holds a quotation mark or a line's end")
    settings = [f'set "{name}={value}"' for name, value in environment.items()]
    lines = [line.replace("%", "%%") for line in (*settings, " ".join(words))]
    # cmd.exe reads a batch file in the console's code page.
    code_page = [] if all(line.isascii() for line in lines) else ["chcp 65001 >nul"]
    return "\r\n".join(["@echo off", *code_page, *lines[:-1], f"{lines[-1]} %*", "exit /b %ERRORLEVEL%", ""])

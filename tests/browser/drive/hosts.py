"""Native hosts for a throw-away profile: the real one, one that follows a script, one that cannot run."""

import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import scripted_host
from .page import Browser, until
from .process import alive, since_when

NAME = "org.poterne.host"
HELLO = {"type": "hello", "protocol": 1, "version": "0.1.0"}


class Host:
    """A registered host; every process that a browser starts of it is known by its id."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started = directory / "started"

    def pids(self) -> list[int]:
        """Those that run now, the oldest first."""
        lines = self._started.read_text().splitlines() if self._started.exists() else []
        started = [(int(pid), since) for pid, _, since in (line.partition(" ") for line in lines)]
        return [pid for pid, since in started if alive(pid) and since in ("", since_when(pid))]

    def kill(self) -> None:
        """As a crash ends it."""
        pid = until(self.pids, "the host to run")[-1]
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def launcher(self, *command: str) -> Path:
        """A program that notes its process id and becomes the command, with the browser's arguments behind."""
        path = self.directory / "launcher"
        note = shlex.quote(str(self._started))
        # Its start tells it from a later process with the same number.
        since = "$(cut -d ' ' -f 22 /proc/$$/stat 2>/dev/null)"
        path.write_text(f'#!/bin/sh\necho $$ {since} >>{note}\nexec {shlex.join(command)} "$@"\n')
        path.chmod(0o755)
        return path


class ScriptedHost(Host):
    """Follows a script (see scripted_host.py)."""

    def __init__(self, directory: Path, script: Mapping[str, Any]) -> None:
        super().__init__(directory)
        self._script = directory / "script.json"
        self._script.write_text(json.dumps(script))

    def register(self, browser: Browser, *, allowed: str | None = None) -> None:
        """`allowed`: the extension's id that the manifest names, where it is not the real one."""
        program = str(Path(scripted_host.__file__))
        launcher = self.launcher(sys.executable, "-I", program, str(self._script))
        write_manifest(browser, launcher, allowed=allowed)

    def answer(self, answers: Sequence[Mapping[str, Any]]) -> None:
        """What it says to each check from now on."""
        self._script.write_text(json.dumps({**json.loads(self._script.read_text()), "answers": answers}))

    def received(self) -> list[dict[str, Any]]:
        """What the browser sent, in order."""
        file = self._script.with_suffix(".received")
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def register_real(browser: Browser, directory: Path, policy: Path) -> Host:
    """The real host, registered by the same code as `poterne install`, under a policy file of the test."""
    from poterne import install as setup

    setup.register_in(browser.manifests, browser.family, policy=policy)
    manifest = browser.manifests / f"{NAME}.json"
    registered = json.loads(manifest.read_text())
    host = Host(directory)
    registered["path"] = str(host.launcher(registered["path"]))
    manifest.write_text(json.dumps(registered))
    return host


def write_manifest(browser: Browser, launcher: Path, *, allowed: str | None = None) -> None:
    """A native manifest for one browser, written without Poterne's own code."""
    identity = allowed or browser.id
    if browser.family == "chromium":
        permitted = {"allowed_origins": [f"chrome-extension://{identity}/"]}
    else:
        permitted = {"allowed_extensions": [identity]}
    manifest = {"name": NAME, "description": "test", "path": str(launcher), "type": "stdio", **permitted}
    (browser.manifests / f"{NAME}.json").write_text(json.dumps(manifest))

"""Processes that end when their test ends."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

assert sys.platform != "win32", "the browser tests drive browsers on POSIX systems"


# What an address of a Unix socket may take, and what Chromium puts behind its folder for temporary files.
_SOCKET_BYTES = 107
_SOCKET = "org.chromium.Chromium.XXXXXX/SingletonSocket"


def temporary(directory: Path) -> str:
    """A folder for a browser's temporary files that goes with its directory: killed, it removes none itself."""
    folder = directory / "tmp"
    folder.mkdir(exist_ok=True)
    assert len(os.fsencode(folder / _SOCKET)) <= _SOCKET_BYTES, f"no socket has its place in {folder}"
    return str(folder)


class Process:
    """A program in a process group of its own; its output goes to a file."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                [*_tied(), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                # In the session of the tests: Linux shares processors out among sessions first, and a browser would get
                # as much as all the rest of them.
                process_group=0,
            )
        self._log = log
        self._ended = False

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it ended in time."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]

    def end(self, patience: float = 10.0) -> None:
        """Ends the whole group at once: its profile is thrown away, there is nothing to be saved."""
        # Once ended, its number may be another's.
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.wait(patience)
        deadline = time.monotonic() + patience
        while self._group_lives() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _group_lives(self) -> bool:
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        # What has ended and is not yet reaped by its parent counts as a member of the group until then.
        return any(group == self._process.pid and state != "Z" for state, group in _processes())


def _processes() -> Iterator[tuple[str, int]]:
    """State and process group of every process, where the system has /proc."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, group = file.read_text().rpartition(")")[2].split()[:3]
            yield state, int(group)


def _tied() -> list[str]:
    """Where it can be had: the kernel ends the program when its parent is killed and cannot do it any more."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def since_when(pid: int) -> str | None:
    """When a process was started, where the system has /proc, in a number that no other of the same id has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def is_root() -> bool:
    return os.geteuid() == 0


def alive(pid: int) -> bool:
    """Whether a process exists and has not ended (a zombie has)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True

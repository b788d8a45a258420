"""Network namespaces, and commands and sockets inside them."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PREFIX = "poterne-lab"
ETC = Path("/etc/netns")
ROOT = Path(__file__).resolve().parents[2]
_CLONE_NEWNET = 0x40000000
_PATIENCE = 60
_SIGKILL = 9


def run(*argv: str, text: str | None = None) -> str:
    """Run a command to its end and give its standard output; a failure raises `RuntimeError` with what it said."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def reason_to_skip() -> str | None:
    """Why namespaces cannot be made here, or `None` where they can."""
    if sys.platform != "linux":
        return "network namespaces exist on Linux only"
    if os.geteuid() != 0:
        return "network namespaces need root: run the tests as root to include tests/lab"
    if shutil.which("ip") is None:
        return None  # A missing program is no missing permission: the tests are to fail.
    probe = Namespace(f"{PREFIX}-{os.getpid()}-probe")
    try:
        probe.make()
        probe.run("true")
    except RuntimeError as error:
        return f"network namespaces cannot be made here, although this is root: {error}"
    finally:
        probe.remove()
    return None


def sweep() -> None:
    """Remove what runs have left whose process was killed before it could."""
    for name in re.findall(rf"^{PREFIX}-\d+-\S+", run("ip", "netns", "list"), re.MULTILINE):
        if _is_orphan(name):
            Namespace(name).remove()
    for folder in (*ETC.glob(f"{PREFIX}-*"), *Path(tempfile.gettempdir()).glob(f"{PREFIX}-*")):
        if _is_orphan(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def _is_orphan(name: str) -> bool:
    match = re.match(rf"{PREFIX}-(\d+)-", name)
    return match is not None and not _runs(int(match[1]))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Sweeper:
    """A process that sweeps once this one has ended, however it was ended."""

    def __init__(self) -> None:
        program = (
            "import sys, time; from tests.lab import netns\n"
            "sys.stdin.read()\n"
            f"while netns._runs({os.getpid()}): time.sleep(0.1)\n"
            "netns.sweep()"
        )
        # In a session of its own: it outlives what a terminal ends.
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end(self) -> None:
        """There is nothing left to sweep."""
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True)
class Namespace:
    """One network namespace, by the name that `ip netns` knows it by."""

    name: str

    def make(self) -> None:
        run("ip", "netns", "add", self.name)

    def remove(self) -> None:
        """End what still runs inside, then remove it; nothing happens where it is gone already."""
        with contextlib.suppress(RuntimeError):
            self.end_processes()
            run("ip", "netns", "del", self.name)

    def end_processes(self) -> None:
        """Ask everything inside to end, and insist after some seconds."""
        for attempt in range(_PATIENCE):
            pids = run("ip", "netns", "pids", self.name).split()
            if not pids:
                return
            # Daemons end their own children: the first signal is a request, the last one is none.
            if attempt in (0, _PATIENCE - 1):
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), _SIGKILL if attempt else signal.SIGTERM)
            time.sleep(0.05)

    def ip(self, *commands: str) -> None:
        """Carry out `ip` commands, one a string."""
        run("ip", "-n", self.name, "-batch", "-", text="\n".join(commands) + "\n")

    def run(self, *argv: str, text: str | None = None) -> str:
        """As `run`, inside."""
        return run("ip", "netns", "exec", self.name, *argv, text=text)

    def popen(
        self,
        argv: Sequence[str],
        *,
        unprivileged: bool = False,
        stdout: IO[bytes] | int | None = None,
        stderr: IO[bytes] | int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process inside that does not outlive this one.

        Its id is the command's own, for `ip` and `setpriv` replace themselves. `unprivileged` keeps the user and takes
        away every capability: neither raw sockets nor firewalls are then at hand.
        """
        drop = ("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs") if unprivileged else ()
        return subprocess.Popen(  # noqa: S603
            ["ip", "netns", "exec", self.name, "setpriv", "--pdeathsig", "TERM", *drop, "--", *argv],  # noqa: S607
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=env,
            cwd=cwd,
        )

    def open_socket(self, address: str, kind: socket.SocketKind) -> socket.socket:
        """A socket for an address of this namespace's network; it stays inside, whichever thread uses it."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def enter() -> socket.socket:
            libc = ctypes.CDLL(None, use_errno=True)
            with Path(f"/run/netns/{self.name}").open("rb") as handle:
                if libc.setns(handle.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return socket.socket(family, kind)

        # setns moves the calling thread only: it has to be one that ends afterwards.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(enter).result()

    def listen(self, address: str, port: int) -> socket.socket:
        """A TCP socket that listens on an address and port of this namespace."""
        listener = self.open_socket(address, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(64)
        return listener

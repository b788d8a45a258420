"""Runs pytest, and checks that read the sources beside it: `all_checks.py MAKE CHECK… -- PYTEST ARGUMENT…`.

What a check prints is shown as a whole when it has ended, between two lines of pytest's. The last line is pytest's own,
which counts the tests. Fails where any of them fails; none is left out because another failed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import IO

# The tests wait for one another, checks only for the processor.
NICE = 10
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Ended:
    name: str
    status: int
    output: bytes


class Checks(threading.Thread):
    """One after the other: side by side they would take both processors from the tests at once."""

    def __init__(self, make: str, names: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self._make = make
        self._names = names
        self._lock = threading.Lock()
        self._stopped = False
        self._running: subprocess.Popen[bytes] | None = None
        self._unshown: list[Ended] = []
        self.failed: list[str] = []

    def run(self) -> None:
        for name in self._names:
            with tempfile.TemporaryFile() as output:
                status = self._run(name, output)
                if status is None:
                    return
                output.seek(0)
                with self._lock:
                    self._unshown.append(Ended(name, status, output.read()))
                    if status:
                        self.failed.append(name)

    def _run(self, name: str, output: IO[bytes]) -> int | None:
        with self._lock:
            if self._stopped:
                return None
            self._running = subprocess.Popen(  # noqa: S603
                ["nice", "-n", str(NICE), self._make, "--no-print-directory", name],  # noqa: S607
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self._running.wait()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._running and self._running.poll() is None:
                self._running.terminate()

    def show(self) -> None:
        """What has ended since it was asked before."""
        with self._lock:
            ended, self._unshown = self._unshown, []
        for check in ended:
            how = f"failed with status {check.status}" if check.status else "passed"
            write(f"\n---- {check.name} ----\n".encode() + check.output + f"---- {check.name} {how} ----\n".encode())


def write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def forward(output: IO[bytes], checks: Checks) -> bytes:
    """Shows what pytest prints, all but its last line, which is returned."""
    kept = b""
    while data := os.read(output.fileno(), 65_536):
        *lines, kept = (kept + data).splitlines(keepends=True) or [b""]
        if lines:
            write(b"".join(lines))
            checks.show()
    return kept


def run(make: str, names: Sequence[str], command: Sequence[str]) -> int:
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    checks = Checks(make, names)
    asked_to_end = threading.Event()
    tests: list[subprocess.Popen[bytes]] = []

    def end(number: int, frame: FrameType | None) -> None:
        asked_to_end.set()
        checks.stop()
        # A terminal tells all of its processes of SIGINT itself.
        for process in tests if number == signal.SIGTERM else ():
            process.send_signal(number)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    with subprocess.Popen([*command, *colour], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as pytest:  # noqa: S603
        tests.append(pytest)
        checks.start()
        assert pytest.stdout is not None
        last = forward(pytest.stdout, checks)
    checks.join(PATIENCE_SECONDS if asked_to_end.is_set() else None)
    checks.show()
    if checks.failed:
        write(f"\nFAILED beside the tests: {' '.join(checks.failed)}\n".encode())
    write(last)
    return pytest.returncode or bool(checks.failed)


def main(arguments: Sequence[str]) -> int:
    split = arguments.index("--")
    make, *names = arguments[:split]
    return run(make, names, arguments[split + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

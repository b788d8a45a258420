"""The host as a process with real probes, on a machine that is short of something."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_certificates import HOST, pki
from tests.unit.core_scripts import smtp
from tests.unit.core_servers import Peer, Server
from tests.unit.core_world import mapped, policy_file, roots_file
from tests.unit.native_process import MODULE, MOZILLA_ARGUMENTS, HostProcess, check, within

if sys.platform == "win32":
    pytest.skip("limits and mounts of Linux", allow_module_level=True)

PORTS = (25, 110, 143, 465, 587, 993, 995)
OPTIONS = {"ports": list(PORTS), "trace": False, "budget": 8}


@contextmanager
def world(folder: Path) -> Iterator[tuple[Path, list[Server]]]:
    """A policy whose host keeps silent over both families on every mail port but 587 over IPv4."""
    with ExitStack() as stack:
        servers: list[Server] = []
        entries: list[str] = []
        for port in PORTS:
            pair = [
                stack.enter_context(Server(smtp(pki().good) if (port, family) == (587, 4) else Peer.drain, family))
                for family in (4, 6)
            ]
            servers += pair
            entries += mapped(HOST, **{f"p{port}": pair})
        yield policy_file(folder, connect_to=entries, roots=roots_file()), servers


@contextmanager
def host(policy: Path, *before: str, **environment: str) -> Iterator[HostProcess]:
    """The real host; `before` are lines that run first in its process."""
    start: Sequence[str] = MODULE
    if before:
        start = ("-c", "\n".join([*before, "from poterne.native import main", "main()"]))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with HostProcess(start, ("--policy", str(policy), *MOZILLA_ARGUMENTS)) as process:
            assert process.receive()["type"] == "hello"
            yield process


def answer(process: HostProcess, name: str = "a", **options: Any) -> dict[str, Any]:
    """The last message of a check."""
    process.send(check(name, HOST, options={**OPTIONS, **options}))
    while (message := process.receive())["type"] not in ("report", "error"):
        pass
    return message


def submission(message: dict[str, Any]) -> dict[str, Any]:
    assert message["type"] == "report", message
    seen: list[dict[str, Any]] = message["report"]["observations"]
    return next(one for one in seen if (one["port"], one["family"]) == (587, 4))


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "broken pipe"])
def test_fourteen_probes_end_within_a_second(tmp_path: Path, how: str) -> None:
    with world(tmp_path) as (policy, servers), host(policy) as process:
        process.send(check("a", HOST, options=OPTIONS))
        while process.receive()["type"] != "observation":
            pass
        deadline = time.monotonic() + 20
        while not all(server.peers for server in servers):
            assert time.monotonic() < deadline, "each server is connected to"
            time.sleep(0.01)
        with within(1):
            if how == "end of input":
                process.stdin.close()
            elif how == "SIGTERM":
                process.process.send_signal(signal.SIGTERM)
            else:
                assert process.process.stdout
                process.process.stdout.close()
                process.send({"type": "nonsense"})
            assert process.wait() == 0
        assert "Traceback" not in process.errors()
        for server in servers:
            server.settle(2)
            assert not any(thread.is_alive() for thread in server._threads[1:])


def test_64_descriptors_are_enough(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    with world(tmp_path) as (policy, _), host(policy, limit) as process:
        message = answer(process, budget=4)
        assert submission(message)["security"] == "starttls"
        assert not [one for one in message["report"]["observations"] if one["state"] == "error"]


def test_too_few_descriptors_accuse_nobody(tmp_path: Path) -> None:
    # Set when everything is imported and warm, so that only sockets are short.
    limit = (
        "import resource, threading, poterne.check as check; warm = check.warm",
        "def short(policy): warm(policy); resource.setrlimit(resource.RLIMIT_NOFILE, (16, 64))",
        "check.warm = short",
    )
    with world(tmp_path) as (policy, _), host(policy, *limit) as process:
        process.send({"type": "nonsense"})
        assert process.receive()["type"] == "error"
        message = answer(process, budget=4)
        if message["type"] == "error":
            assert message["code"] in ("internal", "forbidden")
        else:
            accused = {finding["code"] for finding in message["report"]["findings"]}
            assert not accused & {"server-down", "port25-blocked", "port-blocked", "port-silent", "local-firewall"}
        assert process.process.poll() is None


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"},
        {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/nowhere"},
        {"HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere", "XDG_STATE_HOME": "/nowhere", "TMPDIR": "/nowhere"},
        {"LANG": "C", "LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"SSL_CERT_FILE": "/nowhere/roots.pem", "SSL_CERT_DIR": "/nowhere"},
        {"TZ": "Nowhere/Nothing"},
    ],
    ids=["a dead proxy", "no bytecode", "no home", "plain locale", "no system roots", "no time zone"],
)
def test_an_odd_environment_changes_no_answer(tmp_path: Path, environment: dict[str, str]) -> None:
    with world(tmp_path) as (policy, _), host(policy, **environment) as process:
        seen = submission(answer(process, budget=3))
        assert (seen["security"], seen["tls"]["trusted"]) == ("starttls", True)


FULL = """
set -e
mount -t tmpfs -o size=64k none "$1"
head -c 200k /dev/zero > "$1/filler" 2>/dev/null || true
case "$2" in read-only) mount -o remount,ro "$1";; esac
export HOME="$1" TMPDIR="$1" XDG_STATE_HOME="$1" XDG_CACHE_HOME="$1" XDG_CONFIG_HOME="$1"
shift 2
exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("state", ["full", "read-only"])
def test_a_disk_that_takes_nothing(tmp_path: Path, state: str) -> None:
    """The command line, whose files are the user's: it answers, and an export that cannot be written is said."""
    home = tmp_path / "home"
    home.mkdir()
    with world(tmp_path) as (policy, _):
        command = [sys.executable, "-m", "poterne", "check", f"{HOST}:587", "--policy", str(policy), "--budget", "3"]
        command += ["--no-trace", "--family", "4"]
        wrapped = ["unshare", "-m", "sh", "-c", FULL, "sh", str(home), state, *command]
        plain = subprocess.run([*wrapped, "--json"], capture_output=True, check=False, timeout=60)  # noqa: S603
        assert (plain.returncode, plain.stderr) == (0, b""), plain.stderr
        exported = subprocess.run(  # noqa: S603
            [*wrapped, "--export", "text", "--output", str(home / "out.txt")],
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert exported.returncode != 0
    assert exported.stderr.count(b"\n") == 1
    assert b"Traceback" not in exported.stderr

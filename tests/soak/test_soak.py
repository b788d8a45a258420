"""Checks by the hundred through one native port: what the host holds after many is what it held after a few."""

import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.core_certificates import HOST, context, issue, pki
from tests.unit.core_scripts import imap, smtp
from tests.unit.core_servers import Behaviour, Peer, Server
from tests.unit.core_world import mapped, policy_file, roots_file
from tests.unit.native_process import HOST_ROOT, MOZILLA_ARGUMENTS, HostProcess, check

if sys.platform != "linux":
    pytest.skip("/proc tells what the host holds", allow_module_level=True)

FEW, MANY = 10, 1000
MIB = 1 << 20

# The host, which writes the number of its event loop's tasks down whenever a check begins.
COUNTING = f"""
import asyncio, os, sys
sys.path.insert(0, {str(HOST_ROOT)!r})
from poterne import native

def load():
    check = native.load_check(sys.argv[2])

    async def counted(request):
        os.write(2, b"%d\\n" % len(asyncio.all_tasks()))
        async for event in check(request):
            yield event

    return counted

native.main(sys.argv[1:], load)
"""


@dataclass(frozen=True)
class Held:
    """What a process holds: descriptors, threads, bytes of memory."""

    descriptors: int
    threads: int
    resident: int

    @classmethod
    def by(cls, pid: int) -> "Held":
        """At this moment."""
        place = Path(f"/proc/{pid}")
        pages = int((place / "statm").read_text().split()[1])
        return cls(
            len(list((place / "fd").iterdir())),
            len(list((place / "task").iterdir())),
            pages * os.sysconf("SC_PAGE_SIZE"),
        )


@contextmanager
def host(folder: Path, **servers: Behaviour) -> Iterator[HostProcess]:
    """A host, and servers of the one name that it is asked for."""
    with ExitStack() as stack:
        running = {port: stack.enter_context(Server(behaviour)) for port, behaviour in servers.items()}
        policy = policy_file(folder, connect_to=mapped(HOST, **running), roots=roots_file())

        process = stack.enter_context(HostProcess(("-c", COUNTING), ("--policy", str(policy), *MOZILLA_ARGUMENTS)))
        yield process


def run(process: HostProcess, number: int, **options: object) -> None:
    process.send(check(f"c{number}", HOST, options={"family": 4, "trace": False, "budget": 5, **options}))
    while (message := process.receive())["type"] not in ("report", "error"):
        pass
    assert message["type"] == "report", message


def settled(process: HostProcess) -> Held:
    """What it holds when nothing moves any more."""
    last = Held.by(process.process.pid)
    for _ in range(50):
        time.sleep(0.1)
        now = Held.by(process.process.pid)
        if (now.descriptors, now.threads) == (last.descriptors, last.threads):
            return now
        last = now
    return last


def test_a_check_keeps_within_the_memory_of_the_design(tmp_path: Path) -> None:
    good = smtp(pki().good)
    with host(tmp_path, p25=good, p587=good, p465=smtp(pki().good, implicit=True)) as process:
        process.receive()
        run(process, 0, ports=[25, 465, 587])
        assert settled(process).resident <= 60 * MIB


def drips(peer: Peer) -> None:
    while True:
        peer.send(b"220-" + b"x" * 60 + b"\r\n")
        peer.sleep(0.01)


def shouts(peer: Peer) -> None:
    while True:
        peer.send(b"220-" + b"x" * 4000 + b"\r\n")


HOSTILE: dict[str, Callable[[], dict[str, Behaviour]]] = {
    "endless text": lambda: {"p25": shouts, "p587": shouts, "p143": shouts, "p110": shouts},
    "endless drip": lambda: {"p25": drips, "p587": drips, "p143": drips, "p110": drips},
    "endless text inside": lambda: {"p465": _inside(shouts), "p993": _inside(shouts), "p995": _inside(shouts)},
    "a certificate of two thousand names": lambda: {"p465": _vast(), "p587": smtp(_vast_context())},
}


def _inside(then: Behaviour) -> Behaviour:
    def converse(peer: Peer) -> None:
        peer.start_tls(pki().good)
        then(peer)

    return converse


def _vast_context() -> ssl.SSLContext:
    return context(issue(HOST, issuer=pki().root, sans=[HOST, *(f"n{n}.example.org" for n in range(2000))]))


def _vast() -> Behaviour:
    return smtp(_vast_context(), implicit=True)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_server_makes_it_grow_little(tmp_path: Path, kind: str) -> None:
    servers = HOSTILE[kind]()
    good = smtp(pki().good)
    ports = [int(name[1:]) for name in servers]
    with host(tmp_path, p2525=good, **servers) as process:
        process.receive()
        run(process, 0, ports=[2525])
        before = settled(process).resident
        peak = before
        for number in range(1, 4):
            run(process, number, ports=ports, budget=3)
            peak = max(peak, Held.by(process.process.pid).resident)
        assert peak - before <= 10 * MIB


@pytest.mark.slow
def test_a_thousand_checks_leave_nothing_behind(tmp_path: Path) -> None:
    good = smtp(pki().good)
    with host(tmp_path, p587=good, p465=smtp(pki().good, implicit=True), p143=imap(pki().good)) as process:
        process.receive()
        for number in range(FEW):
            run(process, number, ports=[143, 465, 587])
        few = settled(process)
        for number in range(FEW, MANY):
            run(process, number, ports=[143, 465, 587])
        many = settled(process)
        assert many.descriptors <= few.descriptors
        # asyncio's pool for blocking calls fills up to its size, and no further.
        assert many.threads <= few.threads + min(32, (os.cpu_count() or 1) + 4)
        assert many.resident - few.resident <= 8 * MIB
        process.stdin.close()
        assert process.wait() == 0
        tasks = [int(line) for line in process.errors().splitlines() if line.isdigit()]
    assert len(tasks) == MANY
    # A check may begin while the one before it still says goodbye.
    assert min(tasks[-FEW:]) <= max(tasks[:FEW])

import asyncio
import contextlib
import errno
import gc
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.lab_clients import LIMIT_S, dial, lines, trusting
from tests.waiting import ready

from poterne import demo as lab
from poterne import policy
from poterne.demo import plan, sockets
from poterne.demo.world import World
from poterne.errors import PolicyError
from poterne.report import Family
from poterne.report.locales import LANGUAGES

FAMILIES = (4, 6)
ONE_SERVER = """
[services]
submission = { port = 587, protocol = "smtp", security = "starttls" }
[certificates]
good = { from_days = -1, to_days = 1 }
[domains."small.example"]
says = { en = "small" }
target = "smtp.small.example"
[[servers]]
hosts = ["smtp.small.example"]
services = ["submission"]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(ONE_SERVER, "utf-8")
    return path


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    wanted: Family = request.param
    if wanted not in sockets.families():
        pytest.skip(f"this machine has no IPv{wanted} loopback address")
    return wanted


def syn_stays_unanswered(address: tuple[str, int], family: Family, seconds: float) -> bool:
    with socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6) as sock:
        sock.setblocking(False)
        assert sock.connect_ex(address) == errno.EINPROGRESS
        answered = ready([sock], seconds, write=True)
        return not answered and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


# ---- the port that never answers


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is known to drop SYNs of a full queue")
def test_silent_port_swallows_every_syn(family: Family) -> None:
    silence = sockets.silent(family)
    address = (sockets.LOOPBACK[family], silence.port)
    try:
        with pytest.raises(TimeoutError):
            socket.create_connection(address, 0.5)
        assert all(syn_stays_unanswered(address, family, 0.1) for _ in range(5))
        # The kernel repeats a SYN after one second: the repeated one is dropped too.
        assert syn_stays_unanswered(address, family, 1.6)
    finally:
        silence.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, LIMIT_S)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is known to drop SYNs of a full queue")
def test_port_25_of_the_showcase_never_answers_and_the_others_do(family: Family) -> None:
    with lab.serving() as world:
        assert world.unavailable == {}
        place = world.place("smtp.quiet25.example", 25, family)
        with pytest.raises(TimeoutError):
            socket.create_connection((place.address, place.port), 0.5)
        with dial(world, "smtp.quiet25.example", 587, family) as sock:
            assert lines(sock, 1)[0].startswith("220 ")


def test_a_system_that_cannot_be_silent_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(family: Family) -> sockets.SilentPort:
        raise sockets.SilenceUnavailableError("not here")

    monkeypatch.setattr(sockets, "silent", unable)
    with lab.serving() as world:
        quiet = ("smtp.quiet25.example", *world.plan.controls)
        assert world.unavailable == {f"{host}:25": "not here" for host in quiet}
        lab_table = policy.load(world.policy_path).lab
        assert lab_table is not None
        assert lab_table.addresses("smtp.quiet25.example", 25, 4) == (world.closed[0].address, world.closed[0].port)


def test_closed_port_refuses(family: Family) -> None:
    with sockets.closed(family) as reserved, pytest.raises(ConnectionRefusedError):
        socket.create_connection(reserved.getsockname()[:2], LIMIT_S)


# ---- the policy


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with lab.serving() as running:
        yield running


def test_policy_leads_to_the_servers(world: World) -> None:
    loaded = policy.load(world.policy_path)
    assert loaded.lab is not None
    assert loaded.lab.resolver is not None
    assert f"{loaded.lab.resolver.address}:{loaded.lab.resolver.port}" == world.resolver
    assert loaded.controls.hosts == world.plan.controls
    for (host, port), places in world.places.items():
        for place in places:
            assert loaded.lab.addresses(host, port, place.family) == (place.address, place.port)
    context = ssl.create_default_context(cafile=loaded.lab.roots)
    assert len(context.get_ca_certs()) == 1


def test_policy_lets_nothing_leave_this_machine(world: World) -> None:
    loaded = policy.load(world.policy_path)
    assert loaded.lab is not None
    for host in {host for server in world.plan.servers for host in server.hosts if 4 in server.families}:
        assert loaded.lab.addresses(host, 8080, 4) == (world.closed[0].address, world.closed[0].port)
    assert not loaded.lab.places("nowhere.example")
    assert loaded.controls.portal == loaded.discovery.ispdb == ""
    assert not any(map(loaded.denies, ("127.0.0.1", "127.9.9.9", "::1")))
    outside = ("0.0.0.0", "10.0.0.1", "126.255.255.255", "128.0.0.1", "192.0.2.1", "255.255.255.255")
    outside6 = ("2001:db8::1", "2a00::1", "fe80::1", "fd00::1", "ff02::1", "64:ff9b::1", "::ffff:192.0.2.1")
    assert all(map(loaded.denies, outside + outside6))


def test_policy_survives_awkward_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / 'a "b" é'
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with lab.serving() as world:
        assert tomllib.loads(world.policy)["lab"]["roots"] == str(world.roots_path)
        assert world.roots_path.parent.parent == folder


def test_each_target_is_within_a_domain_of_its_own(world: World) -> None:
    assert world.showcase == ("jane@provider.example", "smtp.quiet25.example")
    assert len(set(world.targets)) == len(world.targets) >= len(world.showcase)
    for target, domain in world.shown:
        assert set(LANGUAGES) <= set(domain.says)
        assert any(
            target.rpartition("@")[2].split(":")[0].endswith(name) and domain is world.plan.domains[name]
            for name in world.plan.domains
        )


# ---- the plan


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('services = ["submission"]', 'services = ["submision"]', "unknown: submision"),
        ('["smtp.small.example"]', '["smtp.other.example"]', "unknown: smtp.other.example"),
        ("hosts = [", 'certificate = "bad"\nhosts = [', "unknown: bad"),
        ("hosts = [", 'colour = "red"\nhosts = [', "servers.0.colour"),
        ("port = 587", "port = 0", "port"),
        ("[services]", 'controls = ["mx.small.example"]\n[services]', "controls without a server: mx.small.example"),
        ("[services]", "[services", "line"),
    ],
)
def test_a_broken_plan_is_one_line(small: Path, before: str, after: str, complaint: str) -> None:
    small.write_text(ONE_SERVER.replace(before, after, 1), "utf-8")
    with pytest.raises(PolicyError) as caught:
        plan.load(small)
    assert complaint in str(caught.value)
    assert str(small) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(PolicyError), lab.serving(small):
        pass


def test_a_greeting_can_be_late(small: Path) -> None:
    small.write_text(f"{ONE_SERVER}greets_after_s = 0.6\n", "utf-8")
    with lab.serving(small) as world:
        begun = time.monotonic()
        with dial(world, "smtp.small.example", 587) as sock:
            assert lines(sock, 1)[0].startswith("220 ")
        assert 0.55 < time.monotonic() - begun < LIMIT_S


# ---- the end


def open_descriptors() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        # The descriptor of this very listing is gone by the time it is read.
        with contextlib.suppress(FileNotFoundError):
            found.add(f"{entry.name} {entry.readlink()}")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
async def test_nothing_is_left(small: Path) -> None:
    loop_errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: loop_errors.append(context))
    clients: list[socket.socket] = []
    gc.collect()
    descriptors, tasks = open_descriptors(), asyncio.all_tasks()
    async with lab.start() as world:
        folder = world.policy_path.parent
        in_the_middle = [
            ("smtp.provider.example", 25),
            ("smtp.provider.example", 465),
            ("imap.provider.example", 143),
            ("imap.provider.example", 993),
            ("smtp.mute.example", 25),
            ("smtp.mute.example", 465),
            ("smtp.slow.example", 25),
        ]
        for host, port in in_the_middle:
            clients.append(await asyncio.to_thread(dial, world, host, port))
        for host, port, ask in (
            ("smtp.provider.example", 587, b"STARTTLS\r\n"),
            ("pop.provider.example", 110, b"STLS\r\n"),
        ):
            sock = await asyncio.to_thread(dial, world, host, port)
            await asyncio.to_thread(lines, sock, 1)
            sock.sendall(ask)
            await asyncio.to_thread(lines, sock, 1)
            clients.append(sock)
        sock = await asyncio.to_thread(dial, world, "smtp.provider.example", 465)
        context = trusting(world, "smtp.provider.example")
        clients.append(await asyncio.to_thread(context.wrap_socket, sock))
        assert open_descriptors() > descriptors
        assert asyncio.all_tasks() > tasks
    assert asyncio.all_tasks() == tasks
    assert not folder.exists()
    for client in clients:
        client.close()
    gc.collect()
    assert open_descriptors() == descriptors
    assert loop_errors == []


async def test_the_end_comes_also_by_cancellation(small: Path) -> None:
    running: asyncio.Future[World] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        async with lab.start(small) as world:
            running.set_result(world)
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    world = await running
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not world.policy_path.exists()
    place = world.place("smtp.small.example", 587)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(place.address, place.port)


# ---- the process


def served(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-W", "error", "-m", "poterne.demo", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("end", ["input", "signal"])
def test_process_says_one_line_and_ends(small: Path, end: str) -> None:
    if end == "signal" and sys.platform == "win32":
        pytest.skip("Windows ends a process without a signal that it could catch")
    with served(str(small)) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        ready = json.loads(process.stdout.readline())
        assert ready["targets"] == ["smtp.small.example"]
        assert policy.load(Path(ready["policy"])).lab is not None
        if end == "signal":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
            process.stdin = None
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out, err) == (0, "", "")
    assert not Path(ready["policy"]).parent.exists()


def test_process_refuses_a_broken_world(tmp_path: Path) -> None:
    with served(str(tmp_path / "absent.toml")) as process:
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (3, "")
    assert err.count("\n") == 1
    assert "absent.toml" in err

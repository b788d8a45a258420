"""The host as a process: what a browser sees of it, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.unit.native_process import HOST_ROOT, HostProcess, check, frame, scripted, within
from tests.waiting import ready

from poterne import __version__
from poterne.native import HELLO
from poterne.native.bridge import GRACE_SECONDS, HANG_UP_POLL_SECONDS, MAX_UNWRITTEN_BYTES, MAX_WAITING_FRAMES
from poterne.report import Hello

if sys.platform == "win32":
    pytest.skip("the other end of POSIX pipes, with POSIX signals", allow_module_level=True)

ENDLESS = 'yield finding("ok")\nawait asyncio.Event().wait()'
INSTANT = 'yield finding("ok")\nyield report(request)'
ALLOWED_BEFORE_HELLO = {"poterne", "poterne.native"}
LATE = {
    "OpenSSL",
    "aiosmtpd",
    "anyio",
    "argparse",
    "babel",
    "cryptography",
    "defusedxml",
    "h11",
    "http",
    "httpcore",
    "plistlib",
    "publicsuffixlist",
    "rich",
    "service_identity",
    "trustme",
    "xml",
}

ENDLESS_CHECKS = {
    "waits": ENDLESS,
    "refuses to be cancelled": """
yield finding("ok")
while True:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        pass
""",
    "blocks the event loop": 'yield finding("ok")\nawait asyncio.sleep(0.05)\ntime.sleep(60)',
    "keeps the processor": 'yield finding("ok")\nawait asyncio.sleep(0.05)\nwhile True: pass',
    "looks a name up in a thread": 'yield finding("ok")\nawait asyncio.to_thread(time.sleep, 60)',
    "left a thread behind": 'yield finding("ok")\nthreading.Thread(target=time.sleep, args=(60,)).start()\n'
    "await asyncio.Event().wait()",
    "never stops talking": "while True:\n    yield finding('ok')",
}


def test_hello_is_the_models() -> None:
    assert Hello(version=__version__).model_dump_json().encode() == HELLO


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop/",),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop/", "--parent-window=0"),
        ("/usr/lib/mozilla/native-messaging-hosts/org.poterne.host.json", "poterne@poterne.org"),
        ("--policy", "/nowhere/policy.toml", "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"),
    ],
)
def test_hello_comes_first_whatever_the_browser_passes(arguments: tuple[str, ...]) -> None:
    with HostProcess(scripted(INSTANT), arguments) as host:
        assert host.receive() == {"type": "hello", "protocol": 1, "version": __version__}
        host.send(check("a"))
        assert [host.receive()["type"] for _ in range(2)] == ["finding", "report"]


def test_little_is_imported_before_hello() -> None:
    program = """
import os, sys
write, before = os.write, set(sys.modules)
def first(descriptor, data):
    os.write = write
    write(2, " ".join(sorted(set(sys.modules) - before)).encode())
    os._exit(0 if data.endswith(b'}') else 1)
os.write = first
sys.path.insert(0, sys.argv[1])
from poterne.native import main
main()
"""
    command = [sys.executable, "-I", "-c", program, str(HOST_ROOT)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)  # noqa: S603
    assert set(run.stderr.decode().split()) == ALLOWED_BEFORE_HELLO


def test_what_few_checks_need_is_not_imported_by_a_host_that_is_ready() -> None:
    """Behind `hello`, too, each library costs memory and time; these wait until a check wants them."""
    program = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import poterne.native.bridge, poterne.native.session
from poterne.native import load_check
load_check(sys.argv[2])
[thread.join() for thread in threading.enumerate() if thread.name == "warm"]
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    command = [sys.executable, "-I", "-c", program, str(HOST_ROOT), os.devnull]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)  # noqa: S603
    loaded = set(run.stdout.decode().split())
    assert {"asyncio", "pydantic", "dns", "ssl"} <= loaded, "what every check needs is there"
    assert not loaded & LATE


@pytest.mark.parametrize("cut", [b"", b"\x02", b"\x02\x00\x00", frame({})[:-1], frame(check("a"))[:-1]])
def test_end_of_input(cut: bytes) -> None:
    with HostProcess() as host:
        host.receive()
        host.write(cut)
        host.stdin.close()
        with within(1):
            assert host.receive_all() == []
            assert host.wait() == 0
        assert host.errors() == ""


def test_what_came_before_the_end_is_answered() -> None:
    with HostProcess(scripted(ENDLESS)) as host:
        host.send(*[b"", {"type": "nothing", "id": "a"}] * MAX_WAITING_FRAMES, check("b"))
        host.stdin.close()
        said = [(message.get("code", message["type"]), message.get("id")) for message in host.receive_all()]
        assert host.wait() == 0
    answers = [answer for answer in said if answer[0] != "finding"]
    invalid = [("invalid-message", None), ("invalid-message", "a")] * MAX_WAITING_FRAMES
    assert answers == [("hello", None), *invalid, ("cancelled", "b")]


def test_the_clocks_of_the_end_leave_half_of_the_second_for_the_rest() -> None:
    assert GRACE_SECONDS + HANG_UP_POLL_SECONDS <= 0.6


@pytest.mark.parametrize("body", ENDLESS_CHECKS.values(), ids=ENDLESS_CHECKS.keys())
def test_the_host_ends_within_a_second_whatever_checks_do(body: str) -> None:
    with HostProcess(scripted(body)) as host:
        host.receive()
        host.send(check("a"), check("b"))
        host.receive()
        time.sleep(0.2)
        host.stdin.close()
        with within(1):
            assert host.wait() == 0


@pytest.mark.parametrize("numbers", [[name] for name in ("SIGTERM", "SIGINT", "SIGHUP")] + [["SIGTERM"] * 2])
@pytest.mark.parametrize(
    "body", [ENDLESS_CHECKS["waits"], ENDLESS_CHECKS["blocks the event loop"]], ids=["waits", "blocks"]
)
def test_a_signal_ends_the_host(numbers: list[str], body: str) -> None:
    with HostProcess(scripted(body)) as host:
        host.receive()
        host.send(check("a"))
        host.receive()
        time.sleep(0.2)
        with within(1):
            for name in numbers:
                host.process.send_signal(getattr(signal, name))
            assert host.wait() == 0
        assert "Traceback" not in host.errors()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_just_after_hello(name: str) -> None:
    with HostProcess(scripted(ENDLESS)) as host:
        host.receive()
        number = getattr(signal, name)
        with within(1):
            host.process.send_signal(number)
            assert host.wait() in (0, -number)
        assert host.errors() == ""


def test_a_cancelled_check_says_so_when_the_input_ends() -> None:
    with HostProcess(scripted(ENDLESS)) as host:
        host.receive()
        host.send(check("a"))
        host.receive()
        host.stdin.close()
        assert host.receive_all() == [{"type": "cancelled", "id": "a"}]


@pytest.mark.parametrize("header", [b"\xff\xff\xff\xff", b"\x01\x00\x10\x00", len(frame({})).to_bytes(4, "big")])
def test_a_length_beyond_the_limit_ends_the_stream(header: bytes) -> None:
    if sys.byteorder != "little":
        pytest.skip("these lengths are written for a little-endian machine")
    with HostProcess(scripted(INSTANT)) as host:
        host.receive()
        host.write(frame({}) + header + b"{}")
        errors = host.receive_all()
        assert [(error["type"], error["id"], error["code"]) for error in errors] == [
            ("error", None, "invalid-message")
        ] * 2
        assert host.wait() == 1


def test_frames_come_together_or_byte_by_byte() -> None:
    with HostProcess(scripted(INSTANT)) as host:
        host.receive()
        host.send(check("a"), 7, check("b"))
        answers = [host.receive() for _ in range(5)]
        assert sorted(str(answer["id"]) for answer in answers) == ["None", "a", "a", "b", "b"]
        for byte in frame(check("ç")):
            host.write(bytes([byte]))
        assert [host.receive()["id"] for _ in range(2)] == ["ç", "ç"]


def test_stray_output_does_not_reach_the_browser() -> None:
    body = """
import ctypes, subprocess
print("printed")
os.write(1, b"written to descriptor 1\\n")
sys.__stdout__.write("written to the first stdout\\n"); sys.__stdout__.flush()
libc = ctypes.CDLL(None)
libc.puts(b"put by C"); libc.fflush(None)
subprocess.run([sys.executable, "-c", "import sys; print('by a child', sys.stdin.read())"], check=True)
assert sys.stdin.read() == "" and os.read(0, 9) == b""
yield report(request)
"""
    with HostProcess(scripted(body)) as host:
        host.receive()
        host.send(check("a"), check("b"))
        assert {host.receive()["id"], host.receive()["id"]} == {"a", "b"}
        host.stdin.close()
        assert host.receive_all() == []
        assert host.wait() == 0
        errors = host.errors()
    for stray in ("a stray line", "printed", "descriptor 1", "first stdout", "put by C", "by a child"):
        assert stray in errors


def test_a_child_does_not_hold_the_pipes() -> None:
    body = """
import subprocess
null = subprocess.DEVNULL
subprocess.Popen(["sleep", "3"], close_fds=False, stdout=null, stderr=null)
yield report(request)
"""
    with HostProcess(scripted(body)) as host:
        host.receive()
        host.send(check("a"))
        host.receive()
        host.stdin.close()
        with within(1):
            assert host.receive_all() == []


def test_a_browser_that_goes_is_not_written_to() -> None:
    with HostProcess(scripted("while True:\n    yield finding('ok')\n    await asyncio.sleep(0.01)")) as host:
        host.receive()
        host.send(check("a"))
        host.receive()
        assert host.process.stdout
        host.process.stdout.close()
        with within(2):
            assert host.wait() == 0
        assert "Traceback" not in host.errors()


def test_a_browser_that_stopped_reading_still_ends_the_host() -> None:
    with HostProcess(scripted("while True:\n    yield finding('x' * 50_000)")) as host:
        host.receive()
        host.send(check("a"))
        time.sleep(1)
        with within(1):
            host.process.send_signal(signal.SIGTERM)
            assert host.wait() == 0


def test_an_incomplete_installation_is_told() -> None:
    start, program, root = scripted(INSTANT)
    broken = program.replace("def load():", "def load():\n    import poterne.not_there")
    with HostProcess((start, broken, root)) as host:
        host.receive()
        (error,) = host.receive_all()
        assert (error["type"], error["id"], error["code"]) == ("error", None, "internal")
        assert "poterne.not_there" in error["message"]
        assert host.wait() == 1
        assert "Traceback" in host.errors()


def test_a_browser_that_is_gone_before_hello() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "poterne.native"]
    environment = {**os.environ, "PYTHONPATH": str(HOST_ROOT)}
    run = subprocess.run(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
        timeout=20,
    )
    os.close(write)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_standard_streams_that_are_closed_at_the_start(closed: tuple[int, ...]) -> None:
    program = """
import os, sys
for descriptor in map(int, sys.argv[1].split(",")):
    os.close(descriptor)
os.execv(sys.executable, [sys.executable, "-m", "poterne.native"])
"""
    command = [sys.executable, "-c", program, ",".join(map(str, closed))]
    environment = {**os.environ, "PYTHONPATH": str(HOST_ROOT)}
    run = subprocess.run(  # noqa: S603
        command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False, timeout=20
    )
    assert run.returncode == 0
    assert run.stdout == (b"" if 1 in closed else frame(HELLO))
    assert b"Traceback" not in run.stderr


def test_checks_that_talk_at_once_do_not_mix_their_frames() -> None:
    body = """
for number in range(200):
    yield finding(request.target * (number * 7 % 400))
    await asyncio.sleep(0)
yield report(request)
"""
    with HostProcess(scripted(body)) as host:
        host.receive()
        names = ["a", "b", "c", "d"]
        host.send(*(check(name, name) for name in names))
        codes: dict[str, list[str]] = {name: [] for name in names}
        reports: set[str] = set()
        while reports != set(names):
            message = host.receive()
            if message["type"] == "report":
                reports.add(message["id"])
            else:
                codes[message["id"]].append(message["finding"]["code"])
        assert codes == {name: [name * (number * 7 % 400) for number in range(200)] for name in names}


def test_few_descriptors_and_no_home(tmp_path: Path) -> None:
    limited = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); os.environ.pop('HOME', 0)\n"
    )
    start, program, root = scripted(INSTANT)
    with HostProcess((start, limited + program, root)) as host:
        host.receive()
        host.send(check("a"))
        assert [host.receive()["type"] for _ in range(2)] == ["finding", "report"]


def test_a_terminal_as_standard_input() -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "poterne.native"]
    environment = {**os.environ, "PYTHONPATH": str(HOST_ROOT)}
    with subprocess.Popen(  # noqa: S603
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as host:
        os.close(theirs)
        assert host.stdout
        assert host.stdout.read(4 + len(HELLO)) == frame(HELLO)
        os.write(ours, b"help me\n")
        assert b"invalid-message" in host.stdout.read()
        assert host.wait(20) == 1
    os.close(ours)


def test_a_browser_that_does_not_read_stops_the_checks() -> None:
    body = """
for number in range(1000):
    sys.stderr.write(f"{number}\\n")
    yield finding("x" * 50_000)
yield report(request)
"""
    with HostProcess(scripted(body)) as host:
        host.receive()
        host.send(check("a"))
        assert host.process.stderr
        said = 0
        while ready([host.process.stderr], 1.0):
            said += os.read(host.process.stderr.fileno(), 65_536).count(b"\n")
        assert said <= (MAX_UNWRITTEN_BYTES + 65_536) / 50_000 + 3
        resident = int(Path(f"/proc/{host.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert resident < 80 << 20
        while host.receive()["type"] != "report":
            if ready([host.process.stderr], 0):
                os.read(host.process.stderr.fileno(), 65_536)


def test_requests_wait_in_the_pipe_while_answers_are_not_read() -> None:
    with HostProcess(scripted(INSTANT)) as host:
        host.receive()
        os.set_blocking(host.stdin.fileno(), False)
        request = frame({"type": "x"})
        taken, still_since = 0, time.monotonic()
        while time.monotonic() - still_since < 0.5 and taken < 100_000 * len(request):
            try:
                taken += os.write(host.stdin.fileno(), request * 100)
                still_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        answer_bytes = 100
        pipes = 2 * 65_536 + 65_536
        assert taken / len(request) < (MAX_UNWRITTEN_BYTES + pipes) / answer_bytes + pipes / len(request)
        host.stdin.close()
        with within(1):
            assert host.wait() == 0

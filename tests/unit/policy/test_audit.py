import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poterne import check
from poterne.errors import Forbidden, InvalidTarget
from poterne.policy import audit, load, locks, rate
from poterne.policy.organisation import Log
from poterne.report import Options, Request
from poterne.target.parser import parse


def listening(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(path))
    server.settimeout(10)
    return server


def test_a_file_that_rotates(tmp_path: Path) -> None:
    log = Log(to="file", file=str(tmp_path / "checks.log"), max_bytes=1024, keep=1)
    for _ in range(40):
        audit.begin(log)(parse("jane@example.org"), "port25-blocked", client="0.1.0")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["checks.log", "checks.log.1", "checks.log.lock"]
    lines = (tmp_path / "checks.log").read_text(encoding="utf-8").splitlines()
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ kind=account domain=example\.org verdict=port25-blocked client=0\.1\.0"
    assert all(re.fullmatch(pattern, line) for line in lines)


@pytest.mark.parametrize("keep", [1, 3])
def test_the_oldest_file_goes(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "checks.log"
    for name in "abcdef":
        path.write_text(name + "x" * 2000, encoding="ascii")
        audit.begin(Log(to="file", file=str(path), max_bytes=1024, keep=keep))(parse("example.org"), "ok")
    kept = [(tmp_path / f"checks.log.{number}").read_text(encoding="ascii")[0] for number in range(1, keep + 1)]
    assert kept == ["f", "e", "d"][:keep]
    assert len(list(tmp_path.iterdir())) == keep + 2
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1


def test_a_file_of_which_no_older_one_is_kept_is_not_rotated(tmp_path: Path) -> None:
    path = tmp_path / "checks.log"
    path.write_text("x" * 2000, encoding="ascii")
    audit.begin(Log(to="file", file=str(path), max_bytes=1024, keep=0))(parse("example.org"), "ok")
    assert list(tmp_path.iterdir()) == [path]


def test_a_rotation_that_another_process_is_at_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "checks.log"
    path.write_text("x" * 2000 + "\n", encoding="ascii")
    log = Log(to="file", file=str(path), max_bytes=1024)
    lock = os.open(tmp_path / "checks.log.lock", os.O_RDONLY | os.O_CREAT)
    try:
        with locks.held(lock) as alone:
            assert alone
            audit.begin(log)(parse("example.org"), "ok")
            assert len(path.read_text(encoding="utf-8").splitlines()) == 2
            assert not (tmp_path / "checks.log.1").exists()
        audit.begin(log)(parse("example.org"), "ok")
        assert len(path.read_text(encoding="utf-8").splitlines()) == 1
        assert len((tmp_path / "checks.log.1").read_text(encoding="utf-8").splitlines()) == 2
    finally:
        os.close(lock)


WRITER = """
import sys
from poterne.policy import audit
from poterne.policy.organisation import Log
from poterne.target.parser import parse
log = Log(to="file", file=sys.argv[1], max_bytes=1024, keep=100)
targets = [parse(f"n{number}.{sys.argv[2]}.example.org") for number in range(100)]
print("ready", flush=True)
sys.stdin.readline()
for target in targets:
    audit.begin(log)(target, "port25-blocked", client="0.1.0")
"""


def test_processes_that_rotate_at_once_lose_no_line_and_rotate_no_file_that_is_not_full(tmp_path: Path) -> None:
    path = tmp_path / "checks.log"
    names = ["p1", "p2", "p3", "p4"]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603
                    [sys.executable, "-c", WRITER, str(path), name],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for name in names
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
    assert [writer.returncode for writer in writers] == [0] * len(writers)
    files = [file for file in tmp_path.iterdir() if file.name != "checks.log.lock"]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    found = sorted(match[1] for line in lines if (match := re.search(r"domain=(\S+)\.example\.org", line)))
    assert found == sorted(f"n{number}.{name}" for name in names for number in range(100))
    assert len(lines) == len(found)
    longest = max(map(len, lines)) + 1
    assert [file.name for file in files if file != path and file.stat().st_size + longest <= 1024] == []


def test_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "JOURNAL", str(tmp_path / "journal"))
    with listening(tmp_path / "journal") as server:
        audit.begin(Log(to="journal"))(parse("smtp.example.org:25"), "forbidden", rule="allow.ports")
        fields = dict(line.split("=", 1) for line in server.recv(4096).decode().splitlines())
    assert fields == {
        "MESSAGE": "kind=endpoint domain=smtp.example.org port=25 verdict=forbidden rule=allow.ports",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "poterne",
        "POTERNE_DOMAIN": "smtp.example.org",
        "POTERNE_VERDICT": "forbidden",
    }


def test_syslog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SYSLOG", str(tmp_path / "log"))
    with listening(tmp_path / "log") as server:
        audit.begin(Log(to="syslog"))(parse("jane@example.org"), "ok")
        assert server.recv(4096) == b"<14>poterne: kind=account domain=example.org verdict=ok"


def test_a_log_that_cannot_be_written_lets_nothing_be_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "JOURNAL", str(tmp_path / "none"))
    with pytest.raises(Forbidden, match=r"\(log\.to\)"):
        audit.begin(Log(to="journal"))
    with pytest.raises(Forbidden, match=r"\(log\.file\)"):
        audit.begin(Log(to="file", file=str(tmp_path / "no" / "folder" / "x.log")))


FAULTS = ("pipe", "folder", "below a file", "link that leads nowhere below", "NUL")


def spoil(path: Path, fault: str) -> Path:
    """Puts something else there; gives the path that the policy names."""
    match fault:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "below a file":
            path.write_bytes(b"")
            return path / "checks.log"
        case "NUL":
            return Path(f"{path}\0")
        case _:
            path.symlink_to(path.with_name("nowhere"))
            return path / "checks.log"
    return path


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_log_file_is_neither_waited_for_nor_passed_over(tmp_path: Path, fault: str) -> None:
    path = spoil(tmp_path / "there", fault)
    with pytest.raises(Forbidden, match=r"\(log\.file\)") as caught:
        audit.begin(Log(to="file", file=str(path)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fault", ["folder", "pipe"])
def test_the_users_own_log_is_no_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "poterne").mkdir()
    spoil(tmp_path / "poterne" / "checks.log", fault)
    with pytest.raises(Forbidden, match=r"\(log\.file\)"):
        audit.begin(Log(to="file"))


def test_a_user_without_a_home_has_no_log_and_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(Forbidden, match=r"no home directory \(log\.file\)"):
        audit.begin(Log(to="file"))


def test_a_line_that_cannot_be_written_in_the_end_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "checks.log"
    record = audit.begin(Log(to="file", file=str(path)))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Forbidden, match=r"not a regular file \(log\.file\)"):
        record(parse("example.org"), "ok")
    record(parse("example.org"), "ok")
    assert capfd.readouterr().err == "", "the logging library prints what it swallows"


FULL_DISK = """
import resource, sys
from pathlib import Path
from poterne.policy import audit
from poterne.policy.organisation import Log
from poterne.target.parser import parse
record = audit.begin(Log(to="file", file=sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
record(parse("example.org"), "ok")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sets a limit of POSIX")
def test_a_log_on_a_full_disk_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "checks.log")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 1
    assert "Forbidden: the log that the policy asks for cannot be written: File too large (log.file)" in ended.stderr


@pytest.mark.parametrize("to", ["journal", "syslog"])
def test_a_service_that_takes_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: Literal["journal", "syslog"]
) -> None:
    monkeypatch.setattr(audit, to.upper(), str(tmp_path / "log"))
    monkeypatch.setattr(audit, "PATIENCE_SECONDS", 0.1)
    with listening(tmp_path / "log"), pytest.raises(Forbidden, match=r"timed out \(log\.to\)"):
        for _ in range(10_000):
            audit.begin(Log(to=to))(parse("example.org"), "ok")


def test_a_service_that_was_started_anew_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SYSLOG", str(tmp_path / "log"))
    with listening(tmp_path / "log"):
        record = audit.begin(Log(to="syslog"))
    (tmp_path / "log").unlink()
    with listening(tmp_path / "log") as server:
        record(parse("example.org"), "ok")
        assert server.recv(4096).startswith(b"<14>poterne: ")


async def test_a_result_that_cannot_be_logged_is_not_handed_out(tmp_path: Path) -> None:
    log, file = tmp_path / "log", tmp_path / "policy.toml"
    lab = '[lab]\nconnect_to = ["mail.example.org::127.0.0.1:9"]\nresolver = "127.0.0.1:9"\n'
    file.write_text(f'[controls]\nhosts = []\nportal = ""\n[log]\nto = "file"\nfile = "{log}"\n{lab}')
    asked = Request(target="mail.example.org:587", options=Options(family=4, ports=(587,), trace=False))
    said = []
    with pytest.raises(Forbidden, match=r"\(log\.file\)"):
        async with aclosing(check.check(asked, load(file))) as events:
            async for event in events:
                said.append(event.type)
                if log.is_file():
                    log.unlink()
                    log.mkdir()
    assert said
    assert "report" not in said


async def test_a_forbidden_check_is_logged_and_counted_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate, "place", lambda: tmp_path / "checks")
    file = tmp_path / "policy.toml"
    file.write_text(
        f'[allow]\ntargets = ["example.org"]\nchecks_per_minute = 1\n[log]\nto = "file"\nfile = "{tmp_path / "log"}"\n'
    )
    with pytest.raises(Forbidden):
        async with aclosing(check.check(Request(target="jane@example.com"), load(file))) as events:
            await anext(events)
    line = (tmp_path / "log").read_text(encoding="utf-8")
    assert line.endswith(" kind=account domain=example.com verdict=forbidden rule=allow.targets\n")
    assert not (tmp_path / "checks").exists()


@given(st.text(min_size=1, max_size=30))
def test_no_local_part_is_ever_in_a_line(local: str) -> None:
    marked = f"zqx{local}zqx"
    try:
        target = parse(f"{marked}@example.org")
    except InvalidTarget:
        return
    line = audit.line(target, "ok")
    assert "zqx" not in line
    assert line == "kind=account domain=example.org verdict=ok"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither")
@pytest.mark.parametrize("to", ["journal", "syslog"])
def test_a_service_that_is_not_there_leaves_no_trace_at_the_end(tmp_path: Path, to: str) -> None:
    code = f"""
from poterne.policy import audit, organisation
from poterne import errors
audit.JOURNAL = audit.SYSLOG = {str(tmp_path / "nobody")!r}
try:
    audit.begin(organisation.Log(to={to!r}))
except errors.Forbidden:
    print("forbidden")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert (ended.stdout, ended.stderr) == ("forbidden\n", "")

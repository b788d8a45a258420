import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from poterne import check, policy
from poterne.errors import Forbidden
from poterne.policy import rate
from poterne.report import CheckEvent, PlanEvent, Request


def test_the_limit_holds_for_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "checks"
    for moment in (1000.0, 1001.0, 1002.0):
        rate.count(3, path, moment)
    with pytest.raises(Forbidden, match=r"allows 3 checks a minute; the next in 58 s \(allow\.checks_per_minute\)"):
        rate.count(3, path, 1002.5)
    rate.count(3, path, 1060.5)
    with pytest.raises(Forbidden):
        rate.count(3, path, 1060.6)


def test_another_process_goes_on_counting(tmp_path: Path) -> None:
    code = (
        f"from poterne.policy import rate; from pathlib import Path; rate.count(1, Path({str(tmp_path / 'checks')!r}))"
    )
    first, second = (subprocess.run([sys.executable, "-c", code], capture_output=True, check=False) for _ in range(2))  # noqa: S603
    assert (first.returncode, second.returncode) == (0, 1)
    assert b"Forbidden" in second.stderr


HOLDER = """
import os, select, sys
from poterne.policy import locks
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
with locks.held(file) as alone:
    print("held" if alone else "not free", flush=True)
    told = select.select([sys.stdin], [], [], 60)[0]
    print("told" if told else "never told", flush=True)
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock of a file until its input ends; it says who ended it."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child
        finally:
            child.stdin.close()


async def nothing(*_: object) -> AsyncGenerator[CheckEvent, None]:
    yield PlanEvent(endpoints=())


@pytest.mark.skipif(sys.platform == "win32", reason="select(2) knows only sockets there")
async def test_the_loop_goes_on_while_another_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checks"
    monkeypatch.setattr(rate, "place", lambda: path)
    monkeypatch.setattr(rate, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(check, "_events", nothing)
    (tmp_path / "policy.toml").write_text("[allow]\nchecks_per_minute = 1\n")
    rules = policy.load(tmp_path / "policy.toml")
    with held_elsewhere(path) as holder:
        checks = check.check(Request(target="mail.example.org:25"), rules)
        assert holder.stdin is not None
        assert holder.stdout is not None
        checking = asyncio.ensure_future(anext(checks))
        for _ in range(100):
            await asyncio.sleep(0.001)
        assert not checking.done()
        assert path.read_bytes() == b""
        holder.stdin.close()
        assert holder.stdout.readline() == "told\n", "the loop stood still until the other process let go by itself"
        assert (await checking).type == "plan"
        await checks.aclose()
    assert len(json.loads(path.read_bytes())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="select(2) knows only sockets there")
async def test_a_count_that_is_never_free_lets_nothing_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate, "PATIENCE_SECONDS", 0.05)
    held = r"another program holds the count \(allow\.checks_per_minute\)"
    with held_elsewhere(tmp_path / "checks"), pytest.raises(Forbidden, match=held):
        await rate.begin(1, tmp_path / "checks")
    await rate.begin(1, tmp_path / "checks")
    with pytest.raises(Forbidden, match="allows 1 check a minute"):
        await rate.begin(1, tmp_path / "checks")


def test_without_a_limit_nothing_is_written(tmp_path: Path) -> None:
    rate.count(None, tmp_path / "checks")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_count_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "checks"
    path.write_bytes(b"")
    rate.count(1, path, 1000.0)
    assert json.loads(path.read_text(encoding="ascii")) == [1000.0]


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"{}",
        b"null",
        b'["x", null]',
        b"[true]",
        b"[NaN]",
        b"[-Infinity]",
        b"[1" + b"0" * 400 + b"]",
        b"[" * 20000,
        b"[999.0]]",
        b"\xff",
        b"[" + b" " * rate.MAX_BYTES + b"]",
    ],
)
def test_a_count_that_cannot_be_read_is_a_full_one_and_heals_in_a_minute(tmp_path: Path, raw: bytes) -> None:
    """It may have been the limit that stood there: to begin anew let whoever spoiled the file go on without a limit."""
    path = tmp_path / "checks"
    path.write_bytes(raw)
    with pytest.raises(Forbidden, match=r"cannot be read; the next check in 60 s \(allow\.checks_per_minute\)"):
        rate.count(2, path, 1000.0)
    with pytest.raises(Forbidden, match=r"allows 2 checks a minute; the next in 1 s"):
        rate.count(2, path, 1059.0)
    rate.count(2, path, 1061.0)
    assert json.loads(path.read_bytes()) == [1061.0]


def test_a_clock_that_is_set_back_gains_nothing_and_costs_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "checks"
    for moment in (5000.0, 5001.0):
        rate.count(2, path, moment)
    with pytest.raises(Forbidden, match=r"the next in 60 s"):
        rate.count(2, path, 1000.0)
    with pytest.raises(Forbidden, match=r"the next in 10 s"):
        rate.count(2, path, 1050.0)
    rate.count(2, path, 1060.5)


def test_a_lower_limit_waits_for_as_many_moments_as_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "checks"
    path.write_text("[1000.0, 1010.0, 1020.0]", encoding="ascii")
    with pytest.raises(Forbidden, match=r"allows 1 check a minute; the next in 50 s"):
        rate.count(1, path, 1030.0)


def test_what_a_full_disk_cuts_short_is_no_new_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checks"
    rate.count(3, path, 1000.0)
    write = os.write
    with monkeypatch.context() as patched, pytest.raises(Forbidden, match="No space left"):
        patched.setattr(os, "write", lambda file, raw: write(file, raw[:9]))
        rate.count(3, path, 1001.0)
    with pytest.raises(Forbidden, match="cannot be read"):
        rate.count(3, path, 1002.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
def test_a_pipe_in_the_counts_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "checks")
    with pytest.raises(Forbidden, match="not a regular file"):
        rate.count(1, tmp_path / "checks")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no runtime folders")
def test_a_place_that_cannot_be_known_lets_nothing_be_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(self: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(Path, "is_dir", closed)
    with pytest.raises(Forbidden, match=r"cannot be counted: Permission denied \(allow\.checks_per_minute\)"):
        rate.count(1)
    rate.forget()


@pytest.mark.skipif(sys.platform == "win32", reason="needs hard links that others may make")
def test_a_count_with_another_name_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("dear", encoding="ascii")
    os.link(tmp_path / "mine", tmp_path / "checks")
    with pytest.raises(Forbidden, match="another name"):
        rate.count(1, tmp_path / "checks")
    assert (tmp_path / "mine").read_text(encoding="ascii") == "dear"


def test_where_nothing_can_be_counted_nothing_is_checked(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("[]", encoding="ascii")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path, tmp_path / "link", tmp_path / "no" / "folder"):
        with pytest.raises(Forbidden, match=r"cannot be counted .*allow\.checks_per_minute"):
            rate.count(1, path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "checks"
    path.write_text("[]", encoding="ascii")
    os.chown(path, 65534, 65534)
    with pytest.raises(Forbidden, match="somebody else"):
        rate.count(1, path)

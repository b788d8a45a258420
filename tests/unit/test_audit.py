import re
import socket
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poterne import audit, check, rate
from poterne.errors import Forbidden, InvalidTarget
from poterne.model import Request
from poterne.organisation import Log
from poterne.policy import load
from poterne.target import parse


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
    assert files == ["checks.log", "checks.log.1"]
    lines = (tmp_path / "checks.log").read_text(encoding="utf-8").splitlines()
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ kind=account domain=example\.org verdict=port25-blocked client=0\.1\.0"
    assert all(re.fullmatch(pattern, line) for line in lines)


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

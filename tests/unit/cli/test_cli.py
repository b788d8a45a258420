import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.core_certificates import HOST, context, issue, pki
from tests.unit.core_observations import evidence, plain, report_of, resolved, seen, spoilt, unreached
from tests.unit.core_scripts import saying, smtp
from tests.unit.core_servers import Server
from tests.unit.core_timing import hurry
from tests.unit.core_world import mapped, policy_file, roots_file

from poterne import __version__
from poterne.cli.main import main
from poterne.report import Report
from poterne.told import retold

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr("poterne.check.surroundings.source_address", lambda family: "192.0.2.99")
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "POTERNE_TRACEBACK", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def once(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return once


def checking(run: Run, folder: Path, target: str, *options: str, **servers: Server) -> tuple[int, str, str]:
    entries = [*mapped(HOST, **servers), f"{HOST}::127.0.0.1:9"]
    file = policy_file(folder, connect_to=entries, roots=roots_file())
    return run("check", target, "--policy", str(file), "--family", "4", *options)


def test_0_where_it_works(run: Run, tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        status, out, err = checking(run, tmp_path, HOST, "--json", p587=server)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert out.count("\n") == 1
    assert found["verdict"]["code"] == "ok"
    assert found["schema"] == 1
    assert {"version", "target", "findings", "settings", "observations", "elapsed_ms"} <= found.keys()


def test_1_where_a_problem_was_diagnosed(run: Run, tmp_path: Path) -> None:
    bad = context(issue(HOST, issuer=pki().intermediate, sans=("other.example",)), pki().intermediate)
    with Server(smtp(bad)) as server, Server(smtp(pki().good, implicit=True)) as other:
        status, out, err = checking(run, tmp_path, f"{HOST}:587", "--json", p587=server, p465=other)
    assert (status, err) == (1, "")
    found = json.loads(out)
    assert found["verdict"]["code"] == "cert-name-mismatch"
    assert [way["port"] for way in found["settings"]["outgoing"] if way["verified"]] == [465]


@pytest.mark.parametrize(
    "arguments",
    [
        ("",),
        ("two words",),
        ("user@",),
        ("example.org:0",),
        ("exam\x1b[31mple.org",),
        ("\udcff.example",),
        ("ftp://example.org",),
        ("example.org", "--budget", "0"),
        ("example.org", "--budget", "nan"),
        ("example.org", "--budget", "1e9"),
        ("example.org", "--ports", "0"),
        ("example.org", "--ports", "65536"),
        ("example.org", "--relay", "x" * 600),
        ("example.org", "--json", "--ports", "-1"),
    ],
)
def test_2_where_the_input_is_unusable(run: Run, arguments: tuple[str, ...]) -> None:
    status, out, err = run("check", *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("poterne: ")
    assert err.strip().isprintable()


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "example.org", "--ports", "smtp"),
        ("check", "example.org", "--ports", ""),
        ("check", "example.org", "--family", "5"),
        ("check", "example.org", "--budget", "soon"),
        ("check", "example.org", "--json", "--jsonl"),
        ("check", "example.org", "other.example"),
        ("check", "example.org", "--unknown"),
        ("frobnicate",),
        ("explain",),
    ],
)
def test_2_and_one_line_where_the_arguments_are_wrong(run: Run, arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_3_where_the_policy_is_broken(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    for content in ("[allow\n", "[unknown]\n", "[lab]\nresolver = 53\n"):
        file.write_text(content)
        status, out, err = run("check", "example.org", "--policy", str(file))
        assert (status, out) == (3, "")
        assert err.count("\n") == 1
        assert str(file) in err
    status, out, err = run("check", "example.org", "--policy", str(tmp_path / "missing"))
    assert (status, out, err.count("\n")) == (3, "", 1)


def test_3_where_the_policy_forbids(run: Run, tmp_path: Path) -> None:
    file = policy_file(tmp_path, tables="[allow]\nports = [25, 587]\n")
    status, out, err = run("check", f"{HOST}:8025", "--policy", str(file), "--json")
    assert (status, out, err.count("\n")) == (3, "", 1)
    assert "8025" in err


def test_any_port_that_is_typed_is_tested(run: Run, tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        status, out, err = checking(run, tmp_path, f"{HOST}:8025", "--json", p8025=server)
        assert (status, err) == (0, "")
        assert checking(run, tmp_path, HOST, "--ports", "8025", p8025=server)[0] == 0
    assert [row["port"] for row in json.loads(out)["settings"]["outgoing"]] == [8025]


def test_of_a_web_address_only_the_host_is_written(run: Run, tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        secret = f"https://jane:secret1@{HOST}/secret2?secret3#secret4"
        for form in ("--json", "--jsonl", "--no-trace"):
            status, out, err = checking(run, tmp_path, secret, form, p587=server)
            assert (status, err) == (0, "")
            assert "secret" not in out
            assert HOST in out


def test_3_and_a_report_without_a_network(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poterne.check.surroundings.source_address", lambda family: None)
    file = policy_file(tmp_path, resolver="127.0.0.1:9")
    status, out, err = run("check", "example.org", "--policy", str(file), "--json")
    assert (status, err) == (3, "")
    assert json.loads(out)["verdict"]["code"] == "offline"


def test_3_and_one_line_after_an_internal_failure(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(evidence: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("poterne.check.runner.diagnose", broken)
    status, out, err = checking(run, tmp_path, HOST, "--json", "--ports", "587")
    assert (status, out) == (3, "")
    assert err == "poterne: internal failure: RuntimeError: two lines\n"


def test_a_file_of_roots_that_is_missing_is_named(run: Run, tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        file = policy_file(tmp_path, connect_to=mapped(HOST, p587=server), roots="/no/such/roots.pem")
        status, out, err = run("check", f"{HOST}:587", "--policy", str(file), "--family", "4", "--ports", "587")
    assert (status, out) == (3, "")
    assert err.count("\n") == 1
    assert "roots.pem" in err


def test_every_event_on_a_line_of_its_own(run: Run, tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        status, out, err = checking(run, tmp_path, HOST, "--jsonl", "--ports", "25,587", p587=server)
    assert (status, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert all("id" not in line for line in lines)
    assert (lines[0]["type"], lines[-1]["type"]) == ("plan", "report")
    assert {"observation", "finding", "settings"} < {line["type"] for line in lines}
    Report.model_validate(lines[-1]["report"])


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_json_can_be_written_whatever_the_encoding_of_standard_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """On Windows a pipe has the code page of the system; JSON is UTF-8 (RFC 8259 section 8.1)."""
    raw = io.BytesIO()
    with Server(saying("220 caf\u00e9 \u2603 \x00 ESMTP\r\n".encode(), b"250 x\r\n", b"221 x\r\n")) as server:
        file = policy_file(tmp_path, connect_to=mapped(HOST, p587=server))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        status = main(("check", f"{HOST}:587", "--policy", str(file), "--json", "--ports", "587", "--family", "4"))
        sys.stdout.flush()
    assert status == 1
    found = json.loads(raw.getvalue().decode("utf-8"))
    assert "\u2603" in found["observations"][0]["greeting"]


class TestExplain:
    @pytest.fixture
    def saved(self, tmp_path: Path) -> Path:
        known = evidence(f"{HOST}:25", unreached(25, "no-answer"), spoilt(587, "cert-expired"), names=[resolved()])
        file = tmp_path / "report.json"
        file.write_text(report_of(known).model_dump_json(), encoding="utf-8")
        return file

    def test_it_says_the_same_again(self, run: Run, saved: Path) -> None:
        status, out, err = run("explain", str(saved), "--json")
        assert (status, err) == (1, "")
        told = retold(Report.model_validate_json(saved.read_text()))
        assert json.loads(out) == json.loads(told.model_dump_json())

    def test_findings_of_the_file_are_not_believed(self, run: Run, saved: Path) -> None:
        changed = json.loads(saved.read_text())
        changed["findings"] = []
        changed["verdict"] = {"code": "ok", "severity": "good", "confidence": "certain"}
        saved.write_text(json.dumps(changed))
        status, out, _ = run("explain", str(saved), "--json")
        assert (status, json.loads(out)["verdict"]["code"]) == (1, "unproven")

    def test_as_text(self, run: Run, saved: Path) -> None:
        status, out, err = run("explain", str(saved))
        assert (status, err) == (1, "")
        assert HOST in out

    @pytest.mark.parametrize(
        "content",
        [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"schema": 1}', b"[" * 100_000, b"not JSON", b"1" * 10_000],
    )
    def test_what_is_no_report(self, run: Run, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "report.json"
        file.write_bytes(content)
        status, out, err = run("explain", str(file))
        assert (status, out, err.count("\n")) == (2, "", 1)

    def test_what_cannot_be_read(self, run: Run, tmp_path: Path) -> None:
        for path in (tmp_path / "missing", tmp_path):
            status, out, err = run("explain", str(path))
            assert (status, out, err.count("\n")) == (2, "", 1)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("started_at", "yesterday"),
            ("started_at", "2026-11-24T12:00:00"),
            ("not_after", "soon"),
            ("not_after", "2026-11-24T12:00:00"),
            ("faults", ["no-such-fault"]),
        ],
    )
    def test_a_report_with_values_of_another_kind(self, run: Run, tmp_path: Path, key: str, value: object) -> None:
        report = json.loads(report_of(evidence(f"{HOST}:587", seen(587))).model_dump_json())
        if key in report:
            report[key] = value
        else:
            report["observations"][0]["tls"][key] = value
        file = tmp_path / "report.json"
        file.write_text(json.dumps(report))
        status, out, err = run("explain", str(file))
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "internal" not in err

    def test_a_report_of_somebody_else_writes_no_control_characters(self, run: Run, tmp_path: Path) -> None:
        evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
        busy = plain(587, greeting=f"421 {evil}", greeting_kind="busy", starttls=None)
        other = spoilt(465, "cert-untrusted").model_copy(update={"host": f"{evil}.example", "error": evil})
        report = report_of(evidence(f"{HOST}:587", busy, other, names=[resolved(evil)]))
        file = tmp_path / "report.json"
        file.write_text(report.model_dump_json())
        _, out, err = run("explain", str(file))
        assert [c for c in out + err if not c.isprintable() and c != "\n" and c not in "\u00a0\u202f"] == []


def test_schema(run: Run) -> None:
    status, out, err = run("schema")
    assert (status, err) == (0, "")
    schema = json.loads(out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "Report" in schema["$defs"]


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"poterne {__version__}\n", "")


def test_help_names_every_command(run: Run) -> None:
    status, out, _ = run("--help")
    assert status == 0
    assert all(command in out for command in ("check", "install", "uninstall", "doctor", "demo", "explain", "schema"))


def test_the_command_ends_quietly_where_nobody_reads(tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        file = policy_file(tmp_path, connect_to=mapped(HOST, p587=server), roots=roots_file())
        command = [
            sys.executable,
            "-m",
            "poterne.cli.main",
            "check",
            HOST,
            "--policy",
            str(file),
            "--jsonl",
            "--ports",
            "587",
        ]
        with subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "LANG": "C.UTF-8"}
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            err = process.stderr.read()
            process.wait(timeout=10)
    assert err == b""
    assert process.returncode != 0

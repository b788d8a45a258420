"""Runs of the real command line, and the promises that every one of them has to keep."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poterne.report import Report

from . import outcome
from .netns import Namespace

HOST_SOURCES = Path(__file__).resolve().parents[2] / "host"
_LIMIT_SECONDS = 75.0
_TEXT_BYTES = 4096
# Read once: pytest changes it in the main thread, while scenes are run ahead in others.
_ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
_ELAPSED_SLACK = 1.5

Json = dict[str, Any]


def _path(seen: Json) -> str:
    return " ".join(f"{hop['hop']}:{hop['answer']}@{hop['address']}" for hop in seen["path"])


@dataclass
class Run:
    """What one `poterne check` printed and how it ended. `moments` are seconds since its start, one an event."""

    argv: list[str]
    status: int
    stderr: str
    events: list[Json]
    moments: list[float] = field(default_factory=list)
    seconds: float = 0.0
    peak_kib: int = 0

    def __str__(self) -> str:
        report = self.events[-1].get("report", {}) if self.events else {}
        findings = [
            f"{finding['severity']} {finding['code']} ({finding['confidence']})"
            f" {finding['host']}:{finding['port']} v{finding['family']}"
            f" {finding['params']} by {finding['evidence']}"
            for finding in report.get("findings", ())
        ]
        observations = [
            f"{seen['id']} {seen['role']} {seen['host']}:{seen['port']} v{seen['family']} {seen['state']}"
            f" by {seen['reporter']} {_path(seen)}"
            f" {seen['greeting_kind']} {seen['security']} {seen['starttls']} {seen['error']}"
            f" {(seen['tls'] or {}).get('faults')}"
            for seen in report.get("observations", ())
        ]
        settings = [
            f"{direction} {row['host']}:{row['port']} {row['security']} {row['auth']} verified={row['verified']}"
            for direction, rows in report.get("settings", {}).items()
            for row in rows
        ]
        head = f"status {self.status} after {self.seconds:.2f} s, {report.get('verdict')}, {self.stderr.strip()}"
        place = [f"{key}: {report.get(key)}" for key in ("way", "portal", "trace", "machine", "names")]
        return "\n  ".join([f"{' '.join(self.argv)}: {head}", *findings, *settings, *observations, *place])

    __repr__ = __str__

    @property
    def report(self) -> Json:
        report: Json = self.events[-1]["report"]
        return report

    @property
    def verdict(self) -> str:
        return str(self.report["verdict"]["code"])

    @property
    def codes(self) -> set[str]:
        return {finding["code"] for finding in self.report["findings"]}

    @property
    def telling_codes(self) -> set[str]:
        """`codes` without the mere remark that further ports are closed."""
        return {
            finding["code"]
            for finding in self.report["findings"]
            if (finding["code"], finding["severity"]) != ("port-closed", "note")
        }

    def findings(self, code: str) -> list[Json]:
        return [finding for finding in self.report["findings"] if finding["code"] == code]

    def finding(self, code: str, port: int | None = None) -> Json:
        """The one finding with this code (that begins with this port, where alternatives have one of their own)."""
        (finding,) = [finding for finding in self.findings(code) if port in (None, finding["port"])]
        return finding

    @property
    def observations(self) -> list[Json]:
        observations: list[Json] = self.report["observations"]
        return observations

    @property
    def tried(self) -> list[Json]:
        """The target's own observations, without those that it is compared with."""
        return [seen for seen in self.observations if seen["role"] == "target"]

    def observation(self, port: int, family: int = 4, host: str | None = None) -> Json:
        """The one observation of a port in a family (and of a host, where several were tested)."""
        (seen,) = [
            seen
            for seen in self.tried
            if (seen["port"], seen["family"]) == (port, family) and host in (None, seen["host"])
        ]
        return seen

    def states(self, family: int | None = None) -> dict[int, str]:
        """The state of each port; a port with different states in two families raises."""
        states: dict[int, str] = {}
        for seen in self.tried:
            if family not in (None, seen["family"]):
                continue
            if states.setdefault(seen["port"], seen["state"]) != seen["state"]:
                raise AssertionError(f"port {seen['port']} differs between families\n{self}")
        return states

    def settings(self, direction: str, *, verified: bool = True) -> list[tuple[str, int, str]]:
        """(host, port, security) of the verified settings (or of the others), the best first."""
        return [
            (row["host"], row["port"], row["security"])
            for row in self.report["settings"][direction]
            if row["verified"] is verified
        ]

    def when(self, wanted: Callable[[Json], bool]) -> int:
        """The place of the first event that is wanted."""
        return next(place for place, event in enumerate(self.events) if wanted(event))


def run_check(
    namespace: Namespace,
    arguments: Iterable[str],
    starts: AbstractContextManager[object] | None = None,
    env: Mapping[str, str] | None = None,
) -> Run:
    """Run `poterne check …` to its end, without privileges, and check what holds for every run. `starts` is held until
    it has said its first word; `env` is added to its environment.
    """
    argv = [sys.executable, "-m", "poterne.cli.main", "check", *arguments]
    starting = ExitStack()
    starting.enter_context(starts or nullcontext())
    process = namespace.popen(
        argv,
        unprivileged=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**_ENVIRONMENT, "PYTHONPATH": str(HOST_SOURCES), "LANG": "C.UTF-8", **(env or {})},
        cwd=Path("/"),
    )
    started = time.monotonic()
    killed = threading.Event()

    def kill() -> None:
        killed.set()
        process.kill()

    overdue = threading.Timer(_LIMIT_SECONDS, kill)
    overdue.start()
    run = Run(argv[1:], 0, "", [])
    errors: list[bytes] = []
    assert process.stdout is not None
    assert process.stderr is not None
    with starting, process.stdout as output, process.stderr as complaints:
        reader = threading.Thread(target=lambda: errors.append(complaints.read()))
        reader.start()
        raw = []
        for line in output:
            starting.close()
            raw.append(line)
            run.moments.append(time.monotonic() - started)
            run.peak_kib = max(run.peak_kib, _peak_kib(process.pid))
        reader.join()
    run.status = process.wait()
    run.seconds = time.monotonic() - started
    overdue.cancel()
    run.stderr = errors[0].decode(errors="replace")
    if killed.is_set():
        raise AssertionError(f"still running after {_LIMIT_SECONDS} s: {' '.join(argv)}\n{b''.join(raw[-5:])!r}")
    run.events = [json.loads(line) for line in raw]
    outcome.record(run.events, run.status, run.argv)
    _keep_promises(run)
    return run


def _peak_kib(pid: int) -> int:
    """The most memory that a process has held so far, 0 where it has ended. The kernel's figure for a child that was
    waited for would not do: it counts what the test runner held when it forked.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


# ---- what docs/contract.md promises of every run ---------------------------------------------------------------------


def _keep_promises(run: Run) -> None:
    try:
        assert "Traceback" not in run.stderr
        if run.status == 2 or not run.events:
            assert not run.events, "refused input prints nothing on standard output"
            assert run.status in (2, 3)
            assert len(run.stderr.strip().splitlines()) == 1, "a refusal is one line on standard error"
            return
        assert run.stderr == "", "a check that ran says nothing on standard error"
        _check_stream(run)
        _check_verdict(run)
        _check_settings(run)
        _check_observations(run)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{run}") from error


def _check_stream(run: Run) -> None:
    kinds = [event["type"] for event in run.events]
    assert kinds[-1] == "report"
    assert kinds.count("report") == 1
    assert set(kinds) <= {"plan", "observation", "finding", "settings", "report"}
    Report.model_validate(run.report)
    planned: set[str] = set()
    final: set[str] = set()
    for event in run.events:
        if event["type"] == "plan":
            endpoints = {endpoint["id"] for endpoint in event["endpoints"]}
            assert planned <= endpoints, "a later plan holds at least what the earlier one held"
            planned = endpoints
        elif event["type"] == "observation":
            seen = event["observation"]
            assert seen["id"] in planned, "an observation belongs to a planned endpoint"
            assert seen["id"] not in final, "nothing follows a final observation of the same endpoint"
            if not seen["provisional"]:
                final.add(seen["id"])
    assert planned == final == {seen["id"] for seen in run.observations}
    assert not any(seen["provisional"] for seen in run.observations)
    assert run.report["lab"] is True


def _check_verdict(run: Run) -> None:
    report = run.report
    blockers = [finding for finding in report["findings"] if finding["severity"] == "blocker"]
    assert bool(blockers) is (run.status != 0), "a blocker exists exactly when the exit status is not 0"
    assert any(
        all(finding[key] == report["verdict"][key] for key in ("code", "severity", "confidence"))
        for finding in report["findings"]
    ), "the verdict is one of the findings"
    if blockers:
        assert report["verdict"]["severity"] == "blocker", "a blocker wins"
    known = {seen["id"] for seen in run.observations}
    for finding in report["findings"]:
        assert set(finding["evidence"]) <= known
        if finding["family"]:
            families = {seen["family"] for seen in run.tried if seen["id"] in finding["evidence"]}
            assert families <= {finding["family"]}, "a finding of one family rests on what the target did in it"
    heard = {event["finding"]["code"] for event in run.events if event["type"] == "finding"}
    assert heard <= run.codes, "a finding that was announced is in the report"


def _check_settings(run: Run) -> None:
    settings = run.report["settings"]
    announced = [event["settings"] for event in run.events if event["type"] == "settings"]
    for direction in ("outgoing", "incoming"):
        rows = settings[direction]
        ranks = [(not row["verified"], row["security"] == "none") for row in rows]
        assert ranks == sorted(ranks), "verified before unverified, encrypted before not"
        sizes = [len(earlier[direction]) for earlier in announced]
        assert sizes == sorted(sizes), "settings only grow"
        if announced:
            assert announced[-1][direction] == rows
        for row in rows:
            if row["verified"] and row["security"] != "none":
                assert any(_proves(seen, row) for seen in run.observations), f"nothing proves {row}"
    if announced:
        assert sum(len(settings[direction]) for direction in settings) > 0


def _proves(seen: Json, row: Json) -> bool:
    tls = seen["tls"] or {}
    return (
        (seen["host"], seen["port"], seen["security"]) == (row["host"], row["port"], row["security"])
        and seen["state"] == "open"
        and tls.get("version") in ("TLSv1.2", "TLSv1.3")
        and tls.get("trusted") is True
        and tls.get("name_ok") is True
        and not tls.get("fault")
    )


def _check_observations(run: Run) -> None:
    for seen in run.observations:
        text = json.dumps([seen["greeting"], seen["capabilities"], seen["tls"]], ensure_ascii=False)
        assert len(text.encode()) <= _TEXT_BYTES * 1.5, "what a server says is cut"
        assert text.isprintable(), "no control characters reach a screen"
        assert seen["state"] != "open" or seen["security"] is not None
    budget = run.report["options"]["budget"]
    assert run.report["elapsed_ms"] <= (budget + _ELAPSED_SLACK) * 1000, "a check ends by its budget"
    starting = run.moments[0] if run.moments else 0.0  # what a busy machine takes to start a program is not the check's
    assert run.seconds - starting <= budget + 2 * _ELAPSED_SLACK + 3, "the command ends with its check"

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tests.unit.native_process import check, frame

from poterne.errors import Forbidden, InvalidTarget, PolicyError
from poterne.native.session import MAX_CHECKS, Check, Session
from poterne.net import machine
from poterne.report import (
    CheckEvent,
    Finding,
    FindingEvent,
    Options,
    Report,
    ReportEvent,
    Request,
    Settings,
    Target,
    Verdict,
)

OK = Verdict(code="ok", severity="good", confidence="certain")


def finding(code: str) -> FindingEvent:
    return FindingEvent(finding=Finding(code=code, severity="note", confidence="certain"))


def report(request: Request, version: str = "1") -> ReportEvent:
    return ReportEvent(
        report=Report(
            version=version,
            target=Target(input=request.target, kind="domain"),
            options=request.options,
            verdict=OK,
            findings=(),
            settings=Settings(),
            observations=(),
            started_at="2026-01-01T00:00:00Z",
            elapsed_ms=1,
        )
    )


async def instant(request: Request) -> AsyncGenerator[CheckEvent, None]:
    yield finding("ok")
    yield report(request)


class Endless:
    """A check that says one thing and then waits until it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = 0

    async def __call__(self, request: Request) -> AsyncGenerator[CheckEvent, None]:
        yield finding("ok")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.cancelled += 1


class Extension:
    """The other side of a session, without pipes."""

    def __init__(self, run: Check = instant) -> None:
        self.sent: list[dict[str, Any]] = []
        self.room = asyncio.Event()
        self.room.set()
        self.session = Session(run, self._take)

    async def _take(self, data: bytes) -> None:
        await self.room.wait()
        self.sent.append(json.loads(data[4:]))

    async def say(self, *values: object) -> list[dict[str, Any]]:
        """Everything that was answered once nothing runs any more."""
        for value in values:
            await self.session.receive(frame(value))
        await self.session.wait()
        return self.sent

    async def say_on(self, *values: object) -> None:
        """Say it, let the checks take some steps, and do not wait for their end."""
        for value in values:
            await self.session.receive(frame(value))
        for _ in range(10):
            await asyncio.sleep(0)


def kinds(messages: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(message.get("code", message["type"]), message["id"]) for message in messages]


async def test_events_carry_the_id_and_the_request_its_options() -> None:
    sent = await Extension().say(check("a", "example.org", options={"ports": [25, 587], "family": 6, "budget": 5}))
    assert kinds(sent) == [("finding", "a"), ("report", "a")]
    assert sent[1]["report"]["target"]["input"] == "example.org"
    assert sent[1]["report"]["options"] == Options(ports=(25, 587), family=6, budget=5.0).model_dump(mode="json")


async def test_only_with_a_salt_the_report_comes_with_the_networks_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "network_identity", lambda: "the network")
    monkeypatch.setattr(machine, "network_key", lambda: "the key")
    salts = [None, "a" * 32, "b" * 32]
    names = []
    for salt in salts:
        said = await Extension().say({**check("a", "example.org"), **({"salt": salt} if salt else {})})
        assert not {"network", "network_before"} & set(said[-1]["report"])
        names += [said[-1]["network"], said[-1]["network_before"]]
    assert names[:2] == [None, None]
    assert len(set(names[2:])) == 4
    assert all("the " not in str(name) for name in names)
    monkeypatch.setattr(machine, "network_identity", lambda: None)
    said = await Extension().say({**check("a", "example.org"), "salt": "a" * 32})
    assert (said[-1]["network"], said[-1]["network_before"]) == (None, names[3])


async def test_a_salt_that_anybody_could_guess_is_refused() -> None:
    said = await Extension().say({**check("a", "example.org"), "salt": "short"})
    assert [(each["type"], each.get("code")) for each in said] == [("error", "invalid-message")]


@pytest.mark.parametrize("protocol", [1, 1.0])
async def test_this_protocol_and_unknown_keys_are_accepted(protocol: object) -> None:
    assert kinds(await Extension().say(check("a", protocol=protocol, later="thing")))[-1] == ("report", "a")


@pytest.mark.parametrize("protocol", [0, 2, "1", True, None, [], 1.5])
async def test_another_protocol(protocol: object) -> None:
    assert kinds(await Extension().say(check("a", protocol=protocol))) == [("unsupported-protocol", "a")]


INVALID: list[tuple[object, str | None]] = [
    (b"", None),
    (b"\xff", None),
    (b"nonsense", None),
    (b"\xef\xbb\xbf" + json.dumps(check("a")).encode(), None),
    (b"[" * 100_000, None),
    (None, None),
    ([], None),
    (7, None),
    ("check", None),
    ({}, None),
    ({"id": "a"}, "a"),
    ({"type": "hello", "id": "a"}, "a"),
    ({"type": ["check"], "id": "a"}, "a"),
    ({"type": "check", "target": "example.org"}, None),
    (check("", "x"), None),
    (check("i" * 65), None),
    (check("i" * 1_000_000), None),
    ({"type": "check", "id": 7, "target": "x"}, None),
    ({"type": "check", "id": None, "target": "x"}, None),
    ({"type": "check", "id": ["a"], "target": "x"}, None),
    (check("\ud800"), None),
    (check("a", "\udfff"), "a"),
    ({"type": "check", "id": "a"}, "a"),
    ({"type": "check", "id": "a", "target": 7}, "a"),
    (check("a", "x" * 513), "a"),
    (b'{"type":"check","id":"a","target":"x","target":"y"}', "a"),
    (b'{"type":"check","id":"a","id":"b","target":"x"}', "a"),
    (b'{"type":"check","id":"a","target":"x","more":NaN}', "a"),
    (b'{"type":"check","id":"a","target":"x","more":1e999}', "a"),
    (b'{"type":"check","id":"a","target":"x","options":{"ports":[' + b"9" * 10_000 + b"]}}", "a"),
    (b'{"type":"check","id":"a","target":"x","options":{"budget":-Infinity}}', "a"),
    (check("a", options=None), "a"),
    (check("a", options=[]), "a"),
    (check("a", options={"unknown": 1}), "a"),
    (check("a", options={"k" * 500_000: 1}), "a"),
    (check("a", options={"ports": []}), "a"),
    (check("a", options={"ports": [0]}), "a"),
    (check("a", options={"ports": [-1]}), "a"),
    (check("a", options={"ports": [65_536]}), "a"),
    (check("a", options={"ports": ["25"]}), "a"),
    (check("a", options={"ports": [25.0]}), "a"),
    (check("a", options={"ports": [True]}), "a"),
    (check("a", options={"ports": [None]}), "a"),
    (check("a", options={"ports": list(range(1, 10_001))}), "a"),
    (check("a", options={"family": 5}), "a"),
    (check("a", options={"relay": "r" * 513}), "a"),
    (check("a", options={"trace": "no"}), "a"),
    (check("a", options={"budget": 0}), "a"),
    ({"type": "cancel"}, None),
    ({"type": "cancel", "id": "never heard of"}, "never heard of"),
]


@pytest.mark.parametrize(("message", "identifier"), INVALID, ids=[str(number) for number in range(len(INVALID))])
async def test_an_invalid_message_is_answered_once_and_the_next_is_served(
    message: object, identifier: str | None
) -> None:
    extension = Extension()
    sent = await extension.say(message, check("next"))
    assert kinds(sent) == [("invalid-message", identifier), ("finding", "next"), ("report", "next")]
    assert "\n" not in sent[0]["message"]
    assert 0 < len(sent[0]["message"]) <= 301


async def test_an_id_that_is_running_is_refused_and_may_be_used_again_afterwards() -> None:
    endless = Endless()
    extension = Extension(endless)
    await extension.say_on(check("a"), check("a"))
    assert kinds(extension.sent) == [("finding", "a"), ("invalid-message", "a")] or kinds(extension.sent) == [
        ("invalid-message", "a"),
        ("finding", "a"),
    ]
    await extension.say({"type": "cancel", "id": "a"})
    await extension.say_on(check("a"))
    assert kinds(extension.sent)[2:] == [("cancelled", "a"), ("finding", "a")]
    extension.session.stop()
    await extension.session.wait()


async def test_too_many_checks_are_busy_in_order() -> None:
    endless = Endless()
    extension = Extension(endless)
    names = [f"c{number}" for number in range(MAX_CHECKS + 3)]
    await extension.say_on(*map(check, names))
    refused = [message["id"] for message in extension.sent if message.get("code") == "busy"]
    assert refused == names[MAX_CHECKS:]
    await extension.say_on({"type": "cancel", "id": "c0"}, {"type": "cancel", "id": refused[0]})
    await extension.say_on(check("again"))
    assert kinds(extension.sent)[-2:] == [("cancelled", "c0"), ("finding", "again")]
    extension.session.stop()
    await extension.session.wait()
    assert endless.cancelled == MAX_CHECKS + 1


async def test_with_its_report_a_checks_id_and_place_are_free_though_it_still_cleans_up() -> None:
    release, begun, closed = asyncio.Event(), 0, 0

    async def slow_to_close(request: Request) -> AsyncGenerator[CheckEvent, None]:
        nonlocal begun, closed
        begun += 1
        try:
            yield report(request)
        finally:
            await release.wait()
            closed += 1

    extension = Extension(slow_to_close)
    for _ in range(2):
        names = [f"c{number}" for number in range(MAX_CHECKS)]
        await extension.say_on(*map(check, names))
        assert sorted(kinds(extension.sent)) == [("report", name) for name in names]
        extension.sent.clear()
    await extension.say_on({"type": "cancel", "id": "c0"})
    extension.session.stop()
    waiting = asyncio.create_task(extension.session.wait())
    await asyncio.sleep(0)
    assert (extension.sent, begun, closed, waiting.done()) == ([], 2 * MAX_CHECKS, 0, False)
    release.set()
    await waiting
    assert closed == 2 * MAX_CHECKS


async def test_a_check_that_cleans_up_ends_none_that_has_its_id_now(capsys: pytest.CaptureFixture[str]) -> None:
    release = asyncio.Event()

    async def clumsy(request: Request) -> AsyncGenerator[CheckEvent, None]:
        try:
            if request.target == "first":
                yield report(request)
            else:
                yield finding("ok")
                await asyncio.Event().wait()
        finally:
            await release.wait()
            raise ValueError("while closing")

    extension = Extension(clumsy)
    await extension.say_on(check("a", "first"))
    await extension.say_on(check("a", "second"))
    release.set()
    await extension.say_on(check("a", "third"))
    assert kinds(extension.sent) == [("report", "a"), ("finding", "a"), ("invalid-message", "a")]
    extension.session.stop()
    await extension.session.wait()
    assert kinds(extension.sent)[3:] == [("internal", "a")]
    assert capsys.readouterr().err.count("ValueError: while closing") == 2


async def test_ten_thousand_requests_are_each_answered_and_forgotten() -> None:
    extension = Extension(Endless())
    for number in range(10_000):
        await extension.session.receive(frame(check(str(number))))
    await extension.session.receive(frame({"type": "cancel", "id": "0"}))
    extension.session.stop()
    await extension.session.wait()
    answered = [message["id"] for message in extension.sent if message["type"] != "finding"]
    assert sorted(answered, key=int) == [str(number) for number in range(10_000)]
    assert len(extension.session._ended) < 2000


async def test_cancel_ends_a_check_once() -> None:
    endless = Endless()
    extension = Extension(endless)
    await extension.say_on(check("a"))
    cancel = {"type": "cancel", "id": "a"}
    assert kinds(await extension.say(cancel, cancel)) == [("finding", "a"), ("cancelled", "a")]
    assert endless.cancelled == 1
    assert kinds(await extension.say(cancel))[2:] == []


async def test_cancel_of_a_check_that_has_not_begun() -> None:
    endless = Endless()
    assert kinds(await Extension(endless).say(check("a"), {"type": "cancel", "id": "a"})) == [("cancelled", "a")]


@pytest.mark.parametrize("reports", [True, False])
async def test_a_further_cancel_interrupts_no_clean_up(reports: bool) -> None:
    release, closed = asyncio.Event(), 0

    async def slow_to_close(request: Request) -> AsyncGenerator[CheckEvent, None]:
        nonlocal closed
        try:
            yield report(request) if reports else finding("ok")
            await asyncio.Event().wait()
        finally:
            await release.wait()
            closed += 1

    extension = Extension(slow_to_close)
    cancel = {"type": "cancel", "id": "a"}
    for message in (check("a"), cancel, cancel):
        await extension.say_on(message)
    assert closed == 0
    release.set()
    assert kinds(await extension.say(cancel)) == (
        [("report", "a")] if reports else [("finding", "a"), ("cancelled", "a")]
    )
    assert closed == 1


async def test_a_check_waits_while_the_browser_does_not_read() -> None:
    steps = 0

    async def talkative(request: Request) -> AsyncGenerator[CheckEvent, None]:
        nonlocal steps
        for _ in range(100):
            steps += 1
            yield finding("ok")
        yield report(request)

    extension = Extension(talkative)
    extension.room.clear()
    await extension.say_on(check("a"))
    assert steps == 1
    extension.room.set()
    await extension.session.wait()
    assert len(extension.sent) == 101


async def test_a_stop_cancels_what_runs_and_what_is_still_asked() -> None:
    endless = Endless()
    extension = Extension(endless)
    await extension.say_on(check("a"))
    extension.session.stop()
    assert sorted(kinds(await extension.say(check("b")))[1:]) == [("cancelled", "a"), ("cancelled", "b")]
    assert endless.cancelled == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidTarget("no such\nthing"), "invalid-target"),
        (Forbidden("no"), "forbidden"),
        (PolicyError("/etc/poterne/policy.toml: broken"), "forbidden"),
        (ZeroDivisionError("division by\nzero"), "internal"),
        (ExceptionGroup("several", [ValueError("one")]), "internal"),
        (RecursionError("r" * 10_000), "internal"),
    ],
)
@pytest.mark.parametrize("when", ["call", "first step", "later"])
async def test_what_a_check_raises_is_one_error(
    error: Exception, code: str, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def failing(request: Request) -> AsyncGenerator[CheckEvent, None]:
        if when == "later":
            yield finding("ok")
        raise error

    def run(request: Request) -> AsyncGenerator[CheckEvent, None]:
        if when == "call":
            raise error
        return failing(request)

    sent = await Extension(run).say(check("a"))
    assert kinds(sent) == [("finding", "a")] * (when == "later") + [(code, "a")]
    assert "\n" not in sent[-1]["message"]
    assert len(sent[-1]["message"]) <= 301
    assert ("Traceback" in capsys.readouterr().err) == (code == "internal")


async def test_a_check_without_a_report_is_an_internal_error() -> None:
    async def silent(request: Request) -> AsyncGenerator[CheckEvent, None]:
        yield finding("ok")

    assert kinds(await Extension(silent).say(check("a"))) == [("finding", "a"), ("internal", "a")]


async def test_an_event_that_cannot_be_sent_is_an_internal_error(capsys: pytest.CaptureFixture[str]) -> None:
    async def unpaired(request: Request) -> AsyncGenerator[CheckEvent, None]:
        yield FindingEvent(finding=Finding.model_construct(code="\ud800", severity="note", confidence="certain"))

    assert kinds(await Extension(unpaired).say(check("a"))) == [("internal", "a")]
    assert "Traceback" in capsys.readouterr().err


async def test_a_failure_after_the_report_is_only_printed(capsys: pytest.CaptureFixture[str]) -> None:
    async def clumsy(request: Request) -> AsyncGenerator[CheckEvent, None]:
        try:
            yield report(request)
        finally:
            raise ValueError("while closing")

    assert kinds(await Extension(clumsy).say(check("a"), check("b"))) == [("report", "a"), ("report", "b")]
    assert "while closing" in capsys.readouterr().err


async def test_a_report_that_is_too_long_is_reduced() -> None:
    async def long(request: Request) -> AsyncGenerator[CheckEvent, None]:
        yield report(request, version="v" * 2_000_000)

    sent = await Extension(long).say(check("a"))
    assert kinds(sent) == [("report", "a")]
    assert sent[0]["reduced"] == ["version"]

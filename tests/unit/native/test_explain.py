"""Old reports told anew over the native door."""

import json
import struct
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tests.golden import corpus
from tests.unit.told_reports import blocked

from poterne.native.session import Session
from poterne.report import CheckEvent, Request
from poterne.told.again import explain


async def answered(report: Any) -> dict[str, Any]:
    frames: list[bytes] = []

    async def send(frame: bytes) -> None:
        frames.append(frame)

    async def no_check(request: Request) -> AsyncGenerator[CheckEvent, None]:
        raise AssertionError(request)
        yield

    body = json.dumps({"type": "explain", "id": "x1", "report": report}).encode()
    await Session(no_check, send).receive(struct.pack("=I", len(body)) + body)
    (frame,) = frames
    answer: dict[str, Any] = json.loads(frame[4:])
    return answer


def written(name: str) -> dict[str, Any]:
    """A report as an earlier version wrote it."""
    old: dict[str, Any] = json.loads(corpus.recorded(name).model_dump_json())
    del old["told"]
    for finding in old["findings"]:
        del finding["says"], finding["advice"], finding["party"]
    for seen in old["observations"]:
        del seen["says"]
    return old


@pytest.mark.parametrize("name", corpus.in_full())
async def test_a_report_of_before_is_told(name: str) -> None:
    answer = await answered(written(name))
    assert (answer["type"], answer["id"]) == ("report", "x1")
    assert answer["report"] == json.loads(explain(corpus.recorded(name)).model_dump_json())
    assert answer["report"]["told"]["headline"]["key"]
    assert all(finding["says"] for finding in answer["report"]["findings"])


async def test_what_another_version_told_is_told_anew() -> None:
    old = json.loads(explain(blocked()).model_dump_json())
    old["told"]["headline"] = {"key": "ok", "values": {}, "count": None}
    old["observations"][0]["says"] = {"key": "ok", "values": {}, "count": None}
    answer = await answered(old)
    assert answer["report"] == json.loads(explain(blocked()).model_dump_json())


@pytest.mark.parametrize(
    "wrong", [None, [], "report", {}, {"schema": 1}, {**written("told-ok-account-certain"), "findings": 3}]
)
async def test_what_is_no_report_is_refused_in_one_line(wrong: Any) -> None:
    answer = await answered(wrong)
    assert (answer["type"], answer["id"], answer["code"]) == ("error", "x1", "invalid-message")
    assert "\n" not in answer["message"]


async def test_a_stranger_s_controls_do_not_come_back() -> None:
    old = written("told-port25-blocked-server-certain")
    old["observations"][0]["greeting"] = "220 \u202e\u0007mx"
    answer = await answered(old)
    assert answer["report"]["observations"][0]["greeting"].isprintable()

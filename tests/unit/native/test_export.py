"""Exports over the native door."""

import asyncio
import json
import plistlib
import struct
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tests.unit.export.test_export import GOOD, IMAPS, SUBMISSIONS, report, setting

from poterne.export import FORMATS, export
from poterne.native.session import Session
from poterne.report import CheckEvent, Report, Request


async def answered(**message: Any) -> dict[str, Any]:
    frames: list[bytes] = []

    async def send(frame: bytes) -> None:
        frames.append(frame)

    async def no_check(request: Request) -> AsyncGenerator[CheckEvent, None]:
        raise AssertionError(request)
        yield

    body = json.dumps({"type": "export", "id": "e1", **message}).encode()
    session = Session(no_check, send)
    await session.receive(struct.pack("=I", len(body)) + body)
    (frame,) = frames
    answer: dict[str, Any] = json.loads(frame[4:])
    return answer


def sent(found: Report) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(found.model_dump_json())
    return whole


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("format", FORMATS)
async def test_the_answer_is_the_file(format: str, language: str) -> None:
    made = export(GOOD, format, language)
    assert await answered(format=format, language=language, report=sent(GOOD)) == {
        "type": "exported",
        "id": "e1",
        "name": made.name,
        "mime": made.mime,
        "data": made.data.decode(),
    }


async def test_a_report_without_its_observations_makes_the_same_file() -> None:
    slim = sent(GOOD) | {"observations": [], "names": [], "findings": [], "lookups": [], "offers": []}
    answer = await answered(format="mobileconfig", report=slim)
    assert plistlib.loads(answer["data"].encode()) == plistlib.loads(export(GOOD, "mobileconfig").data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "exe", "report": sent(GOOD)},
        {"format": "text", "language": "xx", "report": sent(GOOD)},
        {"format": "text", "report": {}},
        {"format": "text"},
        {"format": "text", "report": sent(GOOD) | {"verdict": None}},
        {"format": "text", "report": sent(report(setting("imap", 993, "tls", verified=False)))},
        {"format": "mobileconfig", "report": sent(report(IMAPS))},
        {"format": "autoconfig", "report": sent(report(SUBMISSIONS))},
    ],
)
async def test_what_cannot_be_made_is_refused_in_one_line(wrong: dict[str, Any]) -> None:
    answer = await answered(**wrong)
    assert (answer["type"], answer["id"], answer["code"]) == ("error", "e1", "invalid-message")
    assert "\n" not in answer["message"]


async def test_the_host_answers_while_a_file_is_made() -> None:
    answers = await asyncio.gather(*[answered(format="text", report=sent(GOOD)) for _ in range(8)])
    assert {answer["type"] for answer in answers} == {"exported"}

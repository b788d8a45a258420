"""Faults of what a server says and when, one by one: what is told of them, and that nothing is called good."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.core_certificates import pki
from tests.unit.core_scripts import imap, saying, smtp
from tests.unit.core_servers import Behaviour, Peer, Server
from tests.unit.core_timing import timed
from tests.unit.core_world import look, remember_streams

from poterne.diagnosis.evidence import verified
from poterne.probe.stream import MAX_SESSION
from poterne.report import Family

DEADLINE = 5.0
GREETING = b"220 mail ESMTP\r\n"
OFFER = b"250-mail\r\n250 STARTTLS\r\n"


SHORT = timed(dialogue={"reply": 0.45})


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No connection of a test is read beyond the bound."""
    streams = remember_streams(monkeypatch)
    yield
    assert streams
    assert all(stream.received <= MAX_SESSION for stream in streams)


def early(text: bytes, *, implicit: bool = False) -> Behaviour:
    """Says its greeting and this in one breath, and then talks well."""

    def converse(peer: Peer) -> None:
        if implicit:
            peer.start_tls(pki().good)
        peer.send(GREETING + text)
        smtp(None if implicit else pki().good, greeting=b"")(peer)

    return converse


def early_pop3(peer: Peer) -> None:
    peer.send(b"+OK ready\r\n+OK\r\nSTLS\r\n.\r\n")
    peer.drain()


def slams(*parts: bytes) -> Behaviour:
    def leave(peer: Peer) -> None:
        peer.sleep(0.05)
        peer.reset()

    return saying(*parts, then=leave)


def inside(then: Any) -> Behaviour:
    def converse(peer: Peer) -> None:
        peer.start_tls(pki().good)
        peer.send(GREETING)
        then(peer)

    return converse


def _reset(peer: Peer) -> None:
    peer.line()
    peer.reset()


def _close(peer: Peer) -> None:
    """Without close_notify, which is how an attacker would cut it (RFC 8446 section 6.1)."""
    peer.line()
    peer._sock.shutdown(socket.SHUT_RDWR)


EARLY = "an answer before the question: "
SILENT = "no answer in 0.45 s"
CUT = {"greeting_kind": "accepted", "cut": True, "capabilities": ()}
FAULTS: dict[str, tuple[int, Behaviour, dict[str, Any]]] = {
    "all answers before the questions": (587, early(OFFER + b"220 go\r\n"), {**CUT, "error": EARLY + "250-mail"}),
    "an offer before our EHLO": (587, early(OFFER), {**CUT, "error": EARLY + "250-mail"}),
    "no offer before our EHLO": (587, early(b"250 mail\r\n"), {**CUT, "error": EARLY + "250 mail"}),
    "two greetings": (587, early(b"220 other ESMTP\r\n"), {**CUT, "error": EARLY + "220 other ESMTP"}),
    "an escape before our EHLO": (
        587,
        early(b"250 \x1b[31m\r\n"),
        {**CUT, "error": EARLY + "250 \N{REPLACEMENT CHARACTER}[31m"},
    ),
    "inside TLS before our EHLO": (465, early(b"250 mail\r\n", implicit=True), {**CUT, "error": EARLY + "250 mail"}),
    "a list before our CAPA": (110, early_pop3, {**CUT, "error": EARLY + "+OK"}),
    "an answer before our STARTTLS": (
        587,
        saying(GREETING, OFFER + b"220 go\r\n"),
        {"starttls": "injected", "error": "text in the clear before the question for encryption"},
    ),
    "reset behind the greeting": (587, slams(GREETING), {**CUT, "error": "ECONNRESET"}),
    "reset behind the greeting inside TLS": (465, inside(_reset), {**CUT, "error": "ECONNRESET"}),
    "no close_notify": (465, inside(_close), {**CUT, "error": "closed by the server"}),
    "greylisted at EHLO": (
        587,
        saying(GREETING, b"450 4.7.1 Greylisted\r\n", b"221 bye\r\n"),
        {"greeting_kind": "busy", "greeting": "450 4.7.1 Greylisted", "starttls": None},
    ),
    "greylisted at STARTTLS": (
        587,
        saying(GREETING, OFFER, b"450 4.7.0 Not now\r\n", b"221 bye\r\n"),
        {"starttls": "refused", "error": "450 4.7.0 Not now"},
    ),
    "a limit that our own probes meet": (
        587,
        saying(b"421 4.7.0 Too many connections from your address\r\n"),
        {"greeting_kind": "busy", "greeting": "421 4.7.0 Too many connections from your address"},
    ),
    "PREAUTH in the clear": (
        143,
        saying(b"* PREAUTH in\r\n", b"* CAPABILITY IMAP4rev1\r\np1 OK\r\n"),
        {"greeting_kind": "accepted", "starttls": "absent"},
    ),
    "PREAUTH that offers STARTTLS": (
        143,
        saying(b"* PREAUTH in\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\np1 OK\r\n", b"p2 BAD already in\r\n"),
        {"greeting_kind": "accepted", "starttls": "refused", "error": "p2 BAD already in"},
    ),
    "a literal of 4 GiB in the greeting": (143, saying(b"* OK {4294967295}\r\nx"), {**CUT, "error": SILENT}),
    "a literal of 4 GiB": (143, saying(b"* OK\r\n", b"* CAPABILITY {4294967295}\r\nx"), {**CUT, "error": SILENT}),
    "BYE": (143, saying(b"* BYE Too many connections\r\n"), {"greeting_kind": "busy", "starttls": None}),
    "a list without its dot": (110, saying(b"+OK\r\n", b"+OK\r\nSTLS\r\n"), {**CUT, "error": SILENT}),
}


@pytest.mark.parametrize(("port", "behaviour", "told"), FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("family", [4, 6])
async def test_a_fault(port: int, behaviour: Behaviour, told: dict[str, Any], family: Family) -> None:
    started = time.monotonic()
    with Server(behaviour, family) as server:
        seen = await look(server, port, seconds=DEADLINE, timing=SHORT)
    assert time.monotonic() - started < DEADLINE + 3
    assert seen.state == "open"
    assert {key: getattr(seen, key) for key in told} == told
    assert seen.security == ("tls" if port == 465 else "none")
    assert not verified(seen)


async def test_untagged_text_is_imaps_right() -> None:
    """RFC 9051 section 7: a server may say something of its own at any time; its answers have tags."""
    greeting = b"* OK ready\r\n* OK [ALERT] The house burns\r\n"
    with Server(imap(pki().good, greeting=greeting)) as server:
        seen = await look(server, 143, timing=SHORT)
    assert verified(seen)


async def test_preauth_inside_tls_is_as_good_as_any_greeting() -> None:
    with Server(imap(pki().good, implicit=True, greeting=b"* PREAUTH in\r\n")) as server:
        seen = await look(server, 993, timing=SHORT)
    assert verified(seen)


async def test_another_server_on_every_connection() -> None:
    """A server that greets in the clear on 465, then speaks another protocol, then nothing: the first is told."""
    turns = iter([saying(GREETING), saying(b"SSH-2.0-x\r\n"), Peer.reset])

    def converse(peer: Peer) -> None:
        next(turns)(peer)

    with Server(converse) as server:
        seen = await look(server, 465, seconds=DEADLINE, timing=SHORT)
    assert (seen.state, seen.greeting_kind, seen.spoke) == ("open", "foreign", "ssh")
    assert (seen.security, seen.tls) == ("none", None)

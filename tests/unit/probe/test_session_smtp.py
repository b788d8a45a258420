import ssl
import time

import pytest
from tests.unit.core_certificates import context, pki
from tests.unit.core_scripts import multiline, saying, smtp
from tests.unit.core_servers import Peer, Server
from tests.unit.core_timing import timed
from tests.unit.core_world import look

from poterne.report import Family, Observation

FAMILIES: tuple[Family, ...] = (4, 6)
LITERAL = {4: b"[127.0.0.1]", 6: b"[IPv6:::1]"}


@pytest.mark.parametrize("family", FAMILIES)
async def test_starttls_is_one_connection_and_four_commands(family: Family) -> None:
    with Server(smtp(pki().good), family) as server:
        seen = await look(server, 587)
        said = server.said
    ehlo = b"EHLO " + LITERAL[family] + b"\r\n"
    assert said == [ehlo + b"STARTTLS\r\n" + ehlo + b"QUIT\r\n"]
    assert (seen.state, seen.greeting_kind, seen.spoke) == ("open", "accepted", "smtp")
    assert (seen.security, seen.starttls) == ("starttls", "accepted")
    assert seen.greeting == "220 mail.example.org ESMTP ready"
    assert seen.capabilities_clear == ("PIPELINING", "STARTTLS", "8BITMIME")
    assert seen.capabilities == ("PIPELINING", "AUTH PLAIN LOGIN", "8BITMIME")
    assert (seen.auth_clear, seen.auth) == ((), ("PLAIN", "LOGIN"))
    assert seen.tls is not None
    assert (seen.tls.trusted, seen.tls.name_ok, seen.tls.fault, seen.tls.faults) == (True, True, None, ())
    stages = seen.stages.model_dump(exclude={"resolve_ms"})
    assert all(took is not None and took >= 0 for took in stages.values()), stages
    assert seen.error is None


@pytest.mark.parametrize("family", FAMILIES)
async def test_implicit_tls_is_one_connection_and_two_commands(family: Family) -> None:
    with Server(smtp(pki().good, implicit=True), family) as server:
        seen = await look(server, 465)
        said = server.said
    assert said == [b"EHLO " + LITERAL[family] + b"\r\nQUIT\r\n"]
    assert (seen.security, seen.starttls, seen.auth) == ("tls", None, ("PLAIN", "LOGIN"))
    assert (seen.capabilities_clear, seen.auth_clear) == ((), ())
    assert seen.tls is not None
    assert seen.tls.fault is None


async def test_without_an_offer_starttls_is_never_sent() -> None:
    with Server(smtp(pki().good, clear=(b"PIPELINING", b"AUTH PLAIN"))) as server:
        seen = await look(server, 587)
        said = server.said
    assert said == [b"EHLO [127.0.0.1]\r\nQUIT\r\n"]
    assert (seen.security, seen.starttls, seen.tls) == ("none", "absent", None)
    assert seen.auth_clear == ("PLAIN",)


async def test_a_word_that_only_contains_starttls_is_no_offer() -> None:
    with Server(smtp(pki().good, clear=(b"XXXXXXXA", b"NOSTARTTLS", b"X-STARTTLS"))) as server:
        seen = await look(server, 587)
    assert seen.starttls == "absent"


async def test_helo_follows_a_refused_ehlo() -> None:
    with Server(smtp(pki().good, ehlo=b"502 5.5.2 Unknown\r\n")) as server:
        seen = await look(server, 587)
        said = server.said
    assert said == [b"EHLO [127.0.0.1]\r\nHELO [127.0.0.1]\r\nQUIT\r\n"]
    assert (seen.greeting_kind, seen.security, seen.starttls, seen.error) == ("accepted", "none", "absent", None)


async def test_a_server_that_takes_neither_ehlo_nor_helo_is_not_called_plaintext_only() -> None:
    """Without a list of capabilities nothing says that STARTTLS is absent."""
    refusal = b"550 5.7.1 Access denied\r\n"
    with Server(saying(b"220 mx ESMTP\r\n", refusal, refusal, refusal)) as server:
        seen = await look(server, 587)
    assert seen.starttls != "absent"


@pytest.mark.parametrize(
    ("greeting", "kind", "spoke"),
    [
        (b"220 mail.example.org ESMTP\r\n", "accepted", "smtp"),
        (b"220\r\n", "accepted", "smtp"),
        (b"220-hello\r\n220-there\r\n220 ESMTP\r\n", "accepted", "smtp"),
        (b"220 bare line feed ESMTP\n", "accepted", "smtp"),
        (b"421 4.7.0 Too many connections\r\n", "busy", "smtp"),
        (b"421 4.3.2 The maximum number of concurrent connections has exceeded a limit\r\n", "busy", "smtp"),
        (b"450 4.3.2 Greylisted\r\n", "busy", "smtp"),
        (b"554 Too many connections from your address\r\n", "busy", "smtp"),
        (b"554-mail.example.org\r\n554 Connection limit exceeded\r\n", "busy", "smtp"),
        (b"554 5.7.1 Service unavailable; client host blocked\r\n", "refused", "smtp"),
        (b"550 5.7.1 Try again later\r\n", "refused", "smtp"),
        (b"554 5.7.1 Go away\r\n", "refused", "smtp"),
        (b"554-first\r\n554 second\r\n", "refused", "smtp"),
    ],
)
async def test_what_a_greeting_says(greeting: bytes, kind: str, spoke: str) -> None:
    with Server(smtp(greeting=greeting, clear=())) as server:
        seen = await look(server, 587)
        said = server.said
    assert (seen.state, seen.greeting_kind, seen.spoke) == ("open", kind, spoke)
    # RFC 5321 section 3.1: after 554 the client says QUIT; nothing else is asked of a server that refuses.
    assert said == [b"QUIT\r\n" if kind != "accepted" else b"EHLO [127.0.0.1]\r\nQUIT\r\n"]


@pytest.mark.parametrize(
    ("greeting", "spoke"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "ssh"),
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "http"),
        (b"* OK IMAP4rev1 ready\r\n", "imap"),
        (b"+OK POP3 ready\r\n", "pop3"),
        (b'"IMPLEMENTATION" "Dovecot"\r\nOK\r\n', "sieve"),
        (b"220 Example FTP server ready\r\n", "ftp"),
        (b"220---------- Welcome to Pure-FTPd ----------\r\n220 end\r\n", "ftp"),
        (b"220 (vsFTPd 3.0.3)\r\n", "ftp"),
        (b"220 ProFTPD Server (Debian) [::ffff:192.0.2.1]\r\n", "ftp"),
        (b"RFB 003.008\n", "vnc"),
        (b"hello there\r\n", None),
        (b"999 what\r\n", None),
        (b"120 wait\r\n", None),
        (b"250 too early\r\n", None),
        (b"\r\n", None),
    ],
)
async def test_another_protocols_greeting_is_named_and_left_alone(greeting: bytes, spoke: str | None) -> None:
    with Server(saying(greeting)) as server:
        seen = await look(server, 25)
        said = server.said
    assert (seen.greeting_kind, seen.spoke, seen.starttls, seen.tls) == ("foreign", spoke, None, None)
    assert said == [b""]


async def test_a_host_called_ftp_may_speak_smtp() -> None:
    with Server(smtp(greeting=b"220 ftp.example.org Service ready\r\n", clear=())) as server:
        seen = await look(server, 587)
    assert (seen.greeting_kind, seen.spoke) == ("accepted", "smtp")


async def test_byte_by_byte_is_the_same_dialogue() -> None:
    timing = timed(dialogue={"greeting": 5.0, "suspicion": 5.0, "reply": 5.0})

    def converse(peer: Peer) -> None:
        peer.send(b"220-slow\r\n220 ESMTP\r\n", chunk=1, pause=0.002)
        peer.line()
        peer.send(multiline(b"250", b"slow", (b"STARTTLS",)), chunk=1, pause=0.002)
        peer.line()
        peer.send(b"220 go\r\n", chunk=1, pause=0.002)
        peer.start_tls(pki().good)
        peer.line()
        peer.send(multiline(b"250", b"slow", (b"AUTH PLAIN",)), chunk=1, pause=0.002)
        peer.drain()

    with Server(converse) as server:
        seen = await look(server, 587, timing=timing)
    assert (seen.security, seen.starttls, seen.auth) == ("starttls", "accepted", ("PLAIN",))


async def test_bare_line_feeds_are_lines() -> None:
    with Server(saying(b"220 ESMTP\n", b"250-a\n250-STARTTLS\n250 AUTH LOGIN\n", b"454 not now\n")) as server:
        seen = await look(server, 587)
    assert (seen.starttls, seen.auth_clear) == ("refused", ("LOGIN",))


async def test_starttls_offered_and_refused() -> None:
    with Server(saying(b"220 ESMTP\r\n", b"250-a\r\n250 STARTTLS\r\n", b"454 4.7.0 No certificate\r\n")) as server:
        seen = await look(server, 587)
        said = server.said
    assert (seen.starttls, seen.security, seen.tls) == ("refused", "none", None)
    assert seen.error == "454 4.7.0 No certificate"
    assert said == [b"EHLO [127.0.0.1]\r\nSTARTTLS\r\nQUIT\r\n"]


async def test_text_in_the_segment_of_the_starttls_answer_is_an_injection() -> None:
    injected = b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"
    with Server(saying(b"220 ESMTP\r\n", b"250-a\r\n250 STARTTLS\r\n", injected)) as server:
        seen = await look(server, 587)
        said = server.said
    assert (seen.starttls, seen.security, seen.tls, seen.auth) == ("injected", "none", None, ())
    assert said == [b"EHLO [127.0.0.1]\r\nSTARTTLS\r\n"]


async def test_text_right_behind_the_starttls_answer_is_never_believed() -> None:
    def converse(peer: Peer) -> None:
        peer.send(b"220 ESMTP\r\n")
        peer.line()
        peer.send(b"250-a\r\n250 STARTTLS\r\n")
        peer.line()
        peer.send(b"220 go\r\n")
        peer.send(b"250-evil\r\n250 AUTH PLAIN\r\n")
        peer.start_tls(pki().good)
        peer.drain()

    with Server(converse) as server:
        seen = await look(server, 587)
    assert seen.starttls in ("injected", "failed")
    assert (seen.security, seen.auth) == ("none", ())
    assert seen.tls is None or seen.tls.version is None


@pytest.mark.parametrize("stage", ["answer", "handshake"])
async def test_silence_after_starttls(stage: str) -> None:
    parts = (b"220 ESMTP\r\n", b"250-a\r\n250 STARTTLS\r\n", b"220 go\r\n")
    with Server(saying(*parts[: 2 if stage == "answer" else 3])) as server:
        seen = await look(server, 587)
    assert seen.starttls == ("silent" if stage == "answer" else "failed")
    assert seen.security == "none"
    assert seen.error is not None


def _heard_nothing_inside(seen: Observation) -> None:
    assert seen.capabilities_clear == ("STARTTLS", "AUTH PLAIN")
    assert (seen.security, seen.capabilities, seen.auth) == ("starttls", (), ())


@pytest.mark.parametrize("end", ["close", "reset", "silence"])
async def test_capabilities_of_the_clear_never_stand_for_those_inside_tls(end: str) -> None:
    def upgrading(peer: Peer) -> None:
        peer.send(b"220 ESMTP\r\n")
        peer.line()
        peer.send(b"250-a\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
        peer.line()
        peer.send(b"220 go\r\n")
        peer.start_tls(pki().good)
        if end == "silence":
            peer.drain()
        peer.line()
        if end == "reset":
            peer.reset()

    with Server(upgrading) as server:
        seen = await look(server, 587)
    _heard_nothing_inside(seen)


async def test_what_is_shown_while_the_question_inside_tls_is_open_is_not_of_the_clear() -> None:
    progress: list[Observation] = []
    clear = (b"STARTTLS", b"AUTH CRAM-MD5")
    with Server(smtp(pki().good, clear=clear)) as server:
        await look(server, 587, progress=progress)
    encrypted = [seen for seen in progress if seen.security == "starttls"]
    assert encrypted
    assert all(seen.provisional and seen.auth == () for seen in encrypted)


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("said_before", [0, 1, 2, 3])
async def test_the_end_at_every_stage(said_before: int, end: str) -> None:
    parts = (b"220 ESMTP\r\n", b"250-a\r\n250 STARTTLS\r\n", b"220 go\r\n")[:said_before]

    def leave(peer: Peer) -> None:
        if parts:
            peer.line()
        if end == "reset":
            peer.reset()

    with Server(saying(*parts, then=leave)) as server:
        started = time.monotonic()
        seen = await look(server, 587)
        took = time.monotonic() - started
    assert took < 2
    assert seen.security in (None, "none")
    assert seen.tls is None or seen.tls.version is None
    assert seen.error is not None
    if said_before == 0:
        assert (seen.state, seen.greeting_kind) in (("open", "closed"), ("reset", None), ("reset", "closed"))
    else:
        assert (seen.state, seen.greeting_kind) == ("open", "accepted")
    if said_before >= 2:
        assert seen.starttls == "failed"


async def test_the_server_says_421_in_the_middle() -> None:
    def converse(peer: Peer) -> None:
        peer.send(b"220 ESMTP\r\n")
        peer.line()
        peer.send(b"421 4.3.0 Shutting down\r\n")

    with Server(converse) as server:
        seen = await look(server, 587)
    assert (seen.greeting_kind, seen.greeting) == ("busy", "421 4.3.0 Shutting down")
    assert (seen.security, seen.capabilities) == ("none", ())
    assert seen.starttls != "absent"


async def test_a_server_in_the_clear_on_465_is_asked_there_what_it_offers() -> None:
    with Server(smtp(pki().good)) as server:
        seen = await look(server, 465)
        said = server.said
    assert (seen.asked, seen.security, seen.starttls) == ("tls", "starttls", "accepted")
    assert len(said) == 2
    assert said[1].endswith(b"QUIT\r\n")


async def test_a_busy_server_in_the_clear_on_465_is_still_a_mail_server() -> None:
    with Server(saying(b"421 4.7.0 Try again later\r\n")) as server:
        seen = await look(server, 465)
    assert seen.spoke == "smtp"


async def test_a_server_that_wants_tls_on_587_is_found_out_after_a_silence() -> None:
    with Server(smtp(pki().good, implicit=True)) as server:
        seen = await look(server, 587)
        said = server.said
    assert (seen.asked, seen.security, seen.greeting_kind) == ("starttls", "tls", "accepted")
    assert seen.auth == ("PLAIN", "LOGIN")
    assert len(said) == 2


async def test_a_greeting_that_comes_late_wins_over_the_suspicion() -> None:
    def converse(peer: Peer) -> None:
        peer.sleep(0.5)
        smtp(pki().good)(peer)

    with Server(converse) as server:
        seen = await look(server, 587)
    assert (seen.security, seen.starttls, seen.greeting_kind) == ("starttls", "accepted", "accepted")
    assert seen.stages.greeting_ms is not None
    assert seen.stages.greeting_ms >= 450


async def test_a_server_that_never_greets() -> None:
    with Server(Peer.drain) as server:
        started = time.monotonic()
        seen = await look(server, 587)
        took = time.monotonic() - started
    assert (seen.state, seen.greeting_kind, seen.security) == ("open", "silent", "none")
    assert took < 2.5


@pytest.mark.parametrize("newest", ["TLSv1_2", "TLSv1_3"])
async def test_versions(newest: str) -> None:
    version = ssl.TLSVersion[newest]
    tls = context(pki().leaf, pki().intermediate, newest=version, oldest=version)
    with Server(smtp(tls)) as server:
        seen = await look(server, 587)
    assert seen.tls is not None
    assert (seen.tls.version, seen.tls.fault) == (newest.replace("_", "."), None)

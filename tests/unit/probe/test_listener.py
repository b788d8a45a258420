"""A port of which nobody knows what speaks there."""

import pytest
from tests.unit.core_certificates import HOST, context, issue, pki
from tests.unit.core_scripts import imap, pop3, smtp
from tests.unit.core_servers import Behaviour, Peer, Server
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import look

from poterne.diagnosis.evidence import verified
from poterne.knowledge import ports
from poterne.report import Observation

ODD = 1143


def says(line: bytes) -> Behaviour:
    def converse(peer: Peer) -> None:
        peer.send(line)
        peer.drain()

    return converse


def silence(peer: Peer) -> None:
    peer.drain()


def silence_inside_tls(peer: Peer) -> None:
    peer.start_tls(pki().good)
    peer.drain()


def answers_noise_with(line: bytes) -> Behaviour:
    """Says nothing until it hears what it does not understand."""

    def converse(peer: Peer) -> None:
        peer.raw()
        peer.send(line)
        peer.close()

    return converse


@pytest.mark.parametrize(
    ("behaviour", "service", "spoke", "security"),
    [
        (imap(pki().good), "imap", "imap", "starttls"),
        (imap(pki().good, implicit=True), "imaps", "imap", "tls"),
        (pop3(pki().good), "pop3", "pop3", "starttls"),
        (smtp(pki().good), "submission", "smtp", "starttls"),
        (smtp(pki().good, implicit=True), "submissions", "smtp", "tls"),
        (smtp(pki().good, greeting=b"220 mail.example.org\r\n"), "submission", "smtp", "starttls"),
        (smtp(pki().good, greeting=b"220-mail.example.org\r\n220 hello\r\n"), "submission", "smtp", "starttls"),
    ],
)
async def test_whoever_greets_is_talked_to_in_their_protocol(
    behaviour: Behaviour, service: str, spoke: str, security: str
) -> None:
    with Server(behaviour) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.spoke, seen.security) == (service, spoke, security)
    assert seen.asked == ("tls" if security == "tls" else "starttls")
    assert verified(seen)
    assert seen.auth
    assert len(server.peers) == (2 if security == "tls" else 1)


async def test_verified_encryption_is_told_before_the_last_answer() -> None:
    told: list[Observation] = []
    with Server(imap(pki().good)) as server:
        await look(server, ODD, progress=told)
    assert [(seen.service, seen.security, seen.provisional) for seen in told] == [("imap", "starttls", True)]


async def test_a_server_without_encryption_is_told_as_it_is() -> None:
    with Server(smtp(clear=(b"PIPELINING",))) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.security, seen.starttls) == ("submission", "none", "absent")


async def test_a_certificate_that_is_refused_is_looked_at() -> None:
    with Server(imap(context(issue(HOST, sans=(HOST,))))) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.security) == ("imap", "starttls")
    assert seen.tls is not None
    assert seen.tls.fault == "cert-self-signed"


@pytest.mark.parametrize(
    ("line", "spoke"),
    [
        (b"SSH-2.0-Server\r\n", "ssh"),
        (b"RFB 003.008\n", "vnc"),
        (b"200 news.example.org ready\r\n", None),
        (b"J\x00\x00\x00\n8.0.36\x00", None),
        (b"\xff\xfd\x18\xff\xfd\x20", None),
    ],
)
async def test_nothing_is_said_to_whoever_is_no_mail_server(line: bytes, spoke: str | None) -> None:
    with Server(says(line)) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.greeting_kind, seen.spoke) == (ports.UNKNOWN, "foreign", spoke)
    assert server.peers[0].received == b""
    assert all(not peer.received or peer.received.startswith(b"\x16\x03") for peer in server.peers)


@pytest.mark.parametrize(
    ("line", "spoke"),
    [
        (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'>", "xmpp"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "http"),
        (b"what?\r\n", None),
    ],
)
async def test_an_answer_to_a_client_hello_tells_who_is_there(line: bytes, spoke: str | None) -> None:
    with Server(answers_noise_with(line)) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.greeting_kind, seen.spoke) == (ports.UNKNOWN, "foreign", spoke)
    assert [bytes(peer.received[:2]) for peer in server.peers] == [b"", b"\x16\x03"]


async def test_silence_gets_a_client_hello_and_no_text() -> None:
    told: list[Observation] = []
    with Server(silence) as server:
        seen = await look(server, ODD, progress=told)
    assert (seen.service, seen.state, seen.greeting_kind) == (ports.UNKNOWN, "open", "silent")
    assert [bytes(peer.received[:2]) for peer in server.peers] == [b"", b"\x16\x03"]
    assert {(seen.state, seen.greeting_kind, seen.provisional) for seen in told} == {("open", None, True)}


async def test_silence_inside_tls_is_no_text_either() -> None:
    told: list[Observation] = []
    with Server(silence_inside_tls) as server:
        seen = await look(server, ODD, progress=told)
    assert (seen.service, seen.security, seen.greeting_kind) == (ports.UNKNOWN, "tls", "silent")
    assert [bytes(peer.received) for peer in server.peers] == [b"", b""]
    assert told


async def test_an_alert_is_of_tls() -> None:
    with Server(answers_noise_with(b"\x15\x03\x03\x00\x02\x02\x28")) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.greeting_kind) == (ports.UNKNOWN, None)
    assert seen.tls is not None
    assert seen.tls.fault == "tls-incompatible"
    assert "ALERT" in (seen.tls.alert or "")


async def test_a_server_that_takes_its_time_is_waited_for() -> None:
    def slow(peer: Peer) -> None:
        peer.sleep(0.5)
        smtp(pki().good)(peer)

    with Server(slow) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.security, verified(seen)) == ("submission", "starttls", True)


@pytest.mark.parametrize(
    ("greeting", "kind", "service"),
    [
        (b"* BYE Too many connections\r\n", "busy", "imap"),
        (b"554 5.7.1 mail.example.org no service for you\r\n", "refused", ports.UNKNOWN),
        (b"421 4.3.2 mail.example.org ESMTP busy\r\n", "busy", "submission"),
    ],
)
async def test_a_refusal_is_no_foreign_protocol(greeting: bytes, kind: str, service: str) -> None:
    with Server(says(greeting)) as server:
        seen = await look(server, ODD)
    assert (seen.greeting_kind, seen.service) == (kind, service)


async def test_numbers_that_are_not_smtps_are_found_out() -> None:
    def ftp(peer: Peer) -> None:
        peer.send(b"220 files.example.org\r\n")
        while True:
            peer.line()
            peer.send(b"500 Unknown command\r\n")

    with Server(ftp) as server:
        seen = await look(server, ODD)
    assert (seen.service, seen.greeting_kind, seen.spoke) == (ports.UNKNOWN, "foreign", None)


@pytest.mark.parametrize("port", range(9100, 9108))
async def test_a_printer_hears_nothing(port: int) -> None:
    with Server(silence) as server:
        seen = await look(server, port, timing=timed(QUICK, dialogue={"slow": 0.3}))
    assert (seen.state, seen.greeting_kind) == ("open", "silent")
    assert [bytes(peer.received) for peer in server.peers] == [b""]


@pytest.mark.parametrize("asked", ["tls", "starttls"])
@pytest.mark.parametrize("behaviour", [smtp(pki().good), says(b"\x1b%-12345X@PJL\r\n")])
async def test_whatever_a_printer_says_it_hears_nothing(behaviour: Behaviour, asked: str) -> None:
    with Server(behaviour) as server:
        await look(server, 9100, asked=asked, timing=timed(QUICK, dialogue={"slow": 0.3}))  # type: ignore[arg-type]
    assert [bytes(peer.received) for peer in server.peers] == [b""]


def test_the_ports_of_printers() -> None:
    assert ports.unspoken() == frozenset(range(9100, 9108))

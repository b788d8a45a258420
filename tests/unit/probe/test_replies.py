import asyncio
import socket

import pytest

from poterne.errors import Interrupted
from poterne.probe.dialogue import address_literal, dialogue, recognise
from poterne.probe.replies import READERS, Reply
from poterne.probe.stream import Stream


def read(framing: str, text: bytes, tag: bytes = b"") -> Reply:
    async def once() -> Reply:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        stream = Stream(ours)
        theirs.sendall(text)
        theirs.close()
        try:
            return await READERS[framing](stream, tag)
        finally:
            stream.close()

    return asyncio.run(once())


@pytest.fixture(autouse=True)
def any_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket pair is no TCP connection: it has no acknowledgements."""
    monkeypatch.setattr("poterne.probe.stream.quick_ack", lambda _: None)


@pytest.mark.parametrize(
    ("framing", "text", "tag", "expected"),
    [
        ("numeric", b"220 hi\r\n", b"", Reply(b"220 hi")),
        ("numeric", b"220\r\n", b"", Reply(b"220")),
        ("numeric", b"250-a\r\n250-B c\r\n250 D\r\n", b"", Reply(b"250-a", [b"B c", b"D"])),
        ("numeric", b"211-F\r\n AUTH TLS\r\n211 End\r\n", b"", Reply(b"211-F", [b"AUTH TLS", b"End"])),
        ("numeric", b"250-a\r\n250\r\n", b"", Reply(b"250-a", [b""])),
        ("numeric", b"hello\r\n", b"", Reply(b"hello", whole=False)),
        ("numeric", b"22 x\r\n", b"", Reply(b"22 x", whole=False)),
        ("imap", b"* OK hi\r\n", b"", Reply(b"* OK hi")),
        ("imap", b"220 hi\r\n", b"", Reply(b"220 hi", whole=False)),
        ("imap", b"* CAPABILITY A B\r\np1 OK\r\n", b"p1", Reply(b"p1 OK", [b"A", b"B"])),
        ("imap", b"* capability A\r\nP1 ok\r\n", b"p1", Reply(b"P1 ok", [b"A"])),
        ("imap", b"p12 OK\r\n", b"p1", Reply(b"p12 OK", whole=False)),
        ("imap", b"* BYE x\r\n", b"p1", Reply(b"* BYE x")),
        ("pop3", b"+OK\r\n", b"", Reply(b"+OK")),
        ("pop3", b"+OK\r\nA\r\nB\r\n.\r\n", b"CAPA", Reply(b"+OK", [b"A", b"B"])),
        ("pop3", b"-ERR no\r\n", b"CAPA", Reply(b"-ERR no")),
        ("pop3", b"* OK\r\n", b"", Reply(b"* OK", whole=False)),
        ("sieve", b'"SASL" "A B"\r\n"STARTTLS"\r\nOK\r\n', b"", Reply(b"OK", [b"SASL A B", b"STARTTLS"])),
        ("sieve", b"OKAY\r\n", b"", Reply(b"OKAY", whole=False)),
        ("http", b"HTTP/1.0 200\r\nA: b\r\n\r\n", b"", Reply(b"HTTP/1.0 200", [b"A: b"])),
        ("http", b"nope\r\n", b"", Reply(b"nope", whole=False)),
    ],
)
def test_replies(framing: str, text: bytes, tag: bytes, expected: Reply) -> None:
    assert read(framing, text, tag) == expected


@pytest.mark.parametrize(
    ("framing", "text", "tag"),
    [
        ("numeric", b"", b""),
        ("numeric", b"250-a\r\n250-b\r\n", b""),
        ("imap", b"* CAPABILITY A\r\n", b"p1"),
        ("pop3", b"+OK\r\nUIDL\r\n", b"CAPA"),
        ("sieve", b'"A" "B"\r\n', b""),
        ("http", b"HTTP/1.1 200 OK\r\nA: b\r\n", b""),
    ],
)
def test_a_reply_without_its_end_is_no_reply(framing: str, text: bytes, tag: bytes) -> None:
    with pytest.raises(Interrupted):
        read(framing, text, tag)


@pytest.mark.parametrize(
    ("line", "protocol"),
    [
        (b"SSH-2.0-x", "ssh"),
        (b"HTTP/1.1 400 Bad Request", "http"),
        (b"* OK", "imap"),
        (b"+OK", "pop3"),
        (b"-ERR", "pop3"),
        (b"220 x ESMTP", "smtp"),
        (b"554 x SMTP no", "smtp"),
        (b"220 x LMTP", "smtp"),
        (b"220 Example FTP", "ftp"),
        (b"220 FTP to ESMTP gateway", "smtp"),
        (b"\x15\x03\x01\x00\x02", "tls"),
        (b"", None),
        (b"\xff\xfe", None),
        (b"220 ready", None),
    ],
)
def test_protocols_are_known_by_their_first_line(line: bytes, protocol: str | None) -> None:
    assert recognise(line) == protocol


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("192.0.2.7", "[192.0.2.7]"),
        ("2001:db8::7", "[IPv6:2001:db8::7]"),
        ("fe80::1%eth0", "[IPv6:fe80::1]"),
    ],
)
def test_address_literals(address: str, literal: str) -> None:
    assert address_literal(address) == literal


@pytest.mark.parametrize(
    ("name", "capabilities", "mechanisms"),
    [
        ("smtp", ["AUTH PLAIN LOGIN"], ("PLAIN", "LOGIN")),
        ("smtp", ["auth plain"], ("PLAIN",)),
        ("smtp", ["AUTH=PLAIN LOGIN", "AUTH PLAIN XOAUTH2"], ("PLAIN", "LOGIN", "XOAUTH2")),
        ("smtp", ["AUTH"], ()),
        ("smtp", ["AUTHX PLAIN", "SIZE"], ()),
        ("smtp", [], ()),
        ("imap", ["IMAP4rev1", "AUTH=PLAIN", "LOGINDISABLED"], ("PLAIN",)),
        ("imap", ["IMAP4rev1"], ("LOGIN",)),
        ("imap", [], ()),
        ("pop3", ["USER", "SASL PLAIN CRAM-MD5"], ("PLAIN", "CRAM-MD5", "USER")),
        ("pop3", ["UIDL"], ()),
        ("sieve", ["SASL PLAIN"], ("PLAIN",)),
        ("sieve", ["SASL"], ()),
    ],
)
def test_sign_in_mechanisms(name: str, capabilities: list[str], mechanisms: tuple[str, ...]) -> None:
    assert dialogue(name).mechanisms(capabilities) == mechanisms


@pytest.mark.parametrize("name", ["smtp", "imap", "pop3", "sieve", "ftp", "http"])
def test_nothing_that_a_dialogue_says_signs_in_or_sends_mail(name: str) -> None:
    said = dialogue(name).script
    for template in (said.ask, said.ask_plain, said.upgrade, said.goodbye):
        verb = (template or "").removeprefix("{tag} ").partition(" ")[0]
        assert verb in {
            "",
            "EHLO",
            "HELO",
            "STARTTLS",
            "QUIT",
            "CAPABILITY",
            "LOGOUT",
            "CAPA",
            "STLS",
            "FEAT",
            "AUTH",
            "OPTIONS",
        }
        assert not (template or "").startswith("AUTH") or (name, template) == ("ftp", "AUTH TLS")

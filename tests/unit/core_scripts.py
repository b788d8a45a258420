"""What ordinary servers say, line by line."""

import ssl
from collections.abc import Callable
from typing import Literal

from tests.unit.core_servers import Behaviour, Peer

SMTP_CLEAR = (b"PIPELINING", b"STARTTLS", b"8BITMIME")
SMTP_TLS = (b"PIPELINING", b"AUTH PLAIN LOGIN", b"8BITMIME")


def multiline(code: bytes, first: bytes, lines: tuple[bytes, ...]) -> bytes:
    """RFC 5321 section 4.2.1."""
    every = (first, *lines)
    return b"".join(code + (b" " if line is every[-1] else b"-") + line + b"\r\n" for line in every)


def smtp(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    greeting: bytes = b"220 mail.example.org ESMTP ready\r\n",
    clear: tuple[bytes, ...] = SMTP_CLEAR,
    inside: tuple[bytes, ...] = SMTP_TLS,
    upgraded: bytes = b"220 2.0.0 Ready\r\n",
    ehlo: bytes | None = None,
) -> Behaviour:
    """A submission server. `ehlo` replaces the answer to EHLO in the clear."""

    def converse(peer: Peer) -> None:
        if implicit and tls is not None:
            peer.start_tls(tls)
        peer.send(greeting)
        encrypted = implicit
        while True:
            verb = [*peer.line().upper().split(), b""][0]
            if verb == b"EHLO" and ehlo is not None and not encrypted:
                peer.send(ehlo)
            elif verb == b"EHLO":
                peer.send(multiline(b"250", b"mail.example.org", inside if encrypted else clear))
            elif verb == b"HELO":
                peer.send(b"250 mail.example.org\r\n")
            elif verb == b"STARTTLS" and tls is not None and b"STARTTLS" in clear:
                peer.send(upgraded)
                peer.start_tls(tls)
                encrypted = True
            elif verb == b"QUIT":
                peer.send(b"221 2.0.0 Bye\r\n")
                return
            else:
                peer.send(b"502 5.5.1 Not implemented\r\n")

    return converse


def imap(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    greeting: bytes = b"* OK ready\r\n",
    clear: bytes = b"IMAP4rev1 STARTTLS LOGINDISABLED",
    inside: bytes = b"IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2",
) -> Behaviour:
    """An IMAP server."""

    def converse(peer: Peer) -> None:
        if implicit and tls is not None:
            peer.start_tls(tls)
        peer.send(greeting)
        encrypted = implicit
        while True:
            tag, verb, *_ = [*peer.line().split(), b"*", b""]
            if verb == b"CAPABILITY":
                peer.send(b"* CAPABILITY " + (inside if encrypted else clear) + b"\r\n" + tag + b" OK done\r\n")
            elif verb == b"STARTTLS" and tls is not None:
                peer.send(tag + b" OK go\r\n")
                peer.start_tls(tls)
                encrypted = True
            elif verb == b"LOGOUT":
                peer.send(b"* BYE\r\n" + tag + b" OK\r\n")
                return
            else:
                peer.send(tag + b" BAD what\r\n")

    return converse


def pop3(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    clear: bytes | None = b"USER\r\nSTLS\r\n",
    inside: bytes = b"SASL PLAIN\r\nUSER\r\n",
) -> Behaviour:
    """A POP3 server; without `clear` it knows no CAPA outside TLS."""

    def converse(peer: Peer) -> None:
        if implicit and tls is not None:
            peer.start_tls(tls)
        peer.send(b"+OK ready\r\n")
        encrypted = implicit
        while True:
            verb = peer.line()
            listed = inside if encrypted else clear
            if verb == b"CAPA" and listed is not None:
                peer.send(b"+OK list\r\n" + listed + b".\r\n")
            elif verb == b"STLS" and tls is not None:
                peer.send(b"+OK go\r\n")
                peer.start_tls(tls)
                encrypted = True
            elif verb == b"QUIT":
                peer.send(b"+OK bye\r\n")
                return
            else:
                peer.send(b"-ERR what\r\n")

    return converse


def sieve(tls: ssl.SSLContext) -> Behaviour:
    """A ManageSieve server (RFC 5804)."""

    def converse(peer: Peer) -> None:
        peer.send(b'"IMPLEMENTATION" "Example"\r\n"SASL" ""\r\n"STARTTLS"\r\nOK "ready"\r\n')
        while True:
            verb = peer.line().upper()
            if verb == b"STARTTLS":
                peer.send(b"OK\r\n")
                peer.start_tls(tls)
                peer.send(b'"IMPLEMENTATION" "Example"\r\n"SASL" "PLAIN LOGIN"\r\nOK "again"\r\n')
            elif verb == b"LOGOUT":
                peer.send(b"OK\r\n")
                return
            else:
                peer.send(b"NO\r\n")

    return converse


def ftp(tls: ssl.SSLContext) -> Behaviour:
    """An FTP server (RFC 959, RFC 4217)."""

    def converse(peer: Peer) -> None:
        peer.send(b"220 Example FTP server\r\n")
        while True:
            verb = peer.line().upper()
            if verb == b"FEAT":
                peer.send(b"211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End\r\n")
            elif verb == b"AUTH TLS":
                peer.send(b"234 go\r\n")
                peer.start_tls(tls)
            elif verb == b"QUIT":
                peer.send(b"221 bye\r\n")
                return
            else:
                peer.send(b"530 Log in first\r\n")

    return converse


def http(tls: ssl.SSLContext | None = None) -> Behaviour:
    """A web server; with a context, of https."""

    def converse(peer: Peer) -> None:
        if tls is not None:
            peer.start_tls(tls)
        while peer.line():
            pass
        peer.send(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n")

    return converse


def until_tls(layer: Literal["starttls", "tls"], then: Callable[[Peer], None]) -> Behaviour:
    """A submission server up to the moment at which TLS begins; from there on it does `then`."""

    def converse(peer: Peer) -> None:
        if layer == "starttls":
            peer.send(b"220 mail ESMTP\r\n")
            peer.line()
            peer.send(multiline(b"250", b"mail", (b"STARTTLS",)))
            peer.line()
            peer.send(b"220 go\r\n")
        then(peer)

    return converse


def saying(*parts: bytes, then: Callable[[Peer], None] = Peer.drain) -> Behaviour:
    """Says the first part at once, each further one after a line of the client's, and then does `then`."""

    def converse(peer: Peer) -> None:
        for position, part in enumerate(parts):
            if position:
                peer.line()
            peer.send(part)
        then(peer)

    return converse

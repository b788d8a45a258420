"""What scripted servers say: whole mail protocols with odd but legal manners, and short misbehaviours."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .scripted import Behaviour, Peer


def _same(text: str) -> str:
    return text


@dataclass(frozen=True)
class Manners:
    """How a server writes: its line ends, the case of its keywords, and how many bytes it sends at a time."""

    eol: str = "\r\n"
    case: Callable[[str], str] = _same
    chunk: int | None = None
    pause: float = 0.0

    def say(self, peer: Peer, *lines: str) -> None:
        peer.send("".join(line + self.eol for line in lines), chunk=self.chunk, pause=self.pause)


PLAIN_MANNERS = Manners()


@dataclass(frozen=True)
class Smtp:
    """An SMTP or submission server (RFC 5321, 6409, 3207); with `implicit`, TLS comes first (RFC 8314)."""

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    name: str = "scripted"
    greeting: Sequence[str] = ()
    greeting_delay: float = 0.0
    keywords: Sequence[str] = ("SIZE 1000000", "8BITMIME")
    auth: str | None = "AUTH PLAIN LOGIN"
    auth_in_the_clear: bool = False
    starttls_reply: str = "220 2.0.0 begin"
    injected: str = ""
    manners: Manners = PLAIN_MANNERS

    def __call__(self, peer: Peer) -> None:
        secure = self.implicit and self.tls is not None
        if self.implicit and self.tls:
            peer.start_tls(self.tls)
        if self.greeting_delay:
            peer.sleep(self.greeting_delay)
        self.manners.say(peer, *(self.greeting or (f"220 {self.name} ESMTP",)))
        while True:
            verb = peer.line().split(" ")[0].upper()
            if verb == "QUIT":
                self.manners.say(peer, "221 2.0.0 bye")
                return
            if verb == "EHLO":
                self.manners.say(peer, *self._extensions(secure))
            elif verb == "STARTTLS" and self.tls and not secure:
                peer.send(self.starttls_reply + self.manners.eol + self.injected)
                if self.starttls_reply.startswith("220"):
                    peer.start_tls(self.tls)
                    secure = True
            else:
                self.manners.say(peer, "502 5.5.1 not here")

    def _extensions(self, secure: bool) -> list[str]:
        keywords = list(self.keywords)
        if self.tls and not secure:
            keywords.append("STARTTLS")
        if self.auth and (secure or not self.tls or self.auth_in_the_clear):
            keywords.append(self.auth)
        texts = [f"{self.name} at your service", *map(self.manners.case, keywords)]
        return [f"250-{text}" for text in texts[:-1]] + [f"250 {texts[-1]}"]


@dataclass(frozen=True)
class Imap:
    """An IMAP server (RFC 9051). `greeting_capabilities` decides whether the greeting tells them unasked."""

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    greeting: str = "* OK scripted IMAP"
    greeting_capabilities: bool = False
    capabilities: str = "IMAP4rev1 SASL-IR AUTH=PLAIN"
    injected: str = ""
    manners: Manners = PLAIN_MANNERS

    def __call__(self, peer: Peer) -> None:
        secure = self.implicit and self.tls is not None
        if self.implicit and self.tls:
            peer.start_tls(self.tls)
        greeting = self.greeting
        if self.greeting_capabilities:
            greeting = greeting.replace("* OK", f"* OK [CAPABILITY {self._capabilities(secure)}]")
        self.manners.say(peer, greeting)
        while not greeting.startswith("* BYE"):
            tag, _, command = peer.line().partition(" ")
            verb = command.split(" ")[0].upper()
            if verb == "LOGOUT":
                self.manners.say(peer, "* BYE bye", f"{tag} OK done")
                return
            if verb == "CAPABILITY":
                self.manners.say(peer, f"* CAPABILITY {self._capabilities(secure)}", f"{tag} OK done")
            elif verb == "STARTTLS" and self.tls and not secure:
                peer.send(f"{tag} OK begin{self.manners.eol}{self.injected}")
                peer.start_tls(self.tls)
                secure = True
            else:
                self.manners.say(peer, f"{tag} BAD not here")

    def _capabilities(self, secure: bool) -> str:
        if self.tls and not secure:
            return self.manners.case("IMAP4rev1 STARTTLS LOGINDISABLED")
        return self.manners.case(self.capabilities)


@dataclass(frozen=True)
class Pop3:
    """A POP3 server (RFC 1939, 2449, 2595); `capa` decides whether it knows CAPA at all."""

    tls: ssl.SSLContext | None = None
    implicit: bool = False
    greeting: str = "+OK scripted POP3"
    capa: bool = True
    injected: str = ""
    manners: Manners = PLAIN_MANNERS

    def __call__(self, peer: Peer) -> None:
        secure = self.implicit and self.tls is not None
        if self.implicit and self.tls:
            peer.start_tls(self.tls)
        self.manners.say(peer, self.greeting)
        while True:
            verb = peer.line().split(" ")[0].upper()
            if verb == "QUIT":
                self.manners.say(peer, "+OK bye")
                return
            if verb == "CAPA" and self.capa:
                offered = ["USER", "SASL PLAIN"] if secure or not self.tls else ["STLS"]
                self.manners.say(peer, "+OK list follows", *map(self.manners.case, offered), ".")
            elif verb == "STLS" and self.tls and not secure:
                peer.send(f"+OK begin{self.manners.eol}{self.injected}")
                peer.start_tls(self.tls)
                secure = True
            else:
                self.manners.say(peer, "-ERR not here")


@dataclass(frozen=True)
class Sieve:
    """A ManageSieve server (RFC 5804): its greeting is its capabilities, and comes again after STARTTLS."""

    tls: ssl.SSLContext | None = None
    manners: Manners = PLAIN_MANNERS

    def __call__(self, peer: Peer) -> None:
        secure = False
        self._introduce(peer, secure)
        while True:
            verb = peer.line().split(" ")[0].upper()
            if verb == "LOGOUT":
                self.manners.say(peer, "OK")
                return
            if verb == "CAPABILITY":
                self._introduce(peer, secure)
            elif verb == "STARTTLS" and self.tls and not secure:
                self.manners.say(peer, "OK")
                peer.start_tls(self.tls)
                secure = True
                self._introduce(peer, secure)
            else:
                self.manners.say(peer, 'NO "not here"')

    def _introduce(self, peer: Peer, secure: bool) -> None:
        starttls = ['"STARTTLS"'] if self.tls and not secure else []
        sasl = "PLAIN" if secure or not self.tls else ""
        self.manners.say(
            peer,
            '"IMPLEMENTATION" "scripted"',
            '"SIEVE" "fileinto"',
            f'"SASL" "{sasl}"',
            *starttls,
            '"VERSION" "1.0"',
            "OK",
        )


# ---- misbehaviours ---------------------------------------------------------------------------------------------------


def banner(text: str) -> Behaviour:
    """Say one thing and then listen without answering."""

    def behave(peer: Peer) -> None:
        peer.send(text)
        peer.wait_for_close()

    return behave


def http(peer: Peer) -> None:
    """A web server: silent until spoken to, then sure that it was not HTTP."""
    peer.raw()
    peer.send("HTTP/1.1 400 Bad Request\r\nServer: scripted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


def mute(peer: Peer) -> None:
    """Accept and never say a word."""
    peer.wait_for_close()


def reset_at_once(peer: Peer) -> None:
    peer.reset()


def close_and_reset_at_once(peer: Peer) -> None:
    """FIN, then RST: the client's kernel may call it EPIPE."""
    peer.end()
    peer.reset()


def close_at_once(peer: Peer) -> None:
    """End the connection politely before a greeting."""
    peer.close()


def endless_capabilities(peer: Peer) -> None:
    """Answer EHLO with lines that never end."""
    peer.send("220 scripted ESMTP\r\n")
    peer.line()
    block = "".join(f"250-X-ENDLESS-{number}\r\n" for number in range(500))
    while True:
        peer.send(block)


def endless_line(peer: Peer) -> None:
    """Greet with a line that never ends."""
    peer.send("220 ")
    while True:
        peer.send("x" * 4096)


def drip(peer: Peer) -> None:
    """Send a greeting that never ends, a byte every 0.3 s: each read succeeds, the whole never does."""
    peer.send("220-" + "drip" * 5000, chunk=1, pause=0.3)


def drip_after_greeting(peer: Peer) -> None:
    """As `drip`, in the answer to EHLO."""
    peer.send("220 scripted ESMTP\r\n")
    peer.line()
    peer.send("250-" + "drip" * 5000, chunk=1, pause=0.3)


def silent_after_starttls(peer: Peer) -> None:
    """Agree to STARTTLS and never shake hands."""
    peer.send("220 scripted ESMTP\r\n")
    peer.line()
    peer.send("250-scripted\r\n250 STARTTLS\r\n")
    peer.line()
    peer.send("220 go\r\n")
    peer.wait_for_close()


def garbage_after_starttls(peer: Peer) -> None:
    """Agree to STARTTLS and answer the ClientHello with something else."""
    peer.send("220 scripted ESMTP\r\n")
    peer.line()
    peer.send("250-scripted\r\n250 STARTTLS\r\n")
    peer.line()
    peer.send("220 go\r\n")
    peer.raw()
    peer.send(b"\x00garbage that is not TLS\r\n" * 4)
    peer.wait_for_close()


def reset_at_client_hello(peer: Peer) -> None:
    """Answer the ClientHello by RST, as a box that dislikes its server name does."""
    peer.raw()
    peer.reset()


def close_at_client_hello(peer: Peer) -> None:
    peer.raw()
    peer.close()


def alert_at_client_hello(peer: Peer) -> None:
    """Answer the ClientHello with a fatal alert, handshake_failure (RFC 8446 section 6.2)."""
    peer.raw()
    peer.send(b"\x15\x03\x01\x00\x02\x02\x28")
    peer.wait_for_close()


def helo_only(peer: Peer) -> None:
    """An SMTP server from before EHLO (RFC 821)."""
    answers = {"HELO": "250 scripted", "QUIT": "221 bye"}
    peer.send("220 scripted SMTP\r\n")
    while (verb := peer.line().split(" ")[0].upper()) != "QUIT":
        peer.send(f"{answers.get(verb, '500 unknown')}\r\n")
    peer.send(f"{answers['QUIT']}\r\n")


def closing_at_ehlo(peer: Peer) -> None:
    """Answer EHLO with 421, which any command may get (RFC 5321 section 3.8)."""
    peer.send("220 scripted ESMTP\r\n")
    peer.line()
    peer.send("421 4.3.2 shutting down\r\n")


def web(path: str, body: bytes, content_type: str, *, head: Callable[[], Sequence[str]] = tuple) -> Behaviour:
    """A web server with one document (`path` empty: at every path); `head` gives further lines of the header."""

    def behave(peer: Peer) -> None:
        request = peer.line().split(" ")
        while peer.line():
            pass
        found = len(request) > 1 and path in ("", request[1])
        payload = body if found else b""
        lines = [
            f"HTTP/1.1 {'200 OK' if found else '404 Not Found'}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(payload)}",
            *head(),
            "Connection: close",
        ]
        peer.send("".join(f"{line}\r\n" for line in lines) + "\r\n")
        peer.send(payload)

    return behave


def redirect(location: str) -> Behaviour:
    """A web server that sends everybody elsewhere, as a hotel's box does before the guest has signed in."""

    def behave(peer: Peer) -> None:
        while peer.line():
            pass
        peer.send(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    return behave


def secure_web(tls: ssl.SSLContext) -> Behaviour:
    """A web server behind TLS, with nothing to say."""

    def behave(peer: Peer) -> None:
        peer.start_tls(tls)
        http(peer)

    return behave

"""The dialogues of `knowledge/dialogues.toml`: what is said on a port, and what the answers mean."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from poterne.knowledge import load
from poterne.model import Greeting
from poterne.probe.replies import READERS, Reply
from poterne.probe.stream import Stream


@dataclass(frozen=True, slots=True)
class Implied:
    """A mechanism that needs no announcement: it holds unless, or only if, a capability is there."""

    mechanism: str
    capability: str
    negated: bool

    def holds(self, capabilities: Iterable[str]) -> bool:
        """Whether the capabilities leave the mechanism usable."""
        return (self.capability in {capability.upper() for capability in capabilities}) is not self.negated


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One protocol's row; the file explains the fields."""

    name: str
    framing: str
    greets: bool
    accepted: re.Pattern[str]
    busy: re.Pattern[str] | None
    refused: re.Pattern[str] | None
    positive: re.Pattern[str]
    ask: str | None
    ask_plain: str | None
    asked_by: re.Pattern[str] | None
    again: str
    offer: str | None
    upgrade: str | None
    upgraded: re.Pattern[str] | None
    try_unoffered: bool
    welcomes: bool
    sign_in: re.Pattern[str] | None
    implied: Implied | None
    goodbye: str | None

    async def read(self, stream: Stream, tag: bytes = b"") -> Reply:
        """The next whole reply; `tag`: as `replies.READERS` has it."""
        return await READERS[self.framing](stream, tag)

    def tag_of(self, command: str, tag: str) -> bytes:
        """What the reader has to know of a command to find the end of its reply."""
        return {"imap": tag, "pop3": command}.get(self.framing, "").encode()

    def judge(self, reply: Reply) -> Greeting:
        """What a greeting says; `foreign`: it belongs to another protocol."""
        line = _text(reply.status)
        if not reply.whole or recognise(reply.status) not in (None, self.name):
            return "foreign"
        if self.accepted.search(line):
            return "accepted"
        if self.busy is not None and self.busy.search(line):
            return "busy"
        if self.refused is not None and self.refused.search(line):
            return "refused"
        return "foreign"

    def words(self, reply: Reply) -> bytes:
        """A greeting as one line; a numeric one may have several, and the reason stands in any."""
        return b" ".join((reply.status, *reply.lines)) if self.framing == "numeric" else reply.status

    def agrees(self, reply: Reply) -> bool:
        """Whether a question got a good answer."""
        return reply.whole and self.positive.search(_text(reply.status)) is not None

    def lets_upgrade(self, reply: Reply) -> bool:
        """Whether the server is ready for TLS."""
        return reply.whole and self.upgraded is not None and self.upgraded.search(_text(reply.status)) is not None

    def in_greeting(self, reply: Reply) -> list[bytes] | None:
        """The capabilities that a greeting holds already, where the protocol has that."""
        if self.ask is None:
            return reply.lines
        if self.asked_by is not None and (match := self.asked_by.search(_text(reply.status))):
            return match[1].encode("latin-1").split()
        return None

    def offers_upgrade(self, capabilities: Iterable[str]) -> bool:
        """Whether STARTTLS, or what this protocol calls it, is among them."""
        return self.offer is not None and self.offer in {capability.upper() for capability in capabilities}

    def mechanisms(self, capabilities: Iterable[str]) -> tuple[str, ...]:
        """The sign-in mechanisms that the capabilities announce or imply, in capitals, without repeats."""
        found: dict[str, None] = {}
        listed = list(capabilities)
        if self.sign_in is not None:
            for capability in listed:
                if match := self.sign_in.match(capability.upper()):
                    found.update(dict.fromkeys(match[1].split()))
        if self.implied is not None and listed and self.implied.holds(listed):
            found[self.implied.mechanism] = None
        return tuple(found)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return None if text is None else re.compile(text)


@cache
def dialogue(name: str) -> Dialogue:
    """The dialogue of that name."""
    row = load("dialogues")[name]
    implied = row.get("implied")
    return Dialogue(
        name=name,
        framing=row["framing"],
        greets=row["greets"],
        accepted=re.compile(row["accepted"]),
        busy=_pattern(row.get("busy")),
        refused=_pattern(row.get("refused")),
        positive=re.compile(row["positive"]),
        ask=row.get("ask"),
        ask_plain=row.get("ask_plain"),
        asked_by=_pattern(row.get("asked_by")),
        again=row["again"],
        offer=row.get("offer"),
        upgrade=row.get("upgrade"),
        upgraded=_pattern(row.get("upgraded")),
        try_unoffered=row.get("try_unoffered", False),
        welcomes=row.get("welcomes", False),
        sign_in=_pattern(row.get("sign_in")),
        implied=implied
        and Implied(implied["mechanism"], implied.get("unless") or implied["if"], negated="unless" in implied),
        goodbye=row.get("goodbye"),
    )


@cache
def _recognised() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(row["pattern"]), row["protocol"]) for row in load("dialogues")["recognise"])


def recognise(first_line: bytes) -> str | None:
    """The protocol that says such a first line, where one is known by it."""
    line = _text(first_line)
    return next((protocol for pattern, protocol in _recognised() if pattern.search(line)), None)


def address_literal(address: str) -> str:
    """RFC 5321 section 4.1.3."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return f"[IPv6:{parsed}]" if parsed.version == 6 else f"[{parsed}]"


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")

"""What is said on a port, and what the answers mean."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from poterne.knowledge import dialogues
from poterne.knowledge.dialogues import Script
from poterne.probe.replies import READERS, Reply
from poterne.probe.stream import Stream
from poterne.report import Greeting


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One protocol: its name, and what is said in it."""

    name: str
    script: Script

    async def read(self, stream: Stream, tag: bytes = b"") -> Reply:
        """The next whole reply; `tag`: as `replies.READERS` has it."""
        return await READERS[self.script.framing](stream, tag)

    def tag_of(self, command: str, tag: str) -> bytes:
        """What the reader has to know of a command to find the end of its reply."""
        return {"imap": tag, "pop3": command}.get(self.script.framing, "").encode()

    def judge(self, reply: Reply) -> Greeting:
        """What a greeting says; `foreign`: it belongs to another protocol."""
        line = _text(reply.status)
        if not reply.whole or recognise(reply.status) not in (None, self.name):
            return "foreign"
        if self.script.accepted.search(line):
            return "accepted"
        if self.script.busy is not None and self.script.busy.search(line):
            return "busy"
        if self.script.refused is not None and self.script.refused.search(line):
            return "busy" if self._for_a_while(_text(self.words(reply))) else "refused"
        return "foreign"

    def _for_a_while(self, refusal: str) -> bool:
        """Whether the words of a refusal say that it passes."""
        known = dialogues.table()
        if known.busy_words.search(refusal):
            return True
        return self.script.framing != "numeric" and known.busy_words_without_code.search(refusal) is not None

    def words(self, reply: Reply) -> bytes:
        """A greeting as one line; a numeric one may have several, and the reason stands in any."""
        return b" ".join((reply.status, *reply.lines)) if self.script.framing == "numeric" else reply.status

    def agrees(self, reply: Reply) -> bool:
        """Whether a question got a good answer."""
        return reply.whole and self.script.positive.search(_text(reply.status)) is not None

    def lets_upgrade(self, reply: Reply) -> bool:
        """Whether the server is ready for TLS."""
        upgraded = self.script.upgraded
        return reply.whole and upgraded is not None and upgraded.search(_text(reply.status)) is not None

    def in_greeting(self, reply: Reply) -> list[bytes] | None:
        """The capabilities that a greeting holds already, where the protocol has that."""
        if self.script.ask is None:
            return reply.lines
        if self.script.asked_by is not None and (match := self.script.asked_by.search(_text(reply.status))):
            return match[1].encode("latin-1").split()
        return None

    def offers_upgrade(self, capabilities: Iterable[str]) -> bool:
        """Whether STARTTLS, or what this protocol calls it, is among them."""
        return self.script.offer in {capability.upper() for capability in capabilities}

    def mechanisms(self, capabilities: Iterable[str]) -> tuple[str, ...]:
        """The sign-in mechanisms that the capabilities announce or imply, in capitals, without repeats."""
        found: dict[str, None] = {}
        listed = list(capabilities)
        if self.script.sign_in is not None:
            for capability in listed:
                if match := self.script.sign_in.match(capability.upper()):
                    found.update(dict.fromkeys(match[1].split()))
        if self.script.implied is not None and listed and self.script.implied.holds(listed):
            found[self.script.implied.mechanism] = None
        return tuple(found)


@cache
def dialogue(name: str) -> Dialogue:
    """The dialogue of that name."""
    return Dialogue(name, dialogues.table().dialogue[name])


def recognise(first_line: bytes) -> str | None:
    """The protocol that says such a first line, where one is known by it."""
    line = _text(first_line)
    return next((row.protocol for row in dialogues.table().recognise if row.pattern.search(line)), None)


def address_literal(address: str) -> str:
    """RFC 5321 section 4.1.3."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return f"[IPv6:{parsed}]" if parsed.version == 6 else f"[{parsed}]"


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")

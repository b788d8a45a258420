"""Servers of line protocols (IMAP, POP3, ManageSieve), whose words are data. Nobody can sign in to them."""

import asyncio
import ssl
import tomllib
from functools import cache
from pathlib import Path
from typing import cast

from pydantic import Field

from poterne.demo.connections import Connections
from poterne.report.statement import Record

LINE_LIMIT = 8192


class Dialogue(Record):
    """What a server says; `dialogues.toml` explains the keys."""

    greeting: tuple[str, ...]
    other: tuple[str, ...]
    too_long: tuple[str, ...]
    clear: str = ""
    secured: str = ""
    tagged: bool = False
    upgrade: str | None = None
    ends: tuple[str, ...] = ()
    commands: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    commands_clear: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    greets_after_upgrade: bool = False
    closes_after_greeting: bool = False


@cache
def dialogues() -> dict[str, Dialogue]:
    """Every dialogue, by its name."""
    text = Path(__file__).with_name("dialogues.toml").read_text("utf-8")
    return {name: Dialogue.model_validate(value) for name, value in tomllib.loads(text).items()}


class LineServer(asyncio.Protocol):
    """One connection. `starttls`: the context to upgrade with, where an upgrade is offered."""

    def __init__(
        self,
        connections: Connections,
        dialogue: Dialogue,
        host: str,
        *,
        starttls: ssl.SSLContext | None = None,
        greeting: str | None = None,
    ) -> None:
        self._connections = connections
        self._dialogue = dialogue
        self._host = host
        self._starttls = starttls
        self._greeting = dialogue.greeting if greeting is None else (greeting,)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._upgrading = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._say(self._greeting)
        if self._dialogue.closes_after_greeting:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._transport is not None and not self._transport.is_closing() and not self._upgrading:
            line, end, rest = bytes(self._buffer).partition(b"\n")
            if len(line) > LINE_LIMIT:
                self._say(self._dialogue.too_long)
                self._transport.close()
            elif not end:
                return
            else:
                self._buffer[:] = rest
                self._obey(line.decode("ascii", "replace").strip())

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def _obey(self, line: str) -> None:
        words = line.split(maxsplit=2)
        tag = words.pop(0) if self._dialogue.tagged and words else "*"
        verb = words[0].upper() if words else ""
        replies = self._dialogue.commands
        if self._starttls is not None:
            replies = {**replies, **self._dialogue.commands_clear}
        if verb == self._dialogue.upgrade and self._starttls is None:
            self._say(self._dialogue.other, tag)
            return
        if verb == self._dialogue.upgrade and self._transport is not None:
            # The client's hello must wait in the kernel until TLS reads, and what came in the clear is worth nothing.
            self._transport.pause_reading()
            self._buffer.clear()
            self._say(replies[verb], tag)
            self._upgrading = True
            self._connections.spawn(self._upgrade(self._transport))
            return
        self._say(replies.get(verb, self._dialogue.other), tag)
        if verb in self._dialogue.ends and self._transport is not None:
            self._transport.close()

    async def _upgrade(self, clear: asyncio.Transport) -> None:
        assert self._starttls is not None
        context, self._starttls = self._starttls, None
        try:
            secured = await asyncio.get_running_loop().start_tls(clear, self, context, server_side=True)
        except OSError:
            clear.abort()
            return
        if secured is None or secured.is_closing():
            return
        self._transport, self._upgrading = secured, False
        if self._dialogue.greets_after_upgrade:
            self._say(self._greeting)
        self.data_received(b"")

    def _say(self, lines: tuple[str, ...], tag: str = "*") -> None:
        if self._transport is None or not lines:
            return
        capabilities = self._dialogue.clear if self._starttls is not None else self._dialogue.secured
        words = {"{tag}": tag, "{host}": self._host, "{capabilities}": capabilities.strip()}
        text = "\n".join(lines)
        for placeholder, value in words.items():
            text = text.replace(placeholder, value)
        self._transport.write(text.replace("\n", "\r\n").encode() + b"\r\n")

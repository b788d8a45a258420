"""A server's words without a server: streams and sockets that hold all that will ever be said."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.unit.core_world import stores, toolkit

from poterne.errors import Interrupted
from poterne.knowledge import ports
from poterne.probe.dialogue import dialogue
from poterne.probe.observation_builder import ObservationBuilder
from poterne.probe.replies import READERS
from poterne.probe.session import Session
from poterne.probe.stream import MAX_SESSION, Stream
from poterne.report import Endpoint, Observation, Security


class CannedStream(Stream):
    """Says what it was given, in segments of `cut` bytes, and hangs up."""

    def __init__(self, sock: socket.socket, data: bytes, cut: int) -> None:
        super().__init__(sock)
        self._data, self._cut = data, cut

    async def _read(self) -> bytes:
        if self.received >= MAX_SESSION:
            raise Interrupted("excess", "too much")
        data, self._data = self._data[: self._cut], self._data[self._cut :]
        if not data:
            raise Interrupted("closed", "closed by the server")
        self.received += len(data)
        self.first_bytes = (self.first_bytes + data)[:64]
        return data

    async def _flush(self, data: bytes = b"") -> None:
        self._outgoing.read()

    @property
    def local_address(self) -> str:
        """Some address."""
        return "192.0.2.9"


class _CannedSession(Session):
    def meet(self, stream: Stream) -> None:
        self._stream = stream

    async def _connect(self) -> Stream:
        self._builder.state, self._builder.security = "open", "none"
        return self._stream


@contextmanager
def saying(data: bytes) -> Iterator[socket.socket]:
    """A connected socket whose peer says all of it (at most 64 KiB) and hangs up."""
    ours, theirs = socket.socketpair()
    try:
        theirs.sendall(data[: 64 * 1024])
        theirs.shutdown(socket.SHUT_WR)
        ours.setblocking(False)
        yield ours
    finally:
        ours.close()
        theirs.close()


async def session(data: bytes, port: int, begins: Security, cut: int) -> Observation:
    """What a probe of that port makes of the data."""
    row = ports.facts(port)
    assert row is not None
    endpoint = Endpoint(
        id="o1", host="mail.example.org", address="192.0.2.1", family=4, port=port, service=row.service, asked=begins
    )
    tools, draft = toolkit(stores()), ObservationBuilder(endpoint)
    probe = _CannedSession(
        draft, tools, dialogue(row.dialogue), begins, "strict", dialled_port=port, on_progress=lambda _: None
    )
    with socket.socket() as nobody:
        probe.meet(CannedStream(nobody, data, cut))
        await probe.run()
        await asyncio.gather(*tools.farewells)
    return draft.finish()


def talk(data: bytes, port: int, *tags: bytes) -> None:
    """Replies alone, and whole dialogues, in the clear and where TLS was asked: they end with what can be shown."""
    row = ports.facts(port)
    assert row is not None
    framing = dialogue(row.dialogue).script.framing

    async def read(tag: bytes) -> None:
        with socket.socket() as nobody:
            stream = CannedStream(nobody, data, 50)
            try:
                reply = await READERS[framing](stream, tag)
            except Interrupted:
                return
            assert b"\n" not in reply.status
            assert all(b"\n" not in line for line in reply.lines)

    async def everything() -> None:
        for tag in (b"", *tags):
            await read(tag)
        for begins, cut in (("starttls", 16384), ("starttls", 7), ("tls", 16384)):
            seen = await session(data, port, begins, cut)  # type: ignore[arg-type]
            assert seen.security == "none"
            assert seen.tls is None or seen.tls.version is None
            text = seen.model_dump_json()
            assert len(text) < 12_000
            assert "\\u001b" not in text and "\x9b" not in text and "\u202e" not in text

    asyncio.run(everything())

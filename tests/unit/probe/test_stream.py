import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poterne.errors import Interrupted
from poterne.probe.replies import READERS, Reply
from poterne.probe.stream import MAX_LINE, MAX_SESSION, Stream


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Stream, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = Stream(ours)
    try:
        yield stream, theirs
    finally:
        stream.close()
        theirs.close()


@pytest.fixture(autouse=True)
def any_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket pair is no TCP connection: it has no acknowledgements."""
    monkeypatch.setattr("poterne.probe.stream.quick_ack", lambda _: None)


async def test_lines_end_in_cr_lf_or_a_bare_line_feed() -> None:
    async with pair() as (stream, theirs):
        theirs.sendall(b"one\r\ntwo\nthree\r\r\n\n")
        assert [await stream.line() for _ in range(4)] == [b"one", b"two", b"three\r", b""]


async def test_what_was_not_read_is_pending() -> None:
    async with pair() as (stream, theirs):
        theirs.sendall(b"one\r\ntwo")
        assert await stream.line() == b"one"
        assert stream.pending == b"two"
        assert stream.received == 8


async def test_a_line_is_whole_whatever_its_pieces() -> None:
    async with pair() as (stream, theirs):
        reading = asyncio.create_task(stream.line())
        for byte in b"slowly\r\n":
            theirs.sendall(bytes([byte]))
            await asyncio.sleep(0)
        assert await reading == b"slowly"


@pytest.mark.parametrize("size", [MAX_LINE + 1, MAX_LINE * 2])
async def test_a_line_that_is_too_long_is_refused(size: int) -> None:
    async with pair() as (stream, theirs):
        theirs.sendall(b"x" * size + b"\r\n")
        with pytest.raises(Interrupted) as caught:
            await stream.line()
    assert caught.value.reason == "excess"


async def test_a_line_of_the_greatest_length_is_taken() -> None:
    async with pair() as (stream, theirs):
        theirs.sendall(b"x" * (MAX_LINE - 2) + b"\r\n")
        assert len(await stream.line()) == MAX_LINE - 2


async def test_the_end_is_said_to_be_closed() -> None:
    async with pair() as (stream, theirs):
        theirs.sendall(b"half a li")
        theirs.close()
        with pytest.raises(Interrupted) as caught:
            await stream.line()
    assert caught.value.reason == "closed"


async def test_no_more_than_64_kib_are_read() -> None:
    async with pair() as (stream, theirs):
        theirs.setblocking(False)
        with pytest.raises(Interrupted) as caught:
            while True:
                with suppress(BlockingIOError):
                    theirs.send(b"line\r\n" * 100)
                await stream.line()
        assert stream.received <= MAX_SESSION
    assert caught.value.reason == "excess"


async def test_a_farewell_never_raises_and_ends_in_time() -> None:
    async with pair() as (stream, theirs):
        loop = asyncio.get_running_loop()
        started = loop.time()
        await stream.farewell(b"QUIT\r\n", 0.1)
        assert loop.time() - started < 0.5
        assert theirs.recv(100) == b"QUIT\r\n"
        assert theirs.recv(100) == b""
    async with pair() as (stream, theirs):
        theirs.close()
        await stream.farewell(b"QUIT\r\n", 0.1)


PIECES = st.sampled_from(
    [
        b"220 a\r\n",
        b"220-a\r\n",
        b"250-",
        b"250 ok\r\n",
        b"* OK\r\n",
        b"* CAPABILITY X Y\r\n",
        b"p1 OK\r\n",
        b"p1 BAD\r\n",
        b"+OK\r\n",
        b"-ERR\r\n",
        b".\r\n",
        b"UIDL\r\n",
        b'"A" "B"\r\n',
        b"OK\r\n",
        b"NO\r\n",
        b"BYE\r\n",
        b"+ go\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"A: b\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\x00",
        b"\xff",
        b"{12}\r\n",
    ]
)
ANYTHING = st.lists(st.one_of(PIECES, st.binary(max_size=60), st.just(b"x" * 5000)), max_size=16).map(b"".join)


@pytest.mark.parametrize("framing", sorted(READERS))
@settings(max_examples=80, deadline=None)
@given(data=ANYTHING, tag=st.sampled_from([b"", b"p1", b"CAPA"]), cut=st.sampled_from([1, 3, 50, 5000]))
def test_a_reader_ends_on_any_bytes(framing: str, data: bytes, tag: bytes, cut: int) -> None:
    """With a reply made of what came, or with Interrupted; nothing else, whatever the segments."""

    async def read() -> tuple[Reply | None, int]:
        async with pair() as (stream, theirs):
            theirs.setblocking(False)
            loop = asyncio.get_running_loop()

            async def feed() -> None:
                for start in range(0, len(data), cut):
                    await loop.sock_sendall(theirs, data[start : start + cut])
                    await asyncio.sleep(0)
                theirs.shutdown(socket.SHUT_WR)

            feeding = asyncio.create_task(feed())
            try:
                async with asyncio.timeout(5):
                    return await READERS[framing](stream, tag), stream.received
            except Interrupted:
                return None, stream.received
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)

    reply, received = asyncio.run(read())
    assert received <= MAX_SESSION
    if reply is not None:
        assert b"\n" not in reply.status
        assert reply.status in data
        assert all(b"\n" not in line and len(line) <= MAX_SESSION for line in reply.lines)


@pytest.mark.parametrize("framing", sorted(READERS))
def test_how_a_reply_is_cut_into_segments_makes_no_difference(framing: str) -> None:
    text = {
        "numeric": b"250-mail\r\n250-SIZE 1\r\n250 STARTTLS\r\nrest",
        "imap": b"* CAPABILITY A B\r\n* 1 EXISTS\r\np1 OK done\r\nrest",
        "pop3": b"+OK list\r\nUIDL\r\nSTLS\r\n.\r\nrest",
        "sieve": b'"SASL" "PLAIN"\r\n"STARTTLS"\r\nOK "x"\r\nrest',
        "http": b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nrest",
    }[framing]
    tag = {"imap": b"p1", "pop3": b"CAPA"}.get(framing, b"")

    async def read(size: int) -> Reply:
        async with pair() as (stream, theirs):
            for start in range(0, len(text), size):
                theirs.sendall(text[start : start + size])
            return await READERS[framing](stream, tag)

    replies = [asyncio.run(read(size)) for size in (1, 2, 7, len(text))]
    assert all(reply == replies[0] for reply in replies)
    assert replies[0].whole

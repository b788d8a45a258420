"""Each fault of a server, over both families, in the clear, behind STARTTLS and inside implicit TLS, all at once."""

import asyncio
import re
import socket
import time
import unicodedata
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Literal

import pytest
from tests.unit.core_certificates import HOST, context, issue, pki
from tests.unit.core_scripts import until_tls
from tests.unit.core_servers import LOOPBACK, Behaviour, Peer, Server
from tests.unit.core_world import look, remember_streams

from poterne.probe.stream import MAX_SESSION, Stream
from poterne.report import Family, Observation, Security

DEADLINE = 5.0
LAYERS = ("clear", "starttls", "tls")
FAMILIES: tuple[Family, ...] = (4, 6)
Fault = Callable[[Peer], None]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Stream]:
    """Every connection of the test; each knows how much was read from it."""
    return remember_streams(monkeypatch)


def at(layer: str, fault: Fault, *, greets: bool = True) -> Behaviour:
    """A submission server that is well until the layer is reached and has been greeted, and then has the fault."""

    def converse(peer: Peer) -> None:
        if layer != "clear":
            until_tls("starttls" if layer == "starttls" else "tls", lambda peer: peer.start_tls(pki().good))(peer)
        if greets and layer != "starttls":
            peer.send(b"220 mail ESMTP\r\n")
        if greets or layer == "starttls":
            peer.line()
        fault(peer)

    return converse


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


async def everywhere(fault: Fault, *, greets: bool = True) -> dict[tuple[Family, str], Observation]:
    """What is seen of the fault over each family in each layer."""

    async def see(family: Family, layer: str) -> Observation:
        asked: Security = "tls" if layer == "tls" else "starttls"
        with Server(at(layer, fault, greets=greets), family) as server:
            return await look(server, 465 if layer == "tls" else 587, asked=asked, seconds=DEADLINE)

    places = list(product(FAMILIES, LAYERS))
    started = time.monotonic()
    seen = dict(zip(places, await asyncio.gather(*(see(*place) for place in places)), strict=True))
    assert time.monotonic() - started < DEADLINE + 5
    for (_, layer), observation in seen.items():
        assert observation.state == "open"
        for text in texts(observation.model_dump()):
            assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text)
        # Encryption is never said where there was none.
        assert (observation.security in ("tls", "starttls")) <= (layer != "clear")
        if layer != "clear":
            assert observation.tls is not None
            assert observation.tls.fault is None
    return seen


def endless(data: bytes) -> Fault:
    def say(peer: Peer) -> None:
        while True:
            peer.send(data)

    return say


def says(data: bytes) -> Fault:
    def say(peer: Peer) -> None:
        peer.send(data)
        peer.drain()

    return say


def drip(peer: Peer) -> None:
    while True:
        peer.send(b"2")
        peer.sleep(0.1)


def hang_up(peer: Peer) -> None:
    peer._sock.shutdown(socket.SHUT_RDWR)  # no close_notify


@pytest.mark.parametrize(
    ("fault", "cut"),
    [
        pytest.param(endless(b"250-more\r\n" * 200), True, id="endless reply"),
        pytest.param(endless(b"x" * 1000), True, id="endless line"),
        pytest.param(endless(b"\0" * 1000), True, id="zeros"),
        pytest.param(drip, True, id="drip"),
        pytest.param(Peer.drain, True, id="silence"),
        pytest.param(Peer.reset, True, id="reset"),
        pytest.param(hang_up, True, id="no close_notify"),
        pytest.param(says(b"421 too many connections\r\n"), False, id="421 in the middle"),
        pytest.param(says(b"221 bye\r\n"), False, id="221 in the middle"),
        pytest.param(says(b"199 what\r\n"), False, id="1xx"),
        pytest.param(says(b"999 what\r\n"), False, id="9xx"),
        pytest.param(says(b"* OK I am IMAP\r\n"), False, id="another protocol"),
        pytest.param(says(b"250"), True, id="a code without an end"),
    ],
)
async def test_a_fault_in_the_middle(read: list[Stream], fault: Fault, cut: bool) -> None:
    for (_, layer), seen in (await everywhere(fault)).items():
        assert seen.cut or not cut, layer
        assert seen.capabilities == ()
        assert seen.error
    assert read
    assert all(stream.received <= MAX_SESSION for stream in read)


@pytest.mark.parametrize(
    ("said", "capabilities"),
    [
        (b"250\r\n", []),
        (b"250-\r\n250 \r\n", []),
        (b"250-mail\n250 SIZE 1\n", ["SIZE 1"]),
        (b"250-mail\r\n250 X-\x1b[31mRED\x00\xe2\x80\xae\r\n", None),
        (b"250-<script>alert(1)</script>\r\n250 \x9b2J\r\n", None),
        (b"250-mail\r\n250-" + b"A" * 4000 + b"\r\n250 SIZE\r\n", None),
    ],
    ids=["no text", "empty lines", "bare line feeds", "escapes", "markup", "a long keyword"],
)
async def test_odd_text_stays_text(said: bytes, capabilities: list[str] | None) -> None:
    for seen in (await everywhere(says(said))).values():
        assert seen.greeting_kind == "accepted"
        assert len(seen.model_dump_json()) < 8192
        if capabilities is not None:
            assert [line for line in seen.capabilities if line] == capabilities


def alert(number: int) -> bytes:
    return b"\x15\x03\x03\x00\x02\x02" + bytes([number])


@pytest.mark.parametrize("layer", ("starttls", "tls"))
@pytest.mark.parametrize(
    ("number", "name", "fault"),
    [
        (40, "HANDSHAKE_FAILURE", "tls-incompatible"),
        (42, "BAD_CERTIFICATE", "tls-failed"),
        (47, "ILLEGAL_PARAMETER", "tls-failed"),
        (48, "UNKNOWN_CA", "tls-failed"),
        (70, "PROTOCOL_VERSION", "tls-incompatible"),
        (71, "INSUFFICIENT_SECURITY", "tls-incompatible"),
        (80, "INTERNAL_ERROR", "tls-failed"),
        (90, "USER_CANCELLED", "tls-failed"),
        (112, "UNRECOGNIZED_NAME", "tls-failed"),
        (116, "CERTIFICATE_REQUIRED", "client-certificate-wanted"),
        (120, "NO_APPLICATION_PROTOCOL", "tls-failed"),
    ],
)
async def test_an_alert_keeps_its_name(layer: Literal["starttls", "tls"], number: int, name: str, fault: str) -> None:
    def say(peer: Peer) -> None:
        peer.raw()
        peer.send(alert(number))
        # Behind the alert comes the reset that would hide it.
        peer.reset()

    async def see(family: Family) -> Observation:
        with Server(until_tls(layer, say), family) as server:
            return await look(server, 465 if layer == "tls" else 587, seconds=DEADLINE)

    for seen in await asyncio.gather(*map(see, FAMILIES)):
        assert seen.tls is not None
        assert (seen.tls.fault, seen.tls.faults) == (fault, (fault,))
        assert re.fullmatch(rf"[A-Z0-9_]+_{name}", seen.tls.alert or ""), seen.tls.alert
        assert seen.security == "none"


async def test_a_flood_of_session_tickets_ends(read: list[Stream]) -> None:
    flood = context(issue(HOST, issuer=pki().root, sans=[HOST]))
    flood.num_tickets = 255

    def converse(peer: Peer) -> None:
        peer.start_tls(flood)
        peer.send(b"220 mail ESMTP\r\n")
        while peer.line():
            peer.send(b"250 mail\r\n")

    with Server(converse) as server:
        seen = await look(server, 465, seconds=DEADLINE)
    assert seen.security == "tls"
    assert all(stream.received <= MAX_SESSION for stream in read)


async def test_a_handshake_that_drips_ends_with_its_patience() -> None:
    def converse(peer: Peer) -> None:
        peer.raw()
        for _ in range(1000):
            peer.send(b"\x16\x03\x03\x40\x00"[:1])
            peer.sleep(0.1)

    with Server(converse) as server:
        seen = await look(server, 465, seconds=DEADLINE)
    assert seen.tls is None or seen.tls.version is None
    assert seen.security == "none"


async def test_a_server_that_does_not_read_is_left() -> None:
    """Its window closes; what we say is short, and nobody waits for it beyond the patience for an answer."""
    listener = socket.create_server((LOOPBACK[4], 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    with listener, Server(Peer.drain) as placeholder:
        placeholder.port = listener.getsockname()[1]
        started = time.monotonic()
        seen = await look(placeholder, 587, seconds=DEADLINE)
        assert time.monotonic() - started < DEADLINE + 3
    assert seen.greeting_kind == "silent"


async def test_another_answer_on_every_connection() -> None:
    """The first connection shows a bad certificate; the second, for a closer look, is told to go away."""
    bad = context(issue(HOST, sans=[HOST]))
    opened = 0

    def converse(peer: Peer) -> None:
        nonlocal opened
        opened += 1
        if opened > 1:
            peer.send(b"421 too many connections\r\n")
            return
        peer.start_tls(bad)
        peer.drain()

    with Server(converse) as server:
        seen = await look(server, 465, seconds=DEADLINE)
    assert seen.tls is not None
    assert seen.tls.fault == "cert-self-signed"
    assert seen.security != "starttls"

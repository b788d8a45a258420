"""Each fault of a TLS peer, where TLS begins and inside it, behind STARTTLS and at once."""

import asyncio
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from OpenSSL import SSL
from tests.unit.core_certificates import HOST, Issued, context, issue, pki
from tests.unit.core_records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    DATA,
    HANDSHAKE,
    HELLO_REQUEST,
    KEY_UPDATE,
    Sealed,
    extension,
    message,
    record,
    retry,
    server_hello,
    ticket,
)
from tests.unit.core_scripts import smtp, until_tls
from tests.unit.core_servers import GoneError, Peer, Server
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import look, remember_streams
from tests.waiting import ready

from poterne.diagnosis.evidence import verified
from poterne.knowledge.timing import Timing
from poterne.probe.stream import MAX_SESSION
from poterne.report import Family, Observation

DEADLINE = 20.0
FAMILIES: tuple[Family, ...] = (4, 6)
Layer = Literal["starttls", "tls"]
LAYERS: tuple[Layer, ...] = ("starttls", "tls")
Fault = Callable[[Peer], None]


# A busy machine is no silence.
PATIENT = timed(dialogue={"greeting": 15.0, "reply": 15.0, "handshake": 15.0})


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No connection of a test is read beyond the bound."""
    streams = remember_streams(monkeypatch)
    yield
    assert streams
    assert all(stream.received <= MAX_SESSION for stream in streams)


async def see(fault: Fault, timing: Timing = PATIENT) -> dict[Layer, list[Observation]]:
    """What is seen of the fault in each layer, over each family."""

    async def one(layer: Layer, family: Family) -> Observation:
        with Server(until_tls(layer, fault), family) as server:
            return await look(server, 465 if layer == "tls" else 587, seconds=DEADLINE, timing=timing)

    started = time.monotonic()
    places = [(layer, family) for layer in LAYERS for family in FAMILIES]
    seen = await asyncio.gather(*(one(*place) for place in places))
    assert time.monotonic() - started < DEADLINE + 5
    found: dict[Layer, list[Observation]] = {layer: [] for layer in LAYERS}
    for (layer, _), observation in zip(places, seen, strict=True):
        assert observation.state == "open"
        assert "_ssl.c" not in observation.model_dump_json()
        found[layer].append(observation)
    return found


def says(*parts: bytes) -> Fault:
    def say(peer: Peer) -> None:
        peer.raw()
        for part in parts:
            peer.send(part)
        peer.drain()

    return say


def floods(part: bytes) -> Fault:
    def say(peer: Peer) -> None:
        peer.raw()
        while True:
            peer.send(part * 50)

    return say


def answers(answer: Callable[[bytes], bytes], times: int = 1) -> Fault:
    """Says the same answer to the ClientHello so many times, each behind something that the client says."""

    def say(peer: Peer) -> None:
        hello = peer.raw()
        for _ in range(times):
            peer.send(answer(hello))
            peer.raw()
        peer.drain()

    return say


EXCESS = f"more than {MAX_SESSION} bytes"
SILENCE = r"no answer to the TLS handshake in [\d.]+ s"
BEFORE: dict[str, tuple[Fault, str]] = {
    "HelloRequest and silence": (says(record(HANDSHAKE, HELLO_REQUEST) * 3), SILENCE),
    "HelloRequest flood": (floods(record(HANDSHAKE, HELLO_REQUEST)), EXCESS),
    "HelloRetryRequest loop": (answers(retry, times=9), "UNEXPECTED_MESSAGE"),
    "HelloRetryRequest for the share that was sent": (answers(lambda hello: retry(hello, 0x001D)), "BAD_KEY_SHARE"),
    "a message of 16 MiB": (says(record(HANDSHAKE, b"\x02\xff\xff\xff" + bytes(99))), "EXCESSIVE_MESSAGE_SIZE"),
    "a record of 64 KiB": (says(b"\x16\x03\x03\xff\xff" + bytes(200)), "PACKET_LENGTH_TOO_LONG"),
    "empty records": (floods(record(HANDSHAKE, b"")), "RECORD_TOO_SMALL"),
    "ChangeCipherSpec flood": (floods(record(CHANGE_CIPHER_SPEC, b"\x01")), "UNEXPECTED_MESSAGE"),
    "warning flood": (floods(record(ALERT, b"\x01\x5a")), "TOO_MANY_WARN_ALERTS"),
    "close_notify": (says(record(ALERT, b"\x01\x00")), "closed by the server"),
    "data in the clear": (says(record(DATA, b"220 mail ESMTP\r\n")), "UNEXPECTED_MESSAGE"),
    "half a record and silence": (says(record(HANDSHAKE, message(2, bytes(90)))[:40]), SILENCE),
    "an ALPN that nobody offered": (
        answers(lambda hello: server_hello(hello, cipher=0xC02C, extensions=extension(16, b"\x00\x03\x02h2"))),
        "UNSOLICITED_EXTENSION",
    ),
    "a cipher that nobody offered": (
        answers(lambda hello: server_hello(hello, cipher=0x0005)),
        "UNKNOWN_CIPHER_RETURNED|WRONG_CIPHER_RETURNED",
    ),
}


@pytest.mark.parametrize(("fault", "words"), BEFORE.values(), ids=BEFORE.keys())
async def test_before_anything_is_encrypted(fault: Fault, words: str) -> None:
    for layer, observations in (await see(fault, QUICK if words == SILENCE else PATIENT)).items():
        for seen in observations:
            assert seen.tls is not None
            assert (seen.tls.fault, seen.tls.version, seen.tls.trusted) == ("tls-failed", None, None)
            assert re.fullmatch(words, seen.tls.alert or ""), seen.tls.alert
            assert seen.error == seen.tls.alert
            assert (seen.security, seen.starttls) == ("none", "failed" if layer == "starttls" else None)
            assert not verified(seen)


async def test_one_hello_retry_request_is_a_good_handshake() -> None:
    """The server knows none of the groups for which a key was sent (RFC 8446 section 4.1.4)."""
    picky = context(pki().leaf, pki().intermediate)
    picky.set_ecdh_curve("secp384r1")
    with Server(smtp(picky, implicit=True)) as server:
        at_once = await look(server, 465, timing=PATIENT)
    with Server(smtp(picky)) as server:
        upgraded = await look(server, 587, timing=PATIENT)
    assert verified(at_once)
    assert verified(upgraded)


def inside(kind: int, data: bytes, times: int = 1) -> Fault:
    """A good handshake, these records, and the rest of a good dialogue."""

    def converse(peer: Peer) -> None:
        tls = Sealed(peer, context(pki().leaf, pki().intermediate))
        for _ in range(times):
            tls.send(kind, data)
        tls.send(DATA, b"220 mail ESMTP\r\n")
        while peer.line():
            tls.send(DATA, b"250 mail\r\n")

    return converse


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(inside(HANDSHAKE, ticket(65535)), EXCESS, id="a session ticket of 64 KiB"),
        pytest.param(inside(HANDSHAKE, ticket(200), 2000), EXCESS, id="a flood of session tickets"),
        pytest.param(inside(HANDSHAKE, KEY_UPDATE), "[A-Z_]+", id="an update of keys that does not happen"),
        pytest.param(inside(HANDSHAKE, HELLO_REQUEST), "UNEXPECTED_MESSAGE", id="HelloRequest in TLS 1.3"),
        pytest.param(inside(HANDSHAKE, message(13, b"\0\0\0")), "UNEXPECTED_MESSAGE", id="CertificateRequest"),
        pytest.param(inside(CHANGE_CIPHER_SPEC, b"\x01"), "BAD_RECORD_TYPE", id="ChangeCipherSpec"),
        pytest.param(inside(ALERT, b"\x02\x50"), "TLSV1_ALERT_INTERNAL_ERROR", id="an alert"),
        pytest.param(inside(ALERT, b"\x02\x78"), "TLSV1_ALERT_NO_APPLICATION_PROTOCOL", id="an alert without a name"),
        pytest.param(inside(ALERT, b"\x01\x00"), "closed by the server", id="close_notify"),
    ],
)
async def test_inside_tls(fault: Fault, words: str) -> None:
    """The handshake was good, and stays so; nothing was answered behind it, so that nothing is verified."""
    for layer, observations in (await see(fault)).items():
        for seen in observations:
            assert seen.tls is not None
            assert (seen.tls.fault, seen.tls.trusted, seen.security) == (None, True, layer)
            assert re.fullmatch(words, seen.error or ""), seen.error
            assert seen.cut or seen.greeting_kind == "closed"
            assert (seen.capabilities, seen.auth) == ((), ())
            assert not verified(seen)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(inside(HANDSHAKE, ticket(40_000)), id="a session ticket of 40 KB"),
        pytest.param(inside(HANDSHAKE, ticket(100), 30), id="thirty session tickets"),
        pytest.param(inside(DATA, b""), id="an empty record"),
    ],
)
async def test_what_is_odd_inside_tls_and_no_fault(fault: Fault) -> None:
    for seen in (await see(fault))["tls"]:
        assert (seen.error, seen.greeting_kind) == (None, "accepted")
        assert verified(seen)


_NO_RESUMPTION_ON_RENEGOTIATION = 0x10000


def _old(*chain: Issued) -> SSL.Context:
    """TLS 1.2, which can renegotiate; Python's own module has no word for that."""
    made = SSL.Context(SSL.TLS_METHOD)
    made.set_max_proto_version(SSL.TLS1_2_VERSION)
    made.set_options(SSL.OP_NO_TICKET | _NO_RESUMPTION_ON_RENEGOTIATION)
    made.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    made.use_certificate(chain[0].certificate)
    made.use_privatekey(chain[0].key)
    for issued in chain[1:]:
        made.add_extra_chain_cert(issued.certificate)
    return made


def renegotiates(times: int, *other: Issued, waits: bool = True) -> Fault:
    """Renegotiates so often before it greets, with another chain where one is given. Without `waits` it greets behind
    its HelloRequest, before the client can have answered that.
    """

    def converse(peer: Peer) -> None:
        sock = peer._sock
        sock.settimeout(None)
        tls = SSL.Connection(_old(pki().leaf, pki().intermediate), sock)
        tls.set_accept_state()
        try:
            tls.do_handshake()
            if other:
                tls.set_context(_old(*other))
            for _ in range(times):
                tls.renegotiate()
                tls.do_handshake()
                if waits:
                    _finish(tls, sock)
            tls.sendall(b"220 mail ESMTP\r\n")
            while tls.recv(1000):
                tls.sendall(b"250 mail\r\n")
        except (SSL.Error, OSError) as error:
            raise GoneError from error

    return converse


def _finish(tls: SSL.Connection, sock: socket.socket) -> None:
    """Reads until the renegotiation is done."""
    sock.setblocking(False)
    while tls.renegotiate_pending():
        try:
            tls.recv(1)
        except SSL.WantReadError:
            if tls.renegotiate_pending():
                ready([sock], 3)
    sock.setblocking(True)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(renegotiates(1), id="once"),
        pytest.param(renegotiates(5), id="five times"),
        pytest.param(renegotiates(1, waits=False), id="greeting behind HelloRequest"),
    ],
)
async def test_a_server_that_renegotiates_is_understood(fault: Fault) -> None:
    for seen in (await see(fault))["tls"]:
        assert (seen.error, seen.greeting_kind, seen.cut) == (None, "accepted", False)
        assert seen.tls is not None
        assert (seen.tls.version, seen.tls.fault) == ("TLSv1.2", None)


async def test_renegotiation_without_end_ends_at_the_bound() -> None:
    for observations in (await see(renegotiates(1000))).values():
        for seen in observations:
            assert seen.error == EXCESS
            assert not verified(seen)


async def test_the_certificate_of_a_renegotiation_counts() -> None:
    """A good certificate first, and then one that nobody vouches for: what is said from then on is not protected."""
    for observations in (await see(renegotiates(1, issue(HOST, sans=(HOST,))))).values():
        for seen in observations:
            assert seen.tls is not None
            assert (seen.tls.fault, seen.tls.trusted) == ("cert-self-signed", False)
            assert not verified(seen)

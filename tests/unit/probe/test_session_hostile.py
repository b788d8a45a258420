import asyncio
import time
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.core_certificates import HOST, issue, pki
from tests.unit.core_certificates import context as server_context
from tests.unit.core_scripts import multiline, saying, smtp
from tests.unit.core_servers import Behaviour, Peer, Server
from tests.unit.core_timing import timed
from tests.unit.core_world import endpoint, look, stores, toolkit

from poterne.net.gate import Connection, Failure
from poterne.probe.endpoint import observe
from poterne.probe.stream import MAX_SESSION
from poterne.report import Endpoint, Observation

PORTS = (25, 587, 465, 143, 993, 110, 995, 4190, 21, 80, 443)


def endless(data: bytes, greeting: bytes = b"") -> Behaviour:
    def converse(peer: Peer) -> None:
        peer.send(greeting)
        if greeting:
            peer.line()
        while True:
            peer.send(data)

    return converse


@pytest.mark.parametrize(
    ("port", "greeting", "line"),
    [
        (587, b"", b"220-more\r\n" * 100),
        (587, b"", b"x" * 1000),
        (587, b"220 ESMTP\r\n", b"250-more\r\n" * 100),
        (587, b"220 ESMTP\r\n", b"250 " + b"x" * 1000),
        (143, b"* OK\r\n", b"* CAPABILITY A\r\n" * 100),
        (143, b"* OK\r\n", b"* 1 EXISTS\r\n" * 100),
        (110, b"+OK\r\n", b"+OK\r\n" + b"UIDL\r\n" * 100),
        (4190, b"", b'"A" "B"\r\n' * 100),
        (21, b"220 FTP\r\n", b"211-a\r\n" * 100),
        (80, b"", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100),
    ],
)
async def test_endless_text_ends_at_64_kib(port: int, greeting: bytes, line: bytes) -> None:
    with Server(endless(line, greeting)) as server:
        started = time.monotonic()
        seen = await look(server, port)
        took = time.monotonic() - started
    assert took < 2
    assert seen.state == "open"
    assert seen.error is not None
    assert "bytes" in seen.error


async def test_endless_text_inside_tls_ends_too() -> None:
    def converse(peer: Peer) -> None:
        peer.start_tls(pki().good)
        while True:
            peer.send(b"220-more\r\n" * 100)

    with Server(converse) as server:
        seen = await look(server, 465)
    assert seen.security == "tls"
    assert seen.error == f"more than {MAX_SESSION} bytes"


@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_line_over_4_kib_is_refused_however_it_arrives(pieces: int) -> None:
    line = b"220 " + b"x" * 6000 + b"\r\n"

    def converse(peer: Peer) -> None:
        size = len(line) // pieces + 1
        peer.send(line, chunk=size, pause=0.1)
        peer.drain()

    with Server(converse) as server:
        seen = await look(server, 587)
    assert (seen.greeting_kind, seen.error) == ("closed", "a line longer than 4096 bytes")


async def test_a_tarpit_ends_by_the_deadline() -> None:
    timing = timed(dialogue={"greeting": 60.0, "suspicion": 60.0, "reply": 60.0})
    with Server(lambda peer: peer.send(b"220-x\r\n" * 2000, chunk=1, pause=0.05)) as server:
        started = time.monotonic()
        seen = await look(server, 587, seconds=1, timing=timing)
        took = time.monotonic() - started
    assert 0.9 < took < 1.4
    assert (seen.state, seen.error) == ("open", "the budget ended")


async def test_a_drip_does_not_extend_the_patience_for_one_answer() -> None:
    """Patience is for the whole answer, not for each byte of it."""

    def converse(peer: Peer) -> None:
        peer.send(b"220 ESMTP\r\n")
        peer.line()
        peer.send(b"250-" + b"x" * 1000, chunk=1, pause=0.05)

    with Server(converse) as server:
        started = time.monotonic()
        seen = await look(server, 587, timing=timed(dialogue={"reply": 0.45}))
        took = time.monotonic() - started
    assert took < 1.5
    assert seen.error == "no answer in 0.45 s"


NASTY = "a\x00b\x1b[31mred\x1b]0;title\x07 \u202eevil\u2066 \u200b\u2028x\ufeff\x7f\x9b\U000e0041 <b>&amp;"


def unseen(text: str) -> list[str]:
    return [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}]


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in strings(item)]
    return []


async def test_no_control_character_of_a_server_reaches_an_observation() -> None:
    raw = NASTY.encode() + b"\xff\xfe"
    script = saying(
        b"220 " + raw + b" ESMTP\r\n",
        b"250-" + raw + b"\r\n250-AUTH " + raw + b"\r\n250 STARTTLS\r\n",
        b"454 " + raw + b"\r\n",
    )
    with Server(script) as server:
        seen = await look(server, 587)
    assert seen.starttls == "refused"
    assert [text for text in strings(seen.model_dump()) if unseen(text)] == []
    assert seen.greeting is not None
    assert "<b>&amp;" in seen.greeting


async def test_no_control_character_of_a_certificate_reaches_an_observation() -> None:
    leaf = issue("evil\x1b[31m\u202e", sans=("other.example",))
    with Server(smtp(server_context(leaf))) as server:
        seen = await look(server, 587)
    assert seen.tls is not None
    assert seen.tls.fault == "cert-self-signed"
    assert [text for text in strings(seen.model_dump()) if unseen(text)] == []


async def test_the_text_of_one_observation_stays_within_4_kib() -> None:
    wide = "\N{ROCKET}"
    capability = (wide * 35).encode()
    mechanisms = " ".join(f"X-MECHANISM-{number:020}" for number in range(24)).encode()
    listed = multiline(b"250", b"x", (b"AUTH " + mechanisms, *[capability] * 40, b"STARTTLS"))
    leaf = issue((wide * 16), sans=[f"{'x' * 60}.{number}.example" for number in range(60)])

    def converse(peer: Peer) -> None:
        peer.send(b"220 ESMTP " + (wide * 700).encode() + b"\r\n")
        peer.line()
        peer.send(listed)
        peer.line()
        peer.send(b"220 go\r\n")
        peer.start_tls(server_context(leaf))
        peer.line()
        peer.send(listed)
        peer.drain()

    with Server(converse) as server:
        seen = await look(server, 587)
    assert seen.starttls == "accepted"
    assert sum(len(text.encode()) for text in strings(seen.model_dump())) <= 4096


def _reset_after_a_line(peer: Peer) -> None:
    peer.line()
    peer.reset()


async def test_a_reset_after_the_greeting_keeps_what_was_said() -> None:
    with Server(saying(b"220 hello ESMTP\r\n", then=_reset_after_a_line)) as server:
        seen = await look(server, 587)
    assert (seen.state, seen.greeting, seen.greeting_kind) == ("open", "220 hello ESMTP", "accepted")
    assert seen.error == "ECONNRESET"


@pytest.mark.parametrize("port", PORTS)
async def test_a_reset_before_any_word(port: int) -> None:
    def slam(peer: Peer) -> None:
        if port in (465, 993, 995, 443, 80):
            peer.raw()
        peer.reset()

    with Server(slam) as server:
        seen = await look(server, port)
    assert seen.state in ("reset", "open")
    assert seen.greeting is None
    assert seen.security in (None, "none")


@pytest.mark.parametrize("port", [25, 465, 80])
async def test_an_echo_is_no_mail_server(port: int) -> None:
    def echo(peer: Peer) -> None:
        while True:
            peer.send(peer.raw())

    with Server(echo) as server:
        seen = await look(server, port)
    assert seen.greeting_kind != "accepted"
    assert seen.security in (None, "none")


@pytest.mark.parametrize("port", [465, 587])
async def test_garbage_in_place_of_a_handshake(port: int) -> None:
    def converse(peer: Peer) -> None:
        if port == 587:
            peer.send(b"220 ESMTP\r\n")
            peer.line()
            peer.send(b"250-a\r\n250 STARTTLS\r\n")
            peer.line()
            peer.send(b"220 go\r\n")
        peer.raw()
        peer.send(b"\x16\x03\x03\x00\x05garbage" * 20)
        peer.drain()

    with Server(converse) as server:
        seen = await look(server, port)
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.version, seen.security) == ("tls-failed", None, "none")


async def test_a_tls_alert_has_its_name() -> None:
    def converse(peer: Peer) -> None:
        peer.raw()
        peer.send(b"\x15\x03\x03\x00\x02\x02\x28")
        peer.drain()

    with Server(converse) as server:
        seen = await look(server, 465)
    assert seen.tls is not None
    assert seen.tls.fault == "tls-incompatible"
    assert "HANDSHAKE_FAILURE" in (seen.tls.alert or "")


async def test_data_inside_tls_after_the_goodbye_is_not_waited_for() -> None:
    def converse(peer: Peer) -> None:
        peer.start_tls(pki().good)
        peer.send(b"220 ESMTP\r\n")
        peer.line()
        peer.send(b"250 x\r\n")
        while True:
            peer.send(b"250 more\r\n" * 100)

    with Server(converse) as server:
        started = time.monotonic()
        seen = await look(server, 465)
    assert (seen.greeting_kind, seen.security) == ("accepted", "tls")
    assert time.monotonic() - started < 1.5


class SecondCallIsSilent:
    """A gate whose further connections meet silence: a server that takes one connection a client at a time."""

    def __init__(self, server: Server) -> None:
        self._gate = toolkit(stores()).gate
        self.timing = self._gate.timing
        self._server = server
        self._calls = 0

    async def connect(self, endpoint: Endpoint, **options: object) -> Connection | Failure:
        self._calls += 1
        if self._calls == 1:
            return await self._gate.connect(endpoint, port=self._server.port)
        on_silence = options.get("on_silence")
        if callable(on_silence):
            on_silence()
        await asyncio.sleep(0.2)
        return Failure("no-answer", None, None, 200, 3)


@pytest.mark.parametrize("port", [587, 465])
async def test_a_further_connection_never_says_that_an_open_port_does_not_answer(port: int) -> None:
    """It is the probe's own affair: the port is known to be open."""
    progress: list[Observation] = []
    behaviour = Peer.drain if port == 587 else smtp(server_context(issue(HOST, sans=(HOST,))), implicit=True)
    with Server(behaviour) as server:
        tools = toolkit(stores(), 5)
        tools.gate = SecondCallIsSilent(server)  # type: ignore[assignment]
        seen = await observe(endpoint(server, port), tools, on_progress=progress.append)
        await asyncio.gather(*tools.farewells)
    assert seen.state == "open"
    assert {shown.state for shown in progress} <= {"open"}


@pytest.mark.parametrize("port", [587, 465, 143, 110, 4190, 21, 80])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from(
                [
                    b"220 x\r\n",
                    b"220-",
                    b"250-STARTTLS\r\n",
                    b"250 STARTTLS\r\n",
                    b"* OK\r\n",
                    b"p1 OK\r\n",
                    b"+OK\r\n",
                    b".\r\n",
                    b"OK\r\n",
                    b'"STARTTLS"\r\n',
                    b"HTTP/1.1 200\r\n\r\n",
                    b"\x16\x03\x03",
                    b"\x15\x03\x01\x00\x02\x02\x46",
                    b"\r\n",
                ]
            ),
        ),
        max_size=8,
    )
)
def test_whatever_a_server_says_a_probe_ends_with_an_observation(port: int, data: list[bytes]) -> None:
    def converse(peer: Peer) -> None:
        for part in data:
            peer.send(part)
        peer.close()

    async def probe() -> Observation:
        with Server(converse) as server:
            return await look(server, port, seconds=4)

    seen = asyncio.run(probe())
    assert seen.security in ("none", None)
    assert seen.tls is None or seen.tls.version is None

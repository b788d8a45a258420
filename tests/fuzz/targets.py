"""The targets. Each asserts what must hold for its parser whatever the bytes are."""

import asyncio
import contextlib
import io
import json
import sys
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz.canned import saying, talk
from tests.fuzz.registry import target
from tests.unit.core_certificates import HOST, pki
from tests.unit.core_timing import timed
from tests.unit.core_world import stores

from poterne import policy
from poterne.cli import main as cli
from poterne.discovery import clientconfig, document, pacc, srv
from poterne.discovery.refusal import Unusable
from poterne.errors import Forbidden, InvalidTarget, PolicyError, ReportError, WebError
from poterne.knowledge import discovery
from poterne.native import frames
from poterne.native.session import Session
from poterne.net import icmp, machine, proxy, web
from poterne.net.gate import Connection
from poterne.net.resolver import NameResolver, Service
from poterne.probe import certificates
from poterne.report import CheckEvent, Offer, Request
from poterne.target.parser import parse as parse_target

_DOMAIN = "example.org"


@cache
def _scratch() -> Path:
    folder = TemporaryDirectory(prefix="fuzz-")
    _kept.append(folder)
    return Path(folder.name)


_kept: list[TemporaryDirectory[str]] = []


def _one_line(error: Exception) -> None:
    text = str(error)
    assert text
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) < 1200


# ---- the browser


@target(
    "frames",
    "poterne.native.frames.read_frames",
    "poterne.native.frames.parse",
    "poterne.native.frames._Library.receive",
    "poterne.native.session.Session.receive",
    "poterne.native.session._validated",
    words=(
        b'{"type":"check","id":"a","target":"x"}',
        b'"options":',
        b'{"ports":[25],',
        b'"id":"a"',
        b"{}",
        b"null",
        b"1e999",
        b"NaN",
        b"[" * 2000,
        b"\x02\x00\x00\x00",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b'"\\ud800"',
    ),
)
def _frames(data: bytes) -> None:
    """A body as it is, and the same bytes as a stream: every frame is answered or obeyed."""
    size = len(data).to_bytes(4, sys.byteorder)
    chunks = iter([size + data, data])
    sent: list[bytes] = []

    async def check(request: Request) -> AsyncGenerator[CheckEvent, None]:
        raise Forbidden("nothing is dialled here")
        yield

    async def send(frame: bytes) -> None:
        sent.append(frame)

    async def converse() -> int:
        session, taken = Session(check, send), 0
        try:
            for frame in frames.read_frames(lambda _: next(chunks, b"")):
                taken += 1
                await session.receive(frame)
        except frames.FrameTooLarge:
            pass
        await session.wait()
        return taken

    taken = asyncio.run(converse())
    assert len(sent) <= taken
    for frame in sent:
        assert int.from_bytes(frame[:4], sys.byteorder) == len(frame) - 4
        answer = json.loads(frame[4:])
        assert answer["type"] == "error"
        assert answer["code"] != "internal"
        assert len(answer["message"]) <= 301


# ---- mail servers

_TLS_WORDS = (b"\x16\x03\x03\x00\x10", b"\x15\x03\x01\x00\x02\x02\x46", b"\x14\x03\x03\x00\x01\x01", b"\x00", b"\xff")


@target(
    "smtp",
    "poterne.probe.replies.numeric",
    words=(
        b"220 x ESMTP\r\n", b"220-", b"250-STARTTLS\r\n", b"250 AUTH PLAIN LOGIN\r\n", b"250 ok\r\n", b"554 no\r\n",
        b"421 later\r\n", b"999 x\r\n", b"250", b"\r\n", b"\n", b"\x1b[2J", b"\xe2\x80\xae", *_TLS_WORDS,
    ),
)  # fmt: skip
def _smtp(data: bytes) -> None:
    talk(data, 587)


@target(
    "imap",
    "poterne.probe.replies.imap",
    words=(
        b"* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n", b"* PREAUTH x\r\n", b"* BYE x\r\n", b"* CAPABILITY A B\r\n",
        b"p1 OK x\r\n", b"p2 OK begin\r\n", b"p1 BAD\r\n", b"+ \r\n", b"* 1 FETCH {4294967295}\r\n", b"\r\n",
        *_TLS_WORDS,
    ),
)  # fmt: skip
def _imap(data: bytes) -> None:
    talk(data, 143, b"p1")


@target(
    "pop3",
    "poterne.probe.replies.pop3",
    words=(
        b"+OK <1@x>\r\n",
        b"-ERR\r\n",
        b"STLS\r\n",
        b"SASL PLAIN\r\n",
        b".\r\n",
        b"..\r\n",
        b"UIDL\r\n",
        *_TLS_WORDS,
    ),
)
def _pop3(data: bytes) -> None:
    talk(data, 110, b"CAPA")


@target(
    "managesieve",
    "poterne.probe.replies.sieve",
    words=(b'"SASL" "PLAIN"\r\n', b'"STARTTLS"\r\n', b"OK\r\n", b"NO\r\n", b"BYE\r\n", b"{5}\r\n", b'"', *_TLS_WORDS),
)
def _managesieve(data: bytes) -> None:
    talk(data, 4190)


@target(
    "http-status",
    "poterne.probe.replies.http",
    words=(b"HTTP/1.1 200 OK\r\n", b"HTTP/9", b"A: b\r\n", b"\r\n", b": \r\n", *_TLS_WORDS),
)
def _http(data: bytes) -> None:
    talk(data, 80)


@target(
    "certificate",
    "poterne.probe.certificates._examine",
    "poterne.probe.certificates._refusal",
    "poterne.probe.certificates._common_name_covers",
    words=(b"\x30\x82", b"\x06\x03\x55\x1d\x11", b"\xa3\x82", b"\x02\x01\x02", b"\xff\xff\xff\xff"),
)
def _certificate(data: bytes) -> None:
    facts = certificates.examine([data, pki().root.der], HOST, stores(), 20)
    assert facts.fault is not None
    assert len(facts.model_dump_json()) < 4096


# ---- the web and names


@target(
    "http-answer",
    "poterne.net.web._exchange",
    words=(
        b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n", b"5\r\nhello\r\n",
        b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"Location: \x1b\r\n", b"HTTP/1.1 100 \r\n\r\n",
    ),
)  # fmt: skip
def _http_answer(data: bytes) -> None:
    async def ask() -> None:
        with saying(data) as sock:
            url = web._Url("http", _DOMAIN, 80, "/")
            try:
                answer = await web._exchange(Connection(sock, 0.0, 1), "http://example.org/", url, 1000, None)
            except WebError as error:
                _one_line(error)
            else:
                assert len(answer.body) <= 1000

    asyncio.run(ask())


@target(
    "proxy-answer",
    "poterne.net.proxy.tunnel",
    words=(b"HTTP/1.1 200 Connection established\r\n\r\n", b"HTTP/1.1 407 \r\n", b"HTTP/1.1 100 \r\n\r\n", b"\r\n"),
)
def _proxy_answer(data: bytes) -> None:
    async def ask() -> None:
        with saying(data) as sock:
            try:
                await proxy.tunnel(sock, proxy.Proxy("proxy.example", 8080, None), _DOMAIN, 443)
            except WebError as error:
                _one_line(error)
            except ConnectionError:
                return

    asyncio.run(ask())


@target(
    "urls",
    "poterne.net.proxy.parse",
    "poterne.net.web._parse",
    "poterne.discovery.document._absolute",
    words=(
        b"http://", b"https://", b"//", b"user:secret@", b"example.org", b":80", b":99999", b"[::1]", b"[", b"]",
        b"%00",
        b"/a?b#c", b"\\", b"\r\n", b"xn--", b"\xc3\xa9", b"\xe2\x84\x80",
    ),
)  # fmt: skip
def _urls(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    for read in (proxy.parse, web._parse):
        try:
            made: Any = read(text)
        except WebError as error:
            assert "secret" not in str(error)
            _one_line(error)
        else:
            assert made.host == made.host.strip().lower()
            assert 1 <= made.port <= 65535
    absolute = document._absolute("https://example.org/a/b", text)
    assert absolute is None or "\n" not in absolute


def _check_offers(offers: tuple[Offer, ...]) -> None:
    assert offers
    assert len(offers) <= 200
    for offer in offers:
        assert all(character.isprintable() for character in offer.host)


@target(
    "autoconfig",
    "poterne.discovery.clientconfig._parse",
    "poterne.discovery.clientconfig.read",
    words=(
        b'<?xml version="1.0"?>', b'<clientConfig version="1.1">', b'<emailProvider id="x">', b"</emailProvider>",
        b"</clientConfig>", b'<incomingServer type="imap">', b"<hostname>", b"</hostname>", b"<port>993</port>",
        b"<socketType>SSL</socketType>", b"%EMAILDOMAIN%", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<![CDATA[",
        b"\xff\xfe",
    ),
)  # fmt: skip
def _autoconfig(data: bytes) -> None:
    try:
        found = clientconfig.read(data, domain=_DOMAIN, source="autoconfig", said_by=_DOMAIN)
    except Unusable as problem:
        _one_line(problem)
    else:
        _check_offers(found.offers)


@target(
    "pacc",
    "poterne.discovery.pacc.read",
    words=(
        b'{"protocols":{"imap":{"host":"imap.example.org"}}}', b'"smtp":', b'{"host":', b"null", b"[" * 3000, b"}",
        b'"',
        b'"authentication":', b"1e999",
    ),
)  # fmt: skip
def _pacc(data: bytes) -> None:
    try:
        offers, _ = pacc.read(data, domain=_DOMAIN)
    except Unusable as problem:
        _one_line(problem)
    else:
        _check_offers(offers)
    with contextlib.suppress(Unusable):
        pacc.check(data, "ok", [data])


@target("srv", "poterne.discovery.srv._read", words=(b".", b"imap.example.org", b"\\000", b"_", b"\xff", b"x" * 64))
def _srv(data: bytes) -> None:
    names = data.decode("latin-1").split("\n")
    services = tuple(
        Service(place % 3, len(name), (len(name) * 7919) % 65537, name.lower()) for place, name in enumerate(names)
    )
    for row in discovery.table().srv:
        offers, problems = srv._read(row, services[:32], _DOMAIN)
        for offer in offers:
            assert all(character.isprintable() for character in offer.host)
        for problem in problems:
            _one_line(problem)


class _Resolver(asyncio.DatagramProtocol):
    """Answers every question with the same bytes behind the question's own id."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        # 0x81: the question again in the answer, which a resolver wants to see.
        kind, rest = self._data[:1], self._data[1:]
        answer = data[:2] + (rest if kind == b"\x00" else b"\x81\x80" + data[4:6] + rest[:6] + data[12:] + rest[6:])
        self._transport.sendto(answer[:65000], address)


@target(
    "dns",
    "poterne.net.resolver.NameResolver._question",
    words=(
        b"\x01\x00\x01\x00\x00\x00\x00", b"\xc0\x0c", b"\x00\x01\x00\x01", b"\x00\x0f\x00\x01", b"\x00\x21\x00\x01",
        b"\x00\x00\x00\x3c", b"\x00\x04\x7f\x00\x00\x01", b"\x00\x05\x00\x01", b"\x3f", b"\x00",
    ),
)  # fmt: skip
def _dns(data: bytes) -> None:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Resolver(data), local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        rules = policy.Policy(lab=policy.Lab.model_validate({"resolver": f"127.0.0.1:{port}"}))
        names = NameResolver(rules, timed(names={"answer": 0.05, "patience": 0.02}))
        try:
            answers = await asyncio.gather(
                names.addresses(_DOMAIN, "typed"),
                names.mail_exchangers(_DOMAIN),
                names.services(f"_imaps._tcp.{_DOMAIN}"),
                names.texts(_DOMAIN),
                names.reverse("192.0.2.1"),
            )
            assert len(answers[0].addresses) <= 16
            assert len(answers[1].mail_exchangers) <= 10
            assert all(name.isprintable() for name in answers[1].mail_exchangers)
        finally:
            await names.close()
            transport.close()

    asyncio.run(ask())


# ---- what people and administrators give


@target(
    "target",
    "poterne.target.parser.parse",
    words=(
        b"user@", b"example.org", b"mailto:", b"smtp://", b":25", b":0", b"[", b"]", b"::1", b"%eth0", b"..", b".",
        b"xn--",
        b"\xc3\xa9", b"\xe3\x80\x82", b"0x7f.1", b"2130706433", b"\x00", b"\r\n", b" ", b"x" * 64, b"@",
    ),
)  # fmt: skip
def _target(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    try:
        understood = parse_target(text)
    except InvalidTarget as error:
        _one_line(error)
        return
    for name in (understood.domain, understood.host):
        assert name is None or (name.isascii() and name.isprintable() and " " not in name and len(name) <= 300)


@target(
    "policy",
    "poterne.policy.policy._understood",
    words=(
        b"[controls]\n", b"hosts = []\n", b"[allow]\n", b"ports = [25]\n", b"deny_networks = ['10.0.0.0/8']\n",
        b"[lab]\n",
        b"resolver = '127.0.0.1:53'\n", b"[trust]\n", b"[discovery]\n", b"ispdb = 'https://x'\n", b"[organisation]\n",
        b"a = " + b"[" * 1500, b"= ", b"''", b"\n", b"1979-05-27",
    ),
)  # fmt: skip
def _policy(data: bytes) -> None:
    file = _scratch() / "policy.toml"
    file.write_bytes(data)
    try:
        policy.load(file)
    except PolicyError as error:
        assert str(error)


@target(
    "report",
    "poterne.cli.main._explain",
    "poterne.told.again.read",
    words=(
        b'{"schema":1,', b'"findings":[]', b'"observations":[', b"}", b"]", b"null", b"NaN", b"1e999", b"-1",
        b'"\\ud800"',
        b'"\\u001b[2J"', b"[" * 3000, b'"port":25', b'"family":4',
    ),
)  # fmt: skip
def _report(data: bytes) -> None:
    file = _scratch() / "report.json"
    file.write_bytes(data)
    shown = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(shown):
            status = cli._explain(Namespace(report=file, json=True))
    except ReportError as error:
        _one_line(error)
        return
    shown.flush()
    text = shown.buffer.getvalue().decode("utf-8")
    assert status in (0, 1, 3)
    assert "\x1b" not in text
    assert "\\u001b" not in text


# ---- the kernel


def _kernel(read: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        read(data)

    return run


target("icmp", "poterne.net.icmp._parse", words=(b"\x02\x03\x0d", b"\x03\x01", b"\x00" * 16))(_kernel(icmp._parse))


@target(
    "netlink",
    "poterne.net.machine.messages",
    "poterne.net.machine.parse_route",
    "poterne.net.machine.parse_address",
    "poterne.net.machine._attributes",
    words=(b"\x10\x00\x00\x00", b"\x08\x00\x01\x00", b"\x7f\x00\x00\x01", b"\x02\x08", b"\x00" * 12, b"\xff\xff"),
)
def _netlink(data: bytes) -> None:
    for message, _ in machine.messages(data):
        machine.parse_route(message.body)
        machine.parse_address(message.body)
    machine.parse_route(data)
    machine.parse_address(data)

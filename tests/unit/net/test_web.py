import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_certificates import HOST, context, pki
from tests.unit.core_dns import NameServer
from tests.unit.core_servers import Behaviour, Peer, Server, free_port
from tests.unit.core_timing import QUICK
from tests.unit.core_world import mapped, policy, stores

from poterne.errors import Forbidden, PoterneError, WebError
from poterne.knowledge.discovery import Trust
from poterne.net import web
from poterne.net.gate import Gate
from poterne.net.resolver import NameResolver
from poterne.policy import Policy


def says(answer: bytes, **sending: Any) -> Behaviour:
    def behave(peer: Peer) -> None:
        while peer.line():
            pass
        peer.send(answer, **sending)

    return behave


async def get(
    url: str, rules: Policy, *, seconds: float = 5.0, limit: int = 1000, trust: Trust = "typed", **more: Any
) -> web.Response:
    names = NameResolver(rules, QUICK)
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        return await web.get(
            url,
            Gate(rules, timing=QUICK),
            policy=rules,
            resolver=names,
            trust=trust,
            deadline=deadline,
            limit=limit,
            **more,
        )
    finally:
        await names.close()


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Any]:
    """What `get` makes of a server that behaves so, as http://www.example/."""

    def ask(behaviour: Behaviour, url: str = "http://www.example/", **options: Any) -> tuple[web.Response, Server]:
        with Server(behaviour) as server:
            rules = policy(tmp_path, connect_to=mapped("www.example", p80=server))
            answer = asyncio.run(get(url, rules, **options))
        return answer, server

    return ask


def test_an_answer(page: Any) -> None:
    answer, server = page(
        says(b"HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: b\r\nX-A: c\r\n\r\nhello"),
        "http://WWW.example/a%20b?c=d e#f",
    )
    assert (answer.status, answer.body, answer.whole) == (200, b"hello", True)
    assert (answer.header("x-a"), answer.header("x-none")) == ("b", None)
    (said,) = server.said
    lines = said.decode().split("\r\n")
    assert lines[0] == "GET /a%20b?c=d%20e HTTP/1.1"
    assert "Host: www.example" in lines
    assert "Connection: close" in lines
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, b"abc"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 302, b""),
        (b"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 1\r\n\r\nx", 511, b"x"),
    ],
)
@pytest.mark.parametrize("chunk", [None, 1])
def test_forms_of_answers(page: Any, raw: bytes, status: int, body: bytes, chunk: int | None) -> None:
    answer, server = page(says(raw, chunk=chunk))
    assert (answer.status, answer.body, answer.whole) == (status, body, True)
    assert len(server.peers) == 1


def test_a_redirect_is_an_answer(page: Any) -> None:
    answer, server = page(says(b"HTTP/1.1 302 Found\r\nLocation: http://www.example/b\r\nContent-Length: 0\r\n\r\n"))
    assert answer.header("location") == "http://www.example/b"
    assert len(server.peers) == 1


@pytest.mark.parametrize("framing", [b"", b"Content-Length: 1000000\r\n"])
def test_a_long_body_is_cut_and_not_waited_for(page: Any, framing: bytes) -> None:
    def endless(peer: Peer) -> None:
        while peer.line():
            pass
        peer.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
        while True:
            peer.send(b"x" * 100)
            peer.sleep(0.001)

    answer, _ = page(endless, limit=700)
    assert (answer.body, answer.whole) == (b"x" * 700, False)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"220 mail.example ESMTP\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 50_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
        b"HTTP/1.1 999999 OK\r\n\r\n",
    ],
)
def test_what_is_no_answer(page: Any, raw: bytes) -> None:
    with pytest.raises(WebError) as caught:
        page(says(raw))
    assert "\n" not in str(caught.value)


def test_a_long_head_is_refused_where_a_body_of_that_length_is_not(page: Any) -> None:
    begin = b"HTTP/1.1 200 OK\r\n"
    answer, _ = page(says(begin + b"\r\n" + b"x" * 40_000), limit=100_000)
    assert len(answer.body) == 40_000
    with pytest.raises(WebError, match="no HTTP"):
        page(says(begin + b"X: " + b"y" * 40_000 + b"\r\n\r\n"), limit=100_000)


def test_a_server_that_resets(page: Any) -> None:
    with pytest.raises(WebError, match="ECONNRESET"):
        page(lambda peer: (peer.line(), peer.reset()))


@pytest.mark.parametrize("dripping", [False, True])
def test_the_deadline_is_for_the_whole(page: Any, dripping: bool) -> None:
    def slow(peer: Peer) -> None:
        while True:
            if dripping:
                peer.send(b"H")
            peer.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(WebError):
        page(slow, seconds=0.4)
    assert time.monotonic() - started < 3


def test_nobody_there(tmp_path: Path) -> None:
    sock, port = free_port()
    rules = policy(tmp_path, connect_to=mapped("www.example", p80=port))
    with sock, pytest.raises(WebError, match="ECONNREFUSED"):
        asyncio.run(get("http://www.example/", rules))


def test_a_name_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(WebError, match="nxdomain"):
        asyncio.run(get("http://www.example/", policy(tmp_path)))


def test_a_family_that_fails_is_not_the_end(tmp_path: Path) -> None:
    sock, port = free_port(6)
    with sock, Server(says(b"HTTP/1.1 204 x\r\n\r\n")) as server:
        entries = [f"www.example:80:[::1]:{port}", f"www.example:80:127.0.0.1:{server.port}"]
        answer = asyncio.run(get("http://www.example/", policy(tmp_path, connect_to=entries)))
    assert answer.status == 204


@pytest.mark.parametrize(
    "url",
    [
        "",
        "www.example",
        "//www.example/",
        "ftp://www.example/",
        "file:///etc/passwd",
        "http://",
        "http:///a",
        "http://user@www.example/",
        "http://user:secret@www.example/",
        "http://www.example:0/",
        "http://www.example:65536/",
        "http://www.example:x/",
        "http://[::1/",
        "http://a b/",
        "http://www.example/" + "x" * 3000,
        "https://www.example/",
    ],
)
def test_urls_that_are_not_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(WebError):
        asyncio.run(get(url, policy(tmp_path)))


def test_only_allowed_ports_unless_the_policy_itself_names_the_page(tmp_path: Path) -> None:
    with Server(says(b"HTTP/1.1 204 x\r\n\r\n")) as server:
        rules = policy(tmp_path, connect_to=mapped("www.example", p8080=server))
        with pytest.raises(Forbidden):
            asyncio.run(get("http://www.example:8080/", rules))
        assert asyncio.run(get("http://www.example:8080/", rules, source="policy")).status == 204
    assert server.said[0].count(b"Host: www.example:8080\r\n") == 1


@pytest.mark.parametrize(
    ("address", "trust", "source"),
    [
        ("127.0.0.1", "foreign", "policy"),
        ("127.0.0.1", "named", "policy"),
        ("127.0.0.1", "typed", "default"),
        ("10.0.0.1", "foreign", "policy"),
        ("169.254.169.254", "named", "policy"),
        ("0.0.0.0", "typed", "policy"),
        ("::ffff:127.0.0.1", "foreign", "policy"),
    ],
)
def test_each_address_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, trust: Trust, source: str
) -> None:
    def nothing_is_dialled(*_: object, **__: object) -> None:
        raise AssertionError("dialled")

    monkeypatch.setattr(Gate, "connect", nothing_is_dialled)
    kind = "AAAA" if ":" in address else "A"
    with NameServer({("www.example", kind): [address]}) as server, pytest.raises(Forbidden):
        asyncio.run(get("http://www.example/", policy(tmp_path, resolver=server.place), trust=trust, source=source))


def test_the_judged_address_is_the_one_that_is_dialled(tmp_path: Path) -> None:
    """The name is resolved once; a second answer, which would be dialled unjudged, is never asked for."""
    with Server(says(b"HTTP/1.1 204 x\r\n\r\n")) as server, NameServer({("www.example", "A"): ["127.0.0.1"]}) as dns:
        rules = policy(tmp_path, resolver=dns.place)
        answer = asyncio.run(get(f"http://www.example:{server.port}/", rules, source="policy"))
    assert answer.status == 204
    assert sorted(dns.asked) == [("www.example", "A"), ("www.example", "AAAA")]


class TestTls:
    def ask(self, folder: Path, trusted: ssl.SSLContext, host: str = HOST) -> web.Response:
        def behave(peer: Peer) -> None:
            peer.start_tls(pki().good)
            says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(peer)

        with Server(behave) as server:
            rules = policy(folder, connect_to=mapped(host, p443=server))
            return asyncio.run(get(f"https://{host}/", rules, context=trusted))

    def test_a_trusted_server(self, tmp_path: Path) -> None:
        assert self.ask(tmp_path, stores().strict).body == b"ok"

    def test_a_server_with_another_name(self, tmp_path: Path) -> None:
        with pytest.raises(WebError, match="certificate"):
            self.ask(tmp_path, stores().strict, "other.example")

    def test_a_server_that_nobody_trusts(self, tmp_path: Path) -> None:
        with pytest.raises(WebError, match="certificate"):
            self.ask(tmp_path, ssl.create_default_context())

    def test_a_server_that_speaks_no_tls(self, tmp_path: Path) -> None:
        with (
            Server(lambda peer: peer.send(b"HTTP/1.1 400 Bad\r\n\r\n")) as server,
            pytest.raises(WebError, match="TLS"),
        ):
            rules = policy(tmp_path, connect_to=mapped(HOST, p443=server))
            asyncio.run(get(f"https://{HOST}/", rules, context=stores().strict))

    def test_no_protocol_is_offered(self, tmp_path: Path) -> None:
        """Mail servers are asked with the same context: one that knows only `imap` (ALPN) would refuse `http/1.1`."""
        tls = context(pki().leaf, pki().intermediate)
        tls.set_alpn_protocols(["http/1.1"])
        chosen: list[str | None] = []

        def behave(peer: Peer) -> None:
            peer.start_tls(tls)
            chosen.append(peer.alpn)
            says(b"HTTP/1.1 204 x\r\n\r\n")(peer)

        with Server(behave) as server:
            rules = policy(tmp_path, connect_to=mapped(HOST, p443=server))
            for _ in range(2):
                asyncio.run(get(f"https://{HOST}/", rules, context=stores().strict))
        assert chosen == [None, None]

    def test_silence_in_the_handshake(self, tmp_path: Path) -> None:
        with Server(lambda peer: peer.drain()) as server, pytest.raises(WebError, match="in time"):
            rules = policy(tmp_path, connect_to=mapped(HOST, p443=server))
            asyncio.run(get(f"https://{HOST}/", rules, context=stores().strict, seconds=0.4))


async def test_cancelling_closes_the_connection(tmp_path: Path) -> None:
    asked = threading.Event()

    def silent(peer: Peer) -> None:
        peer.line()
        asked.set()
        peer.drain()

    with Server(silent) as server:
        rules = policy(tmp_path, connect_to=mapped("www.example", p80=server))
        asking = asyncio.create_task(get("http://www.example/", rules))
        assert await asyncio.to_thread(asked.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(server.settle)
        assert server.peers[0].left_at is not None


def test_every_failure_is_one_of_ours() -> None:
    assert issubclass(WebError, PoterneError)

import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from tests.unit.core_discovery import Discovered, Records, discover
from tests.unit.core_providers import configuration
from tests.unit.core_servers import GoneError, Peer, Server
from tests.unit.core_sites import Site, document, redirect

from poterne.errors import WebError
from poterne.net import proxy

PLACE = "autoconfig.example.org/mail/config-v1.1.xml"
TABLES = '[discovery]\nsources = ["autoconfig"]'
GOOD = configuration(["imap imap.example.org 993 SSL %EMAILADDRESS% OAuth2"])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Through:
    """A proxy that connects everybody to one site, and keeps what it was asked."""

    def __init__(self, site: Site, reply: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self._site = site
        self._reply = reply
        self.heads: list[list[str]] = []

    def __call__(self, peer: Peer) -> None:
        head = []
        while line := peer.line():
            head.append(line.decode("latin-1"))
        self.heads.append(head)
        peer.send(self._reply)
        if not self._reply.startswith(b"HTTP/1.1 2"):
            return
        with socket.create_connection(("127.0.0.1", self._site.port)) as far:

            def back() -> None:
                with suppress(OSError, GoneError):
                    while data := far.recv(16384):
                        peer.send(data)
                peer.close()

            thread = threading.Thread(target=back, daemon=True)
            thread.start()
            with suppress(GoneError, OSError):
                while True:
                    far.sendall(peer.raw())
            far.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=3)


def ask(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    page: bytes | None = None,
    reply: bytes | None = None,
    url: str = "http://127.0.0.1:{port}",
    records: Records | None = None,
) -> tuple[Discovered, Through]:
    with Site({PLACE: page or document(GOOD)}, hosts=("example.org", "elsewhere.example")) as site:
        through = Through(site, *([reply] if reply is not None else []))
        with Server(through) as server:
            monkeypatch.setenv("HTTPS_PROXY", url.format(port=server.port))
            return discover(folder, "me@example.org", records or {}, tables=TABLES), through


def test_the_systems_proxy_is_asked_to_connect_and_sees_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, through = ask(tmp_path, monkeypatch)
    assert found.lookup(f"https://{PLACE}").state == "found"
    asked = {head[0] for head in through.heads}
    assert asked == {"CONNECT autoconfig.example.org:443 HTTP/1.1", "CONNECT example.org:443 HTTP/1.1"}
    assert {line.partition(":")[0].lower() for head in through.heads for line in head[1:]} == {"host", "user-agent"}
    assert "autoconfig.example.org" not in {name for name, _ in found.asked}, "the proxy resolves the name"


def test_a_proxy_with_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, through = ask(tmp_path, monkeypatch, url="http://me:p%40ss@127.0.0.1:{port}")
    assert "proxy-authorization: basic bwu6cebzcw==" in {line.lower() for line in through.heads[0]}


def test_hosts_that_the_system_excepts_are_asked_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,.example.org,example.org")
    found, through = ask(tmp_path, monkeypatch)
    assert through.heads == []
    assert found.lookup(f"https://{PLACE}").state == "absent"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", "502"),
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP"),
        (b"", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000, "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n220 surprise\r\n", "before it was asked"),
    ],
)
def test_a_proxy_that_does_not_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: bytes, words: str
) -> None:
    found, _ = ask(tmp_path, monkeypatch, reply=reply)
    lookup = found.lookup(f"https://{PLACE}")
    assert lookup.state == "failed"
    assert lookup.problem is not None
    assert words in lookup.problem


@pytest.mark.parametrize(
    ("host", "authority"), [("mail.example.org", "mail.example.org:443"), ("2001:db8::7", "[2001:db8::7]:443")]
)
async def test_whom_the_proxy_is_to_connect_to(host: str, authority: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        await proxy.tunnel(ours, proxy.Proxy("proxy.example", 3128), host, 443)
        asked = theirs.recv(4096).decode().splitlines()
    assert asked[:2] == [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]


def test_a_proxy_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    found = discover(tmp_path, "me@example.org", {}, tables=TABLES)
    assert found.lookup(f"https://{PLACE}").problem == "ECONNREFUSED"


def test_a_proxy_is_led_into_this_network_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may itself stand in this network; a redirect may not send it there by an address."""
    found, through = ask(tmp_path, monkeypatch, page=redirect("https://10.0.0.1/config.xml"))
    assert found.lookup(f"https://{PLACE}").state == "refused"
    assert not [head for head in through.heads if "10.0.0.1" in head[0]]


@pytest.mark.parametrize(
    "host", ["localhost", "db.localhost", "printer.local", "intranet", "router.lan", "nas.home.arpa", "in.example"]
)
def test_a_proxy_is_led_into_this_network_by_no_name_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    page, records = redirect(f"https://{host}/config.xml"), {("in.example", "A"): ["10.0.0.1"]}
    found, through = ask(tmp_path, monkeypatch, page=page, records=records)
    lookup = found.lookup(f"https://{PLACE}")
    assert (lookup.state, lookup.reason) == ("refused", "forbidden")
    assert not [head for head in through.heads if host in head[0]]


def test_a_redirect_elsewhere_goes_through_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, through = ask(tmp_path, monkeypatch, page=redirect("https://elsewhere.example/config.xml"))
    assert "CONNECT elsewhere.example:443 HTTP/1.1" in {head[0] for head in through.heads}
    assert found.lookup(f"https://{PLACE}").state == "absent"


def test_a_lab_that_maps_a_host_needs_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with Site({PLACE: document(GOOD)}, hosts=("example.org",)) as site:
        found = discover(tmp_path, "me@example.org", {}, site=site, tables=TABLES)
    assert found.lookup(f"https://{PLACE}").state == "found"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://proxy.example:3128", ("proxy.example", 3128)),
        ("http://proxy.example:3128/", ("proxy.example", 3128)),
        ("proxy.example:3128", ("proxy.example", 3128)),
        ("http://Proxy.Example", ("proxy.example", 80)),
        ("http://[2001:db8::7]:8080", ("2001:db8::7", 8080)),
    ],
)
def test_what_the_system_writes(url: str, place: tuple[str, int]) -> None:
    parsed = proxy.parse(url)
    assert (parsed.host, parsed.port) == place


@pytest.mark.parametrize("url", ["socks5://proxy.example:1080", "https://proxy.example", "http://", "http://a b:1"])
def test_what_cannot_be_used_is_said(url: str) -> None:
    with pytest.raises(WebError):
        proxy.parse(url)


async def test_nothing_configured_is_no_proxy() -> None:
    assert await proxy.for_https("example.org") is None

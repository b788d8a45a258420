"""Whether the web proxy that the system names leads out."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_dns import NameServer
from tests.unit.core_servers import Peer, Server
from tests.unit.core_timing import QUICK
from tests.unit.core_world import policy

from poterne.check import way_out
from poterne.net.gate import Gate
from poterne.net.resolver import NameResolver
from poterne.report import ProxyState
from poterne.target.parser import parse

_NAMES = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY")
_CONTROLS = '[controls]\nhosts = ["mx.alpha.example"]\ncanary = []\nportal = ""\n'


class Proxy:
    """Answers CONNECT with a status for each host."""

    def __init__(self, **statuses: int) -> None:
        self.statuses = {name.replace("_", "."): status for name, status in statuses.items()}
        self.asked: list[str] = []

    def __call__(self, peer: Peer) -> None:
        first = peer.line().decode("latin-1").split(" ")
        while peer.line():
            pass
        self.asked.append(f"{first[0]} {first[1]}")
        status = self.statuses.get(first[1].rpartition(":")[0], 403)
        peer.send(f"HTTP/1.1 {status} So\r\n\r\n".encode())


def ask(
    folder: Path, monkeypatch: pytest.MonkeyPatch, proxy: Proxy, *, target: str = "mail.example.org", **more: Any
) -> ProxyState | None:
    for name in _NAMES:
        monkeypatch.delenv(name, raising=False)

    async def asked(port: int, resolver: str) -> ProxyState | None:
        rules = policy(folder, tables=_CONTROLS, resolver=resolver)
        if port:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        names, loop = NameResolver(rules, QUICK), asyncio.get_running_loop()
        origin = more.get("origin", "typed")
        return await way_out.by_proxy(
            parse(target), rules, Gate(rules, origin, QUICK), names, origin=origin, deadline=loop.time() + 5
        )

    with Server(proxy) as server, NameServer({}) as resolver:
        return asyncio.run(asked(more.get("port", server.port), resolver.place))


def test_a_proxy_that_connects_to_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy(mail_example_org=200)
    assert ask(tmp_path, monkeypatch, proxy) == "works"
    assert "CONNECT mail.example.org:443" in proxy.asked


def test_a_proxy_that_connects_to_a_control_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(tmp_path, monkeypatch, Proxy(mx_alpha_example=200)) == "works"


def test_a_proxy_that_connects_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(tmp_path, monkeypatch, Proxy()) == "fails"


def test_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy(mail_example_org=200)
    assert ask(tmp_path, monkeypatch, proxy, port=0) is None
    assert proxy.asked == []


def test_a_name_that_a_page_gave_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy(mail_example_org=200)
    assert ask(tmp_path, monkeypatch, proxy, origin="page") == "fails"
    assert proxy.asked == ["CONNECT mx.alpha.example:443"]

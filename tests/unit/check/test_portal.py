import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.core_dns import NameServer
from tests.unit.core_servers import Peer, Server, free_port
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import mapped, policy

from poterne.check import portal
from poterne.knowledge.controls import table
from poterne.knowledge.timing import Timing
from poterne.net.gate import Gate
from poterne.net.resolver import NameResolver
from poterne.policy import Policy
from poterne.report import Portal

URL = "http://portal.example/check"
TABLE = f'[controls]\nportal = "{URL}"\n'


async def ask(rules: Policy, seconds: float = 5.0, timing: Timing = QUICK) -> Portal | None:
    names = NameResolver(rules, timing)
    try:
        return await portal.ask(rules, Gate(rules, timing=timing), names, asyncio.get_running_loop().time() + seconds)
    finally:
        await names.close()


def look(folder: Path, answer: bytes, tables: str = TABLE) -> Portal:
    def behave(peer: Peer) -> None:
        while peer.line():
            pass
        peer.send(answer)

    with Server(behave) as server:
        found = asyncio.run(ask(policy(folder, tables=tables, connect_to=mapped("portal.example", p80=server))))
    assert found is not None
    assert found.asked_at is not None
    assert abs((datetime.fromisoformat(found.asked_at) - datetime.now(UTC)).total_seconds()) < 60
    return found


def http(head: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "clear"),
        (http("200 OK", b"success\n"), "clear"),
        (http("200 OK", b"success"), "clear"),
        (http("200 OK", b"<html>sign in, then success</html>"), "altered"),
        (http("200 OK", b"Success"), "altered"),
        (http("200 OK", b""), "altered"),
        (http("200 OK", b"success" + b" " * 5000), "altered"),
        (http("302 Found\r\nLocation: http://login.example/", b"success"), "altered"),
        (http("511 Network Authentication Required", b"success"), "altered"),
        (http("404 Not Found", b"success"), "altered"),
        (b"220 mail.example\r\n", "failed"),
        (b"", "failed"),
    ],
)
def test_answers(tmp_path: Path, answer: bytes, state: str) -> None:
    found = look(tmp_path, answer)
    assert (found.url, found.state) == (URL, state)
    assert (found.error is not None) == (found.status is None) == (state == "failed")


def test_where_a_portal_sends_us_is_told_and_not_visited(tmp_path: Path) -> None:
    found = look(tmp_path, http("302 Found\r\nLocation: http://login.example/\xc2\x9b31m" + "x" * 5000))
    assert found.location is not None
    assert found.location.startswith("http://login.example/")
    assert found.location.isprintable()
    assert len(found.location.encode()) <= 300


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Tue, 24 Nov 2026 12:00:05 GMT", "2026-11-24T12:00:05.000Z"),
        ("Tue, 24 Nov 2026 13:00:05 +0100", "2026-11-24T12:00:05.000Z"),
        ("Tuesday, 24-Nov-26 12:00:05 GMT", "2026-11-24T12:00:05.000Z"),
        ("now", None),
        ("Tue, 99 Nov 2026 12:00:05 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2300", None),
        ("9" * 4000, None),
    ],
)
def test_the_servers_clock(tmp_path: Path, date: str, told: str | None) -> None:
    assert look(tmp_path, http(f"200 OK\r\nDate: {date}", b"success")).date == told


def test_switched_off_is_not_asked(tmp_path: Path) -> None:
    assert asyncio.run(ask(policy(tmp_path, tables='[controls]\nportal = ""\n'))) is None


def test_a_policy_that_allows_no_web_is_obeyed(tmp_path: Path) -> None:
    assert asyncio.run(ask(policy(tmp_path, tables="[controls]\nhosts = []\n[allow]\nports = [25]\n"))) is None


def test_the_default_page_may_not_lead_into_this_machine(tmp_path: Path) -> None:
    host = table().portal.url.split("/")[2]
    with NameServer({(host, "A"): ["127.0.0.1"]}) as dns:
        assert asyncio.run(ask(policy(tmp_path, tables="[controls]\nhosts = []\n", resolver=dns.place))) is None
    assert (host, "A") in dns.asked


def test_the_default_page_where_a_lab_has_it(tmp_path: Path) -> None:
    url = table().portal.url

    def behave(peer: Peer) -> None:
        while peer.line():
            pass
        peer.send(http("200 OK", b"success\n"))

    with Server(behave) as server:
        entries = mapped(url.split("/")[2], p80=server)
        found = asyncio.run(ask(policy(tmp_path, tables="[controls]\nhosts = []\n", connect_to=entries)))
    assert found is not None
    assert (found.url, found.state) == (url, "clear")


def test_no_network(tmp_path: Path) -> None:
    sock, port = free_port()
    with sock:
        found = asyncio.run(ask(policy(tmp_path, tables=TABLE, connect_to=mapped("portal.example", p80=port))))
    assert found is not None
    assert (found.state, found.error, found.status) == ("failed", "ECONNREFUSED", None)


def test_silence_ends_at_the_deadline_and_after_its_own_patience(
    tmp_path: Path,
) -> None:
    with Server(lambda peer: peer.drain()) as server:
        rules = policy(tmp_path, tables=TABLE, connect_to=mapped("portal.example", p80=server))
        first = asyncio.run(ask(rules, seconds=0.3))
        second = asyncio.run(ask(rules, seconds=60, timing=timed(compare={"portal": 0.3})))
    assert first is not None
    assert second is not None
    assert (first.state, second.state) == ("failed", "failed")

"""Any port that the user types is tested, and whose business that is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.core_certificates import HOST, pki
from tests.unit.core_dns import NameServer
from tests.unit.core_scripts import imap, smtp
from tests.unit.core_servers import Behaviour, Peer, Server, free_port
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import codes, mapped, only, policy, report, roots_file

from poterne.check import check
from poterne.cli.main import exit_status
from poterne.demo.sockets import SilenceUnavailableError, silent
from poterne.errors import Forbidden
from poterne.net.gate import Connection, Failure, Gate
from poterne.policy import Policy
from poterne.report import Endpoint, Options, Report, Request

REST = f"{HOST}::127.0.0.1:9"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poterne.check.surroundings.source_address", lambda family: "192.0.2.99")


def odd(folder: Path, *entries: str, tables: str = "") -> Policy:
    return policy(folder, tables=tables, connect_to=[*entries, REST], roots=roots_file())


def rows(found: Report) -> list[tuple[str, int, str, bool]]:
    every = (*found.settings.outgoing, *found.settings.incoming)
    return [(row.protocol, row.port, row.security, row.verified) for row in every]


@pytest.mark.parametrize(
    ("behaviour", "row"),
    [
        (smtp(pki().good), ("smtp", 26, "starttls", True)),
        (imap(pki().good), ("imap", 26, "starttls", True)),
        (imap(pki().good, implicit=True), ("imap", 26, "tls", True)),
    ],
)
async def test_a_mail_service_on_any_port_gives_settings(
    tmp_path: Path, behaviour: Behaviour, row: tuple[str, int, str, bool]
) -> None:
    with Server(behaviour) as server:
        found = await report(f"{HOST}:26", odd(tmp_path, *mapped(HOST, p26=server)), family=4)
    assert found.verdict.code == "ok"
    assert exit_status(found) == 0
    assert rows(found) == [row]
    assert only(found.observations).port == 26, "where all is well nothing else is tried"


async def test_settings_are_told_as_soon_as_they_are_verified(tmp_path: Path) -> None:
    with Server(imap(pki().good)) as server:
        rules = odd(tmp_path, *mapped(HOST, p1143=server))
        asked = Request(target=f"{HOST}:1143", options=Options(family=4))
        told = [event async for event in check(asked, rules, QUICK)]
    first = next(event for event in told if event.type == "observation")
    assert first.observation.provisional
    assert first.observation.service == "imap"


async def test_ports_of_the_command_line_are_typed_too(tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        found = await report(HOST, odd(tmp_path, *mapped(HOST, p8025=server)), family=4, ports=(8025, 465))
    assert {seen.port for seen in found.observations} == {8025, 465}
    assert rows(found) == [("smtp", 8025, "starttls", True)]


async def test_a_page_names_no_port_of_its_own(tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server, pytest.raises(Forbidden) as caught:
        await report(f"{HOST}:26", odd(tmp_path, *mapped(HOST, p26=server)), origin="page")
    assert caught.value.rule is None
    assert server.peers == []


async def test_a_policy_that_lists_ports_means_those(tmp_path: Path) -> None:
    tables = "[allow]\nports = [26, 587]"
    with Server(smtp(pki().good)) as server, Server(smtp(pki().good)) as usual:
        rules = odd(tmp_path, *mapped(HOST, p26=server, p587=usual), tables=tables)
        assert rows(await report(f"{HOST}:26", rules, family=4)) == [("smtp", 26, "starttls", True)]
        with pytest.raises(Forbidden):
            await report(f"{HOST}:1143", rules)


async def test_a_closed_port_has_the_mail_ports_of_its_host_beside_it(tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server, Server(imap(pki().good)) as incoming:
        entries = mapped(HOST, p587=server, p143=incoming)
        found = await report(f"{HOST}:26", odd(tmp_path, *entries), family=4)
    assert found.verdict.code == "port-closed"
    assert exit_status(found) == 1
    assert rows(found) == [("smtp", 587, "starttls", True), ("imap", 143, "starttls", True)]
    blocking = [finding for finding in found.findings if finding.severity == "blocker"]
    assert [finding.port for finding in blocking] == [26]


async def test_the_mail_ports_do_not_wait_until_silence_has_ended(tmp_path: Path) -> None:
    with Server(Peer.drain) as mute, Server(smtp(pki().good)) as server:
        entries = mapped(HOST, p26=mute, p587=server)
        slow = timed(QUICK, dialogue={"greeting": 3.0})
        asked = Request(target=f"{HOST}:26", options=Options(family=4))
        order = [
            event.observation.port
            async for event in check(asked, odd(tmp_path, *entries), slow)
            if event.type == "observation" and not event.observation.provisional
        ]
    assert order.index(587) < order.index(26)
    assert [bytes(peer.received[:1]) for peer in mute.peers] == [b"", b"\x16"]


async def test_who_speaks_another_protocol_is_named(tmp_path: Path) -> None:
    def ssh(peer: Peer) -> None:
        peer.send(b"SSH-2.0-Server\r\n")
        peer.drain()

    with Server(ssh) as server:
        found = await report(f"{HOST}:2222", odd(tmp_path, *mapped(HOST, p2222=server)), family=4)
    assert found.verdict.code == "wrong-protocol"
    finding = next(each for each in found.findings if each.code == "wrong-protocol")
    assert (finding.params["spoke"], finding.params["expected"]) == ("ssh", "mail")


@pytest.mark.parametrize(("scheme", "code"), [("imaps", "ok"), ("imap", "wrong-security"), ("smtps", "wrong-protocol")])
async def test_the_scheme_of_a_url_says_what_is_expected_on_any_port(tmp_path: Path, scheme: str, code: str) -> None:
    with Server(imap(pki().good, implicit=True)) as server:
        found = await report(f"{scheme}://{HOST}:1993", odd(tmp_path, *mapped(HOST, p1993=server)), family=4)
    assert found.verdict.code == code


async def test_others_are_never_asked_on_a_port_of_no_table(tmp_path: Path) -> None:
    names = ("mx.alpha.example", "mx.beta.example", "mx.gamma.example")
    controls = f"[controls]\nhosts = {list(names)}\ncanary = ['192.0.2.1']\nportal = ''\n"
    with Server(smtp(pki().good)) as one, _silent_port() as port:
        entries = [f"{HOST}:26:127.0.0.1:{port}", *mapped(HOST, p587=one)]
        entries += [entry for name in names for entry in mapped(name, p25=one, p587=one, p26=one)]
        found = await report(f"{HOST}:26", odd(tmp_path, *entries, "::127.0.0.1:9", tables=controls), family=4)
    compared = [seen for seen in found.observations if seen.role != "target"]
    assert compared
    assert 26 not in {seen.port for seen in compared}
    assert found.verdict.code == "unproven"
    assert not codes(found) & {"port-blocked", "port25-blocked", "port-silent", "server-down"}
    assert ("smtp", 587, "starttls", True) in rows(found)


@contextmanager
def _silent_port() -> Iterator[int]:
    try:
        blocked = silent(4)
    except SilenceUnavailableError as error:
        pytest.skip(str(error))
    try:
        yield blocked.port
    finally:
        blocked.close()


def _closed() -> Iterator[int]:
    sock, port = free_port()
    with sock:
        yield port


def _mute() -> Iterator[int]:
    with Server(Peer.drain) as server:
        yield server.port


def _good() -> Iterator[int]:
    with Server(imap(pki().good)) as server:
        yield server.port


@pytest.mark.parametrize("there", [_closed, _mute, _good])
@pytest.mark.parametrize("whole", [False, True])
async def test_nobody_is_asked_of_a_target_on_this_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Callable[[], Iterator[int]], whole: bool
) -> None:
    dialled: set[str] = set()
    connect, knock = Gate.connect, Gate.knock

    async def connecting(self: Gate, endpoint: Endpoint, **how: object) -> Connection | Failure:
        dialled.add(endpoint.address)
        return await connect(self, endpoint, **how)  # type: ignore[arg-type]

    async def knocking(self: Gate, endpoint: Endpoint, *how: object, **more: object) -> object:
        dialled.add(f"trace {endpoint.address}")
        return await knock(self, endpoint, *how, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Gate, "connect", connecting)
    monkeypatch.setattr(Gate, "knock", knocking)
    controls = (
        "[controls]\nhosts = ['192.0.2.7', 'mx.beta.example']\ncanary = ['192.0.2.1']\n"
        "portal = 'http://portal.example/'\nrelay = 'smtp.isp.example'\n"
    )
    with NameServer({}) as names, contextmanager(there)() as port:
        rules = policy(
            tmp_path, tables=f"{controls}resolver = '{names.place}'\n", roots=roots_file(), resolver=names.place
        )
        found = await report("127.0.0.1" if whole else f"127.0.0.1:{port}", rules)
        assert names.asked == []
    assert dialled == {"127.0.0.1"}
    assert {seen.role for seen in found.observations} == {"target"}
    assert found.portal is None


@pytest.mark.parametrize("address", ["10.78.0.7", "192.168.1.9", "fd00::7", "169.254.7.7"])
async def test_nor_of_one_in_a_private_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    dialled: set[str] = set()

    async def refusing(self: Gate, endpoint: Endpoint, **how: object) -> Failure:
        dialled.add(endpoint.address)
        return Failure("no-answer", None, None, 3300.0, 3)

    monkeypatch.setattr(Gate, "connect", refusing)
    monkeypatch.setattr("poterne.net.socket_addresses.has_route", lambda address, family: True)
    tables = (
        "[controls]\nhosts = ['192.0.2.7', 'mx.beta.example']\ncanary = ['192.0.2.1']\nportal = 'http://192.0.2.8/'\n"
    )
    with NameServer({}) as names:
        found = await report(address, policy(tmp_path, tables=tables, resolver=names.place))
        assert names.asked == []
    assert dialled == {address}
    assert {seen.role for seen in found.observations} == {"target"}


async def test_what_leads_outside_too_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: set[str] = set()

    async def refusing(self: Gate, endpoint: Endpoint, **how: object) -> Failure:
        dialled.add(endpoint.address)
        return Failure("no-answer", None, None, 3300.0, 3)

    monkeypatch.setattr(Gate, "connect", refusing)
    tables = "[controls]\nhosts = ['192.0.2.7']\ncanary = []\nportal = ''\n"
    records = {("smtp.split.example", "A"): ["10.78.0.7", "203.0.113.7"]}
    with NameServer(records) as names:
        await report("smtp.split.example:587", policy(tmp_path, tables=tables, resolver=names.place))
    assert "192.0.2.7" in dialled

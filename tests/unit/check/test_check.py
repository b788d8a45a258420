import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_certificates import HOST, context, issue, pki
from tests.unit.core_dns import NameServer
from tests.unit.core_scripts import imap, smtp
from tests.unit.core_servers import Peer, Server, free_port
from tests.unit.core_timing import QUICK
from tests.unit.core_world import codes, events, mapped, only, policy, report, roots_file

from poterne.check import check
from poterne.demo.sockets import SilenceUnavailableError, silent
from poterne.diagnosis import Evidence, diagnose
from poterne.errors import Forbidden, InvalidRequest, InvalidTarget
from poterne.net.gate import Connection, Failure, Gate
from poterne.report import Endpoint, ObservationEvent, Options, PlanEvent, ReportEvent, Request, Settings, SettingsEvent

PORT = f"{HOST}:587"

# What a rule says before it is told to anybody.
UNTOLD = {"says": None, "advice": None, "party": None}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poterne.check.surroundings.source_address", lambda family: "192.0.2.99")


async def test_the_events_of_a_check(tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as four, Server(smtp(pki().good), 6) as six, Server(imap(pki().good)) as incoming:
        entries = [*mapped(HOST, p587=[four, six], p143=incoming), f"{HOST}::127.0.0.1:9", f"{HOST}::[::1]:9"]
        rules = policy(tmp_path, connect_to=entries, roots=roots_file())
        seen = await events(HOST, rules)
    kinds = [event.type for event in seen]
    assert kinds[0] == "plan"
    assert kinds[-1] == "report"
    assert kinds.count("report") == 1
    assert "finding" not in kinds[: len(kinds) - 1 - kinds.count("finding")]
    plan = seen[0]
    assert isinstance(plan, PlanEvent)
    last = seen[-1]
    assert isinstance(last, ReportEvent)
    found = last.report
    assert [endpoint.id for endpoint in plan.endpoints] == [observation.id for observation in found.observations]
    assert [endpoint.id for endpoint in plan.endpoints] == [f"o{n}" for n in range(1, len(plan.endpoints) + 1)]
    finals = {
        e.observation.id: e.observation
        for e in seen
        if isinstance(e, ObservationEvent) and not e.observation.provisional
    }
    assert finals == {observation.id: observation for observation in found.observations}
    assert all(event.id is None for event in seen)
    assert found.verdict.code == "ok"
    bare = tuple(finding.model_copy(update=UNTOLD) for finding in found.findings)
    assert diagnose(Evidence.of(found)).findings == bare
    assert all(finding.says for finding in found.findings)
    assert found.told
    assert found.lab is True
    assert (found.target.kind, found.target.host) == ("server", HOST)
    assert [(s.port, s.verified) for s in found.settings.outgoing] == [(587, True)]
    assert [(s.port, s.verified) for s in found.settings.incoming] == [(143, True)]
    assert {(o.port, o.family, o.state) for o in found.observations} >= {
        (587, 4, "open"),
        (587, 6, "open"),
        (25, 4, "refused"),
    }


async def test_a_plan_never_loses_an_endpoint_and_comes_before_its_observations(tmp_path: Path) -> None:
    records = {
        ("example.org", "MX"): ["10 mx.example.org."],
        ("smtp.example.org", "A"): ["127.0.0.1"],
        ("imap.example.org", "A"): ["127.0.0.1"],
    }
    with Server(smtp(pki().good)) as server, NameServer(records) as names:
        entries = [f"::127.0.0.1:{server.port}"]
        seen = await events("me@example.org", policy(tmp_path, connect_to=entries, resolver=names.place), family=4)
    known: tuple[str, ...] = ()
    for event in seen:
        if isinstance(event, PlanEvent):
            ids = tuple(endpoint.id for endpoint in event.endpoints)
            assert ids[: len(known)] == known
            known = ids
        elif isinstance(event, ObservationEvent):
            assert event.observation.id in known
    assert known


def _grown(earlier: Settings, later: Settings) -> bool:
    def ways(settings: Settings) -> set[tuple[str, int, str]]:
        return {(s.host, s.port, s.security) for s in (*settings.outgoing, *settings.incoming)}

    def proven(settings: Settings) -> set[tuple[str, int, str]]:
        return {(s.host, s.port, s.security) for s in (*settings.outgoing, *settings.incoming) if s.verified}

    return ways(earlier) <= ways(later) and proven(earlier) <= proven(later) and earlier != later


async def test_settings_only_grow_and_the_report_has_the_last(tmp_path: Path) -> None:
    def late(peer: Peer) -> None:
        peer.sleep(0.3)
        smtp(pki().good, implicit=True)(peer)

    with Server(smtp(pki().good)) as submission, Server(late) as submissions, Server(imap(pki().good)) as incoming:
        entries = mapped(HOST, p587=submission, p465=submissions, p143=incoming)
        rules = policy(tmp_path, connect_to=entries, roots=roots_file())
        seen = await events(HOST, rules, ports=(465, 587, 143), family=4)
    grown = [event.settings for event in seen if isinstance(event, SettingsEvent)]
    assert len(grown) >= 2
    assert all(_grown(earlier, later) for earlier, later in pairwise(grown))
    last = seen[-1]
    assert isinstance(last, ReportEvent)
    assert grown[-1] == last.report.settings
    assert [s.port for s in grown[-1].outgoing] == [465, 587]


async def test_settings_never_shrink_when_the_encrypted_answer_differs(tmp_path: Path) -> None:
    """A receiving host that announces a sign-in in the clear alone is no way to send, at no moment."""
    clear = (b"STARTTLS", b"AUTH PLAIN")
    records = {("example.org", "MX"): [f"10 {HOST}."]}
    with Server(smtp(pki().good, clear=clear, inside=(b"SIZE 1",))) as server, NameServer(records) as names:
        entries = mapped(HOST, p25=server)
        rules = policy(tmp_path, connect_to=entries, resolver=names.place, roots=roots_file())
        seen = await events("me@example.org", rules, ports=(25,), family=4)
    grown = [event.settings for event in seen if isinstance(event, SettingsEvent)]
    assert all(_grown(earlier, later) for earlier, later in pairwise(grown))
    assert all(way.auth == () for settings in grown for way in settings.outgoing)


async def test_silence_holds_nobody_back(tmp_path: Path) -> None:
    try:
        blocked = silent(4)
    except SilenceUnavailableError as error:
        pytest.skip(str(error))
    with Server(smtp(pki().good)) as server:
        entries = mapped(HOST, p587=server, p25=blocked.port)
        rules = policy(tmp_path, connect_to=entries, roots=roots_file())
        moments: list[tuple[float, str]] = []
        provisional: list[str] = []
        started = time.monotonic()
        async for event in check(Request(target=HOST, options=Options(ports=(25, 587), family=4)), rules, QUICK):
            name: str = event.type
            if isinstance(event, ObservationEvent):
                name = f"{event.observation.port}{'?' if event.observation.provisional else ''}"
                if event.observation.port == 25:
                    provisional.append(event.observation.id)
                    assert event.observation.state == "no-answer"
            moments.append((time.monotonic() - started, name))
    blocked.close()
    at = {name: moment for moment, name in reversed(moments)}
    assert at["settings"] < at["25?"] < at["25"]
    assert at["587"] < 1.0
    assert at["25?"] < 1.6
    assert 3.0 < at["25"] < 3.8
    assert len(set(provisional)) == 1


@pytest.mark.parametrize("target", ["", "a b", "user@", "example.org:0", "ftp://example.org", "1.2.3"])
async def test_a_target_that_is_refused_makes_no_event(tmp_path: Path, target: str) -> None:
    stream = check(Request(target=target), policy(tmp_path), QUICK)
    with pytest.raises(InvalidTarget):
        await anext(stream)


@pytest.mark.parametrize(("target", "ports"), [(f"{HOST}:8025", None), (HOST, (587, 8025))])
async def test_a_port_that_the_policy_forbids_makes_no_event(
    tmp_path: Path, target: str, ports: tuple[int, ...] | None
) -> None:
    rules = policy(tmp_path, tables="[allow]\nports = [25, 587]")
    stream = check(Request(target=target, options=Options(ports=ports)), rules, QUICK)
    with pytest.raises(Forbidden, match="8025"):
        await anext(stream)


async def test_a_policy_that_forbids_every_port_of_a_server_is_said_to_forbid(tmp_path: Path) -> None:
    rules = policy(tmp_path, tables="[allow]\nports = [80]", connect_to=[f"{HOST}::127.0.0.1:9"])
    with pytest.raises(Forbidden):
        await events(HOST, rules)


@pytest.mark.parametrize("mapped_there", [True, False])
async def test_a_denied_network_is_never_dialled(tmp_path: Path, mapped_there: bool) -> None:
    with Server(smtp()) as server:
        tables = "[allow]\ndeny_networks = ['127.0.0.0/8']"
        entries = mapped(HOST, p587=server) if mapped_there else mapped("127.0.0.1", p25=server)
        with pytest.raises(Forbidden):
            await events(PORT if mapped_there else "127.0.0.1", policy(tmp_path, tables=tables, connect_to=entries))
        assert server.peers == []


@pytest.mark.parametrize("target", ["me@evil.example", "evil.example"])
@pytest.mark.parametrize("exchanger", ["mx.evil.example", "evil.example", "smtp.evil.example"])
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254"])
async def test_nothing_is_dialled_for_a_domain_that_names_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, exchanger: str, address: str
) -> None:
    dialled: list[str] = []

    async def connect(self: object, endpoint: object, **_: object) -> object:
        dialled.append(str(endpoint))
        raise AssertionError(endpoint)

    monkeypatch.setattr("poterne.net.gate.Gate.connect", connect)
    records = {
        ("evil.example", "MX"): [f"10 {exchanger}."],
        ("evil.example", "A"): [address],
        (exchanger, "A"): [address],
    }
    with NameServer(records) as names:
        try:
            await events(target, policy(tmp_path, resolver=names.place), ports=(25,), family=4)
        except Forbidden:
            pass
        except BaseExceptionGroup as group:
            assert group.subgroup(AssertionError) is None, dialled
    assert dialled == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ports": (25,)}, {(25, 4), (25, 6)}),
        ({"ports": (25, 143), "family": 4}, {(25, 4), (143, 4)}),
        ({"family": 6, "ports": (993,)}, {(993, 6)}),
        ({"ports": (21,), "family": 4}, {(21, 4)}),
    ],
)
async def test_ports_and_families_limit_a_server(
    tmp_path: Path, options: dict[str, Any], expected: set[tuple[int, int]]
) -> None:
    rules = policy(tmp_path, connect_to=[f"{HOST}::127.0.0.1:9", f"{HOST}::[::1]:9"])
    found = await report(HOST, rules, **options)
    assert {(o.port, o.family) for o in found.observations} == expected


async def test_an_endpoints_port_is_tested_beside_the_ports_that_were_asked_for(tmp_path: Path) -> None:
    rules = policy(tmp_path, connect_to=[f"{HOST}::127.0.0.1:9"])
    found = await report(f"{HOST}:25", rules, ports=(465,), family=4)
    assert {o.port for o in found.observations} == {25, 465}


async def test_one_connection_a_port_and_family(tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server:
        rules = policy(tmp_path, connect_to=mapped(HOST, p587=server, p25=server, p2525=server), roots=roots_file())
        await report(HOST, rules, ports=(25, 587, 2525), family=4)
        assert len(server.said) == 3


async def test_an_entry_for_the_port_alone_is_dialled(tmp_path: Path) -> None:
    with Server(smtp(pki().good)) as server, NameServer({(HOST, "A"): ["127.0.0.1"]}) as names:
        rules = policy(tmp_path, connect_to=[f"{HOST}:587::{server.port}"], resolver=names.place)
        found = await report(PORT, rules, ports=(587,))
    assert only(found.observations).state == "open"


async def test_where_one_address_is_dead_the_next_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a mail program would: the host is well, and nobody hears of a closed port."""
    dial_there = Gate.connect
    dead: list[str] = []

    async def connect(self: Gate, endpoint: Endpoint, **options: Any) -> Connection | Failure:
        if not dead:
            dead.append(endpoint.address)
        if endpoint.address in dead:
            return Failure("refused", "ECONNREFUSED", None, 1.0, 1)
        return await dial_there(self, endpoint.model_copy(update={"address": "127.0.0.1"}), port=server.port)

    monkeypatch.setattr(Gate, "connect", connect)
    records = {(HOST, "A"): ["127.0.0.1", "127.0.0.2"]}
    with Server(smtp(pki().good)) as server, NameServer(records) as names:
        rules = policy(tmp_path, resolver=names.place, roots=roots_file())
        seen = await events(PORT, rules, ports=(587,))
    last = seen[-1]
    assert isinstance(last, ReportEvent)
    assert {(o.address in dead, o.state) for o in last.report.observations} == {(True, "refused"), (False, "open")}
    assert last.report.verdict.code == "ok"
    assert codes(last.report) == {"ok"}
    plans = [event for event in seen if isinstance(event, PlanEvent)]
    assert [endpoint.id for endpoint in plans[-1].endpoints] == ["o1", "o2"]


async def test_where_one_address_is_forbidden_the_next_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explain(*_: object) -> tuple[str, tuple[str, ...]]:
        return "ok", ("192.0.2.1", "127.0.0.1", "192.0.2.2")

    monkeypatch.setattr("poterne.net.resolver.NameResolver._explain", explain)
    rules = policy(tmp_path, tables='[allow]\ndeny_networks = ["192.0.2.0/24"]')
    found = await report(PORT, rules, ports=(587,), family=4)
    seen = only(found.observations)
    assert (seen.id, seen.address, seen.state) == ("o1", "127.0.0.1", "refused")


async def test_a_renamed_host_is_looked_up(tmp_path: Path) -> None:
    records = {("there.example", "A"): ["127.0.0.1"]}
    with Server(smtp(pki().good)) as server, NameServer(records) as names:
        entries = [f"{HOST}:587:there.example:{server.port}"]
        rules = policy(tmp_path, connect_to=entries, resolver=names.place, roots=roots_file())
        found = await report(PORT, rules, ports=(587,))
    seen = only(found.observations)
    assert (seen.host, seen.port, seen.address, seen.state) == (HOST, 587, "127.0.0.1", "open")


async def test_a_certificate_that_no_parser_likes_does_not_end_the_check(tmp_path: Path) -> None:
    from cryptography import x509

    value = b"\x30\x06\xa3\x04\x30\x02\x05\x00"
    odd = issue("odd", further=(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), value),))
    with Server(smtp(context(odd), implicit=True)) as server, Server(smtp(pki().good)) as good:
        rules = policy(tmp_path, connect_to=mapped(HOST, p465=server, p587=good), roots=roots_file())
        found = await report(HOST, rules, family=4, ports=(465, 587))
    assert found.verdict.code == "ok"
    assert "cert-self-signed" in codes(found)


async def test_a_name_that_does_not_exist(tmp_path: Path) -> None:
    with NameServer({}) as names:
        rules = policy(tmp_path, resolver=names.place)
        for target in ("nowhere.example", "me@nowhere.example", "nowhere.example:25"):
            found = await report(target, rules)
            assert (found.verdict.code, found.verdict.severity) == ("dns-nxdomain", "blocker")
            assert found.observations == ()


async def test_without_a_network_there_is_still_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poterne.check.surroundings.source_address", lambda family: None)
    with NameServer({("*", "*"): "SERVFAIL"}) as names:
        found = await report("me@example.org", policy(tmp_path, resolver=names.place))
    assert (found.verdict.code, found.online) == ("offline", False)


@pytest.mark.parametrize(("well", "compared"), [(True, False), (False, True)])
async def test_nobody_else_is_asked_where_all_is_well(tmp_path: Path, well: bool, compared: bool) -> None:
    """However fast the target is, a failure is compared; however slow the rest, it is not where there is none."""
    holder, nobody = free_port(4)
    with holder, Server(smtp(pki().good)) as server, NameServer({("*", "*"): "NXDOMAIN"}) as names:
        entries = mapped(HOST, p587=server if well else nobody)
        tables = '[controls]\nhosts = ["one.control.example"]\ncanary = []\nportal = ""'
        rules = policy(tmp_path, tables=tables, connect_to=entries, roots=roots_file(), resolver=names.place)
        found = await report(PORT, rules, ports=(587,), family=4)
    assert found.verdict.code == ("ok" if well else "port-closed")
    assert (("one.control.example", "A") in names.asked) is compared
    assert any(answer.source == "random" for answer in found.names) is compared


async def test_refused_on_both_families(tmp_path: Path) -> None:
    holder, port = free_port(4)
    other, there = free_port(6)
    with holder, other:
        entries = [f"{HOST}:587:127.0.0.1:{port}", f"{HOST}:587:[::1]:{there}"]
        found = await report(PORT, policy(tmp_path, connect_to=entries), ports=(587,))
    assert {(o.family, o.state) for o in found.observations} == {(4, "refused"), (6, "refused")}
    assert found.verdict.code == "port-closed"


@pytest.mark.parametrize("target", ["127.0.0.1", "127.0.0.1:25"])
async def test_an_address_of_the_other_family_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(InvalidRequest, match="no IPv6 address"):
        await report(target, policy(tmp_path), family=6)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254"])
@pytest.mark.parametrize("target", ["{address}:25", "{address}", "mail.evil.example", "mail.evil.example:25"])
async def test_a_page_does_not_lead_to_this_machine_or_its_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, target: str
) -> None:
    dialled: list[str] = []

    async def attempt(endpoint: Endpoint, port: int, number: int, _patience: float | None) -> Failure:
        dialled.append(f"{endpoint.address} {port}")
        return Failure("refused", "ECONNREFUSED", endpoint.address, 0.0, number)

    monkeypatch.setattr("poterne.net.gate._attempt", attempt)
    monkeypatch.setattr("poterne.net.machine.has_route", lambda *_: True)
    with NameServer({("mail.evil.example", "A"): [address]}) as names:
        rules = policy(tmp_path, resolver=names.place)
        asked: dict[str, Any] = {"ports": (25,), "family": 4, "trace": False}
        with pytest.raises(Forbidden, match="not to be tested"):
            await events(target.format(address=address), rules, origin="page", **asked)
        assert dialled == []
        await events(target.format(address=address), rules, **asked)
        assert f"{address} 25" in dialled, "where the user typed it"

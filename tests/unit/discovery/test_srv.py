import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core_discovery import ADDRESS, ANOTHER, Discovered, Records, discover, is_plain
from tests.unit.core_dns import NameServer
from tests.unit.core_timing import QUICK
from tests.unit.core_world import policy

from poterne.discovery import srv
from poterne.net.resolver import NameResolver, Service

LABELS = {
    "_submissions": ("smtp", "tls", 465),
    "_submission": ("smtp", "starttls", 587),
    "_imaps": ("imap", "tls", 993),
    "_imap": ("imap", "starttls", 143),
    "_pop3s": ("pop3", "tls", 995),
    "_pop3": ("pop3", "starttls", 110),
    "_sieve": ("sieve", "starttls", 4190),
}


def alone(folder: Path, records: Records) -> Discovered:
    return discover(folder, "me@example.org", records, tables='[discovery]\nsources = ["srv"]')


@pytest.mark.parametrize("label", LABELS)
def test_each_label_is_an_offer(tmp_path: Path, label: str) -> None:
    protocol, security, port = LABELS[label]
    records: Records = {
        (f"{label}._tcp.example.org", "SRV"): [f"0 1 {port} host.example.org."],
        ("host.example.org", "A"): [ADDRESS],
    }
    found = alone(tmp_path, records)
    (offer,) = found.offers
    assert (offer.source, offer.said_by) == ("srv", "example.org")
    assert (offer.protocol, offer.host, offer.port, offer.security) == (protocol, "host.example.org", port, security)
    assert (offer.username, offer.trusted) == ("unknown", True)
    assert found.lookup(f"{label}._tcp.example.org").state == "found"
    assert found.states("srv").count("absent") == len(LABELS) - 1
    assert ("host.example.org", "srv") in found.hosts
    assert found.ports("host.example.org")[0] == port


def test_what_the_root_serves_is_not_offered(tmp_path: Path) -> None:
    records: Records = {
        ("_pop3._tcp.example.org", "SRV"): ["0 0 0 ."],
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 imap.example.org."],
        ("imap.example.org", "A"): [ADDRESS],
    }
    found = alone(tmp_path, records)
    assert found.lookup("_pop3._tcp.example.org").state == "not-offered"
    assert {offer.protocol for offer in found.offers} == {"imap"}


def test_priority_then_weight_make_the_order(tmp_path: Path) -> None:
    records: Records = {
        ("_imaps._tcp.example.org", "SRV"): [
            "20 99 993 spare.example.org.",
            "10 5 993 light.example.org.",
            "10 60 993 heavy.example.org.",
            "10 0 993 nothing.example.org.",
        ],
    }
    found = alone(tmp_path, records)
    assert [offer.host.partition(".")[0] for offer in found.offers] == ["heavy", "light", "nothing", "spare"]
    assert [offer.rank for offer in found.offers] == [0, 1, 2, 3]


@given(st.permutations([Service(p, w, 993, f"{p}{w}{t}.example.org") for p in (0, 10) for w in (0, 7) for t in "ab"]))
def test_the_order_does_not_depend_on_the_answers(services: list[Service]) -> None:
    order = srv.preferred(tuple(services))
    assert order == srv.preferred(tuple(reversed(services)))
    assert [(each.priority, -each.weight) for each in order] == sorted((s.priority, -s.weight) for s in services)


@pytest.mark.parametrize(
    ("target", "trusted"),
    [
        ("imap.example.org", True),
        ("a.b.example.org", True),
        ("example.org", True),
        ("imap.provider.example", False),
        ("notexample.org", False),
        ("example.org.evil.example", False),
    ],
)
def test_a_target_outside_the_domain_is_not_trusted_and_tried_all_the_same(
    tmp_path: Path, target: str, trusted: bool
) -> None:
    """RFC 6186 section 6."""
    records: Records = {
        ("_imaps._tcp.example.org", "SRV"): [f"0 1 993 {target}."],
        (target, "A"): [ADDRESS],
    }
    found = alone(tmp_path, records)
    (offer,) = found.offers
    assert offer.trusted is trusted
    assert (target, "srv") in found.hosts


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("0 1 0 imap.example.org.", "port"),
        ("0 1 993 a\\032b.example.org.", "no host name"),
        ("0 1 993 a\\000b.example.org.", "no host name"),
        ("0 1 993 \\027[31m.example.org.", "no host name"),
        ("0 1 993 intranet.", "no full host name"),
        ("0 1 993 xn--a.example.", "no host name"),
    ],
)
def test_records_that_no_server_has_are_refused_in_one_clear_line(tmp_path: Path, record: str, reason: str) -> None:
    found = alone(tmp_path, {("_imaps._tcp.example.org", "SRV"): [record]})
    lookup = found.lookup("_imaps._tcp.example.org")
    assert lookup.state == "refused"
    assert lookup.problem is not None
    assert reason in lookup.problem
    assert is_plain(lookup.problem)
    assert found.offers == []
    assert not [server for server in found.servers if server.answer.addresses]


def test_one_bad_record_does_not_spoil_the_others(tmp_path: Path) -> None:
    records: Records = {
        ("_imaps._tcp.example.org", "SRV"): ["0 1 0 bad.example.org.", "5 1 993 good.example.org."],
        ("good.example.org", "A"): [ADDRESS],
    }
    found = alone(tmp_path, records)
    assert [offer.host for offer in found.offers] == ["good.example.org"]
    lookup = found.lookup("_imaps._tcp.example.org")
    assert lookup.state == "found"
    assert lookup.problem is not None
    assert "left out" in lookup.problem


def test_a_resolver_that_fails_is_told_from_a_domain_that_offers_nothing(tmp_path: Path) -> None:
    records: Records = {
        ("_imaps._tcp.example.org", "SRV"): "SERVFAIL",
        ("_imap._tcp.example.org", "SRV"): "SILENT",
        ("_pop3._tcp.example.org", "SRV"): "NODATA",
    }
    found = alone(tmp_path, records)
    assert found.lookup("_imaps._tcp.example.org").state == "failed"
    assert found.lookup("_imap._tcp.example.org").state == "failed"
    assert found.lookup("_pop3._tcp.example.org").state == "absent"


def test_silence_about_one_label_does_not_hold_the_others(tmp_path: Path) -> None:
    records: Records = {
        ("_submission._tcp.example.org", "SRV"): "SILENT",
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 imap.example.org."],
        ("imap.example.org", "A"): [ADDRESS],
    }

    async def first() -> str:
        with NameServer(records) as server:
            resolver = NameResolver(policy(tmp_path, resolver=server.place), QUICK)
            from poterne.discovery import Discovery
            from poterne.target.parser import parse

            discovery = Discovery(parse("me@example.org"), resolver, [])
            servers = discovery.servers()
            found = await anext(servers)
            silent = {lookup.place for lookup in discovery.lookups}
            await servers.aclose()
            await resolver.close()
            assert "_submission._tcp.example.org" not in silent
            return found.host

    assert asyncio.run(first()) == "imap.example.org"


def test_one_host_is_asked_for_all_that_it_offers_and_for_the_ports_beside(tmp_path: Path) -> None:
    records: Records = {
        ("_submission._tcp.example.org", "SRV"): ["0 1 587 mx.example.org."],
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 mx.example.org."],
        ("mx.example.org", "A"): [ADDRESS],
    }
    found = alone(tmp_path, records)
    tried = found.ports("mx.example.org")
    assert len(tried) == len(set(tried)), "no port twice"
    assert {587, 465, 25, 993, 143} <= set(tried)
    assert not {995, 110, 4190} & set(tried), "what nobody offers is not tried"


def test_a_port_of_another_protocol_is_tried_as_it_is_offered(tmp_path: Path) -> None:
    records: Records = {
        ("_imaps._tcp.example.org", "SRV"): ["0 1 443 www.example.org."],
        ("_submission._tcp.example.org", "SRV"): ["0 1 80 www.example.org."],
        ("www.example.org", "A"): [ADDRESS],
    }
    found = alone(tmp_path, records)
    assert {443, 80} <= set(found.ports("www.example.org"))
    odd = {port: offered for server in found.servers for port, offered in server.odd.items()}
    assert odd == {443: ("imaps", "tls"), 80: ("submission", "starttls")}


@pytest.mark.parametrize(("allow", "reason"), [("", "port-unusual"), ("[allow]\nports = [587]\n", "port-forbidden")])
def test_a_port_that_a_record_may_not_name_is_told(tmp_path: Path, allow: str, reason: str) -> None:
    records: Records = {
        ("_submission._tcp.example.org", "SRV"): ["0 1 26 out.example.org."],
        ("out.example.org", "A"): [ADDRESS],
    }
    tables = f'{allow}[discovery]\nsources = ["srv"]'
    found = discover(tmp_path, "me@example.org", records, tables=tables)
    lookup = found.lookup("out.example.org:26")
    assert (lookup.state, lookup.reason, lookup.value) == ("refused", reason, "26")


def test_a_host_that_does_not_exist_is_told_and_not_tried(tmp_path: Path) -> None:
    found = alone(tmp_path, {("_imaps._tcp.example.org", "SRV"): ["0 1 993 gone.example.org."]})
    assert "gone.example.org" not in {host for host, _ in found.hosts}
    assert ("gone.example.org", "nxdomain") in {(answer.name, answer.state) for answer in found.names}


def test_a_bare_name_with_srv_records_is_a_domain(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "A"): [ANOTHER],
        ("_submissions._tcp.example.org", "SRV"): ["0 1 465 out.example.org."],
        ("out.example.org", "A"): [ADDRESS],
    }
    found = discover(tmp_path, "example.org", records)
    assert (found.target.kind, found.target.domain) == ("domain", "example.org")
    assert ("out.example.org", "srv") in found.hosts


def test_a_bare_name_without_an_address_is_no_failure_where_it_offers_servers(tmp_path: Path) -> None:
    records: Records = {
        ("_submissions._tcp.example.org", "SRV"): ["0 1 465 out.example.org."],
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 out.example.org."],
        ("example.org", "TXT"): ['"v=spf1 -all"'],
        ("out.example.org", "A"): [ADDRESS],
    }
    found = discover(tmp_path, "example.org", records)
    assert ("out.example.org", "srv") in found.hosts
    assert "example.org" not in {answer.name for answer in found.names if answer.source == "typed"}


def test_a_bare_name_that_offers_nothing_by_srv_is_a_server(tmp_path: Path) -> None:
    records: Records = {
        ("smtp.example.org", "A"): [ADDRESS],
        ("_pop3._tcp.smtp.example.org", "SRV"): ["0 0 0 ."],
    }
    found = discover(tmp_path, "smtp.example.org", records)
    assert (found.target.kind, found.hosts) == ("server", {("smtp.example.org", "typed")})


def test_policy_switches_it_off(tmp_path: Path) -> None:
    records: Records = {("_imaps._tcp.example.org", "SRV"): ["0 1 993 imap.example.org."]}
    found = discover(tmp_path, "me@example.org", records, tables='[discovery]\nsources = ["guess"]')
    assert found.states("srv") == ["off"]
    assert not [name for name, kind in found.asked if kind == "SRV"]

from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.resolver
import pytest
from tests.unit.lab_clients import LIMIT_S

from poterne import demo as lab
from poterne.demo.names import Zones
from poterne.demo.plan import Domain, Plan
from poterne.demo.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with lab.serving() as running:
        yield running


def ask(world: World, name: str, rdtype: str, *, tcp: bool = False) -> dns.message.Message:
    address, _, port = world.resolver.partition(":")
    exchange = dns.query.tcp if tcp else dns.query.udp
    return exchange(dns.message.make_query(name, rdtype), address, LIMIT_S, int(port))


def texts(answer: dns.message.Message) -> set[str]:
    return {rdata.to_text() for rrset in answer.answer for rdata in rrset}


@pytest.mark.parametrize("tcp", [False, True])
def test_mail_exchanger(world: World, tcp: bool) -> None:
    answer = ask(world, "PROVIDER.example", "MX", tcp=tcp)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.flags & dns.flags.RA
    assert {text.lower() for text in texts(answer)} == {"10 mx.provider.example."}


def test_services(world: World) -> None:
    assert texts(ask(world, "_submissions._tcp.provider.example", "SRV")) == {"0 1 465 smtp.provider.example."}


def test_hosts_have_documentation_addresses_of_their_own(world: World) -> None:
    hosts = {host for server in world.plan.servers for host in server.hosts if 4 in server.families}
    seen = [text for host in hosts for text in texts(ask(world, host, "A", tcp=True))]
    assert len(seen) == len(set(seen)) == len(hosts)
    assert all(text.startswith("192.0.2.") and text != "192.0.2.1" for text in seen)


def test_ipv6_addresses_stand_where_ipv6_does(world: World) -> None:
    found = {text[:10] for text in texts(ask(world, "smtp.six.example", "AAAA"))}
    assert found == ({"2001:db8::"} if 6 in world.families else set())
    assert texts(ask(world, "smtp.six.example", "A")) == set()


@pytest.mark.parametrize("name", ["nowhere.example", "x.nowhere.example", "x.provider.example", "example.org", "org"])
@pytest.mark.parametrize("rdtype", ["A", "MX"])
def test_absent_names(world: World, name: str, rdtype: str) -> None:
    answer = ask(world, name, rdtype)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert [rrset.rdtype.name for rrset in answer.authority] == ["SOA"]


@pytest.mark.parametrize("name", ["empty.example", "provider.example", "_tcp.provider.example"])
def test_names_without_such_a_record(world: World, name: str) -> None:
    answer = ask(world, name, "A")
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.answer == []
    assert [rrset.rdtype.name for rrset in answer.authority] == ["SOA"]


def test_null_mx(world: World) -> None:
    assert texts(ask(world, "nullmx.example", "MX")) == {"0 ."}


def test_broken_name_server(world: World) -> None:
    assert ask(world, "mail.servfail.example", "A").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("tcp", [False, True])
def test_name_server_that_never_answers(world: World, tcp: bool) -> None:
    address, _, port = world.resolver.partition(":")
    exchange = dns.query.tcp if tcp else dns.query.udp
    with pytest.raises(dns.exception.Timeout):
        exchange(dns.message.make_query("unheard.example", "MX"), address, 0.5, int(port))


def test_truncated_over_udp_whole_over_tcp(world: World) -> None:
    cut = ask(world, "tcponly.example", "MX")
    assert cut.flags & dns.flags.TC
    assert cut.answer == []
    assert texts(ask(world, "tcponly.example", "MX", tcp=True)) == {"10 mail.tcponly.example."}


def test_a_stub_resolver_understands_it(world: World) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], int(world.resolver.rpartition(":")[2])
    answer = resolver.resolve("tcponly.example", "MX", lifetime=LIMIT_S)
    assert [rdata.to_text() for rdata in answer] == ["10 mail.tcponly.example."]
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("nowhere.example", "MX", lifetime=LIMIT_S)
    with pytest.raises(dns.resolver.NoAnswer):
        resolver.resolve("empty.example", "MX", lifetime=LIMIT_S)


def zones_of(domain: Domain) -> Zones:
    return Zones(Plan(services={}, certificates={}, domains={"big.example": domain}, servers=()), {})


def test_what_udp_cannot_carry_is_cut() -> None:
    zones = zones_of(Domain(says={}, mx=tuple(f"10 mx-with-a-long-name-{number}.big.example." for number in range(40))))
    query = dns.message.make_query("big.example", "MX").to_wire()
    over_udp, over_tcp = zones.wire(query, udp=True), zones.wire(query, udp=False)
    assert over_udp is not None
    assert over_tcp is not None
    assert len(over_udp) <= 512 < len(over_tcp)
    assert dns.message.from_wire(over_udp).flags & dns.flags.TC
    assert len(texts(dns.message.from_wire(over_tcp))) == 40


def test_noise_and_answers_get_no_answer() -> None:
    zones = zones_of(Domain(says={}))
    query = dns.message.make_query("big.example", "MX")
    assert zones.wire(b"\x00\x01noise", udp=True) is None
    assert zones.wire(dns.message.make_response(query).to_wire(), udp=True) is None
    update = dns.message.make_query("big.example", "SOA")
    update.set_opcode(dns.opcode.STATUS)
    refused = zones.wire(update.to_wire(), udp=True)
    assert refused is not None
    assert dns.message.from_wire(refused).rcode() == dns.rcode.NOTIMP

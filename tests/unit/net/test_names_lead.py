"""Where names lead that a stranger's domain gives: whom a check dials, and whom never."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.core_dns import Answer, NameServer
from tests.unit.core_world import codes, policy, report

from poterne.errors import Forbidden
from poterne.net.gate import Failure
from poterne.report import Endpoint, Report

MX = ("d.example", "MX")
HOST = "a.example"
Records = dict[tuple[str, str], Answer]


class Dialled(list[str]):
    """The addresses to which a SYN would have gone; nobody answers there."""

    async def attempt(self, endpoint: Endpoint, port: int, number: int, patience: float | None) -> Failure:
        self.append(endpoint.address)
        return Failure("refused", "ECONNREFUSED", None, 1.0, number)


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Dialled:
    recorded = Dialled()
    monkeypatch.setattr("poterne.net.gate._attempt", recorded.attempt)
    return recorded


def run(folder: Path, server: NameServer, target: str = "user@d.example") -> Report:
    with server:
        return asyncio.run(report(target, policy(folder, resolver=server.place)))


def leading_to(*addresses: str) -> Records:
    records: Records = {MX: [f"10 {HOST}."]}
    for kind, family in (("A", [a for a in addresses if ":" not in a]), ("AAAA", [a for a in addresses if ":" in a])):
        if family:
            records[HOST, kind] = family
    return records


NOWHERE = {
    "loopback": ["127.0.0.1", "::1", "127.1.2.3"],
    "mapped loopback": ["::ffff:127.0.0.1"],
    "link-local": ["169.254.1.1", "fe80::1"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"],
    "mapped metadata": ["::ffff:169.254.169.254"],
    "NAT64 of loopback": ["64:ff9b::7f00:1"],
    "NAT64 of metadata": ["64:ff9b::a9fe:a9fe"],
    "a local NAT64 of metadata": ["64:ff9b:1::a9fe:a9fe"],
    "6to4 of loopback": ["2002:7f00:1::1"],
    "6to4 of metadata": ["2002:a9fe:a9fe::1"],
    "translated loopback": ["::ffff:0:7f00:1"],
    "compatible loopback": ["::127.0.0.1"],
    "unspecified": ["0.0.0.0", "::"],
    "multicast": ["224.0.0.1", "ff02::1"],
    "broadcast": ["255.255.255.255"],
}


@pytest.mark.parametrize("addresses", NOWHERE.values(), ids=NOWHERE.keys())
def test_nobody_is_led_there(tmp_path: Path, dialled: Dialled, addresses: list[str]) -> None:
    with pytest.raises(Forbidden):
        run(tmp_path, NameServer(leading_to(*addresses)))
    assert dialled == []


@pytest.mark.parametrize("literal", ["127.0.0.1", "169.254.169.254"])
def test_an_address_in_the_place_of_an_exchanger_leads_nowhere_else(
    tmp_path: Path, dialled: Dialled, literal: str
) -> None:
    with pytest.raises(Forbidden):
        run(tmp_path, NameServer({MX: [f"10 {literal}."]}))
    assert dialled == []


@pytest.mark.parametrize("number", ["2130706433", "0x7f.1", "127.1", "0x7f000001"])
def test_an_exchanger_that_is_a_number_is_no_name(tmp_path: Path, dialled: Dialled, number: str) -> None:
    """inet_aton(3) would read 127.0.0.1, and a resolver that knows it is not believed."""
    found = run(tmp_path, NameServer({MX: [f"10 {number}."], (number, "*"): ["192.0.2.7"]}))
    assert codes(found) == {"dns-nxdomain"}
    assert {finding.host for finding in found.findings} == {number}
    assert dialled == []


def test_a_bad_address_beside_a_good_one(tmp_path: Path, dialled: Dialled) -> None:
    """It is passed over wherever it stands in the answer, which comes shuffled, and the good one is tried."""
    run(tmp_path, NameServer(leading_to("127.0.0.1", "192.0.2.7")))
    assert set(dialled) == {"192.0.2.7"}


def test_an_exchanger_that_is_an_alias_is_tried_where_it_leads(tmp_path: Path, dialled: Dialled) -> None:
    """RFC 5321 section 5.1 forbids it; many have it, and programs follow."""
    alias: Records = {MX: [f"10 {HOST}."], (HOST, "CNAME"): ["b.example."], ("b.example", "A"): ["192.0.2.7"]}
    run(tmp_path, NameServer(alias))
    assert set(dialled) == {"192.0.2.7"}


def test_an_exchanger_that_does_not_exist_is_named(tmp_path: Path, dialled: Dialled) -> None:
    found = run(tmp_path, NameServer({MX: ["10 gone.example."]}))
    assert codes(found) == {"dns-nxdomain"}
    assert "gone.example" in {finding.host for finding in found.findings}
    assert dialled == []


class Rebinding(NameServer):
    """A public address first, this machine for whoever asks again."""

    def _find(self, name: str, kind: str) -> Answer:
        if (name, kind) == (HOST, "A") and self.asked.count((name, kind)) > 1:
            return ["127.0.0.1"]
        return super()._find(name, kind)


@pytest.mark.parametrize("target", ["user@d.example", HOST, f"{HOST}:587"])
def test_the_address_that_was_judged_is_the_one_that_is_dialled(tmp_path: Path, dialled: Dialled, target: str) -> None:
    found = run(tmp_path, Rebinding(leading_to("192.0.2.7"), ttl=0), target)
    assert set(dialled) == {"192.0.2.7"}
    assert {seen.address for seen in found.observations if seen.role == "target"} == {"192.0.2.7"}


def test_five_hundred_addresses_are_not_all_dialled(tmp_path: Path, dialled: Dialled) -> None:
    crowd = [f"192.0.2.{number}" for number in range(1, 250)] + [f"198.51.100.{number}" for number in range(1, 251)]
    run(tmp_path, NameServer(leading_to(*crowd)))
    assert 0 < len(set(dialled)) <= 3


def test_a_thousand_exchangers_are_not_all_asked_for(tmp_path: Path, dialled: Dialled) -> None:
    many: Records = {MX: [f"10 mx{number}.example." for number in range(1000)], ("*", "A"): ["192.0.2.7"]}
    server = NameServer(many)
    run(tmp_path, server)
    assert len({name for name, _ in server.asked if name.startswith("mx")}) <= 10

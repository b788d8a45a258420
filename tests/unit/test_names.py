import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_dns import Answer, NameServer
from tests.unit.core_world import hurry_names, policy

from poterne.model import NameAnswer
from poterne.policy import Policy
from poterne.probe.names import MAX_ADDRESSES, MAX_EXCHANGERS, Names


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry_names(monkeypatch)


def ask(
    folder: Path, records: dict[tuple[str, str], Answer], name: str = "a.example", *, mx: bool = False
) -> NameAnswer:
    async def once(rules: Policy) -> NameAnswer:
        names = Names(rules)
        try:
            return await (names.mail_exchangers(name) if mx else names.addresses(name, "typed"))
        finally:
            await names.close()

    with NameServer(records) as server:
        return asyncio.run(once(policy(folder, resolver=server.place)))


A, AAAA = ("a.example", "A"), ("a.example", "AAAA")


@pytest.mark.parametrize(
    ("records", "state", "addresses"),
    [
        ({A: ["127.0.0.1"], AAAA: ["::1"]}, "ok", ("::1", "127.0.0.1")),
        ({A: ["127.0.0.1", "127.0.0.2"]}, "ok", ("127.0.0.1", "127.0.0.2")),
        ({AAAA: ["::1"]}, "ok", ("::1",)),
        ({A: ["127.0.0.1"], AAAA: "SERVFAIL"}, "ok", ("127.0.0.1",)),
        ({A: ["127.0.0.1"], AAAA: "SILENT"}, "ok", ("127.0.0.1",)),
        ({}, "nxdomain", ()),
        ({("a.example", "TXT"): ['"x"']}, "nodata", ()),
        ({("*", "*"): "SERVFAIL"}, "servfail", ()),
        ({("*", "*"): "REFUSED"}, "servfail", ()),
        ({("*", "*"): "SILENT"}, "timeout", ()),
        ({A: "SERVFAIL", AAAA: "NODATA"}, "servfail", ()),
        ({A: "SILENT", AAAA: "NODATA"}, "timeout", ()),
    ],
)
def test_addresses_and_why_there_are_none(
    tmp_path: Path, records: dict[tuple[str, str], Answer], state: str, addresses: tuple[str, ...]
) -> None:
    started = time.monotonic()
    answer = ask(tmp_path, records)
    assert (answer.state, sorted(answer.addresses)) == (state, sorted(addresses))
    assert (answer.name, answer.source) == ("a.example", "typed")
    assert time.monotonic() - started < 2


MX = ("a.example", "MX")


@pytest.mark.parametrize(
    ("records", "state", "exchangers"),
    [
        ({MX: ["20 b.example.", "10 A.Example."]}, "ok", ("a.example", "b.example")),
        ({MX: ["10 b.example.", "10 a.example."]}, "ok", ("a.example", "b.example")),
        ({MX: ["0 ."]}, "ok", ("",)),
        ({}, "nxdomain", ()),
        ({A: ["127.0.0.1"]}, "nodata", ()),
        ({MX: "SERVFAIL"}, "servfail", ()),
        ({MX: "SILENT"}, "timeout", ()),
    ],
)
def test_mail_exchangers(
    tmp_path: Path, records: dict[tuple[str, str], Answer], state: str, exchangers: tuple[str, ...]
) -> None:
    answer = ask(tmp_path, records, mx=True)
    assert (answer.state, answer.mail_exchangers) == (state, exchangers)


def test_many_records_are_cut(tmp_path: Path) -> None:
    many = ask(tmp_path, {MX: [f"{number} mx{number}.example." for number in range(1000)]}, mx=True)
    assert len(many.mail_exchangers) == MAX_EXCHANGERS
    assert many.mail_exchangers[:2] == ("mx0.example", "mx1.example")
    crowd = ask(tmp_path, {A: [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(500)]})
    assert len(crowd.addresses) == MAX_ADDRESSES


def test_odd_names_of_exchangers_stay_one_visible_line(tmp_path: Path) -> None:
    answer = ask(tmp_path, {MX: ["10 a\\032b.example.", "20 \\027[31m.example.", "30 \\@.", "40 _x.example."]}, mx=True)
    assert answer.state == "ok"
    assert len(answer.mail_exchangers) == 4
    assert all(name.isprintable() for name in answer.mail_exchangers)


def test_an_address_is_not_looked_up(tmp_path: Path) -> None:
    for address in ("192.0.2.7", "2001:db8::7", "fe80::1%eth0"):
        answer = ask(tmp_path, {("*", "*"): "SILENT"}, address)
        assert (answer.state, answer.addresses) == ("ok", (address,))


async def test_a_name_is_asked_once(tmp_path: Path) -> None:
    with NameServer({A: ["127.0.0.1"]}) as server:
        names = Names(policy(tmp_path, resolver=server.place))
        both = await asyncio.gather(names.addresses("a.example", "typed"), names.addresses("a.example", "typed"))
        await names.close()
    assert both[0] == both[1]
    assert sorted(server.asked) == [("a.example", "A"), ("a.example", "AAAA")]


async def test_who_named_a_host_is_told_to_each_who_asks(tmp_path: Path) -> None:
    """One look-up, yet a host that DNS names is not one that the user typed."""
    with NameServer({A: ["127.0.0.1"]}) as server:
        names = Names(policy(tmp_path, resolver=server.place))
        typed = await names.addresses("a.example", "typed")
        named = await names.addresses("a.example", "mx")
        await names.close()
    assert (typed.source, named.source) == ("typed", "mx")
    assert typed.addresses == named.addresses


async def test_closing_ends_open_questions(tmp_path: Path) -> None:
    with NameServer({("*", "*"): "SILENT"}) as server:
        names = Names(policy(tmp_path, resolver=server.place))
        asking = asyncio.create_task(names.addresses("a.example", "typed"))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        asking.cancel()
        await names.close()
        assert time.monotonic() - started < 0.2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_name_that_a_lab_maps_needs_no_dns(tmp_path: Path) -> None:
    entries = ["a.example:25:127.0.0.1:2525", "a.example:25:[::1]:2525"]
    names = Names(policy(tmp_path, resolver="127.0.0.1:9", connect_to=entries))
    answer = await names.addresses("a.example", "typed")
    assert (answer.state, set(answer.addresses)) == ("ok", {"127.0.0.1", "::1"})


class TestTheSystemsResolver:
    """Addresses come from getaddrinfo; DNS is asked only for the reason of a failure."""

    @pytest.fixture
    def system(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[tuple[str, str], Answer], Any], NameAnswer]:
        def run(records: dict[tuple[str, str], Answer], getaddrinfo: Any) -> NameAnswer:
            import dns.asyncresolver

            monkeypatch.setattr("poterne.probe.names.socket.getaddrinfo", getaddrinfo)
            with NameServer(records) as server:
                original = dns.asyncresolver.Resolver

                def configured(*_: object, **__: object) -> dns.asyncresolver.Resolver:
                    made = original(configure=False)
                    made.nameservers = ["127.0.0.1"]
                    made.port = server.port
                    return made

                monkeypatch.setattr(dns.asyncresolver, "Resolver", configured)

                async def once() -> NameAnswer:
                    names = Names(Policy())
                    try:
                        return await names.addresses("a.example", "typed")
                    finally:
                        await names.close()

                return asyncio.run(once())

        return run

    @staticmethod
    def failing(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    @staticmethod
    def finding(*addresses: str) -> Callable[..., list[object]]:
        def getaddrinfo(*_: object, **__: object) -> list[object]:
            return [(0, 0, 0, "", (address, 0)) for address in addresses]

        return getaddrinfo

    def test_its_addresses_count_whatever_dns_says(self, system: Any) -> None:
        answer = system({}, self.finding("127.0.0.7", "::1", "127.0.0.7"))
        assert (answer.state, answer.addresses) == ("ok", ("127.0.0.7", "::1"))

    @pytest.mark.parametrize(
        ("records", "state"),
        [
            ({}, "nxdomain"),
            ({("a.example", "TXT"): ['"x"']}, "nodata"),
            ({("*", "*"): "SERVFAIL"}, "servfail"),
            ({("*", "*"): "SILENT"}, "timeout"),
        ],
    )
    def test_dns_explains_its_failure(self, system: Any, records: Any, state: str) -> None:
        answer = system(records, self.failing)
        assert (answer.state, answer.addresses) == (state, ())

    def test_where_it_fails_and_dns_knows_the_name_dns_is_not_quoted_for_the_failure(self, system: Any) -> None:
        """DNS has an address: to say that it has none would be false."""
        answer = system({A: ["127.0.0.1"]}, self.failing)
        assert answer.state != "nodata" or answer.addresses

    def test_a_resolver_that_hangs_does_not_hold_the_check(self, system: Any) -> None:
        def hanging(*_: object, **__: object) -> list[object]:
            time.sleep(1.5)
            return []

        started = time.monotonic()
        answer = system({("*", "*"): "SILENT"}, hanging)
        assert answer.state == "timeout"
        assert time.monotonic() - started < 1.4

    def test_a_slow_answer_still_counts_where_dns_knows_the_name(self, system: Any) -> None:
        def slow(*_: object, **__: object) -> list[object]:
            time.sleep(0.3)
            return [(0, 0, 0, "", ("127.0.0.9", 0))]

        answer = system({A: ["127.0.0.1"]}, slow)
        assert (answer.state, answer.addresses) == ("ok", ("127.0.0.9",))

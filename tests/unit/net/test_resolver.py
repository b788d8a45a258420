import asyncio
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_dns import Answer, NameServer
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import policy

from poterne.knowledge.timing import Timing
from poterne.net.resolver import MAX_ADDRESSES, MAX_EXCHANGERS, NameResolver
from poterne.net.threads import Questions
from poterne.policy import Policy
from poterne.report import NameAnswer


def ask(
    folder: Path, records: dict[tuple[str, str], Answer], name: str = "a.example", *, mx: bool = False
) -> NameAnswer:
    async def once(rules: Policy) -> NameAnswer:
        names = NameResolver(rules, QUICK)
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
        names = NameResolver(policy(tmp_path, resolver=server.place), QUICK)
        both = await asyncio.gather(names.addresses("a.example", "typed"), names.addresses("a.example", "typed"))
        await names.close()
    assert both[0] == both[1]
    assert sorted(server.asked) == [("a.example", "A"), ("a.example", "AAAA")]


async def test_who_named_a_host_is_told_to_each_who_asks(tmp_path: Path) -> None:
    """One look-up, yet a host that DNS names is not one that the user typed."""
    with NameServer({A: ["127.0.0.1"]}) as server:
        names = NameResolver(policy(tmp_path, resolver=server.place), QUICK)
        typed = await names.addresses("a.example", "typed")
        named = await names.addresses("a.example", "mx")
        await names.close()
    assert (typed.source, named.source) == ("typed", "mx")
    assert typed.addresses == named.addresses


async def test_closing_ends_open_questions(tmp_path: Path) -> None:
    with NameServer({("*", "*"): "SILENT"}) as server:
        names = NameResolver(policy(tmp_path, resolver=server.place), QUICK)
        asking = asyncio.create_task(names.addresses("a.example", "typed"))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        asking.cancel()
        await names.close()
        assert time.monotonic() - started < 0.2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_name_that_a_lab_maps_needs_no_dns(tmp_path: Path) -> None:
    entries = ["a.example:25:127.0.0.1:2525", "a.example:25:[::1]:2525"]
    names = NameResolver(policy(tmp_path, resolver="127.0.0.1:9", connect_to=entries), QUICK)
    answer = await names.addresses("a.example", "typed")
    assert (answer.state, set(answer.addresses)) == ("ok", {"127.0.0.1", "::1"})


class TestLabelsThatMustNotExist:
    async def ask(self, rules: Policy, timing: Timing = QUICK) -> tuple[NameAnswer, NameAnswer]:
        names = NameResolver(rules, timing)
        try:
            return await names.random_labels()
        finally:
            await names.close()

    async def test_an_honest_resolver_knows_none(self, tmp_path: Path) -> None:
        with NameServer({}) as server:
            rules = policy(tmp_path, resolver=server.place)
            answers = [*await self.ask(rules), *await self.ask(rules)]
        assert {answer.state for answer in answers} == {"nxdomain"}
        assert {answer.source for answer in answers} == {"random"}
        assert len({answer.name for answer in answers}) == 4
        assert len({answer.name.partition(".")[2] for answer in answers}) == 2
        for answer in answers:
            assert re.fullmatch(r"[0-9a-f]{16}\.[a-z]+", answer.name)
            assert (answer.name, "A") in server.asked

    async def test_a_resolver_that_makes_up_answers(self, tmp_path: Path) -> None:
        with NameServer({("*", "A"): ["192.0.2.66"]}) as server:
            answers = await self.ask(policy(tmp_path, resolver=server.place))
        assert [(answer.state, answer.addresses) for answer in answers] == [("ok", ("192.0.2.66",))] * 2

    async def test_they_are_not_waited_for_long(self, tmp_path: Path) -> None:
        timing = timed(names={"answer": 30.0, "random": 0.2})
        with NameServer({("*", "*"): "SILENT"}) as server:
            started = time.monotonic()
            answers = await self.ask(policy(tmp_path, resolver=server.place), timing)
            assert time.monotonic() - started < 5
        assert [answer.state for answer in answers] == ["timeout", "timeout"]

    async def test_programs_way_and_yet_absolute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A search domain that answers for every name is not taken for a resolver that makes up answers."""
        asked: list[str] = []

        def searching(name: str, *_: object, **__: object) -> list[object]:
            asked.append(name)
            if name.endswith("."):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [(0, 0, 0, "", ("192.0.2.66", 0))]

        async def unasked(*_: object, **__: object) -> tuple[str, None]:
            return "nxdomain", None

        monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", searching)
        monkeypatch.setattr(NameResolver, "_question", unasked)
        answers = await self.ask(Policy())
        assert sorted(asked) == sorted(f"{answer.name}." for answer in answers)
        assert {answer.state for answer in answers} == {"nxdomain"}


class TestReverse:
    async def ask(self, folder: Path, records: dict[tuple[str, str], Answer], address: str) -> str | None:
        with NameServer(records) as server:
            names = NameResolver(policy(folder, resolver=server.place), timed(names={"reverse": 0.2}))
            both = await asyncio.gather(names.reverse(address), names.reverse(address))
            await names.close()
        assert both[0] == both[1]
        assert len(server.asked) <= 1
        return both[0]

    @pytest.mark.parametrize(
        ("address", "pointer"),
        [
            ("192.0.2.7", "7.2.0.192.in-addr.arpa"),
            ("2001:db8::7", "7" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa"),
            ("fe80::7%eth0", "7" + ".0" * 27 + ".0.8.e.f.ip6.arpa"),
        ],
    )
    async def test_a_name(self, tmp_path: Path, address: str, pointer: str) -> None:
        assert await self.ask(tmp_path, {(pointer, "PTR"): ["a.example."]}, address) == "a.example"

    @pytest.mark.parametrize("answer", ["NXDOMAIN", "NODATA", "SERVFAIL", "SILENT", ["."]])
    async def test_none(self, tmp_path: Path, answer: Answer) -> None:
        assert await self.ask(tmp_path, {("7.2.0.192.in-addr.arpa", "PTR"): answer}, "192.0.2.7") is None

    async def test_what_is_no_address(self, tmp_path: Path) -> None:
        assert await self.ask(tmp_path, {("*", "*"): "SILENT"}, "a.example") is None

    async def test_an_odd_name_is_made_fit_to_be_shown(self, tmp_path: Path) -> None:
        records: dict[tuple[str, str], Answer] = {
            ("7.2.0.192.in-addr.arpa", "PTR"): ["\\027[31m\\226\\128\\174.example."]
        }
        name = await self.ask(tmp_path, records, "192.0.2.7")
        assert name is not None
        assert name.isprintable()


class TestTheSecondResolver:
    async def ask(self, rules: Policy, name: str = "a.example") -> NameAnswer | None:
        names = NameResolver(rules, QUICK)
        try:
            return await names.second(name)
        finally:
            await names.close()

    async def test_it_is_asked_only_where_the_policy_has_one(self, tmp_path: Path) -> None:
        assert await self.ask(policy(tmp_path)) is None

    async def test_it_answers_for_itself(self, tmp_path: Path) -> None:
        with NameServer({A: ["192.0.2.1"]}) as first, NameServer({A: ["192.0.2.2"]}) as second:
            rules = policy(tmp_path, tables=f'[controls]\nresolver = "{second.place}"\n', resolver=first.place)
            answer = await self.ask(rules)
            assert answer is not None
            assert (answer.name, answer.source, answer.state) == ("a.example", "second", "ok")
            assert answer.addresses == ("192.0.2.2",)
            missing = await self.ask(rules, "b.example")
            assert missing is not None
            assert missing.state == "nxdomain"
            assert await self.ask(rules, "192.0.2.7") is None
        assert first.asked == []


class TestTheSystemsResolver:
    """Addresses come from getaddrinfo; DNS is asked only for the reason of a failure."""

    @pytest.fixture
    def system(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[tuple[str, str], Answer], Any], NameAnswer]:
        def run(records: dict[tuple[str, str], Answer], getaddrinfo: Any) -> NameAnswer:
            import dns.asyncresolver

            monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", getaddrinfo)
            # What hung in another test is not to be waited for in this one.
            monkeypatch.setattr("poterne.net.resolver.SYSTEM", Questions(8))
            with NameServer(records) as server:
                original = dns.asyncresolver.Resolver

                def configured(*_: object, **__: object) -> dns.asyncresolver.Resolver:
                    made = original(configure=False)
                    made.nameservers = ["127.0.0.1"]
                    made.port = server.port
                    return made

                monkeypatch.setattr(dns.asyncresolver, "Resolver", configured)

                async def once() -> NameAnswer:
                    names = NameResolver(Policy(), QUICK)
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

    async def test_why_a_guess_has_no_address_is_not_asked_until_somebody_names_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        async def question(_: NameResolver, name: str, kind: str, **__: object) -> tuple[str, None]:
            asked.append(f"{name} {kind}")
            return "nxdomain", None

        monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", self.failing)
        monkeypatch.setattr(NameResolver, "_question", question)
        names = NameResolver(Policy(), QUICK)
        guessed = await names.guess("a.example", "guess")
        assert (guessed.state, guessed.addresses, guessed.source, asked) == ("nodata", (), "guess", [])
        named = await names.addresses("a.example", "mx")
        assert (named.state, sorted(asked)) == ("nxdomain", ["a.example A", "a.example AAAA"])
        assert (await names.guess("a.example", "guess")).state == "nxdomain"
        await names.close()

    async def test_a_guess_that_resolves_is_not_looked_up_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked: list[object] = []

        def finding(name: str, *_: object, **__: object) -> list[object]:
            looked.append(name)
            return [(0, 0, 0, "", ("127.0.0.7", 0))]

        monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", finding)
        names = NameResolver(Policy(), QUICK)
        both = await names.guess("a.example", "guess"), await names.addresses("a.example", "mx")
        await names.close()
        assert [(answer.source, answer.addresses) for answer in both] == [(s, ("127.0.0.7",)) for s in ("guess", "mx")]
        assert looked == ["a.example"]

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
            time.sleep(4.0)
            return []

        started = time.monotonic()
        answer = system({("*", "*"): "SILENT"}, hanging)
        assert answer.state == "timeout"
        assert time.monotonic() - started < 3.9

    def test_a_slow_answer_still_counts_where_dns_knows_the_name(self, system: Any) -> None:
        def slow(*_: object, **__: object) -> list[object]:
            time.sleep(0.3)
            return [(0, 0, 0, "", ("127.0.0.9", 0))]

        answer = system({A: ["127.0.0.1"]}, slow)
        assert (answer.state, answer.addresses) == ("ok", ("127.0.0.9",))

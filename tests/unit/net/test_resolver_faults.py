"""Faults of name services, one by one: what is told of them, and that nobody is led by them."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import dns.asyncresolver
import dns.message
import dns.nameserver
import dns.rrset
import pytest
from tests.unit.core_dns import Answer, Forgery, NameServer
from tests.unit.core_timing import QUICK
from tests.unit.core_world import policy

from poterne.net.resolver import MAX_TEXTS, NameResolver
from poterne.policy import Policy
from poterne.report import NameAnswer

NAME = "a.example"
A, AAAA = (NAME, "A"), (NAME, "AAAA")
Records = dict[tuple[str, str], Answer]


async def ask(folder: Path, server: NameServer) -> NameAnswer:
    names = NameResolver(policy(folder, resolver=server.place), QUICK)
    started = time.monotonic()
    try:
        return await names.addresses(NAME, "typed")
    finally:
        await names.close()
        assert time.monotonic() - started < 3


def chain(length: int) -> Records:
    """That many aliases, and an address at the end."""
    names = [NAME, *(f"alias-{number}.example" for number in range(1, length)), "end.example"]
    aliases: Records = {(one, "CNAME"): [f"{other}."] for one, other in pairwise(names)}
    return {**aliases, ("end.example", "A"): ["192.0.2.7"]}


FAULTS: dict[str, tuple[Records, str, tuple[str, ...]]] = {
    "truncated and no TCP": ({("*", "*"): "TRUNCATED"}, "servfail", ()),
    "truncated for one family": ({A: ["192.0.2.7"], AAAA: "TRUNCATED"}, "ok", ("192.0.2.7",)),
    "an alias": (chain(1), "ok", ("192.0.2.7",)),
    "ten aliases": (chain(10), "ok", ("192.0.2.7",)),
    "twenty aliases": (chain(20), "servfail", ()),
    "an alias of itself": ({(NAME, "CNAME"): [f"{NAME}."]}, "servfail", ()),
    "a loop of two aliases": (
        {(NAME, "CNAME"): ["b.example."], ("b.example", "CNAME"): [f"{NAME}."]},
        "servfail",
        (),
    ),
    "an alias of nothing": ({(NAME, "CNAME"): ["nowhere.example."]}, "nxdomain", ()),
    "an alias of a name without addresses": (
        {(NAME, "CNAME"): ["b.example."], ("b.example", "TXT"): ['"x"']},
        "nodata",
        (),
    ),
    "NXDOMAIN for one family": ({A: "NXDOMAIN", AAAA: ["2001:db8::7"]}, "ok", ("2001:db8::7",)),
    "DNS64": ({AAAA: ["64:ff9b::c000:207"]}, "ok", ("64:ff9b::c000:207",)),
    "refused for one family": ({A: "REFUSED", AAAA: "NODATA"}, "servfail", ()),
}


@pytest.mark.parametrize(("records", "state", "addresses"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault(tmp_path: Path, records: Records, state: str, addresses: tuple[str, ...]) -> None:
    with NameServer(records) as server:
        answer = await ask(tmp_path, server)
    assert (answer.state, answer.addresses) == (state, addresses)


def _other_id(true: dns.message.Message) -> dns.message.Message:
    true.id ^= 1
    return _poisoned(true)


def _poisoned(true: dns.message.Message) -> dns.message.Message:
    true.answer = [dns.rrset.from_text(f"{NAME}.", 60, "IN", "A", "192.0.2.66")] if true.answer else []
    return true


def _other_question(true: dns.message.Message) -> dns.message.Message:
    forged = dns.message.make_response(dns.message.make_query("evil.example.", "A", id=true.id))
    forged.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", "A", "192.0.2.66"))
    return forged


@pytest.mark.parametrize(
    ("forged", "from_elsewhere"),
    [
        pytest.param(_other_id, False, id="another id"),
        pytest.param(_poisoned, True, id="another port"),
        pytest.param(_other_question, False, id="another question"),
    ],
)
async def test_a_forged_answer_is_not_taken(tmp_path: Path, forged: Forgery, from_elsewhere: bool) -> None:
    """RFC 5452 section 9.1: the id, the question and the port have to be those of the question."""
    with NameServer({A: ["192.0.2.7"]}, forged=forged, from_elsewhere=from_elsewhere) as server:
        answer = await ask(tmp_path, server)
    assert (answer.state, answer.addresses) == ("ok", ("192.0.2.7",))


async def test_what_cannot_be_told_from_the_true_answer_is_taken(tmp_path: Path) -> None:
    """So it was the id, the port and the question that made the difference."""
    with NameServer({A: ["192.0.2.7"]}, forged=_poisoned) as server:
        answer = await ask(tmp_path, server)
    assert "192.0.2.66" in answer.addresses


async def test_an_answer_that_must_not_be_kept_is_kept_for_the_check(tmp_path: Path) -> None:
    """A TTL of 0: who asked twice might judge one address and dial another."""
    with NameServer({A: ["192.0.2.7"]}, ttl=0) as server:
        names = NameResolver(policy(tmp_path, resolver=server.place), QUICK)
        first = await names.addresses(NAME, "typed")
        second = await names.addresses(NAME, "mx")
        await names.close()
    assert first.addresses == second.addresses == ("192.0.2.7",)
    assert len(server.asked) == 2


class TestSeveralResolvers:
    """As the system's configuration may name them."""

    @pytest.fixture
    def configured(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[NameServer]], None]]:
        original = dns.asyncresolver.Resolver

        def configure(servers: list[NameServer]) -> None:
            def made(*_: object, **__: object) -> dns.asyncresolver.Resolver:
                resolver = original(configure=False)
                resolver.nameservers = [dns.nameserver.Do53Nameserver("127.0.0.1", server.port) for server in servers]
                resolver.timeout = 0.15
                return resolver

            monkeypatch.setattr(dns.asyncresolver, "Resolver", made)

        monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", lambda *_, **__: [])
        yield configure

    @pytest.mark.parametrize("first", ["SILENT", "SERVFAIL", "REFUSED", "TRUNCATED"])
    async def test_one_that_fails_is_passed_over(
        self, configured: Callable[[list[NameServer]], None], first: str
    ) -> None:
        with NameServer({("*", "*"): first}) as ill, NameServer({("a.example", "MX"): ["10 b.example."]}) as well:
            configured([ill, well])
            names = NameResolver(Policy(), QUICK)
            answer = await names.mail_exchangers(NAME)
            await names.close()
        assert (answer.state, answer.mail_exchangers) == ("ok", ("b.example",))

    async def test_silence_of_all(self, configured: Callable[[list[NameServer]], None]) -> None:
        with NameServer({("*", "*"): "SILENT"}) as one, NameServer({("*", "*"): "SILENT"}) as other:
            configured([one, other])
            names = NameResolver(Policy(), QUICK)
            started = time.monotonic()
            answer = await names.mail_exchangers(NAME)
            await names.close()
            assert time.monotonic() - started < 3
        assert answer.state == "timeout"


async def test_long_texts(tmp_path: Path) -> None:
    """4 KB in one record, and more records than anybody needs."""
    long = " ".join(f'"{letter * 250}"' for letter in "abcdefghijklmnop")
    with (
        NameServer({(NAME, "TXT"): [long]}) as server,
        NameServer({(NAME, "TXT"): [f'"{n}"' for n in range(99)]}) as many,
    ):
        names = NameResolver(policy(tmp_path, resolver=server.place), QUICK)
        state, texts = await names.texts(NAME)
        await names.close()
        names = NameResolver(policy(tmp_path, resolver=many.place), QUICK)
        crowd = await names.texts(NAME)
        await names.close()
    assert state == "ok"
    assert [len(text) for text in texts] == [4000]
    assert len(crowd[1]) == MAX_TEXTS

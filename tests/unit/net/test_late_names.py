"""Names that the system finds late, what DNS itself says of them, and which of its name servers keep silent."""

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_dns import Answer, NameServer
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import policy

from poterne.net import resolver as resolvers
from poterne.net.resolver import NameResolver
from poterne.net.system_names import SystemResolver
from poterne.net.threads import Questions
from poterne.policy import Policy, Resolver
from poterne.report import NameAnswer
from poterne.report import NameServer as Seen

NAME = "a.example"
KNOWN: dict[tuple[str, str], Answer] = {(NAME, "A"): ["192.0.2.7"]}
TIMING = timed(QUICK, names={"answer": 0.4, "patience": 0.1, "silent": 0.4})


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has getaddrinfo answer after some seconds, and resolv.conf wait for so long; questions of DNS go to a server."""

    def arranged(server: NameServer, seconds: float, *addresses: str, rules: SystemResolver | None = None) -> None:
        def getaddrinfo(*_: object, **__: object) -> list[object]:
            time.sleep(seconds)
            if not addresses:
                raise socket.gaierror(socket.EAI_AGAIN, "no answer")
            return [(0, 0, 0, "", (address, 0)) for address in addresses]

        monkeypatch.setattr("poterne.net.resolver.socket.getaddrinfo", getaddrinfo)
        monkeypatch.setattr(resolvers, "SYSTEM", Questions(8))
        monkeypatch.setattr(resolvers, "system_resolver", lambda: rules or SystemResolver(seconds=1, attempts=1))
        usual = NameResolver._resolver

        def made(self: NameResolver, asked: Resolver | None) -> Any:
            return usual(self, asked or Resolver(address="127.0.0.1", port=server.port))

        monkeypatch.setattr(NameResolver, "_resolver", made)

    return arranged


async def ask(name: str = NAME) -> NameAnswer:
    names = NameResolver(Policy(), TIMING)
    try:
        return await names.addresses(name, "typed")
    finally:
        await names.close()


def test_a_name_that_the_system_finds_late_is_found(system: Any) -> None:
    with NameServer(KNOWN) as server:
        system(server, 0.7, "192.0.2.7")
        answer = asyncio.run(ask())
    assert (answer.state, answer.addresses) == ("ok", ("192.0.2.7",))
    assert answer.elapsed_ms >= 700


def test_the_system_is_not_waited_for_longer_than_its_own_rules_say(system: Any) -> None:
    with NameServer(KNOWN) as server:
        system(server, 3.0, "192.0.2.7")
        started = time.monotonic()
        answer = asyncio.run(ask())
    assert answer.state == "timeout"
    assert time.monotonic() - started < 2.5


def test_where_dns_does_not_know_the_name_the_system_is_not_waited_for(system: Any) -> None:
    with NameServer({}) as server:
        system(server, 3.0, "192.0.2.7")
        started = time.monotonic()
        assert asyncio.run(ask()).state == "nxdomain"
    assert time.monotonic() - started < 0.9


def test_what_dns_and_the_hosts_file_say(system: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolvers, "in_hosts_file", {NAME: ("192.0.2.1",)}.get)

    async def said() -> tuple[NameAnswer, ...]:
        names = NameResolver(Policy(), TIMING)
        return await names.by_dns(NAME)

    with NameServer(KNOWN) as server:
        system(server, 0.0, "192.0.2.1")
        answers = asyncio.run(said())
    assert [(answer.source, answer.addresses) for answer in answers] == [
        ("dns", ("192.0.2.7",)), ("hosts", ("192.0.2.1",)),
    ]  # fmt: skip


def test_a_lab_that_answers_itself_has_no_other_opinion(tmp_path: Path) -> None:
    async def said(rules: Policy) -> tuple[object, ...]:
        names = NameResolver(rules, TIMING)
        return (*await names.by_dns(NAME), *await names.name_servers(NAME), *await names.by_dns("192.0.2.7"))

    with NameServer(KNOWN) as server:
        assert asyncio.run(said(policy(tmp_path, resolver=server.place))) == ()


@pytest.mark.parametrize(("first", "answers"), [("SILENT", False), ("NXDOMAIN", True), ("REFUSED", True)])
def test_each_name_server_is_asked_alone(
    first: str, answers: bool, system: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def seen() -> tuple[Seen, ...]:
        return await NameResolver(Policy(), TIMING).name_servers(NAME)

    with NameServer({("*", "*"): first}) as one, NameServer(KNOWN) as other:
        system(other, 0.0, rules=SystemResolver(("127.0.0.2", "127.0.0.3")))
        ports = {"127.0.0.2": one.port, "127.0.0.3": other.port}
        usual = NameResolver._resolver

        def placed(self: NameResolver, asked: Resolver | None) -> Any:
            assert asked is not None
            return usual(self, Resolver(address="127.0.0.1", port=ports[asked.address]))

        monkeypatch.setattr(NameResolver, "_resolver", placed)
        found = asyncio.run(seen())
    assert [(server.address, server.answers) for server in found] == [("127.0.0.2", answers), ("127.0.0.3", True)]

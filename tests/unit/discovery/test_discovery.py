import asyncio
from pathlib import Path

import pytest
from tests.unit.core_dns import Answer, NameServer
from tests.unit.core_timing import QUICK, timed
from tests.unit.core_world import policy

from poterne.discovery import Discovery, Server
from poterne.knowledge.timing import Timing
from poterne.net.resolver import NameResolver
from poterne.report import NameAnswer, Target
from poterne.target.parser import parse

Records = dict[tuple[str, str], Answer]


def discover(
    folder: Path, text: str, records: Records, timing: Timing = QUICK
) -> tuple[list[Server], Target, list[NameAnswer]]:
    async def run() -> tuple[list[Server], Target, list[NameAnswer]]:
        with NameServer(records) as server:
            resolver = NameResolver(policy(folder, resolver=server.place), timing)
            names: list[NameAnswer] = []
            discovery = Discovery(parse(text), resolver, names)
            servers = [found async for found in discovery.servers()]
            await resolver.close()
            return servers, discovery.target, names

    return asyncio.run(run())


def hosts(servers: list[Server]) -> set[tuple[str, str]]:
    return {(server.host, server.source) for server in servers}


HERE: Answer = ["127.0.0.1"]


@pytest.mark.parametrize("text", ["127.0.0.1", "localhost.example:25", "[::1]:993", "server"])
def test_a_server_or_an_endpoint_is_itself(tmp_path: Path, text: str) -> None:
    servers, target, _ = discover(tmp_path, text, {("localhost.example", "A"): HERE, ("server", "A"): HERE})
    (server,) = servers
    assert (server.host, server.source) == (target.host, "typed")
    assert server.answer.addresses


def test_an_endpoint_and_its_alternatives_on_the_same_host(tmp_path: Path) -> None:
    ports = discover(tmp_path, "127.0.0.1:25", {})[0][0].ports
    assert ports[0] == 25
    assert {465, 587} < set(ports)
    assert not {993, 143, 110, 995} & set(ports)
    assert discover(tmp_path, "127.0.0.1:993", {})[0][0].ports[0] == 993
    assert discover(tmp_path, "127.0.0.1:443", {})[0][0].ports == (443,)


def test_a_server_is_every_mail_port(tmp_path: Path) -> None:
    assert set(discover(tmp_path, "127.0.0.1", {})[0][0].ports) == {25, 110, 143, 465, 587, 993, 995, 2525, 4190}


def test_an_account_has_conventional_names(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "MX"): ["10 mx.other.example."],
        ("smtp.example.org", "A"): HERE,
        ("imap.example.org", "A"): ["127.0.0.2"],
    }
    servers, _, names = discover(tmp_path, "me@example.org", records)
    assert hosts(servers) == {("smtp.example.org", "guess"), ("imap.example.org", "guess")}
    by_host = {server.host: set(server.ports) for server in servers}
    assert by_host["smtp.example.org"] == {25, 465, 587, 2525}
    assert by_host["imap.example.org"] == {143, 993, 4190}
    assert ("example.org", "mx") in {(answer.name, answer.source) for answer in names}


def test_the_domains_own_exchanger_is_tried_beside_conventional_names(tmp_path: Path) -> None:
    """A name that resolves need not serve: `mail.` may be a web page."""
    records: Records = {
        ("example.org", "MX"): ["10 mx.example.org."],
        ("mx.example.org", "A"): HERE,
        ("mail.example.org", "A"): ["127.0.0.2"],
    }
    servers, _, _ = discover(tmp_path, "me@example.org", records)
    assert hosts(servers) == {("mail.example.org", "guess"), ("mx.example.org", "mx")}
    assert {25, 465, 587, 143, 993} <= set(servers[-1].ports)


def test_an_exchanger_that_is_a_conventional_name_is_planned_once(tmp_path: Path) -> None:
    records: Records = {("example.org", "MX"): ["10 mail.example.org."], ("mail.example.org", "A"): HERE}
    servers, _, _ = discover(tmp_path, "me@example.org", records)
    assert hosts(servers) == {("mail.example.org", "guess")}


def test_an_exchanger_that_a_wildcard_gives_makes_no_domain(tmp_path: Path) -> None:
    everybody: Answer = ["10 mx.example.org."]
    records: Records = {("*", "MX"): everybody, ("smtp.example.org", "A"): HERE}
    servers, target, _ = discover(tmp_path, "smtp.example.org", records)
    assert (target.kind, target.host) == ("server", "smtp.example.org")
    assert hosts(servers) == {("smtp.example.org", "typed")}


def test_a_silent_name_service_does_not_end_the_guesses(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "A"): "SILENT",
        ("example.org", "AAAA"): "SILENT",
        ("example.org", "MX"): "SILENT",
        ("smtp.example.org", "A"): HERE,
    }
    servers, _, _ = discover(tmp_path, "example.org", records)
    assert ("smtp.example.org", "guess") in hosts(servers)


def test_without_conventional_names_the_exchangers_are_tried(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "MX"): ["20 mx2.other.example.", "10 mx1.other.example.", "30 mx3.other.example."],
        **{(f"mx{number}.other.example", "A"): [f"127.0.0.{number}"] for number in (1, 2, 3)},
    }
    servers, _, _ = discover(tmp_path, "me@example.org", records)
    assert hosts(servers) == {("mx1.other.example", "mx"), ("mx2.other.example", "mx")}
    assert 25 in servers[0].ports


def test_without_exchangers_the_domain_itself_is(tmp_path: Path) -> None:
    servers, _, _ = discover(tmp_path, "me@example.org", {("example.org", "A"): HERE})
    assert hosts(servers) == {("example.org", "domain")}


@pytest.mark.parametrize("text", ["me@example.org", "example.org"])
def test_a_domain_that_takes_no_mail_has_no_exchanger(tmp_path: Path, text: str) -> None:
    servers, target, names = discover(tmp_path, text, {("example.org", "MX"): ["0 ."], ("example.org", "A"): HERE})
    assert servers == []
    assert target.kind in ("account", "domain")
    assert any(answer.mail_exchangers == ("",) for answer in names)


def test_a_bare_name_with_an_exchanger_is_a_domain(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "MX"): ["10 mx.example.org."],
        ("example.org", "A"): HERE,
        ("mx.example.org", "A"): ["127.0.0.2"],
    }
    servers, target, _ = discover(tmp_path, "example.org", records)
    assert (target.kind, target.domain, target.host) == ("domain", "example.org", None)
    assert hosts(servers) == {("mx.example.org", "mx")}


def test_a_bare_name_with_an_address_alone_is_a_server(tmp_path: Path) -> None:
    servers, target, _ = discover(tmp_path, "smtp.example.org", {("smtp.example.org", "A"): HERE})
    assert (target.kind, target.domain, target.host) == ("server", None, "smtp.example.org")
    assert hosts(servers) == {("smtp.example.org", "typed")}


SILENT_SERVICES: Records = {
    (f"_{name}._tcp.smtp.example.org", "SRV"): "SILENT"
    for name in ("submissions", "submission", "imaps", "imap", "pop3s", "pop3", "sieve")
}


async def test_a_typed_server_is_there_before_unanswered_questions_end(
    tmp_path: Path,
) -> None:
    timing = timed(names={"answer": 60.0}, discovery={"deciding": 60.0})
    with NameServer({("smtp.example.org", "A"): HERE, **SILENT_SERVICES}) as server:
        resolver = NameResolver(policy(tmp_path, resolver=server.place), timing)
        discovery = Discovery(parse("smtp.example.org"), resolver, [])
        found = []
        async with asyncio.timeout(30):
            async for each in discovery.servers():
                found.append(each)
                assert not discovery.decided
                discovery.enough.set()
        await resolver.close()
    assert hosts(found) == {("smtp.example.org", "typed")}
    assert (discovery.target.kind, discovery.target.host) == ("server", "smtp.example.org")
    assert 25 in found[0].ports


def test_a_server_that_turns_out_to_be_a_domain_is_one(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "A"): HERE,
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 in.example.org."],
        ("in.example.org", "A"): ["127.0.0.2"],
    }
    servers, target, _ = discover(tmp_path, "example.org", records, timed(discovery={"undecided": 0.0}))
    assert target.kind == "domain"
    assert ("in.example.org", "srv") in hosts(servers)


def test_a_domain_that_is_its_own_exchanger_was_named_by_dns(tmp_path: Path) -> None:
    records: Records = {("example.org", "MX"): ["10 example.org."], ("example.org", "A"): HERE}
    servers, target, _ = discover(tmp_path, "example.org", records)
    assert target.kind == "domain"
    assert hosts(servers) == {("example.org", "mx")}


@pytest.mark.parametrize("text", ["me@example.org", "example.org", "smtp.example.org:25"])
def test_what_does_not_exist_yields_nothing_to_dial_and_says_so(tmp_path: Path, text: str) -> None:
    servers, _, names = discover(tmp_path, text, {})
    assert [server for server in servers if server.answer.addresses] == []
    assert "nxdomain" in {answer.state for answer in names}


def test_names_that_only_a_wildcard_makes_are_passed_over(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "MX"): ["10 mx.example.org."],
        ("mx.example.org", "A"): ["127.0.0.2"],
        ("imap.example.org", "A"): ["127.0.0.3"],
        ("*", "A"): ["127.0.0.99"],
    }
    servers, _, _ = discover(tmp_path, "me@example.org", records)
    assert "imap.example.org" in {server.host for server in servers}
    assert not {"smtp.example.org", "mail.example.org", "pop.example.org"} & {server.host for server in servers}


def test_an_exchanger_with_a_name_that_no_host_has_is_passed_over(tmp_path: Path) -> None:
    records: Records = {
        ("example.org", "MX"): ["1 a\\032b.example.", "2 mx.example.org."],
        ("mx.example.org", "A"): HERE,
    }
    servers, _, _ = discover(tmp_path, "me@example.org", records)
    assert hosts(servers) == {("mx.example.org", "mx")}


def test_silence_about_a_random_name_does_not_hold_the_guesses(tmp_path: Path) -> None:
    records: Records = {("smtp.example.org", "A"): HERE, ("smtp.example.org", "AAAA"): "NODATA", ("*", "*"): "SILENT"}
    servers, _, _ = discover(tmp_path, "me@example.org", records)
    assert "smtp.example.org" in {server.host for server in servers}


@pytest.mark.parametrize("text", ["example.org", "me@example.org", "smtp.example.org:25"])
async def test_leaving_in_the_middle_leaves_no_task(tmp_path: Path, text: str) -> None:
    with NameServer({("*", "*"): "SILENT"}) as server:
        resolver = NameResolver(policy(tmp_path, resolver=server.place), QUICK)
        servers = Discovery(parse(text), resolver, []).servers()

        async def consume() -> None:
            async for _ in servers:
                pass

        consuming = asyncio.create_task(consume())
        await asyncio.sleep(0.1)
        consuming.cancel()
        await asyncio.gather(consuming, return_exceptions=True)
        await servers.aclose()
        await resolver.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

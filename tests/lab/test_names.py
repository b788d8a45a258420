"""Names: every way in which DNS fails, apart, and names that lead where nobody may be led."""

import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress

import pytest

from .runs import Run
from .world import World

Runs = dict[str, "Future[Run]"]


@pytest.fixture(scope="module")
def traps(world: World) -> Iterator[list[socket.socket]]:
    """Listeners on the client's own loopback: whoever is led there by a stranger's DNS is caught."""
    world.client.ip("addr add 169.254.169.254/32 dev lo")
    listeners = [
        world.client.listen(address, port)
        for address in ("127.0.0.1", "169.254.169.254")
        for port in (25, 465, 587, 143, 993, 80)
    ]
    for listener in listeners:
        listener.setblocking(False)
    yield listeners
    for listener in listeners:
        listener.close()
    world.client.ip("addr del 169.254.169.254/32 dev lo")


@pytest.fixture(scope="module")
def runs(world: World, traps: list[socket.socket]) -> Iterator[Runs]:
    zone = world.zone
    zone.add("empty.test")
    zone.add("server.empty.test")
    zone.fail("broken.test")
    zone.silence("silent.test")
    listed = world.real("listed-elsewhere")
    world.topology.hosts_file(f"{listed.v4} only-in-hosts.real.test")

    zone.add("evil.test", mx=["10 loop.evil.test.", "20 meta.evil.test."])
    zone.add("loop.evil.test", a=["127.0.0.1"], aaaa=["::1"])
    zone.add("meta.evil.test", a=["169.254.169.254"], aaaa=["::ffff:127.0.0.1"])
    zone.add("smtp.evil.test", a=["127.0.0.1"])
    zone.add("imap.evil.test", a=["127.0.0.1"])

    wild = world.host("mx.wild.test")
    zone.add("wild.test", mx=["10 mx.wild.test."])
    zone.add_wildcard("wild.test", a=[wild.v4 or ""])

    zone.add("half.test", mx=["10 gone.half.test."])
    zone.add("half-null.test", mx=["0 ."])
    inside = world.host("mx.inside.test", "private")
    world.name("imap.inside.test", inside)
    zone.add("inside.test", mx=[f"10 {inside.name}."])

    closed, live = world.real("first-closed"), world.real("second-open")
    rule = world.at_farm.block(closed, action="reset", chain="input")
    zone.add("two.real.test", a=[closed.v4 or "", live.v4 or ""])
    targets = {
        "nxdomain server": "nowhere.nxdomain.test",
        "nxdomain endpoint": "nowhere.nxdomain.test:587",
        "nxdomain account": "user@nxdomain.test",
        "nodata server": "server.empty.test",
        "nodata endpoint": "server.empty.test:993",
        "servfail server": "mail.broken.test",
        "servfail endpoint": "mail.broken.test:465",
        "servfail account": "user@broken.test",
        "timeout server": "mail.silent.test",
        "timeout endpoint": "mail.silent.test:587",
        "timeout account": "user@silent.test",
        "hosts file": "only-in-hosts.real.test:465",
        "evil": "user@evil.test",
        "wild": "user@wild.test",
        "inside": "user@inside.test",
        "two addresses": "two.real.test",
        "two addresses, one port": "two.real.test:587",
        "mx gone": "user@half.test",
        "null mx": "user@half-null.test",
    }
    with rule:
        yield {name: world.start(target) for name, target in targets.items()}


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(failure, kind) for failure in ("nxdomain", "servfail", "timeout") for kind in ("server", "endpoint", "account")]
    + [("nodata", "server"), ("nodata", "endpoint")],
)
def test_each_failure_has_its_code(runs: Runs, failure: str, kind: str) -> None:
    run = runs[f"{failure} {kind}"].result()
    assert run.status == 1
    assert run.verdict == f"dns-{failure}"
    assert {code for code in run.codes if code.startswith("dns-")} == {f"dns-{failure}"}
    assert run.observations == []
    assert run.settings("outgoing") == run.settings("incoming") == []
    finding = run.findings(f"dns-{failure}")[0]
    assert finding["host"] in {run.report["target"]["host"], run.report["target"]["domain"]}


def test_dns_silence_ends_in_time(runs: Runs) -> None:
    assert runs["timeout endpoint"].result().report["elapsed_ms"] < 30_000


def test_addresses_come_from_where_a_mail_program_would_take_them(runs: Runs) -> None:
    run = runs["hosts file"].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}


def test_a_domain_cannot_lead_to_this_machine(runs: Runs, traps: list[socket.socket]) -> None:
    run = runs["evil"].result()
    assert run.status == 3, "what may not be dialled is forbidden, not broken"
    assert run.events == []
    caught = []
    for trap in traps:
        with suppress(BlockingIOError):
            caught.append(trap.accept())
    for connection, _ in caught:
        connection.close()
    assert not caught


def test_a_domain_may_lead_to_private_addresses(runs: Runs) -> None:
    run = runs["inside"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.settings("incoming")[0] == ("imap.inside.test", 993, "tls")


@pytest.mark.parametrize("name", ["two addresses", "two addresses, one port"])
def test_the_second_address_is_tried_where_the_first_is_closed(runs: Runs, name: str) -> None:
    """As a mail program would: it walks the list that getaddrinfo gives (RFC 6724)."""
    run = runs[name].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert ("two.real.test", 587, "starttls") in run.settings("outgoing")


def test_a_wildcard_is_no_obstacle(runs: Runs) -> None:
    run = runs["wild"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.settings("outgoing")[0][1:] == (465, "tls")
    assert run.settings("incoming")[0][1:] == (993, "tls")


def test_an_mx_that_does_not_exist_is_named(runs: Runs) -> None:
    run = runs["mx gone"].result()
    assert run.status == 1
    assert "dns-nxdomain" in run.codes
    assert "gone.half.test" in {finding["host"] for finding in run.findings("dns-nxdomain")}


def test_a_domain_that_takes_no_mail(runs: Runs) -> None:
    """RFC 7505: the root as the only MX is no server to look for."""
    run = runs["null mx"].result()
    assert run.status == 1
    assert run.verdict == "null-mx"
    assert run.observations == []
    assert not [name for name in run.report["names"] if name["name"] in ("", ".")]

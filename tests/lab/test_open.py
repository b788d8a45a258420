"""Everything is open: servers, accounts and domains in front of real Postfix and Dovecot."""

import json
import sys
from collections.abc import Iterator

import pytest

from . import dialogues
from .runs import HOST_SOURCES, Run
from .scripted import server_context
from .topology import Host
from .world import World

_MAIL_PORTS = {25, 465, 587, 143, 993, 110, 995, 4190}
_LAB_NETWORKS = (
    "198.51.100.0/24",
    "203.0.113.0/24",
    "10.78.0.0/24",
    "2001:db8:51::/64",
    "2001:db8:113::/64",
    "fd78::/64",
)
_ASKED = {"EHLO", "STARTTLS", "QUIT", "CAPABILITY", "LOGOUT", "CAPA", "STLS"}


@pytest.fixture(scope="module")
def host(world: World) -> Host:
    return world.real("open")


@pytest.fixture(scope="module")
def account(world: World) -> str:
    """A domain with an MX and the conventional names, one of them an alias."""
    mx = world.host("mx.account.test")
    front = world.host("smtp.account.test")
    world.name("mail.account.test", front)
    world.name("pop.account.test", front)
    world.zone.add("imap.account.test", cname="mail.account.test.")
    world.zone.add("account.test", mx=[f"10 {mx.name}."])
    return "account.test"


@pytest.fixture(scope="module")
def international(world: World) -> Host:
    return world.host("xn--bcher-kva.test")


@pytest.fixture(scope="module")
def server(world: World, host: Host) -> Run:
    return world.check(host.name)


def test_a_server_is_good(server: Run, host: Host) -> None:
    assert server.status == 0
    assert server.verdict == "ok"
    assert server.telling_codes == {"ok"}
    assert server.report["target"]["kind"] == "server"
    assert server.report["target"]["host"] == host.name


def test_every_mail_port_was_seen_in_both_families(server: Run) -> None:
    for family in (4, 6):
        states = server.states(family)
        assert states.keys() >= _MAIL_PORTS
        assert {states[port] for port in _MAIL_PORTS} == {"open"}
        assert set(states.values()) <= {"open", "refused"}


def test_the_order_of_settings_is_that_of_rfc_8314(server: Run, host: Host) -> None:
    outgoing = server.settings("outgoing")
    assert outgoing[:2] == [(host.name, 465, "tls"), (host.name, 587, "starttls")]
    assert outgoing[2:] in ([], [(host.name, 25, "starttls")])
    incoming = server.settings("incoming")
    assert incoming[0] == (host.name, 993, "tls")
    assert sorted(incoming) == [
        (host.name, port, security)
        for port, security in ((110, "starttls"), (143, "starttls"), (993, "tls"), (995, "tls"))
    ]
    assert incoming.index((host.name, 995, "tls")) < incoming.index((host.name, 110, "starttls"))


def test_sign_in_is_told(server: Run) -> None:
    rows = {row["port"]: row["auth"] for row in server.report["settings"]["outgoing"] if row["verified"]}
    assert rows[465] == rows[587] == ["password"]
    assert rows.get(25, []) == []
    assert server.observation(465)["auth"] == ["PLAIN", "LOGIN"]
    assert server.observation(587)["auth_clear"] == []


@pytest.mark.parametrize("family", [4, 6])
def test_what_was_seen_of_an_endpoint(server: Run, family: int) -> None:
    seen = server.observation(587, family)
    assert "ESMTP Postfix" in seen["greeting"]
    assert seen["security"] == "starttls"
    assert any("STARTTLS" in line.upper() for line in seen["capabilities_clear"])
    assert not any("STARTTLS" in line.upper() for line in seen["capabilities"])
    tls = seen["tls"]
    assert (tls["version"], tls["trusted"], tls["name_ok"], tls["fault"]) == ("TLSv1.3", True, True, None)
    assert "Poterne Lab Intermediate" in tls["issuer"]
    assert "*.real.test" in tls["names"]
    assert {"connect_ms", "greeting_ms", "tls_ms"} <= {
        name for name, took in seen["stages"].items() if took is not None
    }


def test_manage_sieve_is_understood(server: Run) -> None:
    seen = server.observation(4190)
    assert (seen["service"], seen["security"]) == ("sieve", "starttls")
    assert seen["tls"]["fault"] is None


def test_settings_are_announced_before_the_report(server: Run) -> None:
    announced = [event["settings"] for event in server.events if event["type"] == "settings"]
    assert announced
    assert announced[0]["outgoing"] or announced[0]["incoming"]
    assert announced[-1] == server.report["settings"]


@pytest.fixture(scope="module")
def asked(world: World, account: str) -> Iterator[dict[str, Run]]:
    with world.at_home.count_strays(*_LAB_NETWORKS) as strays:
        runs = {target: world.start(target) for target in (f"user@{account}", account, f"  User@{account.upper()}. ")}
        yield {target.strip().lower(): run.result() for target, run in runs.items()}
        assert strays.packets == 0, "nobody but the target and its name servers was spoken to"


@pytest.mark.parametrize("target", ["user@account.test", "account.test", "user@account.test."])
def test_a_mail_domain_is_good(asked: dict[str, Run], target: str) -> None:
    run = asked[target]
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok"}
    assert run.report["target"]["kind"] == ("account" if "@" in target else "domain")
    assert run.report["target"]["domain"] == "account.test"


def test_an_account_gets_its_settings(asked: dict[str, Run]) -> None:
    run = asked["user@account.test"]
    outgoing, incoming = run.settings("outgoing"), run.settings("incoming")
    assert outgoing[0][1:] == (465, "tls")
    assert outgoing[0][0] in ("smtp.account.test", "mail.account.test")
    submission = next(place for place, row in enumerate(outgoing) if row[1:] == (587, "starttls"))
    assert all(security == "tls" for _, _, security in outgoing[:submission])
    assert incoming[0][1:] == (993, "tls")
    assert incoming[0][0] in ("imap.account.test", "mail.account.test")


def test_an_account_is_tested_on_25_too(asked: dict[str, Run]) -> None:
    seen = [seen for seen in asked["user@account.test"].observations if seen["port"] == 25]
    assert {observation["family"] for observation in seen} == {4, 6}
    assert {observation["state"] for observation in seen} == {"open"}


@pytest.mark.parametrize("target", ["smtps://bücher.test", "XN--BCHER-KVA.test.:465", "imaps://bücher.test./"])
def test_international_names_and_urls(world: World, international: Host, target: str) -> None:
    run = world.check(target)
    assert run.status == 0
    assert run.telling_codes == {"ok"}
    assert run.report["target"]["host"] == international.name


def test_json_is_one_report(world: World, host: Host) -> None:
    argv = [
        sys.executable,
        "-m",
        "poterne.cli.main",
        "check",
        f"{host.name}:465",
        "--json",
        "--policy",
        str(world.policy),
    ]
    report = json.loads(world.client.run("env", f"PYTHONPATH={HOST_SOURCES}", *argv))
    assert report["schema"] == 1
    assert report["verdict"]["code"] == "ok"
    assert report["target"] == report["target"] | {"kind": "endpoint", "host": host.name, "port": 465}


def test_text_names_the_settings(world: World, host: Host) -> None:
    argv = [sys.executable, "-m", "poterne", "check", f"{host.name}:465", "--policy", str(world.policy)]
    text = world.client.run("env", f"PYTHONPATH={HOST_SOURCES}", *argv)
    assert host.name in text
    assert "465" in text
    assert "Traceback" not in text


def test_one_connection_a_port_and_only_harmless_questions(world: World) -> None:
    tls = server_context(world.odd_certificate)
    site = world.scripted(
        "frugal",
        {
            25: dialogues.Smtp(tls, auth=None),
            587: dialogues.Smtp(tls),
            465: dialogues.Smtp(tls, implicit=True),
            143: dialogues.Imap(tls),
            993: dialogues.Imap(tls, implicit=True),
            110: dialogues.Pop3(tls),
            995: dialogues.Pop3(tls, implicit=True),
            4190: dialogues.Sieve(tls),
        },
        v6=True,
    )
    run = world.check(site.name)
    assert run.status == 0
    assert run.telling_codes == {"ok"}
    for port, server in site.servers.items():
        assert (server.connections(4), server.connections(6)) == (1, 1), port
    heard = [line for server in site.servers.values() for line in server.heard]
    verbs = {word.upper() for line in heard for word in line.split(" ")[:2] if word.upper() in _ASKED}
    assert verbs == _ASKED
    assert all(_ASKED & {word.upper() for word in line.split(" ")[:2]} for line in heard), heard
    greetings = {line.split(" ", 1)[1] for line in site.servers[25].heard if line.upper().startswith("EHLO")}
    assert greetings == {"[10.77.0.2]", "[IPv6:fd77::2]"}


def test_few_packets_for_seven_ports(world: World) -> None:
    host = world.real("packets", v6=False)
    with world.at_home.count_packets(host) as counter:
        run = world.check(host.name, "--ports", "25,465,587,143,993,110,995", "--family", "4")
        packets = counter.packets
    assert run.status == 0
    assert {seen["state"] for seen in run.observations} == {"open"}
    assert packets <= 110

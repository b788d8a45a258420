"""Whose refusal it is: this line's own address, a web server's, a private network's, a hosts file's, a name server's,
and that of a network which only a web proxy leads out of.
"""

import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress

import pytest

from . import dialogues
from .firewall import Firewall
from .operators import mail_service
from .proxies import _pump, _same
from .runs import Run
from .scenes import SENDS, Expected, Scenes, Stage
from .scripted import Behaviour, GoneError, Peer, server_context
from .topology import RESOLVER_V4, Host
from .world import World
from .zone import Zone

Runs = dict[str, "Future[Run]"]
scenes = Scenes("whose")

_MAIL = (25, 465, 587, 143, 993, 110, 995, 2525, 4190)
_SENDING = (25, 465, 587)
# Of the router at home, towards the provider.
WAN_V4, WAN_V6 = "192.0.2.129", "2001:db8:f:1::1"
# The backbone swallows what goes there.
NOBODY_V4, NOBODY_V6 = "198.18.0.53", "2001:db8:dead::53"


@pytest.fixture(scope="module")
def runs(world: World) -> Iterator[Runs]:
    yield from scenes.play(world)


def _named(stage: Stage, v4: str | None, v6: str | None) -> str:
    name = f"mail.{stage.label}.test"
    stage.world.zone.add(name, a=[v4] if v4 else [], aaaa=[v6] if v6 else [])
    return name


def _web(stage: Stage, name: str, *more: str) -> Host:
    """A web server, without any mail."""
    host = stage.world.host(name, "other")
    tls = server_context(stage.world.pki.leaf(name, *more))
    stage.world.serve(host, {80: dialogues.http, 443: dialogues.secure_web(tls)})
    return host


# ---- names from the router, and nothing behind it


def _router_answers(stage: Stage) -> None:
    """The router knows all names, and loses whatever it should pass on."""
    zone = Zone(stage.world.zone)
    zone.serve(stage.world.topology.home, stage.machine.gateway_v4)
    stage.stack.callback(zone.close)
    stage.world.topology.name_servers(stage.machine, stage.machine.gateway_v4)
    stage.rule(stage.world.at_home.isolate(stage.machine))


_OFFLINE = Expected("offline", "likely", status=(1, 3), never=("unproven", "dns-timeout"))


@scenes.scene(_OFFLINE)
def names_from_the_router(stage: Stage) -> "Future[Run]":
    _router_answers(stage)
    return stage.check()


@scenes.scene(_OFFLINE)
def names_from_the_router_and_no_portal(stage: Stage) -> "Future[Run]":
    _router_answers(stage)
    return stage.check(portal="")


@scenes.scene(Expected("unproven", status=1))
def names_from_afar_and_no_portal(stage: Stage) -> "Future[Run]":
    """Questions and answers of DNS pass: it is no dead line."""
    stage.rule(stage.world.at_home.ail(stage.machine))
    return stage.check(portal="")


# ---- the line's own address


_OWN = Expected("own-address", "likely", status=1, never=("port-closed", "unproven"))


@scenes.scene(_OWN)
def own_outer_address(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, WAN_V4, None))


@scenes.scene(_OWN)
def own_outer_addresses(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, WAN_V4, WAN_V6))


@scenes.scene(_OWN)
def own_outer_address_of_ipv6(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, None, WAN_V6))


@scenes.scene(_OWN)
def own_outer_address_endpoint(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, WAN_V4, None) + ":587")


@scenes.scene(_OWN)
def own_outer_address_that_rejects(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine, to=[WAN_V4], action="port-unreachable", chain="input"))
    return stage.check(_named(stage, WAN_V4, None))


@scenes.scene(Expected("own-address", "certain", status=1, never=("port-closed", "unproven")))
def own_router(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, stage.machine.gateway_v4, stage.machine.gateway_v6))


@scenes.scene(Expected("own-address", "certain", status=1, never=("port-closed", "unproven")))
def own_computer(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, stage.machine.v4, stage.machine.v6))


@scenes.scene(Expected(("gateway-firewall", "no-mail-service", "mail-allowlist"), status=1))
def box_resets_the_mail_of_one_server(stage: Stage) -> "Future[Run]":
    """The box refuses in the server's name; the web of the server passes it."""
    tls = server_context(stage.world.pki.leaf(stage.target.name))
    stage.world.serve(stage.target, {443: dialogues.secure_web(tls), 80: dialogues.http})
    stage.rule(stage.world.at_home.ail(stage.machine, *_MAIL, to=[stage.target], action="reset"))
    return stage.check()


# ---- a web server's address


@scenes.scene(Expected("no-mail-service", status=1, never=("unproven", "port-silent")))
def web_without_mail(stage: Stage) -> "Future[Run]":
    host = _web(stage, f"www.{stage.label}.test")
    stage.rule(stage.world.at_isp.block(host, *_MAIL))
    return stage.check(host.name)


@scenes.scene(Expected("no-mail-service", status=1, never=("unproven", "port-silent")))
def web_without_mail_endpoint(stage: Stage) -> "Future[Run]":
    host = _web(stage, f"mail.{stage.label}.test")
    stage.rule(stage.world.at_isp.block(host, *_MAIL))
    return stage.check(f"{host.name}:587")


@scenes.scene(Expected("wrong-host-name", "likely", status=1, maybe=("no-mail-service",)))
def web_without_mail_in_a_domain_with(stage: Stage) -> "Future[Run]":
    domain = f"{stage.label}.test"
    host = _web(stage, f"www.{domain}")
    stage.rule(stage.world.at_isp.block(host, *_MAIL))
    name = f"mail.{domain}"
    stage.world.serve(stage.world.host(name, "other"), mail_service(stage.world, name))
    stage.world.zone.add(domain, mx=[f"10 {name}."])
    return stage.check(host.name)


# ---- a private network's address


@scenes.scene(Expected("private-address", status=1, never=("unproven",)))
def private_network(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, "192.168.77.9", None))


@scenes.scene(Expected("private-address", status=1, never=("unproven",)))
def private_network_of_the_same_range(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, "10.99.0.9", None))


@scenes.scene(Expected("private-address", status=1, never=("unproven",)))
def private_network_of_both_families(stage: Stage) -> "Future[Run]":
    return stage.check(_named(stage, "192.168.77.9", "fd99::9"))


@scenes.scene(Expected("private-address", status=1, never=("unproven",)))
def private_network_that_the_router_rejects(stage: Stage) -> "Future[Run]":
    name = _named(stage, "192.168.77.10", None)
    stage.rule(stage.world.at_home.ail(stage.machine, to=["192.168.77.10"], action="admin-prohibited"))
    return stage.check(name, port=None)


@scenes.scene(Expected(("server-down", "unproven"), status=1))
def absent_in_the_own_network(stage: Stage) -> "Future[Run]":
    v4 = stage.machine.v4 or ""
    return stage.check(_named(stage, v4.rpartition(".")[0] + ".77", None))


@scenes.scene(Expected("ok", outgoing=SENDS))
def private_network_that_answers(stage: Stage) -> "Future[Run]":
    return stage.check(stage.world.host(f"{stage.label}.real.test", "private").name)


# ---- the hosts file


def _stale(stage: Stage, *addresses: str) -> str:
    """A name that serves well where DNS leads, and is somewhere else in the hosts file."""
    stage.world.topology.hosts_file(
        *(f"{address} {stage.target.name}" for address in addresses), namespace=stage.machine.namespace
    )
    return stage.target.name


@scenes.scene(Expected("dns-differs", "certain", status=1, never=("no-mail-service", "unproven")))
def hosts_file_leads_to_a_web_server(stage: Stage) -> "Future[Run]":
    return stage.check(_stale(stage, *_web(stage, f"www.{stage.label}.test").addresses))


@scenes.scene(Expected("dns-differs", "certain", status=1, never=("unproven",)))
def hosts_file_leads_nowhere(stage: Stage) -> "Future[Run]":
    return stage.check(_stale(stage, NOBODY_V4))


@scenes.scene(Expected("dns-differs", "certain", status=1, never=("cert-name-mismatch",)))
def hosts_file_leads_to_another_mail_server(stage: Stage) -> "Future[Run]":
    name = f"mail.{stage.label}-before.test"
    host = stage.world.host(name, "other")
    stage.world.serve(host, mail_service(stage.world, name))
    return stage.check(_stale(stage, *host.addresses))


@scenes.scene(Expected("dns-differs", "certain", status=1, never=("no-mail-service",)))
def hosts_file_endpoint(stage: Stage) -> "Future[Run]":
    return stage.check(_stale(stage, *_web(stage, f"www.{stage.label}.test").addresses) + ":465")


@scenes.scene(Expected("ok", outgoing=SENDS))
def hosts_file_that_is_right(stage: Stage) -> "Future[Run]":
    """DNS leads to a web server."""
    www = _web(stage, f"www.{stage.label}.test")
    name = stage.target.name
    addresses = stage.target.addresses
    stage.world.name(name, www)
    stage.world.topology.hosts_file(*(f"{address} {name}" for address in addresses), namespace=stage.machine.namespace)
    return stage.check(name)


@scenes.scene(Expected("port-blocked", "certain", status=1))
def hosts_file_and_a_network_that_blocks(stage: Stage) -> "Future[Run]":
    """The line leads to a second address of the same server, and it is the network that is in the way."""
    other = stage.world.real(f"{stage.label}-too")
    _stale(stage, *other.addresses)
    stage.rule(stage.world.at_isp.ail(stage.machine, *_SENDING))
    return stage.check()


# ---- name servers


@scenes.scene(Expected("ok", codes=("resolver-slow",), outgoing=SENDS, never=("dns-timeout",)))
def dead_first_name_server(stage: Stage) -> "Future[Run]":
    stage.world.topology.name_servers(stage.machine, NOBODY_V4, RESOLVER_V4)
    return stage.check()


@scenes.scene(Expected("ok", codes=("resolver-slow",), outgoing=SENDS, never=("dns-timeout",)))
def two_dead_name_servers(stage: Stage) -> "Future[Run]":
    stage.world.topology.name_servers(stage.machine, NOBODY_V4, NOBODY_V6, RESOLVER_V4)
    return stage.check()


@scenes.scene(Expected("ok", codes=("resolver-slow",), outgoing=SENDS, never=("dns-timeout",)))
def dead_first_name_server_account(stage: Stage) -> "Future[Run]":
    stage.world.topology.name_servers(stage.machine, NOBODY_V4, RESOLVER_V4)
    domain = f"{stage.label}.test"
    name = f"mail.{domain}"
    stage.world.serve(stage.world.host(name, "other"), mail_service(stage.world, name))
    stage.world.zone.add(domain, mx=[f"10 {name}."])
    return stage.check(f"somebody@{domain}")


@scenes.scene(Expected("port25-blocked", codes=("resolver-slow",), outgoing=SENDS))
def dead_first_name_server_and_25_blocked(stage: Stage) -> "Future[Run]":
    stage.world.topology.name_servers(stage.machine, NOBODY_V4, RESOLVER_V4)
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check()


@scenes.scene(Expected("dns-timeout", at_most="likely", status=1))
def silent_zone(stage: Stage) -> "Future[Run]":
    """The name servers of this computer answer for everybody else."""
    stage.world.zone.silence(f"{stage.label}.test")
    return stage.check(f"mail.{stage.label}.test")


# ---- every port for sending


@scenes.scene(Expected("port-blocked", "certain", status=1, never=("port25-blocked",), incoming=((993, "tls"),)))
def nothing_for_sending(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, *_SENDING))
    return stage.check()


@scenes.scene(Expected("port-blocked", "certain", status=1, never=("port25-blocked",)))
def nothing_for_sending_at_a_server_without_465(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_farm.block(stage.target, 465, action="reset", chain="input"))
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, 587))
    return stage.check()


@scenes.scene(Expected("port25-blocked", "certain", codes=("port-blocked",), outgoing=((465, "tls"),)))
def something_for_sending(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_isp.ail(stage.machine, 25, 587))
    return stage.check()


# ---- a web proxy as the only way out


def _connect(world: World) -> "Behaviour":
    """A proxy in the router at home, which knows the names."""

    def proxy(peer: Peer) -> None:
        words = peer.line().split(" ")
        while peer.line():
            pass
        host, _, port = words[1].rpartition(":")
        known = world.zone.addresses(host)
        if words[0] != "CONNECT" or port != "443" or not known:
            peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with world.topology.home.open_socket(known[0], socket.SOCK_STREAM) as far:
            far.settimeout(3)
            try:
                far.connect((known[0], 443))
            except OSError:
                peer.send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            peer.send("HTTP/1.1 200 Connection established\r\n\r\n")
            with suppress(OSError, GoneError):
                _pump(peer.sock, far, _same, _same)

    return proxy


def _proxied(stage: Stage) -> dict[str, str]:
    """A proxy at the machine's router, and a server with a site that can be reached through it."""
    gateway = Host("proxy.test", "other", stage.machine.gateway_v4, None)
    stage.world.serve_in(stage.world.topology.home, gateway, {3128: _connect(stage.world)})
    tls = server_context(stage.world.pki.leaf(stage.target.name))
    stage.world.serve(stage.target, {443: dialogues.secure_web(tls)})
    return {"https_proxy": f"http://{stage.machine.gateway_v4}:3128"}


@scenes.scene(Expected("proxy-only", "certain", status=1, never=("offline", "unproven")))
def proxy_alone(stage: Stage) -> "Future[Run]":
    env = _proxied(stage)
    stage.rule(stage.world.at_home.ail(stage.machine))
    return stage.check(env=env)


@scenes.scene(Expected("proxy-only", "certain", status=1, never=("offline", "unproven")))
def proxy_and_a_router_that_rejects(stage: Stage) -> "Future[Run]":
    env = _proxied(stage)
    stage.rule(stage.world.at_home.ail(stage.machine, action="admin-prohibited"))
    return stage.check(env=env)


@scenes.scene(Expected("proxy-only", "certain", status=1, never=("offline", "unproven")))
def proxy_and_a_router_that_resets(stage: Stage) -> "Future[Run]":
    env = _proxied(stage)
    stage.rule(stage.world.at_home.ail(stage.machine, action="reset"))
    return stage.check(env=env)


@scenes.scene(Expected("proxy-only", status=(1, 3), never=("offline", "dns-timeout")))
def proxy_and_no_names(stage: Stage) -> "Future[Run]":
    env = _proxied(stage)
    stage.rule(stage.world.at_home.isolate(stage.machine))
    return stage.check(env=env)


@scenes.scene(Expected("offline", status=(1, 3)))
def proxy_that_is_dead(stage: Stage) -> "Future[Run]":
    stage.rule(stage.world.at_home.ail(stage.machine))
    return stage.check(env={"https_proxy": f"http://{stage.machine.gateway_v4}:3129"})


@scenes.scene(Expected("port25-blocked", "certain", outgoing=SENDS))
def proxy_beside_a_direct_way(stage: Stage) -> "Future[Run]":
    env = _proxied(stage)
    stage.rule(stage.world.at_isp.ail(stage.machine, 25))
    return stage.check(env=env)


# ---- routers that seldom say that they reject


def _seldom(stage: Stage, firewall: Firewall, *ports: int) -> None:
    """One ICMP error a second, and silence for all others."""
    limit = "limit rate 1/second burst 1 packets"
    stage.rule(firewall.ail(stage.machine, *ports, action="admin-prohibited", only=limit))
    stage.rule(firewall.ail(stage.machine, *ports))


@scenes.scene(Expected("gateway-firewall", "certain", outgoing=SENDS))
def box_seldom_says_that_it_rejects(stage: Stage) -> "Future[Run]":
    _seldom(stage, stage.world.at_home, 25)
    return stage.check()


@scenes.scene(Expected("gateway-firewall", "certain", status=1))
def box_seldom_says_that_it_rejects_endpoint(stage: Stage) -> "Future[Run]":
    _seldom(stage, stage.world.at_home, 25)
    return stage.check(port=25)


@scenes.scene(Expected("port25-blocked", "certain", outgoing=SENDS))
def provider_seldom_says_that_it_rejects(stage: Stage) -> "Future[Run]":
    _seldom(stage, stage.world.at_isp, 25)
    return stage.check()


@scenes.scene(Expected("port-blocked", "certain", status=1, never=("port25-blocked",)))
def provider_seldom_says_that_it_rejects_all_that_sends(stage: Stage) -> "Future[Run]":
    _seldom(stage, stage.world.at_isp, *_SENDING)
    return stage.check()


@pytest.mark.parametrize("name", scenes.names)
def test_scene(runs: Runs, name: str) -> None:
    scenes.expected[name].check(runs[name].result())


def test_the_silent_name_server_is_named(runs: Runs) -> None:
    run = runs["dead-first-name-server"].result()
    assert run.finding("resolver-slow")["params"]["addresses"] == [NOBODY_V4]
    both = runs["two-dead-name-servers"].result()
    assert both.finding("resolver-slow")["params"]["addresses"] == [NOBODY_V4, NOBODY_V6]


def test_every_port_for_sending_is_named(runs: Runs) -> None:
    run = runs["nothing-for-sending"].result()
    assert run.finding("port-blocked")["params"]["ports"] == list(_SENDING)
    assert run.report["told"]["advice"][0]["key"] == "port_blocked_all_advice"


def test_the_better_name_of_a_web_server_is_told(runs: Runs) -> None:
    run = runs["web-without-mail-in-a-domain-with"].result()
    assert run.finding("wrong-host-name")["params"]["names"] == ["mail.whose-web-without-mail-in-a-domain-with.test"]


def test_the_message_about_a_private_address_goes_to_those_who_run_the_server(runs: Runs) -> None:
    told = runs["private-network"].result().report["told"]
    assert (told["party"], told["message"]["for"]) == ("server", "server")


@pytest.mark.parametrize("name", [name for name in scenes.names if "seldom-says" in name])
def test_a_router_that_seldom_answers_does_not_hold_the_verdict_up(runs: Runs, name: str) -> None:
    elapsed = runs[name].result().report["elapsed_ms"]
    print(name, elapsed)
    assert elapsed <= 5000

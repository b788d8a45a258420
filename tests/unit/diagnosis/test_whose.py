"""Whose refusal it is: of this line, of a web server, of a private network, of a name server, or of a network that only
a web proxy leads out of.
"""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    FURTHER,
    HOST,
    ISP,
    MACHINE,
    OWN,
    World,
    blockers,
    by_dns,
    codes,
    concluded,
    found,
    led_elsewhere,
    random_label,
    resolved,
    seen,
    server,
    unreached,
)

from poterne.diagnosis import EvidenceRequest
from poterne.report import Family, NameServer, Observation, Portal, Stages

MAIL = (25, 465, 587, 993)
WEB = (443, 80)
FAILED = Portal(url="http://portal.example/", state="failed")
WEB_WANTED = EvidenceRequest("web", host=HOST)
QUICK = Stages(connect_ms=1)


# ---- this line's own addresses


def refused_nearby(*families: Family) -> World:
    """Everything of the target is reset at once."""
    world = World(families=families or (4,), ports=(*MAIL, *WEB))
    return world.refused(who="target", stages=QUICK).with_(fetched={WEB_WANTED})


def by_the_router(world: World, family: Family = 4) -> World:
    """The first hop resets a port of mail and one of the web."""
    return world.path(25, "refused", family=family).path(80, "refused", family=family)


def test_an_address_that_the_first_hop_answers_for_is_this_line_s_own() -> None:
    world = by_the_router(refused_nearby())
    assert world.codes == {"own-address"}
    assert world.confidence("own-address") == "likely"
    assert found(world.conclusion, "own-address").params == {"addresses": ("192.0.2.7",)}


def test_both_families_of_an_own_address() -> None:
    world = by_the_router(by_the_router(refused_nearby(4, 6)), 6)
    assert world.codes == {"own-address"}
    assert found(world.conclusion, "own-address").family is None


def test_paths_show_whose_an_address_is() -> None:
    wanted = EvidenceRequest("trace", observation=f"{HOST}-25-4", working=f"{HOST}-80-4")
    assert wanted in refused_nearby().wanted


def test_a_server_far_away_is_not_followed() -> None:
    world = World(ports=(*MAIL, *WEB)).refused(who="target", stages=Stages(connect_ms=80)).with_(fetched={WEB_WANTED})
    assert world.codes == {"no-mail-service"}
    assert not [want for want in world.wanted if want.kind == "trace"]


def test_a_closed_server_behind_routers_is_no_own_address() -> None:
    world = refused_nearby().path(25, BOX[4], ISP[4], "refused").path(80, BOX[4], ISP[4], "refused")
    assert world.codes == {"no-mail-service"}


def test_a_firewall_in_the_router_lets_the_web_pass() -> None:
    world = World(ports=(*MAIL, *WEB)).refused(*MAIL, who="target", stages=QUICK).with_(fetched={WEB_WANTED})
    world.path(25, "refused").path(80, BOX[4], ISP[4], "open")
    assert "own-address" not in world.codes
    assert "gateway-firewall" in world.codes


def test_a_network_that_refuses_everybody_shows_no_own_address() -> None:
    world = by_the_router(World(ports=(*MAIL, *WEB)).refused(stages=QUICK))
    assert "own-address" not in world.codes


def test_without_the_web_s_path_nothing_is_said() -> None:
    assert "own-address" not in refused_nearby().path(25, "refused").path(465, "refused").codes


@pytest.mark.parametrize("address", [BOX[4], OWN[4]])
@pytest.mark.parametrize("state", ["refused", "no-answer"])
def test_the_address_of_the_router_or_of_this_computer(address: str, state: str) -> None:
    world = World(ports=MAIL).fail(state, who="target").change({"address": address}, who="target")
    assert world.codes == {"own-address"}
    assert world.confidence("own-address") == "certain"
    assert blockers(world.conclusion) == {"own-address"}


def test_an_own_address_that_rejects_is_no_firewall_of_the_router() -> None:
    world = World(ports=MAIL).rejected(*MAIL, by=BOX, who="target").change({"address": BOX[4]}, who="target")
    assert world.codes == {"own-address"}


def test_a_mail_server_at_an_own_address_works() -> None:
    assert World(ports=MAIL).change({"address": OWN[4]}, who="target").codes == {"ok"}


def test_this_computer_itself_is_no_line() -> None:
    world = World(ports=MAIL).refused(who="target").change({"address": "127.0.0.1"}, who="target")
    machine = MACHINE.model_copy(update={"addresses": (*MACHINE.addresses, "127.0.0.1")})
    assert "own-address" not in world.with_(machine=machine).codes


# ---- private networks


def private(address: str, *families: Family, **more: Any) -> World:
    """A target at that address, which says nothing."""
    world = World(ports=(*MAIL, *WEB), families=families or (4,)).silent(who="target")
    return world.change({"address": address}, who="target", family=4).with_(**more)


def test_a_private_network_that_is_not_ours() -> None:
    world = private("192.168.9.7")
    assert world.codes == {"private-address"}
    assert world.confidence("private-address") == "likely"
    assert blockers(world.conclusion) == {"private-address"}


def test_the_same_private_range_may_be_the_same_network() -> None:
    assert private("10.88.0.7").confidence("private-address") == "possible"


def test_both_families_of_a_private_network() -> None:
    world = private("192.168.9.7", 4, 6).change({"address": "fd99::7"}, who="target", family=6)
    assert world.codes == {"private-address"}
    assert found(world.conclusion, "private-address").params == {"addresses": ("192.168.9.7", "fd99::7")}


def test_a_private_address_beside_a_public_one_that_works() -> None:
    world = World(ports=MAIL, families=(4, 6)).silent(who="target", family=4)
    world.change({"address": "192.168.9.7"}, who="target", family=4)
    assert {"ok", "private-address"} <= world.codes
    assert found(world.conclusion, "private-address").severity == "warning"


@pytest.mark.parametrize("address", ["10.77.0.9", "192.0.2.7", "100.64.0.9", "169.254.3.4"])
def test_what_is_no_private_network_elsewhere(address: str) -> None:
    """Our own network's, a public one, a carrier's, the link's."""
    assert private(address).codes == {"server-down"}


def test_something_there_answers() -> None:
    world = World(ports=(*MAIL, *WEB)).refused(who="target").change({"address": "192.168.9.7"}, who="target")
    assert "private-address" not in world.codes


def test_a_router_of_that_network_says_that_the_server_is_gone() -> None:
    world = World(ports=(*MAIL, *WEB)).fail(
        "unreachable", who="target", reporter="10.88.0.1", error="EHOSTUNREACH (ICMP 3/1)"
    )
    assert world.change({"address": "10.88.0.7"}, who="target").codes == {"server-down"}


def test_a_router_that_rejects_private_addresses_is_no_firewall_against_mail() -> None:
    world = World(ports=(*MAIL, *WEB)).rejected(who="target", by=BOX).change({"address": "192.168.9.7"}, who="target")
    assert world.codes == {"private-address"}


def test_without_a_network_nothing_is_said_of_addresses() -> None:
    world = World(ports=(*MAIL, *WEB)).silent().change({"address": "192.168.9.7"}, who="target")
    assert world.with_(portal=FAILED).codes == {"offline"}


# ---- DNS leads elsewhere


def test_a_line_of_the_hosts_file() -> None:
    world = led_elsewhere().with_(names=[resolved(), *by_dns("192.0.2.9", hosts="192.0.2.7")])
    assert world.codes == {"dns-differs"}
    assert world.confidence("dns-differs") == "certain"
    assert found(world.conclusion, "dns-differs").params == {
        "elsewhere": ("192.0.2.7",), "addresses": ("192.0.2.9",), "hosts": True,
    }  # fmt: skip
    assert world.conclusion.settings.outgoing == (), "no program on this computer gets there"


def test_something_else_that_answers_in_place_of_dns() -> None:
    world = led_elsewhere().with_(names=[resolved(), *by_dns("192.0.2.9")])
    assert world.confidence("dns-differs") == "likely"


def test_dns_is_asked_where_nothing_is_verified() -> None:
    wanted = EvidenceRequest("dns", host=HOST)
    assert wanted in World().refused(who="target").wanted
    assert wanted not in World().wanted
    assert wanted not in World().silent(25).wanted


def test_another_address_of_dns_that_serves_no_mail_either() -> None:
    world = World(ports=MAIL).silent(who="target").with_(names=[resolved(), *by_dns("192.0.2.9")])
    world.add(unreached(465, "no-answer", id="c-dns", role="control", source="dns", address="192.0.2.9"))
    assert "dns-differs" not in world.codes
    listed = world.with_(names=[resolved(), *by_dns("192.0.2.9", hosts="192.0.2.7")])
    assert found(listed.conclusion, "dns-differs").severity == "warning"


def test_dns_that_has_the_same_address_among_others() -> None:
    world = World(ports=MAIL).silent(who="target")
    assert "dns-differs" not in world.with_(names=[resolved(), *by_dns("192.0.2.9", "192.0.2.7")]).codes


def test_an_address_of_one_s_own_that_serves_is_right() -> None:
    assert World().with_(names=[resolved(), *by_dns("192.0.2.9", hosts="192.0.2.7")]).codes == {"ok"}


def test_the_name_is_right_where_dns_leads_to_a_mail_server() -> None:
    better = seen(465, host="smtp.example.org", source="guess", address="192.0.2.8")
    world = led_elsewhere().add(better).with_(names=[resolved(), *by_dns("192.0.2.9")])
    assert "wrong-host-name" not in world.codes


# ---- name servers

DEAD, ALIVE = NameServer(address="198.51.100.53", answers=False), NameServer(address="10.77.0.1", answers=True)


def test_a_name_server_that_does_not_answer() -> None:
    world = World().with_(names=[resolved(elapsed_ms=5003)], name_servers=(DEAD, ALIVE))
    assert world.codes == {"ok", "resolver-slow"}
    assert found(world.conclusion, "resolver-slow").params == {"addresses": ("198.51.100.53",)}
    assert found(world.conclusion, "resolver-slow").severity == "note"


def test_name_servers_are_asked_where_a_name_took_long() -> None:
    wanted = EvidenceRequest("resolvers")
    assert wanted in World().with_(names=[resolved(elapsed_ms=5003)]).wanted
    assert wanted not in World().with_(names=[resolved(elapsed_ms=1400)]).wanted


def test_a_slow_name_server_that_answers_is_not_named() -> None:
    assert World().with_(names=[resolved(elapsed_ms=5003)], name_servers=(ALIVE, ALIVE)).codes == {"ok"}


def test_where_no_name_server_answers_none_is_to_blame() -> None:
    world = concluded(server(), names=[resolved(state="timeout", addresses=())], name_servers=(DEAD, DEAD))
    assert "resolver-slow" not in codes(world)


@pytest.mark.parametrize(
    ("others", "servers", "confidence"),
    [
        ([random_label(state="timeout")], (), "certain"),
        ([random_label(state="timeout")], (DEAD,), "certain"),
        ([random_label()], (), "likely"),
        ([], (), "likely"),
        ([random_label(state="timeout")], (ALIVE,), "likely"),
        ([resolved("mx.alpha.example", "mx")], (), "likely"),
    ],
)
def test_a_name_that_is_not_answered(others: list[Any], servers: tuple[NameServer, ...], confidence: str) -> None:
    conclusion = concluded(server(), names=[resolved(state="timeout", addresses=()), *others], name_servers=servers)
    assert found(conclusion, "dns-timeout").confidence == confidence


# ---- only a web proxy leads out


def nothing(*observations: Observation, **known: Any) -> World:
    """Nobody answers."""
    return World(ports=(*MAIL, *WEB)).silent().add(*observations).with_(**known)


def test_a_web_proxy_is_the_only_way_out() -> None:
    world = nothing(proxy="works", portal=FAILED)
    assert world.codes == {"proxy-only"}
    assert world.confidence("proxy-only") == "certain"
    assert blockers(world.conclusion) == {"proxy-only"}


def test_a_router_that_rejects_everything_but_the_proxy() -> None:
    assert World().rejected(by=BOX).with_(proxy="works").codes == {"proxy-only"}
    assert World().refused().with_(proxy="works").conclusion.verdict.code == "proxy-only"


@pytest.mark.parametrize("proxy", ["fails", None])
def test_without_a_proxy_that_leads_out_there_is_no_network(proxy: str | None) -> None:
    assert nothing(proxy=proxy, portal=FAILED).codes == {"offline"}


def test_a_proxy_beside_a_direct_way() -> None:
    assert World().silent(who="target").with_(proxy="works").conclusion.verdict.code != "proxy-only"
    assert World().silent(25).with_(proxy="works").conclusion.verdict.code == "port25-blocked"


def test_a_proxy_is_asked_where_nobody_answers() -> None:
    wanted = EvidenceRequest("proxy")
    assert wanted in nothing().wanted
    assert wanted not in World().silent(who="target").wanted


def test_a_proxy_where_no_name_is_to_be_had() -> None:
    names = [resolved(state="nxdomain", addresses=())]
    assert codes(concluded(server(), names=names, proxy="works", portal=FAILED)) == {"proxy-only"}
    assert "proxy-only" not in codes(concluded(server(), names=names, proxy="works"))


def test_a_computer_without_a_way_out_but_its_proxy() -> None:
    gone = unreached(25, "unreachable", error="ENETUNREACH")
    assert codes(concluded(server(), gone, online=False)) == {"offline"}
    assert codes(concluded(server(), gone, online=False, proxy="works")) == {"proxy-only"}


# ---- names by the router alone


def test_names_from_the_router_show_no_network() -> None:
    answered = [resolved(), random_label()]
    assert nothing(names=answered, name_servers=(ALIVE,)).codes == {"offline"}
    far = NameServer(address="198.51.100.53", answers=True)
    assert "offline" not in nothing(names=answered, name_servers=(ALIVE, far)).codes
    assert "offline" not in nothing(names=answered).codes


# ---- the web alone answers


def test_a_host_whose_web_alone_answers() -> None:
    world = World(ports=(*MAIL, *WEB)).silent(*MAIL, who="target")
    assert world.codes == {"no-mail-service"}
    assert world.confidence("no-mail-service") == "likely"


def test_where_controls_are_silent_too_it_is_no_web_server() -> None:
    world = World(ports=(*MAIL, *WEB)).silent(*MAIL)
    assert "no-mail-service" not in world.codes


def test_a_web_server_with_a_better_name_beside_it() -> None:
    better = seen(465, host="smtp.example.org", source="guess", address="192.0.2.9")
    world = World(ports=(*MAIL, *WEB)).silent(*MAIL, who="target").add(better)
    assert world.conclusion.verdict.code == "wrong-host-name"


def test_one_silent_port_beside_the_web_says_nothing_of_the_others() -> None:
    world = World(target=f"{HOST}:587", ports=(587, 443)).silent(587, who="target")
    assert world.codes == {"port-silent"}


# ---- every port for sending


def sending(*ports: int) -> World:
    """A network that drops these ports."""
    return World(control_ports=(25, 465, 587, 993)).silent(*ports)


def test_every_port_for_sending_is_blocked() -> None:
    world = sending(25, 465, 587)
    finding = found(world.conclusion, "port-blocked")
    assert (finding.params, finding.confidence) == ({"ports": (25, 465, 587), "all": True}, "certain")
    assert world.codes == {"port-blocked"}


@pytest.mark.parametrize("left", [465, 587])
def test_a_port_for_sending_is_left(left: int) -> None:
    world = sending(*({25, 465, 587} - {left}))
    assert world.conclusion.verdict.code == "port25-blocked"
    assert "all" not in found(world.conclusion, "port-blocked").params


def test_a_relay_is_left() -> None:
    assert "port25-relay-only" in sending(25, 465, 587).relay().codes


def test_25_alone() -> None:
    assert sending(25).codes == {"port25-blocked", "ok"}


# ---- a router that seldom says that it rejects


def seldom(*told: str) -> World:
    """Port 25 is rejected by one router for everybody, and it says so of these hosts."""
    world = World().silent(25)
    for host in told:
        world.rejected(25, by=FURTHER, who=host)
    return world


def test_silence_beside_a_router_s_refusals_took_several_tries() -> None:
    world = seldom(HOST, CONTROLS[0])
    assert world.confidence("port25-blocked") == "certain"
    assert not [want for want in world.wanted if want.kind == "again"]


def test_a_router_that_refuses_one_host_is_asked_again() -> None:
    world = seldom(CONTROLS[0])
    assert "port25-blocked" not in world.codes
    assert [want for want in world.wanted if want.kind == "again"]


def test_refusals_that_come_at_once_are_looked_at_again() -> None:
    world = seldom(HOST, *CONTROLS)
    assert "port25-blocked" not in world.codes
    assert [want for want in world.wanted if want.kind == "again"]
    late = seldom(HOST, *CONTROLS[:2]).rejected(25, by=FURTHER, who=CONTROLS[2], stages=Stages(connect_ms=2080))
    assert late.confidence("port25-blocked") == "certain"

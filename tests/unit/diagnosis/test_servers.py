"""The server, the families, the names, the clock and the portal."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    HOST,
    NOW,
    OWN,
    World,
    blockers,
    found,
    random_label,
    resolved,
    seen,
    spoilt,
    unreached,
)

from poterne.diagnosis import EvidenceRequest
from poterne.report import Family, Portal, Stages

WITH_WEB = (25, 465, 587, 993, 443, 80)
ABSENT: dict[str, Any] = {"reporter": OWN[4], "error": "EHOSTUNREACH (ICMP 3/1)", "stages": Stages(connect_ms=3050)}


def clock(days: float, state: Any = "clear") -> Portal:
    """A portal whose server's clock is so many days behind ours."""
    return Portal(
        url="http://portal.example/",
        state=state,
        date=(NOW - timedelta(days=days)).isoformat(),
        asked_at=NOW.isoformat(),
    )


# ---- down


def test_a_server_that_is_down() -> None:
    world = World(ports=WITH_WEB).silent(who="target")
    assert world.confidence("server-down") == "likely"
    assert world.codes == {"server-down"}
    assert blockers(world.conclusion) == {"server-down"}
    assert found(world.conclusion, "server-down").host == HOST


def test_an_absent_server_that_its_router_reports() -> None:
    world = World(ports=WITH_WEB).fail(
        "unreachable", who="target", reporter="203.0.113.7", error="EHOSTUNREACH (ICMP 3/1)"
    )
    assert world.codes == {"server-down"}


def test_the_web_is_asked_before_a_server_is_called_down() -> None:
    world = World().silent(who="target")
    assert {EvidenceRequest("web", host=HOST), EvidenceRequest("portal")} <= world.wanted
    assert world.confidence("server-down") == "possible"


@pytest.mark.parametrize("controls", [0, 1])
def test_a_server_is_down_only_while_others_are_up(controls: int) -> None:
    world = World(ports=WITH_WEB, controls=CONTROLS[:controls]).silent(who="target")
    assert world.codes == {"unproven"}
    everybody = World(ports=WITH_WEB).silent()
    assert "server-down" not in everybody.codes


@pytest.mark.parametrize("state", ["open", "refused"])
def test_any_answer_shows_that_a_server_is_up(state: str) -> None:
    world = World(ports=WITH_WEB).silent(who="target")
    world.change(lambda port, **place: seen(port, **place) if state == "open" else unreached(port, state, **place), 443)
    assert "server-down" not in world.codes


def test_an_endpoint_on_a_port_that_fails_everywhere_may_be_its_only_one() -> None:
    world = World(target=f"{HOST}:25", ports=(25, 465, 587, 443, 80)).silent(who="target").silent(25)
    assert world.codes == {"unproven"}


def test_a_host_that_is_down_beside_another_that_works() -> None:
    world = World(target="me@example.org").change({"source": "guess"}, who="target")
    down = [unreached(port, "no-answer", host="imap.example.org", source="guess") for port in (465, 587, 993, 443)]
    world.add(*down)
    assert world.conclusion.verdict.code == "ok"
    assert found(world.conclusion, "server-down").severity == "note"


# ---- turned away


def test_a_host_that_turns_every_mail_connection_away() -> None:
    world = World(ports=WITH_WEB).fail(
        "refused", 25, 465, 587, 993, who="target", reporter="192.0.2.7", error="ECONNREFUSED (ICMP 3/3)"
    )
    assert world.confidence("client-rejected") == "likely"
    assert world.codes == {"client-rejected"}
    way = world.conclusion.way
    assert way is not None
    assert (way.stops_from, way.stops_to) == ("server", "server")


def test_one_port_alone_is_closed() -> None:
    world = World().fail("refused", 25, who="target", reporter="192.0.2.7", error="ECONNREFUSED (ICMP 3/3)")
    assert world.codes == {"port-closed", "ok"}


def test_a_ban_is_no_wrong_name() -> None:
    world = World(ports=WITH_WEB).rejected(25, 465, 587, 993, by={4: "192.0.2.7"}, who="target").add(better())
    assert world.codes == {"client-rejected"}


def test_resets_on_all_are_a_host_without_mail() -> None:
    world = World(ports=WITH_WEB).refused(25, 465, 587, 993, who="target")
    assert world.codes == {"no-mail-service"}


def banned(state: str, *ports: int, **said: Any) -> World:
    """A server that turns this machine away on the ports of mail, and resets what it does not offer."""
    world = World(ports=(*ports, 110, 995, 2525, 443)).refused(110, 995, 2525, who="target")
    return world.fail(state, *ports, who="target", **said)


@pytest.mark.parametrize(
    ("state", "error", "confidence"),
    [
        ("no-answer", None, "possible"),
        ("prohibited", "EHOSTUNREACH (ICMP 3/13)", "likely"),
        ("refused", "ECONNREFUSED (ICMP 3/3)", "likely"),
    ],
)
def test_a_ban_of_the_ports_that_a_server_offers(state: str, error: str | None, confidence: str) -> None:
    world = banned(state, 25, 465, 587, 993, error=error, reporter="192.0.2.7" if error else None)
    assert world.codes == {"client-rejected"}
    assert world.confidence("client-rejected") == confidence
    assert blockers(world.conclusion) == {"client-rejected"}


def test_a_server_that_sends_few_icmp_errors() -> None:
    world = banned("prohibited", 25, 465, 587, 993, reporter="192.0.2.7", error="EHOSTUNREACH (ICMP 3/13)")
    world.silent(587, 993, who="target", reporter=None, error=None)
    assert world.codes == {"client-rejected"}
    assert world.confidence("client-rejected") == "likely"


def test_a_ban_beside_a_port_that_the_network_blocks() -> None:
    world = banned("no-answer", 25, 465, 587, 993).silent(25)
    assert blockers(world.conclusion) == {"client-rejected"}
    assert found(world.conclusion, "port25-blocked").severity == "warning"


@pytest.mark.parametrize(
    ("state", "code"), [("prohibited", "ICMP 3/13"), ("refused", "ICMP 3/3"), ("unreachable", "ICMP 3/1")]
)
def test_one_port_that_the_server_s_own_firewall_closes(state: str, code: str) -> None:
    world = World(target=f"{HOST}:25").fail(state, 25, who="target", reporter="192.0.2.7", error=f"X ({code})")
    assert blockers(world.conclusion) == {"port-closed"}
    assert found(world.conclusion, "port-closed").params == {"reporter": "192.0.2.7", "ports": (25,)}


def test_a_port_that_servers_seldom_offer_may_stay_mute() -> None:
    mute: dict[str, Any] = {"greeting": None, "greeting_kind": "silent", "security": "none", "tls": None}
    world = World(ports=(25, 465, 587, 993, 2525)).refused(25, 465, 587, who="target").change(mute, 2525, who="target")
    assert "no-greeting" not in world.codes
    asked = world.with_(ports=(465, 587, 2525))
    assert "no-greeting" in asked.codes


def test_one_control_against_two_that_are_silent_proves_nothing_at_once() -> None:
    world = World().silent(587, who="target").silent(587, who=CONTROLS[0]).silent(587, who=CONTROLS[1])
    assert "port-silent" not in world.codes
    assert any(want.kind == "again" for want in world.wanted)
    assert world.twice(587, who="target").confidence("port-silent") == "likely"


# ---- one silent port


@pytest.mark.parametrize(("controls", "confidence"), [(3, "certain"), (2, "certain"), (1, "likely")])
def test_a_port_that_is_silent_here_only(controls: int, confidence: str) -> None:
    world = World(controls=CONTROLS[:controls]).silent(587, who="target")
    assert world.confidence("port-silent") == confidence
    assert "unproven" not in world.codes


def test_a_port_that_is_silent_in_one_family() -> None:
    world = World(families=(4, 6)).silent(587, who="target", family=6)
    assert found(world.conclusion, "port-silent").family == 6
    assert world.conclusion.verdict.code == "ok"


def test_a_port_on_which_no_control_answers_in_that_family() -> None:
    world = World(families=(4, 6)).silent(25, who="target").change(None, 25, who="controls", family=6)
    assert world.codes == {"port-silent", "unproven", "ok"}


def test_a_port_that_is_silent_in_both_families_of_which_one_has_controls() -> None:
    world = World(families=(4, 6)).silent(25, who="target").change(None, who="controls", family=6)
    assert found(world.conclusion, "port-silent").family == 4
    both = World(families=(4, 6)).silent(25, who="target")
    assert found(both.conclusion, "port-silent").family is None


def test_the_endpoint_that_is_silent() -> None:
    world = World(target=f"{HOST}:587").silent(587, who="target")
    assert blockers(world.conclusion) == {"port-silent"}


# ---- families


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("controls", "confidence"), [(3, "certain"), (2, "likely")])
def test_a_family_that_is_broken(family: Family, controls: int, confidence: str) -> None:
    world = World(families=(4, 6), controls=CONTROLS[:controls]).silent(family=family)
    code = f"ipv{family}-broken"
    finding = found(world.conclusion, code)
    assert (finding.confidence, finding.severity, finding.family) == (confidence, "warning", family)
    assert world.codes == {code, "ok"}
    assert world.conclusion.verdict.code == "ok"


def test_a_target_of_the_broken_family_only() -> None:
    world = World(families=(4, 6)).silent(family=6).change(None, who="target", family=4)
    assert blockers(world.conclusion) == {"ipv6-broken"}


@pytest.mark.parametrize("controls", [0, 1])
def test_too_few_controls_break_no_family(controls: int) -> None:
    world = World(families=(4, 6), controls=CONTROLS[:controls]).silent(family=6)
    assert "ipv6-broken" not in world.codes


def test_one_answer_in_a_family_shows_that_it_works() -> None:
    world = World(families=(4, 6)).silent(family=6).add(World.control(CONTROLS[0], 587, 6))
    assert "ipv6-broken" not in world.codes
    refused = World(families=(4, 6)).silent(family=6).refused(25, who=CONTROLS[0], family=6)
    assert "ipv6-broken" not in refused.codes


def test_a_family_that_this_machine_does_not_have_is_not_broken() -> None:
    world = World(families=(4, 6)).fail("unreachable", family=6, error="ENETUNREACH")
    assert "ipv6-broken" not in world.codes


def test_where_packets_are_lost_a_family_is_looked_at_again() -> None:
    world = World(families=(4, 6)).silent(family=6).change({"attempts": 2}, 587, who="target", family=4)
    assert "ipv6-broken" not in world.codes
    again = {want.observation for want in world.wanted if want.kind == "again"}
    assert {id_.partition("-")[0] for id_ in again if id_} == {HOST, *CONTROLS}
    for id_ in again:
        world.add(world.seen[id_ or ""].model_copy(update={"id": f"{id_}-again"}))
    assert world.confidence("ipv6-broken") == "certain"


def test_a_server_that_has_one_family_wrong_breaks_none() -> None:
    world = World(families=(4, 6)).silent(who="target", family=6)
    assert "ipv6-broken" not in world.codes


# ---- names


def test_names_that_must_not_exist_are_no_news_where_they_do_not() -> None:
    world = World().with_(names=[resolved(), random_label(), random_label(zone="org")])
    assert world.codes == {"ok"}
    silent = World(controls=(), ports=()).with_(names=[resolved(state="servfail", addresses=()), random_label()])
    assert silent.codes == {"dns-servfail"}


def test_a_resolver_that_invents_answers() -> None:
    world = World().with_(names=[resolved(), random_label("203.0.113.80"), random_label("203.0.113.80", zone="org")])
    finding = found(world.conclusion, "dns-hijacked")
    assert (finding.confidence, finding.severity) == ("certain", "warning")
    assert world.conclusion.verdict.code == "ok"


def test_a_target_that_the_resolver_invented() -> None:
    invented = ("192.0.2.7",)
    world = World(ports=WITH_WEB).silent(25, 465, 587, 993, who="target")
    world.with_(names=[resolved(), random_label(*invented), random_label(*invented, zone="org")])
    assert world.conclusion.verdict.code == "dns-hijacked"
    assert world.codes == {"dns-hijacked", "dns-nxdomain"}
    assert world.confidence("dns-nxdomain") == "likely"
    assert EvidenceRequest("names", host=HOST) in world.wanted


def test_one_label_alone_proves_something_only_at_the_target_s_address() -> None:
    other = World().with_(names=[resolved(), random_label("203.0.113.80"), random_label(zone="org")])
    assert "dns-hijacked" not in other.codes
    same = World().with_(names=[resolved(), random_label("192.0.2.7"), random_label(zone="org")])
    assert same.confidence("dns-hijacked") == "likely"


def test_a_wildcard_in_the_target_s_zone_is_no_hijacking() -> None:
    one = random_label("192.0.2.7", zone="example.org")
    assert World().with_(names=[resolved(), one, random_label()]).codes == {"ok"}
    both = [one, random_label("192.0.2.7", label="k2", zone="example.org")]
    assert World().with_(names=[resolved(), *both]).codes == {"ok"}


def test_a_name_that_a_second_resolver_knows() -> None:
    second = resolved(source="second")
    world = World(controls=(), ports=()).with_(names=[resolved(state="nxdomain", addresses=()), second])
    assert world.codes == {"dns-differs"}


def better(host: str = "smtp.example.org", source: str = "guess", port: int = 465, **changed: Any) -> Any:
    return seen(port, host=host, source=source, **{"address": "192.0.2.9", **changed})


def test_a_name_that_does_not_exist_where_another_works() -> None:
    world = World(controls=(), ports=()).with_(names=[resolved(state="nxdomain", addresses=())])
    assert world.codes == {"dns-nxdomain"}
    assert EvidenceRequest("names", host=HOST) in world.wanted
    world.add(better())
    assert world.conclusion.verdict.code == "wrong-host-name"
    assert world.codes == {"dns-nxdomain", "wrong-host-name"}
    finding = found(world.conclusion, "wrong-host-name")
    assert (finding.confidence, finding.host, finding.params["names"]) == ("likely", HOST, ("smtp.example.org",))
    assert [setting.host for setting in world.conclusion.settings.outgoing] == ["smtp.example.org"]


def test_a_host_without_mail_where_another_serves() -> None:
    world = World(ports=WITH_WEB).refused(25, 465, 587, 993, who="target").add(better())
    assert world.conclusion.verdict.code == "wrong-host-name"
    assert "no-mail-service" in world.codes


def mismatched(**changed: Any) -> World:
    world = World().change(lambda port, **place: spoilt(port, "cert-name-mismatch", **place), who="target")
    return world.add(better("other.example", "certificate", **changed))


def test_a_certificate_that_names_the_right_one() -> None:
    same = mismatched(address="192.0.2.7")
    assert same.confidence("wrong-host-name") == "certain"
    assert same.codes >= {"wrong-host-name", "cert-name-mismatch"}
    assert same.conclusion.verdict.code == "wrong-host-name"
    assert mismatched().confidence("wrong-host-name") == "likely"


def test_a_better_name_has_to_work_for_the_same_purpose() -> None:
    world = World(target=f"{HOST}:587", controls=(), ports=()).with_(names=[resolved(state="nxdomain", addresses=())])
    world.add(better(port=993))
    assert "wrong-host-name" not in world.codes
    world.add(spoilt(465, "cert-expired", host="smtp.example.org"))
    assert "wrong-host-name" not in world.codes


def test_a_better_name_makes_the_typed_one_no_better() -> None:
    world = World(target=f"{HOST}:587").refused(587, who="target").add(better(port=587), better(port=465))
    assert world.conclusion.verdict.code == "port-closed"
    assert "wrong-host-name" not in world.codes
    assert not [code for code in world.codes if code == "ok"]


# ---- the clock


def dated(fault: str, *, controls: int, days: float | None = None) -> World:
    world = World(ports=(465, 587)).change(lambda port, **place: spoilt(port, fault, **place), who="target")
    for host in CONTROLS[:controls]:
        world.change(lambda port, **place: spoilt(port, fault, **place), who=host)
    for host in CONTROLS[controls:]:
        world.change(None, who=host)
    return world.with_(portal=clock(days)) if days is not None else world


@pytest.mark.parametrize(
    ("fault", "controls", "days", "confidence"),
    [
        ("cert-not-yet-valid", 3, None, "certain"),
        ("cert-not-yet-valid", 2, None, "certain"),
        ("cert-not-yet-valid", 1, None, "likely"),
        ("cert-not-yet-valid", 1, -400, "certain"),
        ("cert-not-yet-valid", 0, -400, "likely"),
        ("cert-expired", 2, None, "certain"),
        ("cert-expired", 0, 400, "likely"),
    ],
)
def test_a_clock_that_is_wrong(fault: str, controls: int, days: float | None, confidence: str) -> None:
    world = dated(fault, controls=controls, days=days)
    assert world.confidence("clock-wrong") == confidence
    assert blockers(world.conclusion) == {"clock-wrong"}
    assert fault not in world.codes


@pytest.mark.parametrize(
    ("fault", "controls", "days"),
    [
        ("cert-not-yet-valid", 0, None),
        ("cert-expired", 0, None),
        ("cert-expired", 0, 0.01),
        ("cert-not-yet-valid", 3, 0.01),
        ("cert-expired", 0, -400),
        ("cert-not-yet-valid", 0, 400),
        ("cert-expired", 0, 0.5),
    ],
)
def test_a_clock_that_is_right(fault: str, controls: int, days: float | None) -> None:
    world = dated(fault, controls=controls, days=days)
    assert "clock-wrong" not in world.codes
    assert blockers(world.conclusion) == {fault}
    assert EvidenceRequest("portal") in world.wanted or days is not None


def test_one_control_against_others_that_are_fine_proves_nothing() -> None:
    world = dated("cert-expired", controls=1)
    world.add(World.control(CONTROLS[1], 587))
    assert "clock-wrong" not in world.codes


def test_an_altered_page_has_no_date() -> None:
    world = dated("cert-expired", controls=0).with_(portal=clock(400, "altered"))
    assert "clock-wrong" not in world.codes


# ---- portals, and no network


def test_a_network_that_wants_a_sign_in() -> None:
    world = World(ports=WITH_WEB).silent().with_(portal=clock(0, "altered"))
    assert world.codes == {"captive-portal"}
    assert world.confidence("captive-portal") == "certain"
    one = World(ports=WITH_WEB, controls=CONTROLS[:1]).silent().with_(portal=clock(0, "altered"))
    assert one.confidence("captive-portal") == "likely"


def test_a_sign_in_page_that_answers_for_everybody() -> None:
    wrong = spoilt(465, "cert-name-mismatch").tls
    world = World(control_ports=(25, 465)).silent(25).change({"tls": wrong}, 465, 587, 993)
    world.with_(portal=clock(0, "altered"))
    assert world.conclusion.verdict.code == "captive-portal"
    assert "cert-name-mismatch" not in world.codes


@pytest.mark.parametrize("who", ["target", "controls"])
def test_an_altered_page_while_mail_works_is_nobody_s_trouble(who: str) -> None:
    world = World(ports=WITH_WEB).silent(who=who).with_(portal=clock(0, "altered"))
    assert "captive-portal" not in world.codes


def test_where_pages_are_altered_http_in_the_clear_says_nothing_of_the_target() -> None:
    dead = World(ports=WITH_WEB).silent(25, 465, 587, 993, 443, who="target").with_(portal=clock(0, "altered"))
    assert dead.codes == {"server-down"}
    captive = World(ports=WITH_WEB).silent(25, 465, 587, 993, 443).with_(portal=clock(0, "altered"))
    assert captive.codes == {"captive-portal"}


@pytest.mark.parametrize("state", ["clear", "failed"])
def test_a_page_that_is_as_it_should_be_is_no_portal(state: str) -> None:
    assert "captive-portal" not in World(ports=WITH_WEB).silent().with_(portal=clock(0, state)).codes


def test_nothing_answers_at_all() -> None:
    world = World(families=(4, 6), ports=WITH_WEB).silent()
    assert EvidenceRequest("portal") in world.wanted
    world.with_(portal=clock(0, "failed"))
    assert world.codes == {"offline"}
    assert world.confidence("offline") == "likely"


def test_a_router_that_is_gone() -> None:
    world = World(ports=WITH_WEB).fail("unreachable", **ABSENT)
    assert world.confidence("offline") == "certain"
    assert world.codes == {"offline"}


@pytest.mark.parametrize(
    "known",
    [
        {"portal": clock(0, "clear")},
        {"portal": clock(0, "altered"), "names": [random_label()]},
        {"names": [random_label()]},
    ],
)
def test_a_sign_of_life_shows_that_there_is_a_network(known: dict[str, Any]) -> None:
    assert "offline" not in World(ports=WITH_WEB).silent().with_(**known).codes


def test_where_not_even_names_are_to_be_had() -> None:
    nameless = [random_label(state="timeout"), random_label(state="timeout", zone="org")]
    world = World(ports=WITH_WEB, controls=()).silent().with_(names=nameless, portal=clock(0, "failed"))
    assert world.codes == {"offline"}
    known = world.with_(names=[random_label()])
    assert "offline" not in known.codes


def test_a_box_that_keeps_names_shows_no_network() -> None:
    world = World(ports=WITH_WEB).silent().with_(names=[random_label()], portal=clock(0, "failed"))
    assert world.codes == {"offline"}


def test_two_controls_have_to_be_gone() -> None:
    assert "offline" not in World(ports=WITH_WEB, controls=CONTROLS[:1]).silent().codes
    assert "offline" not in World(ports=WITH_WEB).silent().refused(25, who=CONTROLS[0]).codes


def nameless(*hops: str, **canary: Any) -> World:
    """Nothing resolves, and a trace to an address of nobody meets these."""
    world = World(ports=(), controls=()).canary(25, **canary).canary(465, **canary)
    if hops:
        world.path(25, *hops, host="192.0.2.1")
    portal = Portal(url="http://portal.example/", state="failed")
    return world.with_(portal=portal, names=[resolved(state="timeout", addresses=())])


def test_where_no_name_is_to_be_had_and_no_router_is_there() -> None:
    assert nameless().wanted >= {
        EvidenceRequest("controls"),
        EvidenceRequest("portal"),
        EvidenceRequest("trace", observation="192.0.2.1-25-4"),
    }
    for hops in (("silent", "silent"), (BOX[4], "silent", "silent")):
        world = nameless(*hops)
        assert (world.codes, world.confidence("offline")) == ({"offline"}, "likely")
        assert blockers(world.conclusion) == {"offline"}


def test_where_no_name_is_to_be_had_and_the_next_router_is_gone() -> None:
    world = nameless(state="unreachable", **ABSENT)
    assert (world.codes, world.confidence("offline")) == ({"offline"}, "certain")


@pytest.mark.parametrize("state", ["timeout", "nxdomain", "servfail"])
def test_a_resolver_that_fails_in_a_network_that_is_alive(state: Any) -> None:
    routed = nameless(BOX[4], "203.0.113.1", "silent").with_(names=[resolved(state=state, addresses=())])
    assert routed.codes == {f"dns-{state}"}
    page = nameless("silent", "silent").with_(portal=Portal(url="http://portal.example/", state="clear"))
    assert page.codes == {"dns-timeout"}
    untraced = nameless()
    assert untraced.codes == {"dns-timeout"}


def test_a_name_that_alone_does_not_resolve() -> None:
    world = World(ports=()).with_(names=[resolved(state="timeout", addresses=())])
    assert world.canary(25).path(25, "silent", host="192.0.2.1").codes == {"dns-timeout"}

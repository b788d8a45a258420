"""This machine, and the home box."""

from typing import Any

import pytest
from tests.unit.core_observations import BOX, CONTROLS, FURTHER, HOST, ISP, OWN, World, blockers, found, seen

from poterne.diagnosis import EvidenceRequest
from poterne.report import Family, Machine, Stages

UNHEARD: dict[str, Any] = {
    "state": "no-answer", "greeting": None, "greeting_kind": None, "tls": None, "attempts": 3,
    "stages": Stages(connect_ms=3300),
}  # fmt: skip
ABSENT: dict[str, Any] = {"reporter": OWN[4], "error": "EHOSTUNREACH (ICMP 3/1)"}


def test_an_error_of_an_own_address_is_this_machine() -> None:
    world = World().rejected(25, by=OWN)
    finding = found(world.conclusion, "local-firewall")
    assert (finding.confidence, finding.severity, finding.params["ports"]) == ("certain", "warning", (25,))
    assert world.codes == {"local-firewall", "ok"}
    assert world.conclusion.verdict.code == "local-firewall"
    way = world.conclusion.way
    assert way is not None
    assert (way.stops_from, way.stops_to, way.stopped) == ("you", "you", (25,))
    assert set(way.passing) == {465, 587, 993}


def test_an_endpoint_that_this_machine_blocks() -> None:
    world = World(target=f"{HOST}:587", families=(4, 6)).rejected(587, by=OWN)
    assert blockers(world.conclusion) == {"local-firewall"}
    assert found(world.conclusion, "local-firewall").family is None


def test_a_refusal_that_took_no_time_did_not_leave_this_machine() -> None:
    world = World(controls=()).fail("prohibited", 25, error="EACCES", stages=Stages(connect_ms=0.1))
    assert world.confidence("local-firewall") == "certain"
    slow = World(controls=()).fail("prohibited", 25, error="EACCES", stages=Stages(connect_ms=80))
    assert slow.confidence("local-firewall") == "likely"


def test_an_absent_neighbour_is_no_firewall() -> None:
    slow: dict[str, Any] = {**ABSENT, "stages": Stages(connect_ms=3050)}
    assert "local-firewall" not in World().fail("unreachable", 25, **slow).codes
    everything = World().fail("unreachable", who="target", **ABSENT).fail("unreachable", who="controls", **ABSENT)
    assert "local-firewall" not in everything.codes
    at_once = World().fail("unreachable", 25, **{**ABSENT, "error": "ENETUNREACH (ICMP 3/0)"})
    assert at_once.confidence("local-firewall") == "certain"


def test_a_reset_of_a_syn_that_could_not_leave() -> None:
    world = World().refused(25).path(25, "refused", "refused", start=0)
    assert world.confidence("local-firewall") == "certain"
    assert world.codes == {"local-firewall", "ok"}


def silent_here(**changed: Any) -> World:
    world = World(**changed).silent(25).gateway(25)
    return world.path(25, "silent", "silent").path(587, BOX[4], ISP[4], "open")


def test_silence_from_the_first_hop_on() -> None:
    world = silent_here()
    assert world.confidence("local-firewall") == "possible"
    assert world.conclusion.verdict.code == "local-firewall"
    assert "port25-blocked" not in world.codes
    assert f"{BOX[4]}-25-4" in found(world.conclusion, "local-firewall").evidence


def test_what_was_not_traced_beside_what_begins_here() -> None:
    world = silent_here()
    for port in (465, 993):
        world.silent(port, who="target")
        world.add(*(World.control(host, port).model_copy(update=UNHEARD) for host in CONTROLS))
    assert world.codes == {"local-firewall", "ok"}
    assert world.confidence("local-firewall") == "possible"
    traced = world.path(465, BOX[4], "silent")
    assert found(traced.conclusion, "port-blocked").params["ports"] == (465,)


def test_of_two_traces_one_meets_a_box_that_has_no_answers_left() -> None:
    world = silent_here().path(465, "silent", ISP[4], "open")
    assert world.codes == {"local-firewall", "ok"}
    elsewhere = world.silent(993, who="target").path(993, BOX[4], "silent")
    assert "local-firewall" not in elsewhere.codes


def test_the_provider_is_not_cleared_by_much() -> None:
    """Any answer clears this machine."""
    assert silent_here().gateway(25, "refused").codes == {"port25-blocked", "ok"}
    assert silent_here().path(25, BOX[4], "silent").codes == {"port25-blocked", "ok"}
    assert silent_here().path(587, "silent", ISP[4], "open").codes == {"port25-blocked", "ok"}
    assert silent_here().path(587, "open").codes == {"port25-blocked", "ok"}
    answered = silent_here().add(World.control("mx.delta.example", 25))
    assert "local-firewall" not in answered.codes
    unasked = silent_here()
    del unasked.seen[f"{BOX[4]}-25-4"]
    assert unasked.codes == {"port25-blocked", "ok"}
    assert EvidenceRequest("gateway", port=25, family=4) in unasked.wanted


def test_a_path_is_wanted_where_a_port_is_silent_and_another_works() -> None:
    world = World(families=(4, 6)).silent(25)
    wanted = {want for want in world.wanted if want.kind in ("trace", "gateway")}
    assert {want.observation for want in wanted if want.kind == "trace"} == {f"{HOST}-25-4", f"{HOST}-25-6"}
    assert {(want.port, want.family) for want in wanted if want.kind == "gateway"} == {(25, 4), (25, 6)}
    assert all(want.working and want.working.startswith(HOST) for want in wanted if want.kind == "trace")


@pytest.mark.parametrize(
    "world",
    [
        World().silent(25, who="target"),
        World().silent(25).silent(who="target"),
        World().refused(25, who="target"),
        World(),
    ],
)
def test_no_path_is_wanted_where_it_tells_nothing(world: World) -> None:
    assert not [want for want in world.wanted if want.kind in ("trace", "gateway")]


def test_few_paths_are_wanted() -> None:
    world = World(ports=(25, 110, 143, 465, 587, 993, 995)).silent(25, 110, 143, 587, 995)
    assert len([want for want in world.wanted if want.kind == "trace"]) == 2


def test_the_home_box_that_says_so() -> None:
    world = World(families=(4, 6)).rejected(25, by=BOX)
    assert world.confidence("gateway-firewall") == "certain"
    assert world.codes == {"gateway-firewall", "ok"}
    way = world.conclusion.way
    assert way is not None
    assert (way.stops_from, way.stops_to, way.box) == ("box", "box", BOX[4])


def test_the_home_box_for_one_server_only() -> None:
    world = World().rejected(25, by=BOX, who="target")
    assert world.confidence("gateway-firewall") == "certain"
    assert world.codes == {"gateway-firewall", "ok"}


@pytest.mark.parametrize(
    ("machine", "code"),
    [
        (Machine(gateways=(BOX[4],)), "gateway-firewall"),
        (Machine(networks=("10.77.0.0/24",)), "gateway-firewall"),
        (Machine(), "port25-blocked"),
        (Machine(addresses=(BOX[4],), gateways=(BOX[4],)), "local-firewall"),
    ],
)
def test_who_a_reporter_is(machine: Machine, code: str) -> None:
    assert World().rejected(25, by=BOX).twice(25).with_(machine=machine).codes == {code, "ok"}


def test_a_router_that_a_trace_met_first_is_the_box() -> None:
    world = World().rejected(25, by={4: "100.64.0.1"}).with_(machine=Machine()).path(587, "100.64.0.1", ISP[4], "open")
    assert world.codes == {"gateway-firewall", "ok"}


def test_a_box_without_a_route_is_no_firewall() -> None:
    nowhere: dict[str, Any] = {"reporter": BOX[4], "error": "EHOSTUNREACH (ICMP 3/1)"}
    world = World(controls=()).fail("unreachable", **nowhere)
    assert "gateway-firewall" not in world.codes


@pytest.mark.parametrize(
    ("family", "code", "sure"), [(4, "gateway-firewall", "likely"), (6, "local-firewall", "possible")]
)
def test_a_reset_at_the_first_hop(family: Family, code: str, sure: str) -> None:
    world = World(families=(family,)).refused(25).path(25, "refused", family=family)
    world.path(587, BOX[family], ISP[family], "open", family=family)
    assert world.confidence(code) == sure
    assert world.codes == {code, "ok"}


def test_the_target_s_own_firewall_is_not_the_network() -> None:
    world = World().rejected(25, by={4: "192.0.2.7"}, who="target")
    assert world.codes == {"port-closed", "ok"}
    assert found(world.conclusion, "port-closed").params["reporter"] == "192.0.2.7"


def test_a_web_server_in_the_house_is_no_gateway() -> None:
    world = World(controls=()).fail("refused", reporter="192.0.2.7", error="ECONNREFUSED (ICMP 3/3)")
    world.with_(machine=Machine(networks=("192.0.2.0/24",)))
    assert "gateway-firewall" not in world.codes


# ---- where on the way


@pytest.mark.parametrize(
    ("failing", "working", "place"),
    [
        (("silent", "silent"), (BOX[4], ISP[4], FURTHER[4], "open"), ("box", "provider")),
        ((BOX[4], "silent"), (BOX[4], ISP[4], FURTHER[4], "open"), ("box", "provider")),
        ((BOX[4], "10.9.0.1", "silent"), (BOX[4], "10.9.0.1", ISP[4], "open"), ("box", "provider")),
        ((BOX[4], ISP[4], "silent"), (BOX[4], ISP[4], FURTHER[4], "open"), ("provider", "internet")),
    ],
)
def test_where_a_block_begins(failing: tuple[str, ...], working: tuple[str, ...], place: tuple[str, str]) -> None:
    world = World().silent(25).gateway(25, "refused").path(25, *failing).path(587, *working)
    way = world.conclusion.way
    assert way is not None
    assert (way.stops_from, way.stops_to) == place
    assert (way.traced, way.box, way.stopped) == (True, BOX[4], (25,))
    assert way.provider in (ISP[4], "10.9.0.1")


def test_without_a_trace_a_block_is_anywhere_before_the_controls_part() -> None:
    way = World().silent(25).conclusion.way
    assert way is not None
    assert (way.stops_from, way.stops_to, way.traced, way.box) == ("you", "internet", False, BOX[4])


def test_the_server_s_side() -> None:
    down = World(ports=(25, 465, 587, 443)).silent(who="target").conclusion.way
    closed = World(target=f"{HOST}:25").refused(25, who="target").conclusion.way
    assert down is not None
    assert (down.stops_from, down.stops_to) == ("internet", "server")
    assert closed is not None
    assert (closed.stops_from, closed.stops_to) == ("server", "server")
    assert seen(25).path == ()


def test_what_resets_both_families_at_the_first_hop_is_one_box() -> None:
    world = World(families=(4, 6)).refused(25)
    for family in world.families:
        world.path(25, "refused", family=family).path(587, BOX[family], "open", family=family)
    assert world.codes == {"gateway-firewall", "ok"}
    assert found(world.conclusion, "gateway-firewall").family is None
    world.path(25, "refused", "refused", start=0)
    assert world.codes == {"local-firewall", "ok"}
    assert world.confidence("local-firewall") == "certain"


def test_a_rejection_on_the_way_is_where_it_was_said() -> None:
    world = World().rejected(25, by=ISP).path(25, BOX[4], ISP[4], "prohibited").path(587, BOX[4], ISP[4], "open")
    world.twice(25)
    way = world.conclusion.way
    assert way is not None
    assert (way.stops_from, way.stops_to) == ("provider", "provider")


class TestNetworkChanged:
    @pytest.mark.parametrize("how", ["moved", "slept"])
    def test_what_failed_meanwhile_accuses_nobody(self, how: str) -> None:
        world = World().fail("no-answer", 25)
        world.known["disturbed"] = how
        assert "port25-blocked" not in world.codes
        assert "network-changed" in world.codes

    def test_what_answered_has_answered(self) -> None:
        world = World()
        world.known["disturbed"] = "moved"
        assert "network-changed" not in world.codes

    def test_where_nothing_answered_it_is_the_verdict(self) -> None:
        world = World(controls=()).fail("no-answer", who="target")
        world.known["disturbed"] = "moved"
        assert world.conclusion.verdict.code == "network-changed"

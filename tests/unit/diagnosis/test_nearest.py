"""What speaks for this machine and the home box, and the traces that tell them apart from others."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    FURTHER,
    HOST,
    ISP,
    OWN,
    World,
    found,
    seen,
    unreached,
)

from poterne.diagnosis import EvidenceRequest
from poterne.diagnosis.case import Case
from poterne.diagnosis.nearest import absent, reset_at
from poterne.report import Family, Observation, Stages

GOOD = (BOX[4], ISP[4], FURTHER[4], "open")
TARGET = "192.0.2.7"
GONE = "EHOSTUNREACH (ICMP 3/1)"


def case(world: World) -> Case:
    return Case.of(world.evidence)


def of(world: World, port: int = 25, family: Family = 4) -> Observation:
    return world.seen[f"{HOST}-{port}-{family}"]


def traced(*failing: str, working: tuple[str, ...] = GOOD, state: str = "no-answer") -> World:
    world = World().fail(state, 25)
    world = world.path(25, *failing) if failing else world
    return world.path(587, *working) if working else world


# ---- this machine


def silent_here(**changed: Any) -> World:
    return traced("silent", "silent").gateway(25, **changed)


def here(world: World) -> bool:
    return case(world).nearest.silent_here(of(world))


def test_silence_that_begins_in_this_machine() -> None:
    assert here(silent_here())
    assert not here(silent_here().change({"state": "refused"}, 25, who="target"))
    assert not here(silent_here().change({"attempts": 2}, 465, 587, 993)), "packets are lost"
    assert not here(silent_here(provisional=True))
    assert not here(traced("silent", "silent").gateway(587)), "the box was asked on another port"
    assert not here(traced("silent", "silent").gateway(25, "prohibited"))
    assert here(silent_here().path(25, "silent", ISP[4]))
    assert not here(silent_here().path(25, "silent", start=2)), "nothing is known of the first hop"
    assert not here(silent_here().path(25, "refused", "silent"))


@pytest.mark.parametrize(
    ("hops", "begins"),
    [
        ((BOX[4], "open"), True),
        ((TARGET, "open"), False),
        (("silent", ISP[4], "open"), False),
        (("open",), False),
    ],
)
def test_a_working_port_has_to_meet_a_router_first(hops: tuple[str, ...], begins: bool) -> None:
    assert here(silent_here().path(587, *hops)) is begins


def test_a_working_port_is_open_and_of_the_same_address() -> None:
    for changed in ({"state": "reset"}, {"address": "192.0.2.8"}):
        assert not here(silent_here().change(changed, 587, who="target"))


def test_another_failing_port_that_passed_the_box_counts_where_a_trace_met_none() -> None:
    both = silent_here().path(465, "silent", ISP[4], "open")
    assert here(both)
    assert not here(both.silent(993, who="target").path(993, BOX[4], "silent"))
    elsewhere = silent_here().path(465, "silent", ISP[4], "open").silent(993, who="target", address="192.0.2.8")
    assert here(elsewhere.path(993, BOX[4], "silent"))
    every = silent_here().silent(993, who="target").path(993, BOX[4], "silent")
    assert here(every), "every working port's trace met it"


@pytest.mark.parametrize(
    ("other", "begins"),
    [
        (World.control("mx.delta.example", 25), False),
        (World.control("mx.delta.example", 25, state="reset"), False),
        (World.control("mx.delta.example", 465), True),
        (World.control("mx.delta.example", 25, 6), True),
        (seen(25, id="again"), False),
    ],
)
def test_any_answer_on_that_port_clears_this_machine(other: Observation, begins: bool) -> None:
    assert here(silent_here().add(other)) is begins


def test_silence_that_was_not_traced_is_like_that_of_this_machine() -> None:
    world = silent_here().silent(465, who="target")
    world.add(*(World.control(host, 465) for host in CONTROLS)).silent(465, who="controls")

    def like(changed: dict[str, Any]) -> bool:
        known = case(World(ports=()).add(*world.seen.values()).change(changed, 465, who="target"))
        return known.nearest.like_those_here(known.target.seen[[o.port for o in known.target.seen].index(465)])

    assert like({})
    assert not like({"state": "refused"})
    assert not like({"path": of(world).path})
    world.add(World.control("mx.delta.example", 465))
    assert not like({}), "somebody answers there"
    alone = World().silent(25)
    assert not case(alone).nearest.like_those_here(of(alone)), "nothing seems to begin here"
    itself = silent_here()
    untraced = of(itself).model_copy(update={"path": ()})
    assert not case(itself).nearest.like_those_here(untraced), "it would be like itself"
    six = silent_here()
    six.add(*(unreached(25, "no-answer", family=6), seen(587, family=6)))
    six.add(*(World.control(host, 587, 6) for host in CONTROLS))
    six.add(*(World.control(host, 25, 6) for host in CONTROLS)).silent(25, family=6)
    assert case(six).shared.on(6, 25) is not None
    assert not case(six).nearest.like_those_here(of(six, family=6)), "it begins here over IPv4"


# ---- the box


def test_silence_beside_refusals_of_the_box() -> None:
    def like_the_box(rejected: int, family: Family, **changed: Any) -> bool:
        world = World(families=(4, 6)).silent(25, who="target", family=4)
        world.rejected(rejected, by=BOX, who="target", family=family, **changed)
        return case(world).nearest.silent_like_the_box(of(world))

    assert like_the_box(25, 6)
    assert like_the_box(465, 4)
    assert not like_the_box(465, 6), "another port, in the other family"
    assert not like_the_box(25, 6, provisional=True)
    world = World().refused(25, who="target").rejected(465, by=BOX, who="target")
    assert not case(world).nearest.silent_like_the_box(of(world))


@pytest.mark.parametrize("state", ["prohibited", "refused"])
def test_an_error_that_speaks_of_a_rule(state: str) -> None:
    world = World(controls=()).fail(state, reporter=BOX[4], error=GONE, stages=Stages(connect_ms=3000))
    assert case(world).nearest.is_of_that_port(of(world))
    assert case(world).nearest.refused_by_the_box(of(world))
    own = World(controls=()).fail(state, reporter=OWN[4])
    assert not case(own).nearest.refused_by_the_box(of(own))


def of_that_port(world: World) -> bool:
    return case(world).nearest.is_of_that_port(of(world))


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, True),
        ({"stages": Stages(connect_ms=899)}, True),
        ({"stages": Stages(connect_ms=900)}, False),
        ({"stages": Stages(connect_ms=900), "error": "EHOSTUNREACH (ICMP 3/13)"}, True),
        ({"stages": Stages(connect_ms=900), "error": "ENETUNREACH (ICMPv6 1/3)"}, False),
        ({"stages": Stages(connect_ms=900), "error": None}, True),
        ({"stages": Stages()}, True),
    ],
)
def test_an_error_that_comes_late_speaks_of_a_neighbour(changed: dict[str, Any], rule: bool) -> None:
    world = World().fail("unreachable", 25, **{"reporter": OWN[4], "error": GONE, **changed})
    assert of_that_port(world) is rule


def test_an_error_of_one_port_needs_another_that_answers() -> None:
    def alone() -> World:
        return World(ports=(25,), controls=()).fail("unreachable", 25, reporter=OWN[4], error=GONE)

    assert not of_that_port(alone())
    assert of_that_port(alone().add(seen(587)))
    assert of_that_port(alone().add(World.control("mx.alpha.example", 587)))
    assert not of_that_port(alone().add(World.control("mx.alpha.example", 25)))
    assert not of_that_port(alone().add(seen(587, address="192.0.2.8")))
    assert not of_that_port(alone().add(seen(587, family=6)))
    assert not of_that_port(alone().add(unreached(587, "refused")))


def test_a_target_s_resets_where_somebody_nearer_resets_too() -> None:
    world = World(families=(4, 6)).refused(25, who="target").refused(465, who="target").silent(587, who="target")
    nearest = case(world).nearest
    assert nearest.reset_too([of(world)]) == {f"{HOST}-25-4", f"{HOST}-25-6"}
    assert nearest.reset_too([of(world, 587)]) == frozenset()


def test_where_a_reset_came_from() -> None:
    world = World().refused(25).path(25, "silent", "refused")
    assert [reset_at(of(world), number) for number in (0, 1, 2)] == [False, False, True]
    assert absent(unreached(25, "unreachable", error=GONE))
    assert absent(unreached(25, "unreachable", error="EHOSTUNREACH (ICMPv6 1/3)"))
    assert not absent(unreached(25, "no-answer", error=GONE))
    assert not absent(unreached(25, "unreachable"))


# ---- what is found nearby


def test_a_firewall_here_is_told_with_what_it_was_held_against() -> None:
    world = silent_here()
    finding = found(world.conclusion, "local-firewall")
    assert finding.evidence == (f"{HOST}-25-4", f"{BOX[4]}-25-4", f"{HOST}-587-4")
    certain = World().rejected(25, by=OWN)
    assert found(certain.conclusion, "local-firewall").evidence == (f"{HOST}-25-4",)


@pytest.mark.parametrize(
    ("error", "connect_ms", "confidence"),
    [
        ("EACCES", 19.9, "certain"),
        ("EACCES", 20, "likely"),
        ("EACCES", None, "certain"),
        ("EPERM", 80, "certain"),
        ("EHOSTUNREACH", 1, None),
    ],
)
def test_a_refusal_of_this_machine_comes_at_once(error: str, connect_ms: float | None, confidence: str | None) -> None:
    world = World(controls=()).fail("prohibited", 25, error=error, stages=Stages(connect_ms=connect_ms))
    assert ("local-firewall" in world.codes) is (confidence is not None)
    if confidence:
        assert world.confidence("local-firewall") == confidence


def test_one_family_that_this_machine_refuses() -> None:
    world = World(families=(4, 6)).rejected(25, by=OWN, family=6)
    assert found(world.conclusion, "local-firewall").family == 6
    box = World(families=(4, 6)).rejected(25, by=BOX, family=6)
    assert found(box.conclusion, "gateway-firewall").family == 6
    assert found(box.conclusion, "gateway-firewall").evidence == (f"{HOST}-25-6",)


def test_what_has_only_been_refused_for_a_while_accuses_nobody() -> None:
    for by, code in ((OWN, "local-firewall"), (BOX, "gateway-firewall")):
        world = World().rejected(25, by=by, provisional=True)
        assert code not in world.codes


def both_families(*over_ipv4: str, start: int = 1) -> World:
    world = World(families=(4, 6)).refused(25)
    world.path(25, "refused", family=6).path(587, BOX[6], "open", family=6)
    return world.path(25, *over_ipv4, start=start) if over_ipv4 else world


@pytest.mark.parametrize(
    ("over_ipv4", "start", "here", "box"),
    [
        ((), 1, "possible", None),
        (("refused", "refused"), 0, "certain", None),
        (("refused",), 1, None, "likely"),
        ((BOX[4], "refused"), 1, "possible", None),
    ],
)
def test_who_resets_ipv6_at_the_first_hop(
    over_ipv4: tuple[str, ...], start: int, here: str | None, box: str | None
) -> None:
    world = both_families(*over_ipv4, start=start)
    for code, confidence in (("local-firewall", here), ("gateway-firewall", box)):
        sure = {f.confidence for f in world.conclusion.findings if f.code == code and f"{HOST}-25-6" in f.evidence}
        assert sure == ({confidence} if confidence else set())


def test_only_the_same_port_of_the_same_host_tells_who_resets_it() -> None:
    other_port = both_families().refused(465, family=4).path(465, "refused")
    assert [f.confidence for f in other_port.conclusion.findings if f.code == "local-firewall"] == ["possible"]
    account = World(target="me@example.org", families=(4, 6)).refused(25)
    account.path(25, "refused", family=6).path(587, BOX[6], "open", family=6)
    account.add(unreached(25, "refused", host="mx.example.org", path=of(World().path(25, "refused")).path))
    assert [f.confidence for f in account.conclusion.findings if f.code == "local-firewall"] == ["possible"]


def test_the_box_resets_what_could_leave_this_machine() -> None:
    world = World().refused(25).path(25, "refused").path(587, *GOOD)
    finding = found(world.conclusion, "gateway-firewall")
    assert (finding.confidence, finding.evidence) == ("likely", (f"{HOST}-25-4",))
    assert "gateway-firewall" not in world.path(25, BOX[4], "refused").codes


# ---- the traces that are wanted


def traces(world: World) -> list[tuple[str | None, str | None]]:
    return sorted((w.observation, w.working) for w in world.wanted if w.kind == "trace")


def test_the_ports_that_matter_most_are_traced() -> None:
    world = World(ports=(25, 110, 143, 465, 587, 993, 995)).silent(25, 110, 143, 587)
    assert traces(world) == [(f"{HOST}-25-4", f"{HOST}-465-4"), (f"{HOST}-587-4", f"{HOST}-465-4")]
    assert {(w.port, w.family) for w in world.wanted if w.kind == "gateway"} == {(25, 4), (587, 4)}
    rest = World(ports=(25, 110, 143, 465, 587, 993, 995)).silent(143, 110, 993)
    assert [observation for observation, _ in traces(rest)] == [f"{HOST}-110-4", f"{HOST}-143-4"]
    third = World(ports=(25, 143, 465, 587, 993)).silent(143, 465, 587)
    assert [observation for observation, _ in traces(third)] == [f"{HOST}-465-4", f"{HOST}-587-4"]
    asked = (
        World(ports=(25, 110, 143, 465, 587, 993, 995)).silent(25, 110, 143, 587).with_(ports=(110, 143, 25, 587, 465))
    )
    assert [observation for observation, _ in traces(asked)] == [f"{HOST}-25-4", f"{HOST}-587-4"]
    endpoint = World(target=f"{HOST}:143", ports=(25, 143, 465, 587)).silent(25, 143, 587)
    assert [observation for observation, _ in traces(endpoint)] == [f"{HOST}-143-4", f"{HOST}-25-4"]


def test_what_has_been_traced_is_not_traced_again() -> None:
    world = World().silent(25).path(25, BOX[4], "silent")
    assert traces(world) == []
    assert EvidenceRequest("gateway", port=25, family=4) in world.wanted
    assert traces(World().silent(25).with_(complete=True)) == []


def test_a_host_without_a_working_port_hinders_no_other() -> None:
    world = World(target="me@example.org").silent(25)
    alone = unreached(587, "no-answer", host="a.example.org", address="192.0.2.9", id="a")
    world.add(alone).change(None, 587, who="controls")
    world.add(*(World.control(host, 465) for host in CONTROLS))
    assert f"{HOST}-25-4" in [observation for observation, _ in traces(world)]


def test_where_packets_of_one_family_are_lost_the_other_is_traced() -> None:
    world = World(families=(4, 6)).silent(25).change({"attempts": 2}, 465, 587, 993, family=4)
    assert [observation for observation, _ in traces(world)] == [f"{HOST}-25-6"]

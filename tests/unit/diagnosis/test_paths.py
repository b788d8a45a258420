"""What traces show: where a failing port stops, held against a working one."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    FURTHER,
    HOST,
    ISP,
    OWN,
    World,
    seen,
    unreached,
)

from poterne.diagnosis.case import Case
from poterne.diagnosis.paths import outside
from poterne.report import Family, Hop, Machine, Observation

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


# ---- held against a working port


def test_a_working_port_is_of_use_where_it_was_traced() -> None:
    assert case(traced("silent")).paths.working(of(traced())) == of(traced(), 587)
    assert case(traced("silent", working=())).paths.working(of(traced())) is None
    assert case(traced("silent").change({"address": "192.0.2.8"}, 25)).paths.working(unreached(25, "no-answer"))
    assert not case(traced()).paths.working(unreached(25, "no-answer", address="192.0.2.8"))


@pytest.mark.parametrize(
    ("failing", "working", "nearer"),
    [
        ((BOX[4], "refused"), GOOD, True),
        ((BOX[4], ISP[4], "open"), GOOD, True),
        ((BOX[4], ISP[4], FURTHER[4], "refused"), GOOD, False),
        ((BOX[4], ISP[4], FURTHER[4], "silent", "refused"), GOOD, False),
        ((BOX[4], "prohibited"), GOOD, False),
        ((BOX[4], "silent"), GOOD, False),
        ((BOX[4], "refused"), (BOX[4], ISP[4], "refused"), True),
        ((BOX[4], "refused"), (BOX[4], ISP[4], "silent"), False),
        ((BOX[4], "refused", "refused", "refused"), GOOD, True),
        ((BOX[4], "refused"), (), False),
    ],
)
def test_an_answer_from_fewer_hops(failing: tuple[str, ...], working: tuple[str, ...], nearer: bool) -> None:
    world = traced(*failing, working=working, state="refused")
    assert case(world).paths.nearer(of(world)) is nearer


def test_only_open_ports_of_the_same_address_show_how_far_it_is() -> None:
    for changed in ({"address": "192.0.2.8"}, {"state": "reset"}):
        world = traced(BOX[4], "refused", state="refused").change(changed, 587, who="target")
        assert not case(world).paths.nearer(of(world))
    again = traced(BOX[4], "refused", working=(), state="refused")
    again.add(seen(25, id="again", path=of(World().path(25, *GOOD)).path))
    assert not case(again).paths.nearer(of(again))
    nearest = traced(BOX[4], "refused", state="refused").path(465, BOX[4], "open")
    assert not case(nearest).paths.nearer(of(nearest))


@pytest.mark.parametrize(
    ("failing", "working", "stops"),
    [
        ((BOX[4], "silent"), GOOD, True),
        ((BOX[4], ISP[4], "silent"), GOOD, True),
        ((BOX[4], ISP[4], FURTHER[4], "silent"), GOOD, False),
        (("silent", "silent"), GOOD, True),
        (("silent", "silent"), ("silent", ISP[4], FURTHER[4], "open"), False),
        ((BOX[4], "silent"), (BOX[4], "silent", FURTHER[4], "open"), False),
        ((BOX[4], "silent"), (BOX[4], TARGET), False),
        ((BOX[4], "silent"), (BOX[4], "open"), False),
        ((BOX[4], "refused"), GOOD, False),
        ((BOX[4], "prohibited"), GOOD, False),
        ((BOX[4], "open"), GOOD, False),
        ((), GOOD, False),
        ((BOX[4], "silent"), (), False),
    ],
)
def test_a_port_that_stops_midway(failing: tuple[str, ...], working: tuple[str, ...], stops: bool) -> None:
    world = traced(*failing, working=working)
    assert case(world).paths.stops_midway(of(world)) is stops


@pytest.mark.parametrize(
    ("failing", "working", "state", "stops"),
    [
        ((BOX[4], "silent", "silent"), GOOD, "no-answer", True),
        ((BOX[4], ISP[4], "silent"), GOOD, "no-answer", False),
        ((BOX[4], "silent", ISP[4]), GOOD, "no-answer", False),
        (("silent", "silent"), GOOD, "no-answer", None),
        ((BOX[4],), GOOD, "no-answer", None),
        ((BOX[4], "silent"), (BOX[4], TARGET, "open"), "no-answer", None),
        ((BOX[4], "silent"), (BOX[4], "open"), "no-answer", None),
        ((BOX[4], "silent"), (BOX[4], "silent", FURTHER[4]), "no-answer", True),
        ((BOX[4], "refused"), GOOD, "refused", True),
        ((BOX[4], "silent", "refused"), GOOD, "refused", False),
        ((BOX[4], "silent", "silent"), GOOD, "refused", False),
        ((BOX[4], "refused"), GOOD, "no-answer", False),
        ((), GOOD, "no-answer", None),
        ((BOX[4], "silent"), (), "no-answer", None),
    ],
)
def test_a_port_that_stops_at_the_box(
    failing: tuple[str, ...], working: tuple[str, ...], state: str, stops: bool | None
) -> None:
    world = traced(*failing, working=working, state=state)
    assert case(world).paths.stops_at_the_box(of(world)) is stops


def test_where_packets_are_lost_no_trace_shows_where_they_stop() -> None:
    world = traced(BOX[4], "silent").change({"attempts": 2}, 465, 587, 993)
    assert case(world).paths.stops_at_the_box(of(world)) is None


@pytest.mark.parametrize(
    ("failing", "working", "box", "unseen"),
    [
        (("silent", "silent"), ("silent", ISP[4], "open"), None, True),
        (("silent",), ("silent", ISP[4], "open"), "no-answer", True),
        (("silent",), ("silent", ISP[4], "open"), "refused", False),
        (("silent",), (BOX[4], ISP[4], "open"), None, False),
        (("silent",), ("silent", "silent", "open"), None, False),
        (("silent", ISP[4]), ("silent", ISP[4], "open"), None, False),
        ((), ("silent", ISP[4], "open"), None, False),
        (("silent",), (), None, False),
    ],
)
def test_a_way_whose_first_router_nobody_met(
    failing: tuple[str, ...], working: tuple[str, ...], box: str | None, unseen: bool
) -> None:
    world = traced(*failing, working=working)
    if box is not None:
        world.gateway(25, box)
    assert case(world).paths.begins_unseen(of(world)) is unseen
    elsewhere = traced(*failing, working=working).gateway(587, "refused")
    if box is None:
        assert case(elsewhere).paths.begins_unseen(of(elsewhere)) is unseen, "the box was asked on another port"


@pytest.mark.parametrize(
    ("hops", "at_the_provider"),
    [
        ((BOX[4], ISP[4], "silent"), True),
        ((BOX[4], "10.9.0.1", ISP[4], "silent"), True),
        ((BOX[4], "silent", "silent"), False),
        ((BOX[4], "10.9.0.1", "silent"), False),
        ((ISP[4], FURTHER[4], "silent"), False),
        ((BOX[4], ISP[4], "open"), False),
        (("silent", ISP[4], "silent"), True),
        ((), False),
    ],
)
def test_a_port_that_passes_the_box(hops: tuple[str, ...], at_the_provider: bool) -> None:
    world = traced(*hops)
    assert case(world).paths.at_the_provider(of(world)) is at_the_provider


def test_who_answers_on_the_way_is_no_router_behind_the_box() -> None:
    world = traced(BOX[4], "silent")
    answered = Hop(hop=2, address=FURTHER[4], answer="refused")
    world.change({"path": (*of(world).path[:1], answered)}, 25, who="target")
    assert not case(world).paths.at_the_provider(of(world))


def test_what_is_known_of_this_machine_decides_whether_a_router_is_the_providers() -> None:
    world = traced(BOX[4], ISP[4], "silent")

    def shown(**machine: Any) -> bool:
        return case(world.with_(machine=Machine(**machine))).paths.at_the_provider(of(world))

    assert shown(addresses=(OWN[4],), gateways=(BOX[4],))
    assert not shown(addresses=(OWN[4],)), "no gateway is known"
    assert not shown(addresses=("203.0.113.5",), gateways=(BOX[4],)), "this machine is outside itself"
    assert not shown(addresses=(OWN[4],), gateways=("203.0.113.6",)), "so is the box"
    assert shown(addresses=(OWN[4], "2001:db8:9::1"), gateways=(BOX[4],)), "IPv6 has no such border"
    only_six = traced("silent", ISP[4], "silent").with_(machine=Machine(gateways=("fe80::1",)))
    assert not case(only_six).paths.at_the_provider(of(only_six))


def test_a_router_outside_that_rejects_a_port() -> None:
    world = World().rejected(25, by=ISP)
    assert case(world).paths.at_the_provider(of(world))
    for reporter in (BOX[4], TARGET):
        nearer = World().rejected(25, by={4: reporter})
        assert not case(nearer).paths.at_the_provider(of(nearer))
    six = World(families=(6,)).rejected(25, by=ISP)
    assert not case(six).paths.at_the_provider(of(six, family=6))


def test_what_is_outside() -> None:
    assert [outside(text) for text in ("2001:db8:1::1", "fd00::1", "fe80::1%eth0", "100.64.0.1", "203.0.113.1%x")] == [
        True,
        False,
        False,
        False,
        True,
    ]

"""Where connections stop between this computer and the server, as the picture of the path shows it."""

import pytest
from tests.unit.core_observations import BOX, CONTROLS, FURTHER, HOST, ISP, OWN, World, plain, unreached

from poterne.report import Machine


def way(world: World) -> tuple[str, str, tuple[int, ...], tuple[int, ...], str | None, str | None, bool] | None:
    told = world.conclusion.way
    if told is None:
        return None
    return told.stops_from, told.stops_to, told.stopped, told.passing, told.box, told.provider, told.traced


REST = (465, 587, 993)


def test_there_is_no_way_to_draw_where_nothing_stops() -> None:
    assert way(World()) is None
    assert way(World(target=f"{HOST}:587").change(plain, 587, who="target")) is None
    assert way(World().silent(25, who="target")) is None


@pytest.mark.parametrize(
    ("hops", "place", "provider"),
    [
        (("silent", "silent"), ("box", "provider"), ISP[4]),
        ((BOX[4], "silent"), ("box", "provider"), ISP[4]),
        ((BOX[4], "10.9.0.1", "silent"), ("box", "provider"), "10.9.0.1"),
        ((BOX[4], ISP[4], "silent"), ("provider", "internet"), ISP[4]),
        ((BOX[4], "silent", FURTHER[4], "silent"), ("provider", "internet"), ISP[4]),
        ((ISP[4], "silent"), ("box", "provider"), ISP[4]),
        ((BOX[4], ISP[4], "prohibited"), ("provider", "provider"), ISP[4]),
        ((BOX[4], "prohibited"), ("provider", "provider"), ISP[4]),
    ],
)
def test_where_a_trace_ends(hops: tuple[str, ...], place: tuple[str, str], provider: str) -> None:
    world = World().silent(25).path(25, *hops).path(587, BOX[4], ISP[4], FURTHER[4], "open")
    box = hops[0] if hops[0] in (BOX[4], ISP[4]) else BOX[4]
    assert way(world) == (*place, (25,), REST, box, provider, True)


def test_a_trace_without_a_working_one_is_drawn_by_itself() -> None:
    world = World().silent(25).path(25, BOX[4], ISP[4], "silent")
    assert way(world) == ("provider", "internet", (25,), REST, BOX[4], ISP[4], True)


def test_without_a_trace_who_said_so_decides() -> None:
    assert way(World().silent(25)) == ("you", "internet", (25,), REST, BOX[4], None, False)
    assert way(World().rejected(25, by=ISP).twice(25)) == ("provider", "provider", (25,), REST, BOX[4], None, False)
    mixed = World().rejected(25, by=ISP).twice(25, who="controls")
    mixed.add(unreached(25, "no-answer", id="again"))
    assert way(mixed) == ("you", "internet", (25,), REST, BOX[4], None, False)
    assert way(World().silent(25).with_(machine=Machine())) == ("you", "internet", (25,), REST, None, None, False)


def test_this_machine_and_the_box_are_where_they_are() -> None:
    assert way(World().rejected(25, by=OWN)) == ("you", "you", (25,), REST, BOX[4], None, False)
    assert way(World().rejected(25, by=BOX)) == ("box", "box", (25,), REST, BOX[4], None, False)
    near = World().path(25, "open").path(587, BOX[4], ISP[4], "open")
    here = World().path(25, "open", start=0).path(587, BOX[4], ISP[4], "open").conclusion.way
    assert here is not None
    assert (here.stops_from, here.stops_to) == ("you", "you")
    drawn = near.conclusion.way
    assert drawn is not None
    assert (drawn.stops_from, drawn.stops_to, drawn.traced) == ("box", "box", True)


def test_what_passes_is_settled_and_spoke() -> None:
    world = World(ports=(25, 465, 587, 993, 143)).silent(25).refused(143, who="target")
    world.change({"provisional": True}, 993, who="target")
    assert way(world) == ("you", "internet", (25,), (465, 587), BOX[4], None, False)


def test_ports_of_the_web_are_drawn_where_nothing_else_was_tried() -> None:
    world = World(ports=(25, 465, 587, 443)).silent(who="target")
    assert way(world) == ("internet", "server", (25, 465, 587), (), BOX[4], None, False)


def test_what_answered_is_not_where_connections_stop() -> None:
    several = World(control_ports=(25, 465, 587)).silent(465, 25)
    assert way(several) == ("you", "internet", (25, 465), (587, 993), BOX[4], None, False)
    assert way(World(controls=CONTROLS[:2]).change(plain, 25)) == (
        "you",
        "internet",
        (25,),
        REST,
        BOX[4],
        None,
        False,
    )

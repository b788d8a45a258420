"""What else may make a failure look like a block: packets that are lost, and connections that are limited."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    CANARY,
    CONTROLS,
    HOST,
    ISP,
    World,
    unreached,
)

from poterne.diagnosis.case import Case
from poterne.diagnosis.failures import Signature
from poterne.report import Family, Observation, Stages

LATE: dict[str, Any] = {"attempts": 2}
MUTE: dict[str, Any] = {"greeting": None, "greeting_kind": "silent", "tls": None, "security": "none", "auth": ()}


def case(world: World) -> Case:
    return Case.of(world.evidence)


def of(world: World, port: int = 25, host: str = HOST, family: Family = 4) -> Observation:
    return world.seen[f"{host}-{port}-{family}"]


# ---- loss


def losing(world: World, family: Family = 4) -> bool:
    return case(world).limits.unreliable(family)


def test_three_signs_of_loss_in_less_than_fifteen() -> None:
    few = World(ports=(25, 465, 587), controls=())
    assert not losing(few.change(LATE, 25, 465))
    assert losing(few.change(LATE, 587))
    many = World(ports=(25, 110, 143, 465, 587, 993, 995, 2525), control_ports=(25, 587), controls=CONTROLS)
    assert not losing(many.add(World.control(CONTROLS[0], 465)).change(LATE, 25, 465, 587, who="target"))
    assert losing(many.change(None, 995, 465, who="everybody").change(LATE, 25, 465, 587, 993, who="target"))


def test_what_is_late_took_a_second_syn() -> None:
    for stages, late in ((Stages(connect_ms=900), True), (Stages(connect_ms=899), False), (Stages(), False)):
        world = World(controls=()).change({"stages": stages})
        assert losing(world) is late
        assert case(world).limits.losing is late
    assert not case(World().change({**LATE, "cached": True}, 587, who="controls")).limits.losing
    silent = World(controls=()).silent(25, attempts=4)
    assert not case(silent).limits.losing


def test_silence_at_one_look_and_not_at_another_is_loss() -> None:
    world = World(ports=(25, 465, 587), controls=())
    for port in (25, 465, 587):
        assert not losing(world)
        world.add(unreached(port, "no-answer", id=f"again-{port}"))
    assert losing(world)
    elsewhere = World(ports=(25, 465, 587), controls=())
    elsewhere.add(*(unreached(p, "no-answer", id=f"other-{p}", address="192.0.2.8") for p in (25, 465, 587)))
    assert not losing(elsewhere)


def test_silence_of_one_control_where_another_opens_is_loss() -> None:
    world = World(ports=(25,), control_ports=(25, 465, 587, 993))
    world.silent(25, who=CONTROLS[0]).silent(465, who=CONTROLS[1]).silent(587, who=CONTROLS[2])
    assert losing(world)
    assert not losing(world.change({"source": "default"}, 587, who=CONTROLS[2])), "it may not serve that port"
    dead = World(ports=(25,), control_ports=(25, 465, 587)).silent(who=CONTROLS[0])
    assert not losing(dead), "nothing of it answers"
    closed = World(ports=(25,), control_ports=(25, 465, 587, 993)).silent(25, 465, 587, who="controls")
    assert not losing(closed), "nobody opens there"
    ours = World(ports=(25, 465, 587, 993), control_ports=(25, 465, 587)).silent(25, 465, 587, who="target")
    assert not losing(ours), "the target may drop them itself"


# ---- second looks


def shaky(world: World, how: Signature = "silent") -> list[str]:
    known = case(world)
    return [o.id for o in known.limits.shaky(4, 25, tuple(known.controls.on(4, 25)), how)]


def test_a_refusal_is_looked_at_once_more_at_one_control() -> None:
    world = World().refused(25)
    assert shaky(world, "refused") == [f"{CONTROLS[1]}-25-4"]
    assert shaky(world.twice(25, who=CONTROLS[0]), "refused") == []
    slow = {"stages": Stages(connect_ms=3000, greeting_ms=2000)}
    assert shaky(World().refused(25).change(slow, 25, who="controls"), "refused") == []
    assert shaky(World().refused(25).change(slow, 25, who=CONTROLS[0]), "refused") == [f"{CONTROLS[1]}-25-4"]
    quick = {"stages": Stages(connect_ms=3000, greeting_ms=1999)}
    assert shaky(World().refused(25).change(quick, 25, who="controls"), "refused") == [f"{CONTROLS[1]}-25-4"]


def test_silence_beside_the_errors_of_a_router_is_not_looked_at_again() -> None:
    world = World().rejected(25, by=ISP).silent(25, who=CONTROLS[0], reporter=None, error=None)
    assert shaky(world, "way") == [], "one router rejects several, and says so seldom"
    assert shaky(world, "refused") == [f"{CONTROLS[1]}-25-4"]


def test_silence_is_looked_at_again_where_packets_are_lost() -> None:
    world = World().silent(25)
    assert shaky(world) == []
    world.change(LATE, 587, who="target")
    assert shaky(world) == [f"{host}-25-4" for host in CONTROLS]
    assert shaky(world.twice(25, who=CONTROLS[1])) == [f"{CONTROLS[0]}-25-4", f"{CONTROLS[2]}-25-4"]


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({}, True),
        ({"source": "default"}, False),
        ({"family": 6}, False),
        ({"state": "refused"}, False),
    ],
)
def test_a_port_that_one_control_answers_on_and_another_not_shows_loss(changed: dict[str, Any], again: bool) -> None:
    world = World(control_ports=(25, 465, 587)).silent(25).silent(465, who=CONTROLS[0])
    assert bool(shaky(world.change(changed, 465, who=CONTROLS[0]))) is again


def test_two_looks_at_one_endpoint_are_of_the_same() -> None:
    failing = unreached(25, "no-answer")
    changes: list[dict[str, Any]] = [
        {"host": "mx.example.org"},
        {"address": "192.0.2.8"},
        {"family": 6},
        {"port": 465},
        {"role": "control"},
        {"provisional": True},
    ]
    for changed in changes:
        world = World(ports=()).add(failing, failing.model_copy(update={**changed, "id": "again"}))
        assert not case(world).limits.seen_twice(failing)
    assert case(World(ports=()).add(failing, failing.model_copy(update={"id": "again"}))).limits.seen_twice(failing)


# ---- limits on connections


def limited(world: World, how: Signature = "silent") -> bool:
    return case(world).limits.limited(4, 25, how)


def test_where_some_of_the_other_family_get_through() -> None:
    both = World(families=(4, 6)).silent(25, family=4)
    assert not limited(both), "all of the other family get through"
    assert limited(World(families=(4, 6)).silent(25, family=4).silent(25, family=6, who="target"))
    assert limited(World(families=(4, 6)).silent(25, family=4).silent(25, family=6, who=CONTROLS[0]))
    assert limited(World(families=(4, 6)).silent(25, family=4).change(None, 25, family=6, who="controls"))
    assert not limited(World(families=(4, 6)).silent(25)), "nobody gets through"
    assert not limited(World().silent(25)), "there is no other family"
    cached = World(families=(4, 6)).silent(25, family=4).change(None, 25, family=6, who="controls")
    assert not limited(cached.change({"cached": True}, 25, family=6, who="target"))
    unlike = World(families=(4, 6)).silent(25, family=4).refused(25, family=6, who=CONTROLS[0])
    assert not limited(unlike), "it fails in another way"
    six = World(families=(4, 6)).silent(25, family=6).silent(25, family=4, who="target")
    assert case(six).limits.limited(6, 25, "silent")


def picks(world: World, how: Signature = "refused") -> bool:
    return case(world).limits.picks(how)


def test_who_refuses_one_and_not_another() -> None:
    assert not picks(World().refused(25).canary(25, "refused")), "nobody gets through there"
    assert picks(World().canary(25, "refused"))
    assert not picks(World().canary(25, "refused", provisional=True))
    assert not picks(World().canary(25)), "silence is no refusal"
    assert not picks(World().canary(25, "reset"), "cut"), "somebody may have answered in its place"
    assert not picks(World().refused(25, who=CONTROLS[0])), "it may not serve that port"
    assert not picks(World().silent(25, who=CONTROLS[0]), "silent")
    assert picks(World().add(unreached(25, "refused", id="again")))
    assert not picks(World().add(unreached(25, "refused", id="again", address="192.0.2.8")))


def test_errors_for_one_control_and_not_for_another() -> None:
    world = World().rejected(25, by=ISP, who=CONTROLS[0])
    assert picks(world, "way")
    assert not picks(world, "gateway")
    assert not picks(world.change(None, 587, who=CONTROLS[0]), "way"), "that one may be dead"
    assert not picks(World().rejected(25, by=ISP, who="target"), "way")
    canary = World().canary(25, "prohibited", reporter=ISP[4], error="EHOSTUNREACH (ICMP 3/13)")
    assert not picks(canary, "way")


def test_neither_relay_nor_gateway_nor_what_was_seen_a_minute_ago_shows_a_limit() -> None:
    relay = World().refused(25).canary(25, "refused").relay()
    assert not picks(relay)
    box = World().refused(25).canary(25, "refused").gateway(25, "open")
    assert not picks(box)
    cached = World().refused(25).canary(25, "refused").add(World.control("mx.delta.example", 25, cached=True))
    assert not picks(cached)
    other_family = World(families=(4, 6)).refused(25, family=4)
    place: dict[str, Any] = {"role": "canary", "host": CANARY[4], "address": CANARY[4], "source": "canary"}
    assert not picks(other_family.add(unreached(25, "refused", **place)))

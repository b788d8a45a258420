"""How connections fail, and what the target's failures have in common with those of the controls."""

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
    plain,
    seen,
    spoilt,
    unreached,
)

from poterne.diagnosis.case import Case
from poterne.diagnosis.failures import Signature, clears
from poterne.diagnosis.shared import SharedFailure
from poterne.report import Confidence, Family, Machine, Observation, Stages, State, Tls

LATE: dict[str, Any] = {"attempts": 2}
MUTE: dict[str, Any] = {"greeting": None, "greeting_kind": "silent", "tls": None, "security": "none", "auth": ()}


def case(world: World) -> Case:
    return Case.of(world.evidence)


def of(world: World, port: int = 25, host: str = HOST, family: Family = 4) -> Observation:
    return world.seen[f"{host}-{port}-{family}"]


def signature(world: World, port: int = 25) -> Signature | None:
    return case(world).failures.signature(of(world, port))


# ---- how one connection failed


@pytest.mark.parametrize(
    ("observation", "looks"),
    [
        (seen(25), None),
        (plain(25, greeting_kind="refused"), None),
        (plain(25, greeting_kind="foreign"), "foreign"),
        (plain(25, greeting_kind="closed"), "cut"),
        (plain(25, greeting_kind="silent"), "mute"),
        (unreached(25, "no-answer"), "silent"),
        (unreached(25, "refused"), "refused"),
        (unreached(25, "reset"), "cut"),
        (unreached(25, "prohibited"), "local"),
        (unreached(25, "unreachable"), "nowhere"),
        (unreached(25, "error"), "nowhere"),
    ],
)
def test_how_a_connection_failed(observation: Observation, looks: Signature | None) -> None:
    assert signature(World(ports=()).add(observation)) == looks


def test_a_connection_that_is_cut_while_tls_begins() -> None:
    cut = Tls(fault="tls-failed", faults=("tls-failed",), alert="ECONNRESET")
    world = World(ports=()).add(spoilt(465, "tls-failed", greeting_kind=None).model_copy(update={"tls": cut}))
    assert signature(world, 465) == "cut"


@pytest.mark.parametrize(
    ("reporter", "looks"),
    [
        ("fe80::2%eth0", "own"),
        ("::1", "own"),
        ("2001:db8::7%eth0", "target"),
        (f"{BOX[6]}%eth0", "gateway"),
        ("fd77::9", "gateway"),
        ("10.77.0.9", "gateway"),
        ("a router", "way"),
        (ISP[6], "way"),
    ],
)
def test_who_sent_an_error(reporter: str, looks: Signature) -> None:
    world = World(ports=()).add(unreached(25, "prohibited", reporter=reporter, family=6, id=f"{HOST}-25-4"))
    assert signature(world) == looks


def test_a_network_may_be_told_by_an_address_in_it() -> None:
    world = World().fail("prohibited", 25, who="target", reporter="10.77.0.9")
    assert signature(world.with_(machine=Machine(networks=("10.77.0.2/24",)))) == "gateway"
    assert signature(world.with_(machine=Machine(networks=("10.78.0.2/24",)))) == "way"


@pytest.mark.parametrize(("hops", "looks"), [((ISP[4],), "gateway"), ((BOX[4], ISP[4]), "way"), (("silent",), "way")])
def test_only_the_first_router_of_a_trace_is_the_box(hops: tuple[str, ...], looks: Signature) -> None:
    world = World().fail("prohibited", 25, who="target", reporter=ISP[4]).path(587, *hops)
    assert signature(world) == looks
    six = World(families=(4, 6)).fail("prohibited", 25, who="target", reporter=ISP[4]).path(587, ISP[4], family=6)
    assert signature(six) == "way", "a trace over IPv6"


@pytest.mark.parametrize(
    ("how", "observation", "cleared"),
    [
        ("silent", seen(25), True),
        ("silent", unreached(25, "reset"), True),
        ("silent", unreached(25, "prohibited", reporter="192.0.2.7"), True),
        ("silent", unreached(25, "prohibited", reporter=ISP[4]), False),
        ("refused", seen(25), True),
        ("refused", unreached(25, "refused"), False),
        ("refused", unreached(25, "prohibited", reporter="192.0.2.7"), True),
        ("way", unreached(25, "refused"), True),
        ("cut", unreached(25, "refused"), True),
        ("cut", unreached(25, "reset"), False),
        ("cut", plain(25, greeting_kind="silent"), False),
        ("cut", plain(25, greeting_kind="busy"), True),
    ],
)
def test_what_clears_a_port(how: Signature, observation: Observation, cleared: bool) -> None:
    assert clears(observation, how) is cleared


# ---- proxies nearby


def proxied(*canaries: tuple[int, str]) -> World:
    """Port 25 opens and says nothing for ten seconds; the canary does this."""
    world = World().change({**MUTE, "stages": Stages(connect_ms=1, greeting_ms=9000)}, 25)
    for port, state in canaries:
        world.canary(port, state, stages=Stages(connect_ms=3300, greeting_ms=20_000))
    return world


@pytest.mark.parametrize(
    ("canaries", "known"),
    [
        (((25, "open"), (465, "open")), True),
        (((25, "open"),), False),
        (((25, "no-answer"), (465, "open"), (587, "open")), False),
        (((25, "open"), (465, "open"), (587, "no-answer")), False),
    ],
)
def test_a_proxy_opens_for_everybody_on_several_ports(canaries: tuple[tuple[int, str], ...], known: bool) -> None:
    world = proxied(*canaries)
    assert case(world).failures.proxied(25) is known
    assert case(world).failures.greeting_signature(of(world)) == ("cut" if known else "mute")


def test_behind_a_proxy_a_greeting_is_awaited_for_five_seconds() -> None:
    def looks(stages: Stages) -> Signature | None:
        world = proxied((25, "open"), (465, "open")).change({"stages": stages}, 25, who="target")
        return case(world).failures.greeting_signature(of(world))

    assert looks(Stages(greeting_ms=5000)) == "cut"
    assert looks(Stages(greeting_ms=10, tls_ms=5000)) == "cut"
    assert looks(Stages(greeting_ms=4999)) == "mute"
    assert looks(Stages()) == "mute"


def test_a_canary_that_greets_is_no_proxy_that_says_nothing() -> None:
    world = proxied((465, "open")).canary(25, "open", greeting="220 box", greeting_kind="accepted")
    assert not case(world).failures.proxied(25)


def gagged(world: World, port: int = 25) -> bool:
    return case(world).failures.gagged(4, port)


def test_a_port_on_which_nobody_greets() -> None:
    waited = {"stages": Stages(connect_ms=1, greeting_ms=9000)}
    world = World().change({**MUTE, **waited}, 25)
    assert gagged(world)
    assert not gagged(world, 587)
    assert not case(world).failures.gagged(6, 25)
    assert gagged(World().change({**MUTE, **waited}, 25).change({"greeting_kind": "closed"}, 25, who="controls"))
    assert not gagged(World().change({**MUTE, **waited}, 25, who="target"))
    assert not gagged(World().change({**MUTE, **waited}, 25, who="controls"))
    assert not gagged(World(controls=CONTROLS[:1]).change({**MUTE, **waited}, 25))
    hasty = {"stages": Stages(connect_ms=1, greeting_ms=900)}
    for who in ("target", "controls"):
        assert not gagged(World().change({**MUTE, **waited}, 25).change(hasty, 25, who=who))
    assert not gagged(World().change({**MUTE, **waited}, 25).change({"greeting_kind": "closed"}, 25, who="target"))


def test_the_families_in_which_a_port_was_tested() -> None:
    world = World(families=(4, 6)).silent(25, family=6).fail("unreachable", 25, who="target", family=4)
    assert case(world).failures.families_tested(25) == {6}
    assert case(world).failures.families_tested(587) == {4, 6}
    assert case(world).failures.families_tested(995) == set()


def test_a_family_that_this_machine_lacks_was_not_tested() -> None:
    world = World(families=(4, 6)).silent(25, who="target", family=6)
    assert case(world).failures.one_family([of(world, family=6)]) == 6
    both = World(families=(4, 6)).silent(25, who="target")
    assert case(both).failures.one_family([of(both), of(both, family=6)]) is None
    world.fail("unreachable", 25, who="target", family=4, error="ENETUNREACH")
    assert case(world).failures.one_family([of(world, family=6)]) is None
    world.change(None, 25, who="target", family=4)
    assert case(world).failures.one_family([of(world, family=6)]) is None


# ---- failures in common


@pytest.mark.parametrize(
    ("count", "most", "again", "confidence"),
    [
        (3, "certain", False, "certain"),
        (4, "likely", False, "likely"),
        (2, "certain", False, "likely"),
        (2, "possible", False, "possible"),
        (3, "possible", False, "possible"),
        (1, "certain", False, None),
        (3, "certain", True, None),
    ],
)
def test_what_so_many_controls_prove(count: int, most: Confidence, again: bool, confidence: Confidence | None) -> None:
    one = unreached(25, "no-answer")
    assert SharedFailure("silent", (one,), (one,), count, (one,) if again else (), most).confidence == confidence


def shared(world: World, port: int = 25) -> tuple[str, Confidence] | None:
    known = case(world).shared.on(4, port)
    return None if known is None else (known.signature, known.most)


def test_who_shares_a_failure() -> None:
    world = World().silent(25)
    known = case(world).shared.on(4, 25)
    assert known is not None
    assert known.failing == (of(world),)
    assert known.controls == tuple(of(world, host=host) for host in CONTROLS)
    assert (known.count, known.shaky) == (3, ())


@pytest.mark.parametrize(
    ("changed", "who"),
    [
        ({"provisional": True}, CONTROLS[0]),
        ({"state": "unreachable"}, CONTROLS[0]),
        ({"state": "reset"}, "target"),
    ],
)
def test_nothing_is_shared_before_everybody_is_known_to_fail_alike(changed: dict[str, Any], who: str) -> None:
    assert shared(World().silent(25).change(changed, 25, who=who)) is None


def test_what_was_seen_of_a_control_a_minute_ago_hinders_nothing() -> None:
    world = World().silent(25).change({"cached": True}, 25, who=CONTROLS[0])
    known = case(world).shared.on(4, 25)
    assert known is not None
    assert (known.count, [o.host for o in known.controls]) == (2, list(CONTROLS[1:]))


def test_another_name_of_the_target_clears_a_port() -> None:
    assert shared(World().silent(25).add(seen(25, host="mx.example.org"))) is None
    assert shared(World().silent(25).add(seen(587, host="mx.example.org"))) == ("silent", "certain")
    six = seen(25, host="mx.example.org", family=6)
    assert shared(World().silent(25).add(six)) == ("silent", "certain")


@pytest.mark.parametrize(("how", "fails"), [("no-answer", True), ("refused", False), ("reset", False)])
def test_resets_elsewhere_show_that_a_silent_target_is_there(how: State, fails: bool) -> None:
    """Where a network resets a port, resets of the others may be its as well."""
    world = World(ports=(25, 465, 587)).fail(how, 25).refused(465, 587, who="target")
    assert (shared(world) is not None) is fails


def test_errors_of_routers_beside_silence() -> None:
    reporter = {"reporter": None, "error": None}
    ours = World().rejected(25, by=ISP).silent(25, who="target", **reporter)
    assert shared(ours) == ("way", "certain")
    elsewhere = World(control_ports=(25, 465, 587)).silent(25, who="controls").rejected(25, by=ISP, who="target")
    elsewhere.rejected(465, by=ISP)
    assert shared(elsewhere) == ("way", "certain"), "controls have such errors on another port"
    two = World().rejected(25, by=ISP).rejected(25, by=FURTHER, who=CONTROLS[0])
    assert shared(two) == ("way", "certain"), "all of them are on the way"
    kinds = World().rejected(25, by=BOX).rejected(25, by=ISP, who="target")
    assert shared(kinds) is None


def test_errors_of_this_machine_and_of_the_box_are_shared_too() -> None:
    assert shared(World().rejected(25, by=OWN)) == ("own", "certain")
    assert shared(World().rejected(25, by=BOX)) == ("gateway", "certain")


def test_whoever_opens_on_one_port_and_cuts_answers_in_the_servers_place() -> None:
    world = World().fail("reset", 25, error="ECONNRESET")
    assert shared(world) == ("cut", "certain")
    assert shared(world.canary(25)) == ("cut", "certain")
    assert shared(world.canary(465, "open")) == ("cut", "certain")
    assert shared(world.canary(25, "open").canary(465)) is None


def test_silence_in_a_family_that_loses_packets_is_nothing_in_common() -> None:
    lossy = World(ports=(25, 465, 587, 993)).silent(25).change(LATE, 465, 587, 993)
    assert shared(lossy) is None
    refused = World(ports=(25, 465, 587, 993)).refused(25).change(LATE, 465, 587, 993)
    assert shared(refused) == ("refused", "certain")


# ---- what a failure in common proves at most


def test_behind_a_proxy_it_is_likely_at_most() -> None:
    world = proxied((25, "open"), (465, "open"))
    assert shared(world) == ("cut", "likely")


def test_without_a_gateway_something_has_to_leave_this_machine() -> None:
    tunnel = MACHINE.model_copy(update={"gateways": (BOX[6],)})
    assert shared(World().silent(25).with_(machine=tunnel)) == ("silent", "likely")
    assert shared(World().refused(25).with_(machine=tunnel)) == ("refused", "certain")
    silent = World().silent(25).with_(machine=tunnel).path(25, "silent")
    assert shared(silent) == ("silent", "likely")
    assert shared(silent.path(25, ISP[4])) == ("silent", "certain")
    assert shared(World().silent(25).with_(machine=tunnel.model_copy(update={"networks": ()}))) == ("silent", "certain")
    six = World(families=(6,)).silent(25).with_(machine=tunnel)
    known = case(six).shared.on(6, 25)
    assert known is not None
    assert known.most == "certain"


def test_three_controls_have_to_be_known_to_serve_the_port() -> None:
    world = World(ports=(25, 587, 993), control_ports=(25, 587, 993)).silent(993)
    assert shared(world, 993) == ("silent", "likely")
    for host in CONTROLS:
        assert shared(world, 993) == ("silent", "likely")
        world.add(World.control(host, 993, 6))
    assert shared(world, 993) == ("silent", "certain"), "each has answered there over IPv6"
    world = World(ports=(25, 587, 993), control_ports=(25, 587, 993))
    assert shared(world.refused(993), 993) == ("refused", "certain")
    assert shared(world.rejected(993, by=ISP), 993) == ("way", "certain")
    assert shared(world.rejected(993, by=BOX), 993) == ("gateway", "likely")

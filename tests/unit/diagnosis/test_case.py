"""The parts of a case, each asked alone."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    BOX,
    CANARY,
    CONTROLS,
    FURTHER,
    HOST,
    ISP,
    OWN,
    World,
    evidence,
    random_label,
    resolved,
    seen,
    server,
    unreached,
)

from poterne.diagnosis import EvidenceRequest
from poterne.diagnosis.case import Case
from poterne.diagnosis.controls import Controls
from poterne.diagnosis.failures import Signature, clears
from poterne.diagnosis.invented import InventedNames
from poterne.diagnosis.nearest import absent
from poterne.diagnosis.paths import outside
from poterne.diagnosis.starttls import lacks_starttls
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Hop, NameAnswer, Observation, Portal, Stages


def case(world: World) -> Case:
    return Case.of(world.evidence)


def of_target(world: World, port: int) -> Observation:
    (found,) = [o for o in world.evidence.tried if o.port == port]
    return found


def hop(number: int, address: str | None, answer: str = "time-exceeded") -> Hop:
    return Hop.model_validate({"hop": number, "address": address, "answer": answer})


# ---- the target


def test_the_web_in_the_clear_says_nothing_of_the_target_where_pages_are_altered() -> None:
    ports = [seen(80), seen(443), seen(587)]
    assert [o.port for o in TargetSeen(evidence(server(), *ports)).seen] == [80, 443, 587]
    altered = evidence(server(), *ports, portal=Portal(url="http://portal.example/", state="altered"))
    assert [o.port for o in TargetSeen(altered).seen] == [443, 587]
    assert [o.port for o in TargetSeen(altered).tried] == [587]


def test_a_port_that_servers_seldom_offer_is_no_failure() -> None:
    target = TargetSeen(evidence(server(), unreached(587, "refused"), unreached(2525, "refused"), seen(993)))
    assert [o.port for o in target.failing] == [587]


def test_a_host_that_resets_every_mail_port_has_no_mail_service() -> None:
    resets = [unreached(port, "refused") for port in (25, 587, 993)]
    assert list(TargetSeen(evidence(server(), *resets)).without_service) == [HOST]
    assert not TargetSeen(evidence(server(), *resets, seen(465))).without_service
    assert not TargetSeen(evidence(f"{HOST}:587", *resets)).without_service


def test_a_host_of_a_family_that_this_machine_lacks() -> None:
    lacking = unreached(587, "unreachable", family=6, error="ENETUNREACH")
    assert list(TargetSeen(evidence(server(), lacking)).without_family) == [HOST]
    assert not TargetSeen(evidence(server(), lacking, unreached(587, "refused"))).without_family
    assert not TargetSeen(evidence(server(), lacking, online=False)).without_family


def test_a_working_port_is_one_of_the_same_address() -> None:
    failing = unreached(25, "no-answer")
    other = seen(587, address="192.0.2.8", id="other")
    assert TargetSeen(evidence(server(), failing, other)).working_port(failing) is None
    working = TargetSeen(evidence(server(), failing, other, seen(465))).working_port(failing)
    assert working is not None
    assert working.port == 465


# ---- controls


def test_a_control_lives_by_another_port_than_the_one_that_is_judged() -> None:
    controls = Controls(World().silent(25, who="controls").evidence)
    assert controls.answering(4, 25) == []
    assert len(controls.answering(4, 587)) == len(CONTROLS)
    assert all(controls.live(host, 4, 25) for host in CONTROLS)
    assert not any(controls.live(host, 4, 587) for host in CONTROLS)
    assert {o.host for o in controls.vouching(4, 25)} == set(CONTROLS)
    assert controls.vouching(6, 25) == []


def test_neither_the_gateway_nor_the_target_is_a_control() -> None:
    world = World(controls=()).gateway(25)
    world.add(World.control(HOST, 25, id="same-host"))
    assert Controls(world.evidence).seen == ()
    assert len(world.evidence.gateway) == 1


# ---- failures


@pytest.mark.parametrize(
    ("reporter", "signature"),
    [(OWN[4], "own"), ("127.0.0.1", "own"), (BOX[4], "gateway"), ("192.0.2.7", "target"), (ISP[4], "way")],
)
def test_who_sent_an_icmp_error_decides_what_it_means(reporter: str, signature: Signature) -> None:
    world = World().fail("prohibited", 25, who="target", reporter=reporter)
    assert case(world).failures.signature(of_target(world, 25)) == signature


def test_the_first_router_of_a_trace_is_the_home_box() -> None:
    world = World().fail("prohibited", 25, who="target", reporter=ISP[4])
    world.change({"path": (hop(1, ISP[4]),)}, 587, who="target")
    assert case(world).failures.signature(of_target(world, 25)) == "gateway"


def test_one_answer_clears_a_port() -> None:
    assert clears(seen(25), "silent")
    assert clears(unreached(25, "refused"), "silent")
    assert not clears(unreached(25, "refused"), "refused")
    assert not clears(unreached(25, "no-answer"), "silent")


def test_a_failure_is_of_one_family_where_the_other_was_tested() -> None:
    both = World(families=(4, 6)).silent(25, who="target", family=6)
    failing = [o for o in both.evidence.tried if o.state == "no-answer"]
    assert case(both).failures.one_family(failing) == 6
    alone = World(families=(6,)).silent(25, who="target")
    assert case(alone).failures.one_family([of_target(alone, 25)]) is None


# ---- limits


def test_lost_packets_make_a_family_unreliable() -> None:
    assert not case(World()).limits.unreliable(4)
    late = World().change({"stages": Stages(connect_ms=1000, greeting_ms=20), "attempts": 2})
    assert case(late).limits.unreliable(4)
    assert not case(late).limits.unreliable(6)
    assert case(late).limits.losing


def test_a_canary_that_is_reset_where_others_get_through_shows_a_limit() -> None:
    assert not case(World().refused(25, who="target")).limits.picks("refused")
    assert case(World().refused(25, who="target").canary(25, "refused")).limits.picks("refused")


# ---- paths


def test_a_port_that_stops_behind_the_box_is_told_from_one_that_goes_on() -> None:
    further = (hop(1, BOX[4]), hop(2, ISP[4]), hop(3, FURTHER[4]), hop(4, "192.0.2.7", "open"))
    world = World().silent(25, who="target").change({"path": further}, 587, who="target")
    world.change({"path": (hop(1, BOX[4]), hop(2, None, "silent"))}, 25, who="target")
    known = case(world)
    stopped = of_target(world, 25)
    assert known.paths.stops_at_the_box(stopped) is True
    assert known.paths.stops_midway(stopped)
    assert not known.paths.at_the_provider(stopped)
    world.change({"path": (hop(1, BOX[4]), hop(2, ISP[4]), hop(3, None, "silent"))}, 25, who="target")
    known, stopped = case(world), of_target(world, 25)
    assert known.paths.stops_at_the_box(stopped) is False
    assert known.paths.at_the_provider(stopped)


def test_without_a_trace_paths_say_nothing() -> None:
    world = World().silent(25, who="target")
    assert case(world).paths.stops_at_the_box(of_target(world, 25)) is None
    assert not case(world).paths.begins_unseen(of_target(world, 25))


def test_what_is_outside() -> None:
    assert outside(ISP[4])
    assert not any(map(outside, ("10.0.0.1", "192.168.1.1%eth0", "router", "", None)))


# ---- failures in common


@pytest.mark.parametrize(("count", "confidence"), [(3, "certain"), (2, "likely"), (1, None)])
def test_so_many_controls_prove_so_much(count: int, confidence: str | None) -> None:
    shared = case(World(controls=CONTROLS[:count]).silent(25)).shared.on(4, 25)
    assert shared is not None
    assert (shared.signature, shared.count, shared.confidence) == ("silent", count, confidence)


def test_one_control_that_gets_through_leaves_nothing_in_common() -> None:
    assert case(World().silent(25).change(None, 25, who=CONTROLS[0])).shared.on(4, 25) is not None
    world = World().silent(25, who="target").silent(25, who=CONTROLS[1]).silent(25, who=CONTROLS[2])
    assert case(world).shared.on(4, 25) is None


# ---- the nearest


def test_silence_begins_here_where_not_even_the_box_sees_the_port() -> None:
    further = (hop(1, BOX[4]), hop(2, ISP[4]), hop(3, "192.0.2.7", "open"))
    world = World().silent(25).change({"path": further}, 587, who="target")
    world.change({"path": (hop(1, None, "silent"), hop(2, None, "silent"))}, 25, who="target")
    assert not case(world).nearest.silent_here(of_target(world, 25)), "the box was not asked"
    world.gateway(25)
    assert case(world).nearest.silent_here(of_target(world, 25))
    assert len(case(world).nearest.box_asked(of_target(world, 25))) == 1


def test_a_neighbour_that_is_gone_is_no_rule_of_a_firewall() -> None:
    gone = unreached(25, "unreachable", error="EHOSTUNREACH (ICMP 3/1)", reporter=OWN[4])
    assert absent(gone)
    assert not absent(unreached(25, "unreachable", error="ENETUNREACH"))


# ---- those who answer in others' place


def test_who_greets_at_an_address_of_nobody_is_an_impostor() -> None:
    assert case(World()).impostors.found == ()
    world = World().canary(25, "open", greeting="220 box", greeting_kind="accepted")
    (impostor,) = case(world).impostors.found
    assert impostor.confidence == "certain"
    assert [o.port for o in impostor.seen] == [25]
    assert any(CANARY[4] in id_ for id_ in impostor.support)


def test_starttls_may_be_overwritten() -> None:
    assert not lacks_starttls(seen(587))
    clear: dict[str, Any] = {"tls": None, "security": "none", "capabilities_clear": ("SIZE", "XXXXXXXA")}
    assert lacks_starttls(seen(587, starttls=None, **clear))
    assert lacks_starttls(seen(587, starttls="absent", **{**clear, "capabilities_clear": ()}))


# ---- names


def test_a_resolver_that_invents_addresses() -> None:
    def invented(*names: NameAnswer) -> InventedNames:
        known = evidence(server(), names=[resolved(), *names])
        return InventedNames(known, TargetSeen(known))

    assert invented().confidence is None
    assert invented(random_label()).confidence is None
    assert invented(random_label("198.51.100.9")).confidence is None, "one label, and other addresses"
    assert invented(random_label("192.0.2.7")).confidence == "likely"
    assert invented(random_label("192.0.2.7")).caught
    two = [random_label("198.51.100.9", label=label) for label in ("a1", "b2")]
    assert invented(*two).confidence == "certain"
    assert not invented(*two).caught
    assert invented(random_label("192.0.2.7", zone="example.org")).confidence is None, "a wildcard of the zone"


# ---- what is wanted


def test_only_what_can_still_be_had_is_wanted() -> None:
    assert case(World()).want(EvidenceRequest("portal"), EvidenceRequest("relay")) == [
        EvidenceRequest("portal"),
        EvidenceRequest("relay"),
    ]
    fetched = Case.of(evidence(server(), fetched=[EvidenceRequest("portal")]))
    assert fetched.want(EvidenceRequest("portal"), EvidenceRequest("relay")) == [EvidenceRequest("relay")]
    assert Case.of(evidence(server(), complete=True)).want(EvidenceRequest("relay")) == ()
    assert [case(World()).want_controls(port) for port in (25, 465)] == [
        [EvidenceRequest("controls")],
        [EvidenceRequest("controls", port=465)],
    ]

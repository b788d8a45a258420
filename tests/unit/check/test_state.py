from typing import Any

from tests.unit.core_observations import HOST, NOW, planned, resolved, seen, unreached

from poterne.check.state import CheckState
from poterne.report import Hop, Observation, Options
from poterne.target.parser import parse

ROUTER = "212.27.50.1"
HOPS = (Hop(hop=1, address=ROUTER, answer="time-exceeded"), Hop(hop=2, answer="silent"))


def state(target: str = HOST, **known: Any) -> CheckState:
    return CheckState(parse(target), Options(), NOW, online=True, trace="unasked", **known)


def announced(known: CheckState, *observations: Observation) -> CheckState:
    """The same with the observations recorded, of the target's endpoints announced in this order, and of others."""
    for each in observations:
        (known.endpoints if each.role == "target" else known.compared)[each.id] = planned(each)
        known.record(each)
    return known


def test_the_final_observation_stands_in_front_of_a_provisional_one_that_comes_late() -> None:
    silent, final = unreached(25, "no-answer", provisional=True), seen(25)
    known = announced(state(), silent)
    assert known.silent() == [silent]
    assert known.observations() == []
    known.record(final)
    known.record(silent)
    assert known.silent() == []
    assert known.observations() == [final]


def test_a_port_that_opens_after_a_silence_is_silent_no_more() -> None:
    known = announced(state(), unreached(25, "no-answer", provisional=True), seen(25, provisional=True))
    assert known.silent() == []
    assert [each.port for each in known.opened()] == [25]


def test_early_evidence_holds_silences_and_nothing_else_that_is_not_final() -> None:
    silent, opened, final = unreached(25, "no-answer", provisional=True), seen(587, provisional=True), seen(465)
    known = announced(state(), silent, opened, final)
    assert known.evidence(frozenset()).observations == (final,)
    assert known.evidence(frozenset(), early=True).observations == (silent, final)


def test_evidence_is_in_the_order_of_the_plan_comparisons_after_the_target_and_what_was_remembered_last() -> None:
    control = seen(25, host="mx.control.test", role="control", id="c1")
    remembered = seen(587, host="mx.control.test", role="control", id="k1", cached=True)
    known = state()
    known.record(remembered)
    announced(known, control, seen(587), seen(25))
    known.record(seen(993))
    assert [each.id for each in known.evidence(frozenset()).observations] == [
        f"{HOST}-587-4",
        f"{HOST}-25-4",
        "c1",
        "k1",
    ], "what was never announced is no evidence"
    assert [each.id for each in known.observations(of_target=False)] == ["k1", "c1"]


def test_what_was_recorded_stays_as_it_was_told_and_evidence_knows_more() -> None:
    told = seen(25, host="example.org", id="o1")
    known = announced(state("example.org"), told)
    known.paths["o1"] = HOPS
    known.is_domain = True
    (later,) = known.evidence(frozenset()).observations
    assert later == told.model_copy(update={"source": "domain", "path": HOPS})
    assert (told.source, told.path) == ("typed", ())
    known.is_domain = False
    assert known.known(told).source == "typed"


def test_a_typed_server_stays_typed() -> None:
    known = announced(state(f"{HOST}:25"), seen(25))
    known.is_domain = True
    assert known.observations()[0].source == "typed"


def test_routers_are_named_wherever_they_were_met_and_tell_the_provider() -> None:
    known = announced(state(), unreached(25, "no-answer"))
    known.paths[f"{HOST}-25-4"] = HOPS
    assert known.hints == ()
    known.routers[ROUTER] = "core.example.proxad.net"
    (path,) = [each.path for each in known.observations()]
    assert [hop.name for hop in path] == ["core.example.proxad.net", None]
    assert len(known.hints) == 1


def test_names_that_must_not_exist_stand_behind_the_targets() -> None:
    known = state()
    known.invented.append(resolved("q7x.com", "random"))
    known.names.append(resolved())
    assert [answer.source for answer in known.evidence(frozenset()).names] == ["typed", "random"]

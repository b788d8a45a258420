"""The rules together: whatever they see, they accuse nobody wrongly, want nothing twice, and agree on one verdict."""

import ast
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.core_observations import (
    BOX,
    CONTROLS,
    FURTHER,
    GOOD_TLS,
    HOST,
    ISP,
    OWN,
    World,
    blockers,
    codes,
    compared,
    plain,
    random_label,
    report_of,
    resolved,
    seen,
    server,
    spoilt,
    unreached,
)
from tests.unit.said import advice, sentence

from poterne.cli.main import exit_status
from poterne.diagnosis import Evidence, EvidenceRequest, diagnose, rules
from poterne.diagnosis.evidence import spoke
from poterne.diagnosis.registry import kinds
from poterne.report import Family, Hop, Machine, Observation, Portal, Report, Stages
from poterne.report.catalogue import Catalogue
from poterne.report.locales import LANGUAGES
from poterne.target.parser import parse

TARGETS = (server(), parse(f"{HOST}:25"), parse(f"{HOST}:587"), parse("me@example.org"), parse(f"smtps://{HOST}"))
FAMILIES: tuple[tuple[Family, ...], ...] = ((4,), (6,), (4, 6))
NETWORK = {each.code for each in kinds() if each.network}
ROUTERS = (OWN, BOX, ISP, FURTHER)
SLOW = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


KINDS = ("silent",) * 4 + ("good",) * 3 + ("refused", "rejected", "reset", "mute", "plain", "spoilt", "private", "busy")
MUTE: dict[str, Any] = {"greeting": None, "tls": None, "capabilities": (), "auth": (), "security": "none"}


@st.composite
def outcomes(draw: st.DrawFn, port: int, place: dict[str, Any]) -> Observation:
    """What a port may do, the likelier the more it matters."""
    kind = draw(st.sampled_from(KINDS))
    cached = st.sampled_from([False] * 7 + [True]) if place["role"] == "control" else st.just(False)
    more: dict[str, Any] = {
        **place,
        "cached": draw(cached),
        "provisional": draw(st.sampled_from([False] * 7 + [True])),
    }
    return draw(
        _open(port, kind, more)
        if kind in ("good", "mute", "private", "busy", "plain", "spoilt")
        else _shut(port, kind, more)
    )


@st.composite
def _shut(draw: st.DrawFn, port: int, kind: str, place: dict[str, Any]) -> Observation:
    if kind == "silent":
        return unreached(port, "no-answer", **{**place, "attempts": draw(st.sampled_from([3, 3, 3, 1, 6]))})
    if kind == "rejected":
        reporter = draw(st.sampled_from([*(router[place["family"]] for router in ROUTERS), place["address"]]))
        state = draw(st.sampled_from(["prohibited", "unreachable", "refused"]))
        said = draw(st.sampled_from(["EHOSTUNREACH (ICMP 3/1)", "EHOSTUNREACH (ICMP 3/13)"]))
        return unreached(port, state, reporter=reporter, error=said, **place)
    return unreached(port, kind, **place)


@st.composite
def _open(draw: st.DrawFn, port: int, kind: str, place: dict[str, Any]) -> Observation:
    if kind == "mute":
        return seen(port, greeting_kind=draw(st.sampled_from(["silent", "closed"])), **MUTE, **place)
    if kind in ("plain", "busy"):
        busy = {"greeting_kind": "busy", "greeting": "421 later"} if kind == "busy" else {}
        return plain(port, **busy, **place)
    if kind == "spoilt":
        faults = ["cert-expired", "cert-not-yet-valid", "cert-name-mismatch", "cert-untrusted", "tls-failed"]
        return spoilt(port, draw(st.sampled_from(faults)), **place)
    issuer: dict[str, Any] = (
        {"tls": GOOD_TLS.model_copy(update={"issuer": "A box", "public_trusted": False})} if kind == "private" else {}
    )
    attempts = draw(st.sampled_from([1, 1, 1, 2]))
    name = draw(st.sampled_from([place["host"], place["host"], "one.example"]))
    return seen(port, greeting=f"220 {name} ESMTP", attempts=attempts, **issuer, **place)


@st.composite
def nearly_blocked(draw: st.DrawFn) -> Evidence:
    """Port 25 fails alike everywhere, but for a few observations that do anything."""
    world = World(
        target=draw(st.sampled_from(TARGETS)),
        families=draw(st.sampled_from(FAMILIES)),
        controls=CONTROLS[: draw(st.sampled_from([1, 2, 3, 3, 3]))],
        source=draw(st.sampled_from(["policy", "policy", "default"])),
    )
    state = draw(st.sampled_from(["no-answer", "no-answer", "refused", "reset"]))
    world.fail(state, 25)
    for id_ in draw(st.lists(st.sampled_from(sorted(world.seen)), max_size=3)):
        old = world.seen[id_]
        place = {name: getattr(old, name) for name in ("id", "role", "host", "address", "family", "source")}
        world.add(draw(outcomes(old.port, place)))
    return world.evidence


@st.composite
def worlds(draw: st.DrawFn) -> Evidence:
    families = draw(st.sampled_from(FAMILIES))
    target = draw(st.sampled_from(TARGETS))
    found: list[Observation] = []
    web = draw(st.booleans())
    for family in families:
        for port in (25, 465, 587, 993, *((443, 80) if web else ())):
            here: dict[str, Any] = {
                "role": "target", "host": HOST, "family": family, "source": "typed",
                "address": "192.0.2.7" if family == 4 else "2001:db8::7",
            }  # fmt: skip
            found.append(_traced(draw, draw(outcomes(port, here)), family))
        for host in CONTROLS[: draw(st.integers(0, 3))]:
            for port in (25, 587, *draw(st.sampled_from([(), (), (465,), (993,)]))):
                model = World.control(host, port, family)
                there: dict[str, Any] = {
                    "role": "control", "host": host, "family": family, "source": "policy", "address": model.address,
                }  # fmt: skip
                found.append(draw(outcomes(port, there)))
        for role, host, port in (
            ("canary", "192.0.2.1" if family == 4 else "2001:db8::1", 25),
            ("relay", "smtp.isp.example", 25),
            ("control", BOX[family], 25),
        ):
            if draw(st.booleans()):
                source = "gateway" if host == BOX[family] else role
                extra: dict[str, Any] = {
                    "role": role, "host": host, "family": family, "source": source, "address": ISP[family],
                }  # fmt: skip
                found.append(draw(outcomes(port, extra)))
    if draw(st.booleans()):
        elsewhere: dict[str, Any] = {
            "role": "target", "host": "smtp.example.org", "family": families[0], "source": "guess",
            "address": "192.0.2.9" if families[0] == 4 else "2001:db8::9",
        }  # fmt: skip
        found.append(draw(outcomes(draw(st.sampled_from([25, 587])), elsewhere)))
    names = [
        resolved(source="domain" if target.kind == "account" else "typed"),
        random_label(*draw(st.sampled_from([(), (), ("192.0.2.7",)]))),
        random_label(*draw(st.sampled_from([(), (), ("192.0.2.7",)])), zone="org"),
    ]
    state: Any = draw(st.sampled_from([None, "clear", "altered", "failed"]))
    world = World(target=target, families=()).add(*found)
    portal = Portal(url="http://portal.example/", state=state) if state else None
    return world.with_(
        names=names,
        portal=portal,
        machine=draw(st.sampled_from([world.known["machine"], Machine()])),
        online=draw(st.sampled_from([True, True, True, False])),
    ).evidence


def _traced(draw: st.DrawFn, observation: Observation, family: Family) -> Observation:
    routers = (BOX[family], ISP[family], FURTHER[family])
    if not draw(st.booleans()):
        return observation
    end: Any = "open" if observation.state == "open" else draw(st.sampled_from(["silent", "refused"]))
    length = draw(st.integers(0, 3))
    hops = [Hop(hop=n, address=routers[n - 1], answer="time-exceeded") for n in range(1, length + 1)]
    return observation.model_copy(update={"path": (*hops, Hop(hop=length + 1, answer=end))})


@SLOW
@given(worlds() | nearly_blocked())
def test_one_answer_on_25_clears_the_network_in_its_family(known: Evidence) -> None:
    answered = {o.family for o in known.observations if o.port == 25 and o.role in ("target", "control") and spoke(o)
                and o.source != "gateway"}  # fmt: skip
    tested = {o.family for o in known.observations if o.role == "target" and o.port == 25}
    for finding in diagnose(known).findings:
        if finding.code in ("port25-blocked", "port25-relay-only"):
            accused = {finding.family} if finding.family else tested
            assert not accused & answered


@SLOW
@given(worlds() | nearly_blocked())
def test_an_accusation_of_25_names_two_live_controls_of_this_check(known: Evidence) -> None:
    seen_there = {o.id: o for o in known.observations}
    for finding in diagnose(known).findings:
        if finding.code not in ("port25-blocked", "port25-relay-only"):
            continue
        controls = [o for id_ in finding.evidence if (o := seen_there[id_]).role == "control"]
        assert len({o.host for o in controls}) >= (3 if finding.confidence == "certain" else 2)
        for control in controls:
            assert not (control.cached or control.provisional or spoke(control))
            assert any(
                spoke(o) and not o.cached and o.host == control.host and o.family == control.family and o.port != 25
                for o in known.observations
            )


@SLOW
@given(worlds())
def test_without_controls_nobody_far_away_is_accused(known: Evidence) -> None:
    alone = replace(known, observations=tuple(o for o in known.observations if o.role == "target"))
    assert not codes(diagnose(alone)) & {
        "port25-blocked", "port25-relay-only", "port-blocked", "mail-allowlist", "starttls-stripped", "tls-intercepted",
        "server-down", "port-silent", "ipv6-broken", "ipv4-broken",
    }  # fmt: skip


@SLOW
@given(worlds())
def test_what_was_fetched_is_not_wanted_again(known: Evidence) -> None:
    wanted = diagnose(known).wanted
    again = diagnose(replace(known, fetched=wanted))
    assert not again.wanted & wanted
    assert again.findings == diagnose(known).findings
    assert diagnose(replace(known, complete=True)).wanted == frozenset()
    ids = {o.id for o in known.observations}
    for want in wanted:
        assert want.observation is None or want.observation in ids
        assert want.working is None or want.working in ids


@SLOW
@given(worlds() | nearly_blocked())
def test_there_is_one_verdict_and_it_is_a_finding(known: Evidence) -> None:
    conclusion = diagnose(known)
    report = report_of(known)
    verdict = conclusion.verdict
    assert (verdict.code, verdict.severity, verdict.confidence) in {
        (f.code, f.severity, f.confidence) for f in conclusion.findings
    }
    assert bool(blockers(conclusion)) is (exit_status(report) != 0)
    assert (verdict.code == "ok") <= (not codes(conclusion) & NETWORK)
    for finding in conclusion.findings:
        assert set(finding.evidence) <= {o.id for o in known.observations}
        assert len(set(finding.evidence)) == len(finding.evidence)


@SLOW
@given(worlds())
def test_a_saved_report_is_diagnosed_alike(known: Evidence) -> None:
    report = report_of(known)
    again = diagnose(Evidence.of(Report.model_validate_json(report.model_dump_json())))
    assert (again.findings, again.verdict, again.settings, again.way) == (
        report.findings, report.verdict, report.settings, report.way,
    )  # fmt: skip


@SLOW
@given(worlds(), st.randoms())
def test_the_order_of_arrival_changes_no_code(known: Evidence, chance: Any) -> None:
    shuffled = list(known.observations)
    chance.shuffle(shuffled)
    other, first = diagnose(replace(known, observations=tuple(shuffled))), diagnose(known)
    assert {(f.code, f.severity, f.confidence, f.family) for f in other.findings} == {
        (f.code, f.severity, f.confidence, f.family) for f in first.findings
    }
    assert other.wanted == first.wanted


@SLOW
@given(worlds() | nearly_blocked())
def test_what_is_explained_is_not_said_again(known: Evidence) -> None:
    conclusion = diagnose(known)
    for deep in conclusion.findings:
        if deep.code not in ("port25-blocked", "port25-relay-only", "port-blocked", "port-silent", "local-firewall"):
            continue
        explained = {o.id for o in known.observations if o.role == "target" and o.id in deep.evidence and not spoke(o)}
        for finding in conclusion.findings:
            if finding.code in ("unproven", "port-closed") and finding.evidence:
                own = {o.id for o in known.observations if o.role == "target" and o.id in finding.evidence}
                assert not own <= explained or finding.severity == "blocker"


# ---- what is wanted


def test_a_failure_wants_its_controls() -> None:
    assert EvidenceRequest("controls") in World(controls=()).silent(25).wanted
    assert EvidenceRequest("controls") in World(controls=(), target=f"{HOST}:587").refused(587).wanted
    closed = World(controls=(), ports=(25, 465, 587, 993, 995)).refused(995)
    assert EvidenceRequest("controls", port=995) not in closed.wanted, "993 serves the same purpose"
    assert EvidenceRequest("controls", port=995) in closed.canary(465, "refused").wanted, "but this network resets"
    assert EvidenceRequest("controls", port=465) in World(controls=()).refused(465).wanted, (
        "nearly every server offers it"
    )
    assert World(ports=(25, 143, 465, 587)).silent(143).wanted >= {EvidenceRequest("controls", port=143)}


def test_a_reset_wants_no_canary_while_controls_answer() -> None:
    assert {want.kind for want in World().refused(25, who="target").wanted} == {"controls"}


def test_everything_that_fails_wants_the_web_and_the_portal() -> None:
    assert World().silent(who="target").wanted >= {EvidenceRequest("web", host=HOST), EvidenceRequest("portal")}


def test_a_private_issuer_wants_controls() -> None:
    private = World(controls=()).change({"tls": GOOD_TLS.model_copy(update={"public_trusted": False})})
    assert private.wanted == {
        EvidenceRequest("controls"),
        EvidenceRequest("controls", port=465),
        EvidenceRequest("controls", port=993),
    }


def test_a_short_budget_is_told_from_a_silence() -> None:
    hasty = World().silent(25).change({"attempts": 1, "stages": Stages(), "error": "the budget ended"}, 25)
    assert hasty.codes == {"unproven", "ok"}


def test_diagnosis_is_cheap_enough_to_be_asked_often() -> None:
    """Compared with reading the same observations from JSON, which a door does once for each of them."""
    world = World(families=(4, 6), ports=(25, 110, 143, 465, 587, 993, 995, 443, 80), control_ports=(25, 465, 587, 993))
    world.silent(25, 110, 143).change({"attempts": 2}, 587).canary(25).canary(465).relay()
    known = world.evidence
    assert len(known.observations) >= 40
    texts = [o.model_dump_json() for o in known.observations]
    diagnose(known)

    def took(work: Any) -> float:
        best = float("inf")
        for _ in range(7):
            started = perf_counter()
            work()
            best = min(best, perf_counter() - started)
        return best

    assert took(lambda: diagnose(known)) < 30 * took(lambda: [Observation.model_validate_json(text) for text in texts])


def test_every_code_of_the_rules_that_compare_is_weighed_placed_and_said() -> None:
    """None of them is a code that no evidence leads to."""
    registered = {each.code for each in kinds()}
    written = {
        node.args[0].value
        for path in Path(rules.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Symptom" and node.args
        and any(word.arg in ("seen", "support") for word in node.keywords) and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    said = {finding.code for conclusion in compared() for finding in conclusion.findings}
    assert written <= registered
    assert {*written, *NETWORK, "ipv4-broken", "ipv6-broken"} <= said
    for each in kinds():
        assert {*(each.absorbs or ()), *each.silences} <= registered


def test_their_sentences_leave_no_gap() -> None:
    for language in LANGUAGES:
        for conclusion in compared():
            for finding in conclusion.findings:
                for text in (sentence(finding, Catalogue(language)), advice(finding, Catalogue(language))):
                    assert "$" not in text
                    assert "  " not in text

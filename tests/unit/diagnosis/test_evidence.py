"""What single observations mean, and which of them are the target's, the controls' and others'."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core_observations import (
    GOOD_TLS,
    HOST,
    World,
    broken_off,
    evidence,
    plain,
    random_label,
    report_of,
    resolved,
    seen,
    server,
    spoilt,
    unreached,
)

from poterne.diagnosis import Evidence
from poterne.diagnosis import evidence as observed
from poterne.diagnosis.symptom import Symptom
from poterne.diagnosis.target_seen import TargetSeen
from poterne.report import Lookup, Observation, Offer, Portal, Stages, Tls

OTHER = "smtp.example.org"
OFFER = Offer(source="srv", said_by="example.org", protocol="smtp", host=HOST, port=465, security="tls")
LOOKUP = Lookup(source="srv", place="_submission._tcp.example.org", state="absent")


def failed(alert: str | None = "ECONNRESET", **changed: Any) -> Observation:
    """A port whose TLS handshake failed so."""
    tls: dict[str, Any] = {"fault": "tls-failed", "faults": ("tls-failed",), "alert": alert, **changed}
    return spoilt(465, "tls-failed").model_copy(update={"tls": Tls(**tls)})


# ---- one observation


@pytest.mark.parametrize(
    ("observation", "answered", "spoken"),
    [
        (seen(587), True, True),
        (plain(587), True, True),
        (broken_off(587), False, True),
        (plain(587, greeting_kind="busy"), False, True),
        (plain(587, greeting_kind="refused"), False, True),
        (plain(587, greeting_kind="silent"), False, False),
        (plain(587, greeting_kind="foreign"), False, False),
        (seen(587, greeting_kind="silent"), False, True),
        (failed("HANDSHAKE_FAILURE"), False, True),
        (failed("ECONNRESET"), False, False),
        (seen(587, state="reset"), False, False),
        (unreached(587, "refused"), False, False),
    ],
)
def test_who_answers_and_who_speaks(observation: Observation, answered: bool, spoken: bool) -> None:
    assert (observed.answers(observation), observed.spoke(observation)) == (answered, spoken)


@pytest.mark.parametrize(
    ("tls", "security", "good"),
    [
        ({}, "tls", True),
        ({"version": "TLSv1.2"}, "starttls", True),
        ({}, "none", False),
        ({"version": "TLSv1.1"}, "tls", False),
        ({"trusted": False}, "tls", False),
        ({"trusted": None}, "tls", False),
        ({"name_ok": False}, "tls", False),
        ({"fault": "cert-expired"}, "tls", False),
    ],
)
def test_encryption_is_good_where_nothing_is_wrong_with_it(tls: dict[str, Any], security: Any, good: bool) -> None:
    observation = seen(465, security=security, tls=GOOD_TLS.model_copy(update=tls))
    assert observed.encrypted(observation) is good
    assert observed.verified(observation) is good
    assert not observed.encrypted(seen(465, tls=None))
    assert not observed.verified(seen(465, cut=True))


@pytest.mark.parametrize("alert", ["ECONNRESET", "closed by the server", "EOF occurred in violation of protocol"])
def test_a_handshake_that_is_cut(alert: str) -> None:
    assert observed.cut_in_tls(failed(alert))
    assert not observed.cut_in_tls(failed(alert, version="TLSv1.3"))
    assert not observed.cut_in_tls(failed(alert, fault="cert-expired"))


def test_a_handshake_that_fails_otherwise_is_not_cut() -> None:
    assert not observed.cut_in_tls(failed("HANDSHAKE_FAILURE"))
    assert not observed.cut_in_tls(failed(None))
    assert not observed.cut_in_tls(plain(587))


@pytest.mark.parametrize(
    ("state", "reporter", "resets", "by_target", "reached"),
    [
        ("refused", None, True, True, True),
        ("refused", "192.0.2.7", False, True, True),
        ("refused", "192.0.2.1", False, False, False),
        ("prohibited", "192.0.2.7", False, True, True),
        ("prohibited", "192.0.2.1", False, False, False),
        ("prohibited", None, False, False, False),
        ("no-answer", None, False, False, False),
        ("reset", None, False, False, True),
        ("open", None, False, False, True),
    ],
)
def test_what_comes_back_from_the_target(
    state: str, reporter: str | None, resets: bool, by_target: bool, reached: bool
) -> None:
    observation = unreached(25, state, reporter=reporter)
    assert observed.reset(observation) is resets
    assert observed.refused_by_target(observation) is by_target
    assert observed.reached(observation) is reached


@pytest.mark.parametrize(
    ("changed", "settled"),
    [
        ({"attempts": 3, "stages": Stages()}, True),
        ({"attempts": 2, "stages": Stages()}, False),
        ({"attempts": 1, "stages": Stages(connect_ms=2999)}, False),
        ({"attempts": 1, "stages": Stages(connect_ms=3000)}, True),
        ({"provisional": True}, False),
        ({"cached": True}, False),
    ],
)
def test_silence_is_a_result_after_three_tries_or_three_seconds(changed: dict[str, Any], settled: bool) -> None:
    assert observed.settled(unreached(25, "no-answer", **changed)) is settled
    assert observed.settled(unreached(25, "refused", stages=Stages()))


@pytest.mark.parametrize(
    ("stages", "settled"),
    [
        (Stages(connect_ms=10), True),
        (Stages(greeting_ms=4999), False),
        (Stages(greeting_ms=5000), True),
        (Stages(greeting_ms=10, tls_ms=5000), True),
        (Stages(greeting_ms=5000, tls_ms=10), True),
        (Stages(tls_ms=4999), False),
    ],
)
def test_the_silence_of_an_open_port_is_a_result_after_five_seconds(stages: Stages, settled: bool) -> None:
    assert observed.settled(plain(25, greeting_kind="silent", stages=stages)) is settled
    assert observed.settled(plain(25, greeting_kind="closed", stages=stages))
    assert observed.settled(unreached(25, "reset", greeting_kind="silent", stages=stages))


def test_what_a_port_is_for() -> None:
    assert [observed.direction(seen(port)) for port in (25, 993, 4190, 443)] == [
        "outgoing",
        "incoming",
        "filters",
        "other",
    ]
    strange = seen(25).model_copy(update={"port": 9, "service": "discard"})
    assert observed.direction(strange) == "other"
    assert observed.needed(strange, evidence(server(), strange))
    assert [observed.is_web(seen(port)) for port in (80, 443, 25)] == [True, True, False]


def test_a_port_that_servers_seldom_offer_is_needed_where_it_was_asked_for() -> None:
    seldom = unreached(2525, "refused")
    assert not observed.needed(seldom, evidence(server(), seldom))
    assert observed.needed(seldom, evidence(server(), seldom, ports=(25, 2525)))
    assert observed.needed(seldom, evidence(f"{HOST}:2525", seldom))
    assert observed.needed(unreached(25, "refused"), evidence(server(), seldom))


# ---- whose observations


def test_everything_of_a_saved_report_is_evidence_and_nothing_more_can_be_had() -> None:
    known = World().silent(25).with_(names=[resolved()], ports=(25, 587)).evidence
    more: dict[str, Any] = {
        "offers": (OFFER,),
        "lookups": (LOOKUP,),
        "disturbed": "slept",
        "trace": "done",
        "portal": Portal(url="http://portal.example/", state="clear"),
        "online": False,
    }
    report = report_of(known).model_copy(update=more)
    assert Evidence.of(report) == replace(known, complete=True, **more)


def test_a_server_is_the_host_that_was_typed() -> None:
    observations = [seen(25), seen(443), seen(587, host=OTHER), World.control("mx.alpha.example", 25)]
    typed = evidence(server(), *observations)
    assert [o.id for o in typed.ours] == [f"{HOST}-25-4", f"{HOST}-443-4"]
    assert [o.id for o in typed.tried] == [f"{HOST}-25-4"]
    assert [o.id for o in typed.others] == [f"{OTHER}-587-4"]
    account = evidence("me@example.org", *observations)
    assert [o.id for o in account.ours] == [f"{HOST}-25-4", f"{HOST}-443-4", f"{OTHER}-587-4"]
    assert account.others == ()
    nowhere = evidence(server("nowhere.example.org"), seen(587, host=OTHER))
    assert nowhere.ours == ()
    assert [o.host for o in nowhere.others] == [OTHER]


def test_the_port_that_was_asked_for() -> None:
    asked = evidence(f"{HOST}:443", seen(443), seen(587), seen(80))
    assert [o.port for o in asked.tried] == [443, 587]
    assert [o.port for o in asked.asked] == [443]
    assert [asked.asks_for(port) for port in (443, 587)] == [True, False]
    every = evidence(server(), seen(443), seen(587), ports=(443,))
    assert [o.port for o in every.asked] == [443, 587]
    assert [every.asks_for(port) for port in (443, 587)] == [True, False]


def test_canary_relay_and_gateway_are_told_apart() -> None:
    known = World().canary(25).relay().gateway(25).evidence
    assert [o.role for o in known.canary] == ["canary"]
    assert [o.role for o in known.relay] == ["relay"]
    assert [(o.role, o.source) for o in known.gateway] == [("control", "gateway")]


def test_names_that_were_asked_for_the_targets_sake() -> None:
    names = [
        resolved(),
        resolved("example.org", "domain"),
        resolved(OTHER, "guess"),
        resolved(source="second"),
        random_label(),
    ]
    assert [answer.source for answer in evidence(server(), names=names).own_names] == ["typed"]
    assert [answer.source for answer in evidence("me@example.org", names=names).own_names] == [
        "typed",
        "domain",
        "guess",
    ]


def test_a_symptom_that_is_compared_names_no_single_observation() -> None:
    assert Symptom("port-silent", "certain", seen=(seen(25),)).compared
    assert Symptom("offline", "certain", support=("o1",)).compared
    assert not Symptom("offline", "certain").compared
    assert not Symptom("port-closed", "certain", seen(25), support=("o1",)).compared


# ---- the target


def test_what_was_typed_is_looked_at_even_where_pages_are_altered() -> None:
    altered = Portal(url="http://portal.example/", state="altered")
    assert [o.port for o in TargetSeen(evidence(f"{HOST}:80", seen(80), portal=altered)).seen] == [80]
    assert [o.port for o in TargetSeen(evidence(server(), seen(80), portal=altered, ports=(80,))).seen] == [80]


def test_what_is_only_silent_for_a_while_shows_nothing_yet() -> None:
    waiting = unreached(25, "no-answer", provisional=True)
    target = TargetSeen(evidence(server(), waiting, unreached(587, "refused")))
    assert [o.port for o in target.final] == [587]
    assert [o.port for o in target.failing] == [25, 587]


@pytest.mark.parametrize(
    ("observation", "online", "cut_off"),
    [
        (unreached(25, "unreachable"), False, True),
        (unreached(25, "unreachable"), True, False),
        (unreached(25, "refused"), False, False),
        (seen(25), False, False),
        (seen(25, provisional=True), False, True),
    ],
)
def test_a_machine_without_a_way_out(observation: Observation, online: bool, cut_off: bool) -> None:
    assert TargetSeen(evidence(server(), observation, online=online)).is_cut_off is cut_off


def test_a_host_is_without_mail_only_where_every_usual_port_is_reset() -> None:
    resets = [unreached(port, "refused") for port in (25, 587, 993)]
    assert TargetSeen(evidence(server(), *resets)).without_service == {HOST: resets}
    seldom = unreached(2525, "no-answer")
    assert TargetSeen(evidence(server(), *resets, seldom)).without_service == {HOST: resets}
    assert not TargetSeen(evidence(server(), *resets, seen(2525))).without_service
    assert not TargetSeen(evidence(server(), *resets, ports=(25, 587, 993))).without_service
    assert not TargetSeen(evidence(server(), seldom)).without_service
    by_icmp = unreached(995, "refused", reporter="192.0.2.7")
    assert not TargetSeen(evidence(server(), *resets, by_icmp)).without_service


def test_a_host_lacks_a_family_only_where_this_machine_has_none() -> None:
    lacking = [unreached(port, "unreachable", family=6, error="ENETUNREACH") for port in (25, 587)]
    assert TargetSeen(evidence(server(), *lacking)).without_family == {HOST: lacking[0]}
    both = [*lacking, unreached(25, "unreachable", error="ENETUNREACH")]
    assert not TargetSeen(evidence(server(), *both)).without_family
    reported = lacking[1].model_copy(update={"reporter": "2001:db8::1"})
    assert not TargetSeen(evidence(server(), lacking[0], reported)).without_family


def test_who_answers_elsewhere() -> None:
    failing = unreached(25, "no-answer")
    assert TargetSeen(evidence(server(), failing, seen(587))).answers_elsewhere(failing)
    for other in (seen(587, family=6), seen(587, cached=True), seen(25, id="again"), unreached(587, "refused")):
        assert not TargetSeen(evidence(server(), failing, other)).answers_elsewhere(failing)
    resets = TargetSeen(evidence(server(), failing, unreached(587, "refused")))
    assert resets.answers_elsewhere(failing, resets=True)


def test_the_best_working_port_has_a_path_and_answers() -> None:
    failing = unreached(25, "no-answer")

    def best(*others: Observation) -> int | None:
        working = TargetSeen(evidence(server(), failing, *others)).working_port(failing)
        return working.port if working else None

    traced = World().path(993, "open").seen[f"{HOST}-993-4"]
    mute = plain(465, greeting_kind="silent")
    assert best(seen(587), seen(465), traced) == 993
    assert best(mute, seen(587)) == 587
    assert best(seen(993), seen(587)) == 587
    assert best(unreached(587, "refused")) is None
    assert best(seen(587, cached=True)) is None
    assert best(seen(25, id="again")) is None

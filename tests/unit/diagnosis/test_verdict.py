from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.unit.core_observations import (
    HOST,
    blockers,
    broken_off,
    codes,
    concluded,
    evidence,
    found,
    plain,
    report_of,
    resolved,
    seen,
    server,
    spoilt,
    unreached,
)

from poterne.cli.main import exit_status
from poterne.diagnosis import Evidence, diagnose
from poterne.diagnosis.registry import kinds
from poterne.report import NameAnswer, NameState, Observation, Report, Stages, Target
from poterne.target.parser import parse

GUESSED = {"host": "smtp.example.org", "source": "guess"}
IMAP = {"host": "imap.example.org", "source": "guess"}


def test_an_account_needs_a_way_to_send() -> None:
    assert concluded("me@example.org", seen(587, **GUESSED)).verdict.code == "ok"  # type: ignore[arg-type]
    only_incoming = concluded("me@example.org", seen(993, **IMAP))  # type: ignore[arg-type]
    assert only_incoming.verdict.severity == "blocker"


def test_an_account_needs_a_way_to_receive_where_one_is_offered() -> None:
    good = seen(587, **GUESSED)  # type: ignore[arg-type]
    assert concluded("me@example.org", good, spoilt(993, "cert-expired", **IMAP)).verdict.code == "cert-expired"
    assert concluded("me@example.org", good, unreached(993, "no-answer", **IMAP)).verdict.severity == "blocker"
    assert concluded("me@example.org", good, unreached(993, "no-answer", **GUESSED)).verdict.code == "ok"


def test_port_25_alone_does_not_spoil_an_account() -> None:
    conclusion = concluded("me@example.org", seen(587, **GUESSED), unreached(25, "no-answer", **GUESSED))  # type: ignore[arg-type]
    assert conclusion.verdict.code == "ok"
    assert found(conclusion, "unproven").severity == "warning"


def test_a_silent_port_for_receiving_is_a_note_only() -> None:
    conclusion = concluded("me@example.org", seen(587, **GUESSED), seen(993), unreached(995, "no-answer"))  # type: ignore[arg-type]
    assert conclusion.verdict.code == "ok"
    assert found(conclusion, "unproven").severity == "note"


def test_clear_text_never_makes_a_server_succeed() -> None:
    conclusion = concluded(server(), plain(587), plain(143))
    assert (conclusion.verdict.code, conclusion.verdict.severity) == ("plaintext-only", "blocker")
    assert all(not setting.verified for setting in conclusion.settings.outgoing)


def test_a_host_that_only_takes_mail_in_is_no_way_to_send() -> None:
    """Where nothing can be typed for sending, the account is not well."""
    conclusion = concluded("me@example.org", RELAY)
    assert conclusion.settings.outgoing == ()
    assert conclusion.verdict.severity == "blocker"


def test_the_deepest_reason_is_the_verdict() -> None:
    conclusion = concluded(
        server(), unreached(465, "refused"), spoilt(587, "cert-untrusted"), unreached(25, "no-answer")
    )
    assert conclusion.verdict.code == "cert-untrusted"
    assert blockers(conclusion) == {"cert-untrusted"}


@pytest.mark.parametrize(
    ("target", "observation", "code"),
    [
        (f"{HOST}:25", unreached(25, "refused"), "port-closed"),
        (f"{HOST}:25", unreached(25, "no-answer"), "unproven"),
        (f"{HOST}:25", plain(25), "plaintext-only"),
        (f"{HOST}:587", seen(587), "ok"),
        (f"{HOST}:587", seen(587, security="tls", starttls=None), "ok"),
        (f"{HOST}:465", seen(465, security="starttls", starttls="accepted"), "ok"),
        (f"smtp://{HOST}:587", seen(587), "ok"),
        (f"smtp://{HOST}:587", seen(587, security="tls", starttls=None), "wrong-security"),
        (f"smtps://{HOST}", seen(465, security="starttls", starttls="accepted"), "wrong-security"),
        (f"imaps://{HOST}", seen(993), "ok"),
    ],
)
def test_an_endpoint_works_as_it_was_asked_or_not(target: str, observation: Observation, code: str) -> None:
    conclusion = concluded(target, observation, seen(993), seen(2525))
    assert conclusion.verdict.code == code
    assert (conclusion.verdict.severity == "blocker") is (code != "ok")


def test_the_alternatives_of_an_endpoint_stand_in_the_settings() -> None:
    conclusion = concluded(f"{HOST}:25", unreached(25, "no-answer"), seen(587), seen(465))
    assert [setting.port for setting in conclusion.settings.outgoing] == [465, 587]


@pytest.mark.parametrize(
    ("port", "observation"),
    [(443, spoilt(443, "cert-expired")), (4190, spoilt(4190, "cert-self-signed")), (4190, plain(4190))],
)
def test_a_port_beside_mail_is_not_called_well_with_bad_encryption(port: int, observation: Observation) -> None:
    """`ok` says that the encryption is good."""
    conclusion = concluded(server(), observation, ports=(port,))
    assert conclusion.verdict.code != "ok"


def test_confidence_of_the_verdict_is_that_of_its_finding() -> None:
    for conclusion in (
        concluded(f"{HOST}:587", unreached(587, "refused")),
        concluded(f"{HOST}:587", spoilt(587, "cert-incomplete-chain")),
        concluded(server(), seen(587)),
    ):
        first = next(f for f in conclusion.findings if f.code == conclusion.verdict.code)
        assert (first.severity, first.confidence) == (conclusion.verdict.severity, conclusion.verdict.confidence)


def test_nothing_tested_is_not_well() -> None:
    conclusion = concluded("me@example.org")
    assert conclusion.verdict.severity == "blocker"
    assert codes(conclusion) == {"unproven"}


PORTS = st.sampled_from([25, 465, 587, 2525, 110, 143, 993, 995, 4190, 21, 80, 443])
FAULTS = st.lists(
    st.sampled_from(
        ["cert-expired", "cert-not-yet-valid", "cert-name-mismatch", "cert-self-signed", "cert-untrusted",
         "cert-incomplete-chain", "tls-legacy-only"]
    ), min_size=1, max_size=3, unique=True,
)  # fmt: skip
HOSTS = st.sampled_from(
    [(HOST, "typed"), ("smtp.example.org", "guess"), ("imap.example.org", "guess"), ("mx.example.org", "mx"),
     ("example.org", "domain")]
)  # fmt: skip


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    port = draw(PORTS)
    host, source = draw(HOSTS)
    where: dict[str, Any] = {"host": host, "source": source, "family": draw(st.sampled_from([4, 6]))}
    kind = draw(st.sampled_from(["good", "unreached", "spoilt", "plain", "greeting", "cut"]))
    if kind == "good":
        auth = draw(st.sampled_from([(), ("PLAIN",), ("XOAUTH2",), ("UNKNOWN",)]))
        greeting_ms = draw(st.sampled_from([None, 10.0, 9000.0]))
        return seen(port, auth=auth, stages=Stages(connect_ms=1, greeting_ms=greeting_ms), **where)
    if kind == "cut":
        inside = draw(st.booleans())
        return seen(port, cut=True, capabilities=(), auth=(), **where) if inside else broken_off(port, **where)
    if kind == "unreached":
        state = draw(st.sampled_from(["refused", "no-answer", "unreachable", "prohibited", "reset", "error"]))
        error = draw(st.sampled_from([None, "ENETUNREACH", "EHOSTUNREACH"]))
        return unreached(port, state, error=error, reporter=draw(st.sampled_from([None, "192.0.2.1"])), **where)
    if kind == "spoilt":
        return spoilt(port, *draw(FAULTS | st.just(["tls-failed"])), **where)
    starttls = draw(st.sampled_from([None, "absent", "refused", "failed", "silent", "injected"]))
    if kind == "plain":
        return plain(port, starttls=starttls, **where)
    greeting = draw(st.sampled_from([None, "busy", "refused", "silent", "closed", "foreign"]))
    spoke = draw(st.sampled_from([None, "ssh", "http", "smtp"]))
    return plain(port, greeting_kind=greeting, spoke=spoke, starttls=None, capabilities=(), auth=(), **where)


@st.composite
def names(draw: st.DrawFn) -> NameAnswer:
    name = draw(st.sampled_from(["example.org", HOST, "smtp.example.org"]))
    source = draw(st.sampled_from(["typed", "mx", "guess", "domain"]))
    state = draw(st.sampled_from(get_args(NameState)))
    addresses = draw(st.sampled_from([(), ("192.0.2.7",)])) if state == "ok" else ()
    return NameAnswer(
        name=name,
        source=source,
        state=state,
        addresses=addresses,
        mail_exchangers=draw(st.sampled_from([(), ("",), ("mx.example.org",)])) if source == "mx" else (),
    )


TARGETS = st.sampled_from(
    [parse("me@example.org"), parse("example.org"), server(), parse(f"{HOST}:25"), parse(f"smtps://{HOST}"),
     parse(f"{HOST}:443"), parse(f"imap://{HOST}:993")]
)  # fmt: skip


@st.composite
def checks(draw: st.DrawFn) -> Evidence:
    tried = draw(st.lists(observations(), max_size=8, unique_by=lambda seen: seen.id))
    return evidence(
        draw(TARGETS),
        *tried,
        names=draw(st.lists(names(), max_size=3)),
        online=draw(st.booleans()),
        ports=draw(st.sampled_from([None, None, (25,), (993,), (443,), (4190, 587)])),
    )


SLOW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(checks())
def test_a_blocker_exists_exactly_when_the_exit_status_is_not_0(known: Evidence) -> None:
    report = report_of(known)
    blocked = any(finding.severity == "blocker" for finding in report.findings)
    assert blocked is (exit_status(report) != 0)


@SLOW
@given(checks())
def test_the_verdict_is_one_of_the_findings(known: Evidence) -> None:
    conclusion = diagnose(known)
    verdicts = {(f.code, f.severity, f.confidence) for f in conclusion.findings}
    assert (conclusion.verdict.code, conclusion.verdict.severity, conclusion.verdict.confidence) in verdicts
    if blockers(conclusion):
        assert conclusion.verdict.severity == "blocker"
    else:
        assert conclusion.verdict.code in ("ok", *(each.code for each in kinds() if each.network))


RELAY = seen(25, host="mx.example.org", source="mx", auth=(), capabilities=("SIZE",))


@SLOW
@given(checks())
@example(evidence("me@example.org", RELAY))
def test_well_means_a_verified_way(known: Evidence) -> None:
    conclusion = diagnose(known)
    kind = known.target.kind
    if conclusion.verdict.code == "ok" and kind != "endpoint" and known.options.ports is None:
        assert any(setting.verified for setting in conclusion.settings.outgoing)
    assert all(setting.security != "none" for setting in conclusion.settings.outgoing if setting.verified)


@SLOW
@given(checks())
def test_a_saved_report_is_diagnosed_alike(known: Evidence) -> None:
    report = report_of(known)
    again = Report.model_validate_json(report.model_dump_json())
    assert again == report
    conclusion = diagnose(Evidence.of(again))
    assert (conclusion.findings, conclusion.verdict, conclusion.settings) == (
        report.findings,
        report.verdict,
        report.settings,
    )


@SLOW
@given(checks())
def test_evidence_names_observations_and_no_others(known: Evidence) -> None:
    ids = {observation.id for observation in known.observations}
    for finding in diagnose(known).findings:
        assert set(finding.evidence) <= ids
        assert len(set(finding.evidence)) == len(finding.evidence)
        assert finding.severity != "good" or finding.code == "ok"


@SLOW
@given(checks(), st.randoms())
def test_the_order_of_arrival_changes_no_code(known: Evidence, chance: Any) -> None:
    shuffled = list(known.observations)
    chance.shuffle(shuffled)
    other = diagnose(Evidence(known.target, known.options, known.names, tuple(shuffled), known.online, known.now))
    first = diagnose(known)
    assert {(f.code, f.severity, f.host) for f in other.findings} == {
        (f.code, f.severity, f.host) for f in first.findings
    }
    assert {s.model_dump_json() for s in other.settings.outgoing} == {
        s.model_dump_json() for s in first.settings.outgoing
    }


def test_names_of_the_target_kinds_are_those_of_the_contract() -> None:
    assert {parse(text).kind for text in ("a@b.example", "b.example", "192.0.2.7", "b.example:25")} == {
        "account",
        "domain",
        "server",
        "endpoint",
    }
    assert isinstance(server(), Target)
    assert resolved().state == "ok"

"""What each endpoint shows by itself. A rule yields what its evidence proves, not how bad that is."""

import re
from collections.abc import Iterator
from datetime import datetime

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import Evidence, answers, direction, needed, refused_by_target, settled, verified
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, register, shows
from poterne.diagnosis.settings import sign_in
from poterne.diagnosis.stages import stage, through
from poterne.diagnosis.starttls import masked
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.knowledge import limits, ports
from poterne.knowledge import tls as reasons
from poterne.report import Confidence, Observation, ParamValue

# Something opened, and said nothing.
_WORDLESS = ("silent", "closed")
_ALERT = re.compile(r"(SSLV3|TLSV1|TLSV13)_[A-Z0-9_]+")


@shows(
    FindingKind(code="no-common-family", party="network", depth=87, severity="note"),
)
def without_family(case: Case) -> Yields:
    """A host with addresses of one family only, which this machine does not have."""
    for host, seen in case.target.without_family.items():
        yield Symptom("no-common-family", "certain", observation=seen, host=host)


@shows(
    FindingKind(
        code="no-mail-service",
        party="server",
        depth=35,
        severity="warning",
        quiet="turned-away",
        stops=("server", "server"),
    ),
)
def without_service(case: Case) -> Yields:
    """A host that answers, and resets every mail port."""
    for host, there in case.target.without_service.items():
        yield from (Symptom("no-mail-service", "certain", observation, host=host) for observation in there)


@shows(
    FindingKind(code="starttls-injection", party="server", depth=81, severity="warning"),
    FindingKind(code="connection-cut", party="server", depth=42, severity="warning", doubted=True),
)
def endpoints(case: Case) -> Yields:
    """Everything that the target's endpoints show, one by one; nothing of hosts of which the whole is known."""
    explained = {*case.target.without_service, *case.target.without_family}
    for observation in case.target.final:
        if observation.host not in explained:
            yield from _endpoint(observation, case)


def _endpoint(observation: Observation, case: Case) -> Iterator[Symptom]:
    evidence = case.evidence
    if observation.state != "open":
        yield from _unreached(observation, case)
    elif observation.starttls == "injected":
        yield Symptom("starttls-injection", "certain", observation)
    elif observation.tls is not None and observation.tls.faults:
        yield from _tls_faults(observation)
    elif observation.greeting_kind != "accepted":
        if needed(observation, evidence) or observation.greeting_kind not in _WORDLESS:
            yield from _greeting(observation, evidence)
    elif observation.cut and observation.starttls in ("failed", "silent"):
        yield Symptom("tls-failed", "certain", observation, params={"alert": observation.error})
    elif observation.cut and _broken_off_alike(observation, case):
        yield Symptom("unproven", "possible", observation, params={"state": "error"})
    elif observation.cut:
        yield Symptom("connection-cut", "certain", observation)
    if answers(observation):
        yield from _security(observation, evidence)
        yield from _remarks(observation, evidence)


def _broken_off_alike(observation: Observation, case: Case) -> bool:
    """Whether two controls greet on that port and break off like the target, and nobody comes further there: then it
    may be somebody on the way.
    """
    there = [o for o in case.controls.on(observation.family, observation.port) if settled(o)]
    alike = [o for o in there if stage(o) == "dialogue"]
    return independent(alike) >= 2 and not any(map(through, there))


register(
    FindingKind(
        code="port-closed",
        party="server",
        depth=20,
        severity="note",
        quiet="shallow",
        stops=("server", "server"),
        port25="verdict",
    ),
    FindingKind(
        code="unproven",
        party="unclear",
        depth=10,
        severity="note",
        severity_outgoing="warning",
        quiet="shallow",
        port25="named",
    ),
)


def _unreached(observation: Observation, case: Case) -> Iterator[Symptom]:
    evidence = case.evidence
    if not needed(observation, evidence):
        return
    if any(_same_door(observation, other) and other.state == "open" for other in evidence.tried):
        return  # another address of the same name and family answers, as it would a mail program
    reported: dict[str, ParamValue] = {} if observation.reporter is None else {"reporter": observation.reporter}
    if refused_by_target(observation):
        yield Symptom("port-closed", "certain", observation, params=reported)
    elif observation.state == "reset" and observation.asked == "tls" and observation not in case.target.cut_at_once:
        yield Symptom("tls-failed", "certain", observation, params={"alert": observation.error})
    else:
        # Whether the network, this machine or the server keeps silent shows only against controls.
        yield Symptom("unproven", "possible", observation, params={"state": observation.state, **reported})


def _same_door(one: Observation, other: Observation) -> bool:
    return (one.host, one.port, one.family) == (other.host, other.port, other.family)


register(
    FindingKind(code="greeting-busy", party="server", depth=49, severity="warning"),
    FindingKind(code="greeting-refused", party="server", depth=50, severity="warning", stops=("server", "server")),
    FindingKind(code="wrong-protocol", party="server", depth=45, severity="warning"),
    FindingKind(code="no-greeting", party="server", depth=40, severity="warning", doubted=True),
)


def _greeting(observation: Observation, evidence: Evidence) -> Iterator[Symptom]:
    row = ports.row_of(observation)
    expected = row.dialogue if row else "mail"
    greeting = observation.greeting or ""
    wants_certificate = reasons.table().certificate_greeting.search(greeting) is not None
    match observation.greeting_kind:
        case "busy" | "refused" if wants_certificate and observation.security in ("tls", "starttls"):
            yield Symptom("client-certificate-wanted", "certain", observation, params={"reason": greeting})
        case "busy":
            yield Symptom("greeting-busy", "certain", observation, params={"greeting": greeting})
        case "refused":
            yield Symptom("greeting-refused", "certain", observation, params={"greeting": greeting})
        case "foreign":
            spoke = observation.spoke or "unknown"
            yield Symptom("wrong-protocol", "certain", observation, params={"expected": expected, "spoke": spoke})
        case "closed" if _ALERT.fullmatch(observation.error or ""):
            # In TLS 1.3 a server may give up when the handshake is over, and says why where a greeting would be.
            yield Symptom("tls-failed", "certain", observation, params={"alert": observation.error})
        case "silent" | "closed" as kind:
            closed, confidence = kind == "closed", _sure_of_silence(observation, evidence)
            yield Symptom("no-greeting", confidence, observation, params={"closed": closed})
        case _:
            yield Symptom("unproven", "possible", observation, params={"state": "error"})


def _sure_of_silence(observation: Observation, evidence: Evidence) -> Confidence:
    """A budget that ended soon proves no silence: a slow server may still have greeted (RFC 5321 4.5.3.2.1)."""
    waits = (observation.stages.greeting_ms, observation.stages.tls_ms)
    waited_ms = max((wait for wait in waits if wait is not None), default=None)
    enough = evidence.timing.dialogue.slow * 1000
    patient = observation.greeting_kind == "closed" or waited_ms is None or waited_ms >= enough
    return "certain" if patient else "possible"


register(
    FindingKind(code="cert-self-signed", party="server", depth=70, severity="warning"),
    FindingKind(code="cert-untrusted", party="server", depth=69, severity="warning"),
    FindingKind(code="roots-outdated", party="computer", depth=69, severity="warning"),
    FindingKind(code="cert-incomplete-chain", party="server", depth=68, severity="warning"),
    FindingKind(code="cert-expired", party="server", depth=67, severity="warning"),
    FindingKind(code="chain-expired", party="server", depth=67, severity="warning"),
    FindingKind(code="cert-not-yet-valid", party="server", depth=66, severity="warning"),
    FindingKind(code="cert-weak", party="server", depth=66, severity="warning"),
    FindingKind(code="cert-no-san", party="server", depth=65, severity="warning"),
    FindingKind(code="cert-name-mismatch", party="server", depth=65, severity="warning"),
    FindingKind(code="tls-legacy-only", party="server", depth=64, severity="warning"),
    FindingKind(code="client-certificate-wanted", party="server", depth=63, severity="warning"),
    FindingKind(code="tls-incompatible", party="server", depth=62, severity="warning"),
    FindingKind(code="tls-failed", party="server", depth=60, severity="warning", doubted=True),
)


def _tls_faults(observation: Observation) -> Iterator[Symptom]:
    tls = observation.tls
    assert tls is not None
    known: dict[str, dict[str, ParamValue]] = {
        "cert-expired": {"date": tls.not_after},
        "cert-not-yet-valid": {"date": tls.not_before},
        "cert-name-mismatch": {"names": tls.names or ((tls.subject,) if tls.subject else ())},
        "cert-self-signed": {"issuer": tls.issuer or tls.subject or ""},
        "cert-untrusted": {"issuer": tls.issuer or "?"},
        "cert-incomplete-chain": {"issuer": tls.issuer or "?"},
        "roots-outdated": {"issuer": tls.issuer or "?"},
        "chain-expired": {"name": tls.expired_authority or "?", "date": tls.expired_at},
        "cert-weak": {"reason": " / ".join(filter(None, (tls.alert, tls.weak))) or "?"},
        "cert-no-san": {"name": tls.subject or "?"},
        "tls-legacy-only": {"version": tls.version},
        "tls-failed": {"alert": tls.alert},
        "tls-incompatible": {"reason": tls.alert or "?"},
        "client-certificate-wanted": {"reason": tls.alert or "?"},
    }
    for fault in tls.faults:
        # Without the issuer's certificate the address in the leaf is a promise only.
        confidence: Confidence = "likely" if fault == "cert-incomplete-chain" else "certain"
        yield Symptom(fault, confidence, observation, params=known.get(fault, {}))


register(
    FindingKind(code="plaintext-only", party="server", depth=56, severity="warning"),
    FindingKind(code="wrong-security", party="you", depth=58, severity="warning", despite_verified=True),
)


def _security(observation: Observation, evidence: Evidence) -> Iterator[Symptom]:
    row = ports.row_of(observation)
    if row is None or direction(observation) == "other":
        return
    if observation.security == "none" and masked(observation):
        yield Symptom("tls-failed", "certain", observation, params={"masked": True})
    elif observation.starttls in ("refused", "failed", "silent"):
        if observation.tls is None:
            params: dict[str, ParamValue] = {"alert": observation.error}
            if observation.starttls == "refused" and observation.error is not None:
                params["refused"] = True
            yield Symptom("tls-failed", "certain", observation, params=params)
    elif observation.security == "none" and observation.starttls == "absent":
        yield Symptom("plaintext-only", "certain", observation)
    asked = "tls" if observation.asked == "tls" else "starttls"
    if observation.security not in ("none", asked):
        worked: dict[str, ParamValue] = {"asked": asked, "works": observation.security}
        yield Symptom("wrong-security", "certain", observation, params=worked)
    elif observation.security == "none" and asked == "tls":
        yield Symptom("wrong-security", "certain", observation, params={"asked": asked, "works": "none"})


register(
    FindingKind(code="slow-greeting", party="server", depth=5, severity="note", remark=True),
    FindingKind(code="cert-expiring", party="server", depth=5, severity="note", remark=True),
    FindingKind(code="auth-before-tls", party="server", depth=5, severity="note", remark=True),
    FindingKind(code="auth-oauth-only", party="you", depth=5, severity="note", remark=True),
    FindingKind(code="auth-absent", party="server", depth=5, severity="note", remark=True),
)


def _remarks(observation: Observation, evidence: Evidence) -> Iterator[Symptom]:
    row = ports.row_of(observation)
    greeting_ms = observation.stages.greeting_ms
    slow = evidence.timing.dialogue.slow
    if greeting_ms is not None and greeting_ms > slow * 1000:
        yield Symptom("slow-greeting", "certain", observation, params={"seconds": round(greeting_ms / 1000)})
    if observation.tls is not None and verified(observation) and observation.tls.not_after is not None:
        left = (datetime.fromisoformat(observation.tls.not_after) - evidence.now).days
        if left < limits.table().expiring_days:
            yield Symptom(
                "cert-expiring",
                "certain",
                observation,
                params={"date": observation.tls.not_after, "days": max(left, 0)},
            )
    if row is None or row.service == "smtp" or row.direction not in ("outgoing", "incoming"):
        return
    if "password" in sign_in(observation.auth_clear) and observation.security == "starttls":
        yield Symptom("auth-before-tls", "certain", observation)
    if observation.security in ("tls", "starttls") and observation.capabilities:
        offered = sign_in(observation.auth)
        if not observation.auth:
            yield Symptom("auth-absent", "certain", observation)
        elif offered == ("oauth2",):
            yield Symptom("auth-oauth-only", "certain", observation)

"""This computer's clock, held against certificates and the portal's date."""

from datetime import datetime, timedelta

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import settled
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Confidence, Observation

_DATES = ("cert-not-yet-valid", "cert-expired")
_AGREES = timedelta(hours=1)
_DIFFERS = timedelta(days=1)


@compares(
    FindingKind(
        code="clock-wrong",
        party="you",
        asks="computer",
        depth=85,
        severity="warning",
        about_ports=False,
        absorbs=frozenset({"cert-expired", "chain-expired", "cert-not-yet-valid", "cert-expiring"}),
    ),
)
def clock_wrong(case: Case) -> Yields:
    """Certificates are not valid yet (or no more) at the target and at unrelated controls: two make it certain, one
    likely. The date of the portal's server makes one control certain, and none likely, where it differs by more than a
    day in the fitting direction; where it agrees within an hour the clock is right.

    Confounder: a server whose certificate has expired, which no control shares.
    """
    for fault in _DATES:
        ours = [o for o in case.target.tried if settled(o) and _has(o, fault)]
        if not ours:
            continue
        yield from case.want(EvidenceRequest("controls"), EvidenceRequest("portal"))
        alike = [o for o in case.controls.seen if settled(o) and _has(o, fault)]
        good = [
            o for o in case.controls.seen if settled(o) and o.tls is not None and o.tls.trusted and not o.tls.faults
        ]
        count = independent(alike)
        ahead = _ahead(case)
        fits = ahead is not None and (ahead > _DIFFERS if fault == "cert-expired" else ahead < -_DIFFERS)
        if ahead is not None and abs(ahead) <= _AGREES:
            continue
        confidence: Confidence | None = None
        if count >= 2 or (count == 1 and fits):
            confidence = "certain"
        elif fits or (count == 1 and not good):
            confidence = "likely"
        if confidence:
            yield Symptom(
                "clock-wrong",
                confidence,
                params={"days": round(abs(ahead) / timedelta(days=1))} if ahead is not None and fits else {},
                seen=tuple(ours),
                support=tuple(o.id for o in alike),
                explains=frozenset(o.id for o in ours),
            )


def _has(seen: Observation, fault: str) -> bool:
    """`cert-expired` stands for the certificates of authorities as well."""
    faults = seen.tls.faults if seen.tls is not None else ()
    return fault in faults or (fault == "cert-expired" and "chain-expired" in faults)


def _ahead(case: Case) -> timedelta | None:
    """How far this computer's clock is ahead of the portal's server's; None where that is not known. A page that was
    altered has no date to go by.
    """
    portal = case.evidence.portal
    if portal is None or portal.state != "clear" or portal.date is None or portal.asked_at is None:
        return None
    try:
        return datetime.fromisoformat(portal.asked_at) - datetime.fromisoformat(portal.date)
    except (ValueError, TypeError):
        return None

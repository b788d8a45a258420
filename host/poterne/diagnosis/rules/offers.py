"""What the sources of a domain say, and cannot be used."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import Evidence, direction, verified
from poterne.diagnosis.offers import is_own, not_offered
from poterne.diagnosis.registry import FindingKind, shows
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Lookup, ParamValue

_MAX = 5
_SUBMISSION = frozenset({"submissions", "submission"})
# The port is not to be tested: the policy does not list it, or nobody but the user may name it.
_PORTS = ("port-forbidden", "port-unusual")
_SIDES = {"smtp": "outgoing", "imap": "incoming", "pop3": "incoming"}


@shows(
    FindingKind(code="offer-refused", party="names", depth=91, severity="note"),
    FindingKind(code="offer-untested", party="computer", depth=91, severity="warning"),
)
def refused(case: Case) -> Yields:
    """What was refused of a record or a document, and why (certain: it was read). Where nothing else was found it is
    why nothing works; so is a document that could not be had. Guesses that were tried in its place explain themselves.
    A server that is offered on a port where this machine may not look is untested, and not to blame.
    """
    evidence = case.evidence
    # Where the domain's own name has no answer, that is why its documents have none.
    alone = not evidence.tried and all(
        answer.state in ("ok", "nodata") for answer in evidence.names if answer.name == evidence.target.domain
    )
    told = 0
    for lookup in evidence.lookups:
        failed = lookup.state == "failed" and alone and is_own(lookup.source) and lookup.reason != "dns"
        if lookup.reason is None or lookup.state == "off" or not (failed or lookup.state in ("refused", "found")):
            continue
        told += 1
        if told > _MAX:
            return
        params: dict[str, ParamValue] = {
            "place": lookup.place,
            "source": lookup.source,
            "reason": lookup.reason,
            "value": lookup.value or "",
        }
        if lookup.state == "found":
            params["part"] = True
        if lookup.reason in _PORTS:
            blocks = alone or _unserved(lookup, evidence)
            yield Symptom("offer-untested", "certain", host=evidence.target.domain, params=params, blocks=blocks)
        else:
            yield Symptom("offer-refused", "certain", host=evidence.target.domain, params=params, blocks=alone)


@shows(
    FindingKind(code="sending-not-offered", party="names", depth=89, severity="note"),
)
def not_sent(case: Case) -> Yields:
    """A domain whose records say that it has no server for sending (RFC 6186 section 3.4); no source names one."""
    evidence = case.evidence
    if not_offered(evidence.lookups) >= _SUBMISSION and not any(o.protocol == "smtp" for o in evidence.offers):
        yield Symptom("sending-not-offered", "certain", host=evidence.target.domain)


def _unserved(lookup: Lookup, evidence: Evidence) -> bool:
    """Whether what is offered on a forbidden port is offered nowhere else that works."""
    sides = {
        _SIDES.get(offer.protocol) for offer in evidence.offers if f"{offer.host}:{offer.port}" == lookup.place
    } - {None}
    return any(not any(verified(o) and direction(o) == side for o in evidence.tried) for side in sides)

"""This computer in another network than before, or asleep, in the middle of a check."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import answers
from poterne.diagnosis.registry import FindingKind, shows
from poterne.diagnosis.symptom import Symptom, Yields


@shows(
    FindingKind(code="network-changed", party="you", depth=99, severity="note", about_ports=False),
)
def disturbed(case: Case) -> Yields:
    """Its source addresses have changed since the beginning, or its clocks tell that it slept: what failed may have
    failed for that alone, and comparisons hold one network against another. Certain, as this machine itself tells it.
    What answered well has answered.

    Confounder: an address that changed while the network stayed, as temporary IPv6 addresses do (RFC 8981).
    """
    failed = [o for o in case.target.tried if not answers(o) or (o.tls is not None and o.tls.fault is not None)]
    disturbance = case.evidence.disturbed
    if disturbance is not None and failed:
        yield Symptom(
            "network-changed",
            "certain",
            params={"slept": disturbance == "slept"},
            seen=tuple(failed),
            explains=frozenset(o.id for o in failed),
        )

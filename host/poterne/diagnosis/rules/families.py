"""One of the two families does not work here, whatever the server."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import reached, settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Family, Observation

_CODES: dict[Family, str] = {4: "ipv4-broken", 6: "ipv6-broken"}


@compares(
    FindingKind(
        code="ipv4-broken", party="network", depth=86, severity="warning", about_ports=False, stops=("box", "internet")
    ),
    FindingKind(
        code="ipv6-broken", party="network", depth=86, severity="warning", about_ports=False, stops=("box", "internet")
    ),
)
def broken(case: Case) -> Yields:
    """In one family nothing came back from anybody, the target and every control; in the other two controls answer that
    have addresses of both: three make it certain, two likely.

    A machine without an address of a family has no broken one: it has none. Confounders: controls that are named in
    that family and do not serve it; packets that are lost, or a limit on new connections, so that there everybody is
    looked at again first.
    """
    for family, code in _CODES.items():
        ours = [o for o in case.target.seen if o.family == family]
        controls = [o for o in case.controls.seen if o.family == family]
        everybody = (*ours, *controls)
        if not ours or not _has(case, family, everybody) or any(reached(o) or spoke(o) for o in everybody):
            continue
        if not all(settled(o) for o in everybody) or case.limits.unreliable(6 if family == 4 else 4):
            continue
        working = {o.host: o for o in case.controls.living if o.family != family}
        both = [working[host] for host in dict.fromkeys(o.host for o in controls) if host in working]
        count = independent(both)
        if count >= 2 and case.limits.losing:
            again = {o.host for o in everybody if case.limits.seen_twice(o)}
            hasty = {o.host: o for o in everybody if o.host not in again and case.failures.signature(o) == "silent"}
            if hasty:
                yield from case.want(*(EvidenceRequest("again", observation=o.id) for o in hasty.values()))
                continue
        if count >= 2:
            yield Symptom(
                code,
                "certain" if count >= 3 else "likely",
                seen=tuple(o for o in case.target.tried if o.family == family) or tuple(ours),
                support=tuple(dict.fromkeys(o.id for o in (*controls, *both))),
                family=family,
                explains=frozenset(o.id for o in ours),
            )


def _has(case: Case, family: Family, tried: tuple[Observation, ...]) -> bool:
    """Whether this machine has the family: packets left it."""
    if all(case.failures.signature(o) == "nowhere" for o in tried):
        return False
    addresses = [a for a in case.evidence.machine.addresses if (":" in a) == (family == 6)]
    usable = [a for a in addresses if not a.lower().startswith(("fe80:", "127.", "169.254.")) and a != "::1"]
    return bool(usable) or not case.evidence.machine.addresses

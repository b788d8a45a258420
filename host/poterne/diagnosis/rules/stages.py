"""What opens and then stalls, or is cut off: held against the controls at the same stage."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import FAMILIES, settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.stages import shook_hands, stalled
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Family, Observation

_USUAL = EvidenceRequest("controls")


@compares(
    FindingKind(
        code="tls-stalled",
        party="network",
        depth=85,
        severity="warning",
        network=True,
        absorbs=frozenset({"tls-failed", "no-greeting", "connection-cut", "unproven"}),
        distrusts=True,
        stops=("you", "internet"),
    ),
)
def tls_stalled(case: Case) -> Yields:
    """Handshakes get no answer, neither the target's nor those of any control that came so far: three controls make it
    certain, two likely. Controls on the same port count; on any, where no handshake of that family was answered at all.

    Confounders: a server to which alone a route has a smaller MTU, so that the controls' handshakes are answered;
    packets that are lost at random; a proxy nearby that opens every port for everybody, and may be what stalls.
    """
    if len({o.port for o in case.evidence.canary if o.state == "open"}) > 1:
        return
    shared: list[Observation] = []
    fellows: dict[str, Observation] = {}
    for family in FAMILIES:
        if case.limits.unreliable(family):
            continue
        ours = [o for o in case.target.tried if o.family == family and stalled(o) and settled(o)]
        for port in dict.fromkeys(o.port for o in ours):
            alike = _stalled_alike(case, family, port)
            if independent(alike) >= 2:
                shared += [o for o in ours if o.port == port]
                fellows |= {o.id: o for o in alike}
            elif _USUAL in case.evidence.fetched:
                yield from case.want_controls(port)
            else:
                yield from case.want(_USUAL)
    if shared:
        count = max(independent(o for o in fellows.values() if o.family == family) for family in FAMILIES)
        yield Symptom(
            "tls-stalled",
            "certain" if count >= 3 else "likely",
            seen=tuple(shared),
            support=tuple(fellows),
            family=case.failures.one_family(shared),
            explains=frozenset(o.id for o in shared),
        )


@compares()
def cut_at_once(case: Case) -> Yields:
    """A server accepts a connection and resets it before a byte came, while controls answer on that port: two make it
    certain that it is the server, one likely.

    Confounder: somebody on the way who cuts everybody's: then a control fails alike.
    """
    for seen in case.target.cut_at_once:
        there = case.controls.on(seen.family, seen.port)
        answering = [o for o in there if spoke(o) and not o.cached]
        if not answering or any(o.state == "reset" and case.controls.live(o.host, o.family, o.port) for o in there):
            continue
        yield Symptom(
            "connection-cut",
            "certain" if independent(answering) >= 2 else "likely",
            seen,
            params={"at_once": True},
            support=tuple(o.id for o in answering),
            explains=frozenset({seen.id}),
        )


def _stalled_alike(case: Case, family: Family, port: int) -> list[Observation]:
    """The controls whose handshakes stall like the target's; none where another control's on that port is answered."""
    everybody = [o for o in (*case.target.seen, *case.controls.seen) if o.family == family]
    answered = {o.port for o in everybody if shook_hands(o)}
    if any(map(shook_hands, case.controls.on(family, port))):
        return []
    there = [o for o in case.controls.seen if o.family == family and stalled(o) and settled(o)]
    return [o for o in there if o.port == port or not answered]

"""Servers that let so many connections in and then no more: the check's own were too many."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import FAMILIES, settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import compares
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Observation

_TURNED_AWAY = ("silent", "target")
_SUSPICIOUS = 2


@compares()
def tripped(case: Case) -> Yields:
    """Some ports of a server opened, others are silent or rejected by it, and one of those that opened is so too at a
    second look: it counts connections, and bans whoever makes many. Likely while two controls are live, possible with
    one: a network that counts would have let nobody further in, and controls are called after the target.

    Confounders: a server that drops what it does not offer (what opened once opens again); packets that are lost.
    """
    for host, there in case.target.by_host.items():
        for family in FAMILIES:
            here = [o for o in there if o.family == family]
            opened = [o for o in here if spoke(o)]
            away = [o for o in here if o in case.target.failing and case.failures.signature(o) in _TURNED_AWAY]
            if not opened or len({o.port for o in away}) < _SUSPICIOUS or case.limits.unreliable(family):
                continue
            again = _shut_again(opened, away)
            if not again:
                if not any(o.id != p.id and _same(o, p) for o in opened for p in opened):
                    first = min(opened, key=_number)
                    yield from case.want(EvidenceRequest("again", observation=first.id))
                continue
            living = [o for o in case.controls.living if o.family == family]
            if not living or not all(map(settled, away)):
                continue
            yield Symptom(
                "client-rejected",
                "likely" if independent(living) >= 2 else "possible",
                host=host,
                params={"tripped": True, "count": len(opened)},
                seen=tuple(away),
                support=tuple(o.id for o in (*opened, *living)),
                family=case.failures.one_family(away),
                explains=frozenset(o.id for o in here if not spoke(o)),
            )


def _shut_again(opened: list[Observation], away: list[Observation]) -> list[Observation]:
    """The second looks at what had opened that were turned away."""
    return [o for o in away if any(_same(o, before) and _number(before) < _number(o) for before in opened)]


def _number(seen: Observation) -> tuple[int, str]:
    """Ids are numbered: a second look has a higher one than the first."""
    return len(seen.id), seen.id


def _same(one: Observation, other: Observation) -> bool:
    return (one.address, one.port) == (other.address, other.port)

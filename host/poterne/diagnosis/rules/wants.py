"""What every failure is held against, whatever the rules make of it."""

from collections.abc import Iterator

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import FAMILIES, direction, reset, settled, spoke, verified, web_ports
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent, known_ports, vouches
from poterne.diagnosis.registry import compares
from poterne.diagnosis.stages import stalled
from poterne.knowledge import controls, ports
from poterne.report import Observation

_RELAY_PORT = 25
# What nearly every server offers: that one of these is closed is odd enough to ask whether it is for everybody.
_EXPECTED = (25, 465, 587, 993)
_TRUST_FAULTS = ("cert-untrusted", "cert-incomplete-chain", "cert-self-signed")
_MAX_SIGNS_OF_LIFE = 2


@compares()
def wants(case: Case) -> Iterator[EvidenceRequest]:
    """Controls for whatever fails, and where every TLS handshake or everything fails, the portal."""
    for seen in case.target.failing:
        if not _merely_closed(case, seen) and not stalled(seen) and not case.limits.unreliable(seen.family):
            yield from case.want_controls(seen.port)
    protected = [o for o in case.target.tried if o.tls is not None]
    doubtful = [o for o in protected if o.tls is not None and _doubtful(o.tls.faults, public=o.tls.public_trusted)]
    if doubtful:
        yield from case.want(EvidenceRequest("controls"))
    if protected and all(o.tls is not None and o.tls.fault for o in protected):
        yield from case.want(EvidenceRequest("portal"), EvidenceRequest("controls"))
    if case.target.tried and not any(spoke(o) for o in case.target.tried):
        yield from case.want(
            EvidenceRequest("portal"), *(EvidenceRequest("web", host=o.host) for o in case.target.tried)
        )
    yield from _signs_of_life(case)


def _merely_closed(case: Case, seen: Observation) -> bool:
    """Whether a server just does not offer a port whose purpose another one serves, in a network that resets nothing
    else.
    """
    return (
        reset(seen)
        and seen.port not in _EXPECTED
        and not _resets(case)
        and not case.evidence.asks_for(seen.port)
        and any(verified(o) and direction(o) == direction(seen) for o in case.target.tried)
    )


def _resets(case: Case) -> bool:
    """Whether this network resets connections: at an address where nobody is, or on port 25 for everybody."""
    if any(reset(o) for o in case.evidence.canary):
        return True
    alike = [case.shared.on(family, _RELAY_PORT) for family in FAMILIES]
    return any(each is not None and each.signature == "refused" and each.count >= 2 for each in alike)


def _doubtful(faults: tuple[str, ...], *, public: bool | None) -> bool:
    return public is False or any(fault in _TRUST_FAULTS for fault in faults)


def _signs_of_life(case: Case) -> Iterator[EvidenceRequest]:
    """Controls fail like the target, and on every port that they were asked on: are they alive on any other? Asked
    while they have only been silent for a while, so that nobody waits for a dead one. Hosts that a policy names may
    serve the web; of the others the ports are known.
    """
    table = controls.table().begin
    for family, port in dict.fromkeys((o.family, o.port) for o in case.target.failing):
        if case.limits.unreliable(family):
            continue
        there = [o for o in case.controls.on(family, port) if (settled(o) or o.provisional) and vouches(o, port)]
        if not there or case.controls.answering(family, port):
            continue
        dead = [o for o in there if not case.controls.live(o.host, family, port)]
        if independent(there) - independent(dead) >= 3 or not dead:
            continue
        working = [o.port for o in case.target.seen if spoke(o) and o.family == family and ports.facts(o.port)]
        offered = {number for o in dead for number in known_ports(o.host)}
        candidates = dict.fromkeys((*sorted(set(working), key=_likely), *sorted(offered, key=_likely)))
        # On these every control is asked from the beginning.
        begun = (_RELAY_PORT, *table.life_ports)
        further = [number for number in candidates if number not in (port, *begun)][:_MAX_SIGNS_OF_LIFE]
        if all(o.source == "policy" for o in dead):
            further += [number for number in table.web_ports[:1] if number not in further]
        yield from case.want(*(EvidenceRequest("controls", port=number) for number in further))


def _likely(number: int) -> tuple[bool, int, int]:
    """The mail ports that most servers have, first."""
    row = ports.facts(number)
    return number in web_ports(), row.rank if row else 9, number

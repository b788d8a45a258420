"""Who is nearest: this machine's own firewall, and the home box."""

from collections.abc import Iterator

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import FAMILIES, settled
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.nearest import reset_at
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Confidence, Observation

# A refusal without an ICMP error that took no time to speak of did not leave this machine.
_AT_ONCE_MS = 20.0
_FORBIDDEN_HERE = ("EPERM", "EACCES")
# So many silent ports are traced in each family.
_MAX_TRACES = 2
_IMPORTANT = (25, 587, 465)


@compares(
    FindingKind(
        code="local-firewall",
        party="computer",
        depth=80,
        severity="warning",
        network=True,
        quiet="block",
        distrusts=True,
        stops=("you", "you"),
        port25="named",
    ),
)
def local_firewall(case: Case) -> Yields:
    """This machine refuses: by an ICMP error of an address of its own, by a SYN that could not leave and was reset all
    the same (hop 0), by EPERM or EACCES at once (all certain); or it seems to keep silent (`Nearest.silent_here`,
    possible).

    Confounders: an absent neighbour, which this machine reports too, after some seconds; a route that does not exist; a
    box that drops everything to itself; a reset at hop 1 without the proof of hop 0 (IPv6 only, possible: over IPv4 the
    box could not be missed).
    """
    found: dict[Confidence, list[Observation]] = {}
    for seen in case.target.failing:
        if settled(seen) and (confidence := _refuses_here(case, seen)):
            found.setdefault(confidence, []).append(seen)
    for confidence, failing in found.items():
        yield Symptom(
            "local-firewall",
            confidence,
            seen=tuple(failing),
            support=tuple(o.id for seen in failing for o in _held_against(case, seen, confidence)),
            family=case.failures.one_family(failing),
            explains=frozenset(o.id for o in failing) | case.nearest.reset_too(failing),
        )


@compares(
    FindingKind(
        code="gateway-firewall",
        party="router",
        depth=78,
        severity="warning",
        network=True,
        quiet="block",
        distrusts=True,
        stops=("box", "box"),
        port25="named",
    ),
)
def gateway_firewall(case: Case) -> Yields:
    """The home box refuses, by an ICMP error that comes from it (certain), or by a reset at hop 1 that cannot be this
    machine's (likely). That controls get through changes nothing: it is still the box that refuses.

    A box sends few ICMP errors a second: where it has refused the same port in the other family, or another port in the
    same one, silence of everybody is its as well.

    Confounders: a box that has no route to a server, or knows that it is absent: it says so of every port; an address
    that is this line's own, which refuses in its own name.
    """
    found: dict[Confidence, list[Observation]] = {}
    for seen in case.target.failing:
        if not settled(seen) or case.own.owner(seen):
            continue
        shared = case.nearest.silent_like_the_box(seen) and case.shared.on(seen.family, seen.port) is not None
        if shared or case.nearest.refused_by_the_box(seen):
            found.setdefault("certain", []).append(seen)
        elif _reset_by_the_box(case, seen):
            found.setdefault("likely", []).append(seen)
    for confidence, failing in found.items():
        yield Symptom(
            "gateway-firewall",
            confidence,
            seen=tuple(failing),
            family=case.failures.one_family(failing),
            explains=frozenset(o.id for o in failing) | case.nearest.reset_too(failing),
        )


@compares()
def paths(case: Case) -> Iterator[EvidenceRequest]:
    """A port is silent, another one of the same address works, and no control has answered there yet: where does it
    stop? Traced for the ports that matter most; and does the box itself answer there?
    """
    for family in FAMILIES:
        if case.limits.unreliable(family):
            continue
        silent = [
            o
            for o in case.target.failing
            if o.family == family
            and case.failures.signature(o) == "silent"
            and not case.controls.answering(family, o.port)
        ]
        silent.sort(key=lambda o: (not case.evidence.asks_for(o.port), o.port not in _IMPORTANT, _rank(o), o.id))
        for seen in silent[:_MAX_TRACES]:
            working = case.target.working_port(seen)
            if working is None:
                continue
            if not seen.path:
                yield from case.want(EvidenceRequest("trace", observation=seen.id, working=working.id))
            yield from case.want(EvidenceRequest("gateway", port=seen.port, family=seen.family))


def _refuses_here(case: Case, seen: Observation) -> Confidence | None:
    signature = case.failures.signature(seen)
    if reset_at(seen, 0):
        return "certain"
    if signature == "own":
        return "certain" if case.nearest.is_of_that_port(seen) else None
    if signature == "local" and seen.error in _FORBIDDEN_HERE:
        return "certain" if (seen.stages.connect_ms or 0) < _AT_ONCE_MS or seen.error == "EPERM" else "likely"
    if seen.family == 6 and reset_at(seen, 1):
        return {True: "certain", False: None, None: "possible"}[_resets_over_ipv4(case, seen)]
    return "possible" if case.nearest.silent_here(seen) or case.nearest.like_those_here(seen) else None


def _reset_by_the_box(case: Case, seen: Observation) -> bool:
    if not reset_at(seen, 1) or reset_at(seen, 0):
        return False
    return seen.family == 4 or _resets_over_ipv4(case, seen) is False


def _resets_over_ipv4(case: Case, seen: Observation) -> bool | None:
    """Whether it is this machine that resets the same port of that host over IPv4, at the first hop as well: then that
    is what resets IPv6, too. None where nobody is known to.
    """
    peers = [o for o in case.target.tried if (o.host, o.port, o.family) == (seen.host, seen.port, 4) and reset_at(o, 1)]
    return any(reset_at(o, 0) for o in peers) if peers else None


def _held_against(case: Case, seen: Observation, confidence: Confidence) -> list[Observation]:
    if confidence != "possible":
        return []
    working = case.paths.working(seen)
    return [*case.nearest.box_asked(seen), *([working] if working else [])]


def _rank(seen: Observation) -> int:
    return _IMPORTANT.index(seen.port) if seen.port in _IMPORTANT else seen.port

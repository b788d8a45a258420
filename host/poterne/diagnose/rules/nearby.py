"""Who is nearest: this machine's own firewall, and the home box."""

from collections.abc import Iterable, Iterator

from poterne.diagnose.comparison import Comparison
from poterne.diagnose.evidence import reset, settled, spoke
from poterne.diagnose.symptom import Said, Symptom
from poterne.diagnose.wanted import Want
from poterne.model import Confidence, Family, Observation

_FAMILIES: tuple[Family, Family] = (4, 6)
# An absent neighbour is reported by this machine itself, after three questions of a second each (RFC 4861 section 10).
_NEIGHBOUR_MS = 900.0
_ABSENT = ("ICMP 3/1)", "ICMPv6 1/3)")
# A refusal without an ICMP error that took no time to speak of did not leave this machine.
_AT_ONCE_MS = 20.0
_FORBIDDEN_HERE = ("EPERM", "EACCES")
# So many silent ports are traced in each family.
_MAX_TRACES = 2
_IMPORTANT = (25, 587, 465)


def local_firewall(case: Comparison) -> Said:
    """This machine refuses: by an ICMP error of an address of its own, by a SYN that could not leave and was reset all
    the same (hop 0), by EPERM or EACCES at once (all certain); or it seems to keep silent (`silent_here`: possible).

    Confounders: an absent neighbour, which this machine reports too, after some seconds; a route that does not exist; a
    box that drops everything to itself; a reset at hop 1 without the proof of hop 0 (IPv6 only, possible: over IPv4 the
    box could not be missed).
    """
    found: dict[Confidence, list[Observation]] = {}
    for seen in case.failing:
        if settled(seen) and (confidence := _refuses_here(case, seen)):
            found.setdefault(confidence, []).append(seen)
    for confidence, failing in found.items():
        yield Symptom(
            "local-firewall",
            confidence,
            seen=tuple(failing),
            support=tuple(o.id for seen in failing for o in _held_against(case, seen, confidence)),
            family=case.one_family(failing),
            explains=frozenset(o.id for o in failing) | reset_too(case, failing),
        )


def gateway_firewall(case: Comparison) -> Said:
    """The home box refuses, by an ICMP error that comes from it (certain), or by a reset at hop 1 that cannot be this
    machine's (likely). That controls get through changes nothing: it is still the box that refuses.

    A box sends few ICMP errors a second: where it has refused the same port in the other family, or another port in the
    same one, silence of everybody is its as well.

    Confounder: a box that has no route to a server, or knows that it is absent: it says so of every port.
    """
    found: dict[Confidence, list[Observation]] = {}
    for seen in case.failing:
        if not settled(seen):
            continue
        shared = refused_beside(case, seen) and case.alike(seen.family, seen.port) is not None
        if shared or _refused_by_the_box(case, seen):
            found.setdefault("certain", []).append(seen)
        elif _reset_by_the_box(case, seen):
            found.setdefault("likely", []).append(seen)
    for confidence, failing in found.items():
        yield Symptom(
            "gateway-firewall",
            confidence,
            seen=tuple(failing),
            family=case.one_family(failing),
            explains=frozenset(o.id for o in failing) | reset_too(case, failing),
        )


def reset_too(case: Comparison, failing: Iterable[Observation]) -> frozenset[str]:
    """Resets of the target where somebody nearer resets the same port: nothing was held against some of them."""
    ports = {o.port for o in failing if reset(o)}
    return frozenset(o.id for o in case.tried if o.port in ports and reset(o))


def refused_beside(case: Comparison, seen: Observation) -> bool:
    """Whether silence stands beside refusals of the home box, on the same port or in the same family."""
    return case.signature(seen) == "silent" and any(
        settled(o) and (o.port == seen.port or o.family == seen.family) and _refused_by_the_box(case, o)
        for o in case.failing
    )


def _refused_by_the_box(case: Comparison, seen: Observation) -> bool:
    return case.signature(seen) == "gateway" and _of_that_port(case, seen)


def paths(case: Comparison) -> Iterator[Want]:
    """A port is silent, another one of the same address works, and no control has answered there yet: where does it
    stop? Traced for the ports that matter most; and does the box itself answer there?
    """
    for family in _FAMILIES:
        if case.unreliable(family):
            continue
        silent = [
            o
            for o in case.failing
            if o.family == family and case.signature(o) == "silent" and not case.answering(family, o.port)
        ]
        silent.sort(key=lambda o: (not case.evidence.asks_for(o.port), o.port not in _IMPORTANT, _rank(o), o.id))
        for seen in silent[:_MAX_TRACES]:
            working = case.beside(seen)
            if working is None:
                continue
            if not seen.path:
                yield from case.want(Want("trace", observation=seen.id, beside=working.id))
            yield from case.want(Want("gateway", port=seen.port, family=seen.family))


def silent_here(case: Comparison, seen: Observation) -> bool:
    """Whether silence seems to begin in this machine: the first hop does not see the failing port, sees a working one,
    and the box itself, asked on that port, does not answer. Any answer of anybody on that port clears this machine.
    """
    if case.signature(seen) != "silent" or case.unreliable(seen.family):
        return False
    first = [hop for hop in seen.path if hop.hop == 1]
    if not first or any(hop.answer != "silent" for hop in first):
        return False
    working = [o for o in case.target if o.state == "open" and o.address == seen.address and o.path]
    passed = [o for o in working if _passed_the_box(o)]
    if len(passed) < len(working) and any(_passed_the_box(o) for o in case.failing if o.address == seen.address):
        return False  # of several traces, one met a box that had no answers left
    box = [o for o in case.of("gateway") if (o.family, o.port) == (seen.family, seen.port)]
    if not passed or not box or any(o.state != "no-answer" or o.provisional for o in box):
        return False
    others = (*case.target, *case.controls_at(seen.family, seen.port))
    return not any((o.family, o.port) == (seen.family, seen.port) and case.clears(o, "silent") for o in others)


def _passed_the_box(seen: Observation) -> bool:
    return any(
        hop.hop == 1 and hop.answer == "time-exceeded" and hop.address not in (None, seen.address) for hop in seen.path
    )


def like_those_here(case: Comparison, seen: Observation) -> bool:
    """Whether silence that was not traced stands beside silence that seems to begin in this machine, and nobody answers
    on that port either.
    """
    return (
        case.signature(seen) == "silent"
        and not seen.path
        and case.alike(seen.family, seen.port) is not None
        and any(o.family == seen.family and o.id != seen.id and silent_here(case, o) for o in case.failing)
    )


def stops_here(case: Comparison, seen: Observation) -> bool | None:
    """Whether a trace shows that a port stops right behind the first hop, while a working port of the same address goes
    on to further routers. None where there is no such trace.
    """
    working = case.working_path(seen)
    if not seen.path or working is None or case.unreliable(seen.family):
        return None
    if not any(hop.hop == 1 and hop.answer == "time-exceeded" for hop in seen.path):
        return None
    beyond = [hop for hop in seen.path if hop.hop > 1]
    if not beyond or not any(
        hop.hop > 1 and hop.answer == "time-exceeded" and hop.address != seen.address for hop in working.path
    ):
        return None
    if case.signature(seen) == "refused":
        return any(hop.hop == 2 and hop.answer == "refused" for hop in beyond)
    return all(hop.answer == "silent" for hop in beyond)


def _refuses_here(case: Comparison, seen: Observation) -> Confidence | None:
    signature = case.signature(seen)
    if _reset_at(seen, 0):
        return "certain"
    if signature == "own":
        return "certain" if _of_that_port(case, seen) else None
    if signature == "local" and seen.error in _FORBIDDEN_HERE:
        return "certain" if (seen.stages.connect_ms or 0) < _AT_ONCE_MS or seen.error == "EPERM" else "likely"
    if seen.family == 6 and _reset_at(seen, 1):
        return _over_ipv4(case, seen, "possible", here=0)
    return "possible" if silent_here(case, seen) or like_those_here(case, seen) else None


def _reset_by_the_box(case: Comparison, seen: Observation) -> bool:
    if not _reset_at(seen, 1) or _reset_at(seen, 0):
        return False
    return seen.family == 4 or _over_ipv4(case, seen, None, here=1) is not None


def _over_ipv4(case: Comparison, seen: Observation, otherwise: Confidence | None, *, here: int) -> Confidence | None:
    """What resets IPv6 at the first hop is what resets the same port of that host over IPv4, where that is known."""
    peers = [o for o in case.tried if (o.host, o.port, o.family) == (seen.host, seen.port, 4) and _reset_at(o, 1)]
    if not peers:
        return otherwise
    local = any(_reset_at(o, 0) for o in peers)
    return ("certain" if here == 0 else "likely") if local is (here == 0) else None


def _of_that_port(case: Comparison, seen: Observation) -> bool:
    """Whether an ICMP error speaks of a rule, not of a host that cannot be reached."""
    if seen.state in ("prohibited", "refused"):
        return True
    absent = (seen.stages.connect_ms or 0) >= _NEIGHBOUR_MS and (seen.error or "").endswith(_ABSENT)
    others = (*case.target, *case.controls)
    return not absent and any(
        o.family == seen.family
        and o.port != seen.port
        and spoke(o)
        and (o.role == "control" or o.address == seen.address)
        for o in others
    )


def _reset_at(seen: Observation, number: int) -> bool:
    return any(hop.hop == number and hop.answer == "refused" for hop in seen.path)


def _held_against(case: Comparison, seen: Observation, confidence: Confidence) -> list[Observation]:
    if confidence != "possible":
        return []
    box = [o for o in case.of("gateway") if (o.family, o.port) == (seen.family, seen.port)]
    working = case.working_path(seen)
    return [*box, *([working] if working else [])]


def _rank(seen: Observation) -> int:
    return _IMPORTANT.index(seen.port) if seen.port in _IMPORTANT else seen.port

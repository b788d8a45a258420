"""Ports that this network lets nobody through on, and servers that it does not let this machine reach by mail."""

from collections.abc import Iterable, Iterator

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import CONFIDENCES, FAMILIES, reset, settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.shared import SharedFailure
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.knowledge import controls
from poterne.report import Confidence, Family, Observation, ParamValue

RELAY_PORT = 25
SUBMISSION_PORT = 587
_SUBMISSION_PORTS = (465, SUBMISSION_PORT)
_LISTED_PORTS = (RELAY_PORT, SUBMISSION_PORT)
# Signatures of a network on the way; the others say who it was.
_OF_THE_WAY = ("silent", "refused", "way", "cut", "mute")


@compares(
    FindingKind(
        code="port25-blocked",
        party="network",
        depth=76,
        severity="warning",
        network=True,
        quiet="block",
        distrusts=True,
        stops=("you", "internet"),
        traced=True,
        port25="always",
    ),
    FindingKind(
        code="port25-relay-only",
        party="network",
        depth=77,
        severity="warning",
        network=True,
        quiet="block",
        distrusts=True,
        stops=("you", "internet"),
        traced=True,
        port25="always",
    ),
)
def port25(case: Case) -> Yields:
    """Port 25 fails alike towards the target and every live control, and both answer elsewhere (facts 2d).

    Three live controls make it certain, two likely; one is no proof. Confounders: a server that drops 25 itself, a dead
    control, a lost SYN (one answer of anybody on 25, in that family, clears the network); a limit on new connections (a
    second look comes first, always where somebody refuses); this machine's firewall and the home box (rules of their
    own, which go before); servers that are slow to greet, each for itself (they greet on other ports at once).

    Where the provider's relay greets on 25, the block is selective: port25-relay-only. Where the ports of submission
    are blocked as well, the port is one of all those for sending: port-blocked.
    """
    yield from _further(case, RELAY_PORT)
    blocked = _blocked(case, RELAY_PORT)
    if any(
        o.port == RELAY_PORT
        and case.controls.on(o.family, RELAY_PORT)
        and not case.controls.answering(o.family, RELAY_PORT)
        for o in case.target.failing
    ):
        yield from case.want(EvidenceRequest("relay"))
    relays = [o for o in case.evidence.relay if o.port == RELAY_PORT and spoke(o)]
    if not blocked or (not relays and _blocked_for_sending(case)):
        return
    families = case.failures.families_tested(RELAY_PORT)
    yield Symptom(
        "port25-relay-only" if relays else "port25-blocked",
        _best(blocked.values()),
        params={**({"relay": relays[0].host} if relays else {}), **_where(case, _failing(blocked))},
        seen=_failing(blocked),
        support=(*_support(blocked), *(o.id for o in relays)),
        family=None if families == set(blocked) else next(iter(blocked)),
        explains=frozenset(o.id for o in _failing(blocked)) | case.nearest.reset_too(_failing(blocked)),
    )


@compares(
    FindingKind(
        code="port-blocked",
        party="network",
        depth=75,
        severity="warning",
        network=True,
        quiet="block",
        distrusts=True,
        stops=("you", "internet"),
        traced=True,
        port25="verdict",
    ),
)
def other_ports(case: Case) -> Yields:
    """The same on other ports, for each of which only those controls count that are known to serve it; on 25 as well,
    where nothing for sending is left (`all`).

    A reset proves less than silence, since perhaps none of them serves the port: it takes a canary that is reset there
    too, or a trace on which the reset comes from nearer than the target.
    """
    groups: dict[tuple[bool, Family | None] | None, dict[int, dict[Family, SharedFailure]]] = {}
    every_port = _blocked_for_sending(case) and not any(spoke(o) for o in case.evidence.relay if o.port == RELAY_PORT)
    for port in dict.fromkeys(o.port for o in case.target.failing):
        if port == RELAY_PORT:
            found = _blocked(case, port) if every_port else {}
        else:
            yield from _further(case, port)
            found = _blocked_otherwise(case, port)
        if found:
            scope = None if case.failures.families_tested(port) == set(found) else next(iter(found))
            stopped = next(iter(found.values())).signature in ("silent", "way")
            together = every_port and port in (RELAY_PORT, *_SUBMISSION_PORTS)
            groups.setdefault(None if together else (stopped, scope), {})[port] = found
    for key, by_port in groups.items():
        every = [alike for found in by_port.values() for alike in found.values()]
        failing = tuple(o for alike in every for o in alike.failing)
        yield Symptom(
            "port-blocked",
            min((_best(found.values()) for found in by_port.values()), key=CONFIDENCES.index),
            params={**_where(case, failing), **({"all": True} if key is None else {})},
            seen=failing,
            support=tuple(dict.fromkeys(o.id for alike in every for o in alike.controls)),
            family=case.failures.one_family(failing) if key is None else key[1],
            explains=frozenset(o.id for o in failing) | case.nearest.reset_too(failing),
        )


def _blocked_otherwise(case: Case, port: int) -> dict[Family, SharedFailure]:
    """The same for a port that not every control serves: what is reset there needs a further proof."""
    return {
        family: alike
        for family, alike in _blocked(case, port).items()
        if alike.signature != "refused" or _refused_by_the_network(case, family, port, alike)
    }


def _blocked_for_sending(case: Case) -> bool:
    """Whether 25 is blocked, and of the ports of submission at least one, while none answers at the target."""
    if any(spoke(o) for o in case.target.tried if o.port in _SUBMISSION_PORTS) or not _blocked(case, RELAY_PORT):
        return False
    return any(_blocked_otherwise(case, port) for port in _SUBMISSION_PORTS)


def _where(case: Case, failing: tuple[Observation, ...]) -> dict[str, ParamValue]:
    """Behind the box, where that is shown of every port."""
    shown = {o.port for o in failing if case.paths.at_the_provider(o)}
    return {"where": "provider"} if shown and shown == {o.port for o in failing} else {}


@compares(
    FindingKind(
        code="mail-allowlist",
        party="network",
        depth=79,
        severity="warning",
        network=True,
        quiet="block",
        distrusts=True,
        stops=("box", "provider"),
        port25="named",
    ),
)
def allow_list(case: Case) -> Yields:
    """A box that lets mail out to certain servers only: this one fails on 25 and 587, others answer on both.

    The box says so itself by ICMP (certain), or the trace shows that the failing port stops right behind it where the
    working port goes on to further routers (likely). Confounder: a server that drops or does not offer both, whose
    packets pass the box.
    """
    found: dict[tuple[str, Confidence], list[Observation]] = {}
    for family in FAMILIES:
        if any(_served(case, family, port) < 2 for port in _LISTED_PORTS):
            continue
        for host in dict.fromkeys(o.host for o in case.target.tried):
            failing = [o for o in case.target.tried if (o.host, o.family) == (host, family) and o.port in _LISTED_PORTS]
            signatures = {case.failures.signature(o) for o in failing}
            if (
                len({o.port for o in failing}) < 2
                or len(signatures) != 1
                or not case.target.answers_elsewhere(failing[0])
            ):
                continue
            if signatures <= {"silent", "refused"}:
                yield from _want_traces(case, failing)
            confidence = _listed(case, failing)
            if confidence and all(settled(o) for o in failing):
                found.setdefault((host, confidence), []).extend(failing)
    for (host, confidence), failing in found.items():
        tested = sorted({(o.family, o.port) for o in failing})
        yield Symptom(
            "mail-allowlist",
            confidence,
            host=host,
            params={"ports": _LISTED_PORTS},
            seen=tuple(failing),
            support=tuple(o.id for each in tested for o in case.controls.answering(*each)),
            family=case.failures.one_family(failing),
            explains=frozenset(o.id for o in failing),
        )


def _listed(case: Case, failing: list[Observation]) -> Confidence | None:
    signature = case.failures.signature(failing[0])
    if signature == "gateway":
        return "certain"
    if signature not in ("silent", "refused"):
        return None
    stops = [case.paths.stops_at_the_box(seen) for seen in failing]
    return "likely" if True in stops and False not in stops else None


def _served(case: Case, family: Family, port: int) -> int:
    return independent(case.controls.answering(family, port))


def _want_traces(case: Case, failing: list[Observation]) -> Iterator[EvidenceRequest]:
    for seen in failing:
        if not seen.path and (working := case.target.working_port(seen)) is not None:
            yield from case.want(EvidenceRequest("trace", observation=seen.id, working=working.id))


def _blocked(case: Case, port: int) -> dict[Family, SharedFailure]:
    """What the network blocks, by family: nobody gets through, and nothing says that it is this machine or its box."""
    found: dict[Family, SharedFailure] = {}
    for family in sorted(case.failures.families_tested(port)):
        alike = case.shared.on(family, port)
        if alike is None or alike.signature not in _OF_THE_WAY or alike.confidence is None:
            continue
        if any(case.nearest.silent_here(o) or case.nearest.like_those_here(o) for o in alike.failing):
            continue
        if any(_at_the_first_hop(o) or case.nearest.silent_like_the_box(o) for o in alike.failing):
            continue
        found[family] = alike
    return found


def _at_the_first_hop(seen: Observation) -> bool:
    """Whether this machine or the box reset the connection."""
    return any(hop.hop <= 1 and hop.answer == "refused" for hop in seen.path)


def _best(blocked: Iterable[SharedFailure]) -> Confidence:
    """A network that is certain to block one family, and seems to block the other, is certain to block."""
    return max((alike.confidence or "possible" for alike in blocked), key=CONFIDENCES.index)


def _failing(blocked: dict[Family, SharedFailure]) -> tuple[Observation, ...]:
    return tuple(o for alike in blocked.values() for o in alike.failing)


def _support(blocked: dict[Family, SharedFailure]) -> tuple[str, ...]:
    return tuple(o.id for alike in blocked.values() for o in alike.controls)


def _refused_by_the_network(case: Case, family: Family, port: int, alike: SharedFailure) -> bool:
    if any(reset(o) and (o.family, o.port) == (family, port) for o in case.evidence.canary):
        return True
    return any(case.paths.nearer(o) for o in alike.failing)


def _further(case: Case, port: int) -> Iterator[EvidenceRequest]:
    """What would make a shared failure certain, or say who it is."""
    for family in sorted({o.family for o in case.target.failing if o.port == port}):
        alike = case.shared.on(family, port)
        yield from _want_fresh(case, family, port)
        if case.failures.gagged(family, port):
            numbers = {port, *controls.table().begin.canary_ports}
            yield from case.want(*(EvidenceRequest("canary", port=number) for number in numbers))
        if alike is None:
            continue
        if alike.count >= 2 and alike.signature in _OF_THE_WAY:
            for seen in alike.shaky:
                yield from case.want(EvidenceRequest("again", observation=seen.id))
        if alike.signature == "refused" and alike.count >= 2:
            yield from case.want(EvidenceRequest("canary", port=port))
            yield from _want_traces(case, list(alike.failing[:1]))
        if alike.signature == "cut" and alike.count >= 2:
            yield from case.want(EvidenceRequest("canary", port=port))


def _want_fresh(case: Case, family: Family, port: int) -> Iterator[EvidenceRequest]:
    """Controls that are known from a minute ago only: an accusation connects again."""
    if case.controls.answering(family, port):
        return
    for seen in case.controls.seen:
        stale = seen.cached and seen.family == family
        if stale and not any(o.host == seen.host and o.port == seen.port and not o.cached for o in case.controls.seen):
            yield from case.want(EvidenceRequest("again", observation=seen.id))

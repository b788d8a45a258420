"""The server's side: it is down, it turns us away, or it keeps one port silent; held against controls that answer."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import direction, is_web, needed, reached, reset, settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Confidence, Observation


@compares(
    FindingKind(
        code="server-down", party="server", depth=73, severity="note", quiet="turned-away", stops=("internet", "server")
    ),
)
def server_down(case: Case) -> Yields:
    """Nothing came back from the server, on any port, the web's included, in any family, while two controls are live.

    A reset, and an ICMP error of the server's own address, are answers. Where the web's ports could not be asked it is
    possible only. Controls of a family that the server was not tried in do not count. Confounders: a route that fails
    towards that network only; an endpoint on a port that the controls fail on too: perhaps it is the only one that this
    server has.
    """
    for host in _hosts(case):
        here = [o for o in case.target.seen if o.host == host]
        if any(reached(o) or spoke(o) for o in here):
            continue
        if any(case.failures.signature(o) == "silent" and case.limits.unreliable(o.family) for o in here):
            continue
        yield from case.want(EvidenceRequest("web", host=host), EvidenceRequest("portal"), EvidenceRequest("controls"))
        if not all(settled(o) and _gone(case, o) for o in here) or len({o.port for o in here}) < 2:
            continue
        if all(case.failures.signature(o) == "nowhere" for o in here):
            continue
        asked = [o for o in here if case.evidence.target.port == o.port]
        if asked and all(_shared(case, o) for o in asked):
            continue
        living = [o for o in case.controls.living if o.family in {o.family for o in here}]
        if max(independent(o for o in living if o.family == family) for family in (4, 6)) < 2:
            continue
        yield Symptom(
            "server-down",
            "likely" if any(is_web(o) for o in here) else "possible",
            host=host,
            seen=tuple(o for o in here if o in case.target.tried) or tuple(here),
            support=tuple(dict.fromkeys(o.id for o in (*here, *living))),
            explains=frozenset(o.id for o in here),
        )


@compares(
    FindingKind(
        code="client-rejected",
        party="server",
        depth=72,
        severity="warning",
        quiet="turned-away",
        stops=("server", "server"),
    ),
)
def client_rejected(case: Case) -> Yields:
    """The host is up, and turns every mail connection away: by ICMP errors of its own address (likely), or by silence
    where it resets another port (possible). Routers and servers send few ICMP errors a second, so that silence beside
    them is the same. Silence on everything but the web is more often a host without mail (`web_alone`).

    One port alone is closed, not a ban; resets on all of them are a host without mail. Of ports that servers seldom
    offer, and of those that are reset beside the others, nothing is expected. Confounder: a web server whose firewall
    rejects everything else, which another name for the mail server would show.
    """
    for host in _hosts(case):
        here = [o for o in case.target.tried if o.host == host and _is_mail(o)]
        if len({o.port for o in here}) < 2 or any(spoke(o) or o.state == "open" for o in here):
            continue
        yield from case.want(EvidenceRequest("web", host=host))
        shared = [o for o in here if _shared(case, o)]
        failing = [o for o in here if o not in shared and needed(o, case.evidence) and not reset(o)]
        if len({o.port for o in failing}) < 2 or not all(settled(o) for o in failing):
            continue
        signatures = {case.failures.signature(o) for o in failing}
        if signatures == {"silent"} and (
            host in case.target.web_alone or any(case.limits.unreliable(o.family) for o in failing)
        ):
            continue
        up = [o for o in case.target.seen if o.host == host and (reset(o) or o.state == "open")]
        confidence: Confidence | None = None
        if "target" in signatures and signatures <= {"target", "silent"}:
            confidence = "likely"
        elif signatures == {"silent"} and up and _served(case, failing) >= 2:
            confidence = "possible"
        if confidence:
            yield Symptom(
                "client-rejected",
                confidence,
                host=host,
                seen=tuple(failing),
                support=tuple(o.id for o in up),
                explains=frozenset(
                    o.id
                    for o in case.target.tried
                    if o.host == host and case.failures.signature(o) in (*signatures, "refused") and o not in shared
                ),
            )


@compares()
def web_alone(case: Case) -> Yields:
    """The web of a host answers and every mail port of it is silent, on which controls answer: a web server, or a proxy
    for the web, has the address, and no mail service is there. Likely where two controls answer on one of the ports,
    possible with one.

    Confounders: a server that bans this address in silence, on every port but the web's; a proxy of this network that
    opens the web's ports for everybody.
    """
    for host, silent in case.target.web_alone.items():
        there = [o for o in silent if not _shared(case, o) and needed(o, case.evidence)]
        if len({o.port for o in there}) < 2 or any(case.limits.unreliable(o.family) for o in there):
            continue
        if count := _served(case, there):
            tested = sorted({(o.family, o.port) for o in there})
            yield Symptom(
                "no-mail-service",
                "likely" if count >= 2 else "possible",
                host=host,
                seen=tuple(there),
                support=tuple(dict.fromkeys(o.id for each in tested for o in case.controls.answering(*each))),
                explains=frozenset(o.id for o in silent if not _shared(case, o)),
            )


@compares(
    FindingKind(
        code="port-silent",
        party="server",
        depth=21,
        severity="note",
        severity_outgoing="warning",
        quiet="shallow",
        stops=("internet", "server"),
        port25="named",
    ),
)
def port_silent(case: Case) -> Yields:
    """A port is silent, or rejected on the way, at a server that is alive, and controls answer on it in that family:
    two make it certain that it is the server or its path, one likely.

    Confounder: a limit on new connections, which this check has used up itself. Where something got lost, or one
    control answers there and others do not, a second look comes first.
    """
    groups: dict[tuple[str, str, Confidence], list[Observation]] = {}
    for seen in case.target.failing:
        if not settled(seen) or case.failures.signature(seen) not in ("silent", "way") or not _alive(case, seen):
            continue
        if case.limits.unreliable(seen.family):
            continue
        if any(
            (o.host, o.port, o.family, o.state) == (seen.host, seen.port, seen.family, "open") for o in case.target.seen
        ):
            continue
        if count := independent(case.controls.answering(seen.family, seen.port)):
            if (case.limits.losing or (count == 1 and _mixed(case, seen))) and not case.limits.seen_twice(seen):
                yield from case.want(EvidenceRequest("again", observation=seen.id))
                continue
            confidence: Confidence = "certain" if count >= 2 else "likely"
            groups.setdefault((seen.host, direction(seen), confidence), []).append(seen)
    for (host, _, sure), found in groups.items():
        both = [o for o in found if any((p.port, p.family) == (o.port, 10 - o.family) for p in found)]
        for failing in (both, *([o for o in found if o not in both and o.family == family] for family in (4, 6))):
            if not failing:
                continue
            tested = sorted({(o.family, o.port) for o in failing})
            yield Symptom(
                "port-silent",
                sure,
                host=host,
                params={"ports": tuple(dict.fromkeys(o.port for o in failing))},
                seen=tuple(failing),
                support=tuple(o.id for each in tested for o in case.controls.answering(*each)),
                family=case.failures.one_family(failing),
                explains=frozenset(o.id for o in failing),
            )


def _hosts(case: Case) -> list[str]:
    return list(dict.fromkeys(o.host for o in case.target.tried))


def _is_mail(seen: Observation) -> bool:
    return direction(seen) in ("outgoing", "incoming")


def _gone(case: Case, seen: Observation) -> bool:
    """Silent, or reported as a host or a network that cannot be reached."""
    return case.failures.signature(seen) == "silent" or seen.state == "unreachable"


def _shared(case: Case, seen: Observation) -> bool:
    """Whether live controls fail on that port too, and none answers. One that resets it does not serve it, unless
    everybody is reset there.
    """
    there = case.controls.on(seen.family, seen.port)
    return any(
        settled(o) and not spoke(o) and reset(o) <= reset(seen) and case.controls.live(o.host, o.family, o.port)
        for o in there
    ) and not case.controls.answering(seen.family, seen.port)


def _mixed(case: Case, seen: Observation) -> bool:
    """Whether a control that is alive fails on that port as well."""
    there = case.controls.on(seen.family, seen.port)
    return any(
        settled(o) and case.failures.signature(o) in ("silent", "way") and case.controls.live(o.host, o.family, o.port)
        for o in there
    )


def _served(case: Case, failing: list[Observation]) -> int:
    return max(independent(case.controls.answering(o.family, o.port)) for o in failing)


def _alive(case: Case, seen: Observation) -> bool:
    return any(
        o.host == seen.host and o.port != seen.port and (spoke(o) or reset(o) or o.state == "open")
        for o in case.target.seen
    )

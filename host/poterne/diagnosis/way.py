"""The picture of the path: where connections stop between this computer and the server."""

from collections.abc import Iterable

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import answers, settled
from poterne.diagnosis.paths import outside
from poterne.diagnosis.registry import kind
from poterne.diagnosis.stages import through
from poterne.report import Finding, Observation, Station, Way


def way(verdict: Finding, findings: Iterable[Finding], case: Case) -> Way | None:
    """Where connections stop, for the finding that is the verdict, and for those beside it that stop at the same place;
    None where they do not, or where nobody knows.
    """
    finding = kind(verdict.code)
    if finding.stops is None:
        return None
    stopped = _stopped(verdict, case)
    numbers = {o.port for each in (verdict, *_beside(verdict, findings)) for o in _stopped(each, case)}
    others = [o for o in case.target.tried if settled(o) and o.port not in numbers]
    passing = {o.port for o in others if answers(o) and through(o)}
    refused = {o.port for o in others if o.greeting_kind in ("busy", "refused")} - passing
    pairs = [(o, working) for o in stopped if o.path and (working := case.paths.working(o) or o)]
    stops_from, stops_to = finding.stops
    traced = bool(pairs)
    if traced and finding.traced:
        stops_from, stops_to = _located(*pairs[0])
    elif finding.traced and stopped and all(case.failures.signature(o) == "way" for o in stopped):
        stops_from = stops_to = "provider"
    return Way(
        stops_from=stops_from,
        stops_to=stops_to,
        stopped=tuple(sorted(numbers)),
        passing=tuple(sorted(passing)),
        refused=tuple(sorted(refused)),
        box=_box(case, pairs),
        provider=_provider(pairs),
        traced=traced,
    )


def _stopped(finding: Finding, case: Case) -> list[Observation]:
    """The observations of a finding that did not get through; all of them where each did, as behind an interceptor.
    Ports that were only held against its own are none of them.
    """
    seen = {o.id: o for o in case.target.seen}
    named = finding.params.get("ports")
    every = [
        seen[id_]
        for id_ in finding.evidence
        if id_ in seen and (not isinstance(named, tuple) or seen[id_].port in named)
    ]
    stopped = [o for o in every if not through(o)] or every
    return [o for o in stopped if o in case.target.tried] or stopped


def _beside(verdict: Finding, findings: Iterable[Finding]) -> list[Finding]:
    """What this network does besides, at the same place."""
    known = kind(verdict.code)
    return [
        each
        for each in findings
        if known.network
        and kind(each.code).network
        and (kind(each.code).stops, kind(each.code).intercepts) == (known.stops, known.intercepts)
    ]


def _located(failing: Observation, working: Observation) -> tuple[Station, Station]:
    """By the last router that the failing port still reaches, or the hop that answers in the server's place."""
    answered = [hop for hop in failing.path if hop.answer == "time-exceeded"]
    ends = [hop.hop for hop in failing.path if hop.answer in ("open", "refused", "prohibited")]
    if ends and min(ends) <= 1:
        return ("you", "you") if min(ends) == 0 else ("box", "box")
    if any(hop.answer == "prohibited" for hop in failing.path):
        return "provider", "provider"
    far = [hop for hop in answered if hop.hop > 1 and outside(hop.address)]
    return ("provider", "internet") if far else ("box", "provider")


def _box(case: Case, pairs: list[tuple[Observation, Observation]]) -> str | None:
    for failing, working in pairs:
        for hop in (*failing.path, *working.path):
            if hop.hop == 1 and hop.answer == "time-exceeded" and hop.address:
                return hop.address
    return next(iter(case.evidence.machine.gateways), None)


def _provider(pairs: list[tuple[Observation, Observation]]) -> str | None:
    """The router behind the box."""
    for failing, working in pairs:
        for hop in (*failing.path, *working.path):
            if hop.hop == 2 and hop.answer == "time-exceeded" and hop.address:
                return hop.address
    return None

"""The picture of the path: where connections stop between this computer and the server."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import settled, spoke
from poterne.diagnosis.paths import outside
from poterne.diagnosis.registry import kind
from poterne.report import Finding, Observation, Station, Way


def way(verdict: Finding, case: Case) -> Way | None:
    """Where connections stop, for the finding that is the verdict; None where they do not, or where nobody knows."""
    finding = kind(verdict.code)
    if finding.stops is None:
        return None
    seen = {o.id: o for o in case.target.seen}
    stopped = [seen[id_] for id_ in verdict.evidence if id_ in seen and not spoke(seen[id_])]
    stopped = stopped or [seen[id_] for id_ in verdict.evidence if id_ in seen]
    stopped = [o for o in stopped if o in case.target.tried] or stopped
    numbers = tuple(dict.fromkeys(o.port for o in stopped))
    passing = dict.fromkeys(o.port for o in case.target.tried if settled(o) and spoke(o) and o.port not in numbers)
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
        box=_box(case, pairs),
        provider=_provider(pairs),
        traced=traced,
    )


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

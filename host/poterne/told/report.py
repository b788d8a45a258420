"""Everything that a report tells people, decided once. Command line and extension only put it into words."""

from typing import get_args

from poterne.diagnosis.registry import kind
from poterne.report import Finding, Report, Station, Told, Way, locales
from poterne.report.statement import Statement, about_ports, say
from poterne.told import advice, reasons, sentences

_STATIONS: tuple[Station, ...] = get_args(Station)


def retold(report: Report) -> Report:
    """The report with everything that it tells people, whatever it told before."""
    subject = sentences.subject_of(report)
    findings = tuple(sentences.told(finding, subject) for finding in report.findings)
    whole = report.model_copy(update={"findings": findings})
    return whole.model_copy(update={"told": told(whole)})


def told(report: Report) -> Told:
    """What is told of a report whose findings have their sentences."""
    finding = verdict_finding(report)
    setting = advice.remedy(report, finding)
    assert finding.says is not None
    return Told(
        headline=finding.says,
        word=_word(finding),
        remedy=None if setting is None else advice.use(setting),
        advice=() if finding.advice is None else (finding.advice,),
        party=finding.party,
        message=advice.message(report, finding),
        way=() if report.way is None else tuple(way(report.way, report.verdict.code)),
        reasons=reasons.reasons(report),
        hints=tuple(map(advice.hint, report.hints)),
        expected=None if report.expected is None else advice.expected(report.expected),
        comparison=reasons.comparison(report),
        paths=reasons.paths(report),
        help=("port25",) if _is_about_port_25(report, finding) else (),
    )


def verdict_finding(report: Report) -> Finding:
    """The finding that the verdict names."""
    verdict = report.verdict
    named = [finding for finding in report.findings if finding.code == verdict.code]
    exact = (f for f in named if (f.severity, f.confidence) == (verdict.severity, verdict.confidence))
    bare = Finding(code=verdict.code, severity=verdict.severity, confidence=verdict.confidence)
    found = next(exact, named[0] if named else bare)
    return found if found.says else sentences.told(found, sentences.subject_of(report))


def way(known: Way, code: str) -> list[Statement]:
    """Where connections stop, or are intercepted, in a sentence or two. `code` is the verdict's."""
    key = "way_meets" if kind(code).intercepts else "way_stops"
    says = [about_ports(key, known.stopped, where=_place(known))]
    if known.passing:
        says.append(about_ports("way_passes", known.passing))
    if known.refused:
        says.append(about_ports("way_stops", known.refused, where=say("way_where_server")))
    return says


def _place(known: Way) -> Statement:
    if known.stops_from == known.stops_to:
        return say(f"way_where_{known.stops_from}")
    near = _STATIONS.index(known.stops_to) - _STATIONS.index(known.stops_from) == 1
    ends = {"from": say(f"way_name_{known.stops_from}"), "to": say(f"way_name_{known.stops_to}")}
    return say("way_between" if near else "way_somewhere", **ends)


def _word(finding: Finding) -> Statement:
    """The verdict in a word or two."""
    own = f"past_word_{finding.code.replace('-', '_')}"
    if locales.exists(own):
        return say(own)
    if kind(finding.code).network:
        return say("past_word_blocked" if finding.severity == "blocker" else "past_word_partly")
    if finding.severity == "blocker":
        return say("past_word_fails")
    return say("past_word_works" if finding.severity == "good" else "past_word_remark")


def _is_about_port_25(report: Report, verdict: Finding) -> bool:
    def is_about_it(finding: Finding) -> bool:
        readers = kind(finding.code).port25
        return readers == "always" or (readers == "named" and 25 in sentences.ports_of(finding))

    named = kind(verdict.code).port25 == "verdict" and 25 in sentences.ports_of(verdict)
    return named or any(map(is_about_it, report.findings))

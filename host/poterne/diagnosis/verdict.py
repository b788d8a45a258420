"""From symptoms to findings: grouped, weighed against what the target needs, with one verdict among them."""

from collections.abc import Iterable
from dataclasses import replace

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import CONFIDENCES, Conclusion, Evidence, answers, direction, encrypted, verified
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.explain import unexplained
from poterne.diagnosis.registry import FindingKind, Quiet, kind, known, register, rules
from poterne.diagnosis.settings import settings
from poterne.diagnosis.symptom import Symptom
from poterne.diagnosis.way import way
from poterne.knowledge import ports
from poterne.report import Family, Finding, Observation, ParamValue, Severity, Verdict

_INCOMING_ONLY = ("imap", "pop", "pop3")


def diagnose(evidence: Evidence) -> Conclusion:
    """Every finding, the weightiest first; the verdict; the settings; what else would be worth knowing."""
    case = Case.of(evidence)
    missing = _missing(evidence)
    shown = [each for rule in rules(case) for each in rule(case)]
    wanted = frozenset(want for want in shown if isinstance(want, EvidenceRequest))
    symptoms = [_doubted(symptom, case) for symptom in shown if isinstance(symptom, Symptom)]
    symptoms = unexplained(symptoms, evidence.observations)
    findings = _quieted([_finding(group, evidence, missing) for group in _groups(symptoms, evidence)], evidence)
    if missing and not any(finding.severity == "blocker" for finding in findings):
        findings.append(_nothing_proven(evidence))
    if not missing:
        findings.append(_ok(evidence))
    findings.sort(key=_weight, reverse=True)
    first = _first(findings, well=not missing)
    verdict = Verdict(code=first.code, severity=first.severity, confidence=first.confidence)
    return Conclusion(
        tuple(findings),
        verdict,
        settings(
            evidence.observations, distrusted=_distrusted(findings), offers=evidence.offers, lookups=evidence.lookups
        ),
        wanted,
        way(first, case),
    )


def _first(findings: list[Finding], *, well: bool) -> Finding:
    """The verdict (docs/contract.md 2.3): a blocker; else what this network does that somebody should know of; else
    that all is well.
    """
    if not well:
        return findings[0]
    return next(
        (finding for finding in findings if kind(finding.code).network),
        next(finding for finding in findings if finding.code == "ok"),
    )


def _distrusted(findings: list[Finding]) -> frozenset[int]:
    numbers = (finding.params.get("ports") for finding in findings if kind(finding.code).distrusts)
    return frozenset(n for ports_ in numbers if isinstance(ports_, tuple) for n in ports_ if isinstance(n, int))


def _missing(evidence: Evidence) -> frozenset[str]:
    """What the target lacks to be usable as asked (docs/contract.md 2.1): outgoing, incoming, endpoint, or nothing."""
    if evidence.target.kind == "endpoint":
        return (
            frozenset()
            if any(_as_asked(observation, evidence) for observation in evidence.asked)
            else frozenset({"endpoint"})
        )
    ways = settings(evidence.ours, offers=evidence.offers, lookups=evidence.lookups)
    working = {
        side
        for side, rows in (("outgoing", ways.outgoing), ("incoming", ways.incoming))
        if any(r.verified for r in rows)
    }
    needed = {"outgoing"}
    if any(_offers_incoming(observation, evidence) for observation in evidence.tried):
        needed.add("incoming")
    if evidence.options.ports is not None:
        asked = {row.direction for port in evidence.options.ports if (row := ports.facts(port))}
        needed &= asked
        if not needed:
            return (
                frozenset()
                if any(_as_asked(observation, evidence) for observation in evidence.tried)
                else frozenset({"endpoint"})
            )
    return frozenset(needed - working)


def _as_asked(observation: Observation, evidence: Evidence) -> bool:
    """An endpoint works where its protocol answers, encrypted as a URL's scheme asks, else by whatever it speaks."""
    if not answers(observation):
        return False
    if direction(observation) == "other":
        return observation.security == "none" or encrypted(observation)
    if evidence.target.asked is not None and observation.security != evidence.target.asked:
        return False
    return encrypted(observation)


def _offers_incoming(observation: Observation, evidence: Evidence) -> bool:
    """Whether there is a way to receive: an open port, or for a domain a server named for nothing else."""
    if direction(observation) != "incoming":
        return False
    if observation.state == "open":
        return True
    named_for_it = observation.host.partition(".")[0] in _INCOMING_ONLY
    return evidence.target.kind in ("account", "domain") and named_for_it and observation.state != "refused"


def _doubted(symptom: Symptom, case: Case) -> Symptom:
    """Where many packets are lost, a dialogue that breaks off may be no more than that."""
    seen = symptom.observation
    if seen is None or not kind(symptom.code).doubted or not case.limits.unreliable(seen.family):
        return symptom
    return replace(symptom, confidence="possible")


def _groups(symptoms: list[Symptom], evidence: Evidence) -> Iterable[list[Symptom]]:
    """Symptoms that make one finding: same code and parameters at one host; the asked port apart from the others."""
    groups: dict[tuple[object, ...], list[Symptom]] = {}
    for number, symptom in enumerate(symptoms):
        if symptom.compared:
            groups[number,] = [symptom]
            continue
        seen = symptom.observation
        key = (
            symptom.code,
            symptom.host or (seen.host if seen else None),
            tuple(
                sorted(
                    (name, str(value)) for name, value in symptom.params.items() if name not in ("seconds", "reporter")
                )
            ),
            "reporter" in symptom.params,
            seen is not None and symptom.host is None and seen.port == evidence.target.port,
            direction(seen) if seen is not None and symptom.host is None and evidence.target.port is None else None,
        )
        groups.setdefault(key, []).append(symptom)
    return groups.values()


def _finding(group: list[Symptom], evidence: Evidence, missing: frozenset[str]) -> Finding:
    first = group[0]
    seen = [o for symptom in group for o in ((symptom.observation,) if symptom.observation else symptom.seen)]
    about_host = first.host is not None
    host = first.host or (seen[0].host if seen and not first.compared else None)
    numbers = tuple(dict.fromkeys(observation.port for observation in seen))
    if first.compared:
        numbers = tuple(sorted(numbers, key=lambda number: (number != evidence.target.port, number)))
    params: dict[str, ParamValue] = dict(first.params)
    if numbers and not about_host and kind(first.code).about_ports:
        params["ports"] = numbers
    ids = (*(observation.id for observation in seen), *(id_ for symptom in group for id_ in symptom.support))
    return Finding(
        code=first.code,
        severity=_severity(first, seen, evidence, missing),
        confidence=max((symptom.confidence for symptom in group), key=CONFIDENCES.index),
        host=host,
        port=numbers[0] if numbers and "ports" in params else None,
        family=first.family if about_host or first.compared else _family(seen, evidence),
        params=params,
        evidence=tuple(dict.fromkeys(ids)),
    )


def _quieted(findings: list[Finding], evidence: Evidence) -> list[Finding]:
    """Closed and silent ports are no blockers beside something that explains more for the same purpose; ports that
    nobody gets through on are none beside one where the connection came further, or beside a server that would turn us
    away all the same. Another name for the host is no answer where the network blocks the very port that was asked for.
    """
    sides = {o.id: direction(o) for o in evidence.tried}
    opened = {o.id for o in evidence.tried if o.state == "open"}
    deep, further = set[str | None](), set[str | None]()
    for finding in findings:
        if finding.severity != "blocker" or _quiet(finding) == "shallow":
            continue
        purposes = {sides.get(id_) for id_ in finding.evidence if id_ in sides} or {_purpose(finding)}
        deep |= purposes
        names_only = evidence.target.port is not None and _quiet(finding) == "name"
        came_further = _quiet(finding) != "block" and opened.intersection(finding.evidence)
        if not names_only and (came_further or _quiet(finding) == "turned-away"):
            further |= purposes
    blocked = evidence.target.port is not None and any(
        _quiet(finding) == "block" and finding.severity == "blocker" and finding.port == evidence.target.port
        for finding in findings
    )
    return [
        finding.model_copy(update={"severity": known(finding.code).milder(outgoing=_purpose(finding) == "outgoing")})
        if finding.severity == "blocker"
        and (
            (_quiet(finding) == "name" and blocked)
            or (_quiet(finding) == "shallow" and _purpose(finding) in deep)
            or (_quiet(finding) == "block" and _purpose(finding) in further)
        )
        else finding
        for finding in findings
    ]


def _quiet(finding: Finding) -> Quiet | None:
    return kind(finding.code).quiet


def _purpose(finding: Finding) -> str | None:
    row = ports.facts(finding.port) if finding.port is not None else None
    return row.direction if row else None


def _family(seen: list[Observation], evidence: Evidence) -> Family | None:
    """The one family that shows a fault, where the other was tested on the same ports and does not show it."""
    families = {observation.family for observation in seen}
    endpoints = {(observation.host, observation.port) for observation in seen}
    tested = {o.family for o in evidence.tried if (o.host, o.port) in endpoints}
    return families.pop() if len(families) == 1 and len(tested) > 1 else None


def _severity(symptom: Symptom, seen: list[Observation], evidence: Evidence, missing: frozenset[str]) -> Severity:
    sort = known(symptom.code)
    milder = sort.milder(outgoing=any(direction(observation) == "outgoing" for observation in seen))
    if missing and symptom.blocks is not None:
        return "blocker" if symptom.blocks else milder
    if not missing or sort.remark:
        return milder
    if "endpoint" in missing and evidence.target.port is not None:
        in_the_way = not seen or any(observation.port == evidence.target.port for observation in seen)
    else:
        in_the_way = not seen or "endpoint" in missing or any(direction(observation) in missing for observation in seen)
    if seen and all(verified(observation) for observation in seen):
        in_the_way = "endpoint" in missing and in_the_way and sort.despite_verified
    if sort.about_name and evidence.tried and symptom.host not in (evidence.target.host,):
        in_the_way = False
    return "blocker" if in_the_way else milder


def _nothing_proven(evidence: Evidence) -> Finding:
    """Nothing works, and nothing that was seen says why."""
    seen = evidence.asked
    params: dict[str, ParamValue] = {"ports": tuple(dict.fromkeys(observation.port for observation in seen))}
    host = evidence.target.host or evidence.target.domain
    return Finding(
        code="unproven",
        severity="blocker",
        confidence="possible",
        host=host,
        port=evidence.target.port,
        params=params,
        evidence=tuple(observation.id for observation in seen),
    )


register(FindingKind(code="ok", party=None, depth=0, severity="good"))


def _ok(evidence: Evidence) -> Finding:
    working = [observation for observation in evidence.asked if answers(observation)]
    host = evidence.target.host or evidence.target.domain
    return Finding(
        code="ok",
        severity="good",
        confidence="certain",
        host=host,
        port=evidence.target.port,
        evidence=tuple(observation.id for observation in working),
    )


def _weight(finding: Finding) -> tuple[int, int, int]:
    severity = {"blocker": 3, "warning": 2, "good": 1, "note": 0}[finding.severity]
    numbers = finding.params.get("ports")
    best = (
        min((row.rank for n in numbers if isinstance(n, int) and (row := ports.facts(n))), default=9)
        if isinstance(numbers, tuple)
        else 9
    )
    return severity, kind(finding.code).depth, -best

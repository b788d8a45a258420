"""What a report advises beyond its findings: the tested way round, the picture of the way, whom to tell what, hints.
The extension says the same sentences (`extension/shared/advice.js`, `way.js`).
"""

import re
from collections.abc import Iterable
from typing import get_args

from poterne import ports
from poterne.catalogue import Catalogue, Saying, finding_ports
from poterne.knowledge import load
from poterne.model import ExpectedServer, ExpectedSettings, Finding, Hint, Report, Setting, Station, Way
from poterne.reasons import is_control

_STATIONS: tuple[Station, ...] = get_args(Station)
_NAMED = 4
# Somebody reads along there: what works is nothing to recommend.
_UNSAFE = ("tls-intercepted",)
# Somebody else answers there: connections come about, but not with the server.
_INTERCEPTED = ("smtp-intercepted", "starttls-stripped", "tls-intercepted", "captive-portal")


def verdict_finding(report: Report) -> Finding:
    """The finding that the verdict names."""
    verdict = report.verdict
    named = [finding for finding in report.findings if finding.code == verdict.code]
    exact = (f for f in named if (f.severity, f.confidence) == (verdict.severity, verdict.confidence))
    bare = Finding(code=verdict.code, severity=verdict.severity, confidence=verdict.confidence)
    return next(exact, named[0] if named else bare)


def remedy(report: Report) -> Setting | None:
    """The tested way round what the verdict names; None where it names nothing in the way, or nothing is verified."""
    finding = verdict_finding(report)
    known = finding.severity == "blocker" or finding.code in load("findings")["network"]["codes"]
    if finding.code in _UNSAFE or not known:
        return None
    facts = [ports.facts(port) for port in finding_ports(finding)]
    receiving = bool(facts) and all(row is not None and row.direction == "incoming" for row in facts)
    rows = report.settings.incoming if receiving else report.settings.outgoing
    good = [row for row in rows if row.verified and row.security != "none"]
    stopped = report.way.stopped if report.way else ()
    return next((row for row in good if row.port not in stopped), good[0] if good else None)


def remedy_in_words(report: Report, catalogue: Catalogue) -> str | None:
    """Names the tested way round; None where there is none."""
    setting = remedy(report)
    if setting is None:
        return None
    security = catalogue.word("security", setting.security)
    return catalogue.said(Saying("use_tested", {"host": setting.host, "port": setting.port, "security": security}))


def tell(report: Report, catalogue: Catalogue) -> str | None:
    """A message for those who can mend what the verdict names; None where nobody needs to be told."""
    finding = verdict_finding(report)
    key = f"tell_{finding.code.replace('-', '_')}"
    if not catalogue.has(key):
        return None
    numbers = tuple(sorted(finding_ports(finding)))
    host = finding.host or report.target.host or report.target.domain or report.target.input
    parts = [catalogue.said(Saying(key, {"ports": numbers, "host": host}, len(numbers)))]
    if report.way is not None and report.way.passing:
        parts.append(_passes(report.way, catalogue))
    if hosts := _tried(report, numbers):
        date, _, time = report.started_at.partition("T")
        parts.append(catalogue.text("tell_tried", date=date, time=time[:5], hosts=catalogue.listed(hosts)))
    return " ".join(parts)


def _tried(report: Report, numbers: tuple[int, ...]) -> list[str]:
    """The servers on which the verdict rests, the target's own first."""
    named = [
        seen
        for seen in report.observations
        if (is_control(seen) or (seen.role == "target" and seen.state != "open"))
        and (not numbers or seen.port in numbers)
    ]
    named.sort(key=lambda seen: seen.role != "target")
    hosts = list(dict.fromkeys(seen.host for seen in named))
    return hosts if len(hosts) <= _NAMED else [*hosts[:_NAMED], "…"]


def hint_in_words(hint: Hint, catalogue: Catalogue) -> str:
    """What is publicly known of a provider, with its source and date."""
    parts = [Saying("hint_network", {"name": hint.name}), Saying(f"hint_{hint.kind.replace('-', '_')}")]
    if hint.where:
        parts.append(Saying("hint_where", {"where": hint.where}))
    if hint.relay:
        parts.append(Saying("hint_relay_name", {"relay": hint.relay}))
    if hint.date:
        day = catalogue.date(hint.date) if re.fullmatch(r"\d{4}-\d\d-\d\d", hint.date) else hint.date
        parts.append(Saying("hint_source", {"source": hint.source, "date": day}))
    else:
        parts.append(Saying("hint_source_undated", {"source": hint.source}))
    return " ".join(map(catalogue.said, parts))


def expected_in_words(expected: ExpectedSettings, catalogue: Catalogue) -> tuple[str, str, list[str]]:
    """What the organisation states: the title, the answer, and a line for each server that is not as stated."""
    name = expected.organisation
    title = catalogue.text("expected_title_named", name=name) if name else catalogue.text("expected_title")
    answer = catalogue.text(f"expected_{expected.state.replace('-', '_')}")
    return title, answer, [_stated(server, catalogue) for server in expected.servers if server.state != "works"]


def _stated(server: ExpectedServer, catalogue: Catalogue) -> str:
    values = {"host": server.host, "port": str(server.port), "security": catalogue.word("security", server.security)}
    found = server.found
    if server.state != "differs" or found is None:
        return catalogue.text(f"expected_server_{server.state}", **values)
    if server.differs == ("auth",):
        values["auth"] = catalogue.listed(catalogue.word("auth", word) for word in found.auth)
        values["stated_auth"] = catalogue.listed(catalogue.word("auth", word) for word in server.auth)
        return catalogue.text("expected_server_auth", **values)
    values["found_port"] = str(found.port)
    values["found_security"] = catalogue.word("security", found.security)
    return catalogue.text("expected_server_differs", **values)


def remarks_in_words(settings: Iterable[Setting], catalogue: Catalogue) -> list[str]:
    """What to know before these settings are used, with the hosts that it is about: one line each."""
    told: dict[str, dict[str, None]] = {}
    for setting in settings:
        for remark in setting.remarks:
            told.setdefault(remark, {})[setting.host] = None
    return [f"{', '.join(hosts)} · {catalogue.word('remark', remark)}" for remark, hosts in told.items()]


def way_in_words(way: Way, code: str, catalogue: Catalogue) -> str:
    """Where connections stop, or are intercepted, in a sentence or two. `code` is the verdict's."""
    key = "way_meets" if code in _INTERCEPTED else "way_stops"
    where = _place(way, catalogue)
    stops = catalogue.said(Saying(key, {"ports": way.stopped, "where": where}, len(way.stopped)))
    return f"{stops} {_passes(way, catalogue)}" if way.passing else stops


def _passes(way: Way, catalogue: Catalogue) -> str:
    return catalogue.said(Saying("way_passes", {"ports": way.passing}, len(way.passing)))


def _place(way: Way, catalogue: Catalogue) -> str:
    if way.stops_from == way.stops_to:
        return catalogue.text(f"way_where_{way.stops_from}")
    near = _STATIONS.index(way.stops_to) - _STATIONS.index(way.stops_from) == 1
    ends = {name: catalogue.text(f"way_name_{end}") for name, end in (("from", way.stops_from), ("to", way.stops_to))}
    return catalogue.text("way_between" if near else "way_somewhere", **ends)


def way_drawn(way: Way, catalogue: Catalogue) -> list[tuple[str, str]]:
    """The way as lines of equal layout, each with the ports that it is about: what stops, then what passes."""
    names = [catalogue.text(f"station_{station}") for station in _STATIONS]
    first, last = _STATIONS.index(way.stops_from), _STATIONS.index(way.stops_to)
    lines = [(_line(names, _stretches(first, last)), _ports(way.stopped, catalogue))]
    if way.passing:
        lines.append((_line(names, ["─────"] * 4), f"{_ports(way.passing, catalogue)} ✓"))
    return lines


def _stretches(first: int, last: int) -> list[str]:
    """What is drawn between the stations, five characters each."""
    drawn = []
    for index in range(4):
        if index < first:
            drawn.append("────✗" if first == last == index + 1 else "─────")
        elif index < last:
            drawn.append("──✗──" if last - first == 1 else "┄┄?┄┄")
        else:
            drawn.append("✗····" if first == last == index == 0 else "·····")
    return drawn


def _line(names: list[str], stretches: list[str]) -> str:
    return " ".join([names[0], *(f"{stretch} {name}" for stretch, name in zip(stretches, names[1:], strict=True))])


def _ports(numbers: tuple[int, ...], catalogue: Catalogue) -> str:
    return catalogue.said(Saying("way_ports", {"ports": numbers}, len(numbers)))

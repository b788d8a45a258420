"""What a report advises beyond its findings: the tested way round, whom to tell what, hints."""

import re

from poterne.diagnosis.registry import kind
from poterne.knowledge import ports
from poterne.report import (
    ExpectedServer,
    ExpectedSettings,
    Finding,
    Hint,
    Report,
    Setting,
    ToldExpected,
    ToldMessage,
    locales,
)
from poterne.report.statement import NAMED, DateValue, Statement, TextValue, Value, about_ports, joined, say, word
from poterne.told.reasons import is_control
from poterne.told.sentences import ports_of, subject_of, values_of

# Those who read the report.
_THEMSELVES = ("you", "clock")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def remedy(report: Report, finding: Finding) -> Setting | None:
    """The tested way round what the verdict's finding names; None where it names nothing in the way, or nothing is
    verified.
    """
    in_the_way = finding.severity == "blocker" or kind(finding.code).network
    if not (in_the_way and kind(finding.code).way_round):
        return None
    facts = [ports.facts(port) for port in ports_of(finding)]
    receiving = bool(facts) and all(row is not None and row.direction == "incoming" for row in facts)
    rows = report.settings.incoming if receiving else report.settings.outgoing
    good = [row for row in rows if row.verified and row.security != "none"]
    stopped = report.way.stopped if report.way else ()
    return next((row for row in good if row.port not in stopped), good[0] if good else None)


def use(setting: Setting) -> Statement:
    """Recommends a setting that was tested."""
    return say("use_tested", host=setting.host, port=setting.port, security=word("security", setting.security))


def message(report: Report, finding: Finding) -> ToldMessage | None:
    """What to write to those who can remove what the verdict's finding names, or who are to be asked about it; None
    where nobody needs to be told. Where the finding has no words of its own for them, they read what it says.
    """
    key, sort = f"tell_{finding.code.replace('-', '_')}", kind(finding.code)
    recipient = sort.asks or finding.party
    host = TextValue(text=finding.host or subject_of(report))
    numbers = ports_of(finding)
    if recipient is None:
        return None
    if locales.exists(key):
        needed = locales.placeholders(key) - {"host", "port", "ports"}
        values = {name: value for name, value in values_of(finding).items() if name in needed}
        says = [about_ports(key, numbers, host=host, **values)]
    elif recipient not in _THEMSELVES and finding.says and (finding.severity == "blocker" or sort.network):
        says = [say("tell_found", host=host), finding.says]
    else:
        return None
    if report.way is not None and report.way.passing:
        says.append(about_ports("way_passes", report.way.passing))
    if hosts := _tried(report, finding):
        date, _, time = report.started_at.partition("T")
        says.append(say("tell_tried", date=date, time=time[:5], hosts=hosts))
    return ToldMessage(for_=recipient, says=tuple(says))


def _tried(report: Report, finding: Finding) -> tuple[str, ...]:
    """The servers on which the verdict rests, the target's own first: those that failed, or answered, as it says. What
    a router refuses rests on nobody else; controls that were refused there in the same way are named with it.
    """
    evidence = [seen for seen in report.observations if seen.id in finding.evidence]
    failed = [seen for seen in evidence if seen.state != "open" and kind(finding.code).network]
    refusals = {(seen.port, seen.state, seen.reporter) for seen in failed}
    named = [
        seen
        for seen in report.observations
        if seen in evidence or (seen.port, seen.state, seen.reporter) in refusals
        if is_control(seen) or seen.role == "target"
    ]
    named.sort(key=lambda seen: seen.role != "target")
    return tuple(dict.fromkeys(seen.host for seen in named))[: NAMED + 1]


def hint(known: Hint) -> Statement:
    """What is publicly known of a provider, with its source and date."""
    parts = [say("hint_network", name=known.name), say(f"hint_{known.kind.replace('-', '_')}")]
    if known.where:
        parts.append(say("hint_where", where=known.where))
    if known.relay:
        parts.append(say("hint_relay_name", relay=known.relay))
    if known.date:
        # A year alone is no day.
        date: Value = DateValue(date=known.date) if _DAY.fullmatch(known.date) else known.date
        parts.append(say("hint_source", source=known.source, date=date))
    else:
        parts.append(say("hint_source_undated", source=known.source))
    return joined(parts)


def expected(stated: ExpectedSettings) -> ToldExpected:
    """What the organisation states, and a line for each server that is not as stated."""
    name = stated.organisation
    return ToldExpected(
        title=say("expected_title_named", name=TextValue(text=name)) if name else say("expected_title"),
        answer=say(f"expected_{stated.state.replace('-', '_')}"),
        servers=tuple(_stated(server) for server in stated.servers if server.state != "works"),
    )


def _stated(server: ExpectedServer) -> Statement:
    values: dict[str, Value] = {
        "host": server.host,
        "port": server.port,
        "security": word("security", server.security),
    }
    found = server.found
    if server.state != "differs" or found is None:
        return say(f"expected_server_{server.state}", **values)
    if server.differs == ("auth",):
        values["auth"] = tuple(word("auth", family) for family in found.auth)
        values["stated_auth"] = tuple(word("auth", family) for family in server.auth)
        return say("expected_server_auth", **values)
    values["found_port"] = found.port
    values["found_security"] = word("security", found.security)
    return say("expected_server_differs", **values)

"""How a report knows what it says."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from poterne.diagnosis import stages
from poterne.knowledge.ports import facts as port_facts
from poterne.report import ComparedRole, Comparison, FollowedPath, Hop, Observation, Report, State
from poterne.report.statement import NumberValue, Statement, TextValue, Value, about_ports, refusal, say, word
from poterne.target.parser import is_page
from poterne.told.sentences import is_named

_HOSTS = 4
_FEW = 3
_WORDS = 8
_PASSED = {"time-exceeded": "why_path_further", "open": "why_path_through"}
_ROLES: tuple[ComparedRole, ...] = ("control", "relay", "gateway", "canary")
_FAILED: dict[State, str] = {
    "refused": "why_refused",
    "no-answer": "why_silent",
    "reset": "why_cut",
    "prohibited": "why_cut",
    "unreachable": "why_unreached",
    "error": "why_unreached",
}

Reason = list[Statement]
_Key = TypeVar("_Key")


def reasons(report: Report) -> tuple[tuple[Statement, ...], ...]:
    """Statements, the most telling first; those of one reason belong together."""
    codes = {finding.code for finding in report.findings}
    found = [
        *_asked(report),
        *_target(report),
        *_words(report),
        *_controls(report, codes),
        *_short(report, codes),
        *_relay(report),
        *_refusers(report),
        *_gateway(report),
        *_paths(report),
        *_canary(report),
        *_families(report, codes),
        *_certificates(report, codes),
        *_names(report),
        *_page(report),
        *_trace(report),
        *_lookups(report),
    ]
    distinct: list[tuple[Statement, ...]] = []
    for reason in map(tuple, found):
        # Both families often show the same.
        if reason not in distinct:
            distinct.append(reason)
    return tuple(distinct)


def is_control(observation: Observation) -> bool:
    """Whether a server of another operator was asked (and not the router itself, nor the target at another address)."""
    return observation.role == "control" and observation.source not in ("gateway", "dns")


def comparison(report: Report) -> tuple[Comparison, ...]:
    """Everything that was asked for comparison: a row for each port of each server."""
    asked = [seen for seen in report.observations if seen.role != "target" and seen.source != "dns"]
    hosts = list(dict.fromkeys(seen.host for seen in asked))
    rows = _by(asked, lambda seen: (_ROLES.index(_role(seen)), hosts.index(seen.host), seen.port))
    return tuple(
        Comparison(role=_ROLES[role], evidence=tuple(seen.id for seen in there))
        for (role, _, _), there in sorted(rows.items(), key=lambda row: row[0])
    )


def paths(report: Report) -> tuple[FollowedPath, ...]:
    """The failing ports whose path was followed, each with a working port of the same address."""
    return tuple(
        FollowedPath(failing=failing.id, working=None if working is None else working.id)
        for failing, working in _traced(report)
    )


def _role(observation: Observation) -> ComparedRole:
    if observation.source == "gateway" or observation.role == "target":
        return "gateway"
    return observation.role


def _by(observations: Iterable[Observation], key: Callable[[Observation], _Key]) -> dict[_Key, list[Observation]]:
    groups: dict[_Key, list[Observation]] = {}
    for observation in observations:
        groups.setdefault(key(observation), []).append(observation)
    return groups


def _is_open(observation: Observation) -> bool:
    return observation.state == "open"


def _is_through(observation: Observation) -> bool:
    """Whether nothing fell silent or broke off: a connection alone reaches nobody."""
    return stages.through(observation)


def _ports(observations: Iterable[Observation]) -> tuple[int, ...]:
    return tuple(sorted({observation.port for observation in observations}))


def _count(value: int) -> NumberValue:
    return NumberValue(number=value)


def _asked(report: Report) -> Iterator[Reason]:
    """What was made of the text that somebody typed, where that is not plain."""
    target = report.target
    if is_page(target):
        yield [say("why_page_address", host=target.host or target.domain or "")]
    if target.port is not None and port_facts(target.port) is None:
        yield [say("why_port_unusual", port=target.port)]


def _target(report: Report) -> Iterator[Reason]:
    """What each server of the target answered, port by port; one address of a port that answers counts."""
    hosts = _by((seen for seen in report.observations if seen.role == "target"), lambda seen: seen.host)
    for host, there in list(hosts.items())[:_HOSTS]:
        ports = _by(there, lambda seen: seen.port)
        open_ports = tuple(sorted(port for port, seen in ports.items() if any(map(_is_through, seen))))
        stalled = tuple(sorted(port for port, seen in ports.items() if _is_stalled(seen)))
        reason = [about_ports("why_target", open_ports, host=host) if open_ports else say("why_target_none", host=host)]
        if stalled:
            reason.append(say("why_stalled", ports=stalled))
        for key in dict.fromkeys(_FAILED.values()):
            rest = {port: seen[0].state for port, seen in ports.items() if port not in (*open_ports, *stalled)}
            failed = tuple(sorted(port for port, state in rest.items() if _FAILED.get(state) == key))
            if failed:
                reason.append(say(key, ports=failed))
        yield reason


def _words(report: Report) -> Iterator[Reason]:
    """What servers of the target said that was no welcome, and the names of failures of TLS."""
    said: dict[tuple[str, str, str], list[Observation]] = {}
    for seen in report.observations:
        if seen.role != "target" or not _is_open(seen):
            continue
        if seen.greeting and seen.greeting_kind in ("busy", "refused"):
            said.setdefault(("why_said", seen.host, seen.greeting), []).append(seen)
        if seen.starttls == "refused" and seen.error:
            said.setdefault(("why_said", seen.host, seen.error), []).append(seen)
        if words := _words_of_tls(seen):
            said.setdefault(("why_tls", seen.host, words), []).append(seen)
    for (key, host, words), there in list(said.items())[:_WORDS]:
        yield [about_ports(key, _ports(there), host=host, words=TextValue(text=words))]


def _words_of_tls(seen: Observation) -> str | None:
    """The name that the TLS library, or an alert, gives the failure; None where there is none, or only the end of the
    connection.
    """
    alert = seen.tls.alert if seen.tls else None
    if alert and seen.tls and (seen.tls.fault not in (None, "tls-failed") or seen.tls.version or is_named(alert)):
        return alert.rstrip(".")  # OpenSSL ends some of its words with a full stop, as the sentence does
    return seen.error if is_named(seen.error) else None


def _is_stalled(seen: list[Observation]) -> bool:
    return any(map(_is_open, seen)) and not any(map(_is_through, seen))


def _controls(report: Report, codes: set[str]) -> Iterator[Reason]:
    """How the servers of other operators fared, port by port."""
    asked = [seen for seen in report.observations if is_control(seen)]
    if not asked:
        return
    count = len({seen.host for seen in asked})
    none: list[int] = []
    every: list[int] = []
    mixed: list[Statement] = []
    for port, there in sorted(_by(asked, lambda seen: seen.port).items()):
        hosts = _by(there, lambda seen: seen.host).values()
        reached = sum(any(map(_is_through, seen)) for seen in hosts)
        if reached == 0:
            none.append(port)
        elif reached == len(hosts):
            every.append(port)
        else:
            values = {"count": _count(reached), "total": _count(len(hosts))}
            mixed.append(say("why_controls_some", reached, port=port, **values))
    reason = [say("why_controls", count, count=_count(count))]
    if none:
        reason.append(about_ports("why_controls_none", none))
    reason += mixed
    if every:
        reason.append(about_ports("why_controls_all", every))
    if "starttls-stripped" in codes:
        reason += _stripped(asked)
    yield reason


def _short(report: Report, codes: set[str]) -> Iterator[Reason]:
    """The ports on which a dialogue in the clear comes through, and no handshake after it."""
    if "tls-stalled" in codes:
        stalled = [seen for seen in report.observations if seen.role == "target" and stages.stalled(seen)]
        if ports := _ports(seen for seen in stalled if seen.greeting_kind == "accepted"):
            yield [about_ports("why_short", ports)]


def _stripped(asked: list[Observation]) -> Iterator[Statement]:
    hosts = _by((seen for seen in asked if _is_open(seen) and seen.asked == "starttls"), lambda seen: seen.host)
    count = sum(any(one.starttls in ("absent", "refused") for one in seen) for seen in hosts.values())
    if count:
        yield say("why_stripped", count, count=_count(count), total=_count(len(hosts)))


def _relay(report: Report) -> Iterator[Reason]:
    relays = _by((seen for seen in report.observations if seen.role == "relay"), lambda seen: (seen.host, seen.port))
    for (host, port), seen in relays.items():
        key = "why_relay_open" if any(map(_is_through, seen)) else "why_relay_silent"
        yield [say(key, host=host, port=port)]


def _refusers(report: Report) -> Iterator[Reason]:
    """Who sent the refusals that came, and what could not even leave this machine."""
    failed = [
        seen for seen in report.observations if not _is_open(seen) and (seen.role == "target" or is_control(seen))
    ]
    reported = _by(
        (seen for seen in failed if seen.reporter is not None), lambda seen: (_who(report, seen), seen.reporter)
    )
    for (who, reporter), there in list(reported.items())[:_FEW]:
        yield [about_ports("why_reporter", _ports(there), address=reporter or "", who=word("way_name", who))]
    if kept := [seen for seen in failed if _left_not(seen)]:
        yield [about_ports("why_local", _ports(kept))]


def _left_not(observation: Observation) -> bool:
    return any(hop.hop == 0 and hop.answer != "silent" for hop in observation.path)


def _who(report: Report, observation: Observation) -> str:
    reporter = observation.reporter
    if reporter == observation.address:
        return "server"
    if reporter in report.machine.addresses:
        return "you"
    if reporter in report.machine.gateways or (report.way is not None and reporter == report.way.box):
        return "box"
    return "router"


def _gateway(report: Report) -> Iterator[Reason]:
    """What the home box's own address did on a port that fails elsewhere."""
    boxes = [seen for seen in report.observations if seen.source == "gateway"]
    for seen in boxes[:_FEW]:
        key = "why_gateway_answers" if seen.state in ("open", "refused") else "why_gateway_silent"
        yield [say(key, address=seen.address, port=seen.port)]


def _last(path: tuple[Hop, ...]) -> Hop | None:
    return next((hop for hop in reversed(path) if hop.answer != "silent"), None)


def _traced(report: Report) -> list[tuple[Observation, Observation | None]]:
    """The failing ports whose way was followed, each with a working port of the same address."""
    followed = [seen for seen in report.observations if seen.path]
    failing = [seen for seen in followed if not _is_open(seen)]
    return [
        (one, next((other for other in followed if _is_open(other) and other.address == one.address), None))
        for one in failing[:_FEW]
    ]


def _paths(report: Report) -> Iterator[Reason]:
    for failing, beside in _traced(report):
        if _left_not(failing):
            continue
        reason = [_followed(failing)]
        if beside is not None and (end := _last(beside.path)) is not None and end.answer in _PASSED:
            reason.append(say(_PASSED[end.answer], **_place(beside, end)))
        yield reason


def _followed(observation: Observation) -> Statement:
    end = _last(observation.path)
    if end is None:
        return say("why_path_none", port=observation.port)
    keys = {"open": "why_path_nearer", "time-exceeded": "why_path"}
    return say(keys.get(end.answer, "why_path_refused"), **_place(observation, end))


def _place(observation: Observation, end: Hop) -> dict[str, Value]:
    """Where a trace ended. What answers without an address of its own answers as the one that was called."""
    return {"port": observation.port, "hop": end.hop, "address": end.address or observation.address}


def _canary(report: Report) -> Iterator[Reason]:
    asked = [seen for seen in report.observations if seen.role == "canary"]
    if not asked:
        return
    answered = _ports(filter(_is_open, asked))
    yield [about_ports("why_canary_open", answered) if answered else say("why_canary_silent")]


def _families(report: Report, codes: set[str]) -> Iterator[Reason]:
    if not codes & {"ipv4-broken", "ipv6-broken"}:
        return
    asked = [seen for seen in report.observations if seen.role == "target" or is_control(seen)]
    values: dict[str, Value] = {}
    for family in (4, 6):
        there = [seen for seen in asked if seen.family == family]
        values |= {f"open{family}": _count(sum(map(_is_open, there))), f"total{family}": _count(len(there))}
    yield [say("why_families", **values)]


def _certificates(report: Report, codes: set[str]) -> Iterator[Reason]:
    """The issuer that certificates of several hosts share, where somebody opens encrypted connections."""
    if "tls-intercepted" not in codes:
        return
    shown: dict[str, list[Observation]] = {}
    for seen in report.observations:
        if seen.tls is not None and seen.tls.issuer and seen.tls.public_trusted is not True:
            shown.setdefault(seen.tls.issuer, []).append(seen)
    issuer, there = max(shown.items(), key=lambda row: len(row[1]), default=("", []))
    if len({seen.host for seen in there}) > 1:
        yield [say("why_issuer", issuer=TextValue(text=issuer))]


def _names(report: Report) -> Iterator[Reason]:
    invented = [answer for answer in report.names if answer.source == "random" and answer.state == "ok"]
    addresses = tuple(dict.fromkeys(address for answer in invented for address in answer.addresses))[:_FEW]
    if addresses:
        yield [say("why_random", addresses=addresses)]


def _page(report: Report) -> Iterator[Reason]:
    if report.portal is not None:
        yield [say(f"why_portal_{report.portal.state}")]


def _trace(report: Report) -> Iterator[Reason]:
    if report.verdict.code != "ok" and report.trace in ("impossible", "off"):
        yield [say(f"why_trace_{report.trace}")]


def _lookups(report: Report) -> Iterator[Reason]:
    """Which sources of a domain told nothing because they could not be asked; what was refused is a finding."""
    failed = [lookup for lookup in report.lookups if lookup.state == "failed"]
    for lookup in [one for one in failed if one.reason][:_FEW]:
        why = refusal(lookup.reason or "", lookup.value)
        yield [say("why_lookup", place=TextValue(text=lookup.place), why=why)]

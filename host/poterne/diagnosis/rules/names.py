"""Names: those that do not resolve, resolvers that invent answers, and the better name for what was typed."""

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import Evidence, direction, reset, settled, spoke, verified
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.registry import FindingKind, compares, shows
from poterne.diagnosis.settings import settings
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.knowledge import ports
from poterne.report import Confidence, NameAnswer, NameState, Observation

_CODES: dict[NameState, str] = {
    "nxdomain": "dns-nxdomain",
    "nodata": "dns-nodata",
    "servfail": "dns-servfail",
    "timeout": "dns-timeout",
    "differs": "dns-differs",
    "unasked": "dns-timeout",
}
_ABSENT = ("nxdomain", "nodata")
_UNHEARD = ("timeout", "unasked")
_MAX_NAMES = 4
_MAX_TOLD = 5


@shows(
    FindingKind(code="dns-nxdomain", party="you", asks="names", depth=90, severity="note", about_name=True),
    FindingKind(code="dns-nodata", party="names", depth=90, severity="note", about_name=True),
    FindingKind(code="dns-servfail", party="names", depth=90, severity="warning", about_name=True),
    FindingKind(
        code="dns-timeout", party="network", unsure_party="unclear", depth=90, severity="warning", about_name=True
    ),
    FindingKind(code="dns-differs", party="computer", depth=90, severity="warning", about_name=True),
)
def names(case: Case) -> Yields:
    """Names that did not resolve: the typed one, and what a domain names. Guesses that do not exist are no news."""
    evidence = case.evidence
    resolved = any(answer.addresses for answer in evidence.own_names)
    told: set[tuple[str, str]] = set()
    for answer in evidence.own_names:
        code = _CODES.get(answer.state)
        if answer.source == "mx" and answer.state == "nodata" and not answer.addresses and resolved:
            continue  # no MX: the domain's own address takes its place (RFC 5321 section 5.1)
        if answer.state == "nodata" and resolved and evidence.target.kind in ("account", "domain"):
            continue  # a mail domain needs no address of its own
        if answer.state in _ABSENT and answer.source != "mx" and _known_elsewhere(answer.name, evidence):
            code = "dns-differs"
        if code is None or (code, answer.name) in told:
            continue
        if _is_news(answer, evidence, resolved=resolved) and len(told) < _MAX_TOLD:
            told.add((code, answer.name))
            yield Symptom(code, _sure_of_silence(evidence) if code == "dns-timeout" else "certain", host=answer.name)


def _sure_of_silence(evidence: Evidence) -> Confidence:
    """That no name server answers is the network's where no name at all was answered; else it may as well be those of
    the domain that keep silent.
    """
    others = [answer.state for answer in evidence.names if answer.source == "random"]
    heard = any(answer.addresses or answer.state not in _UNHEARD for answer in evidence.names)
    alone = not evidence.observations and bool(others) and not heard
    return "certain" if alone and not any(server.answers for server in evidence.name_servers) else "likely"


@shows()
def led_elsewhere(case: Case) -> Yields:
    """This system leads to another address than DNS, no mail service answers there, and where DNS leads one does:
    certain where the hosts file has that address, else likely. A line of the hosts file is told of as well where no
    mail service answers at DNS's address either, as a warning: it may be right, and the server down.

    Confounders: names with different addresses for everybody who asks (round robin, networks of delivery), of which all
    serve alike; networks that lead to an address of their own inside, where the mail service answers.
    """
    served = any(verified(o) for o in case.target.tried)
    for host, there in case.target.by_host.items():
        if served and host != case.evidence.target.host:
            continue  # a guess beside the servers that work
        mail = [o for o in there if direction(o) in ("outgoing", "incoming") and settled(o)]
        if not mail or any(verified(o) for o in there):
            continue
        yield from case.want(EvidenceRequest("dns", host=host))
        said = {answer.source: answer.addresses for answer in case.evidence.names if answer.name == host}
        ours = {o.address for o in there}
        if not said.get("dns") or ours & set(said["dns"]):
            continue
        serving = [
            o for o in case.evidence.by_dns if o.host == host and (verified(o) or (spoke(o) and not _heard(mail)))
        ]
        listed = ours <= set(said.get("hosts", ()))
        if not (serving or listed):
            continue
        yield Symptom(
            "dns-differs",
            "certain" if listed and serving else "likely",
            host=host,
            params={"elsewhere": tuple(sorted(ours)), "addresses": said["dns"], **({"hosts": True} if listed else {})},
            seen=tuple(mail),
            support=tuple(o.id for o in serving),
            explains=frozenset(o.id for o in case.target.seen if o.host == host) if serving else frozenset(),
            blocks=None if serving else False,
        )


def _heard(mail: list[Observation]) -> bool:
    return any(spoke(o) for o in mail)


@shows(
    FindingKind(code="resolver-slow", party="computer", depth=8, severity="note", remark=True, about_ports=False),
)
def silent_resolver(case: Case) -> Yields:
    """A name took long, and of this computer's name servers one does not answer where another does: certain."""
    evidence = case.evidence
    slow_ms = evidence.timing.compare.nameless * 1000
    if any(answer.elapsed_ms >= slow_ms for answer in evidence.own_names):
        yield from case.want(EvidenceRequest("resolvers"))
    silent = tuple(server.address for server in evidence.name_servers if not server.answers)
    if silent and len(silent) < len(evidence.name_servers):
        yield Symptom("resolver-slow", "certain", params={"addresses": silent})


@shows()
def wanted_family(case: Case) -> Yields:
    """A name that resolves, but not to an address of the family that was asked for."""
    family = case.evidence.options.family
    if family is None:
        return
    for answer in case.evidence.own_names:
        if answer.addresses and not any((":" in address) == (family == 6) for address in answer.addresses):
            yield Symptom("dns-nodata", "certain", host=answer.name, params={"family": family})


@shows(
    FindingKind(code="null-mx", party="names", depth=88, severity="note"),
)
def null_mx(case: Case) -> Yields:
    """A domain that says that it takes no mail (RFC 7505)."""
    for answer in case.evidence.own_names:
        if answer.mail_exchangers == ("",):
            yield Symptom("null-mx", "certain", host=answer.name)


def _known_elsewhere(name: str, evidence: Evidence) -> bool:
    return any(answer.source == "second" and answer.name == name and answer.addresses for answer in evidence.names)


def _is_news(answer: NameAnswer, evidence: Evidence, *, resolved: bool) -> bool:
    typed = answer.name in (evidence.target.domain, evidence.target.host)
    return typed or answer.source == "mx" or not resolved


@compares(
    FindingKind(code="dns-hijacked", party="network", depth=92, severity="warning", about_ports=False, about_name=True),
)
def hijacked(case: Case) -> Yields:
    """The resolver invents addresses: two labels that must not exist resolve (certain), or one does, to the very
    addresses of the target (likely).

    Where the target has no other addresses than invented ones, it does not exist either, and that is why it fails.
    Confounder: a wildcard (RFC 4592) in the target's own zone; such a label proves nothing.
    """
    confidence, caught = case.invented.confidence, case.invented.caught
    if confidence is None:
        return
    yield Symptom(
        "dns-hijacked",
        confidence,
        seen=case.target.tried if caught else (),
        support=tuple(o.id for o in case.target.tried) if caught else (),
        explains=frozenset(o.id for o in case.target.seen) if caught else frozenset(),
        blocks=caught,
    )
    if caught:
        for name in sorted(case.invented.typed):
            yield Symptom("dns-nxdomain", "likely", host=name)


@compares(
    FindingKind(
        code="wrong-host-name",
        party="you",
        asks="server",
        depth=91,
        severity="warning",
        about_ports=False,
        quiet="name",
    ),
)
def wrong_host_name(case: Case) -> Yields:
    """The typed host is no mail server, or shows a certificate for others, or does not exist, and another one of the
    same domain, or named by that certificate, works from here: likely; certain where the certificate names it and it
    works at the same address.

    It says what to type instead, and stands beside what is wrong with the typed name. The certificate of whoever
    answers in the server's place says nothing of its name. Of the servers of a domain only those are concerned whose
    certificates name others, while nothing else serves their purpose.
    """
    evidence = case.evidence
    host = evidence.target.host
    if evidence.target.kind in ("account", "domain"):
        yield from _certified(case)
        return
    if host is None or (case.evidence.by_dns and any(map(verified, case.evidence.by_dns))):
        return  # it is the right name, and this computer leads it elsewhere
    foreign = {o.id for impostor in case.impostors.found for o in impostor.seen}
    mismatched = [
        o
        for o in case.target.tried
        if o.tls is not None and "cert-name-mismatch" in o.tls.faults and o.id not in foreign
    ]
    missing = case.invented.caught or any(
        answer.name == host and answer.state in _ABSENT and not answer.addresses for answer in evidence.own_names
    )
    mail = [o for o in case.target.tried if direction(o) in ("outgoing", "incoming")]
    without_service = host in case.target.web_alone or (bool(mail) and all(reset(o) and settled(o) for o in mail))
    if not (mismatched or missing or without_service):
        return
    yield from case.want(EvidenceRequest("names", host=host))
    row = ports.facts(evidence.target.port) if evidence.target.port else None
    sides = {row.direction} if row else {"outgoing", "incoming"}
    better = [o for o in evidence.others if settled(o) and verified(o) and direction(o) in sides]
    ways = settings(better)
    ranked = dict.fromkeys(way.host for way in (*ways.outgoing, *ways.incoming) if way.verified)
    ranked |= dict.fromkeys(o.host for o in better)
    if not ranked:
        return
    certified = {name.lower() for o in mismatched if o.tls for name in o.tls.names}
    addresses = {o.address for o in mismatched}
    sure = any(o.address in addresses and o.host in certified for o in better)
    yield Symptom(
        "wrong-host-name",
        "certain" if sure else "likely",
        host=host,
        params={"names": tuple(ranked)[:_MAX_NAMES]},
        support=tuple(o.id for o in _evidence(mismatched, mail, better)),
    )


def _certified(case: Case) -> Yields:
    mismatched = [o for o in case.target.tried if o.tls is not None and "cert-name-mismatch" in o.tls.faults]
    served = {direction(o) for o in case.target.tried if verified(o) and o.source != "certificate"}
    for host in dict.fromkeys(o.host for o in mismatched if direction(o) not in served):
        ours = [o for o in mismatched if o.host == host and direction(o) not in served]
        yield from case.want(EvidenceRequest("names", host=host))
        certified = {name.lower() for o in ours if o.tls for name in o.tls.names} - {host}
        sides = {direction(o) for o in ours}
        better = [
            o for o in case.target.tried if o.host in certified and settled(o) and verified(o) and direction(o) in sides
        ]
        if better:
            same = {o.address for o in ours} & {o.address for o in better}
            yield Symptom(
                "wrong-host-name",
                "certain" if same else "likely",
                host=host,
                params={"names": tuple(dict.fromkeys(o.host for o in better))[:_MAX_NAMES]},
                support=tuple(o.id for o in _evidence(ours, better)),
            )


def _evidence(*groups: list[Observation]) -> list[Observation]:
    return list({o.id: o for group in groups for o in group}.values())

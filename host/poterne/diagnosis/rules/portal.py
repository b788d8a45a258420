"""No network at all, or one that wants a sign-in first."""

from ipaddress import ip_address, ip_network

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import answers, is_web, reached, settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.nearest import absent
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Confidence, Observation

_UNHEARD = ("timeout", "unasked")


@compares(
    FindingKind(
        code="captive-portal",
        party="you",
        asks="network",
        depth=98,
        severity="warning",
        about_ports=False,
        stops=("box", "provider"),
        intercepts=True,
    ),
)
def captive_portal(case: Case) -> Yields:
    """The page that portals alter was altered, no control works, and neither does the target: likely with one control,
    certain where at least two fail alike or show one and the same wrong certificate.

    An altered page while mail works is nobody's trouble.
    """
    portal = case.evidence.portal
    if portal is None or portal.state != "altered":
        return
    failing = [o for o in case.controls.seen if settled(o)]
    if not failing or any(_works(o) for o in (*case.controls.seen, *case.target.seen)):
        return
    alike = len({(case.failures.signature(o), o.tls.fault if o.tls else None) for o in failing}) == 1
    certificates = {(o.tls.subject, o.tls.issuer, o.tls.not_after) for o in failing if o.tls and o.tls.subject}
    same = len(certificates) == 1 and independent(o for o in failing if o.tls and o.tls.subject) >= 2
    ours = [o for o in case.target.seen if settled(o)]
    yield Symptom(
        "captive-portal",
        "certain" if independent(failing) >= 2 and (alike or same) else "likely",
        params={"location": portal.location} if portal.location else {},
        seen=tuple(o for o in ours if o in case.target.tried),
        support=tuple(o.id for o in failing),
        explains=frozenset(o.id for o in ours),
        blocks=True,
    )


@compares(
    FindingKind(
        code="offline",
        party="you",
        asks="provider",
        depth=100,
        severity="warning",
        about_ports=False,
        silences=frozenset({"dns-timeout"}),
        stops=("you", "provider"),
    ),
)
def offline(case: Case) -> Yields:
    """No network: nothing answers, or not even a name is to be had and no router beyond the first is there. Where a web
    proxy leads out, there is one.
    """
    if case.evidence.proxy != "works":
        yield from _unanswered(case) if case.target.tried else _nameless(case)


@compares(
    FindingKind(
        code="proxy-only",
        party="network",
        depth=99,
        severity="warning",
        network=True,
        about_ports=False,
        silences=frozenset({"dns-timeout", "dns-servfail", "dns-nxdomain", "dns-nodata"}),
        stops=("you", "provider"),
        way_round=False,
    ),
)
def proxy_only(case: Case) -> Yields:
    """Nobody's server answers, the target's and two controls' or more, or no name of anybody's is to be had and the
    portal's page neither, and the web proxy that this system names leads out: likely; certain with three controls.

    Confounder: a proxy beside a direct way, by which controls answer.
    """
    evidence = case.evidence
    everybody = (*case.target.seen, *case.controls.seen)
    if any(spoke(o) for o in everybody) or (not everybody and any(a.addresses for a in evidence.own_names)):
        return
    yield from case.want(EvidenceRequest("controls"))
    nameless = not everybody and evidence.portal is not None and evidence.portal.state == "failed"
    if not (case.controls.seen or nameless or case.target.is_cut_off):
        return
    yield from case.want(EvidenceRequest("proxy"))
    if evidence.proxy != "works" or not all(settled(o) or o.cached for o in everybody):
        return
    count = independent(case.controls.seen)
    if count >= 2 or nameless or case.target.is_cut_off:
        yield Symptom(
            "proxy-only",
            "certain" if count >= 3 else "likely",
            seen=case.target.tried,
            support=tuple(o.id for o in everybody),
            explains=frozenset(o.id for o in case.target.seen),
            blocks=True,
        )


@compares()
def unconnected(case: Case) -> Yields:
    """This machine itself says that it has no address to send from, and nothing answered, no proxy either: certain."""
    if case.target.is_cut_off and case.evidence.proxy != "works":
        yield from case.want(EvidenceRequest("proxy"))
        yield Symptom("offline", "certain")


def _nameless(case: Case) -> Yields:
    """No name was to be had in time, neither the target's nor the controls' nor the portal's, and the trace to an
    address of nobody meets no router behind the first: likely; certain where this machine itself reports that the first
    is gone.

    Confounder: resolvers that are down while the network is alive: its routers answer. Where they cannot be asked,
    nothing is said.
    """
    evidence = case.evidence
    own = evidence.own_names
    if not own or any(answer.state not in _UNHEARD for answer in own):
        return
    canary = [o for o in case.evidence.canary if settled(o)]
    yield from case.want(EvidenceRequest("portal"), EvidenceRequest("controls"), EvidenceRequest("canary", port=25))
    traced = [o for o in canary if o.port == 25 and case.failures.signature(o) == "silent"]
    yield from case.want(*(EvidenceRequest("trace", observation=o.id) for o in traced))
    resolved = any(name.source == "random" and name.state in ("nxdomain", "nodata", "ok") for name in evidence.names)
    if resolved or case.controls.seen or not canary or evidence.portal is None or evidence.portal.state != "failed":
        return
    if any(reached(o) or case.failures.signature(o) == "way" or _beyond(o) for o in canary):
        return
    gone = [o for o in canary if case.failures.signature(o) == "own" and absent(o)]
    if not gone and not any(o.path for o in traced):
        return
    yield Symptom("offline", "certain" if gone else "likely", support=tuple(o.id for o in canary), blocks=True)


def _beyond(seen: Observation) -> bool:
    """Whether anybody behind the first hop said anything."""
    return any(hop.hop > 1 and hop.answer != "silent" for hop in seen.path)


def _unanswered(case: Case) -> Yields:
    """Nothing came back from anybody: the target, two controls or more on every port, and the portal; where that was
    not asked, no resolver beyond the router knew either that an invented name does not exist. Likely; certain where
    this machine itself reports that the next router is gone. Where not even the names of controls are to be had, the
    portal has to do, or that names come from the router alone.

    Confounder: a network that lets nothing but the web through.
    """
    evidence = case.evidence
    everybody = (*case.target.seen, *case.controls.seen)
    if any(reached(o) or spoke(o) for o in everybody):
        return
    yield from case.want(*(EvidenceRequest(kind) for kind in ("portal", "controls", "resolvers", "proxy")))
    if not all(settled(o) or o.cached for o in everybody):
        return
    if evidence.portal is not None and evidence.portal.state != "failed":
        return
    invented = {name.state for name in evidence.names if name.source == "random"}
    answered = bool(invented & {"nxdomain", "nodata", "ok"})
    if evidence.portal is None and answered and not _answered_nearby(case):
        return
    dead = [o for o in everybody if case.failures.signature(o) == "own" and absent(o)]
    count = independent(o for o in case.controls.seen if settled(o))
    confidence: Confidence = "certain" if dead and independent(o for o in dead if o.role == "control") else "likely"
    nameless = not case.controls.seen and evidence.portal is not None and bool(invented) and not answered
    nameless = nameless or (not case.controls.seen and _answered_nearby(case))
    if count >= 2 or nameless:
        yield Symptom(
            "offline",
            confidence,
            seen=case.target.tried,
            support=tuple(o.id for o in everybody),
            explains=frozenset(o.id for o in case.target.seen),
            blocks=True,
        )


def _answered_nearby(case: Case) -> bool:
    """Whether all name servers that answer are this computer's neighbours, such as its router, which remembers names
    and makes some of its own: that they answer does not show that anything lies behind them.
    """
    machine = case.evidence.machine
    networks = [ip_network(network, strict=False) for network in machine.networks]
    answering = [ip_address(s.address.partition("%")[0]) for s in case.evidence.name_servers if s.answers]
    return bool(answering) and all(
        str(address) in machine.gateways or any(address in network for network in networks) for address in answering
    )


def _works(seen: Observation) -> bool:
    if is_web(seen):
        return False
    if seen.tls is not None:
        return seen.tls.fault is None and spoke(seen)
    return answers(seen)

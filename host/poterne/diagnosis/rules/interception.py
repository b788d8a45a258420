"""Somebody on the way answers in place of the servers, takes their STARTTLS away, or opens their TLS."""

from collections.abc import Iterator

from poterne.diagnosis.case import Case
from poterne.diagnosis.evidence import settled, spoke
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.diagnosis.operators import independent
from poterne.diagnosis.registry import FindingKind, compares
from poterne.diagnosis.starttls import lacking_alike, lacks_starttls, offered_to_others
from poterne.diagnosis.symptom import Symptom, Yields
from poterne.report import Observation

_STRIPPABLE = (25, 587, 143, 110)
_TRUST_FAULTS = ("cert-untrusted", "cert-incomplete-chain", "cert-self-signed")
# How much sooner an answer on the suspicious port has to come, to be worth a trace.
_QUICKER = 0.25
_APART_MS = 15.0


@compares(
    FindingKind(
        code="smtp-intercepted",
        party="network",
        depth=83,
        severity="warning",
        network=True,
        distrusts=True,
        stops=("you", "internet"),
        traced=True,
        intercepts=True,
        port25="named",
    ),
)
def smtp_intercepted(case: Case) -> Yields:
    """Somebody else answers on a port. One of these shows it:

    - The canary, at whose address nobody can be, greets (certain), or opens on that port and not on another (likely,
      unless the target's certificate gets through, or only STARTTLS is missing: another rule's matter).
    - Unrelated servers greet by one name, which none of them says on any other port: with two controls certain, with
      one likely.
    - The connection opens from the first hop, which is a router for another port of the same address (likely), or at
      least two hops nearer than that one (possible: several ways of different length lead to some servers).

    Confounder: a proxy on this machine that opens every connection at once, for everybody; then only greetings count.
    """
    yield from _suspicions(case)
    for impostor in case.impostors.found:
        yield Symptom(
            "smtp-intercepted",
            impostor.confidence,
            seen=impostor.seen,
            support=impostor.support,
            explains=frozenset(o.id for o in impostor.seen),
        )


def _suspicions(case: Case) -> Iterator[EvidenceRequest]:
    """An answer that comes far too soon, or turns us away, here and at two controls; a canary that opened; a
    certificate for another name, which no other port of that host shows.
    """
    for seen in case.evidence.canary:
        if seen.state == "open" and not spoke(seen):
            yield from case.want(EvidenceRequest("canary", port=465 if seen.port == 25 else 25))
    for seen in case.target.tried:
        if _misnamed(case, seen):
            yield from case.want_controls(seen.port)
            yield from case.want(EvidenceRequest("canary", port=seen.port))
        if _turned_away(seen):
            yield from case.want_controls(seen.port)
            if independent(o for o in case.controls.on(seen.family, seen.port) if _turned_away(o)) >= 2:
                yield from case.want(EvidenceRequest("canary", port=seen.port))
        slower = _much_slower(case.target.seen, seen)
        if slower is None or seen.path:
            continue
        alike = [o for o in case.controls.on(seen.family, seen.port) if _much_slower(case.controls.seen, o)]
        if independent(alike) >= 2:
            yield from case.want(EvidenceRequest("canary", port=seen.port))
            yield from case.want(EvidenceRequest("trace", observation=seen.id, working=slower.id))


def _turned_away(seen: Observation) -> bool:
    return settled(seen) and seen.greeting_kind in ("refused", "busy")


def _much_slower(others: tuple[Observation, ...], seen: Observation) -> Observation | None:
    """A port of the same address, where every one of them took much longer to open; None where not."""
    taken = seen.stages.connect_ms
    same = [o for o in others if o.address == seen.address and o.port != seen.port and o.state == "open"]
    times = [(ms, o.id, o) for o in same if (ms := o.stages.connect_ms) is not None and o.attempts == 1]
    if taken is None or seen.state != "open" or seen.attempts > 1 or not times:
        return None
    least, _, quickest = min(times)
    return quickest if taken < _QUICKER * least and least - taken > _APART_MS else None


@compares(
    FindingKind(
        code="starttls-stripped",
        party="network",
        depth=82,
        severity="warning",
        network=True,
        absorbs=frozenset({"plaintext-only", "auth-before-tls", "wrong-security", "tls-failed"}),
        distrusts=True,
        stops=("you", "internet"),
        traced=True,
        intercepts=True,
    ),
)
def starttls_stripped(case: Case) -> Yields:
    """The target offers no STARTTLS on a port, and at least two controls, which all do offer it, do not either.

    Confounder: a server whose own mail gateway takes it away (one server proves nothing, neither does one control).
    """
    stripped: list[Observation] = []
    support: dict[str, None] = {}
    for port in _STRIPPABLE:
        ours = [o for o in case.target.tried if o.port == port and settled(o) and lacks_starttls(o)]
        if not ours:
            continue
        yield from case.want_controls(port)
        if lacking := lacking_alike(case.target, case.controls, port):
            stripped += ours
            support |= dict.fromkeys(o.id for o in lacking)
    # Where it is taken away on one port, the server is not blamed for another on which nobody could be asked.
    doubtful = [o for o in case.target.tried if o.port in _STRIPPABLE and settled(o) and lacks_starttls(o)]
    doubtful = [o for o in doubtful if not offered_to_others(case.controls, o)]
    if stripped:
        yield Symptom(
            "starttls-stripped",
            "certain",
            seen=tuple(stripped),
            support=tuple(support),
            family=case.failures.one_family(stripped),
            explains=frozenset(o.id for o in (*stripped, *doubtful)),
        )


@compares(
    FindingKind(
        code="tls-intercepted",
        party="network",
        depth=84,
        severity="warning",
        network=True,
        absorbs=frozenset(
            {
                "cert-untrusted",
                "cert-incomplete-chain",
                "cert-self-signed",
                "chain-expired",
                "cert-weak",
                "cert-no-san",
                "cert-name-mismatch",
                "cert-expired",
                "cert-expiring",
            }
        ),
        stops=("you", "internet"),
        intercepts=True,
        way_round=False,
    ),
)
def tls_intercepted(case: Case) -> Yields:
    """Unrelated servers show certificates of one issuer that is not among the public ones: target and two controls
    certain, target and one likely.

    Confounders: a private authority of the target's owner, which no control shares, or one alone while others show
    public certificates there; servers that sign for themselves under one common name.
    """
    ours = [o for o in case.target.tried if settled(o) and _private(o)]
    if not ours:
        return
    for port in dict.fromkeys(o.port for o in ours):
        yield from case.want_controls(port)
    public = any(
        o.tls is not None and o.tls.public_trusted and o.port in {m.port for m in ours} for o in case.controls.seen
    )
    for issuer in dict.fromkeys(_issuer(o) for o in ours):
        shown = [o for o in case.controls.seen if settled(o) and _private(o) and _issuer(o) == issuer]
        count = independent(o for o in shown if o.tls is not None and _operator(o) not in {_operator(m) for m in ours})
        if not count or (count == 1 and public):
            continue
        seen = tuple(o for o in ours if _issuer(o) == issuer)
        trusted = all(o.tls is not None and o.tls.trusted is True for o in seen)
        yield Symptom(
            "tls-intercepted",
            "certain" if count >= 2 else "likely",
            params={"issuer": issuer, "trusted": trusted},
            seen=seen,
            family=case.failures.one_family(seen),
            support=tuple(o.id for o in shown),
            explains=frozenset(o.id for o in seen),
        )


def _misnamed(case: Case, seen: Observation) -> bool:
    """Whether a port shows a certificate for another name, and no other port of that host the same: a server without
    one for its name shows its usual one everywhere.
    """
    tls = seen.tls
    if tls is None or "cert-name-mismatch" not in tls.faults:
        return False
    return not any(
        o.host == seen.host and o.port != seen.port and o.tls is not None and o.tls.names == tls.names
        for o in case.target.seen
    )


def _private(seen: Observation) -> bool:
    """Whether a certificate has an issuer that the public set does not know."""
    tls = seen.tls
    if tls is None or not tls.issuer or tls.issuer == tls.subject or tls.public_trusted is not False:
        return False
    return tls.trusted is True or any(fault in _TRUST_FAULTS for fault in tls.faults)


def _issuer(seen: Observation) -> str:
    return (seen.tls.issuer if seen.tls else None) or ""


def _operator(seen: Observation) -> str:
    """The last two labels of a host name: near enough to a registered domain to tell operators apart."""
    return ".".join(seen.host.split(".")[-2:])

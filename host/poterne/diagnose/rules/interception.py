"""Somebody on the way answers in place of the servers, takes their STARTTLS away, or opens their TLS."""

import re
from collections.abc import Iterator

from poterne import ports
from poterne.diagnose.comparison import Comparison
from poterne.diagnose.evidence import settled, spoke, verified
from poterne.diagnose.operators import independent
from poterne.diagnose.symptom import Said, Symptom
from poterne.diagnose.wanted import Want
from poterne.model import Confidence, Observation

_STRIPPABLE = (25, 587, 143, 110)
# A box that may not change the length of what it takes away writes this over it.
_GARBLED = re.compile(r"X{4,}[A-Z]?")
_NAME = re.compile(r"^220[- ]+(\S+)")
_TRUST_FAULTS = ("cert-untrusted", "cert-incomplete-chain", "cert-self-signed")
_CERTAINTY: tuple[Confidence, ...] = ("possible", "likely", "certain")
# How much sooner an answer on the suspicious port has to come, to be worth a trace.
_QUICKER = 0.25
_APART_MS = 15.0


def smtp_intercepted(case: Comparison) -> Said:
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
    found: dict[int, tuple[Confidence, set[str]]] = {}
    for port in dict.fromkeys(o.port for o in case.tried if settled(o)):
        for confidence, support in (*_by_canary(case, port), *_by_name(case, port), *_by_path(case, port)):
            known = found.get(port, ("possible", set()))
            best = max(known[0], confidence, key=_CERTAINTY.index)
            found[port] = (best, known[1] | support)
    for confidence in _CERTAINTY:
        numbers = [port for port, (sure, _) in found.items() if sure == confidence]
        if not numbers:
            continue
        seen = tuple(o for o in case.tried if o.port in numbers and settled(o) and o.state in ("open", "reset"))
        ids = sorted(set().union(*(found[port][1] for port in numbers)))
        if seen:
            yield Symptom(
                "smtp-intercepted",
                confidence,
                seen=seen,
                support=tuple(ids),
                explains=frozenset(o.id for o in seen),
            )


def _by_canary(case: Comparison, port: int) -> Iterator[tuple[Confidence, set[str]]]:
    opened = [o for o in case.of("canary") if o.port == port and o.state == "open"]
    if not opened:
        return
    if any(spoke(o) for o in opened):
        yield "certain", {o.id for o in opened}
        return
    ours = [o for o in case.tried if o.port == port and o.state == "open"]
    elsewhere = [o for o in case.of("canary") if o.port != port and settled(o)]
    passes = bool(ours) and all(verified(o) for o in ours)
    if any(o.state != "open" for o in elsewhere) and not passes and not _lacking_alike(case, port):
        yield "likely", {o.id for o in (*opened, *elsewhere)}


def _by_name(case: Comparison, port: int) -> Iterator[tuple[Confidence, set[str]]]:
    names = {_greeted_as(o) for o in case.tried if o.port == port} - {None}
    for name in names:
        saying = [o for o in _greeters(case) if o.port == port and _greeted_as(o) == name]
        hosts = {o.host for o in saying}
        elsewhere = [o for o in _greeters(case) if o.host in hosts and o.port != port]
        if any(_greeted_as(o) == name for o in elsewhere):
            continue
        # Only controls that say another name elsewhere are known to have one of their own.
        known = {o.host for o in elsewhere}
        telling = [o for o in saying if o.role == "target" or o.host in known]
        if count := independent(o for o in telling if o.role == "control"):
            yield ("certain" if count >= 2 else "likely"), {o.id for o in (*telling, *elsewhere)}


def _greeters(case: Comparison) -> list[Observation]:
    return [o for o in (*case.tried, *case.controls) if settled(o) and _greeted_as(o) is not None]


def _greeted_as(seen: Observation) -> str | None:
    """The name in an SMTP greeting (RFC 5321 section 4.2)."""
    match = _NAME.match(seen.greeting or "")
    return match[1].lower().rstrip(".") if match and _dialogue(seen.port) == "smtp" else None


def _dialogue(port: int) -> str:
    row = ports.facts(port)
    return row.dialogue if row else "smtp"


def _by_path(case: Comparison, port: int) -> Iterator[tuple[Confidence, set[str]]]:
    if _dialogue(port) != "smtp":
        return
    for seen in case.tried:
        near = _opens_at(seen)
        if seen.port != port or near is None or case.unreliable(seen.family):
            continue
        for other in case.target:
            far = _opens_at(other)
            if other.address != seen.address or other.port == port or far is None or far <= near:
                continue
            routed = any(hop.hop == near and hop.answer == "time-exceeded" for hop in other.path)
            if near == 1 and routed:
                yield "likely", {seen.id, other.id}
            elif far - near > 1:
                yield "possible", {seen.id, other.id}


def _opens_at(seen: Observation) -> int | None:
    return min((hop.hop for hop in seen.path if hop.answer == "open"), default=None)


def _suspicions(case: Comparison) -> Iterator[Want]:
    """An answer that comes far too soon, or turns us away, here and at two controls; a canary that opened."""
    for seen in case.of("canary"):
        if seen.state == "open" and not spoke(seen):
            yield from case.want(Want("canary", port=465 if seen.port == 25 else 25))
    for seen in case.tried:
        if _turned_away(seen):
            yield from case.want_controls(seen.port)
            if independent(o for o in case.controls_at(seen.family, seen.port) if _turned_away(o)) >= 2:
                yield from case.want(Want("canary", port=seen.port))
        slower = _much_slower(case.target, seen)
        if slower is None or seen.path:
            continue
        alike = [o for o in case.controls_at(seen.family, seen.port) if _much_slower(case.controls, o)]
        if independent(alike) >= 2:
            yield from case.want(Want("canary", port=seen.port))
            yield from case.want(Want("trace", observation=seen.id, beside=slower.id))


def _turned_away(seen: Observation) -> bool:
    return settled(seen) and seen.greeting_kind in ("refused", "busy")


def _much_slower(others: tuple[Observation, ...], seen: Observation) -> Observation | None:
    """A port of the same address, where every one of them took much longer to open; None where not."""
    taken = seen.stages.connect_ms
    same = [o for o in others if o.address == seen.address and o.port != seen.port and o.state == "open"]
    times = [(o.stages.connect_ms, o.id, o) for o in same if o.stages.connect_ms is not None and o.attempts == 1]
    if taken is None or seen.state != "open" or seen.attempts > 1 or not times:
        return None
    least = min(times)
    return least[2] if taken < _QUICKER * (least[0] or 0) and (least[0] or 0) - taken > _APART_MS else None


def starttls_stripped(case: Comparison) -> Said:
    """The target offers no STARTTLS on a port, and at least two controls, which all do offer it, do not either.

    Confounder: a server whose own mail gateway takes it away (one server proves nothing, neither does one control).
    """
    stripped: list[Observation] = []
    support: dict[str, None] = {}
    for port in _STRIPPABLE:
        ours = [o for o in case.tried if o.port == port and settled(o) and _lacks(o)]
        if not ours:
            continue
        yield from case.want_controls(port)
        if lacking := _lacking_alike(case, port):
            stripped += ours
            support |= dict.fromkeys(o.id for o in lacking)
    if stripped:
        yield Symptom(
            "starttls-stripped",
            "certain",
            seen=tuple(stripped),
            support=tuple(support),
            family=case.one_family(stripped),
            explains=frozenset(o.id for o in stripped),
        )


def _lacking_alike(case: Comparison, port: int) -> list[Observation]:
    """Controls without STARTTLS on a port where the target lacks it, if there are two, and none that offers it."""
    families = {o.family for o in case.tried if o.port == port and settled(o) and _lacks(o)}
    greeting = [o for family in families for o in case.controls_at(family, port) if _talked(o)]
    lacking = [o for o in greeting if _lacks(o) and settled(o)]
    return lacking if independent(lacking) >= 2 and all(_lacks(o) for o in greeting) else []


def _talked(seen: Observation) -> bool:
    return seen.state == "open" and seen.greeting_kind == "accepted" and (seen.starttls is not None or _garbled(seen))


def _garbled(seen: Observation) -> bool:
    return any(_GARBLED.fullmatch(line.strip()) for line in (*seen.capabilities, *seen.capabilities_clear))


def _lacks(seen: Observation) -> bool:
    """Whether a port that talked in the clear has no STARTTLS, or does not know it when it is used."""
    return _talked(seen) and seen.tls is None and (seen.starttls in ("absent", "refused") or _garbled(seen))


def tls_intercepted(case: Comparison) -> Said:
    """Unrelated servers show certificates of one issuer that is not among the public ones: target and two controls
    certain, target and one likely.

    Confounders: a private authority of the target's owner, which no control shares, or one alone while others show
    public certificates there; servers that sign for themselves under one common name.
    """
    ours = [o for o in case.tried if settled(o) and _private(o)]
    if not ours:
        return
    for port in dict.fromkeys(o.port for o in ours):
        yield from case.want_controls(port)
    public = any(o.tls is not None and o.tls.public_trusted and o.port in {m.port for m in ours} for o in case.controls)
    for issuer in dict.fromkeys(_issuer(o) for o in ours):
        shown = [o for o in case.controls if settled(o) and _private(o) and _issuer(o) == issuer]
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
            family=case.one_family(seen),
            support=tuple(o.id for o in shown),
            explains=frozenset(o.id for o in seen),
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

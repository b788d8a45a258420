"""Recorded observations: what a port would show, without a network."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from poterne import ports
from poterne.diagnose import Conclusion, Evidence, diagnose
from poterne.model import Endpoint, Family, Finding, NameAnswer, Observation, Options, Report, Stages, Target, Tls
from poterne.target import parse

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOST = "mail.example.org"

GOOD_TLS = Tls(
    version="TLSv1.3",
    cipher="TLS_AES_256_GCM_SHA384",
    trusted=True,
    public_trusted=True,
    name_ok=True,
    subject=HOST,
    issuer="An authority",
    names=(HOST,),
    not_before="2026-10-01T00:00:00Z",
    not_after="2027-03-01T00:00:00Z",
)

_GREETINGS = {
    "smtp": "220 mail ESMTP",
    "imap": "* OK",
    "pop3": "+OK",
    "sieve": "OK",
    "ftp": "220 FTP",
    "http": "HTTP/1.1 200",
}
_CAPABILITIES = {
    "smtp": (("AUTH PLAIN",), ("PLAIN",)),
    "imap": (("IMAP4rev1", "AUTH=PLAIN"), ("PLAIN",)),
    "pop3": (("SASL PLAIN",), ("PLAIN",)),
    "sieve": (("SASL PLAIN",), ("PLAIN",)),
}


def seen(port: int, *, host: str = HOST, family: Family = 4, source: str = "typed", **changed: Any) -> Observation:
    """A port on which all is well, but for what is changed. Ids follow from host, port and family."""
    row = ports.facts(port)
    assert row is not None
    capabilities, auth = _CAPABILITIES.get(row.dialogue, ((), ()))
    security = row.begins
    base: dict[str, Any] = {
        "id": f"{host}-{port}-{family}",
        "host": host,
        "address": "192.0.2.7" if family == 4 else "2001:db8::7",
        "family": family,
        "port": port,
        "service": row.service,
        "asked": row.begins,
        "source": source,
        "state": "open",
        "greeting": _GREETINGS[row.dialogue],
        "greeting_kind": "accepted",
        "spoke": row.dialogue,
        "capabilities": capabilities,
        "auth": auth,
        "security": security,
        "starttls": "accepted" if security == "starttls" else None,
        "tls": None if security == "none" else GOOD_TLS,
        "stages": Stages(connect_ms=10, greeting_ms=20),
    }
    return Observation(**{**base, **changed})


def unreached(port: int, state: str, **changed: Any) -> Observation:
    """A port without a connection."""
    nothing: dict[str, Any] = {
        "state": state,
        "greeting": None,
        "greeting_kind": None,
        "spoke": None,
        "capabilities": (),
        "auth": (),
        "security": None,
        "starttls": None,
        "tls": None,
        "stages": Stages(connect_ms=10),
    }
    return seen(port, **{**nothing, **changed})


def plain(port: int, **changed: Any) -> Observation:
    """A mail port in clear text that offers no encryption."""
    row = ports.facts(port)
    assert row is not None
    capabilities, auth = _CAPABILITIES.get(row.dialogue, ((), ()))
    clear: dict[str, Any] = {
        "security": "none",
        "starttls": "absent",
        "tls": None,
        "capabilities_clear": capabilities,
        "auth_clear": auth,
    }
    return seen(port, **{**clear, **changed})


def broken_off(port: int, **changed: Any) -> Observation:
    """A port that greets well, in clear text, and then breaks off before it has said what it can."""
    unsaid: dict[str, Any] = {
        "capabilities": (),
        "capabilities_clear": (),
        "auth": (),
        "auth_clear": (),
        "starttls": None,
        "error": "ECONNRESET",
        "cut": True,
    }
    return plain(port, **{**unsaid, **changed})


def spoilt(port: int, *faults: str, **changed: Any) -> Observation:
    """A port whose certificate or handshake has these faults, the weightiest first."""
    update: dict[str, Any] = {"fault": faults[0], "faults": faults}
    if {"cert-self-signed", "cert-untrusted", "cert-incomplete-chain"} & set(faults):
        update["trusted"] = False
    if "cert-name-mismatch" in faults:
        update |= {"name_ok": False, "names": ("other.example",)}
    if "cert-expired" in faults:
        update["not_after"] = "2026-11-01T00:00:00Z"
    if "cert-not-yet-valid" in faults:
        update["not_before"] = "2026-12-24T00:00:00Z"
    if "tls-legacy-only" in faults:
        update["version"] = "TLSv1"
    if "tls-failed" in faults:
        failed = Tls(fault="tls-failed", faults=("tls-failed",), alert="HANDSHAKE_FAILURE")
        row = ports.facts(port)
        implicit = row is not None and row.begins == "tls"
        unsaid: dict[str, Any] = {"greeting": None, "greeting_kind": None, "capabilities": (), "auth": ()}
        return seen(
            port,
            **{
                **(unsaid if implicit else {"starttls": "failed"}),
                "tls": failed,
                "security": "none",
                "error": "HANDSHAKE_FAILURE",
                **changed,
            },
        )
    return seen(port, **{"tls": GOOD_TLS.model_copy(update=update), **changed})


def resolved(name: str = HOST, source: str = "typed", **changed: Any) -> NameAnswer:
    """A name with an address, but for what is changed."""
    return NameAnswer(**{"name": name, "source": source, "state": "ok", "addresses": ("192.0.2.7",), **changed})


def server(name: str = HOST) -> Target:
    """A server, as a check understands a name without an MX."""
    return Target(input=name, kind="server", host=name)


def evidence(
    target: Target | str,
    *observations: Observation,
    names: Iterable[NameAnswer] = (),
    online: bool = True,
    **options: Any,
) -> Evidence:
    """All that is known of one check."""
    return Evidence(
        target=parse(target) if isinstance(target, str) else target,
        options=Options(**options),
        names=tuple(names),
        observations=observations,
        online=online,
        now=NOW,
    )


def concluded(target: Target | str, *observations: Observation, **more: Any) -> Conclusion:
    """What is concluded from them."""
    return diagnose(evidence(target, *observations, **more))


def found(conclusion: Conclusion, code: str) -> Finding:
    """The one finding of that code."""
    (finding,) = [finding for finding in conclusion.findings if finding.code == code]
    return finding


def codes(conclusion: Conclusion) -> set[str]:
    """The codes of all findings."""
    return {finding.code for finding in conclusion.findings}


def blockers(conclusion: Conclusion) -> set[str]:
    """The codes of the findings that keep the target from being used as asked."""
    return {finding.code for finding in conclusion.findings if finding.severity == "blocker"}


def report_of(known: Evidence) -> Report:
    """The report that a check would end with."""
    conclusion = diagnose(known)
    return Report(
        version="0",
        target=known.target,
        options=known.options,
        verdict=conclusion.verdict,
        findings=conclusion.findings,
        settings=conclusion.settings,
        names=known.names,
        observations=known.observations,
        online=known.online,
        started_at=known.now.isoformat().replace("+00:00", "Z"),
        elapsed_ms=1,
    )


def planned(observation: Observation) -> Endpoint:
    """The endpoint of an observation."""
    return Endpoint(**{name: getattr(observation, name) for name in Endpoint.model_fields})

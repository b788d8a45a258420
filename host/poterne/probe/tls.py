"""What a TLS handshake shows."""

import ssl
from contextlib import suppress
from typing import Any

from poterne.knowledge import tls as reasons
from poterne.probe.trust import FIRST_FAULT, TrustStores
from poterne.report import Tls
from poterne.report.display import display, displays

# Failures after which it is worth asking whether the server knows old versions or weak ciphers only.
_MAY_BE_LEGACY = (
    "closed by the server",
    "ECONNRESET",
    "EOF",
    "VERSION",
    "PROTOCOL",
    "HANDSHAKE_FAILURE",
    "INSUFFICIENT_SECURITY",
    "TOO_SMALL",
    "TOO_WEAK",
    "NO_SHARED",
)
_LEGACY_VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1")


def good(tls: ssl.SSLObject, stores: TrustStores) -> Tls:
    """The facts of a handshake that the strict context accepted."""
    certificate: dict[str, Any] = {}
    # OpenSSL takes a certificate with a name in no encoding beside the right one; Python cannot tell what stands in it.
    with suppress(ValueError, ssl.SSLError):
        certificate = tls.getpeercert() or {}
    alternatives: tuple[tuple[str, str], ...] = certificate.get("subjectAltName", ())
    cipher = tls.cipher()
    chain = _chain(tls, verified=True)
    return Tls(
        version=tls.version(),
        cipher=cipher[0] if cipher else None,
        trusted=True,
        public_trusted=chain[-1] in stores.public_certificates if chain else None,
        name_ok=True,
        subject=_distinguished(certificate.get("subject", ())),
        issuer=_distinguished(certificate.get("issuer", ())),
        names=displays([value for kind, value in alternatives if kind in ("DNS", "IP Address")], total=600),
        not_before=_moment(certificate.get("notBefore")),
        not_after=_moment(certificate.get("notAfter")),
    )


def doubtful(tls: ssl.SSLObject, refusal: ssl.SSLCertVerificationError | None, host: str, stores: TrustStores) -> Tls:
    """The facts of a handshake without verification, after the strict context refused: every fault."""
    from poterne.probe import certificates

    cipher = tls.cipher()
    code = refusal.verify_code if refusal else None
    facts = certificates.examine(_chain(tls, verified=False), host, stores, code)
    known = FIRST_FAULT.get(refusal.verify_code, "tls-failed") if refusal else "tls-failed"
    if refusal and facts.faults == ("tls-failed",) and known not in facts.faults:
        # Another certificate, without that fault: of several machines behind one name, one was refused.
        facts = refused(refusal)
    return facts.model_copy(
        update={
            "version": tls.version(),
            "cipher": cipher[0] if cipher else None,
            "alert": display(refusal.verify_message, 120) if refusal else None,
        }
    )


def refused(refusal: ssl.SSLCertVerificationError) -> Tls:
    """What the refusal alone tells: its first fault."""
    fault = FIRST_FAULT.get(refusal.verify_code, "cert-untrusted")
    return Tls(
        trusted=False if fault in ("cert-self-signed", "cert-untrusted") else None,
        name_ok=False if fault == "cert-name-mismatch" else None,
        fault=fault,
        faults=(fault,),
        alert=display(refusal.verify_message, 120),
    )


def failed(words: str) -> Tls:
    """A handshake that did not come about. `words`: the TLS library's name of the failure, or how it ended."""
    fault = "tls-incompatible" if words in reasons.table().incompatible else "tls-failed"
    return Tls(fault=fault, faults=(fault,), alert=display(words, 120))


def wants_certificate(words: str, *, asked: bool) -> bool:
    """Whether a failure, by the TLS library's name, says that the server wants a certificate of the client's. `asked`:
    the server asked for one in the handshake; without that, only the alert that says nothing else says it.
    """
    table = reasons.table()
    return words in table.certificate_required or (asked and words in table.certificate_perhaps)


def without_certificate(tls: Tls, words: str) -> Tls:
    """The facts of a handshake, good or not, that the server ended for want of the client's certificate."""
    faults = (*(each for each in tls.faults if not each.startswith("tls-")), "client-certificate-wanted")
    return tls.model_copy(update={"fault": faults[0], "faults": faults, "alert": display(words, 120)})


def may_be_legacy(tls: Tls | None) -> bool:
    """Whether a failed handshake is worth another with old versions allowed."""
    if tls is None or tls.version is not None or "client-certificate-wanted" in tls.faults:
        return False
    return any(word in (tls.alert or "") for word in _MAY_BE_LEGACY)


def legacy(tls: Tls, alert: str | None) -> Tls | None:
    """The facts of a handshake that only old versions made possible; None where the version is not old."""
    if tls.version not in _LEGACY_VERSIONS:
        return None
    return tls.model_copy(
        update={"fault": "tls-legacy-only", "faults": ("tls-legacy-only", *tls.faults), "alert": alert}
    )


def _chain(tls: ssl.SSLObject, *, verified: bool) -> list[bytes]:
    """The chain in DER, the leaf first. Public from Python 3.13 on; 3.11 and 3.12 have it on the inner object only."""
    name = "get_verified_chain" if verified else "get_unverified_chain"
    method = getattr(tls, name, None) or getattr(getattr(tls, "_sslobj", None), name, None)
    chain = (method() if method else None) or []
    return [item if isinstance(item, bytes) else ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in chain]


def _distinguished(name: tuple[tuple[tuple[str, str], ...], ...]) -> str | None:
    """The common name of a subject or issuer, else its organisation."""
    fields = {key: value for part in name for key, value in part}
    chosen = fields.get("commonName") or fields.get("organizationName") or fields.get("organizationalUnitName")
    return display(chosen, 120) if chosen else None


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC).isoformat().replace("+00:00", "Z")

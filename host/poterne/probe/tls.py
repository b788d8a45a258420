"""TLS contexts, one a trust store and shared by every probe, and what a handshake shows."""

import os
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from poterne.knowledge import trust
from poterne.model import Tls
from poterne.policy import Policy
from poterne.probe.text import display, displays

# X509_STORE_CTX_get_error(3): OpenSSL's code for the fault that it meets first. `tls-failed`: neither trust nor dates
# nor names, but a wrong purpose, a critical extension that nobody knows, a weak key or digest; `alert` has its words.
FIRST_FAULT = {
    9: "cert-not-yet-valid",
    10: "cert-expired",
    13: "tls-failed",
    14: "tls-failed",
    18: "cert-self-signed",
    19: "cert-untrusted",
    20: "cert-untrusted",
    21: "cert-untrusted",
    26: "tls-failed",
    34: "tls-failed",
    62: "cert-name-mismatch",
    63: "cert-name-mismatch",
    64: "cert-name-mismatch",
    66: "tls-failed",
    67: "tls-failed",
    68: "tls-failed",
}
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

ContextName = Literal["strict", "lenient", "legacy"]


class TrustStores:
    """The operating system's roots and the public (Mozilla) ones, and the contexts made from them, each loaded once.
    `bundles`: files that may hold the system's roots where OpenSSL looks elsewhere, the usual ones unless given.
    """

    def __init__(self, policy: Policy, bundles: Sequence[str] | None = None) -> None:
        self._bundles = trust.table().bundles if bundles is None else bundles
        self._lab_roots = policy.lab.roots if policy.lab else None
        self._public_roots = policy.trust.public_roots

    @cached_property
    def strict(self) -> ssl.SSLContext:
        """Verifies the chain against the operating system's store, the dates and the name; TLS 1.2 or later."""
        context = _system_context(self._bundles)
        if self._lab_roots:
            context.load_verify_locations(cafile=self._lab_roots)
        return context

    @cached_property
    def lenient(self) -> ssl.SSLContext:
        """Verifies nothing: for looking at a certificate that `strict` refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    @cached_property
    def legacy(self) -> ssl.SSLContext:
        """Takes any version and cipher: for naming the version of a server that knows no better, nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        return context

    @cached_property
    def public_certificates(self) -> frozenset[bytes]:
        """The public roots, in DER."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=self.public_file)
        if self._lab_roots and not self._public_roots:
            # A lab's world is made of its own roots; who is to tell some of them from the public ones names those.
            context.load_verify_locations(cafile=self._lab_roots)
        return frozenset(context.get_ca_certs(binary_form=True))

    @property
    def public_file(self) -> str:
        """The PEM file of the public roots."""
        if self._public_roots:
            return self._public_roots
        import certifi

        return certifi.where()

    @property
    def system_files(self) -> list[tuple[str | None, str | None]]:
        """(file, folder) pairs of the operating system's store, where it is made of files, and of the lab's roots."""
        pairs = _system_files(self._bundles)
        if self._lab_roots:
            pairs.append((self._lab_roots, None))
        return pairs

    def context(self, name: ContextName) -> ssl.SSLContext:
        """One of the three contexts, by its name."""
        context: ssl.SSLContext = getattr(self, name)
        return context

    def warm(self) -> None:
        """Loads what the first handshake would wait for."""
        _ = self.strict, self.public_certificates


def _system_context(bundles: Sequence[str]) -> ssl.SSLContext:
    """A context on the operating system's store. Where that is made of files, OpenSSL loads them once; every wrap_bio
    of truststore's would read them again (16 ms for the Mozilla set).
    """
    if sys.platform in ("win32", "darwin"):
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # RFC 9525 section 6.3: only subject alternative names count.
    context.hostname_checks_common_name = False
    for file, folder in _system_files(bundles):
        # Roots that cannot be read are none; OpenSSL itself passes over its own places in silence.
        with suppress(OSError):
            context.load_verify_locations(file, folder)
    return context


def _system_files(bundles: Sequence[str]) -> list[tuple[str | None, str | None]]:
    """(file, folder) of the operating system's roots: where OpenSSL looks, which the user's environment may name, else
    where systems are known to keep them. Empty where there are none: then nothing is trusted.
    """
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(Path(paths.capath).glob("*.[0-9]"))):
        return [(paths.cafile, paths.capath)]
    # Not Path.is_file, which raises where a folder is closed: roots that cannot be read are none.
    known = next((path for path in bundles if os.path.isfile(path)), None)  # noqa: PTH113
    return [(known, None)] if known else []


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
    """A handshake that did not come about."""
    return Tls(fault="tls-failed", faults=("tls-failed",), alert=display(words, 120))


def may_be_legacy(tls: Tls | None) -> bool:
    """Whether a failed handshake is worth another with old versions allowed."""
    return tls is not None and tls.version is None and any(word in (tls.alert or "") for word in _MAY_BE_LEGACY)


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

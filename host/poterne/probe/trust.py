"""Whom this computer trusts: roots, and the TLS contexts that are made of them, shared by every probe."""

import os
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from weakref import WeakSet

from poterne.knowledge import trust
from poterne.policy import Policy

# Verification codes of what meets a fault first: X509_STORE_CTX_get_error(3), and those that truststore passes on from
# CertVerifyCertificateChainPolicy (Windows) and SecTrustEvaluateWithError (macOS). `tls-failed`: neither trust nor
# dates nor names, but a wrong purpose or a critical extension that nobody knows; `alert` has the words.
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
    66: "cert-weak",
    67: "cert-weak",
    68: "cert-weak",
    0x800B0101: "cert-expired",
    0x800B010F: "cert-name-mismatch",
    -67818: "cert-expired",
    -67602: "cert-name-mismatch",
}
DISTRUSTS = frozenset({0x800B0109, 0x800B010A, 0x800B0112, -67843})
"""Codes with which Windows and macOS say that a chain leads to no root of theirs."""

# RFC 8446 sections 5.1 and 4.
_HANDSHAKE, _CERTIFICATE_REQUEST = 22, 13

ContextName = Literal["strict", "lenient", "legacy"]


class TrustStores:
    """The operating system's roots and the public (Mozilla) ones, and the contexts made from them, each loaded once.
    `bundles`: files that may hold the system's roots where OpenSSL looks elsewhere, the usual ones unless given.
    """

    def __init__(self, policy: Policy, bundles: Sequence[str] | None = None) -> None:
        self._bundles = trust.table().bundles if bundles is None else bundles
        self._lab_roots = policy.lab.roots if policy.lab else None
        self._public_roots = policy.trust.public_roots
        self._asking: WeakSet[ssl.SSLObject] = WeakSet()

    @cached_property
    def strict(self) -> ssl.SSLContext:
        """Verifies the chain against the operating system's store, the dates and the name; TLS 1.2 or later."""
        context = _system_context(self._bundles)
        if self._lab_roots:
            context.load_verify_locations(cafile=self._lab_roots)
        return self._heard(context)

    @cached_property
    def lenient(self) -> ssl.SSLContext:
        """Verifies nothing: for looking at a certificate that `strict` refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return self._heard(context)

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
        return self._heard(context)

    def asked_for_certificate(self, connection: ssl.SSLObject) -> bool:
        """Whether the server asked for a certificate of the client's (RFC 8446 section 4.3.2)."""
        return connection in self._asking

    def _heard(self, context: ssl.SSLContext) -> ssl.SSLContext:
        # Private, and the only way to hear of a CertificateRequest, which TLS 1.3 encrypts. The inner context is
        # truststore's.
        inner: Any = getattr(context, "_ctx", context)
        inner._msg_callback = self._hear
        return context

    def _hear(self, connection: ssl.SSLObject, direction: str, *what: object) -> None:
        """`what`: the version, the type of the record, the type of the message, and its bytes."""
        if direction == "read" and what[1:3] == (_HANDSHAKE, _CERTIFICATE_REQUEST):
            self._asking.add(connection)

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
    def reads_system(self) -> bool:
        """Whether OpenSSL can read the operating system's store; where it cannot, only its refusals tell of it."""
        return sys.platform not in ("win32", "darwin")

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

"""Certificates for the demonstration, made anew each time: nothing of them is kept."""

import ssl
from datetime import UTC, datetime, timedelta

import trustme

from poterne.lab.plan import Certificate

ORGANIZATION = "Poterne demonstration"


class Authority:
    """Two roots, of which one is to be trusted, and an intermediate below it."""

    def __init__(self) -> None:
        self._root = trustme.CA(organization_name=ORGANIZATION, organization_unit_name="Root")
        self._intermediate = self._root.create_child_ca()
        self._unknown = trustme.CA(organization_name=ORGANIZATION, organization_unit_name="Unknown root")

    @property
    def roots_pem(self) -> bytes:
        """The root to trust, in PEM."""
        return self._root.cert_pem.bytes()

    def context(self, wanted: Certificate, hosts: tuple[str, ...]) -> ssl.SSLContext:
        """A server's context with a certificate as wanted, for these hosts unless it names others."""
        now = datetime.now(UTC).replace(tzinfo=None)
        issuer = self._unknown if wanted.issuer == "unknown-root" else self._intermediate
        leaf = issuer.issue_cert(
            *(wanted.names or hosts),
            organization_name=ORGANIZATION,
            not_before=now + timedelta(days=wanted.from_days),
            not_after=now + timedelta(days=wanted.to_days),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        chain = leaf.cert_chain_pems[:1] if wanted.issuer == "missing-intermediate" else leaf.cert_chain_pems
        with trustme.Blob(b"".join(blob.bytes() for blob in (leaf.private_key_pem, *chain))).tempfile() as path:
            context.load_cert_chain(path)
        return context

"""Certificates for the demonstration, made anew each time: nothing of them is kept."""

import ssl
from datetime import UTC, datetime, timedelta

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID

from poterne.demo.plan import Certificate

ORGANIZATION = "Poterne demonstration"
ISSUER_AT = "http://ca.example/intermediate.crt"


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
        chain = [blob.bytes() for blob in leaf.cert_chain_pems]
        if wanted.issuer == "missing-intermediate":
            chain = [_naming_its_issuer(chain[0], self._intermediate)]
        with trustme.Blob(b"".join((leaf.private_key_pem.bytes(), *chain))).tempfile() as path:
            context.load_cert_chain(path)
        return context


def _naming_its_issuer(leaf_pem: bytes, issuer: trustme.CA) -> bytes:
    """The same certificate, saying where its issuer's can be had (RFC 5280 4.2.2.1), as public authorities' do."""
    leaf = x509.load_pem_x509_certificate(leaf_pem)
    key = serialization.load_pem_private_key(issuer.private_key_pem.bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(
        leaf.issuer,
        leaf.subject,
        leaf.public_key(),
        leaf.serial_number,
        leaf.not_valid_before_utc,
        leaf.not_valid_after_utc,
        list(leaf.extensions),
    )
    place = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(ISSUER_AT))
    access = x509.AuthorityInformationAccess([place])
    certificate = builder.add_extension(access, critical=False).sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)

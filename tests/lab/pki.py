"""Certificates of the lab: one good root, one that nobody knows, and leaves with every fault."""

import ipaddress
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

_COMMON_NAME_LENGTH = 64  # RFC 5280 appendix A.1: ub-common-name


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_COMMON_NAME_LENGTH])])


def _alternative_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


@dataclass(frozen=True)
class Authority:
    """A certification authority; `parent` is `None` for a root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    parent: "Authority | None" = None

    @classmethod
    def make(
        cls,
        name: str,
        parent: "Authority | None" = None,
        *,
        key: ec.EllipticCurvePrivateKey | None = None,
        days: tuple[float, float] = (-400, 400),
    ) -> "Authority":
        """Valid from and until so many days from now; with the `key` of another, it is the same authority once more."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        issuer = parent.certificate.subject if parent else _common_name(name)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_common_name(name))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_KEY_CERT_SIGN, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        signer = parent.key if parent else key
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        return cls(builder.sign(signer, hashes.SHA256()), key, parent)

    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def chain(self) -> bytes:
        """What a server has to send: this certificate and those above it, without the root (RFC 8446 section 4.4.2)."""
        return self.pem() + self.parent.chain() if self.parent else b""


_KEY_CERT_SIGN = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Pki:
    """Roots, an intermediate, and leaves written as PEM files that hold the key and the chain to be sent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._serial = itertools.count()
        self.root = Authority.make("Poterne Lab Root")
        self.intermediate = Authority.make("Poterne Lab Intermediate", self.root)
        self.unknown = Authority.make("A Root That Nobody Knows")
        self.roots_file = folder / "roots.pem"
        self.roots_file.write_bytes(self.root.pem())

    def leaf(
        self,
        *names: str,
        issuer: Authority | None = None,
        days: tuple[float, float] = (-1, 90),
        send_chain: bool = True,
        issuer_url: str | None = None,
        common_name: str | None = None,
        key: rsa.RSAPrivateKey | None = None,
        beside: Sequence[Authority] = (),
    ) -> Path:
        """A leaf for DNS names or addresses, valid from and until so many days from now. The common name is the first
        of them unless `common_name` says otherwise; `beside` are authorities whose certificates are sent as well.
        """
        issuer = issuer or self.intermediate
        pair = key or ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(names, pair, issuer.certificate.subject, days, common_name).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
        if issuer_url:
            access = x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_url)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
        certificate = builder.sign(issuer.key, hashes.SHA256())
        chain = issuer.chain() if send_chain else b""
        return self._write(pair, certificate.public_bytes(Encoding.PEM) + chain + b"".join(a.pem() for a in beside))

    def self_signed(self, *names: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(names, key, _common_name(names[0]), (-1, 90)).sign(key, hashes.SHA256())
        return self._write(key, certificate.public_bytes(Encoding.PEM))

    def _builder(
        self,
        names: Sequence[str],
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
        issuer: x509.Name,
        days: tuple[float, float],
        common_name: str | None = None,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_common_name(common_name or names[0]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        if not names:
            return builder
        alternatives = x509.SubjectAlternativeName([_alternative_name(name) for name in names])
        return builder.add_extension(alternatives, critical=False)

    def _write(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, certificates: bytes) -> Path:
        path = self._folder / f"leaf-{next(self._serial)}.pem"
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificates)
        return path

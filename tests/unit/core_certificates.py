"""Certificates with exactly the faults that a test wants."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Issued:
    """A key, and its certificate in DER."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    der: bytes

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate, parsed."""
        return x509.load_der_x509_certificate(self.der)

    def patched(self, old: bytes, new: bytes) -> "Issued":
        """The same with bytes exchanged, as an encoder that breaks the rules would write them."""
        assert self.der.count(old) >= 1
        assert len(old) == len(new)
        return Issued(self.key, self.der.replace(old, new))

    def resigned(
        self, issuer: "Issued", old: bytes = b"", new: bytes = b"", digest: hashes.HashAlgorithm | None = None
    ) -> "Issued":
        """The same with bytes exchanged before the issuer signed it, with SHA-256 unless said."""
        digest = digest or hashes.SHA256()
        assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
        whole = self.certificate.tbs_certificate_bytes
        algorithm = _SIGNED_WITH[type(digest)]
        body = whole[_header(whole) :]
        assert not old or body.count(old) == 1
        body = body.replace(old, new).replace(_SIGNED_WITH[hashes.SHA256], algorithm)
        signed = _sequence(body)
        signature = b"\x00" + issuer.key.sign(signed, ec.ECDSA(digest))
        return Issued(self.key, _sequence(signed + algorithm + b"\x03" + _length(len(signature)) + signature))


# AlgorithmIdentifier of ecdsa-with-SHA256 and ecdsa-with-SHA1 (RFC 5758 section 3.2).
_SIGNED_WITH: dict[type[hashes.HashAlgorithm], bytes] = {
    hashes.SHA256: bytes.fromhex("300a06082a8648ce3d040302"),
    hashes.SHA1: bytes.fromhex("300906072a8648ce3d0401"),
}


def _header(der: bytes) -> int:
    return 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    return b"\x81" + bytes([size]) if size < 0x100 else b"\x82" + size.to_bytes(2)


def _sequence(content: bytes) -> bytes:
    return b"\x30" + _length(len(content)) + content


def issue(
    name: str,
    *,
    issuer: Issued | None = None,
    sans: Iterable[str] = (),
    authority: bool = False,
    from_days: int = -10,
    to_days: int = 90,
    aia: bool = False,
    client_only: bool = False,
    further: Iterable[x509.ExtensionType] = (),
    critical: Iterable[x509.ExtensionType] = (),
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    serial: int | None = None,
) -> Issued:
    """A certificate for the common name `name`, without any where it is empty; self-signed without an issuer."""
    key_pair = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key_pair.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now + timedelta(days=from_days))
        .not_valid_after(now + timedelta(days=to_days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    alternatives = [_general_name(san) for san in sans]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if aia:
        place = x509.UniformResourceIdentifier("http://ca.example/issuer.der")
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    if client_only:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(usage, critical=False)
    for extensions, weighs in ((further, False), (critical, True)):
        for extension in extensions:
            builder = builder.add_extension(extension, critical=weighs)
    signed = builder.sign(issuer.key if issuer else key_pair, hashes.SHA256())
    return Issued(key_pair, signed.public_bytes(Encoding.DER))


def _general_name(san: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(san))
    except ValueError:
        return x509.DNSName(san)


def pem(*chain: Issued) -> bytes:
    """Certificates in PEM, in this order."""
    return b"".join(ssl.DER_cert_to_PEM_cert(issued.der).encode() for issued in chain)


def context(
    *chain: Issued,
    newest: ssl.TLSVersion | None = None,
    oldest: ssl.TLSVersion | None = None,
    weak: bool = False,
    clients: ssl.VerifyMode = ssl.CERT_NONE,
) -> ssl.SSLContext:
    """A server's side of TLS that shows this chain, the leaf first. A `newest` before TLS 1.2 weakens the rest too;
    `weak`: it takes any key and any digest; `clients`: whether it asks for their certificates.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:
        made.set_ciphers("ALL:@SECLEVEL=0")
    key = chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with TemporaryDirectory() as folder:
        file = Path(folder) / "chain.pem"
        file.write_bytes(key + pem(*chain))
        made.load_cert_chain(file)
    if newest is not None and newest < ssl.TLSVersion.TLSv1_2:
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if oldest is not None:
        made.minimum_version = oldest
    if newest is not None:
        made.maximum_version = newest
    made.verify_mode = clients
    return made


HOST = "mail.example.org"


class Pki:
    """A root that the lab trusts, an intermediate below it, another root that nobody trusts, and a good server."""

    def __init__(self) -> None:
        self.root = issue("Trusted root", authority=True)
        self.intermediate = issue("Intermediate", issuer=self.root, authority=True)
        self.stranger = issue("Strange root", authority=True)
        self.leaf = issue(HOST, issuer=self.intermediate, sans=(HOST, "127.0.0.1", "::1"))
        self.good = context(self.leaf, self.intermediate)


@cache
def pki() -> Pki:
    """One for all tests: keys cost time."""
    return Pki()

"""Every fault of a certificate chain. OpenSSL stops at the first; here each question is asked by itself."""

import warnings
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from OpenSSL import crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address

from poterne.probe.trust import FIRST_FAULT, TrustStores
from poterne.report import Tls
from poterne.report.display import display, displays

_UNPARSABLE = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion, ValueError)
Extension = TypeVar("Extension", bound=x509.ExtensionType)

# X509_VERIFY_PARAM_set_flags(3); pyOpenSSL does not name it. Dates are asked for separately.
_NO_CHECK_TIME = 0x200000
_SELF_SIGNED_LEAF = 18
_NO_ISSUER = frozenset({2, 20, 21})

# The fault that matters most comes first: without trust nothing else counts, and another name can be typed.
_ORDER = (
    "cert-self-signed",
    "cert-untrusted",
    "cert-incomplete-chain",
    "cert-expired",
    "cert-not-yet-valid",
    "cert-name-mismatch",
    "tls-failed",
)


def examine(chain: list[bytes], host: str, stores: TrustStores, refused_with: int | None) -> Tls:
    """Facts and faults of a chain (DER, the leaf first), judged now. `refused_with`: the strict context's code."""
    with warnings.catch_warnings():
        # What a library thinks of a stranger's certificate is no news for the terminal.
        warnings.simplefilter("ignore")
        try:
            return _examine(chain, host, stores, refused_with)
        except _UNPARSABLE:
            # OpenSSL read it; this parser reads names and dates late, and is stricter with them.
            return Tls(fault="tls-failed", faults=("tls-failed",))


def _examine(chain: list[bytes], host: str, stores: TrustStores, refused_with: int | None) -> Tls:
    if not chain:
        return Tls(fault="tls-failed", faults=("tls-failed",))
    certificates = [x509.load_der_x509_certificate(der) for der in chain[:10]]
    leaf = certificates[0]
    names = _names(leaf)
    not_before, not_after = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    now = datetime.now(UTC)
    system = _verify(chain, stores.system_files)
    public = _verify(chain, [(stores.public_file, None)])
    faults = set()
    if system is not None:
        faults.add(_trust_fault(system, certificates))
    needed = _path(certificates)
    if any(certificate.not_valid_after_utc < now for certificate in needed):
        faults.add("cert-expired")
    if any(certificate.not_valid_before_utc > now for certificate in needed):
        faults.add("cert-not-yet-valid")
    name_ok = _covers(leaf, host)
    if not name_ok:
        faults.add("cert-name-mismatch")
    if refused_with is not None and (not faults or FIRST_FAULT.get(refused_with) == "tls-failed"):
        # Neither trust nor dates nor names, whatever else is wrong too.
        faults.add("tls-failed")
    ordered = tuple(fault for fault in _ORDER if fault in faults)
    return Tls(
        trusted=system is None,
        public_trusted=public is None,
        name_ok=name_ok,
        fault=ordered[0] if ordered else None,
        faults=ordered,
        subject=_common_name(leaf.subject),
        issuer=_common_name(leaf.issuer),
        names=displays(names, total=600),
        not_before=_moment(
            max(c.not_valid_before_utc for c in needed) if "cert-not-yet-valid" in faults else not_before
        ),
        not_after=_moment(min(c.not_valid_after_utc for c in needed) if "cert-expired" in faults else not_after),
    )


def _verify(chain: list[bytes], roots: list[tuple[str | None, str | None]]) -> int | None:
    """OpenSSL's code for the first fault of the chain; None where it leads to a root. Names, dates, purpose and unknown
    extensions are left out.
    """
    store = crypto.X509Store()
    store.set_flags(_NO_CHECK_TIME | crypto.X509StoreFlags.IGNORE_CRITICAL)
    for file, folder in roots:
        with suppress(crypto.Error):  # roots that cannot be read are none
            store.load_locations(file, folder)
    leaf, *others = (crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain[:10])
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        return int(error.errors[0])
    return None


def _path(certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf and the issuers above it that were sent, without a root: that is trusted or not, whatever its dates."""
    path = [certificates[0]]
    while path[-1].issuer != path[-1].subject:
        above = [c for c in certificates if c.subject == path[-1].issuer and c.subject != c.issuer and c not in path]
        if not above:
            break
        path.append(above[0])
    return path


def _trust_fault(code: int, certificates: list[x509.Certificate]) -> str:
    """A missing intermediate and an unknown root give one code: the leaf's issuer decides, where it was not sent and
    can be had from the address in the leaf (RFC 5280 section 4.2.2.1).
    """
    leaf = certificates[0]
    if code == _SELF_SIGNED_LEAF:
        return "cert-self-signed"
    issuer_sent = any(leaf.issuer == certificate.subject for certificate in certificates[1:])
    if code in _NO_ISSUER and not issuer_sent and _issuer_can_be_had(leaf):
        return "cert-incomplete-chain"
    return "cert-untrusted"


def _issuer_can_be_had(leaf: x509.Certificate) -> bool:
    access = _extension(leaf, x509.AuthorityInformationAccess)
    return access is not None and any(item.access_method == AuthorityInformationAccessOID.CA_ISSUERS for item in access)


def _extension(leaf: x509.Certificate, kind: type[Extension]) -> Extension | None:
    """An extension, or None where there is none or no parser likes what is there."""
    try:
        return leaf.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, *_UNPARSABLE):
        return None


def _names(leaf: x509.Certificate) -> list[str]:
    alternatives = _extension(leaf, x509.SubjectAlternativeName)
    if alternatives is None:
        return []
    addresses = [str(address) for address in alternatives.get_values_for_type(x509.IPAddress)]
    return [*alternatives.get_values_for_type(x509.DNSName), *addresses]


def _covers(leaf: x509.Certificate, host: str) -> bool:
    """RFC 9525: subject alternative names only; the common name counts for nothing."""
    import ipaddress

    try:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            verify_certificate_hostname(leaf, host)
        else:
            verify_certificate_ip_address(leaf, host)
    except (VerificationError, CertificateError, *_UNPARSABLE):
        return False
    return True


def _common_name(name: x509.Name) -> str | None:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return display(str(attribute.value), 120)
    return None


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

"""Every fault of a certificate chain. OpenSSL stops at the first; here each question is asked by itself."""

import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from OpenSSL import crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address
from service_identity.hazmat import DNS_ID, DNSPattern

from poterne.probe.trust import DISTRUSTS, FIRST_FAULT, TrustStores
from poterne.report import Tls
from poterne.report.display import display, displays

_UNPARSABLE = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion, ValueError)
Extension = TypeVar("Extension", bound=x509.ExtensionType)

# X509_VERIFY_PARAM_set_flags(3); pyOpenSSL does not name it.
_NO_CHECK_TIME = 0x200000
# X509_STORE_CTX_get_error(3).
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED_LEAF = 9, 10, 18
_NO_ISSUER = frozenset({2, 20, 21})
_LEAF_KEY, _AUTHORITY_KEY, _DIGEST = 66, 67, 68
# What OpenSSL's level 2 asks for: 112 bits of security (SSL_CTX_set_security_level(3)).
_LEAST_BITS = {"RSA": 2048, "DSA": 2048, "EC": 224}
_WEAK_DIGESTS = {"md5": "MD5", "sha1": "SHA-1"}

# The fault that matters most comes first: without trust nothing else counts, and another name can be typed.
_ORDER = (
    "cert-self-signed",
    "roots-outdated",
    "cert-untrusted",
    "cert-incomplete-chain",
    "cert-expired",
    "chain-expired",
    "cert-not-yet-valid",
    "cert-weak",
    "cert-no-san",
    "cert-name-mismatch",
    "tls-failed",
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What OpenSSL says of a chain under some roots. `trust`: its code for the first fault that is none of dates; None
    where the chain leads to a root. `dated`: the certificate on that way whose dates do not hold, the nearest to the
    root where there are several.
    """

    trust: int | None
    dated: x509.Certificate | None


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
    now = datetime.now(UTC)
    path = _path(certificates)
    system = _judge(chain, stores.system_files)
    public = _judge(chain, [(stores.public_file, None)])
    hidden = not stores.reads_system and refused_with not in DISTRUSTS and system.trust != _SELF_SIGNED_LEAF
    outdated = not hidden and _outdated(leaf, system, public)
    faults = set()
    if outdated:
        faults.add("roots-outdated")
    elif system.trust is not None and not hidden:
        faults.add(_trust_fault(system.trust, certificates))
    above = None if outdated else _ill_dated(path, system, public, now)
    expired = above if above is not None and above.not_valid_after_utc < now else None
    early = max((c for c in (leaf, above) if c is not None), key=lambda c: c.not_valid_before_utc)
    if leaf.not_valid_after_utc < now:
        faults.add("cert-expired")
    elif expired is not None:
        faults.add("chain-expired")
    if early.not_valid_before_utc > now:
        faults.add("cert-not-yet-valid")
    name_ok = _covers(leaf, host)
    if not name_ok:
        faults.add("cert-no-san" if not names and _common_name_covers(leaf, host) else "cert-name-mismatch")
    weak = _weakness(path, refused_with)
    known = FIRST_FAULT.get(refused_with) if refused_with is not None else None
    if known in ("cert-weak", "tls-failed"):
        # Neither trust nor dates nor names, whatever else is wrong too.
        faults.add(known)
    elif refused_with is not None and not faults:
        faults.add("cert-weak" if weak else "tls-failed")
    ordered = tuple(fault for fault in _ORDER if fault in faults)
    return Tls(
        trusted=None if hidden else system.trust is None and not outdated,
        public_trusted=public.trust is None,
        name_ok=name_ok,
        fault=ordered[0] if ordered else None,
        faults=ordered,
        subject=_common_name(leaf.subject),
        issuer=_common_name(leaf.issuer),
        names=displays(names, total=600),
        not_before=_moment(early.not_valid_before_utc if "cert-not-yet-valid" in faults else leaf.not_valid_before_utc),
        not_after=_moment(leaf.not_valid_after_utc),
        expired_authority=_name(expired.subject) if expired is not None and "chain-expired" in faults else None,
        expired_at=_moment(expired.not_valid_after_utc) if expired is not None and "chain-expired" in faults else None,
        weak=weak if "cert-weak" in faults else None,
    )


def _judge(chain: list[bytes], roots: list[tuple[str | None, str | None]]) -> _Judged:
    """Names, purpose and unknown extensions are left out."""
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.IGNORE_CRITICAL)
    for file, folder in roots:
        with suppress(crypto.Error):  # roots that cannot be read are none
            store.load_locations(file, folder)
    first = _refusal(chain, store)
    if first is None or first.errors[0] not in (_NOT_YET_VALID, _EXPIRED):
        return _Judged(None if first is None else int(first.errors[0]), None)
    store.set_flags(_NO_CHECK_TIME)
    rest = _refusal(chain, store)
    return _Judged(None if rest is None else int(rest.errors[0]), first.certificate.to_cryptography())


def _refusal(chain: list[bytes], store: crypto.X509Store) -> crypto.X509StoreContextError | None:
    leaf, *others = (crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain[:10])
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        return error
    return None


def _path(certificates: list[x509.Certificate]) -> list[x509.Certificate]:
    """The leaf and the issuers above it that were sent, without a root. Of several certificates of one authority, that
    which ends last.
    """
    path = [certificates[0]]
    while path[-1].issuer != path[-1].subject:
        above = [c for c in certificates if c.subject == path[-1].issuer and c.subject != c.issuer and c not in path]
        if not above:
            break
        path.append(max(above, key=lambda c: c.not_valid_after_utc))
    return path


def _outdated(leaf: x509.Certificate, system: _Judged, public: _Judged) -> bool:
    """Whether the public roots carry a chain that this computer's do not: it lacks the root, or the way that it knows
    leads over a certificate of an authority that has expired, and the public one does not.
    """
    if system.trust is None:
        return system.dated not in (None, leaf) and public == _Judged(None, None)
    return public.trust is None and system.trust != _SELF_SIGNED_LEAF


def _ill_dated(
    path: list[x509.Certificate], system: _Judged, public: _Judged, now: datetime
) -> x509.Certificate | None:
    """The authority's certificate whose dates do not hold. Which certificates a chain needs is OpenSSL's to say, where
    it leads to a root: an expired one beside them is no fault. Else all that were sent above the leaf are taken.
    """
    for judged in (system, public):
        if judged.trust is None:
            return None if judged.dated == path[0] else judged.dated
    return next((c for c in path[1:] if not c.not_valid_before_utc <= now <= c.not_valid_after_utc), None)


def _weakness(path: list[x509.Certificate], refused_with: int | None) -> str | None:
    """What is too weak, by its name and its bits, where it stands in a certificate that was sent. `refused_with` says
    what to look at; with another code, everything.
    """
    keys = {_LEAF_KEY: path[:1], _AUTHORITY_KEY: path[1:], _DIGEST: []}.get(refused_with or 0, path)
    signed = [] if refused_with in (_LEAF_KEY, _AUTHORITY_KEY) else path
    with suppress(UnsupportedAlgorithm):
        for key in (certificate.public_key() for certificate in keys):
            name = next((name for name in _LEAST_BITS if type(key).__name__.upper().startswith(name)), None)
            bits: int = getattr(key, "key_size", 0)
            if name is not None and bits < _LEAST_BITS[name]:
                return f"{name} {bits}"
        for digest in (certificate.signature_hash_algorithm for certificate in signed):
            if digest is not None and digest.name in _WEAK_DIGESTS:
                return _WEAK_DIGESTS[digest.name]
    return None


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


def _common_name_covers(leaf: x509.Certificate, host: str) -> bool:
    """Whether the common name would cover the host, if it counted."""
    common = [str(a.value) for a in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if host.lower() in (name.lower() for name in common):
        return True
    for name in common:
        try:
            if DNS_ID(host).verify(DNSPattern.from_bytes(name.encode("ascii"))):
                return True
        except (CertificateError, ValueError):
            continue
    return False


def _name(name: x509.Name) -> str | None:
    """The common name, or the whole one where there is none."""
    return _common_name(name) or display(name.rfc4514_string(), 120) or None


def _common_name(name: x509.Name) -> str | None:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return display(str(attribute.value), 120)
    return None


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")

"""Certificates with one fault each, signed by an authority that is trusted: nothing but the fault is the reason."""

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.unit.core_certificates import HOST, Issued, context, issue, pki
from tests.unit.core_scripts import smtp
from tests.unit.core_servers import Peer, Server
from tests.unit.core_world import look, stores

from poterne.diagnosis.evidence import verified
from poterne.probe.certificates import examine
from poterne.probe.stream import MAX_SESSION
from poterne.report import Observation

BAIT = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")


async def see(*chain: Issued, port: int = 465, once: bool = False, host: str = HOST) -> Observation:
    """What is seen of a server with this chain, or with a leaf under the usual intermediate; `once`: it takes one
    connection and no other.
    """
    shown = chain if len(chain) > 1 else (*chain, pki().intermediate)
    serve = smtp(context(*shown, weak=True), implicit=port == 465)
    opened = 0

    def converse(peer: Peer) -> None:
        nonlocal opened
        opened += 1
        if opened == 1 or not once:
            serve(peer)

    with Server(converse) as server:
        return await look(server, port, host=host)


def signed(name: str = HOST, **how: object) -> Issued:
    return issue(name, issuer=pki().intermediate, **{"sans": (HOST,), **how})  # type: ignore[arg-type]


def _serial(number: int) -> Issued:
    """RFC 5280 section 4.1.2.2 wants a positive one."""
    version_and_serial = bytes.fromhex("a003020102 0201")
    return signed(serial=5).resigned(
        pki().intermediate, version_and_serial + b"\x05", version_and_serial + bytes([number])
    )


def _with_nul() -> Issued:
    """A reader that stops at the NUL takes it for the host (CVE-2009-2408)."""
    leaf = signed(sans=(f"{HOST}X.evil.example",))
    return leaf.resigned(pki().intermediate, f"{HOST}X.evil".encode(), f"{HOST}\0.evil".encode())


def _with_strange_letters() -> Issued:
    leaf = signed(sans=(HOST, "XXXX.example"))
    return leaf.resigned(pki().intermediate, b"XXXX", b"\xff\xfe\x80\xc3")


def _small() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - the fault itself


def _sha1() -> Issued:
    return signed().resigned(pki().intermediate, digest=hashes.SHA1())  # noqa: S303 - the fault itself


def _large(size: int) -> Issued:
    return signed(further=(x509.UnrecognizedExtension(BAIT, bytes(size)),))


def many(count: int, *others: str) -> Issued:
    return signed(sans=(*(f"host-{number:05}.example" for number in range(count)), *others))


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: signed(""), id="empty subject"),
        pytest.param(lambda: _serial(0xF5), id="negative serial"),
        pytest.param(lambda: _serial(0), id="serial zero"),
        pytest.param(_with_strange_letters, id="another name in no encoding"),
        pytest.param(lambda: signed(to_days=2_900_000), id="until the year 9966"),
        pytest.param(lambda: many(2000, HOST), id="2000 names"),
        pytest.param(lambda: _large(30_000), id="30 KB"),
    ],
)
async def test_what_a_mail_program_takes_is_no_fault(make: Callable[[], Issued], port: int) -> None:
    seen = await see(make(), port=port)
    assert verified(seen), seen.tls


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(_with_nul, id="a name with NUL"),
        pytest.param(lambda: signed(sans=("127.0.0.1", "::1")), id="addresses only"),
        pytest.param(lambda: many(2000), id="2000 other names"),
    ],
)
@pytest.mark.parametrize("once", [False, True], ids=["", "one connection"])
async def test_names_that_are_not_the_hosts(make: Callable[[], Issued], once: bool) -> None:
    seen = await see(make(), once=once)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.name_ok) == (("cert-name-mismatch",), False)
    assert seen.tls.trusted is (None if once else True)
    assert not verified(seen)


async def test_a_mail_address_is_no_name_beside_the_common_one() -> None:
    seen = await see(signed(sans=(), further=(_mail_address(),)))
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.name_ok) == (("cert-no-san",), False)


def _mail_address() -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.RFC822Name(f"postmaster@{HOST}")])


def _under_weak() -> tuple[Issued, ...]:
    """A good leaf under an authority's key of RSA 1024."""
    weak = issue("Weak intermediate", issuer=pki().root, authority=True, key=_small())
    return issue(HOST, issuer=weak, sans=(HOST,)), weak


# RFC 5280 section 4.2: who does not know a critical extension has to refuse.
REFUSED: dict[str, tuple[Callable[[], tuple[Issued, ...]], str, str, str | None]] = {
    "RSA-1024": (lambda: (signed(key=_small()),), "cert-weak", "key too weak", "RSA 1024"),
    "SHA-1": (lambda: (_sha1(),), "cert-weak", "digest algorithm too weak", "SHA-1"),
    "an authority's RSA-1024": (_under_weak, "cert-weak", "key too weak", "RSA 1024"),
    "for clients only": (lambda: (signed(client_only=True),), "tls-failed", "purpose", None),
    "a critical extension": (
        lambda: (signed(critical=(x509.UnrecognizedExtension(BAIT, b"\x05\x00"),)),),
        "tls-failed",
        "unhandled critical extension",
        None,
    ),
}


@pytest.mark.parametrize(("make", "fault", "words", "weak"), REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("port", [465, 587])
async def test_what_openssl_refuses_by_its_level(
    make: Callable[[], tuple[Issued, ...]], fault: str, words: str, weak: str | None, port: int
) -> None:
    """Neither a reset nor an unknown authority: told in the library's words."""
    seen = await see(*make(), port=port)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.trusted, seen.tls.name_ok) == ((fault,), True, True)
    assert words in (seen.tls.alert or "")
    assert seen.tls.weak == weak
    assert not verified(seen)


@pytest.mark.parametrize(("make", "fault", "words", "weak"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_one_connection_shows_of_it(
    make: Callable[[], tuple[Issued, ...]], fault: str, words: str, weak: str | None
) -> None:
    seen = await see(*make(), once=True)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.trusted, seen.tls.name_ok) == ((fault,), None, None)
    assert words in (seen.tls.alert or "")
    assert not verified(seen)


@pytest.mark.parametrize("once", [False, True], ids=["", "one connection"])
async def test_another_fault_beside_it(once: bool) -> None:
    seen = await see(signed(key=_small(), sans=("other.example",)), once=once)
    assert seen.tls is not None
    assert seen.tls.faults == (("cert-weak",) if once else ("cert-weak", "cert-name-mismatch"))


async def test_a_weak_certificate_that_no_chain_needs_has_no_say() -> None:
    """Sent beside the chain, with another fault: only that one is told."""
    beside = issue("Nobody needs it", issuer=pki().root, authority=True, key=_small())
    good = await see(pki().leaf, pki().intermediate, beside)
    assert verified(good)
    seen = await see(signed(sans=("other.example",)), pki().intermediate, beside)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.weak) == (("cert-name-mismatch",), None)


@pytest.mark.parametrize("code", [0x80096004, -67901])
def test_where_the_system_has_no_word_for_it_the_certificate_tells(code: int) -> None:
    """Windows and macOS refuse weak certificates by codes of their own."""
    weak = examine([signed(key=_small()).der, pki().intermediate.der], HOST, stores(), code)
    assert (weak.faults, weak.weak) == (("cert-weak",), "RSA 1024")
    odd = examine([signed().der, pki().intermediate.der], HOST, stores(), code)
    assert (odd.faults, odd.weak) == (("tls-failed",), None)


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda: many(10_000, HOST), "EXCESSIVE_MESSAGE_SIZE", id="10000 names"),
        pytest.param(lambda: _large(1_000_000), "EXCESSIVE_MESSAGE_SIZE", id="1 MB"),
        pytest.param(lambda: _large(70_000), f"more than {MAX_SESSION} bytes", id="70 KB"),
    ],
)
async def test_what_is_too_large_to_be_read(make: Callable[[], Issued], words: str, port: int) -> None:
    seen = await see(make(), port=port)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.version, seen.tls.alert) == (("tls-failed",), None, words)
    assert (seen.security, seen.starttls) == ("none", "failed" if port == 587 else None)
    assert not verified(seen)


def _expired() -> Issued:
    return signed(from_days=-60, to_days=-2)


def _elsewhere() -> Issued:
    return signed(sans=("other.example",))


def _stranger() -> Issued:
    return issue(HOST, issuer=pki().stranger, sans=(HOST,))


def test_a_subject_that_only_openssl_reads() -> None:
    """Parsers read names late: one that fails must not end the check."""
    leaf = signed()
    subject = b"\x0c" + bytes([len(HOST)]) + HOST.encode()
    broken = leaf.resigned(pki().intermediate, subject + b"0", b"\x0d" + subject[1:] + b"0")
    seen = examine([broken.der, pki().intermediate.der], HOST, stores(), 7)
    assert (seen.fault, seen.trusted) == ("tls-failed", None)


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize(
    ("first", "fault"),
    [(_expired, "cert-expired"), (_elsewhere, "cert-name-mismatch"), (_stranger, "cert-untrusted")],
    ids=["expired", "other name", "unknown authority"],
)
async def test_a_good_certificate_on_the_second_connection(first: Callable[[], Issued], fault: str, port: int) -> None:
    """One of several machines behind a name is ill: the fault that was met is told, and no facts of the other one."""
    shown = [context(first(), pki().intermediate), pki().good]

    def converse(peer: Peer) -> None:
        smtp(shown.pop(0), implicit=port == 465)(peer)

    with Server(converse) as server:
        seen = await look(server, port)
    assert seen.tls is not None
    assert seen.tls.faults == (fault,)
    assert (seen.tls.names, seen.tls.not_after) == ((), None)
    assert not verified(seen)


async def test_a_bad_certificate_on_the_second_connection_is_never_asked_for() -> None:
    with Server(smtp(pki().good, implicit=True)) as server:
        seen = await look(server, 465)
        assert len(server.said) == 1
    assert verified(seen)

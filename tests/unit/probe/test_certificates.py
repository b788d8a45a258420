from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from OpenSSL import crypto
from tests.unit.core_certificates import HOST, Issued, context, issue, pki
from tests.unit.core_scripts import smtp
from tests.unit.core_servers import Server
from tests.unit.core_world import look, stores

from poterne.probe.certificates import examine
from poterne.report import Observation, Tls


async def shown(*chain: Issued, host: str = HOST, port: int = 465) -> Observation:
    tls = context(*chain)
    with Server(smtp(tls, implicit=port == 465)) as server:
        return await look(server, port, host=host)


async def facts(*chain: Issued, host: str = HOST, port: int = 465) -> Tls:
    seen = await shown(*chain, host=host, port=port)
    assert (seen.state, seen.greeting_kind) == ("open", "accepted")
    assert seen.security == ("tls" if port == 465 else "starttls")
    assert seen.tls is not None
    return seen.tls


def under_root(**how: Any) -> tuple[Issued, ...]:
    return issue(HOST, issuer=pki().intermediate, **{"sans": (HOST,), **how}), pki().intermediate


@pytest.mark.parametrize("port", [465, 587])
async def test_a_good_chain(port: int) -> None:
    seen = await facts(*under_root(), port=port)
    assert (seen.trusted, seen.name_ok, seen.fault, seen.faults, seen.alert) == (True, True, None, (), None)
    assert seen.public_trusted is True, "a lab's roots are the public ones of its world"
    assert (seen.subject, seen.issuer, seen.names) == (HOST, "Intermediate", (HOST,))
    assert seen.version == "TLSv1.3"
    assert seen.cipher is not None
    assert seen.not_after is not None
    left = datetime.fromisoformat(seen.not_after) - datetime.now(UTC)
    assert timedelta(days=89) < left < timedelta(days=90)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_address_as_host_is_covered_by_an_address_in_the_certificate(host: str) -> None:
    good = await facts(*under_root(sans=("127.0.0.1", "::1")), host=host)
    assert (good.name_ok, good.fault) == (True, None)
    bad = await facts(*under_root(sans=(HOST, "192.0.2.7")), host=host)
    assert (bad.name_ok, bad.trusted, bad.faults) == (False, True, ("cert-name-mismatch",))
    assert set(bad.names) == {HOST, "192.0.2.7"}


@pytest.mark.parametrize(
    ("names", "ok"),
    [
        (("*.example.org",), True),
        (("MAIL.EXAMPLE.ORG",), True),
        (("other.example", HOST), True),
        (("example.org",), False),
        (("*.mail.example.org",), False),
        (("*.org",), False),
        (("mail.example.org.evil.example",), False),
        (("m*.example.org",), False),
    ],
)
async def test_which_names_cover_the_host(names: tuple[str, ...], ok: bool) -> None:
    seen = await facts(*under_root(sans=names))
    assert seen.name_ok is ok
    assert seen.faults == (() if ok else ("cert-name-mismatch",))


async def test_a_common_name_covers_nothing() -> None:
    """RFC 9525 section 2: only subject alternative names count. That the name stands there is told."""
    seen = await facts(*under_root(sans=()))
    assert (seen.name_ok, seen.faults, seen.subject) == (False, ("cert-no-san",), HOST)


@pytest.mark.parametrize(
    ("name", "sans", "host", "fault"),
    [
        ("*.example.org", (), HOST, "cert-no-san"),
        (HOST.upper(), (), HOST, "cert-no-san"),
        ("192.0.2.7", (), "192.0.2.7", "cert-no-san"),
        ("other.example", (), HOST, "cert-name-mismatch"),
        ("*.org", (), HOST, "cert-name-mismatch"),
        ("", (), HOST, "cert-name-mismatch"),
        ("mäil.example", (), HOST, "cert-name-mismatch"),
        (HOST, ("other.example",), HOST, "cert-name-mismatch"),
        (HOST, ("192.0.2.7",), HOST, "cert-name-mismatch"),
        ("192.0.2.7", (), "192.0.2.8", "cert-name-mismatch"),
    ],
)
async def test_a_common_name_is_a_reason_where_there_is_no_other_name(
    name: str, sans: tuple[str, ...], host: str, fault: str
) -> None:
    leaf = issue(name, issuer=pki().intermediate, sans=sans)
    seen = await facts(leaf, pki().intermediate, host=host)
    assert (seen.faults, seen.name_ok, seen.trusted) == ((fault,), False, True)


OLD: dict[str, Any] = {"from_days": -60, "to_days": -2}


def _under_old(root: Issued) -> tuple[Issued, ...]:
    old = issue("Old intermediate", issuer=root, authority=True, from_days=-60, to_days=-3)
    return issue(HOST, issuer=old, sans=(HOST,)), old


def _all_expired() -> tuple[Issued, ...]:
    old = issue("Old intermediate", issuer=pki().root, authority=True, from_days=-60, to_days=-3)
    return issue(HOST, issuer=old, sans=(HOST,), from_days=-60, to_days=-1), old


def _under_stranger(**how: Any) -> Issued:
    return issue(HOST, issuer=pki().stranger, sans=(HOST,), **how)


CHAINS: dict[str, Callable[[], tuple[Issued, ...]]] = {
    "expired": lambda: under_root(**OLD),
    "not yet valid": lambda: under_root(from_days=2),
    "expired intermediate": lambda: _under_old(pki().root),
    "expired intermediate, expired": _all_expired,
    "expired intermediate of an unknown root": lambda: _under_old(pki().stranger),
    "self-signed": lambda: (issue(HOST, sans=(HOST,)),),
    "unknown root": lambda: (_under_stranger(),),
    "unknown root sent": lambda: (_under_stranger(), pki().stranger),
    "missing intermediate": lambda: under_root(aia=True)[:1],
    "missing intermediate without an address": lambda: under_root()[:1],
    "self-signed, expired, other name": lambda: (issue("old", sans=("old.example",), from_days=-60, to_days=-2),),
    "unknown root, expired": lambda: (_under_stranger(**OLD), pki().stranger),
    "expired, other name": lambda: under_root(sans=("old.example",), **OLD),
    "not yet valid, other name": lambda: under_root(sans=("new.example",), from_days=2),
    "missing intermediate, expired": lambda: under_root(aia=True, **OLD)[:1],
}


@pytest.mark.parametrize(
    ("kind", "faults", "trusted", "name_ok"),
    [
        ("expired", ("cert-expired",), True, True),
        ("not yet valid", ("cert-not-yet-valid",), True, True),
        ("expired intermediate", ("chain-expired",), True, True),
        ("expired intermediate, expired", ("cert-expired",), True, True),
        ("expired intermediate of an unknown root", ("cert-untrusted", "chain-expired"), False, True),
        ("self-signed", ("cert-self-signed",), False, True),
        ("unknown root", ("cert-untrusted",), False, True),
        ("unknown root sent", ("cert-untrusted",), False, True),
        ("missing intermediate", ("cert-incomplete-chain",), False, True),
        ("missing intermediate without an address", ("cert-untrusted",), False, True),
        ("self-signed, expired, other name", ("cert-self-signed", "cert-expired", "cert-name-mismatch"), False, False),
        ("unknown root, expired", ("cert-untrusted", "cert-expired"), False, True),
        ("expired, other name", ("cert-expired", "cert-name-mismatch"), True, False),
        ("not yet valid, other name", ("cert-not-yet-valid", "cert-name-mismatch"), True, False),
        ("missing intermediate, expired", ("cert-incomplete-chain", "cert-expired"), False, True),
    ],
)
async def test_every_fault_is_found_and_no_other(
    kind: str, faults: tuple[str, ...], trusted: bool, name_ok: bool
) -> None:
    seen = await facts(*CHAINS[kind]())
    assert (seen.faults, seen.fault) == (faults, faults[0])
    assert (seen.trusted, seen.name_ok) == (trusted, name_ok)
    assert seen.version == "TLSv1.3"
    assert seen.alert


def days_until(moment: str | None) -> float:
    assert moment is not None
    return (datetime.fromisoformat(moment) - datetime.now(UTC)) / timedelta(days=1)


async def test_dates_of_a_fault_are_those_that_break_it() -> None:
    above = await facts(*CHAINS["expired intermediate"]())
    assert (above.expired_authority, above.issuer) == ("Old intermediate", "Old intermediate")
    assert -3.1 < days_until(above.expired_at) < -2.9
    assert 89 < days_until(above.not_after) < 90, "the server's own certificate is good for three months"
    both = await facts(*CHAINS["expired intermediate, expired"]())
    assert (both.expired_authority, both.expired_at) == (None, None)
    assert -1.1 < days_until(both.not_after) < -0.9
    early = await facts(*CHAINS["not yet valid"]())
    assert days_until(early.not_before) > 0


async def test_of_two_certificates_of_one_authority_the_good_one_is_taken() -> None:
    """Servers keep sending the old intermediate beside its successor, which has the same key."""
    old = issue("Intermediate", issuer=pki().root, authority=True, key=pki().intermediate.key, **OLD)
    good = await facts(pki().leaf, old, pki().intermediate)
    assert good.faults == ()
    other = await facts(*under_root(sans=("other.example",))[:1], old, pki().intermediate)
    assert other.faults == ("cert-name-mismatch",)


async def test_an_expired_root_is_no_fault_where_a_good_one_takes_its_place() -> None:
    """A root that was once signed by another one, which has expired meanwhile: only who lacks the root minds."""
    cross = issue("Trusted root", issuer=pki().stranger, authority=True, key=pki().root.key, **OLD)
    good = await facts(*under_root(), cross)
    assert good.faults == ()
    other = await facts(*under_root(sans=("other.example",)), cross)
    assert (other.faults, other.trusted, other.expired_at) == (("cert-name-mismatch",), True, None)


async def test_a_certificate_that_no_chain_needs_has_no_say() -> None:
    """Servers often send an old cross-signed root that has expired; programs build the chain without it."""
    old = issue("Old cross-signed root", issuer=pki().stranger, authority=True, from_days=-60, to_days=-3)
    good = await facts(*under_root(), old)
    assert good.faults == ()
    other = await facts(*under_root(sans=("other.example",)), old)
    assert other.faults == ("cert-name-mismatch",)
    assert other.not_after is not None
    assert datetime.fromisoformat(other.not_after) > datetime.now(UTC)


async def test_a_certificate_for_clients_is_not_called_unknown_to_this_computer() -> None:
    """Its authority is known: the fault is another, whatever it is called."""
    seen = await facts(*under_root(client_only=True))
    assert seen.faults != ()
    assert "cert-untrusted" not in seen.faults


def _odd(value: bytes, extension: str = "2.5.29.17") -> Issued:
    return issue("odd", further=(x509.UnrecognizedExtension(x509.ObjectIdentifier(extension), value),))


X400_ADDRESS = b"\x30\x06\xa3\x04\x30\x02\x05\x00"
EDI_PARTY_NAME = b"\x30\x06\xa5\x04\xa1\x02\x0c\x00"
SAN_VALUES = (
    X400_ADDRESS,
    EDI_PARTY_NAME,
    b"\x30\x05\x82\x03a\x00b",
    b"\x30\x05\x82\x03\xff\xff\xff",
    b"\x30\x05\x87\x03\x01\x02\x03",
    b"\x30\x00",
)


@pytest.mark.parametrize("value", SAN_VALUES)
async def test_alternative_names_of_any_shape_end_in_an_observation(value: bytes) -> None:
    seen = await shown(_odd(value))
    assert (seen.state, seen.greeting_kind, seen.security) == ("open", "accepted", "tls")
    assert seen.tls is not None
    assert "cert-self-signed" in seen.tls.faults


async def test_an_address_of_the_issuer_of_any_shape_ends_in_an_observation() -> None:
    aia = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.1"), b"\x30\x02\xff\xff")
    seen = await shown(issue(HOST, issuer=pki().stranger, sans=(HOST,), further=(aia,)))
    assert seen.tls is not None
    assert seen.tls.fault == "cert-untrusted"


def _twice() -> Issued:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x30\x00")
    leaf = issue("twice", sans=(HOST,), further=(extension,))
    return leaf.patched(b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d\x11")


@pytest.mark.parametrize("broken", ["an extension twice", "no sequence", "no DER"])
def test_what_openssl_would_not_serve_can_be_examined(broken: str) -> None:
    made: dict[str, Callable[[], Issued]] = {
        "an extension twice": _twice,
        "no sequence": lambda: _odd(b"\x04\x02ab"),
        "no DER": lambda: _odd(b"\xff\xff"),
    }
    seen = examine([made[broken]().der], HOST, stores(), 18)
    assert seen.fault is not None
    assert seen.trusted is not True


async def test_a_version_that_does_not_exist_ends_in_an_observation() -> None:
    leaf = issue("version four", sans=(HOST,)).patched(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03")
    seen = await shown(leaf)
    assert seen.tls is not None
    assert seen.tls.fault is not None
    assert seen.tls.trusted is not True


async def test_a_negative_serial_number_ends_in_an_observation_without_a_word() -> None:
    """Parsers may warn of it; nobody at a terminal should read that."""
    leaf = issue("negative", sans=(HOST,))
    start = leaf.der.index(b"\xa0\x03\x02\x01\x02\x02")
    old = leaf.der[start : start + 8]
    seen = await shown(leaf.patched(old, old[:7] + bytes([old[7] | 0x80])))
    assert seen.tls is not None
    assert seen.tls.fault is not None
    assert seen.tls.trusted is not True


def _read_by_openssl(der: bytes) -> bool:
    """What OpenSSL cannot read ends the handshake, and is never examined."""
    try:
        crypto.load_certificate(crypto.FILETYPE_ASN1, der)
    except crypto.Error:
        return False
    return True


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), min_size=1, max_size=4))
def test_a_certificate_with_flipped_bytes_is_never_good(flips: list[tuple[int, int]]) -> None:
    der = bytearray(pki().leaf.der)
    for place, mask in flips:
        der[place % len(der)] ^= mask
    assume(bytes(der) != pki().leaf.der)
    assume(_read_by_openssl(bytes(der)))
    assert examine([bytes(der), pki().intermediate.der], HOST, stores(), 7).fault is not None


async def test_very_many_names() -> None:
    leaf = issue("many", sans=[f"host-{number}.example" for number in range(1000)])
    seen = await facts(leaf)
    assert seen.name_ok is False
    assert 0 < len(seen.names) <= 64

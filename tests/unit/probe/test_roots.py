"""Roots that the public knows and this computer does not, and what only looks like that."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.core_certificates import HOST, Issued, context, issue, pem, pki
from tests.unit.core_scripts import smtp
from tests.unit.core_servers import Server
from tests.unit.core_world import look

from poterne.policy import Lab, Policy, Trust
from poterne.probe.certificates import examine
from poterne.probe.trust import TrustStores
from poterne.report import Observation

OLD: dict[str, Any] = {"from_days": -60, "to_days": -2}


def known(folder: Path, *, public: tuple[Issued, ...], system: tuple[Issued, ...]) -> TrustStores:
    """Trust stores with these roots; none of them is empty."""
    files = {"public": public, "system": system}
    for name, roots in files.items():
        (folder / f"{name}.pem").write_bytes(pem(*roots))
    return TrustStores(
        Policy(trust=Trust(public_roots=str(folder / "public.pem")), lab=Lab(roots=str(folder / "system.pem"))),
        bundles=(),
    )


async def see(trusted: TrustStores, *chain: Issued, port: int = 465) -> Observation:
    with Server(smtp(context(*chain), implicit=port == 465)) as server:
        return await look(server, port, trusted=trusted)


def leaf(**how: Any) -> Issued:
    return issue(HOST, issuer=pki().intermediate, **{"sans": (HOST,), **how})


@pytest.mark.parametrize("port", [465, 587])
async def test_a_public_root_that_this_computer_lacks(tmp_path: Path, port: int) -> None:
    trusted = known(tmp_path, public=(pki().root,), system=(pki().stranger,))
    seen = await see(trusted, pki().leaf, pki().intermediate, port=port)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.trusted, seen.tls.public_trusted) == (("roots-outdated",), False, True)


async def test_an_expired_root_that_the_public_has_replaced(tmp_path: Path) -> None:
    """The successor has the name and the key of the old one, which is all that this computer has."""
    old = issue("Trusted root", authority=True, key=pki().root.key, **OLD)
    trusted = known(tmp_path, public=(pki().root,), system=(old,))
    seen = await see(trusted, pki().leaf, pki().intermediate)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.trusted, seen.tls.public_trusted) == (("roots-outdated",), False, True)
    assert (seen.tls.expired_authority, seen.tls.expired_at) == (None, None)


async def test_a_new_root_that_is_known_here_by_an_expired_cross_signature_only(tmp_path: Path) -> None:
    cross = issue("Trusted root", issuer=pki().stranger, authority=True, key=pki().root.key, **OLD)
    trusted = known(tmp_path, public=(pki().root,), system=(pki().stranger,))
    seen = await see(trusted, pki().leaf, pki().intermediate, cross)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.trusted) == (("roots-outdated",), False)


async def test_an_expired_root_that_nobody_has_replaced_is_the_chains(tmp_path: Path) -> None:
    old = issue("Trusted root", authority=True, key=pki().root.key, **OLD)
    trusted = known(tmp_path, public=(old,), system=(old,))
    seen = await see(trusted, pki().leaf, pki().intermediate)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.expired_authority) == (("chain-expired",), "Trusted root")


async def test_what_is_wrong_beside_it(tmp_path: Path) -> None:
    trusted = known(tmp_path, public=(pki().root,), system=(pki().stranger,))
    seen = await see(trusted, leaf(sans=("other.example",), **OLD), pki().intermediate)
    assert seen.tls is not None
    assert seen.tls.faults == ("roots-outdated", "cert-expired", "cert-name-mismatch")


@pytest.mark.parametrize("port", [465, 587])
async def test_an_authority_that_the_public_does_not_know_either(tmp_path: Path, port: int) -> None:
    """An interceptor's, or an organisation's: no update of this computer brings it."""
    trusted = known(tmp_path, public=(pki().root,), system=(pki().root,))
    seen = await see(trusted, issue(HOST, issuer=pki().stranger, sans=(HOST,)), port=port)
    assert seen.tls is not None
    assert (seen.tls.faults, seen.tls.public_trusted) == (("cert-untrusted",), False)


async def test_a_name_like_that_of_a_public_root_is_no_signature_of_it(tmp_path: Path) -> None:
    """An interceptor may call itself what it likes."""
    false = issue("Trusted root", authority=True)
    trusted = known(tmp_path, public=(pki().root,), system=(pki().stranger,))
    seen = await see(trusted, issue(HOST, issuer=false, sans=(HOST,)), false)
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.public_trusted) == ("cert-untrusted", False)


async def test_a_missing_intermediate_of_a_public_root_is_the_servers(tmp_path: Path) -> None:
    trusted = known(tmp_path, public=(pki().root,), system=(pki().stranger,))
    seen = await see(trusted, leaf(aia=True))
    assert seen.tls is not None
    assert seen.tls.faults == ("cert-incomplete-chain",)


async def test_a_root_of_this_computer_alone_is_no_fault(tmp_path: Path) -> None:
    trusted = known(tmp_path, public=(pki().stranger,), system=(pki().root,))
    seen = await see(trusted, pki().leaf, pki().intermediate)
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.trusted, seen.tls.public_trusted) == (None, True, False)


@pytest.mark.parametrize(
    ("platform", "code", "distrusts"),
    [("win32", 0x800B0101, False), ("win32", 0x800B0109, True), ("darwin", -67818, False), ("darwin", -67843, True)],
)
def test_a_store_that_openssl_cannot_read_is_judged_by_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, code: int, distrusts: bool
) -> None:
    """Where the system says that the certificate has expired, nothing says that it does not know its root."""
    roots = known(tmp_path, public=(pki().root,), system=(pki().stranger,))
    assert roots.reads_system
    monkeypatch.setattr(sys, "platform", platform)
    seen = examine([leaf(**OLD).der, pki().intermediate.der], HOST, roots, code)
    assert seen.faults == (("roots-outdated", "cert-expired") if distrusts else ("cert-expired",))
    assert (seen.trusted, seen.public_trusted) == (False if distrusts else None, True)


def test_a_certificate_that_signed_itself_is_seen_whatever_the_system_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    roots = known(tmp_path, public=(pki().root,), system=(pki().root,))
    monkeypatch.setattr(sys, "platform", "win32")
    seen = examine([issue(HOST, sans=(HOST,)).der], HOST, roots, 0x800B0101)
    assert (seen.faults, seen.trusted) == (("cert-self-signed",), False)

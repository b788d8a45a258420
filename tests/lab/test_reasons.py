"""What a server, TLS or a certificate gives as the reason, over both families, and what only looks like it."""

import ssl
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from . import dialogues
from .pki import Authority, Pki
from .runs import Run
from .scripted import Behaviour, Peer, server_context
from .world import World

Runs = dict[str, "Future[Run]"]

# RFC 2409 section 6.2: 1024 bits, which were enough when it was written.
_OLD_PARAMETERS = """\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""
_EXPIRED = (-90.0, -5.0)
_BUSY = "* BYE Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)"
_BLOCKED = "* BYE Your address is blocked, try again later"


def _under_expired(pki: Pki, name: str) -> Path:
    old = Authority.make("Expired Intermediate", pki.root, days=_EXPIRED)
    return pki.leaf(name, issuer=old, days=(-90, 300))


def _expired_with_its_authority(pki: Pki, name: str) -> Path:
    old = Authority.make("Expired Intermediate", pki.root, days=_EXPIRED)
    return pki.leaf(name, issuer=old, days=(-90, -3))


def _cross_signed(pki: Pki, name: str) -> Path:
    """The trusted root stands in the chain once more, signed by an authority of old, and that signature has expired."""
    cross = Authority.make("Poterne Lab Root", pki.unknown, key=pki.root.key, days=_EXPIRED)
    return pki.leaf(name, beside=[cross])


def _small(pki: Pki, name: str) -> Path:
    return pki.leaf(name, key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - the fault itself


CERTIFICATES: dict[str, tuple[Callable[[Pki, str], Path], str]] = {
    "expired-authority": (_under_expired, "chain-expired"),
    "all-expired": (_expired_with_its_authority, "cert-expired"),
    "cross-signed": (_cross_signed, "ok"),
    "rsa-1024": (_small, "cert-weak"),
    "common-name": (lambda pki, name: pki.leaf(common_name=name), "cert-no-san"),
    "common-name-beside": (lambda pki, name: pki.leaf("else.test", common_name=name), "cert-name-mismatch"),
}


def _small_parameters(world: World) -> ssl.SSLContext:
    certificate = world.pki.leaf("small-parameters.odd.test", key=rsa.generate_private_key(65537, 2048))
    context = server_context(certificate, newest=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("DHE:@SECLEVEL=0")
    file = world.folder / "parameters.pem"
    file.write_text(_OLD_PARAMETERS)
    context.load_dh_params(str(file))
    return context


def _leaves_after_the_handshake(context: ssl.SSLContext) -> Behaviour:
    def behave(peer: Peer) -> None:
        peer.start_tls(context)
        peer.close()

    return behave


def _every_door(context: ssl.SSLContext) -> dict[int, Behaviour]:
    return {
        465: dialogues.Smtp(context, implicit=True),
        587: dialogues.Smtp(context),
        993: dialogues.Imap(context, implicit=True),
    }


@pytest.fixture(scope="module")
def runs(world: World) -> Runs:
    contexts = {
        label: server_context(make(world.pki, f"{label}.odd.test"), weak=label == "rsa-1024")
        for label, (make, _) in CERTIFICATES.items()
    }
    for label, clients in (("required", ssl.CERT_REQUIRED), ("optional", ssl.CERT_OPTIONAL)):
        contexts[label] = server_context(world.odd_certificate, clients=clients)
        contexts[f"{label}-tls12"] = server_context(
            world.odd_certificate, newest=ssl.TLSVersion.TLSv1_2, clients=clients
        )
    contexts["small-parameters"] = _small_parameters(world)
    sites = {label: world.scripted(label, _every_door(context), v6=True).name for label, context in contexts.items()}
    runs: Runs = {
        f"{label} {port}": world.start(f"{name}:{port}") for label, name in sites.items() for port in (465, 587)
    }
    runs["required server"] = world.start(sites["required"])
    asking = server_context(world.odd_certificate, clients=ssl.CERT_OPTIONAL)
    leaves = world.scripted("leaves", {465: _leaves_after_the_handshake(asking)}, v6=True)
    runs["leaves"] = world.start(f"{leaves.name}:465")
    public = world.folder / "public.pem"
    public.write_bytes(world.pki.unknown.pem())
    policy = world.write_policy("outdated.toml", f'[trust]\npublic_roots = "{public}"\n')
    unknown = server_context(world.pki.leaf("outdated.odd.test", issuer=world.pki.unknown))
    outdated = world.scripted("outdated", _every_door(unknown), v6=True)
    runs["outdated"] = world.start(f"{outdated.name}:465", policy=policy)
    runs["unknown"] = world.start(f"{outdated.name}:465")
    tls = server_context(world.odd_certificate)
    busy = world.scripted("too-many", {143: dialogues.Imap(tls, greeting=_BUSY)}, v6=True)
    blocked = world.scripted("blocked", {993: dialogues.Imap(tls, implicit=True, greeting=_BLOCKED)}, v6=True)
    runs["busy"] = world.start(f"{busy.name}:143")
    runs["blocked"] = world.start(f"{blocked.name}:993")
    return runs


def _both_families(run: Run, port: int) -> list[dict[str, object]]:
    seen = [one for one in run.report["observations"] if one["port"] == port and one["role"] == "target"]
    assert {one["family"] for one in seen} == {4, 6}
    return seen


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize("label", CERTIFICATES)
def test_a_certificate_is_told_by_its_reason(runs: Runs, label: str, port: int) -> None:
    run = runs[f"{label} {port}"].result()
    code = CERTIFICATES[label][1]
    assert run.status == (0 if code == "ok" else 1)
    assert run.verdict == code
    assert run.telling_codes == {code}
    assert len(_both_families(run, port)) == 2


def test_the_date_of_the_servers_own_certificate_is_kept(runs: Runs) -> None:
    run = runs["expired-authority 465"].result()
    params = run.finding("chain-expired", 465)["params"]
    assert params["name"] == "Expired Intermediate"
    tls = run.observation(465)["tls"]
    assert params["date"] == tls["expired_at"] < run.report["started_at"] < tls["not_after"]


@pytest.mark.parametrize("port", [465, 587])
def test_parameters_that_are_too_small_are_the_servers(runs: Runs, port: int) -> None:
    run = runs[f"small-parameters {port}"].result()
    assert run.telling_codes == {"tls-incompatible"}
    assert run.finding("tls-incompatible", port)["params"]["reason"] == "DH_KEY_TOO_SMALL"
    told = run.report["told"]
    assert (told["party"], told["message"]["for"]) == ("server", "server")
    assert "DH_KEY_TOO_SMALL" in str(told["headline"])
    assert "DH_KEY_TOO_SMALL" in str(told["reasons"])


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize("label", ["required", "required-tls12"])
def test_a_server_that_wants_a_certificate(runs: Runs, label: str, port: int) -> None:
    run = runs[f"{label} {port}"].result()
    assert run.status == 1
    assert run.telling_codes == {"client-certificate-wanted"}
    assert "ALERT" in run.finding("client-certificate-wanted", port)["params"]["reason"]
    assert len(_both_families(run, port)) == 2


def test_a_server_that_wants_it_on_every_port(runs: Runs) -> None:
    run = runs["required server"].result()
    assert run.status == 1
    assert run.telling_codes == {"client-certificate-wanted"}
    assert run.settings("outgoing") == run.settings("incoming") == []


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize("label", ["optional", "optional-tls12"])
def test_a_server_that_does_without_one(runs: Runs, label: str, port: int) -> None:
    run = runs[f"{label} {port}"].result()
    assert (run.status, run.telling_codes) == (0, {"ok"})


def test_a_server_that_leaves_after_the_handshake_wants_nothing(runs: Runs) -> None:
    assert runs["leaves"].result().telling_codes == {"no-greeting"}


def test_roots_that_the_public_knows_and_this_computer_does_not(runs: Runs) -> None:
    run = runs["outdated"].result()
    assert run.telling_codes == {"roots-outdated"}
    assert run.report["told"]["party"] == run.report["told"]["message"]["for"] == "computer"
    tls = run.observation(465)["tls"]
    assert (tls["trusted"], tls["public_trusted"]) == (False, True)


def test_roots_that_nobody_knows(runs: Runs) -> None:
    assert runs["unknown"].result().telling_codes == {"cert-untrusted"}


def test_a_limit_on_connections_is_no_matter_of_reputation(runs: Runs) -> None:
    run = runs["busy"].result()
    assert run.telling_codes == {"greeting-busy"}
    assert run.finding("greeting-busy", 143)["params"]["greeting"] == _BUSY
    assert _BUSY in str(run.report["told"]["reasons"])


def test_a_block_is_no_limit_on_connections(runs: Runs) -> None:
    assert runs["blocked"].result().telling_codes == {"greeting-refused"}

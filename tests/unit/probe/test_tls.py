import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.unit.core_certificates import HOST, Issued, context, issue, pem, pki
from tests.unit.core_scripts import saying, smtp
from tests.unit.core_servers import Peer, Server
from tests.unit.core_world import look, roots_file, stores

from poterne.diagnosis.evidence import verified
from poterne.policy import Lab, Policy, Trust
from poterne.probe.tls import legacy, may_be_legacy
from poterne.probe.trust import TrustStores
from poterne.report import Observation, Tls


def old(version: ssl.TLSVersion, *chain: Issued) -> ssl.SSLContext:
    try:
        return context(*(chain or (pki().leaf, pki().intermediate)), newest=version)
    except (ValueError, ssl.SSLError) as error:
        pytest.skip(f"this OpenSSL makes no {version.name} server: {error}")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize(("name", "word"), [("TLSv1", "TLSv1"), ("TLSv1_1", "TLSv1.1")])
async def test_a_server_that_knows_old_versions_only(name: str, word: str, port: int) -> None:
    with Server(smtp(old(ssl.TLSVersion[name]), implicit=port == 465)) as server:
        seen = await look(server, port)
        said = server.said
    assert seen.tls is not None
    assert (seen.tls.version, seen.tls.fault, seen.tls.faults) == (word, "tls-legacy-only", ("tls-legacy-only",))
    assert seen.tls.trusted is True
    assert seen.tls.alert
    assert len(said) == 2


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_an_old_version_and_a_bad_certificate() -> None:
    with Server(smtp(old(ssl.TLSVersion.TLSv1, issue("x", sans=("x.example",))), implicit=True)) as server:
        seen = await look(server, 465)
    assert seen.tls is not None
    assert seen.tls.faults == ("tls-legacy-only", "cert-self-signed", "cert-name-mismatch")


# RFC 2409 section 6.2: 1024 bits, which were enough when it was written.
_OLD_PARAMETERS = """\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""


def _old_parameters(folder: Path) -> ssl.SSLContext:
    """A server of TLS 1.2 that agrees on keys by Diffie-Hellman with a small prime, and by nothing else."""
    leaf = issue(HOST, issuer=pki().intermediate, sans=(HOST,), key=rsa.generate_private_key(65537, 2048))
    made = context(leaf, pki().intermediate, newest=ssl.TLSVersion.TLSv1_2)
    made.set_ciphers("DHE:@SECLEVEL=0")
    file = folder / "parameters.pem"
    file.write_text(_OLD_PARAMETERS, encoding="ascii")
    made.load_dh_params(str(file))
    return made


@pytest.mark.parametrize("port", [465, 587])
async def test_parameters_that_are_too_small_are_named(port: int, tmp_path: Path) -> None:
    early: list[Observation] = []
    with Server(smtp(_old_parameters(tmp_path), implicit=port == 465)) as server:
        seen = await look(server, port, progress=early)
    assert not any(map(verified, early)), "the look with old ciphers succeeds, and shows nothing that can be used"
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.faults) == ("tls-incompatible", ("tls-incompatible",))
    assert (seen.tls.alert, seen.error) == ("DH_KEY_TOO_SMALL", "DH_KEY_TOO_SMALL")


async def test_a_server_of_which_no_cipher_is_known_is_incompatible() -> None:
    """It says handshake_failure; no older version or weaker cipher helps."""
    chain = (issue(HOST, issuer=pki().intermediate, sans=(HOST,)), pki().intermediate)
    picky = context(*chain, newest=ssl.TLSVersion.TLSv1_2)
    picky.set_ciphers("ADH:@SECLEVEL=0")
    with Server(smtp(picky, implicit=True)) as server:
        seen = await look(server, 465)
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.version) == ("tls-incompatible", None)
    assert seen.tls.alert == "SSLV3_ALERT_HANDSHAKE_FAILURE"


async def test_the_server_learns_why_its_certificate_was_refused() -> None:
    alerts: list[str] = []

    def converse(peer: Peer) -> None:
        sock = context(issue("x")).wrap_bio(inbound := ssl.MemoryBIO(), outbound := ssl.MemoryBIO(), server_side=True)
        while True:
            try:
                sock.do_handshake()
                sock.read()
            except ssl.SSLWantReadError:
                peer.send(outbound.read())
                inbound.write(peer.raw())
            except ssl.SSLError as error:
                alerts.append(error.reason)
                return

    with Server(converse) as server:
        await look(server, 465)
        server.settle()
    assert any("ALERT" in alert for alert in alerts), alerts


async def test_the_name_of_the_host_is_sent_and_an_address_is_not() -> None:
    asked: list[str | None] = []

    def remember(sock: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked.append(name)

    tls = context(pki().leaf, pki().intermediate)
    tls.sni_callback = remember
    with Server(smtp(tls, implicit=True)) as server:
        await look(server, 465)
        await look(server, 465, host="127.0.0.1")
    assert asked == [HOST, None]


async def test_the_strict_context_takes_no_unknown_root() -> None:
    assert stores().strict.verify_mode is ssl.CERT_REQUIRED
    assert stores().strict.check_hostname is True
    assert stores().strict.minimum_version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


async def test_without_the_lab_its_root_is_nobodys() -> None:
    with Server(smtp(pki().good, implicit=True)) as server:
        seen = await look(server, 465, trusted=TrustStores(Policy(), bundles=()))
    assert seen.tls is not None
    assert (seen.tls.trusted, seen.tls.fault) == (False, "cert-untrusted")


async def test_both_stores_are_asked(tmp_path: Path) -> None:
    """A root of the machine that is no public root is what an inspecting proxy has."""
    public = tmp_path / "public.pem"
    public.write_bytes(pem(pki().root))
    trusted = TrustStores(Policy(trust=Trust(public_roots=str(public)), lab=Lab(roots=str(roots_file()))))
    other = tmp_path / "other.pem"
    other.write_bytes(pem(pki().stranger))
    apart = TrustStores(Policy(trust=Trust(public_roots=str(other)), lab=Lab(roots=str(roots_file()))))
    with Server(smtp(pki().good, implicit=True)) as server:
        both = await look(server, 465, trusted=trusted)
        only_here = await look(server, 465, trusted=apart)
        of_lab = await look(server, 465)
        only_public = await look(server, 465, trusted=TrustStores(Policy(trust=Trust(public_roots=str(public)))))
    assert both.tls is not None
    assert only_here.tls is not None
    assert of_lab.tls is not None
    assert only_public.tls is not None
    assert (both.tls.trusted, both.tls.public_trusted) == (True, True)
    assert (of_lab.tls.trusted, of_lab.tls.public_trusted) == (True, True), "a lab's roots are its world's"
    assert (only_here.tls.trusted, only_here.tls.public_trusted) == (True, False)
    assert (only_public.tls.trusted, only_public.tls.public_trusted) == (False, True)


async def test_more_than_64_kib_of_certificates_end_the_probe() -> None:
    huge = issue("huge", issuer=pki().intermediate, sans=[f"{'x' * 60}.{number:04}.example" for number in range(600)])
    chain = [huge, *[issue("huge", sans=[f"{'y' * 60}.{n:04}.example" for n in range(400)]) for _ in range(2)]]
    with Server(smtp(context(*chain), implicit=True)) as server:
        seen = await look(server, 465)
    assert seen.state == "open"
    assert seen.tls is not None
    assert seen.tls.trusted is not True


@pytest.mark.parametrize(
    ("tls", "worth"),
    [
        (None, False),
        (Tls(version="TLSv1.3"), False),
        (Tls(alert="TLSV1_ALERT_PROTOCOL_VERSION"), True),
        (Tls(alert="SSLV3_ALERT_HANDSHAKE_FAILURE"), True),
        (Tls(alert="UNEXPECTED_EOF_WHILE_READING"), True),
        (Tls(alert="ECONNRESET"), True),
        (Tls(alert="no answer to the TLS handshake in 10 s"), False),
    ],
)
def test_when_old_versions_are_worth_a_try(tls: Tls | None, worth: bool) -> None:
    assert may_be_legacy(tls) is worth


def test_a_modern_version_is_never_called_old() -> None:
    assert legacy(Tls(version="TLSv1.2"), "x") is None
    assert legacy(Tls(version="TLSv1.3"), "x") is None


async def test_a_plain_refusal_of_starttls_makes_no_second_connection() -> None:
    with Server(saying(b"220 ESMTP\r\n", b"250-x\r\n250 STARTTLS\r\n", b"502 no\r\n", b"221 bye\r\n")) as server:
        await look(server, 587)
        assert len(server.said) == 1


@pytest.mark.parametrize("port", [465, 587])
async def test_a_server_that_takes_one_connection_only_still_shows_its_first_fault(port: int) -> None:
    leaf = issue(HOST, issuer=pki().intermediate, sans=("other.example",))
    once: list[Peer] = []

    def converse(peer: Peer) -> None:
        once.append(peer)
        if len(once) == 1:
            smtp(context(leaf, pki().intermediate), implicit=port == 465)(peer)
        elif port == 465:
            peer.reset()
        else:
            peer.send(b"421 4.7.0 Too many connections\r\n")

    with Server(converse) as server:
        seen = await look(server, port)
    assert seen.state == "open"
    assert seen.tls is not None
    assert seen.tls.faults == ("cert-name-mismatch",)
    assert len(once) == 2


class TestRootsOfTheSystem:
    def test_a_python_that_looks_elsewhere_finds_them(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bundle = tmp_path / "bundle.pem"
        bundle.write_bytes(pem(pki().root))
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/roots.pem")
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        found = TrustStores(Policy(), bundles=("/nowhere", str(bundle)))
        assert found.strict.get_ca_certs(binary_form=True) == [pki().root.der]
        assert found.system_files == [(str(bundle), None)]

    @pytest.mark.parametrize("named", ["/nowhere/roots.pem", "/dev/null"])
    async def test_without_any_nothing_is_trusted_and_it_is_said(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", named)
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        with Server(smtp(pki().good)) as server:
            seen = await look(server, 587, trusted=TrustStores(Policy(), bundles=()))
        assert seen.tls is not None
        assert (seen.tls.trusted, seen.tls.fault) == (False, "cert-untrusted")

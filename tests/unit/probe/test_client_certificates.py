"""Servers that let nobody in without a certificate of theirs, and what only looks like that."""

import ssl
from collections.abc import Callable

import pytest
from tests.unit.core_certificates import context, pki
from tests.unit.core_records import ALERT, DATA, Sealed
from tests.unit.core_scripts import smtp, until_tls
from tests.unit.core_servers import Behaviour, Peer, Server
from tests.unit.core_timing import timed
from tests.unit.core_world import look

from poterne.diagnosis.evidence import verified
from poterne.report import Family, Observation

PATIENT = timed(dialogue={"greeting": 15.0, "reply": 15.0, "handshake": 15.0})
REQUIRED = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def asking(newest: ssl.TLSVersion, clients: ssl.VerifyMode) -> ssl.SSLContext:
    made = context(pki().leaf, pki().intermediate, newest=newest, clients=clients)
    made.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(pki().root.der))
    return made


async def see(
    behaviour: Behaviour, port: int, family: Family = 4, *, early: list[Observation] | None = None
) -> tuple[Observation, int]:
    """What is seen of a server, and how many connections that took. `early` takes what is told before the end."""
    with Server(behaviour, family) as server:
        seen = await look(server, port, seconds=20, timing=PATIENT, progress=early)
        return seen, len(server.said)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("port", [465, 587])
async def test_a_server_that_requires_one(port: int, family: Family) -> None:
    """The alert comes when the handshake is over."""
    tls = asking(ssl.TLSVersion.TLSv1_3, ssl.CERT_REQUIRED)
    early: list[Observation] = []
    seen, tried = await see(smtp(tls, implicit=port == 465), port, family, early=early)
    assert not any(map(verified, early)), "what is told early stays true"
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.faults) == ("client-certificate-wanted", ("client-certificate-wanted",))
    assert (seen.tls.alert, seen.tls.version) == (REQUIRED, "TLSv1.3")
    assert (seen.tls.trusted, seen.tls.name_ok) == (True, True), "its own certificate is good"
    assert tried == 1
    assert not verified(seen)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("port", [465, 587])
async def test_an_older_server_that_requires_one(port: int, family: Family) -> None:
    """In TLS 1.2 its alert may mean anything; that it asked for one says what."""
    tls = asking(ssl.TLSVersion.TLSv1_2, ssl.CERT_REQUIRED)
    early: list[Observation] = []
    seen, tried = await see(smtp(tls, implicit=port == 465), port, family, early=early)
    assert not any(map(verified, early)), "what is told early stays true"
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.faults) == ("client-certificate-wanted", ("client-certificate-wanted",))
    assert (seen.tls.alert, seen.tls.version) == ("SSLV3_ALERT_HANDSHAKE_FAILURE", None)
    assert tried == 1
    assert not verified(seen)


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["TLS 1.3", "TLS 1.2"])
async def test_a_server_that_takes_one_and_does_without(port: int, newest: ssl.TLSVersion) -> None:
    seen, tried = await see(smtp(asking(newest, ssl.CERT_OPTIONAL), implicit=port == 465), port)
    assert verified(seen)
    assert tried == 1


async def test_its_own_certificate_may_be_bad_as_well() -> None:
    """The strict handshake ends with the server's certificate; the look at it goes on to the alert."""
    newest = context(pki().leaf, newest=ssl.TLSVersion.TLSv1_3, clients=ssl.CERT_REQUIRED)
    seen, _ = await see(smtp(newest, implicit=True), 465)
    assert seen.tls is not None
    assert seen.tls.faults == ("cert-untrusted", "client-certificate-wanted")
    assert seen.tls.fault == "cert-untrusted"


def after_the_handshake(clients: ssl.VerifyMode, *alert: int) -> Callable[[Peer], None]:
    """A handshake of TLS 1.3, an alert, and the end."""

    def converse(peer: Peer) -> None:
        tls = Sealed(peer, asking(ssl.TLSVersion.TLSv1_3, clients))
        if alert:
            tls.send(ALERT, bytes(alert))
        else:
            peer.close()

    return converse


@pytest.mark.parametrize("layer", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("asks", "alert", "fault"),
    [
        (True, (2, 42), "client-certificate-wanted"),
        (True, (2, 48), "client-certificate-wanted"),
        (False, (2, 42), None),
        (False, (2, 48), None),
        (False, (2, 80), None),
        (True, (2, 80), None),
        (True, (), None),
        (True, (1, 0), None),
        (False, (2, 116), "client-certificate-wanted"),
    ],
    ids=[
        "bad_certificate, asked",
        "unknown_ca, asked",
        "bad_certificate, not asked",
        "unknown_ca, not asked",
        "internal_error, not asked",
        "internal_error, asked",
        "closed, asked",
        "close_notify, asked",
        "certificate_required",
    ],
)
async def test_what_an_alert_after_the_handshake_proves(
    layer: str, asks: bool, alert: tuple[int, ...], fault: str | None
) -> None:
    """An alert about a certificate is about ours only where the server asked for it; any other end proves nothing."""
    converse = after_the_handshake(ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE, *alert)
    seen, _ = await see(until_tls("tls" if layer == "tls" else "starttls", converse), 465 if layer == "tls" else 587)
    assert seen.tls is not None
    assert (seen.tls.fault, seen.tls.version) == (fault, "TLSv1.3")
    assert not verified(seen)


async def test_a_greeting_behind_the_question_is_a_good_dialogue() -> None:
    def converse(peer: Peer) -> None:
        tls = Sealed(peer, asking(ssl.TLSVersion.TLSv1_3, ssl.CERT_OPTIONAL))
        tls.send(DATA, b"220 mail ESMTP\r\n")
        while peer.line():
            tls.send(DATA, b"250 mail\r\n")

    seen, _ = await see(converse, 465)
    assert verified(seen)

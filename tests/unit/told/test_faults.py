"""What a whole report says of faults that a connection shows: the finding, its words, and no settings that are good."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.unit.core_certificates import HOST, context, issue, pki
from tests.unit.core_records import ALERT, HANDSHAKE, record, retry
from tests.unit.core_scripts import saying, smtp, until_tls
from tests.unit.core_servers import Behaviour, Peer, Server
from tests.unit.core_timing import timed
from tests.unit.core_world import codes, mapped, policy, report, roots_file

PATIENT = timed(dialogue={"greeting": 5.0, "reply": 5.0, "handshake": 5.0})


def _weak() -> Behaviour:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the fault itself
    leaf = issue(HOST, issuer=pki().intermediate, sans=(HOST,), key=key)
    return smtp(context(leaf, pki().intermediate, weak=True), implicit=True)


def _for_clients() -> Behaviour:
    leaf = issue(HOST, issuer=pki().intermediate, sans=(HOST,), client_only=True)
    return smtp(context(leaf, pki().intermediate), implicit=True)


def _retries(peer: Peer) -> None:
    hello = peer.raw()
    for _ in range(5):
        peer.send(retry(hello))
        peer.raw()


def _no_protocol(peer: Peer) -> None:
    peer.raw()
    peer.send(record(ALERT, b"\x02\x78"))
    peer.reset()


def _large(peer: Peer) -> None:
    peer.raw()
    peer.send(record(HANDSHAKE, b"\x02\xff\xff\xff" + bytes(99)))
    peer.drain()


@pytest.mark.parametrize(
    ("port", "make", "code", "words"),
    [
        pytest.param(465, _weak, "cert-weak", "EE certificate key too weak", id="RSA-1024"),
        pytest.param(465, _for_clients, "tls-failed", "purpose", id="for clients only"),
        pytest.param(465, lambda: _retries, "tls-failed", "UNEXPECTED_MESSAGE", id="HelloRetryRequest loop"),
        pytest.param(465, lambda: _no_protocol, "tls-failed", "NO_APPLICATION_PROTOCOL", id="ALPN"),
        pytest.param(
            587, lambda: until_tls("starttls", _no_protocol), "tls-failed", "NO_APPLICATION_", id="ALPN later"
        ),
        pytest.param(465, lambda: _large, "tls-failed", "EXCESSIVE_MESSAGE_SIZE", id="a message of 16 MiB"),
        pytest.param(
            587, lambda: saying(b"220 ESMTP\r\n250-x\r\n250 STARTTLS\r\n"), "connection-cut", None, id="early answer"
        ),
        pytest.param(
            587,
            lambda: saying(b"220 ESMTP\r\n", b"250-x\r\n250 STARTTLS\r\n220 go\r\n"),
            "starttls-injection",
            None,
            id="early STARTTLS",
        ),
    ],
)
async def test_a_fault_is_told(
    tmp_path: Path, port: int, make: Callable[[], Behaviour], code: str, words: str | None
) -> None:
    with Server(make()) as server:
        rules = policy(tmp_path, roots=roots_file(), connect_to=mapped(HOST, **{f"p{port}": server}))
        found = await report(f"{HOST}:{port}", rules, ports=(port,), budget=15.0, timing=PATIENT)
    assert code in codes(found)
    assert "ok" not in codes(found)
    assert found.verdict.code == code
    (finding,) = [finding for finding in found.findings if finding.code == code]
    assert finding.evidence
    if words is not None:
        assert words in str(finding.params.get("alert") or finding.params["reason"])
    assert not [setting for setting in (*found.settings.outgoing, *found.settings.incoming) if setting.verified]

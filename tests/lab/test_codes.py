"""Every code that docs/contract.md names is produced on the wire by some test of this folder."""

import time
from pathlib import Path

import pytest

from .played import Register

CODES = {
    "port25-blocked", "port25-relay-only", "port-blocked", "mail-allowlist", "local-firewall", "gateway-firewall",
    "smtp-intercepted", "starttls-stripped", "tls-intercepted", "tls-stalled", "captive-portal", "offline",
    "ipv6-broken", "ipv4-broken", "proxy-only",
    "server-down", "client-rejected", "port-closed", "port-silent", "no-mail-service", "greeting-refused",
    "greeting-busy", "no-greeting", "slow-greeting", "wrong-protocol",
    "dns-nxdomain", "dns-nodata", "dns-servfail", "dns-timeout", "dns-hijacked", "wrong-host-name",
    "dns-differs", "resolver-slow", "own-address", "private-address",
    "wrong-security", "cert-expired", "cert-not-yet-valid", "cert-name-mismatch", "cert-self-signed", "cert-untrusted",
    "cert-incomplete-chain", "chain-expired", "cert-weak", "cert-no-san", "roots-outdated", "cert-expiring",
    "clock-wrong", "tls-legacy-only", "tls-incompatible", "client-certificate-wanted", "tls-failed", "plaintext-only",
    "starttls-injection",
    "auth-oauth-only", "auth-before-tls", "auth-absent",
    "ok", "unproven",
}  # fmt: skip


# Of another process, which may have begun the longest of its files a moment ago.
PATIENCE_SECONDS = 600.0


def test_every_code_was_seen(register: Register, request: pytest.FixtureRequest) -> None:
    """Runs last (conftest), over what the others have seen; a part of them proves nothing."""
    folder = Path(__file__).parent
    items = [item for item in request.session.items if item.path.parent == folder]
    if missing := {path.name for path in folder.glob("test_*.py")} - {item.path.name for item in items}:
        pytest.skip(f"not all of the lab was run: {', '.join(sorted(missing))}")
    others = {item.nodeid for item in items} - {request.node.nodeid}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing := others - {played.test for played in register.read()}:
        assert time.monotonic() < deadline, missing
        time.sleep(0.2)
    if request.session.testsfailed or any(played.failed for played in register.read()):
        pytest.skip("other tests failed")
    assert CODES - {code for played in register.read() for code in played.codes} == set()

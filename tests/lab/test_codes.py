"""Every code that docs/contract.md names is produced on the wire by some test of this folder."""

from pathlib import Path

import pytest

from .world import World

CODES = {
    "port25-blocked", "port25-relay-only", "port-blocked", "mail-allowlist", "local-firewall", "gateway-firewall",
    "smtp-intercepted", "starttls-stripped", "tls-intercepted", "captive-portal", "offline", "ipv6-broken",
    "ipv4-broken",
    "server-down", "client-rejected", "port-closed", "port-silent", "no-mail-service", "greeting-refused",
    "greeting-busy", "no-greeting", "slow-greeting", "wrong-protocol",
    "dns-nxdomain", "dns-nodata", "dns-servfail", "dns-timeout", "dns-hijacked", "wrong-host-name",
    "wrong-security", "cert-expired", "cert-not-yet-valid", "cert-name-mismatch", "cert-self-signed", "cert-untrusted",
    "cert-incomplete-chain", "cert-expiring", "clock-wrong", "tls-legacy-only", "tls-failed", "plaintext-only",
    "starttls-injection",
    "auth-oauth-only", "auth-before-tls", "auth-absent",
    "ok", "unproven",
}  # fmt: skip


def test_every_code_was_seen(world: World, request: pytest.FixtureRequest) -> None:
    """Runs last (conftest), over what the others have seen; a part of them proves nothing."""
    folder = Path(__file__).parent
    played = {item.path.name for item in request.session.items if item.path.parent == folder}
    if missing := {path.name for path in folder.glob("test_*.py")} - played:
        pytest.skip(f"not all of the lab was run: {', '.join(sorted(missing))}")
    if request.session.testsfailed:
        pytest.skip("other tests failed")
    assert CODES - {code for run in world.runs if run.events for code in run.codes} == set()

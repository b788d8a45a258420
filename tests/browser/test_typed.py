"""What somebody types into the popup is tested: any port, and of a web address the host."""

import pytest
from tests.unit.core_certificates import pki
from tests.unit.core_scripts import imap
from tests.unit.core_servers import Server

from .conftest import message
from .drive.popup import Popup

pytestmark = pytest.mark.shared_browser

MAIL = "mail.provider.example"
STORED = """Promise.all([
    ...["session", "local"].map((area) => chrome.storage[area].get(null)),
    ...[document.documentElement.outerHTML, document.querySelector("#target").value],
]).then((found) => JSON.stringify(found))"""


def test_a_port_of_no_table_is_tested_by_what_speaks_there(popup: Popup) -> None:
    with Server(imap(pki().good)) as server:
        popup.check(f"127.0.0.1:{server.port}")
        (row,) = [row for row in popup.endpoints() if row["port"] == str(server.port)]
        assert row["state"] == "open"
        assert b"STARTTLS" in b"".join(server.said)
    assert popup.refusals == []
    assert popup.verdict is not None
    assert popup.verdict[0].startswith("cert-"), "the roots of the demonstration are others"
    assert message("en", "ui_purpose_imap") in popup.page.evaluate("document.body.textContent")


def test_nothing_of_a_web_address_is_kept_but_its_host(popup: Popup) -> None:
    popup.check(f"https://jane:secret1@{MAIL}/secret2/?secret3=1#secret4")
    assert popup.refusals == []
    assert {row["host"] for row in popup.endpoints()} >= {MAIL}
    kept = popup.page.evaluate(STORED)
    assert MAIL in kept
    assert "secret" not in kept

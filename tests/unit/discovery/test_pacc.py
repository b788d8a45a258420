import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core_discovery import ADDRESS, Discovered, Records, discover, is_plain
from tests.unit.core_sites import Page, Site, answer, document, redirect

from poterne.discovery import pacc
from poterne.discovery.refusal import Unusable

PLACE = "ua-auto-config.example.org/.well-known/user-agent-configuration.json"
DIGEST = "_ua-auto-config.example.org"
TABLES = '[discovery]\nsources = ["pacc"]'


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def body_of(submission: str = "submit", **more: Any) -> bytes:
    return json.dumps(
        {
            "protocols": {
                "imap": {"host": "imap.example.org"},
                submission: {"host": "smtp.example.org"},
                "caldav": {"url": "https://dav.example.org/"},
                "managesieve": {"host": "imap.example.org"},
            },
            "authentication": {"oauth-public": {"issuer": "https://id.example.org"}, "password": True},
            "info": {"provider": {"name": "Example"}},
            **more,
        }
    ).encode()


def digest_of(body: bytes) -> str:
    return f"v=UAAC1; a=sha256; d={base64.b64encode(hashlib.sha256(body).digest()).decode()}"


def serve(folder: Path, page: Page, texts: list[str] | str) -> Discovered:
    records: Records = {
        ("imap.example.org", "A"): [ADDRESS],
        ("smtp.example.org", "A"): [ADDRESS],
        (DIGEST, "TXT"): texts if isinstance(texts, str) else [f'"{text}"' for text in texts],
    }
    with Site({PLACE: page}) as site:
        return discover(folder, "someone@example.org", records, site=site, tables=TABLES)


@pytest.mark.parametrize("key", ["submit", "smtp"])
def test_both_spellings_of_submission(tmp_path: Path, key: str) -> None:
    body = body_of(key)
    found = serve(tmp_path, document(body), [digest_of(body)])
    assert [(o.protocol, o.host, o.port, o.security, o.username, o.auth) for o in found.offers] == [
        ("imap", "imap.example.org", 993, "tls", "address", ("password", "oauth2")),
        ("smtp", "smtp.example.org", 465, "tls", "address", ("password", "oauth2")),
        ("sieve", "imap.example.org", 4190, "starttls", "address", ("password", "oauth2")),
    ]
    assert {offer.source for offer in found.offers} == {"pacc"}
    assert found.lookup(f"https://{PLACE}").state == "found"
    assert found.lookup(DIGEST).state == "found"
    assert found.ports("smtp.example.org") == [465, 587, 25]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([digest_of(b"another document")], "not the document"),
        ("NODATA", "no digest"),
        ("NXDOMAIN", "no digest"),
        ("SERVFAIL", "could not be asked"),
        ("SILENT", "could not be asked"),
        (["v=spf1 -all"], "no digest"),
        (["v=UAAC2; a=sha256; d=AAAA"], "no digest"),
        (["v=UAAC1; a=md5; d=AAAA"], "no digest"),
        (["v=UAAC1; a=sha256; d=AAAA"], "no digest"),
        (["v=UAAC1; a=sha256; d=***"], "no digest"),
        (["v=UAAC1; a=sha256"], "no digest"),
    ],
)
def test_a_document_for_which_nobody_vouches_is_refused(tmp_path: Path, texts: list[str] | str, words: str) -> None:
    found = serve(tmp_path, document(body_of()), texts)
    lookup = found.lookup(f"https://{PLACE}")
    assert lookup.state == "refused"
    assert lookup.problem is not None
    assert words in lookup.problem
    assert found.offers == []


def test_one_byte_makes_another_document(tmp_path: Path) -> None:
    body = body_of()
    found = serve(tmp_path, document(body + b" "), [digest_of(body)])
    assert found.lookup(f"https://{PLACE}").state == "refused"


def test_one_of_several_digests_is_enough(tmp_path: Path) -> None:
    """While a document is being replaced, both records stand side by side."""
    body = body_of()
    found = serve(tmp_path, document(body), ["v=spf1 -all", digest_of(b"before"), digest_of(body)])
    assert found.lookup(f"https://{PLACE}").state == "found"


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_a_record_of_several_strings(tmp_path: Path, cut: int) -> None:
    body = body_of()
    text = digest_of(body)
    found = serve(tmp_path, document(body), [f'{text[:cut]}" "{text[cut:]}'])
    assert found.lookup(f"https://{PLACE}").state == "found"


@pytest.mark.parametrize("text", ["V=uaac1;A=SHA256;D={}", " v = UAAC1 ; x=y; a = sha256 ; d = {} ;"])
def test_tags_are_read_with_latitude(text: str) -> None:
    body = body_of()
    record = text.format(base64.b64encode(hashlib.sha256(body).digest()).decode())
    pacc.check(body, "ok", [record.encode()])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{", "not JSON"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"[" * 60000, "not JSON"),
        (b'{"protocols": ' + b"9" * 6000 + b"}", "not JSON"),
        (b"[]", "no protocols"),
        (b"null", "no protocols"),
        (b'{"protocols": []}', "no protocols"),
        (b'{"protocols": {}}', "no server"),
        (b'{"protocols": {"jmap": {"url": "https://example.org"}}}', "no server"),
        (b'{"protocols": {"imap": {}}}', "no host"),
        (b'{"protocols": {"imap": "imap.example.org"}}', "no host"),
        (b'{"protocols": {"imap": {"host": 7}}}', "no host"),
        (b'{"protocols": {"imap": {"host": "a\\nb.example.org"}}}', "no host name"),
        (b'{"protocols": {"imap": {"host": "\\u202eexample.org"}}}', "no host name"),
        (b'{"protocols": {"imap": {"host": "localhost"}}}', "no full host name"),
        (b'{"protocols": {"imap": {"host": "\\ud800.example.org"}}}', "no host name"),
    ],
)
def test_hostile_documents_are_refused_in_one_clear_line(tmp_path: Path, body: bytes, words: str) -> None:
    found = serve(tmp_path, document(body), [digest_of(body)])
    lookup = found.lookup(f"https://{PLACE}")
    assert lookup.state == "refused"
    assert lookup.problem is not None
    assert words in lookup.problem
    assert is_plain(lookup.problem)
    assert found.offers == []


@pytest.mark.parametrize(
    ("page", "state"),
    [
        (answer("404 Not Found"), "absent"),
        (answer("500 Oops"), "failed"),
        (document(b" " * 65537), "refused"),
        (redirect("http://example.org/"), "refused"),
        (redirect(f"https://{PLACE}"), "refused"),
    ],
)
def test_answers_without_a_document(tmp_path: Path, page: bytes, state: str) -> None:
    found = serve(tmp_path, page, "NXDOMAIN")
    assert found.lookup(f"https://{PLACE}").state == state
    assert found.lookup(DIGEST).state == "absent"


def test_policy_switches_it_off(tmp_path: Path) -> None:
    found = discover(tmp_path, "me@example.org", {}, tables="[discovery]\nsources = []")
    assert found.states("pacc") == ["off"]
    assert not [name for name, _ in found.asked if "ua-auto-config" in name]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(["imap", "pop3", "smtp", "submit", "managesieve", "jmap"])


@given(st.dictionaries(_KEYS, _JSON | st.fixed_dictionaries({"host": _JSON | st.just("a.example")}), max_size=4), _JSON)
def test_any_json_is_read_or_refused(protocols: dict[str, Any], authentication: Any) -> None:
    body = json.dumps({"protocols": protocols, "authentication": authentication}).encode()
    try:
        offers, _ = pacc.read(body, domain="example.org")
    except Unusable as problem:
        assert is_plain(str(problem))
    else:
        assert all(offer.host.isascii() for offer in offers)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(Unusable):
        pacc.read(body, domain="example.org")


@given(st.lists(st.binary(max_size=80), max_size=3))
def test_any_record_vouches_for_nothing(texts: list[bytes]) -> None:
    with pytest.raises(pacc.Mismatch):
        pacc.check(b"document", "ok", texts)

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core_discovery import ADDRESS, ANOTHER, Discovered, Records, discover, is_plain
from tests.unit.core_providers import configuration
from tests.unit.core_servers import Peer
from tests.unit.core_sites import Page, Site, answer, document, redirect
from tests.unit.core_timing import QUICK, timed

from poterne.discovery.clientconfig import Unreadable, read
from poterne.knowledge import discovery
from poterne.knowledge.timing import Timing
from poterne.report import Offer

FIRST = "autoconfig.example.org/mail/config-v1.1.xml"
SECOND = "example.org/.well-known/autoconfig/mail/config-v1.1.xml"
WITH_ADDRESS = f"{FIRST}?emailaddress=poterne%40example.org"
IMAP = "imap imap.example.org 993 SSL %EMAILADDRESS% password-cleartext"
SMTP = "smtp smtp.example.org 465 SSL %EMAILADDRESS% password-cleartext"
GOOD = configuration([IMAP, SMTP])
RECORDS: Records = {("imap.example.org", "A"): [ADDRESS], ("smtp.example.org", "A"): [ANOTHER]}
ALONE = '[discovery]\nsources = ["autoconfig"]'


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def parsed(*servers: str, domain: str = "example.org") -> tuple[Offer, ...]:
    return read(configuration(servers), domain=domain, source="autoconfig", said_by=domain).offers


def problem_of(body: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        read(body, domain="example.org", source="autoconfig", said_by="example.org")
    return str(caught.value)


def serve(
    folder: Path, pages: dict[str, Page], records: Records = RECORDS, *, tables: str = ALONE, timing: Timing = QUICK
) -> tuple[Discovered, Site]:
    with Site(pages, hosts=("autoconfig.example.org", "example.org")) as site:
        return discover(folder, "someone@example.org", records, site=site, tables=tables, timing=timing), site


# ---- the document


def test_servers_in_their_order_and_in_our_words() -> None:
    offers = parsed(
        "imap imap.example.org 143 STARTTLS %EMAILLOCALPART% password-encrypted OAuth2 GSSAPI",
        "pop3 pop.example.org 110 plain me NTLM",
        "smtp smtp.example.org 465 SSL %EMAILADDRESS% TLS-client-cert none client-IP-address",
    )
    assert [(o.protocol, o.host, o.port, o.security, o.username, o.auth) for o in offers] == [
        ("imap", "imap.example.org", 143, "starttls", "local-part", ("password", "oauth2", "kerberos")),
        ("pop3", "pop.example.org", 110, "none", "unknown", ("ntlm",)),
        ("smtp", "smtp.example.org", 465, "tls", "address", ("certificate",)),
    ]
    assert [offer.rank for offer in offers] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("%EMAILADDRESS%", "address"),
        ("%EMAILLOCALPART%@%EMAILDOMAIN%", "address"),
        ("%EMAILLOCALPART%@example.org", "address"),
        ("%EMAILLOCALPART%", "local-part"),
        ("%EMAILLOCALPART%@elsewhere.example", "unknown"),
        ("everybody", "unknown"),
        ("poterne", "unknown"),
        ("%REALNAME%", "unknown"),
        ("-", "unknown"),
    ],
)
def test_the_form_of_the_user_name(text: str, form: str) -> None:
    assert parsed(f"imap imap.example.org 993 SSL {text} OAuth2")[0].username == form


def test_placeholders_in_a_host() -> None:
    assert parsed("imap imap.%EMAILDOMAIN% 993 SSL - OAuth2", domain="xn--bcher-kva.example")[0].host == (
        "imap.xn--bcher-kva.example"
    )


@pytest.mark.parametrize("placeholder", ["%EMAILLOCALPART%.example.org", "%EMAILADDRESS%"])
def test_a_host_that_would_hold_the_users_name_is_left_out(placeholder: str) -> None:
    document = configuration([f"imap {placeholder} 993 SSL u p", SMTP])
    found = read(document, domain="example.org", source="autoconfig", said_by="example.org")
    assert [offer.host for offer in found.offers] == ["smtp.example.org"]
    assert found.problem is not None
    assert found.problem.reason == "personal-host"


@pytest.mark.parametrize(
    ("text", "own"), [("jdoe", True), ("x-%EMAILLOCALPART%", True), ("%EMAILADDRESS%", False), ("-", False)]
)
def test_a_name_that_the_provider_gives_is_no_address(text: str, own: bool) -> None:
    (offer,) = parsed(f"imap imap.example.org 993 SSL {text} p")
    assert offer.own_name is own
    assert (offer.username == "address") is (text == "%EMAILADDRESS%")


def test_what_cannot_be_used_does_not_count() -> None:
    entries = [*(f"imap host{number} 993 SSL u p" for number in range(90)), IMAP]
    assert [offer.host for offer in parsed(*entries)] == ["imap.example.org"]


def test_one_protocol_does_not_crowd_out_another() -> None:
    entries = [*(f"imap h{number}.example.org 993 SSL u p" for number in range(200)), SMTP]
    assert parsed(*entries)[-1].host == "smtp.example.org"


def test_a_host_is_normalised() -> None:
    assert parsed("imap IMAP.Bücher.example. 993 ssl - OAuth2")[0].host == "imap.xn--bcher-kva.example"


def test_kinds_that_are_no_mail_protocols_are_passed_over() -> None:
    others = [f"{kind} host.example 443 SSL %EMAILADDRESS% OAuth2" for kind in ("exchange", "ews", "graph", "jmap")]
    assert [offer.protocol for offer in parsed(*others, IMAP)] == ["imap"]
    assert "no server" in problem_of(configuration(others))


def test_an_incoming_server_that_says_smtp_is_passed_over() -> None:
    swapped = configuration([SMTP, IMAP]).replace(b"outgoingServer", b"incomingServer")
    assert [o.protocol for o in read(swapped, domain="example.org", source="s", said_by="d").offers] == ["imap"]


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("imap imap.example.org 0 SSL u p", "port"),
        ("imap imap.example.org 65536 SSL u p", "port"),
        ("imap imap.example.org -993 SSL u p", "port"),
        ("imap imap.example.org 993.0 SSL u p", "port"),
        ("imap imap.example.org ٩٩٣ SSL u p", "port"),
        ("imap imap.example.org - SSL u p", "port"),
        ("imap imap.example.org 993 TLS1 u p", "socket type"),
        ("imap imap.example.org 993 - u p", "socket type"),
        ("imap - 993 SSL u p", "host name"),
        ("imap localhost 993 SSL u p", "host name"),
        ("imap imap.example.org/path 993 SSL u p", "host name"),
        ("imap user@imap.example.org 993 SSL u p", "host name"),
        ("imap imap.example.org:25 993 SSL u p", "host name"),
        ("imap imap\texample.org 993 SSL u p", "host name"),
        ("imap imap\u202eexample.org 993 SSL u p", "host name"),
        ("imap imap\nevil.example.org 993 SSL u p", "host name"),
        (f"imap {'a' * 64}.example.org 993 SSL u p", "host name"),
        (f"imap {'a.' * 130}example 993 SSL u p", "host name"),
    ],
)
def test_an_unusable_server_is_left_out_with_one_clear_line(server: str, reason: str) -> None:
    problem = problem_of(configuration([server]))
    assert reason in problem
    assert is_plain(problem)
    assert len(problem) < 200
    beside = read(configuration([server, IMAP]), domain="example.org", source="s", said_by="d")
    assert [offer.host for offer in beside.offers] == ["imap.example.org"]
    assert str(beside.problem) == problem


def _bomb(kind: str) -> bytes:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    dtd = {
        "laughs": f'<!DOCTYPE clientConfig [<!ENTITY e0 "ha">{levels}]>',
        "external": '<!DOCTYPE clientConfig [<!ENTITY e9 SYSTEM "file:///etc/passwd">]>',
        "parameter": '<!DOCTYPE clientConfig [<!ENTITY % p SYSTEM "https://evil.example/x.dtd">%p;]>',
        "public": '<!DOCTYPE clientConfig PUBLIC "-//X//Y" "https://evil.example/x.dtd">',
        "quadratic": f'<!DOCTYPE clientConfig [<!ENTITY e9 "{"x" * 20000}">]>',
    }[kind]
    inside = GOOD.decode().partition("?>\n")[2].replace("<hostname>imap", "<hostname>&e9;imap")
    return f'<?xml version="1.0"?>{dtd}{inside}'.encode()


@pytest.mark.parametrize("kind", ["laughs", "external", "parameter", "public", "quadratic"])
def test_entities_are_refused_before_they_are_anything(kind: str) -> None:
    assert "entities" in problem_of(_bomb(kind))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html>\n<html><body>Welcome</body></html>", "a web page"),
        (b"\xef\xbb\xbf  <!doctype HTML><p>unclosed", "a web page"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><head/></html>", "a web page"),
        (b"<html><body><p>not closed", "a web page"),
        (b"", "not well-formed"),
        (b"{}", "not well-formed"),
        (b"<clientConfig>", "not well-formed"),
        (GOOD[:-30], "not well-formed"),
        (GOOD + GOOD, "not well-formed"),
        (b"\x00" * 100, "not well-formed"),
        (b"<?xml version='1.0' encoding='no-such-code'?><clientConfig/>", "not well-formed"),
        (b"<?xml version='1.0' encoding='shift_jis'?><clientConfig/>", "not well-formed"),
        (b"<Autodiscover/>", "not a clientConfig"),
        (b"<clientConfig/>", "no server"),
        (b"<clientConfig><emailProvider/></clientConfig>", "no server"),
        (b"<a>" * 20000, "not well-formed"),
        (b"<a>" * 9000 + b"</a>" * 9000, "not a clientConfig"),
    ],
)
def test_what_is_no_configuration_is_named(body: bytes, words: str) -> None:
    assert words in problem_of(body)


def test_other_encodings_and_namespaces_are_read() -> None:
    text = GOOD.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert len(read(text.encode("utf-16"), domain="example.org", source="s", said_by="d").offers) == 2
    spaced = GOOD.replace(b"<clientConfig", b"<clientConfig xmlns='urn:x'")
    assert len(read(spaced, domain="example.org", source="s", said_by="d").offers) == 2


def test_a_document_of_many_servers_is_cut() -> None:
    offers = parsed(*(f"imap i{number}.example.org 993 SSL u p" for number in range(300)))
    assert len(offers) == discovery.table().limits.servers


def _check_offers(offers: tuple[Offer, ...]) -> None:
    for offer in offers:
        assert 1 <= offer.port <= 65535
        assert offer.host.isascii()
        assert offer.host.isprintable()


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        _check_offers(read(body, domain="example.org", source="s", said_by="d").offers)
    except Unreadable as problem:
        assert is_plain(str(problem))


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["imap", "pop3", "smtp", "exchange", ""]),
            _TEXT | st.sampled_from(["imap.example.org", "%EMAILDOMAIN%", "10.0.0.1", "[::1]", "::1"]),
            _TEXT | st.integers(-1, 70000).map(str),
            st.sampled_from(["SSL", "STARTTLS", "plain", "ssl ", ""]) | _TEXT,
            _TEXT | st.sampled_from(["%EMAILADDRESS%", "%EMAILLOCALPART%"]),
            st.sampled_from(["OAuth2", "password-cleartext"]) | _TEXT,
        ),
        max_size=6,
    )
)
def test_any_fields_are_read_or_refused(servers: list[tuple[str, ...]]) -> None:
    body = configuration([" ".join(field.replace(" ", "\u00a0") for field in server) for server in servers])
    try:
        _check_offers(read(body, domain="example.org", source="s", said_by="d").offers)
    except Unreadable as problem:
        assert is_plain(str(problem))


@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3))
def test_any_damage_is_read_or_refused(place: int, damage: bytes) -> None:
    body = GOOD[:place] + damage + GOOD[place + 1 :]
    try:
        _check_offers(read(body, domain="example.org", source="s", said_by="d").offers)
    except Unreadable as problem:
        assert is_plain(str(problem))


# ---- where it is found


def test_the_first_place(tmp_path: Path) -> None:
    found, site = serve(tmp_path, {FIRST: document(GOOD)})
    assert found.lookup(f"https://{FIRST}").state == "found"
    assert found.lookup(f"https://{SECOND}").state == "absent"
    assert [offer.host for offer in found.offers] == ["imap.example.org", "smtp.example.org"]
    assert found.hosts == {("imap.example.org", "autoconfig"), ("smtp.example.org", "autoconfig")}
    assert site.asked.count(FIRST) == 1
    assert WITH_ADDRESS not in site.asked


def test_the_second_place(tmp_path: Path) -> None:
    found, _ = serve(tmp_path, {SECOND: document(GOOD)})
    assert found.lookup(f"https://{SECOND}").state == "found"
    assert len(found.offers) == 2


def test_two_documents_are_two_opinions_the_first_the_better(tmp_path: Path) -> None:
    other = configuration(["imap old.example.org 143 plain %EMAILLOCALPART% password-cleartext"])
    found, _ = serve(
        tmp_path,
        {FIRST: document(GOOD), SECOND: document(other)},
        {**RECORDS, ("old.example.org", "A"): [ADDRESS]},
    )
    ranked = sorted(found.offers, key=lambda offer: offer.rank)
    assert [offer.host for offer in ranked] == ["imap.example.org", "smtp.example.org", "old.example.org"]
    assert found.ports("old.example.org")[:2] == [143, 993], "a port without encryption brings its encrypted one"


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "500 Internal Server Error"])
def test_a_server_that_wants_an_address_gets_one_that_nobody_has(tmp_path: Path, status: str) -> None:
    found, site = serve(tmp_path, {FIRST: answer(status), WITH_ADDRESS: document(GOOD)})
    assert found.lookup(f"https://{WITH_ADDRESS}").state == "found"
    assert len(found.offers) == 2
    assert not [place for place in site.asked if "someone" in place]
    assert not [head for head in site.heads if "someone" in head]


def test_no_question_holds_the_users_local_part(tmp_path: Path) -> None:
    found, site = serve(tmp_path, {}, tables='[discovery]\nispdb = "https://example.org/db/"')
    assert site.heads
    assert not [head for head in site.heads if "someone" in head]
    assert not [name for name, _ in found.asked if "someone" in name]
    assert not [lookup for lookup in found.lookups if "someone" in lookup.place]


def test_nobody_at_home_is_absent(tmp_path: Path) -> None:
    found = discover(tmp_path, "me@example.org", {}, tables=ALONE)
    assert set(found.states("autoconfig")) == {"absent"}


@pytest.mark.parametrize(
    ("page", "state", "words"),
    [
        (document(b"<!DOCTYPE html><html></html>"), "refused", "a web page"),
        (document(_bomb("laughs")), "refused", "entities"),
        (document(GOOD + b" " * 65536), "refused", "larger than 64 KiB"),
        (answer("200 OK", GOOD, "Content-Encoding: gzip"), "refused", "compressed"),
        (answer("503 Service Unavailable"), "failed", "503"),
        (answer("204 No Content"), "failed", "204"),
        (answer("302 Found"), "refused", "nowhere"),
        (redirect("http://example.org/plain.xml"), "refused", "https:"),
        (redirect("ftp://example.org/plain.xml"), "refused", "https:"),
        (redirect("javascript:alert(1)"), "refused", "https:"),
        (redirect("https://[::1/"), "refused", "nowhere"),
        (redirect("https://127.0.0.1/x.xml"), "refused", "not to be asked"),
        (redirect("https://10.1.2.3/x.xml"), "refused", "not to be asked"),
        (redirect("https://169.254.169.254/latest/meta-data"), "refused", "not to be asked"),
        (redirect("https://[::ffff:127.0.0.1]/x.xml"), "refused", "not to be asked"),
        (redirect("https://inside.example.org/x.xml"), "refused", "not to be asked"),
        (redirect("https://user:word@example.org/x.xml"), "failed", "user name"),
        (redirect("https://example.org:22/x.xml"), "refused", "port 22"),
        (redirect("https://nowhere.example.org/x.xml"), "failed", "not found"),
        (redirect(f"https://{FIRST}"), "refused", "more than 3 redirects"),
        (redirect("/mail/config-v1.1.xml"), "refused", "more than 3 redirects"),
        (b"SSH-2.0-OpenSSH\r\n", "failed", "HTTP"),
        (b"", "failed", "HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<client", "failed", "HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000, "failed", "HTTP"),
    ],
)
def test_hostile_answers(tmp_path: Path, page: bytes, state: str, words: str) -> None:
    records: Records = {("inside.example.org", "A"): ["192.168.1.1"]}
    found, _ = serve(tmp_path, {FIRST: page, WITH_ADDRESS: page}, records)
    lookup = found.lookup(f"https://{FIRST}")
    assert (lookup.state, found.offers) == (state, [])
    assert lookup.problem is not None
    assert words in lookup.problem
    assert "\n" not in lookup.problem
    assert is_plain(lookup.problem)


def test_redirects_within_bounds_are_followed(tmp_path: Path) -> None:
    """The addresses that a redirect leads to count as a stranger's, unless a lab maps them."""
    pages: dict[str, Page] = {
        FIRST: redirect("/two"),
        "autoconfig.example.org/two": redirect("https://example.org/three?x=1", "307 Temporary Redirect"),
        "example.org/three?x=1": redirect("four", "302 Found"),
        "example.org/four": document(GOOD),
    }
    found, _ = serve(tmp_path, pages)
    assert found.lookup(f"https://{FIRST}").state == "found"
    assert len(found.offers) == 2


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    sent = 0

    def pour(peer: Peer) -> None:
        nonlocal sent
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        for _ in range(1600):
            peer.send(b"x" * 65536)
            sent += 65536

    found, _ = serve(tmp_path, {FIRST: pour, WITH_ADDRESS: pour})
    assert found.lookup(f"https://{FIRST}").state == "refused"
    assert sent < 50_000_000


def test_a_document_that_drips_ends_in_time(tmp_path: Path) -> None:
    def drip(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b" " * 2000, chunk=1, pause=0.05)

    timing = timed(discovery={"patience": 0.6})
    found, _ = serve(tmp_path, {FIRST: drip, SECOND: document(GOOD)}, timing=timing)
    assert found.lookup(f"https://{FIRST}").state == "failed"
    assert found.lookup(f"https://{FIRST}").problem == "no answer in time"
    assert len(found.offers) == 2, "the other place is not held back"


def test_a_certificate_that_does_not_name_the_host_is_refused(tmp_path: Path) -> None:
    with Site({"www.example.org/x": b""}) as site:
        site.hosts = ("autoconfig.example.org",)
        found = discover(tmp_path, "me@example.org", RECORDS, site=site, tables=ALONE)
    lookup = found.lookup(f"https://{FIRST}")
    assert lookup.state == "failed"
    assert lookup.problem is not None
    assert "certificate" in lookup.problem
    assert site.asked == [], "nothing is asked of a server that is not proven"


# ---- what a document may lead to


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1", "fe80::1", "fd00::1"]
)
def test_a_document_never_leads_into_this_network(tmp_path: Path, address: str) -> None:
    kind = "AAAA" if ":" in address else "A"
    records: Records = {("imap.example.org", kind): [address], ("smtp.example.org", "A"): [ANOTHER]}
    found, _ = serve(tmp_path, {FIRST: document(GOOD)}, records)
    assert found.hosts - {("example.org", "domain")} == {("smtp.example.org", "autoconfig")}
    lookup = found.lookup("imap.example.org")
    assert (lookup.source, lookup.state) == ("autoconfig", "refused")


def test_a_host_that_the_domain_names_too_is_still_tried(tmp_path: Path) -> None:
    """What a document may not name, DNS of the typed domain may."""
    records: Records = {
        ("imap.example.org", "A"): ["192.168.1.1"],
        ("_imaps._tcp.example.org", "SRV"): ["0 1 993 imap.example.org."],
    }
    found, _ = serve(tmp_path, {FIRST: document(GOOD)}, records, tables='[discovery]\nispdb = ""')
    assert {server.answer.addresses for server in found.servers if server.host == "imap.example.org"} == {
        ("192.168.1.1",)
    }
    assert 993 in found.ports("imap.example.org")


def test_the_addresses_that_a_document_may_not_name_are_dropped(tmp_path: Path) -> None:
    records: Records = {("imap.example.org", "A"): ["10.0.0.5", ADDRESS]}
    found, _ = serve(tmp_path, {FIRST: document(GOOD)}, records)
    (server,) = (server for server in found.servers if server.host == "imap.example.org")
    assert server.answer.addresses == (ADDRESS,)


def test_a_bare_name_with_a_document_is_a_domain(tmp_path: Path) -> None:
    records: Records = {**RECORDS, ("example.org", "A"): [ADDRESS]}
    with Site({FIRST: document(GOOD)}) as site:
        found = discover(tmp_path, "example.org", records, site=site)
    assert (found.target.kind, found.target.domain) == ("domain", "example.org")
    assert ("imap.example.org", "autoconfig") in found.hosts
    assert site.asked.count(FIRST) == 1, "no document is asked for twice"


def test_policy_switches_it_off(tmp_path: Path) -> None:
    found, site = serve(tmp_path, {FIRST: document(GOOD)}, tables='[discovery]\nsources = ["srv", "guess"]')
    assert found.states("autoconfig") == ["off"]
    assert site.asked == []

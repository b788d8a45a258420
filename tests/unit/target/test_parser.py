import re
import string
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poterne.errors import InvalidTarget
from poterne.report import Target
from poterne.target.parser import host_name, is_page, parse, scheme_of


def understood(text: str) -> tuple[str, str | None, str | None, int | None, str | None]:
    target = parse(text)
    return target.kind, target.domain, target.host, target.port, target.asked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user@example.org", ("account", "example.org", None, None, None)),
        ("  User@EXAMPLE.Org.  ", ("account", "example.org", None, None, None)),
        ("\u00a0user@example.org\n", ("account", "example.org", None, None, None)),
        ("user+tag@example.org", ("account", "example.org", None, None, None)),
        ("jos\u00e9@b\u00fccher.example", ("account", "xn--bcher-kva.example", None, None, None)),
        ("user@\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", ("account", "xn--r8jz45g.xn--zckzah", None, None, None)),
        ("mailto:user@example.org", ("account", "example.org", None, None, None)),
        ("MAILTO:user@example.org?subject=hello%20you", ("account", "example.org", None, None, None)),
        ("mailto:user%2Btag@example.org", ("account", "example.org", None, None, None)),
        ("example.org", ("domain", "example.org", None, None, None)),
        ("EXAMPLE.ORG.", ("domain", "example.org", None, None, None)),
        ("b\u00dccher.example", ("domain", "xn--bcher-kva.example", None, None, None)),
        ("XN--BCHER-KVA.example", ("domain", "xn--bcher-kva.example", None, None, None)),
        ("stra\u00dfe.example", ("domain", "xn--strae-oqa.example", None, None, None)),
        ("localhost", ("server", None, "localhost", None, None)),
        ("192.0.2.7", ("server", None, "192.0.2.7", None, None)),
        ("2001:DB8:0:0::7", ("server", None, "2001:db8::7", None, None)),
        ("[2001:db8::7]", ("server", None, "2001:db8::7", None, None)),
        ("::ffff:127.0.0.1", ("server", None, "127.0.0.1", None, None)),
        ("fe80::1%eth0", ("server", None, "fe80::1%eth0", None, None)),
        ("smtp.example.org:25", ("endpoint", None, "smtp.example.org", 25, None)),
        ("smtp.example.org.:25", ("endpoint", None, "smtp.example.org", 25, None)),
        ("192.0.2.7:587", ("endpoint", None, "192.0.2.7", 587, None)),
        ("[2001:db8::7]:993", ("endpoint", None, "2001:db8::7", 993, None)),
        ("[fe80::1%eth0]:25", ("endpoint", None, "fe80::1%eth0", 25, None)),
        ("localhost:65535", ("endpoint", None, "localhost", 65535, None)),
        ("smtp://smtp.example.org", ("endpoint", None, "smtp.example.org", 25, "starttls")),
        ("SMTP://SMTP.example.org:2525/", ("endpoint", None, "smtp.example.org", 2525, "starttls")),
        ("submission://example.org", ("endpoint", None, "example.org", 587, "starttls")),
        ("smtps://example.org", ("endpoint", None, "example.org", 465, "tls")),
        ("submissions://example.org:587", ("endpoint", None, "example.org", 587, "tls")),
        ("imap://example.org", ("endpoint", None, "example.org", 143, "starttls")),
        ("imaps://[2001:db8::7]/", ("endpoint", None, "2001:db8::7", 993, "tls")),
        ("pop3://example.org", ("endpoint", None, "example.org", 110, "starttls")),
        ("pop3s://example.org", ("endpoint", None, "example.org", 995, "tls")),
    ],
)
def test_what_is_understood(text: str, expected: tuple[str, str | None, str | None, int | None, str | None]) -> None:
    assert understood(text) == expected
    assert parse(text).input == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\n",
        ".",
        "..",
        "@",
        "user@",
        "@example.org",
        "a@b@example.org",
        "user@.",
        "user@example..org",
        "user@[192.0.2.1]",
        "user@192.0.2.1",
        "user@[IPv6:2001:db8::1]",
        "us er@example.org",
        "<user@example.org>",
        "User <user@example.org>",
        "user@example.org, other@example.org",
        "user@example.org:25",
        "x" * 65 + "@example.org",
        "mailto:",
        "mailto:?subject=x",
        "mailto:a@example.org,b@example.org",
        "mailto:user%0d%0aRCPT@example.org",
        "mailto:user%00@example.org",
        "mailto:example.org",
        ".example.org",
        "example..org",
        "example.org..",
        "-example.org",
        "example-.org",
        "exa mple.org",
        "exa\tmple.org",
        "example/path",
        "user@example.org/path",
        "example.org/24",
        "example.org:smtp/path",
        "example.org:587/path",
        "exam_ple!.org",
        "a,b.example",
        "a;b.example",
        "a*b.example",
        "example.org\x00",
        "exam\x00ple.org",
        "example\r\n.org",
        "exam\u200bple.org",
        "exam\u202eple.org",
        "\ud800.org",
        "exam\u00adple.org",
        "x" * 64 + ".org",
        ".".join(["x" * 49] * 6),
        "x" * 600,
        "a." * 200 + "org",
        "xn--.example",
        "xn--a.example",
        "xn--\u00fc.example",
        "xn--99999999.example",
        "\u2665.example",
        "a\u0300\u200d.org",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "010.0.0.1",
        "1.2.3.0x4",
        "1.2.3.",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "::ffff:0.0.0.0",
        "[",
        "[]",
        "[::1",
        "::1]",
        "[::1]25",
        "[::1]:",
        "[::1]:x",
        "[1.2.3.4]:25",
        "[example.org]:25",
        "::1::2",
        "12345::",
        "2001:db8::7%eth0",
        "fe80::1%",
        "fe80::1%e th0",
        "fe80::1%eth0/64",
        "2001:db8::/32",
        "192.0.2.0/24",
        "example.org:",
        "example.org:0",
        "example.org:-1",
        "example.org:65536",
        "example.org:999999",
        "example.org:25.0",
        "example.org:+25",
        "example.org:0x19",
        "example.org:25x",
        "example.org:\u0662\u0665",
        "example.org:1e2",
        ":25",
        "example.org:25:26",
        "example.org:smtp",
        "http://",
        "https:///webmail",
        "https://user@/x",
        "https://exa mple.org/x",
        "ftp://example.org",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "smtp://",
        "smtp:///",
        "smtp://user:secret@example.org",
        "smtp://user@example.org",
        "imaps://example.org/INBOX",
        "smtp://example.org?x=1",
        "smtp://example.org:99999",
        "smtp://example.org:25:26",
        "smtp:example.org",
        "://example.org",
        "smtp://smtp://example.org",
    ],
)
def test_what_is_refused_with_one_clear_line(text: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        parse(text)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert message.isprintable()
    assert (caught.value.exit_status, caught.value.code) == (2, "invalid-target")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://mail.example.org/webmail/?x=y", "https://mail.example.org"),
        ("HTTP://Example.ORG.", "http://example.org"),
        ("https://jane:secret@mail.example.org:8443/a", "https://mail.example.org"),
        ("https://mail.example.org?token=secret", "https://mail.example.org"),
        ("https://mail.example.org#secret", "https://mail.example.org"),
        ("https:\\\\mail.example.org\\secret", "https://mail.example.org"),
        (" https://mail.example.org/a b\tsecret\n", "https://mail.example.org"),
        ("https://mail.example.org/\u200bsecret", "https://mail.example.org"),
        ("https://mail.example.org/" + "secret" * 200, "https://mail.example.org"),
        ("https://mail.example.org/jane@example.com/", "https://mail.example.org"),
        ("https://b\u00fccher.example/", "https://xn--bcher-kva.example"),
        ("https://localhost:8443/secret", "https://localhost"),
        ("http://192.0.2.7:8080/secret", "http://192.0.2.7"),
        ("https://[2001:DB8::7]:8443/secret", "https://[2001:db8::7]"),
        ("mail.example.org/webmail?u=secret", "https://mail.example.org"),
        ("mail.example.org:8443/webmail", "https://mail.example.org"),
        ("mail.example.org?u=secret", "https://mail.example.org"),
        ("[2001:db8::7]/secret", "https://[2001:db8::7]"),
    ],
)
def test_a_web_address_stands_for_its_host(text: str, kept: str) -> None:
    target, host = parse(text), kept.partition("://")[2]
    assert understood(text) == understood(host)
    assert target.port is None
    assert target.input == kept
    assert is_page(target)
    assert parse(target.input) == target


@pytest.mark.parametrize("text", ["imaps://example.org", "smtp.example.org:25", "example.org", "jane@example.org"])
def test_nothing_else_is_taken_for_a_web_address(text: str) -> None:
    assert not is_page(parse(text))
    assert parse(text).input == text


def test_the_host_of_a_web_address_is_refused_without_the_rest() -> None:
    with pytest.raises(InvalidTarget) as caught:
        parse("https://jane:secret1@xn--99999999.example/secret2?secret3#secret4")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "service"),
    [("imaps://h.example:1993", "imaps"), ("smtp://h.example:26", "smtp"), ("h.example:26", None), ("h.example", None)],
)
def test_the_scheme_of_a_mail_url_names_a_service(text: str, service: str | None) -> None:
    row = scheme_of(parse(text))
    assert (row.service if row else None) == service


def test_a_refusal_never_repeats_a_password() -> None:
    with pytest.raises(InvalidTarget) as caught:
        parse("imaps://me:hunter2@example.org")
    assert "hunter2" not in str(caught.value)


def test_a_name_may_have_253_octets() -> None:
    name = ".".join(["x" * 49] * 5) + ".org"
    assert len(name) == 253
    assert parse(name).domain == name
    with pytest.raises(InvalidTarget):
        parse("x" + name)


LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10).filter(lambda t: not t.isdigit())
NAME = (
    st.lists(LABEL, min_size=2, max_size=4)
    .map(".".join)
    .filter(lambda name: not re.fullmatch(r"\d+|0x[0-9a-f]*", name.rsplit(".", 1)[1]) and "xn--" not in name)
)
NEARLY = st.text(
    st.one_of(
        st.sampled_from("aZ0.-_:@[]%/?#\\ \t\r\n\x00\u200b\u3002\u00fc\u00df\u0130\u202e\uff11\U0001f4a9\ud800xn"),
        st.characters(),
    ),
    max_size=40,
)


@given(st.one_of(st.text(max_size=60), NEARLY, st.from_regex(r"(mailto:|smtps?://|imaps://)?[\w.@:\[\]%-]{0,40}")))
@example("xn--ls8h.la")
@example("\u0130.example")
@example("\uff11\uff12\uff17.0.0.1")
@example("a" * 300 + "\u00fc.org")
@example("mailto:%ff%fe@example.org")
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        target = parse(text)
    except InvalidTarget as error:
        assert "\n" not in str(error)
        assert str(error).isprintable()
        return
    assert isinstance(target, Target)
    name = target.domain or target.host
    assert name is not None
    assert (target.domain is None) is (target.kind in ("server", "endpoint"))
    assert name == name.lower() or "%" in name
    assert re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:]+(%[A-Za-z0-9._-]+)?", name), name
    assert not name.endswith(".")
    assert len(name) <= 253
    assert all(unicodedata.category(c) not in {"Cc", "Cf"} for c in target.input)


@given(
    st.one_of(NEARLY, NAME, st.ip_addresses().map(str), st.text("abcxyz.\u00e4\u00f6\u0131\u03c2\u4f8b-", max_size=20))
)
def test_what_came_out_goes_in_again(text: str) -> None:
    try:
        name = host_name(text)
    except InvalidTarget:
        return
    assert host_name(name) == name
    again = parse(name)
    assert (again.domain or again.host) == name
    assert again.port is None


@given(NAME, st.integers(1, 65535))
def test_spellings_of_one_endpoint(name: str, port: int) -> None:
    plain = parse(f"{name}:{port}")
    assert (plain.host, plain.port) == (name, port)
    for spelling in (f" {name.upper()}:{port} ", f"{name}.:{port}", f"smtp://{name}:{port}", f"SMTP://{name}:{port}/"):
        other = parse(spelling)
        assert (other.kind, other.host, other.port) == ("endpoint", name, port)


@given(st.ip_addresses(v=6), st.integers(1, 65535))
def test_ipv6_addresses_in_brackets(address: object, port: int) -> None:
    try:
        plain = parse(str(address))
    except InvalidTarget:
        return
    other = parse(f"[{address}]:{port}")
    assert (other.host, other.port) == (plain.host, port)

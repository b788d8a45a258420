import pytest
from tests.unit.core_certificates import pki
from tests.unit.core_scripts import ftp, http, imap, pop3, saying, sieve, smtp
from tests.unit.core_servers import Behaviour, Server
from tests.unit.core_world import look

from poterne.report import Family

FAMILIES: tuple[Family, ...] = (4, 6)


IMAP_ALL = b"p1 CAPABILITY\r\np2 STARTTLS\r\np3 CAPABILITY\r\np4 LOGOUT\r\n"


def _tls(behaviour: str) -> Behaviour:
    good = pki().good
    made: dict[str, Behaviour] = {
        "imap": imap(good),
        "imaps": imap(good, implicit=True),
        "pop3": pop3(good),
        "pop3s": pop3(good, implicit=True),
        "sieve": sieve(good),
        "ftp": ftp(good),
        "http": http(),
        "https": http(good),
        "relay": smtp(good),
        "alternative": smtp(good),
    }
    return made[behaviour]


OPTIONS = b"OPTIONS * HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("behaviour", "port", "security", "auth", "said"),
    [
        ("imap", 143, "starttls", ("PLAIN", "XOAUTH2", "LOGIN"), IMAP_ALL),
        ("imaps", 993, "tls", ("PLAIN", "XOAUTH2", "LOGIN"), b"p1 CAPABILITY\r\np2 LOGOUT\r\n"),
        ("pop3", 110, "starttls", ("PLAIN", "USER"), b"CAPA\r\nSTLS\r\nCAPA\r\nQUIT\r\n"),
        ("pop3s", 995, "tls", ("PLAIN", "USER"), b"CAPA\r\nQUIT\r\n"),
        ("sieve", 4190, "starttls", ("PLAIN", "LOGIN"), b"STARTTLS\r\nLOGOUT\r\n"),
        ("ftp", 21, "starttls", (), b"FEAT\r\nAUTH TLS\r\nFEAT\r\nQUIT\r\n"),
        ("http", 80, "none", (), OPTIONS),
        ("https", 443, "tls", (), OPTIONS),
    ],
)
async def test_every_dialogue_says_exactly_this(
    behaviour: str, port: int, security: str, auth: tuple[str, ...], said: bytes, *, family: Family
) -> None:
    with Server(_tls(behaviour), family) as server:
        seen = await look(server, port)
        assert server.said == [said]
    assert (seen.state, seen.greeting_kind, seen.security, seen.error) == ("open", "accepted", security, None)
    assert seen.auth == auth
    assert seen.starttls == ("accepted" if security == "starttls" else None)
    if security == "none":
        assert seen.tls is None
    else:
        assert seen.tls is not None
        assert seen.tls.fault is None


@pytest.mark.parametrize("port", [25, 587, 2525])
async def test_smtp_is_smtp_on_every_port_of_its_own(port: int) -> None:
    with Server(smtp(pki().good)) as server:
        seen = await look(server, port)
    assert (seen.spoke, seen.security) == ("smtp", "starttls")


async def test_imap_capabilities_in_the_greeting_are_not_asked_for_again() -> None:
    greeting = b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n"
    with Server(imap(pki().good, greeting=greeting)) as server:
        seen = await look(server, 143)
        assert server.said == [b"p1 STARTTLS\r\np2 CAPABILITY\r\np3 LOGOUT\r\n"]
    assert seen.capabilities_clear == ("IMAP4rev1", "STARTTLS", "LOGINDISABLED")
    assert seen.auth_clear == ()
    assert seen.auth == ("PLAIN", "XOAUTH2", "LOGIN")


async def test_imap_login_is_implied_unless_it_is_disabled() -> None:
    with Server(imap(clear=b"IMAP4rev1")) as server:
        seen = await look(server, 143)
    assert (seen.auth_clear, seen.starttls) == (("LOGIN",), "absent")


@pytest.mark.parametrize(
    ("port", "greeting", "kind"),
    [
        (143, b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", "accepted"),
        (143, b"* BYE [UNAVAILABLE] maintenance\r\n", "busy"),
        (143, b"* BYE Too many connections\r\n", "busy"),
        (143, b"* BYE Maximum number of connections from user+IP exceeded (limit=10)\r\n", "busy"),
        (143, b"* BYE [ALERT] Maximum number of connections exceeded.\r\n", "busy"),
        (143, b"* BYE Too many open connections from this host\r\n", "busy"),
        (143, b"* BYE Server Unavailable. 15\r\n", "busy"),
        (143, b"* BYE Server is shutting down\r\n", "busy"),
        (143, b"* BYE Temporary System Error\r\n", "busy"),
        (143, b"* BYE Connection limit reached\r\n", "busy"),
        (143, b"* BYE Connection denied: too many sessions\r\n", "busy"),
        (143, b"* BYE Your address is blocked, try again later\r\n", "refused"),
        (143, b"* BYE Access denied: temporarily banned\r\n", "refused"),
        (143, b"* BYE Service unavailable, listed for bad reputation\r\n", "refused"),
        (143, b"* BYE Autologout\r\n", "refused"),
        (143, b"* BYE go away\r\n", "refused"),
        (143, b"* NO what\r\n", "foreign"),
        (143, b"220 mail ESMTP\r\n", "foreign"),
        (110, b"+OK\r\n", "accepted"),
        (110, b"-ERR [IN-USE] locked\r\n", "busy"),
        (110, b"-ERR [SYS/TEMP] later\r\n", "busy"),
        (110, b"-ERR Maximum number of connections from user+IP exceeded\r\n", "busy"),
        (110, b"-ERR [LOGIN-DELAY] wait\r\n", "busy"),
        (110, b"-ERR Server busy\r\n", "busy"),
        (110, b"-ERR permission denied\r\n", "refused"),
        (110, b"-ERR go away\r\n", "refused"),
        (110, b"* OK IMAP\r\n", "foreign"),
        (4190, b'BYE (TRYLATER) "busy"\r\n', "busy"),
        (4190, b'BYE "Too many connections"\r\n', "busy"),
        (4190, b'BYE "go away"\r\n', "refused"),
        (4190, b"* OK IMAP\r\n", "foreign"),
        (21, b"220-Welcome\r\n every line\r\n220 ready\r\n", "accepted"),
        (21, b"421 too many\r\n", "busy"),
        (21, b"530 The maximum number of clients are connected\r\n", "busy"),
        (21, b"530 no\r\n", "refused"),
        (21, b"SSH-2.0-x\r\n", "foreign"),
    ],
)
async def test_greetings_of_the_other_protocols(port: int, greeting: bytes, kind: str) -> None:
    with Server(saying(greeting)) as server:
        seen = await look(server, port)
    assert seen.greeting_kind == kind


async def test_pop3_tries_stls_where_capa_is_unknown() -> None:
    with Server(pop3(pki().good, clear=None)) as server:
        seen = await look(server, 110)
        assert server.said == [b"CAPA\r\nSTLS\r\nCAPA\r\nQUIT\r\n"]
    assert (seen.starttls, seen.capabilities_clear, seen.auth) == ("accepted", (), ("PLAIN", "USER"))


async def test_pop3_without_stls_is_plain() -> None:
    with Server(pop3(clear=b"USER\r\nUIDL\r\n")) as server:
        seen = await look(server, 110)
        assert server.said == [b"CAPA\r\nQUIT\r\n"]
    assert (seen.starttls, seen.auth_clear) == ("absent", ("USER",))


async def test_pop3_refuses_the_stls_that_it_offers() -> None:
    with Server(pop3(clear=b"STLS\r\n")) as server:
        seen = await look(server, 110)
    assert (seen.starttls, seen.security, seen.error) == ("refused", "none", "-ERR what")


async def test_ftp_that_tells_its_features_to_nobody_is_asked_for_tls_all_the_same() -> None:
    with Server(saying(b"220 FTP\r\n", b"530 Log in\r\n", b"530 Log in\r\n", b"221 bye\r\n")) as server:
        seen = await look(server, 21)
        assert server.said == [b"FEAT\r\nAUTH TLS\r\nQUIT\r\n"]
    assert (seen.greeting_kind, seen.starttls, seen.security) == ("accepted", "absent", "none")


@pytest.mark.parametrize(
    ("port", "parts"),
    [
        (143, (b"* OK\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\np1 OK\r\n", b"p2 OK go\r\n* CAPABILITY X\r\n")),
        (110, (b"+OK\r\n", b"+OK\r\nSTLS\r\n.\r\n", b"+OK go\r\n+OK injected\r\n")),
        (4190, (b'"STARTTLS"\r\nOK\r\n', b'OK\r\n"SASL" "PLAIN"\r\nOK\r\n')),
        (21, (b"220 FTP\r\n", b"211-F\r\n AUTH TLS\r\n211 E\r\n", b"234 go\r\n230 logged in\r\n")),
    ],
)
async def test_injection_is_seen_in_every_protocol_that_upgrades(port: int, parts: tuple[bytes, ...]) -> None:
    with Server(saying(*parts)) as server:
        seen = await look(server, port)
    assert (seen.starttls, seen.security, seen.tls) == ("injected", "none", None)


async def test_imap_says_bye_instead_of_its_capabilities() -> None:
    with Server(saying(b"* OK hello\r\n", b"* BYE timeout\r\n", then=lambda _: None)) as server:
        seen = await look(server, 143)
    assert (seen.greeting_kind, seen.security, seen.capabilities) == ("accepted", "none", ())


async def test_imap_literals_do_not_hold_the_probe() -> None:
    endless = b"* CAPABILITY {4294967295}\r\n"
    with Server(saying(b"* OK hello\r\n", endless)) as server:
        seen = await look(server, 143)
    assert seen.state == "open"
    assert seen.error is not None


@pytest.mark.parametrize(
    ("port", "behaviour"),
    [(993, "imap"), (995, "pop3")],
)
async def test_clear_text_on_an_implicit_port(port: int, behaviour: str) -> None:
    with Server(_tls(behaviour)) as server:
        seen = await look(server, port)
        assert len(server.said) == 2
    assert (seen.asked, seen.security, seen.starttls, seen.spoke) == ("tls", "starttls", "accepted", behaviour)


@pytest.mark.parametrize(("port", "behaviour"), [(143, "imaps"), (110, "pop3s")])
async def test_implicit_tls_on_a_clear_port(port: int, behaviour: str) -> None:
    with Server(_tls(behaviour)) as server:
        seen = await look(server, port)
    assert (seen.security, seen.greeting_kind) == ("tls", "accepted")


async def test_plain_http_on_443_is_said_to_be_http() -> None:
    def answering(peer: object) -> None:
        saying(b"", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")(peer)  # type: ignore[arg-type]

    with Server(answering) as server:
        seen = await look(server, 443)
    assert seen.spoke == "http"

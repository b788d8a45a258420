import asyncio
import contextlib
import imaplib
import logging
import poplib
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator

import pytest
from tests.unit.lab_clients import LIMIT_S, dial, lines, rest, trusting

from poterne import demo as lab
from poterne.demo.world import World
from poterne.report import Family

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")

FAMILIES = (4, 6)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with lab.serving() as running:
        yield running


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest, world: World) -> Family:
    wanted: Family = request.param
    if wanted not in world.families:
        pytest.skip(f"this machine has no IPv{wanted} loopback address")
    return wanted


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No server may log a warning, nor aiosmtpd anything at all."""
    with caplog.at_level(logging.DEBUG):
        yield
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.levelno >= logging.WARNING] == []
    assert [record.getMessage() for record in records if record.name == "mail.log"] == []


def smtp_client(world: World, host: str, port: int, family: Family = 4) -> smtplib.SMTP:
    place = world.place(host, port, family)
    return smtplib.SMTP(place.address, place.port, "client.example", LIMIT_S)


def tls_fault(world: World, host: str, name: str) -> int:
    with (
        dial(world, host, 465) as sock,
        pytest.raises(ssl.SSLCertVerificationError) as caught,
        trusting(world, name).wrap_socket(sock),
    ):
        pass
    return caught.value.verify_code


def test_submission_upgrades_and_offers_sign_in_only_inside_tls(world: World, family: Family) -> None:
    with smtp_client(world, "smtp.provider.example", 587, family) as client:
        client.ehlo()
        clear = set(client.esmtp_features)
        assert {"starttls", "pipelining", "smtputf8", "8bitmime", "size", "enhancedstatuscodes"} <= clear
        assert "auth" not in clear
        assert client.starttls(context=trusting(world, "smtp.provider.example"))[0] == 220
        client.ehlo()
        assert "starttls" not in client.esmtp_features
        assert set(client.esmtp_features["auth"].split()) == {"PLAIN", "LOGIN"}


def test_submissions_speak_tls_from_the_first_byte(world: World, family: Family) -> None:
    place = world.place("smtp.provider.example", 465, family)
    context = trusting(world, "smtp.provider.example")
    with smtplib.SMTP_SSL(place.address, place.port, "client.example", timeout=LIMIT_S, context=context) as client:
        client.ehlo()
        assert "auth" in client.esmtp_features
        assert "starttls" not in client.esmtp_features


def test_mx_offers_starttls_and_no_sign_in(world: World, family: Family) -> None:
    with smtp_client(world, "mx.provider.example", 25, family) as client:
        client.starttls(context=trusting(world, "mx.provider.example"))
        client.ehlo()
        assert "auth" not in client.esmtp_features
        code, text = client.mail("jane@provider.example")
        assert (code, b"takes no mail" in text) == (550, True)
        assert client.rcpt("jane@provider.example")[0] == 503


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_smtp_refuses_every_sign_in_and_all_mail(
    world: World, mechanism: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with smtp_client(world, "smtp.provider.example", 587) as client:
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN AGphbmUAaHVudGVyMg==")[0] == 538
        client.starttls(context=trusting(world, "smtp.provider.example"))
        client.ehlo()
        client.esmtp_features["auth"] = mechanism
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login("jane", "hunter2")
        assert caught.value.smtp_code == 535
        assert client.mail("jane@provider.example")[0] == 530
        assert client.docmd("NONSENSE")[0] == 500
    assert "hunter2" not in caplog.text
    assert capfd.readouterr() == ("", "")


def test_commands_in_the_clear_behind_starttls_are_dropped(world: World) -> None:
    with dial(world, "smtp.provider.example", 587) as sock:
        lines(sock, 1)
        sock.sendall(b"EHLO client.example\r\n")
        while not lines(sock, 1)[0].startswith("250 "):
            pass
        sock.sendall(b"STARTTLS\r\nNOOP\r\n")
        assert lines(sock, 1)[0].startswith("220 ")
        with trusting(world, "smtp.provider.example").wrap_socket(sock) as secured:
            secured.sendall(b"EHLO client.example\r\n")
            assert lines(secured, 1)[0].startswith("250-smtp.provider.example")


def test_imap_upgrades(world: World, family: Family) -> None:
    place = world.place("imap.provider.example", 143, family)
    with imaplib.IMAP4(place.address, place.port, LIMIT_S) as client:
        assert {"STARTTLS", "LOGINDISABLED", "IMAP4REV1"} <= set(client.capabilities)
        with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
            client.login("jane", "hunter2")
        client.starttls(trusting(world, "imap.provider.example"))
        assert {"AUTH=PLAIN", "SASL-IR"} <= set(client.capabilities)
        assert not {"STARTTLS", "LOGINDISABLED"} & set(client.capabilities)
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            client.login("jane", "hunter2")
        with pytest.raises(imaplib.IMAP4.error):
            client.starttls(trusting(world, "imap.provider.example"))
        assert client.noop()[0] == "OK"


def test_imaps(world: World, family: Family) -> None:
    place = world.place("imap.provider.example", 993, family)
    context = trusting(world, "imap.provider.example")
    with imaplib.IMAP4_SSL(place.address, place.port, ssl_context=context, timeout=LIMIT_S) as client:
        assert "AUTH=PLAIN" in client.capabilities
        assert client.logout()[0] == "BYE"


def test_pop3_upgrades(world: World, family: Family) -> None:
    place = world.place("pop.provider.example", 110, family)
    client = poplib.POP3(place.address, place.port, LIMIT_S)
    assert {"STLS", "UIDL"} <= set(client.capa())
    with pytest.raises(poplib.error_proto, match="STLS first"):
        client.user("jane")
    assert client.stls(trusting(world, "pop.provider.example")).startswith(b"+OK")
    secured = client.capa()
    assert "STLS" not in secured
    assert secured["SASL"] == ["PLAIN", "LOGIN"]
    with pytest.raises(poplib.error_proto, match="always refused"):
        client.user("jane")
    assert client.quit().startswith(b"+OK")


def test_pop3s(world: World, family: Family) -> None:
    place = world.place("pop.provider.example", 995, family)
    context = trusting(world, "pop.provider.example")
    client = poplib.POP3_SSL(place.address, place.port, timeout=LIMIT_S, context=context)
    assert "USER" in client.capa()
    assert client.quit().startswith(b"+OK")


def test_managesieve_says_its_capabilities_again_inside_tls(world: World, family: Family) -> None:
    with dial(world, "mail.provider.example", 4190, family) as sock:
        clear = lines(sock, 6)
        assert '"STARTTLS"' in clear
        assert clear[-1].startswith("OK ")
        sock.sendall(b'AUTHENTICATE "PLAIN" "AGphbmUAaHVudGVyMg=="\r\n')
        assert lines(sock, 1)[0].startswith("NO (ENCRYPT-NEEDED)")
        sock.sendall(b"STARTTLS\r\n")
        assert lines(sock, 1)[0].startswith("OK ")
        with trusting(world, "mail.provider.example").wrap_socket(sock) as secured:
            again = lines(secured, 5)
            assert '"SASL" "PLAIN LOGIN"' in again
            assert '"STARTTLS"' not in again
            secured.sendall(b'AUTHENTICATE "PLAIN" "AGphbmUAaHVudGVyMg=="\r\nLOGOUT\r\n')
            refused, goodbye = lines(secured, 2)
            assert refused.startswith("NO ")
            assert goodbye.startswith("OK ")
            assert secured.recv(1) == b""


def test_a_line_without_end_is_not_kept(world: World) -> None:
    with dial(world, "imap.provider.example", 143) as sock:
        lines(sock, 1)
        sock.sendall(b"x" * 9000)
        assert rest(sock) == b"* BYE Line too long\r\n"


@pytest.mark.parametrize(
    ("host", "name", "code"),
    [
        ("smtp.expired.example", "smtp.expired.example", 10),
        ("smtp.early.example", "smtp.early.example", 9),
        ("smtp.wrongname.example", "smtp.wrongname.example", 62),
        ("smtp.untrusted.example", "smtp.untrusted.example", 20),
        ("smtp.incomplete.example", "smtp.incomplete.example", 20),
    ],
)
def test_each_certificate_has_its_one_fault(world: World, host: str, name: str, code: int) -> None:
    assert tls_fault(world, host, name) == code


def test_the_wrong_name_is_the_certificates_only_fault(world: World) -> None:
    with (
        dial(world, "smtp.wrongname.example", 465) as sock,
        trusting(world, "www.elsewhere.example").wrap_socket(sock) as secured,
    ):
        assert lines(secured, 1)[0].startswith("220 smtp.wrongname.example ")


def test_the_good_certificate_lasts_two_months_and_brings_its_intermediate(world: World) -> None:
    with (
        dial(world, "smtp.provider.example", 465) as sock,
        trusting(world, "smtp.provider.example").wrap_socket(sock) as secured,
    ):
        certificate = secured.getpeercert()
        assert certificate is not None
        days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / 86400
        assert 59 < days < 61
        assert certificate["subjectAltName"] == (("DNS", "smtp.provider.example"),)
        assert certificate["issuer"] != certificate["subject"]


def test_plain_servers_offer_no_encryption(world: World) -> None:
    with smtp_client(world, "smtp.plain.example", 587) as client:
        client.ehlo()
        assert "starttls" not in client.esmtp_features
        assert "auth" in client.esmtp_features
        assert client.docmd("STARTTLS")[0] == 454
    place = world.place("imap.plain.example", 143)
    with imaplib.IMAP4(place.address, place.port, LIMIT_S) as client:
        assert "AUTH=PLAIN" in client.capabilities
        assert not {"STARTTLS", "LOGINDISABLED"} & set(client.capabilities)


def test_mixup_swaps_the_security_of_587_and_465(world: World) -> None:
    with (
        dial(world, "smtp.mixup.example", 587) as sock,
        trusting(world, "smtp.mixup.example").wrap_socket(sock) as secured,
    ):
        assert lines(secured, 1)[0].startswith("220 ")
    with smtp_client(world, "smtp.mixup.example", 465) as client:
        client.starttls(context=trusting(world, "smtp.mixup.example"))
        assert client.ehlo()[0] == 250


def test_rude_greeting_arrives_byte_for_byte(world: World) -> None:
    with dial(world, "smtp.rude.example", 25) as sock:
        (greeting,) = lines(sock, 1)
        assert greeting.startswith("220 smtp.rude.example <b>")
        assert all(part in greeting for part in ("\x1b[31m", "\u202e", "\x00", "\x07", "onerror=alert(1)"))
        sock.sendall(b"EHLO client.example\r\n")
        assert lines(sock, 1)[0].startswith("250-")


def test_busy_says_421_and_closes(world: World) -> None:
    with dial(world, "smtp.busy.example", 25) as sock:
        assert rest(sock).startswith(b"421 4.3.2 ")


def test_refuses_says_554_and_waits_for_quit(world: World) -> None:
    with dial(world, "smtp.refuses.example", 25) as sock:
        assert lines(sock, 1)[0].startswith("554 5.7.1 ")
        sock.sendall(b"EHLO client.example\r\n")
        assert lines(sock, 1)[0].startswith("503 ")
        sock.sendall(b"QUIT\r\n")
        assert rest(sock).startswith(b"221 ")


def test_refusals_come_inside_implicit_tls(world: World) -> None:
    with (
        dial(world, "smtp.refuses.example", 465) as sock,
        trusting(world, "smtp.refuses.example").wrap_socket(sock) as secured,
    ):
        assert lines(secured, 1)[0].startswith("554 ")


@pytest.mark.parametrize("port", [25, 465])
def test_mute_accepts_and_never_speaks(world: World, port: int) -> None:
    with dial(world, "smtp.mute.example", port) as sock:
        sock.settimeout(0.5)
        sock.sendall(b"EHLO client.example\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_what_came_in_the_clear_behind_starttls_is_dropped_by_imap_too(world: World) -> None:
    with dial(world, "imap.provider.example", 143) as sock:
        lines(sock, 1)
        sock.sendall(b"a1 STARTTLS\r\na2 NOOP\r\n")
        assert lines(sock, 1) == ["a1 OK Begin TLS"]
        with trusting(world, "imap.provider.example").wrap_socket(sock) as secured:
            secured.sendall(b"a3 NOOP\r\n")
            assert lines(secured, 1) == ["a3 OK Done"]


@pytest.mark.parametrize(
    ("host", "port", "ask", "early", "said"),
    [
        ("imap.provider.example", 143, b"a1 STARTTLS\r\n", b"a2 NOOP\r\n", [b"a2 OK Done"]),
        ("imap.provider.example", 993, b"", b"a2 NOOP\r\n", [b"* OK", b"a2 OK Done"]),
        ("smtp.provider.example", 465, b"", b"NOOP\r\n", [b"220 ", b"250 OK"]),
    ],
)
def test_a_command_in_the_flight_that_ends_the_handshake(
    world: World, host: str, port: int, *, ask: bytes, early: bytes, said: list[bytes]
) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=world.roots_path)
    tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
    with dial(world, host, port) as sock:
        if ask:
            lines(sock, 1)
            sock.sendall(ask)
            lines(sock, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(outgoing.read())
                incoming.write(sock.recv(65536))
        tls.write(early)
        sock.sendall(outgoing.read())
        received = b""
        while received.count(b"\n") < len(said):
            incoming.write(sock.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    received += tls.read(65536)
    assert [line[: len(start)] for line, start in zip(received.splitlines(), said, strict=True)] == said


def test_tls_outlives_strangers(world: World) -> None:
    """What is no TLS, and hanging up before it, leaves no error, and the next client is served."""
    with dial(world, "imap.provider.example", 993) as sock:
        sock.sendall(b"a1 CAPABILITY\r\n" * 20)
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass
    dial(world, "imap.provider.example", 993).close()
    with dial(world, "imap.provider.example", 143) as sock:
        lines(sock, 1)
        sock.sendall(b"a1 STARTTLS\r\n")
        lines(sock, 1)
        sock.sendall(b"this is no client hello\r\n")
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass
    with dial(world, "smtp.provider.example", 587) as sock:
        lines(sock, 1)
        sock.sendall(b"STARTTLS\r\n")
        lines(sock, 1)
        sock.sendall(b"this is no client hello\r\n")
        try:
            while sock.recv(4096):
                pass
        except ConnectionResetError:
            pass
    test_imaps(world, 4)


def test_unserved_ports_of_hosts_refuse(world: World) -> None:
    for place in world.closed:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((place.address, place.port), LIMIT_S)


async def test_many_clients_at_once(world: World) -> None:
    place = world.place("smtp.provider.example", 25)

    async def greet() -> bytes:
        reader, writer = await asyncio.open_connection(place.address, place.port)
        greeting = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return greeting

    async with asyncio.timeout(LIMIT_S):
        greetings = await asyncio.gather(*(greet() for _ in range(100)))
    assert set(greetings) == {b"220 smtp.provider.example ESMTP ready\r\n"}

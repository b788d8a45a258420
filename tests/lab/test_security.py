"""Plain, STARTTLS and implicit TLS, mixed up, refused, too old, or played with."""

import ssl
import warnings
from concurrent.futures import Future

import pytest

from . import dialogues
from .runs import Run
from .scripted import server_context
from .world import World

Runs = dict[str, "Future[Run]"]


def _legacy(world: World, newest: ssl.TLSVersion) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return server_context(world.odd_certificate, newest=newest)


@pytest.fixture(scope="module")
def runs(world: World) -> Runs:
    tls = server_context(world.odd_certificate)
    smtp, smtps = dialogues.Smtp(tls), dialogues.Smtp(tls, implicit=True)
    old = {version.name: _legacy(world, version) for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)}
    sites = {
        "plain": world.scripted(
            "plain", {25: dialogues.Smtp(), 587: dialogues.Smtp(), 143: dialogues.Imap(), 110: dialogues.Pop3()}
        ),
        "swapped": world.scripted(
            "swapped", {587: smtps, 465: smtp, 143: dialogues.Imap(tls, implicit=True), 993: dialogues.Imap(tls)}
        ),
        "injected": world.scripted(
            "injected",
            {
                587: dialogues.Smtp(tls, injected="250-injected.test\r\n250 AUTH PLAIN\r\n"),
                143: dialogues.Imap(tls, injected="* CAPABILITY IMAP4rev1 AUTH=PLAIN X-INJECTED.TEST\r\n"),
                110: dialogues.Pop3(tls, injected="+OK\r\nSASL PLAIN\r\nX-INJECTED.TEST\r\n.\r\n"),
            },
        ),
        "cut": world.scripted("cut-tls", {465: dialogues.reset_at_client_hello}),
        "closed": world.scripted("closed-tls", {465: dialogues.close_at_client_hello}),
        "alert": world.scripted("alert-tls", {465: dialogues.alert_at_client_hello}),
        "old smtp": world.scripted("old-smtp", {587: dialogues.helo_only}),
        "no auth": world.scripted("no-auth", {465: dialogues.Smtp(tls, implicit=True, auth=None)}),
        "refused": world.scripted("refused", {587: dialogues.Smtp(tls, starttls_reply="454 4.7.0 not now")}),
        "silent": world.scripted("starttls-silent", {587: dialogues.silent_after_starttls}),
        "garbage": world.scripted("starttls-garbage", {587: dialogues.garbage_after_starttls}),
        "only465": world.scripted("only465", {465: smtps, 993: dialogues.Imap(tls, implicit=True)}),
        "only587": world.scripted("only587", {587: smtp, 143: dialogues.Imap(tls)}),
        "careless": world.scripted("careless", {587: dialogues.Smtp(tls, auth_in_the_clear=True)}),
        "oauth": world.scripted("oauth", {465: dialogues.Smtp(tls, implicit=True, auth="AUTH XOAUTH2 OAUTHBEARER")}),
        **{
            name: world.scripted(
                name.replace("_", "-").lower(),
                {465: dialogues.Smtp(context, implicit=True), 587: dialogues.Smtp(context)},
            )
            for name, context in old.items()
        },
    }
    names = {label: site.name for label, site in sites.items()}
    targets = {
        "plain server": names["plain"],
        "plain endpoint": f"{names['plain']}:587",
        "plain imap": f"{names['plain']}:143",
        "tls on 587": f"{names['swapped']}:587",
        "tls on 587, starttls asked": f"submission://{names['swapped']}:587",
        "starttls on 465": f"{names['swapped']}:465",
        "starttls on 465, tls asked": f"smtps://{names['swapped']}:465",
        "tls on 143, starttls asked": f"imap://{names['swapped']}:143",
        "starttls on 993, tls asked": f"imaps://{names['swapped']}:993",
        "swapped server": names["swapped"],
        **{f"injected {port}": f"{names['injected']}:{port}" for port in (587, 143, 110)},
        **{name: f"{names[name]}:465" for name in ("cut", "closed", "alert", "no auth")},
        "old smtp": f"{names['old smtp']}:587",
        "refused": f"{names['refused']}:587",
        "silent": f"{names['silent']}:587",
        "garbage": f"{names['garbage']}:587",
        "only465": names["only465"],
        "only587": names["only587"],
        "oauth": f"{names['oauth']}:465",
        "careless": f"{names['careless']}:587",
        **{f"{name} {port}": f"{names[name]}:{port}" for name in old for port in (465, 587)},
    }
    flags = {"silent": ("--budget", "12")}
    return {name: world.start(target, *flags.get(name, ())) for name, target in targets.items()}


@pytest.mark.parametrize("name", ["plain server", "plain endpoint", "plain imap", "old smtp"])
def test_plain_text_is_not_good_enough(runs: Runs, name: str) -> None:
    run = runs[name].result()
    assert run.status == 1
    assert run.verdict == "plaintext-only"
    assert run.telling_codes == {"plaintext-only"}
    rows = run.report["settings"]["outgoing"] + run.report["settings"]["incoming"]
    assert {row["security"] for row in rows} <= {"none"}


@pytest.mark.parametrize(
    ("name", "port", "security"),
    [("tls on 587", 587, "tls"), ("starttls on 465", 465, "starttls")],
)
def test_whatever_the_port_speaks_is_good_where_nothing_is_asked(
    runs: Runs, name: str, port: int, security: str
) -> None:
    run = runs[name].result()
    assert run.status == 0
    assert run.observation(port)["security"] == security
    host = run.report["target"]["host"]
    assert (host, port, security) in run.settings("outgoing")


@pytest.mark.parametrize(
    ("name", "port", "asked", "works"),
    [
        ("tls on 587, starttls asked", 587, "starttls", "tls"),
        ("starttls on 465, tls asked", 465, "tls", "starttls"),
        ("tls on 143, starttls asked", 143, "starttls", "tls"),
        ("starttls on 993, tls asked", 993, "tls", "starttls"),
    ],
)
def test_a_mixed_up_security_is_named(runs: Runs, name: str, port: int, asked: str, works: str) -> None:
    run = runs[name].result()
    assert run.status == 1
    assert run.verdict == "wrong-security"
    finding = run.findings("wrong-security")[0]
    assert (finding["port"], finding["params"]["asked"], finding["params"]["works"]) == (port, asked, works)
    direction = "outgoing" if port in (465, 587) else "incoming"
    assert (run.report["target"]["host"], port, works) in run.settings(direction)


def test_a_server_with_swapped_ports_has_its_real_settings(runs: Runs) -> None:
    run = runs["swapped server"].result()
    assert run.status == 0
    host = run.report["target"]["host"]
    assert set(run.settings("outgoing")) == {(host, 587, "tls"), (host, 465, "starttls")}
    assert set(run.settings("incoming")) == {(host, 143, "tls"), (host, 993, "starttls")}
    assert run.settings("outgoing")[0] == (host, 587, "tls")


@pytest.mark.parametrize("port", [587, 143, 110])
def test_nothing_injected_is_believed(runs: Runs, port: int) -> None:
    run = runs[f"injected {port}"].result()
    assert run.status == 1
    assert run.verdict == "starttls-injection"
    assert run.telling_codes == {"starttls-injection"}
    seen = run.observation(port)
    assert seen["starttls"] == "injected"
    assert "PLAIN" not in seen["auth"]
    assert "injected.test" not in str(seen["capabilities"]).lower()
    assert run.settings("outgoing") == run.settings("incoming") == []


@pytest.mark.parametrize(
    ("name", "port", "starttls"),
    [
        ("refused", 587, "refused"),
        ("silent", 587, None),
        ("garbage", 587, None),
        ("closed", 465, None),
    ],
)
def test_encryption_that_fails_is_not_forgiven(runs: Runs, name: str, port: int, starttls: str | None) -> None:
    run = runs[name].result()
    assert run.status == 1
    assert run.verdict == "tls-failed"
    assert run.telling_codes == {"tls-failed"}
    assert starttls in (None, run.observation(port)["starttls"])
    assert run.observation(port)["security"] in (None, "none")
    assert run.settings("outgoing") == []


def test_a_server_that_finds_nothing_in_common_says_so(runs: Runs) -> None:
    run = runs["alert"].result()
    assert run.status == 1
    assert run.telling_codes == {"tls-incompatible"}
    assert run.findings("tls-incompatible")[0]["params"]["reason"] == "SSLV3_ALERT_HANDSHAKE_FAILURE"


def test_the_words_of_a_server_that_refuses_starttls_are_told(runs: Runs) -> None:
    told = runs["refused"].result().report["told"]
    assert told["headline"]["values"]["ALERT"] == {"text": "454 4.7.0 not now"}
    assert "454 4.7.0 not now" in str(told["reasons"])
    assert [each["key"] for each in told["advice"]] == ["tls_failed_refused_advice"]


@pytest.mark.parametrize("port", [465, 587])
@pytest.mark.parametrize(("name", "version"), [("TLSv1", "TLSv1"), ("TLSv1_1", "TLSv1.1")])
def test_old_tls_is_named(runs: Runs, name: str, version: str, port: int) -> None:
    run = runs[f"{name} {port}"].result()
    assert run.status == 1
    assert run.verdict == "tls-legacy-only"
    assert run.telling_codes == {"tls-legacy-only"}
    assert run.findings("tls-legacy-only")[0]["params"]["version"] == version
    assert run.settings("outgoing") == []


@pytest.mark.parametrize(
    ("name", "outgoing", "incoming"),
    [("only465", (465, "tls"), (993, "tls")), ("only587", (587, "starttls"), (143, "starttls"))],
)
def test_one_way_to_send_is_enough(runs: Runs, name: str, outgoing: tuple[int, str], incoming: tuple[int, str]) -> None:
    run = runs[name].result()
    assert run.status == 0
    assert run.telling_codes == {"ok"}
    host = run.report["target"]["host"]
    assert run.settings("outgoing") == [(host, *outgoing)]
    assert run.settings("incoming") == [(host, *incoming)]
    assert "port-closed" in run.codes


def test_a_reset_at_the_client_hello_proves_little(runs: Runs) -> None:
    """It may come from the server or from a box on the way."""
    run = runs["cut"].result()
    assert run.status == 1
    assert run.telling_codes in ({"tls-failed"}, {"unproven"})
    assert run.observation(465)["state"] in ("open", "reset")
    assert run.settings("outgoing") == []


def test_a_server_without_sign_in_is_reached_all_the_same(runs: Runs) -> None:
    run = runs["no auth"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert [row["auth"] for row in run.report["settings"]["outgoing"] if row["verified"]] == [[]]


def test_sign_in_by_oauth(runs: Runs) -> None:
    run = runs["oauth"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert [row["auth"] for row in run.report["settings"]["outgoing"] if row["verified"]] == [["oauth2"]]


def test_sign_in_that_is_offered_in_the_clear(runs: Runs) -> None:
    """It works, and somebody who forgets TLS would tell the password to everybody."""
    run = runs["careless"].result()
    assert run.status == 0
    assert run.verdict == "ok"
    assert run.telling_codes == {"ok", "auth-before-tls"}
    assert run.finding("auth-before-tls")["port"] == 587

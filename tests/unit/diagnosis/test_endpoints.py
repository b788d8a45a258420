"""What each endpoint and each name shows by itself: code, severity and parameters."""

from typing import Any

import pytest
from tests.unit.core_observations import (
    GOOD_TLS,
    HOST,
    World,
    broken_off,
    codes,
    concluded,
    found,
    plain,
    resolved,
    seen,
    server,
    spoilt,
    unreached,
)

from poterne.report import NameAnswer, Observation, Stages, Target

ENDPOINT = f"{HOST}:587"
REPORTER = "203.0.113.1"
UNSAID: dict[str, Any] = {"starttls": None, "capabilities": (), "auth": ()}


def shown(observation: Observation, target: str = ENDPOINT) -> dict[str, tuple[str, dict[str, Any]]]:
    """The findings but `ok`: how sure they are, and their parameters without ports."""
    conclusion = concluded(target, observation)
    return {
        f.code: (f.confidence, {name: value for name, value in f.params.items() if name != "ports"})
        for f in conclusion.findings
        if f.code != "ok"
    }


@pytest.mark.parametrize(
    ("observation", "told"),
    [
        (unreached(587, "refused"), {"port-closed": ("certain", {})}),
        (unreached(587, "refused", reporter="192.0.2.7"), {"port-closed": ("certain", {"reporter": "192.0.2.7"})}),
        (unreached(587, "no-answer"), {"unproven": ("possible", {"state": "no-answer"})}),
        (
            unreached(587, "prohibited", reporter=REPORTER),
            {"unproven": ("possible", {"state": "prohibited", "reporter": REPORTER})},
        ),
        (unreached(587, "reset", error="ECONNRESET"), {"unproven": ("possible", {"state": "reset"})}),
        (
            unreached(587, "reset", asked="tls", error="ECONNRESET"),
            {"tls-failed": ("certain", {"alert": "ECONNRESET"})},
        ),
        (unreached(587, "no-answer", asked="tls"), {"unproven": ("possible", {"state": "no-answer"})}),
        (plain(587, starttls="injected"), {"starttls-injection": ("certain", {})}),
        (
            broken_off(587, starttls="failed", error="EOF"),
            {"tls-failed": ("certain", {"alert": "EOF"})},
        ),
        (
            broken_off(587, starttls="silent", error="a timeout"),
            {"tls-failed": ("certain", {"alert": "a timeout"})},
        ),
        (broken_off(587, starttls="refused"), {"connection-cut": ("certain", {})}),
        (broken_off(587), {"connection-cut": ("certain", {})}),
        (
            plain(587, greeting="421 later", greeting_kind="busy", **UNSAID),
            {"greeting-busy": ("certain", {"greeting": "421 later"})},
        ),
        (
            plain(587, greeting=None, greeting_kind="refused", **UNSAID),
            {"greeting-refused": ("certain", {"greeting": ""})},
        ),
        (
            plain(587, greeting_kind="foreign", spoke=None, **UNSAID),
            {"wrong-protocol": ("certain", {"expected": "smtp", "spoke": "unknown"})},
        ),
        (
            plain(143, greeting_kind="foreign", spoke="ssh", **UNSAID),
            {"wrong-protocol": ("certain", {"expected": "imap", "spoke": "ssh"})},
        ),
        (
            plain(587, greeting_kind="closed", stages=Stages(greeting_ms=10), **UNSAID),
            {"no-greeting": ("certain", {"closed": True})},
        ),
        (
            plain(587, greeting_kind="silent", stages=Stages(greeting_ms=5000), **UNSAID),
            {"no-greeting": ("certain", {"closed": False})},
        ),
        (
            plain(587, greeting_kind="silent", stages=Stages(greeting_ms=4999), **UNSAID),
            {"no-greeting": ("possible", {"closed": False})},
        ),
        (
            plain(587, greeting_kind="silent", stages=Stages(greeting_ms=10, tls_ms=5000), **UNSAID),
            {"no-greeting": ("certain", {"closed": False})},
        ),
        (
            plain(587, greeting_kind="silent", stages=Stages(), **UNSAID),
            {"no-greeting": ("certain", {"closed": False})},
        ),
        (plain(587, greeting_kind=None, **UNSAID), {"unproven": ("possible", {"state": "error"})}),
    ],
)
def test_what_an_endpoint_shows(observation: Observation, told: dict[str, Any]) -> None:
    target = f"{HOST}:{observation.port}"
    slow = {"slow-greeting"}
    assert {code: what for code, what in shown(observation, target).items() if code not in slow} == told


@pytest.mark.parametrize(
    ("fault", "changed", "confidence", "params"),
    [
        ("cert-expired", {}, "certain", {"date": "2026-11-01T00:00:00Z"}),
        ("cert-not-yet-valid", {}, "certain", {"date": "2026-12-24T00:00:00Z"}),
        ("cert-name-mismatch", {}, "certain", {"names": ("other.example",)}),
        ("cert-name-mismatch", {"names": (), "subject": "a box"}, "certain", {"names": ("a box",)}),
        ("cert-name-mismatch", {"names": (), "subject": None}, "certain", {"names": ()}),
        ("cert-self-signed", {}, "certain", {"issuer": "An authority"}),
        ("cert-self-signed", {"issuer": None, "subject": "a box"}, "certain", {"issuer": "a box"}),
        ("cert-self-signed", {"issuer": None, "subject": None}, "certain", {"issuer": ""}),
        ("cert-untrusted", {}, "certain", {"issuer": "An authority"}),
        ("cert-untrusted", {"issuer": None}, "certain", {"issuer": "?"}),
        ("cert-incomplete-chain", {}, "likely", {"issuer": "An authority"}),
        ("cert-incomplete-chain", {"issuer": None}, "likely", {"issuer": "?"}),
        ("tls-legacy-only", {}, "certain", {"version": "TLSv1"}),
    ],
)
def test_what_a_fault_of_tls_tells(fault: str, changed: dict[str, Any], confidence: str, params: Any) -> None:
    observation = spoilt(465, fault)
    assert observation.tls is not None
    observation = observation.model_copy(update={"tls": observation.tls.model_copy(update=changed)})
    assert shown(observation, f"{HOST}:465") == {fault: (confidence, params)}


def test_on_a_port_of_which_nothing_is_known_any_mail_is_expected() -> None:
    foreign = plain(25, greeting_kind="foreign", spoke="ssh", **UNSAID)
    strange = foreign.model_copy(update={"port": 9, "service": "discard"})
    assert shown(strange, f"{HOST}:9") == {"wrong-protocol": ("certain", {"expected": "mail", "spoke": "ssh"})}
    talking = seen(587, auth=()).model_copy(update={"port": 9, "service": "discard"})
    assert shown(talking, f"{HOST}:9") == {}


def test_a_handshake_that_fails_tells_why() -> None:
    assert shown(spoilt(465, "tls-failed"), f"{HOST}:465") == {
        "tls-failed": ("certain", {"alert": "HANDSHAKE_FAILURE"})
    }
    after = spoilt(587, "tls-failed")
    assert shown(after) == {"tls-failed": ("certain", {"alert": "HANDSHAKE_FAILURE"})}
    refused = plain(587, starttls="refused", error="454 no")
    assert shown(refused) == {"tls-failed": ("certain", {"alert": "454 no", "refused": True})}


@pytest.mark.parametrize(
    ("target", "observation", "told"),
    [
        (f"smtps://{HOST}", seen(465, security="starttls"), {"asked": "tls", "works": "starttls"}),
        (f"smtps://{HOST}", plain(465, asked="tls"), {"asked": "tls", "works": "none"}),
        (f"submission://{HOST}", seen(587, security="tls"), {"asked": "starttls", "works": "tls"}),
        (ENDPOINT, seen(587, asked="none"), None),
        (ENDPOINT, plain(587), None),
        (f"{HOST}:465", seen(465), None),
        (f"{HOST}:443", seen(443, security="starttls"), None),
    ],
)
def test_a_security_that_differs_from_the_one_that_was_asked_for(
    target: str, observation: Observation, told: dict[str, str] | None
) -> None:
    params = shown(observation, target).get("wrong-security")
    assert params == (None if told is None else ("certain", told))


def test_a_port_in_the_clear_is_told_once() -> None:
    assert set(shown(plain(587))) == {"plaintext-only"}
    assert set(shown(plain(587, starttls=None))) == {"unproven"}
    assert set(shown(plain(4190), f"{HOST}:4190")) == {"plaintext-only"}
    assert set(shown(plain(80, starttls="absent"), f"{HOST}:80")) == set()


@pytest.mark.parametrize("state", ["open", "refused"])
def test_another_address_of_a_name_and_family_answers_in_its_place(state: str) -> None:
    second: dict[str, Any] = {"address": "192.0.2.8", "id": "second"}
    other = seen(587, **second) if state == "open" else unreached(587, state, **second)
    conclusion = concluded(ENDPOINT, unreached(587, "no-answer"), other)
    assert ("unproven" in codes(conclusion)) is (state != "open")
    for changed in ({"host": "mx.example.org"}, {"family": 6}):
        elsewhere = concluded("me@example.org", unreached(587, "no-answer"), seen(587, **{**second, **changed}))
        assert "unproven" in codes(elsewhere)
    port = concluded(server(), unreached(587, "no-answer"), seen(465, **second))
    assert "unproven" in codes(port)


@pytest.mark.parametrize("kind", ["silent", "closed"])
def test_a_port_that_few_offer_may_say_nothing_and_not_something_else(kind: str) -> None:
    quiet = plain(2525, greeting_kind=kind, stages=Stages(greeting_ms=9000), **UNSAID)
    assert codes(concluded(server(), seen(587), quiet)) == {"ok"}
    foreign = plain(2525, greeting_kind="foreign", spoke="ssh", **UNSAID)
    assert codes(concluded(server(), seen(587), foreign)) == {"ok", "wrong-protocol"}


@pytest.mark.parametrize(("greeting_ms", "seconds"), [(5000, None), (5001, 5), (5600, 6), (None, None)])
def test_a_slow_greeting(greeting_ms: float | None, seconds: int | None) -> None:
    told = shown(seen(587, stages=Stages(greeting_ms=greeting_ms)))
    assert told == ({} if seconds is None else {"slow-greeting": ("certain", {"seconds": seconds})})


@pytest.mark.parametrize(
    ("until", "days"),
    [
        ("2026-12-08T12:00:00Z", None),
        ("2026-12-08T11:59:59Z", 13),
        ("2026-11-25T12:00:00Z", 1),
        ("2026-11-24T18:00:00Z", 0),
        ("2026-11-20T12:00:00Z", 0),
    ],
)
def test_a_certificate_that_expires_within_a_fortnight(until: str, days: int | None) -> None:
    told = shown(seen(587, tls=GOOD_TLS.model_copy(update={"not_after": until})))
    assert told == ({} if days is None else {"cert-expiring": ("certain", {"date": until, "days": days})})


def test_what_is_said_of_a_certificate_that_is_good() -> None:
    assert shown(seen(587, tls=GOOD_TLS.model_copy(update={"not_after": None}))) == {}
    bad = spoilt(587, "cert-untrusted")
    assert bad.tls is not None
    soon = bad.model_copy(update={"tls": bad.tls.model_copy(update={"not_after": "2026-11-25T12:00:00Z"})})
    assert set(shown(soon)) == {"cert-untrusted"}


@pytest.mark.parametrize(
    ("observation", "remarks"),
    [
        (seen(587, auth_clear=("LOGIN",)), {"auth-before-tls"}),
        (seen(587, auth_clear=("XOAUTH2",)), set()),
        (seen(465, auth_clear=("LOGIN",)), set()),
        (plain(587), {"plaintext-only"}),
        (seen(587, auth=()), {"auth-absent"}),
        (seen(465, auth=()), {"auth-absent"}),
        (seen(587, auth=(), capabilities=()), set()),
        (seen(587, auth=("XOAUTH2",)), {"auth-oauth-only"}),
        (seen(587, auth=("XOAUTH2", "UNKNOWN")), {"auth-oauth-only"}),
        (seen(587, auth=("XOAUTH2", "LOGIN")), set()),
        (seen(25, auth=(), auth_clear=("LOGIN",)), set()),
        (seen(4190, auth=(), auth_clear=("LOGIN",)), set()),
        (seen(993, auth=()), {"auth-absent"}),
    ],
)
def test_what_is_remarked_of_the_sign_in(observation: Observation, remarks: set[str]) -> None:
    assert set(shown(observation, f"{HOST}:{observation.port}")) == remarks


def test_nothing_is_said_of_the_ports_of_a_host_of_which_the_whole_is_known() -> None:
    lonely = [unreached(port, "unreachable", family=6, error="ENETUNREACH") for port in (25, 587)]
    assert codes(concluded(server(), *lonely)) == {"no-common-family"}
    closed = [unreached(port, "refused", host="mx.example.org", source="mx") for port in (25, 465, 587, 993)]
    account = concluded("me@example.org", *closed, unreached(587, "refused"), seen(465))
    assert {(f.code, f.host) for f in account.findings if f.code != "ok"} == {
        ("no-mail-service", "mx.example.org"),
        ("port-closed", HOST),
    }


# ---- names


def name(host: str = HOST, source: str = "typed", state: str = "nxdomain", **changed: Any) -> NameAnswer:
    return resolved(host, source, **{"state": state, "addresses": (), **changed})


def told(target: Any, *names: NameAnswer, tried: tuple[Observation, ...] = (), **options: Any) -> list[tuple[str, Any]]:
    conclusion = concluded(target, *tried, names=names, **options)
    return sorted((f.code, f.host) for f in conclusion.findings if f.code.startswith(("dns-", "null-")))


@pytest.mark.parametrize(
    ("names", "news"),
    [
        ([name("example.org", "domain", "nodata"), resolved()], []),
        ([name("example.org", "domain", "nodata")], [("dns-nodata", "example.org")]),
        ([name("example.org", "mx", "nodata"), resolved("example.org", "domain")], []),
        ([name("example.org", "mx", "nodata")], [("dns-nodata", "example.org")]),
        ([name("example.org", "domain", "servfail"), resolved()], [("dns-servfail", "example.org")]),
        ([name("mx.example.org", "mx", "timeout"), resolved()], [("dns-timeout", "mx.example.org")]),
        ([name("smtp.example.org", "guess", "servfail"), resolved()], []),
        ([name("smtp.example.org", "guess", "servfail")], [("dns-servfail", "smtp.example.org")]),
        ([name("example.org", "domain"), name("example.org", "mx")], [("dns-nxdomain", "example.org")]),
        (
            [name("example.org", "domain"), name("example.org", "mx", "timeout")],
            [("dns-nxdomain", "example.org"), ("dns-timeout", "example.org")],
        ),
        ([resolved("example.org", "domain")], []),
    ],
)
def test_which_names_of_a_domain_are_news(names: list[NameAnswer], news: list[tuple[str, str]]) -> None:
    assert told("me@example.org", *names) == news


def test_a_domain_is_judged_as_its_accounts_are() -> None:
    domain = Target(input="example.org", kind="domain", domain="example.org")
    assert told(domain, name("example.org", "domain", "nodata"), resolved()) == []


def test_a_server_needs_an_address_of_its_own() -> None:
    assert told(server(), name(state="nodata"), resolved("example.org", "domain")) == [("dns-nodata", HOST)]
    assert told(server(), resolved(), name(source="mx", state="nodata")) == []
    known = told(server(), name(state="nodata"), resolved("smtp.example.org", "guess"))
    assert known == [("dns-nodata", HOST)]


def test_five_names_are_told() -> None:
    names = [name(f"mx{number}.example.org", "mx", "servfail") for number in range(6)]
    assert told("me@example.org", *names) == [("dns-servfail", f"mx{number}.example.org") for number in range(5)]


@pytest.mark.parametrize(
    ("answer", "second", "code"),
    [
        (name(), resolved(source="second"), "dns-differs"),
        (name(state="nodata"), resolved(source="second"), "dns-differs"),
        (name(state="servfail"), resolved(source="second"), "dns-servfail"),
        (name(), name(source="second"), "dns-nxdomain"),
        (name(), resolved("smtp.example.org", "second"), "dns-nxdomain"),
        (name(), resolved(source="guess"), "dns-nxdomain"),
    ],
)
def test_a_name_that_another_resolver_knows(answer: NameAnswer, second: NameAnswer, code: str) -> None:
    assert told(server(), answer, second) == [(code, HOST)]


def test_an_exchanger_that_another_resolver_knows_does_not_differ() -> None:
    both = [name("mx.example.org", "mx"), resolved("mx.example.org", "second")]
    assert told("me@example.org", *both) == [("dns-nxdomain", "mx.example.org")]


@pytest.mark.parametrize(
    ("family", "addresses", "missing"),
    [
        (6, ("192.0.2.7",), True),
        (6, ("192.0.2.7", "2001:db8::7"), False),
        (4, ("2001:db8::7",), True),
        (4, ("192.0.2.7", "2001:db8::7"), False),
        (None, ("192.0.2.7",), False),
    ],
)
def test_a_name_without_an_address_of_the_family_that_was_asked_for(
    family: int | None, addresses: tuple[str, ...], missing: bool
) -> None:
    conclusion = concluded(server(), names=[resolved(addresses=addresses)], family=family)
    assert ("dns-nodata" in codes(conclusion)) is missing
    if missing:
        finding = found(conclusion, "dns-nodata")
        assert (finding.confidence, finding.host, finding.params) == ("certain", HOST, {"family": family})
    assert "dns-nodata" not in codes(concluded(server(), names=[name(state="servfail")], family=6))


def test_a_domain_that_takes_no_mail_says_so_itself() -> None:
    gone = name("example.org", "mx", "ok", mail_exchangers=("",))
    assert told("me@example.org", gone) == [("null-mx", "example.org")]
    assert told("me@example.org", name("example.org", "mx", "ok", mail_exchangers=())) == []
    assert World().codes == {"ok"}

from typing import Any

import pytest
from tests.unit.core_observations import (
    GOOD_TLS,
    HOST,
    blockers,
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

from poterne.report import Observation, Stages

ENDPOINT = f"{HOST}:587"
ALL_PORTS = (25, 110, 143, 465, 587, 993, 995, 2525, 4190)
CERTIFICATE_FAULTS = (
    "cert-expired",
    "cert-not-yet-valid",
    "cert-name-mismatch",
    "cert-self-signed",
    "cert-untrusted",
    "cert-incomplete-chain",
    "chain-expired",
    "cert-weak",
    "cert-no-san",
    "roots-outdated",
)


def test_where_all_is_well_nothing_else_is_said() -> None:
    every = [seen(port, family=family) for port in ALL_PORTS for family in (4, 6)]
    conclusion = concluded(server(), *every, names=[resolved()])
    assert codes(conclusion) == {"ok"}
    assert conclusion.verdict.code == "ok"
    assert (conclusion.verdict.severity, conclusion.verdict.confidence) == ("good", "certain")


SAYS: list[tuple[str, Observation, str, str]] = [
    ("port-closed", unreached(587, "refused"), "certain", ENDPOINT),
    ("unproven", unreached(587, "no-answer"), "possible", ENDPOINT),
    ("unproven", unreached(587, "unreachable"), "possible", ENDPOINT),
    ("unproven", unreached(587, "prohibited", reporter="192.0.2.1"), "possible", ENDPOINT),
    ("unproven", unreached(587, "reset"), "possible", ENDPOINT),
    ("greeting-busy", plain(587, greeting="421 later", greeting_kind="busy", starttls=None), "certain", ENDPOINT),
    ("greeting-refused", plain(587, greeting="554 no", greeting_kind="refused", starttls=None), "certain", ENDPOINT),
    (
        "no-greeting",
        plain(587, greeting=None, greeting_kind="silent", starttls=None, stages=Stages(greeting_ms=20_000)),
        "certain",
        ENDPOINT,
    ),
    (
        "no-greeting",
        plain(587, greeting=None, greeting_kind="silent", starttls=None, stages=Stages(greeting_ms=900)),
        "possible",
        ENDPOINT,
    ),
    ("no-greeting", plain(587, greeting=None, greeting_kind="closed", starttls=None), "certain", ENDPOINT),
    (
        "wrong-protocol",
        plain(587, greeting="SSH-2.0", greeting_kind="foreign", spoke="ssh", starttls=None),
        "certain",
        ENDPOINT,
    ),
    ("plaintext-only", plain(587), "certain", ENDPOINT),
    ("starttls-injection", plain(587, starttls="injected"), "certain", ENDPOINT),
    ("tls-failed", spoilt(587, "tls-failed"), "certain", ENDPOINT),
    ("tls-failed", plain(587, starttls="refused"), "certain", ENDPOINT),
    ("tls-failed", spoilt(465, "tls-failed"), "certain", f"{HOST}:465"),
    ("tls-legacy-only", spoilt(465, "tls-legacy-only"), "certain", f"{HOST}:465"),
    ("tls-incompatible", spoilt(465, "tls-incompatible"), "certain", f"{HOST}:465"),
    ("tls-incompatible", spoilt(587, "tls-incompatible"), "certain", ENDPOINT),
    ("client-certificate-wanted", spoilt(587, "client-certificate-wanted"), "certain", ENDPOINT),
    (
        "client-certificate-wanted",
        spoilt(465, "client-certificate-wanted", greeting=None, greeting_kind="closed", cut=False),
        "certain",
        f"{HOST}:465",
    ),
    (
        "client-certificate-wanted",
        seen(465, greeting="421 4.7.1 No required SSL certificate", greeting_kind="busy"),
        "certain",
        f"{HOST}:465",
    ),
    (
        "client-certificate-wanted",
        seen(993, greeting="* BYE No required SSL certificate", greeting_kind="refused"),
        "certain",
        f"{HOST}:993",
    ),
    ("greeting-busy", seen(465, greeting="421 4.7.0 SSL is busy", greeting_kind="busy"), "certain", f"{HOST}:465"),
    (
        "tls-failed",
        seen(465, greeting=None, greeting_kind="closed", error="TLSV1_ALERT_INTERNAL_ERROR"),
        "certain",
        f"{HOST}:465",
    ),
    (
        "no-greeting",
        seen(465, greeting=None, greeting_kind="closed", error="closed by the server"),
        "certain",
        f"{HOST}:465",
    ),
    ("no-greeting", seen(465, greeting=None, greeting_kind="closed", error="ECONNRESET"), "certain", f"{HOST}:465"),
    *[
        (fault, spoilt(587, fault), "likely" if fault == "cert-incomplete-chain" else "certain", ENDPOINT)
        for fault in CERTIFICATE_FAULTS
    ],
    ("wrong-security", seen(465, security="starttls", starttls="accepted"), "certain", f"smtps://{HOST}"),
    ("wrong-security", seen(587, security="tls", starttls=None), "certain", f"submission://{HOST}"),
]


@pytest.mark.parametrize(("code", "observation", "confidence", "target"), SAYS)
def test_a_code_is_said_where_its_evidence_stands(
    code: str, observation: Observation, confidence: str, target: str
) -> None:
    conclusion = concluded(target, observation, names=[resolved()])
    finding = found(conclusion, code)
    assert finding.severity == "blocker"
    assert (finding.host, finding.port) == (HOST, observation.port)
    assert finding.evidence == (observation.id,)
    assert finding.confidence == confidence
    assert conclusion.verdict.code == code
    assert blockers(conclusion) == {code}
    assert "ok" not in codes(conclusion)


@pytest.mark.parametrize(("code", "observation"), [row[:2] for row in SAYS if row[0] != "wrong-security"])
def test_a_fault_of_an_alternative_stands_beside_and_blocks_nothing(code: str, observation: Observation) -> None:
    conclusion = concluded(f"{HOST}:25", seen(25), observation, names=[resolved()])
    assert conclusion.verdict.code == "ok"
    assert blockers(conclusion) == set()
    assert found(conclusion, code).port == observation.port


def test_what_findings_carry() -> None:
    assert found(concluded(ENDPOINT, unreached(587, "refused")), "port-closed").params["ports"] == (587,)
    assert found(concluded(ENDPOINT, unreached(587, "no-answer")), "unproven").params["state"] == "no-answer"
    busy = plain(587, greeting="421 later", greeting_kind="busy", starttls=None)
    assert found(concluded(ENDPOINT, busy), "greeting-busy").params["greeting"] == "421 later"
    foreign = plain(587, greeting="SSH-2.0", greeting_kind="foreign", spoke="ssh", starttls=None)
    params = found(concluded(ENDPOINT, foreign), "wrong-protocol").params
    assert (params["expected"], params["spoke"]) == ("smtp", "ssh")
    implicit = seen(587, security="tls", starttls=None)
    params = found(concluded(f"submission://{HOST}", implicit), "wrong-security").params
    assert (params["asked"], params["works"]) == ("starttls", "tls")
    params = found(concluded(ENDPOINT, spoilt(587, "cert-expired")), "cert-expired").params
    assert params["date"] == "2026-11-01T00:00:00Z"
    params = found(concluded(ENDPOINT, spoilt(587, "cert-not-yet-valid")), "cert-not-yet-valid").params
    assert params["date"] == "2026-12-24T00:00:00Z"
    params = found(concluded(ENDPOINT, spoilt(587, "cert-name-mismatch")), "cert-name-mismatch").params
    assert params["names"] == ("other.example",)
    params = found(concluded(ENDPOINT, spoilt(587, "cert-untrusted")), "cert-untrusted").params
    assert params["issuer"] == "An authority"


@pytest.mark.parametrize(
    ("observation", "code", "params"),
    [
        (
            spoilt(587, "chain-expired"),
            "chain-expired",
            {"name": "An old intermediate", "date": "2026-11-19T00:00:00Z"},
        ),
        (spoilt(587, "cert-weak"), "cert-weak", {"reason": "EE certificate key too weak / RSA 1024"}),
        (spoilt(587, "cert-no-san"), "cert-no-san", {"name": HOST}),
        (spoilt(587, "roots-outdated"), "roots-outdated", {"issuer": "An authority"}),
        (spoilt(587, "tls-incompatible"), "tls-incompatible", {"reason": "DH_KEY_TOO_SMALL"}),
        (
            spoilt(587, "client-certificate-wanted"),
            "client-certificate-wanted",
            {"reason": "TLSV13_ALERT_CERTIFICATE_REQUIRED"},
        ),
        (
            plain(587, starttls="refused", error="454 4.7.0 TLS not available"),
            "tls-failed",
            {"alert": "454 4.7.0 TLS not available", "refused": True},
        ),
        (plain(587, starttls="silent", error="no answer"), "tls-failed", {"alert": "no answer"}),
        (spoilt(587, "tls-failed"), "tls-failed", {"alert": "HANDSHAKE_FAILURE"}),
    ],
)
def test_reasons_stand_in_the_findings(observation: Observation, code: str, params: dict[str, Any]) -> None:
    finding = found(concluded(ENDPOINT, observation), code)
    assert {name: value for name, value in finding.params.items() if name != "ports"} == params


def test_an_authority_that_expired_leaves_the_date_of_the_servers_certificate_alone() -> None:
    conclusion = concluded(server(), *[spoilt(port, "chain-expired") for port in (465, 587, 993)])
    assert codes(conclusion) == {"chain-expired"}


@pytest.mark.parametrize(
    "greeting",
    ["421 4.7.1 No required SSL certificate", "554 5.7.0 client certificate required"],
)
def test_a_greeting_in_the_clear_asks_for_no_certificate(greeting: str) -> None:
    """Before TLS has begun nobody can show one."""
    kind = "busy" if greeting.startswith("4") else "refused"
    conclusion = concluded(ENDPOINT, plain(587, greeting=greeting, greeting_kind=kind, starttls=None))
    assert "client-certificate-wanted" not in codes(conclusion)
    assert f"greeting-{kind}" in codes(conclusion)


def test_every_fault_of_a_certificate_is_a_finding() -> None:
    conclusion = concluded(ENDPOINT, spoilt(587, "cert-self-signed", "cert-expired", "cert-name-mismatch"))
    assert blockers(conclusion) == {"cert-self-signed", "cert-expired", "cert-name-mismatch"}
    assert conclusion.verdict.code == "cert-self-signed"


@pytest.mark.parametrize(
    ("capabilities", "starttls"),
    [((), None), ((), "failed"), ((), "silent"), (("STARTTLS",), "refused"), (("STARTTLS",), "failed")],
)
def test_plaintext_only_needs_a_list_without_an_offer(capabilities: tuple[str, ...], starttls: str | None) -> None:
    """A dialogue that broke off, or an upgrade that failed, does not show that there is none."""
    broken = broken_off(587, capabilities=capabilities, capabilities_clear=capabilities, starttls=starttls)
    conclusion = concluded(ENDPOINT, broken)
    assert "plaintext-only" not in codes(conclusion)
    assert conclusion.verdict.severity == "blocker"


def test_a_server_that_closes_after_its_greeting_gets_a_reason_beyond_unproven() -> None:
    """It was reached and greeted: to say that it could not be reached would be false."""
    assert concluded(ENDPOINT, broken_off(587)).verdict.code == "connection-cut"


def test_one_host_that_refuses_everything_has_no_mail_service() -> None:
    closed = [unreached(port, "refused") for port in ALL_PORTS]
    conclusion = concluded(server(), *closed, names=[resolved()])
    assert conclusion.verdict.code == "no-mail-service"
    assert codes(conclusion) == {"no-mail-service"}


@pytest.mark.parametrize("other", [unreached(25, "no-answer"), seen(993), plain(110)])
def test_one_port_that_does_something_else_is_no_absence(other: Observation) -> None:
    closed = [unreached(port, "refused") for port in ALL_PORTS if port != other.port]
    assert "no-mail-service" not in codes(concluded(server(), *closed, other, names=[resolved()]))


def test_a_port_for_filters_carries_no_mail() -> None:
    closed = [unreached(port, "refused") for port in ALL_PORTS if port != 4190]
    conclusion = concluded(server(), *closed, seen(4190), names=[resolved()])
    assert codes(conclusion) == {"no-mail-service"}
    assert conclusion.verdict.severity == "blocker"


def test_two_tested_ports_do_not_show_that_there_is_no_mail_service() -> None:
    closed = [unreached(port, "refused") for port in (25, 587)]
    conclusion = concluded(server(), *closed, names=[resolved()], ports=(25, 587))
    assert codes(conclusion) == {"port-closed"}


def test_a_port_that_few_offer_is_missed_only_where_it_was_asked_for() -> None:
    rest = [seen(port) for port in ALL_PORTS if port not in (2525, 4190)]
    quiet = [unreached(2525, "refused"), unreached(4190, "no-answer")]
    assert codes(concluded(server(), *rest, *quiet, names=[resolved()])) == {"ok"}
    asked = concluded(f"{HOST}:2525", unreached(2525, "refused"), seen(587))
    assert asked.verdict.code == "port-closed"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("nxdomain", "dns-nxdomain"),
        ("nodata", "dns-nodata"),
        ("servfail", "dns-servfail"),
        ("timeout", "dns-timeout"),
        ("unasked", "dns-timeout"),
        ("differs", "dns-differs"),
    ],
)
@pytest.mark.parametrize("target", [f"{HOST}:587", "me@example.org"])
def test_names_that_do_not_resolve(state: str, code: str, target: str) -> None:
    name = HOST if ":" in target else "example.org"
    answer = resolved(name, "typed" if ":" in target else "domain", state=state, addresses=())
    conclusion = concluded(target, names=[answer])
    assert (conclusion.verdict.code, conclusion.verdict.severity) == (code, "blocker")
    assert found(conclusion, code).host == name


def test_guesses_that_do_not_exist_leave_room_for_what_the_domain_names() -> None:
    guesses = [resolved(f"g{n}.example.org", "guess", state="nxdomain", addresses=()) for n in range(6)]
    exchanger = resolved("mx.example.org", "mx", state="servfail", addresses=())
    names = [resolved("example.org", "domain"), *guesses, exchanger]
    conclusion = concluded("me@example.org", seen(587), names=names)
    assert [finding.host for finding in conclusion.findings if finding.code.startswith("dns-")] == ["mx.example.org"]


def test_an_account_without_an_address_or_an_exchanger_of_its_own_is_well_where_its_servers_are() -> None:
    names = [resolved("example.org", "mx", state="nodata", addresses=()), resolved("smtp.example.org", "guess")]
    conclusion = concluded("me@example.org", seen(587, host="smtp.example.org", source="guess"), names=names)
    assert codes(conclusion) == {"ok"}


def test_a_domain_that_takes_no_mail() -> None:
    names = [resolved("example.org", "mx", addresses=(), mail_exchangers=("",))]
    conclusion = concluded("me@example.org", names=names)
    assert (conclusion.verdict.code, conclusion.verdict.severity) == ("null-mx", "blocker")
    others = [resolved("example.org", "mx", addresses=(), mail_exchangers=("", "mx.example.org"))]
    assert "null-mx" not in codes(concluded("me@example.org", names=others))


def test_without_a_network_nothing_is_said_of_the_target() -> None:
    silent = [unreached(port, "unreachable", error="ENETUNREACH") for port in (25, 587)]
    conclusion = concluded(server(), *silent, online=False, names=[resolved()])
    assert codes(conclusion) == {"offline"}
    assert conclusion.verdict.code == "offline"


def test_what_answers_shows_that_there_is_a_network() -> None:
    assert "offline" not in codes(concluded(server(), unreached(25, "refused"), online=False))
    assert "offline" not in codes(concluded(server(), seen(587), online=False))


def test_a_host_of_the_other_family_only() -> None:
    lonely = [unreached(port, "unreachable", family=6, error="ENETUNREACH") for port in ALL_PORTS]
    conclusion = concluded(server(), *lonely, names=[resolved(addresses=("2001:db8::7",))])
    assert (conclusion.verdict.code, conclusion.verdict.severity) == ("no-common-family", "blocker")


@pytest.mark.parametrize(
    "observations",
    [
        [unreached(587, "unreachable", family=6, error="ENETUNREACH"), unreached(587, "no-answer", family=4)],
        [unreached(587, "unreachable", family=6, error="EHOSTUNREACH")],
        [unreached(587, "unreachable", family=6, error="ENETUNREACH (ICMPv6 1/0)", reporter="2001:db8::1")],
        [unreached(587, "unreachable", family=6, error="ENETUNREACH"), seen(465, family=6)],
    ],
)
def test_a_family_is_missing_only_where_this_machine_has_no_way_at_all(observations: list[Observation]) -> None:
    assert "no-common-family" not in codes(concluded(ENDPOINT, *observations))


def test_a_fault_of_one_family_says_which() -> None:
    conclusion = concluded(server(), seen(587, family=4), unreached(587, "no-answer", family=6), seen(993, family=4))
    assert found(conclusion, "unproven").family == 6
    both = concluded(ENDPOINT, unreached(587, "refused", family=4), unreached(587, "refused", family=6))
    assert found(both, "port-closed").family is None
    alone = concluded(ENDPOINT, unreached(587, "refused", family=4))
    assert found(alone, "port-closed").family is None


@pytest.mark.parametrize(("milliseconds", "slow"), [(None, False), (4900, False), (5100, True), (18000, True)])
def test_slow_greetings(milliseconds: float | None, slow: bool) -> None:
    observation = seen(587, stages=Stages(connect_ms=5, greeting_ms=milliseconds))
    conclusion = concluded(ENDPOINT, observation)
    assert ("slow-greeting" in codes(conclusion)) is slow
    assert conclusion.verdict.code == "ok"
    if slow:
        assert found(conclusion, "slow-greeting").severity != "blocker"


@pytest.mark.parametrize(("until", "soon"), [("2026-12-30T00:00:00Z", False), ("2026-12-01T00:00:00Z", True)])
def test_certificates_that_expire_soon(until: str, soon: bool) -> None:
    conclusion = concluded(ENDPOINT, seen(587, tls=GOOD_TLS.model_copy(update={"not_after": until})))
    assert ("cert-expiring" in codes(conclusion)) is soon
    assert conclusion.verdict.code == "ok"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"auth": ("XOAUTH2", "OAUTHBEARER"), "capabilities": ("AUTH XOAUTH2 OAUTHBEARER",)}, "auth-oauth-only"),
        ({"auth": (), "capabilities": ("SIZE",)}, "auth-absent"),
        ({"auth_clear": ("PLAIN",)}, "auth-before-tls"),
    ],
)
def test_remarks_on_the_sign_in(changed: dict[str, Any], code: str) -> None:
    conclusion = concluded(ENDPOINT, seen(587, **changed))
    assert codes(conclusion) == {"ok", code}
    assert found(conclusion, code).severity in ("note", "warning")


@pytest.mark.parametrize(
    "observation",
    [
        seen(587),
        seen(587, auth=("PLAIN", "XOAUTH2")),
        seen(587, auth_clear=("XOAUTH2",)),
        seen(25, auth=(), capabilities=("SIZE",)),
        seen(587, auth=(), capabilities=()),
        seen(465),
    ],
)
def test_no_remark_where_the_sign_in_is_as_usual(observation: Observation) -> None:
    assert codes(concluded(f"{HOST}:{observation.port}", observation)) == {"ok"}

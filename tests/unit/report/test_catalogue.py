import ast
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.unit.core_observations import (
    GOOD_TLS,
    HOST,
    broken_off,
    concluded,
    evidence,
    plain,
    resolved,
    seen,
    server,
    spoilt,
    unreached,
)
from tests.unit.said import advice, sentence

import poterne
from poterne.diagnosis import Conclusion, diagnose
from poterne.diagnosis.registry import kinds
from poterne.knowledge import dialogues, discovery, ports
from poterne.report import (
    Confidence,
    Finding,
    HintKind,
    Hop,
    NameState,
    ParamValue,
    Party,
    PortalState,
    Remark,
    Security,
    Severity,
    Stages,
    State,
    Station,
    UserName,
)
from poterne.report.catalogue import Catalogue, language_of
from poterne.report.locales import LANGUAGES

HOST_FOLDER = Path(poterne.__file__).parent
LOCALES = HOST_FOLDER.parents[1] / "extension" / "_locales"

REFUSALS = sorted(
    set(
        re.findall(
            r'(?:Unusable|Unreadable|Mismatch|_refused)\((?:[^()"]|"[^"]*"|\([^()]*\))*, "([a-z-]+)"',
            "".join(
                path.read_text(encoding="utf-8") for path in (Path(poterne.__file__).parent / "discovery").rglob("*.py")
            ),
        )
    )
)

CONTRACT = [
    "port25-blocked",
    "port25-relay-only",
    "port-blocked",
    "mail-allowlist",
    "local-firewall",
    "gateway-firewall",
    "smtp-intercepted",
    "starttls-stripped",
    "tls-intercepted",
    "tls-stalled",
    "captive-portal",
    "offline",
    "ipv6-broken",
    "ipv4-broken",
    "proxy-only",
    "server-down",
    "client-rejected",
    "port-closed",
    "port-silent",
    "no-mail-service",
    "greeting-refused",
    "greeting-busy",
    "no-greeting",
    "slow-greeting",
    "wrong-protocol",
    "dns-nxdomain",
    "dns-nodata",
    "dns-servfail",
    "dns-timeout",
    "dns-hijacked",
    "dns-differs",
    "own-address",
    "private-address",
    "resolver-slow",
    "wrong-host-name",
    "wrong-security",
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
    "cert-expiring",
    "clock-wrong",
    "tls-legacy-only",
    "tls-incompatible",
    "client-certificate-wanted",
    "tls-failed",
    "plaintext-only",
    "starttls-injection",
    "auth-oauth-only",
    "auth-before-tls",
    "auth-absent",
    "ok",
    "unproven",
]


def messages(language: str) -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = json.loads((LOCALES / language / "messages.json").read_text(encoding="utf-8"))
    return read


def key_of(code: str) -> str:
    return code.replace("-", "_")


def placeholders(message: str) -> set[str]:
    return {name.lower() for name in re.findall(r"\$([A-Za-z0-9_@]+)\$", message)}


def emitted() -> set[str]:
    """Every finding code that stands as a string in the rules and the certificate checks."""
    known = {*CONTRACT, *(each.code for each in kinds())}
    found: set[str] = set()
    for path in [
        *(HOST_FOLDER / "diagnosis").rglob("*.py"),
        HOST_FOLDER / "probe/certificates.py",
        HOST_FOLDER / "probe/tls.py",
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value} & known
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Symptom" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_sentence_and_its_advice(language: str) -> None:
    have = messages(language)
    wanted = {*CONTRACT, *emitted(), *(each.code for each in kinds())}
    assert {code for code in wanted if key_of(code) not in have} == set()
    assert {code for code in wanted if f"{key_of(code)}_advice" not in have} == set()


def test_every_code_that_can_be_said_is_registered() -> None:
    registered = {each.code: each for each in kinds()}
    assert len(registered) > 50
    assert emitted() <= set(registered)
    assert {code for code, each in registered.items() if each.party is None} == {"ok"}
    for code, each in registered.items():
        assert each.party in (*get_args(Party), None), code
        severities = {each.milder(outgoing=outgoing) for outgoing in (True, False)}
        assert severities <= set(get_args(Severity)) - {"blocker"}, code
        assert {*(each.absorbs or ()), *each.silences} <= set(registered), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_can_remove_a_cause_has_a_name(language: str) -> None:
    have = messages(language)
    parties = {each.party for each in kinds()} - {"unclear", None}
    assert len(parties) > 5
    assert {party for party in (*parties, "provider") if f"party_{party}" not in have} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things(language: str) -> None:
    english, other = messages("en"), messages(language)
    assert set(english) == set(other)
    different = {
        key
        for key in english
        if placeholders(english[key]["message"]) != placeholders(other[key]["message"]) and not key.endswith("_one")
    }
    assert different == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_browsers_can_read_the_file(language: str) -> None:
    for key, entry in messages(language).items():
        assert re.fullmatch(r"[A-Za-z0-9_@]+", key), key
        assert entry["message"].strip(), key
        declared = {name.lower() for name in entry.get("placeholders", {})}
        assert placeholders(entry["message"]) <= declared, key


def shown() -> list[Conclusion]:
    busy = {"greeting_kind": "busy", "greeting": "421 later", "starttls": None}
    return [
        concluded(server(), seen(587), seen(993)),
        concluded(server(), *[unreached(port, "refused") for port in (25, 465, 587)], names=[resolved()]),
        concluded(f"{HOST}:25", unreached(25, "refused"), unreached(465, "refused"), unreached(587, "no-answer")),
        concluded(f"{HOST}:587", unreached(587, "prohibited", reporter="192.0.2.1")),
        *[
            concluded(f"{HOST}:587", plain(587, **{**busy, "greeting_kind": kind}))
            for kind in ("busy", "refused", "silent", "closed")
        ],
        concluded(f"{HOST}:587", plain(587, greeting_kind="foreign", spoke="ssh", starttls=None)),
        concluded(f"{HOST}:587", plain(587, greeting_kind="foreign", spoke=None, starttls=None)),
        concluded(server(), plain(587), plain(25), plain(143)),
        concluded(f"{HOST}:587", plain(587, starttls="injected")),
        concluded(f"{HOST}:587", broken_off(587)),
        concluded(f"smtps://{HOST}", seen(465, security="starttls", starttls="accepted")),
        *[
            concluded(f"{HOST}:587", spoilt(587, fault))
            for fault in (
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
                "tls-legacy-only",
                "tls-incompatible",
                "client-certificate-wanted",
                "tls-failed",
            )
        ],
        concluded(f"{HOST}:465", seen(465, greeting=None, greeting_kind="closed", error="TLSV1_ALERT_INTERNAL_ERROR")),
        concluded(f"{HOST}:587", plain(587, starttls="refused", error="454 no")),
        *[
            concluded("me@example.org", names=[resolved("example.org", "domain", state=state, addresses=())])
            for state in ("nxdomain", "nodata", "servfail", "timeout", "differs")
        ],
        concluded("me@example.org", names=[resolved("example.org", "mx", addresses=(), mail_exchangers=("",))]),
        concluded(server(), unreached(25, "unreachable"), online=False),
        concluded(server(), unreached(25, "unreachable", family=6, error="ENETUNREACH")),
        concluded(f"{HOST}:587", seen(587, stages=Stages(greeting_ms=9000), auth_clear=("PLAIN",))),
        concluded(f"{HOST}:587", seen(587, auth=(), capabilities=("SIZE",))),
        concluded(f"{HOST}:587", seen(587, auth=("XOAUTH2",))),
        concluded(f"{HOST}:587", seen(587, tls=GOOD_TLS.model_copy(update={"not_after": "2026-12-01T00:00:00Z"}))),
    ]


def compared() -> list[Finding]:
    """What only a comparison with others shows, with the parameters that its rules give."""
    ports: dict[str, ParamValue] = {"ports": (465, 587)}
    led: dict[str, ParamValue] = {"addresses": ("192.0.2.7",)}
    rows: list[tuple[str, int | None, dict[str, ParamValue]]] = [
        ("port25-blocked", 25, {"ports": (25,)}),
        ("port25-blocked", 25, {"ports": (25,), "where": "provider"}),
        ("port25-relay-only", 25, {"ports": (25,), "relay": "smtp.isp.example"}),
        *[(code, 465, ports) for code in ("port-blocked", "local-firewall", "gateway-firewall", "smtp-intercepted")],
        ("port-blocked", 465, {**ports, "where": "provider"}),
        *[(code, 465, ports) for code in ("mail-allowlist", "port-silent", "client-rejected", "starttls-stripped")],
        ("tls-intercepted", 465, {**ports, "issuer": "An authority", "trusted": True}),
        ("tls-intercepted", 465, {**ports, "issuer": "An authority", "trusted": False}),
        ("client-rejected", 465, {**ports, "tripped": True, "count": 3}),
        ("tls-stalled", 465, ports),
        ("connection-cut", 587, {"ports": (587,), "at_once": True}),
        ("tls-failed", 25, {"ports": (25,), "masked": True}),
        ("network-changed", None, {"slept": True}),
        *[(code, None, {}) for code in ("server-down", "captive-portal", "ipv6-broken", "ipv4-broken", "clock-wrong")],
        ("dns-hijacked", None, {}),
        ("port-blocked", 465, {"ports": (25, 465, 587), "all": True}),
        ("proxy-only", None, {}),
        *[(code, None, led) for code in ("own-address", "private-address", "resolver-slow")],
        ("dns-differs", None, {**led, "elsewhere": ("192.0.2.9",)}),
        ("dns-differs", None, {**led, "elsewhere": ("192.0.2.9",), "hosts": True}),
        ("wrong-host-name", None, {"names": ("smtp.example.org",)}),
        *[
            ("offer-refused", None, {"place": "https://example.org/x", "reason": reason, "value": "26", "part": part})
            for reason in REFUSALS
            for part in (True, False)
        ],
        ("sending-not-offered", None, {}),
        ("offer-untested", None, {"place": "out.example.org:26", "reason": "port-forbidden", "value": "26"}),
        ("offer-untested", None, {"place": "out.example.org:26", "reason": "port-unusual", "value": "26"}),
    ]
    return [
        Finding(code=code, severity="warning", confidence="likely", host=HOST, port=port, params=params)
        for code, port, params in rows
    ]


def findings() -> list[Finding]:
    return [*(finding for conclusion in shown() for finding in conclusion.findings), *compared()]


def test_these_findings_hold_every_code_that_can_be_said() -> None:
    assert emitted() - {finding.code for finding in findings()} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("suffix", ["", "_advice"])
def test_sentences_leave_no_gap(language: str, suffix: str) -> None:
    """Every placeholder of a sentence gets a value from the finding for which it is said."""
    catalogue, raw = Catalogue(language), messages(language)
    for finding in findings():
        text = advice(finding, catalogue) if suffix else sentence(finding, catalogue)
        assert text.strip()
        assert "$" not in text
        used = placeholders(raw[key_of(finding.code) + suffix]["message"])
        have = {name for name, value in finding.params.items() if value not in (None, "", ())}
        have |= {"why"} if "reason" in finding.params else set()
        have |= {"host"} if finding.host else set()
        have |= {"port", "ports"} if finding.port else set()
        have |= {"family"} if finding.family else set()
        assert used <= have, (finding.code, used - have, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_proved_is_said_in_a_sentence_of_its_own(language: str) -> None:
    catalogue = Catalogue(language)
    sentences = {
        (finding.code, finding.params.get("where"), finding.params.get("trusted")): sentence(finding, catalogue)
        for finding in compared()
    }
    for code in ("port25-blocked", "port-blocked"):
        assert sentences[code, "provider", None] != sentences[code, None, None]
    assert sentences["tls-intercepted", None, False] != sentences["tls-intercepted", None, True]


def test_nothing_tested_is_said_without_a_gap() -> None:
    (finding,) = diagnose(evidence("me@example.org")).findings
    for language in LANGUAGES:
        text = sentence(finding, Catalogue(language))
        assert "  " not in text
        assert not re.search(r"[Pp]orts? +(of|de|d\u2019)\b", text), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_has_a_word(language: str) -> None:
    have = messages(language)
    for kind, values in {
        "security": get_args(Security),
        "state": get_args(State),
        "confidence": get_args(Confidence),
        "username": get_args(UserName),
        "name_state": get_args(NameState),
        "portal_state": get_args(PortalState),
        "why_portal": get_args(PortalState),
        "station": get_args(Station),
        "way_name": (*get_args(Station), "router"),
        "way_where": get_args(Station),
        "hint": get_args(HintKind),
        "hop": set(get_args(Hop.model_fields["answer"].annotation)) - {"time-exceeded"},
        "service": {row.dialogue for row in ports.known()} | {row.protocol for row in dialogues.table().recognise},
    }.items():
        missing = [value for value in values if f"{kind}_{value.replace('-', '_')}" not in have]
        assert missing == [], kind


def closed(*numbers: int) -> Finding:
    return Finding(
        code="port-closed", severity="note", confidence="certain", host=HOST, port=numbers[0], params={"ports": numbers}
    )


def test_the_number_of_ports_decides_the_form() -> None:
    english = Catalogue("en")
    assert sentence(closed(25), english) == "Connections to port 25 of mail.example.org are refused."
    assert sentence(closed(25, 587), english) == "Connections to ports 25 and 587 of mail.example.org are refused."
    assert "25, 465 and 587" in sentence(closed(25, 465, 587), english).replace(", and", " and")
    assert "25 et 587" in sentence(closed(25, 587), Catalogue("fr"))
    many = (110, 143, 465, 587, 993, 995)
    assert all(str(port) in sentence(closed(*many), english) for port in many)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_that_a_firewall_reported_is_the_firewalls(language: str) -> None:
    catalogue = Catalogue(language)
    for numbers in ((25,), (25, 587)):
        plain = closed(*numbers)
        reported = plain.model_copy(update={"params": {**plain.params, "reporter": "192.0.2.7"}})
        text = sentence(reported, catalogue)
        assert text != sentence(plain, catalogue)
        assert HOST in text and "$" not in text
        assert all(str(number) in text for number in numbers)
        assert advice(reported, catalogue) == advice(plain, catalogue)


def test_dates_and_numbers_are_written_as_the_language_does() -> None:
    expired = Finding(
        code="cert-expired",
        severity="blocker",
        confidence="certain",
        host=HOST,
        port=587,
        params={"date": "2026-11-01T00:00:00Z"},
    )
    assert "November 1, 2026" in sentence(expired, Catalogue("en"))
    assert "1 novembre 2026" in sentence(expired, Catalogue("fr"))
    assert (Catalogue("en").number(1234.56), Catalogue("fr").number(0.5)) == ("1,234.6", "0,5")


def test_a_value_that_looks_like_a_placeholder_is_only_text() -> None:
    busy = Finding(
        code="greeting-busy",
        severity="blocker",
        confidence="certain",
        host=HOST,
        port=587,
        params={"greeting": "421 $HOST$ \\1 $$"},
    )
    assert "421 $HOST$ \\1 $$" in sentence(busy, Catalogue("en"))


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_CA.UTF-8"}, "fr"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "nl_NL.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "FR"}, "fr"),
        ({"LC_ALL": "en_GB", "LANG": "fr_FR"}, "en"),
        ({"LC_MESSAGES": "fr_FR@euro", "LANG": "en_US"}, "fr"),
        ({"LANGUAGE": "nl:fr:en", "LANG": "en_US"}, "fr"),
        ({"LANGUAGE": "", "LANG": "fr"}, "fr"),
    ],
)
def test_which_language_is_spoken(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


def test_an_unknown_language_is_english() -> None:
    assert Catalogue("tlh").language == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_refusal_and_every_remark_has_its_words(language: str) -> None:
    assert len(REFUSALS) > 15
    have = messages(language)
    assert {reason for reason in REFUSALS if f"refusal_{key_of(reason)}" not in have} == set()
    assert {remark for remark in get_args(Remark) if f"remark_{key_of(remark)}" not in have} == set()
    assert {source for source in discovery.table().authority if f"source_{source}" not in have} == set()

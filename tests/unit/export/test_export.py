import json
import plistlib
import uuid
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core_observations import GOOD_TLS, evidence, report_of, resolved, seen

from poterne.errors import InvalidRequest, NoSettings
from poterne.export import FORMATS, export, file_name
from poterne.report import Report, Setting, Settings
from poterne.report.catalogue import Catalogue
from poterne.report.locales import LANGUAGES
from poterne.target.parser import host_name, parse

STRINGS = {
    "EmailAccountDescription",
    "EmailAccountType",
    "EmailAddress",
    *(
        f"{side}MailServer{key}"
        for side in ("Incoming", "Outgoing")
        for key in ("HostName", "Authentication", "Username")
    ),
}
PAYLOAD = {"PayloadType": str, "PayloadIdentifier": str, "PayloadUUID": str, "PayloadDisplayName": str} | {
    "PayloadVersion": int
}
MAIL: dict[str, type] = {
    **PAYLOAD,
    **dict.fromkeys(STRINGS, str),
    "OutgoingPasswordSameAsIncomingPassword": bool,
    **{f"{side}MailServerPortNumber": int for side in ("Incoming", "Outgoing")},
    **{f"{side}MailServerUseSSL": bool for side in ("Incoming", "Outgoing")},
}
REQUIRED = {"EmailAccountType"} | {
    f"{side}MailServer{key}" for side in ("Incoming", "Outgoing") for key in ("Authentication", "HostName")
}
WHOLE: dict[str, type] = {
    **PAYLOAD,
    "PayloadDescription": str,
    "PayloadRemovalDisallowed": bool,
    "PayloadContent": list,
}


def setting(protocol: str, port: int, security: str, **changed: Any) -> Setting:
    base = {
        "protocol": protocol,
        "host": f"{protocol}.example.org",
        "port": port,
        "security": security,
        "auth": ("password",),
        "username": "address",
        "verified": True,
        "source": "srv",
    }
    return Setting.model_validate({**base, **changed})


IMAPS = setting("imap", 993, "tls")
IMAP = setting("imap", 143, "starttls")
POP3S = setting("pop3", 995, "tls")
SUBMISSIONS = setting("smtp", 465, "tls")
SUBMISSION = setting("smtp", 587, "starttls")


def report(*settings: Setting, target: str = "user@example.org", **changed: Any) -> Report:
    base = report_of(evidence(target, seen(587), names=[resolved()]))
    found = Settings(
        outgoing=tuple(one for one in settings if one.protocol == "smtp"),
        incoming=tuple(one for one in settings if one.protocol != "smtp"),
    )
    return base.model_copy(update={"target": parse(target), "settings": found, **changed})


def profile(found: Report, language: str = "en") -> dict[str, Any]:
    whole: dict[str, Any] = plistlib.loads(export(found, "mobileconfig", language).data, fmt=plistlib.FMT_XML)
    return whole


def mail_of(found: Report) -> dict[str, Any]:
    (mail,) = profile(found)["PayloadContent"]
    assert isinstance(mail, dict)
    return mail


def config(found: Report) -> Any:
    return ElementTree.fromstring(export(found, "autoconfig").data)


def servers(found: Report, tag: str) -> list[dict[str, str]]:
    return [
        {"type": server.get("type"), **{value.tag: value.text for value in server}}
        for server in config(found).findall(f"emailProvider/{tag}")
    ]


def settings_in(found: Report) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(export(found, "json").data)
    return whole


def text(found: Report, language: str = "en") -> str:
    return export(found, "text", language).data.decode()


GOOD = report(IMAPS, SUBMISSIONS, SUBMISSION)


def test_a_port_where_nobody_signs_in_is_handed_over_only_where_it_is_all_there_is() -> None:
    relay = setting("smtp", 25, "starttls", auth=())
    assert [server["port"] for server in servers(report(IMAPS, SUBMISSIONS, relay), "outgoingServer")] == ["465"]
    assert [server["port"] for server in servers(report(IMAPS, relay), "outgoingServer")] == ["25"]


def test_a_profile_holds_the_known_keys_with_their_types_and_no_password() -> None:
    whole = profile(GOOD)
    assert {key: type(value) for key, value in whole.items()} == WHOLE
    assert (whole["PayloadType"], whole["PayloadVersion"], whole["PayloadRemovalDisallowed"]) == (
        "Configuration",
        1,
        False,
    )
    mail = mail_of(GOOD)
    assert {key: type(value) for key, value in mail.items()} == MAIL
    assert mail.keys() >= REQUIRED
    assert not {"IncomingPassword", "OutgoingPassword"} & mail.keys()
    assert {key: value for key, value in mail.items() if not key.startswith("Payload")} == {
        "EmailAccountDescription": "user@example.org",
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": "user@example.org",
        "OutgoingPasswordSameAsIncomingPassword": True,
        "IncomingMailServerHostName": "imap.example.org",
        "IncomingMailServerPortNumber": 993,
        "IncomingMailServerUseSSL": True,
        "IncomingMailServerAuthentication": "EmailAuthPassword",
        "IncomingMailServerUsername": "user@example.org",
        "OutgoingMailServerHostName": "smtp.example.org",
        "OutgoingMailServerPortNumber": 465,
        "OutgoingMailServerUseSSL": True,
        "OutgoingMailServerAuthentication": "EmailAuthPassword",
        "OutgoingMailServerUsername": "user@example.org",
    }


def test_a_profile_of_the_same_account_replaces_the_earlier_one() -> None:
    def identities(found: Report) -> list[str]:
        whole = profile(found)
        payloads = [whole, *whole["PayloadContent"]]
        return [payload[key] for payload in payloads for key in ("PayloadUUID", "PayloadIdentifier")]

    first = identities(GOOD)
    assert len(set(first)) == 4
    for identifier in first[::2]:
        assert uuid.UUID(identifier).version == 5
    assert identities(report(POP3S, SUBMISSION)) == first
    assert identities(report(IMAPS, SUBMISSION, target="USER@Example.org")) == first
    assert set(identities(report(IMAPS, SUBMISSION, target="other@example.org"))).isdisjoint(first)


def test_a_profile_holds_the_recommended_server_even_where_another_has_implicit_tls() -> None:
    other = setting("smtp", 465, "tls", host="big.provider.example", source="ispdb")
    mail = mail_of(report(IMAPS, SUBMISSION, other))
    assert (mail["OutgoingMailServerHostName"], mail["OutgoingMailServerPortNumber"]) == (SUBMISSION.host, 587)


def test_a_profile_prefers_implicit_tls_and_says_what_its_one_switch_means_where_there_is_none() -> None:
    both = report(IMAP, IMAPS, SUBMISSION, SUBMISSIONS)
    mail = mail_of(both)
    assert (mail["IncomingMailServerPortNumber"], mail["OutgoingMailServerPortNumber"]) == (993, 465)
    assert "STARTTLS" not in profile(both)["PayloadDescription"]
    upgraded = report(IMAPS, SUBMISSION)
    assert mail_of(upgraded)["OutgoingMailServerPortNumber"] == 587
    assert mail_of(upgraded)["OutgoingMailServerUseSSL"] is True
    for language in LANGUAGES:
        description = profile(upgraded, language)["PayloadDescription"]
        assert "smtp.example.org:587" in description
        assert "STARTTLS" in description
        assert "imap.example.org" not in description


def test_a_profile_prefers_imap_to_pop3_whatever_their_encryption() -> None:
    mail = mail_of(report(POP3S, IMAP, SUBMISSIONS))
    assert (mail["EmailAccountType"], mail["IncomingMailServerPortNumber"]) == ("EmailTypeIMAP", 143)
    assert mail_of(report(POP3S, SUBMISSIONS))["EmailAccountType"] == "EmailTypePOP"


def test_a_profile_signs_in_in_a_way_that_the_format_knows() -> None:
    oauth = ("oauth2",)
    with pytest.raises(NoSettings, match="sign-in"):
        export(report(setting("imap", 993, "tls", auth=oauth), SUBMISSIONS), "mobileconfig")
    mixed = report(
        setting("imap", 993, "tls", auth=("oauth2", "password")),
        setting("smtp", 465, "tls", auth=oauth),
        setting("smtp", 587, "starttls", auth=("ntlm",)),
    )
    mail = mail_of(mixed)
    assert mail["IncomingMailServerAuthentication"] == "EmailAuthPassword"
    assert (mail["OutgoingMailServerPortNumber"], mail["OutgoingMailServerAuthentication"]) == (587, "EmailAuthNTLM")
    unsaid = mail_of(report(setting("imap", 993, "tls", auth=()), SUBMISSIONS))
    assert unsaid["IncomingMailServerAuthentication"] == "EmailAuthPassword"


def test_without_an_account_a_device_asks_for_the_user_name() -> None:
    mail = mail_of(report(IMAPS, SUBMISSIONS, target="example.org"))
    assert mail["EmailAccountDescription"] == "example.org"
    assert not {"EmailAddress", "IncomingMailServerUsername", "OutgoingMailServerUsername"} & mail.keys()


@pytest.mark.parametrize(
    ("form", "user"), [("address", "user@example.org"), ("local-part", "user"), ("unknown", "user@example.org")]
)
def test_the_user_name_has_the_form_that_each_server_wants(form: str, user: str) -> None:
    found = report(setting("imap", 993, "tls", username=form), SUBMISSIONS)
    mail = mail_of(found)
    assert (mail["IncomingMailServerUsername"], mail["OutgoingMailServerUsername"]) == (user, "user@example.org")
    assert [one["user"] for one in settings_in(found)["settings"]["incoming"]] == [user]
    assert f" {user}\n" in text(found)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("mailto:user%2Btag@example.org?cc=other@example.net", "user+tag@example.org"),
        (" User.Name@EXAMPLE.org ", "User.Name@example.org"),
        ("a<b&\"c'@example.org", None),
        ("user\ufffe@example.org", None),
        ("o'brien&sons@example.org", "o'brien&sons@example.org"),
        ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
    ],
)
def test_the_address_is_the_one_that_was_typed(typed: str, address: str | None) -> None:
    if address is None:
        found = report(IMAPS, SUBMISSIONS).model_copy()
        found = found.model_copy(update={"target": found.target.model_copy(update={"input": typed})})
        assert settings_in(found)["address"] is None
        return
    found = report(IMAPS, SUBMISSIONS, target=typed)
    assert mail_of(found)["EmailAddress"] == address
    assert settings_in(found)["address"] == address
    assert address in text(found)


def test_autoconfig_is_for_the_whole_domain_and_lists_all_that_works_the_best_first() -> None:
    found = report(
        IMAPS,
        setting("pop3", 110, "starttls", username="local-part", auth=("oauth2", "password", "kerberos")),
        SUBMISSIONS,
        setting("smtp", 587, "starttls", auth=(), username="unknown"),
    )
    root = config(found)
    assert (root.tag, root.attrib) == ("clientConfig", {"version": "1.1"})
    (provider,) = root
    assert (provider.tag, provider.attrib) == ("emailProvider", {"id": "example.org"})
    assert [provider.findtext(tag) for tag in ("domain", "displayName", "displayShortName")] == ["example.org"] * 3
    assert servers(found, "incomingServer")[0] == {
        "type": "imap",
        "hostname": "imap.example.org",
        "port": "993",
        "socketType": "SSL",
        "username": "%EMAILADDRESS%",
        "authentication": "password-cleartext",
    }
    pop3 = provider.findall("incomingServer")[1]
    assert pop3.findtext("socketType") == "STARTTLS"
    assert pop3.findtext("username") == "%EMAILLOCALPART%"
    assert [auth.text for auth in pop3.findall("authentication")] == ["OAuth2", "password-cleartext", "GSSAPI"]
    outgoing = servers(found, "outgoingServer")
    assert [server["port"] for server in outgoing] == ["465", "587"]
    assert outgoing[1]["authentication"] == "password-cleartext"
    assert outgoing[1]["username"] == "%EMAILADDRESS%"


def test_autoconfig_needs_a_mail_domain() -> None:
    with pytest.raises(NoSettings, match="domain"):
        export(report(IMAPS, SUBMISSIONS, target="smtp.example.org:587"), "autoconfig")


def test_json_is_shaped_as_a_report() -> None:
    whole = settings_in(GOOD)
    assert (whole["schema"], whole["domain"], whole["address"]) == (1, "example.org", "user@example.org")
    assert whole["tested"] == GOOD.started_at[:10]
    for direction, kept in (("incoming", (IMAPS,)), ("outgoing", (SUBMISSIONS, SUBMISSION))):
        entries = whole["settings"][direction]
        assert [entry.pop("user") for entry in entries] == ["user@example.org"] * len(kept)
        assert [Setting.model_validate({**entry, "source": "srv"}) for entry in entries] == list(kept)


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_is_in_the_catalogue_s_language(language: str) -> None:
    shown, catalogue = text(GOOD, language), Catalogue(language)
    for key in ("cli_incoming", "cli_outgoing", "cli_host", "cli_port", "cli_username", "handover_no_password"):
        assert catalogue.text(key) in shown
    assert catalogue.text("handover_title", name="user@example.org") == shown.splitlines()[0]
    for value in ("imap.example.org", "993", "465", "587", catalogue.word("security", "tls")):
        assert value in shown
    assert shown == export(GOOD, "text", catalogue).data.decode()
    assert shown.endswith("\n")


def test_the_other_settings_stand_in_a_line_each_with_their_own_user_name() -> None:
    shown = text(report(IMAPS, setting("pop3", 995, "tls", username="local-part"), SUBMISSIONS, SUBMISSION))
    others = shown.partition(Catalogue("en").text("handover_others"))[2].splitlines()
    assert [line.split()[-5:] for line in others[1:3]] == [
        ["(POP3)", "pop3.example.org", "995", "SSL/TLS", "user"],
        ["(SMTP)", "smtp.example.org", "587", "STARTTLS", "user@example.org"],
    ]


def test_what_a_test_policy_made_true_is_marked() -> None:
    marked = report(IMAPS, SUBMISSIONS, lab=True)
    assert Catalogue("en").text("cli_lab") in text(marked)
    assert Catalogue("en").text("cli_lab") in profile(marked)["PayloadDescription"]
    assert settings_in(marked)["lab"] is True
    assert Catalogue("en").text("cli_lab") not in text(GOOD)
    assert settings_in(GOOD)["lab"] is False


def test_text_says_which_direction_has_nothing() -> None:
    shown = text(report(SUBMISSIONS))
    assert Catalogue("en").text("cli_no_incoming") in shown
    assert Catalogue("en").text("handover_others") not in shown


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "unfit",
    [
        setting("imap", 993, "tls", verified=False, host="unproven.example.org"),
        setting("imap", 143, "none", host="clear.example.org"),
        setting("imap", 993, "tls", host="<evil>.example"),
        setting("imap", 993, "tls", host="evil.example\n<x/>"),
        setting("smtp", 26, "none", host="clear.example.org", verified=True),
    ],
)
def test_what_is_unproven_unencrypted_or_no_host_is_never_handed_over(format: str, unfit: Setting) -> None:
    host = unfit.host.encode()
    found = report(unfit, IMAPS, SUBMISSIONS)
    data = export(found, format).data
    assert host not in data
    assert b"evil" not in data
    assert b"imap.example.org" in data
    with pytest.raises(NoSettings):
        export(report(unfit), format)


@pytest.mark.parametrize("format", FORMATS)
def test_a_setting_of_the_other_direction_is_none(format: str) -> None:
    crossed = report().model_copy(update={"settings": Settings(outgoing=(IMAPS,), incoming=(SUBMISSIONS,))})
    with pytest.raises(NoSettings):
        export(crossed, format)


@pytest.mark.parametrize("format", ["mobileconfig", "autoconfig"])
def test_a_format_that_needs_both_directions_says_which_is_missing(format: str) -> None:
    with pytest.raises(NoSettings, match="sending"):
        export(report(IMAPS), format)
    with pytest.raises(NoSettings, match="receiving"):
        export(report(SUBMISSIONS), format)


def test_another_format_is_refused_in_one_line() -> None:
    with pytest.raises(InvalidRequest, match="mobileconfig") as refusal:
        export(GOOD, "docx")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("target", "stem"),
    [
        ("user@example.org", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("smtp.example.org:587", "smtp.example.org"),
        ("aux.example", "mail-aux.example"),
        ("nul", "mail-nul"),
        ("[2001:db8::7]:993", "2001-db8--7"),
        ("[::ffff:192.0.2.7]:993", "192.0.2.7"),
        ("[fe80::1%eth0]:993", "fe80--1-eth0"),
    ],
)
def test_files_are_named_after_the_domain_or_the_server(target: str, stem: str) -> None:
    found = report(IMAPS, SUBMISSIONS, target=target)
    names = [export(found, format).name for format in ("mobileconfig", "text", "json")]
    assert names == [file_name(parse(target), format) for format in ("mobileconfig", "text", "json")]
    assert names == [f"{stem}.mobileconfig", f"{stem}.txt", f"{stem}.json"]
    for name in names:
        assert PurePosixPath(name).name == name == PureWindowsPath(name).name
        assert name.partition(".")[0] not in {"aux", "nul"}


def test_names_and_media_types_are_those_of_the_formats() -> None:
    assert list(FORMATS) == ["mobileconfig", "autoconfig", "text", "json"]
    assert export(GOOD, "autoconfig").name == "config-v1.1.xml"
    assert {export(GOOD, format).mime for format in FORMATS} == {
        "application/x-apple-aspen-config",
        "text/xml",
        "text/plain; charset=utf-8",
        "application/json",
    }


def test_a_real_conclusion_can_be_handed_over() -> None:
    wrong = seen(993, host="other.example.org", tls=GOOD_TLS.model_copy(update={"name_ok": False}))
    target = "user@example.org"
    found = report_of(evidence(target, seen(993), seen(587), wrong, names=[resolved()]))
    mail = mail_of(found)
    assert mail["OutgoingMailServerHostName"] == mail["IncomingMailServerHostName"] == "mail.example.org"
    assert b"other.example.org" not in export(found, "autoconfig").data


odd = st.text(max_size=40) | st.sampled_from(
    ["]]>", "<!ENTITY a 'b'>", "&amp;", "\x00\x1b[31m", "\u202egro", "\ufffe", "\"'<>"]
)


@settings(deadline=None)
@given(said=odd, host=odd, typed=odd, domain=st.none() | odd | st.just("example.org"))
def test_odd_text_never_breaks_a_file(said: str, host: str, typed: str, domain: str | None) -> None:
    changed = {"source": said, "auth": (said, "password")}
    target = parse("user@example.org").model_copy(update={"input": f"{typed}@example.org", "domain": domain})
    found = report(
        setting("imap", 993, "tls", host=host), setting("imap", 993, "tls", **changed), SUBMISSIONS
    ).model_copy(update={"target": target, "started_at": said, "version": said})
    for language in LANGUAGES:
        whole = plistlib.loads(export(found, "mobileconfig", language).data)
        assert {key: type(value) for key, value in whole.items()} == WHOLE
    for key in ("IncomingMailServerHostName", "OutgoingMailServerHostName"):
        written = mail_of(found)[key]
        assert host_name(written) == written
    try:
        assert config(found).tag == "clientConfig"
    except NoSettings:
        assert target.domain != "example.org"
    entries = settings_in(found)["settings"]["incoming"]
    assert set(entries[-1]["auth"]) <= {"password", "oauth2", "kerberos", "ntlm", "certificate"}
    shown = text(found)
    assert all(character.isprintable() or character == "\n" for character in shown)

"""An Apple configuration profile that sets up a mail account on a Mac, an iPhone or an iPad.

Keys and values are those of Apple's device-management schema (Configuration, com.apple.mail.managed).
"""

import plistlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from poterne.errors import NoSettings
from poterne.export.account import Account
from poterne.knowledge import formats
from poterne.report import Setting
from poterne.report.catalogue import Catalogue

_NAMESPACE = uuid.UUID("6e0f3c1a-4c52-5b0e-9f0d-2a7d5b8c9e41")
_PROTOCOLS = ("imap", "pop3", "smtp")


def profile(account: Account, catalogue: Catalogue) -> bytes:
    """The profile as an XML property list, unsigned. Its identifiers follow from the address, or from the domain: the
    device replaces an earlier profile of the same account by a later one.

    One switch stands for both kinds of encryption, so that implicit TLS is chosen where the recommended server has it;
    else the description says what the switch means. Raises NoSettings where one direction is missing, or where the only
    sign-in is one that the format does not know, such as OAuth 2.0.
    """
    words = formats.table().apple
    able = account.able(words.auth)
    incoming = _best(able.incoming, bool(account.incoming), "receiving")
    outgoing = _best(able.outgoing, bool(account.outgoing), "sending")
    sentences = [catalogue.text("handover_no_password")]
    upgraded = dict.fromkeys(_place(setting) for setting in (incoming, outgoing) if setting.security == "starttls")
    if upgraded:
        sentences.append(catalogue.text("handover_one_switch", servers=", ".join(upgraded)))
    sentences += account.cautions(catalogue, (incoming, outgoing))
    if account.lab:
        sentences.append(catalogue.text("cli_lab"))
    title = catalogue.text("handover_title", name=account.title)
    mail: dict[str, Any] = {
        **_payload("com.apple.mail.managed", account, title),
        "EmailAccountDescription": account.title,
        "EmailAccountType": words.type[incoming.protocol],
        "OutgoingPasswordSameAsIncomingPassword": True,
        **_server("Incoming", account, incoming, words.auth),
        **_server("Outgoing", account, outgoing, words.auth),
    }
    if account.address:
        mail["EmailAddress"] = account.address
    whole = {
        **_payload("Configuration", account, title),
        "PayloadDescription": " ".join(sentences),
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [mail],
    }
    return plistlib.dumps(whole)


def _best(settings: Iterable[Setting], any_at_all: bool, purpose: str) -> Setting:
    ranked = sorted(settings, key=lambda setting: _PROTOCOLS.index(setting.protocol))
    if ranked:
        first = ranked[0]
        alike = [each for each in ranked if (each.host, each.protocol) == (first.host, first.protocol)]
        return next((each for each in alike if each.security == "tls"), first)
    if any_at_all:
        raise NoSettings(f"an Apple profile cannot hold the sign-in that this account needs for {purpose}")
    raise NoSettings(f"an Apple profile needs a tested, encrypted setting for {purpose}: there is none")


def _payload(kind: str, account: Account, title: str) -> dict[str, Any]:
    identifier = uuid.uuid5(_NAMESPACE, f"{kind} {account.title.lower()}")
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"org.poterne.mail.{identifier}",
        "PayloadUUID": str(identifier).upper(),
        "PayloadDisplayName": title,
    }


def _server(side: str, account: Account, setting: Setting, auth: Mapping[str, str]) -> dict[str, Any]:
    known = [auth[family] for family in setting.auth if family in auth]
    keys: dict[str, Any] = {
        "HostName": setting.host,
        "PortNumber": setting.port,
        "UseSSL": True,
        "Authentication": known[0] if known else auth["password"],
    }
    # Without a user name the device asks for it.
    if user := account.user(setting):
        keys["Username"] = user
    return {f"{side}MailServer{key}": value for key, value in keys.items()}


def _place(setting: Setting) -> str:
    return f"{setting.host}:{setting.port}"

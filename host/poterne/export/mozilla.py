"""Mozilla's autoconfiguration document, which Thunderbird and others read at a domain's well-known places."""

from xml.etree import ElementTree

from poterne.errors import NoSettings
from poterne.export.account import Account
from poterne.knowledge import formats
from poterne.report import Setting
from poterne.report.catalogue import Catalogue


def client_config(account: Account, catalogue: Catalogue) -> bytes:
    """A clientConfig 1.1 for the whole domain: user names are placeholders, and the best servers stand first.

    Raises NoSettings where one direction or the mail domain is missing: the format requires them.
    """
    if account.domain is None:
        raise NoSettings("an autoconfig file is for a mail domain: check an address or a domain")
    for settings, purpose in ((account.incoming, "receiving"), (account.outgoing, "sending")):
        if not settings:
            raise NoSettings(f"an autoconfig file needs a tested, encrypted setting for {purpose}: there is none")
    root = ElementTree.Element("clientConfig", version="1.1")
    for caution in account.cautions(catalogue):
        # XML 1.0 section 2.5: two hyphens would end it; A-labels hold them.
        root.append(ElementTree.Comment(f" {caution} ".replace("--", "- -")))
    provider = ElementTree.SubElement(root, "emailProvider", id=account.domain)
    for tag in ("domain", "displayName", "displayShortName"):
        ElementTree.SubElement(provider, tag).text = account.domain
    for setting in account.incoming:
        _server(provider, "incomingServer", setting)
    for setting in account.outgoing:
        _server(provider, "outgoingServer", setting)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _server(provider: ElementTree.Element, tag: str, setting: Setting) -> None:
    words = formats.table().mozilla
    server = ElementTree.SubElement(provider, tag, type=setting.protocol)
    values = [
        ("hostname", setting.host),
        ("port", str(setting.port)),
        ("socketType", words.socket[setting.security]),
        ("username", words.user[setting.username]),
        # A server that announces nothing before it is asked takes a password as a rule.
        *(("authentication", words.auth[family]) for family in setting.auth or ("password",)),
    ]
    for name, value in values:
        ElementTree.SubElement(server, name).text = value

"""The XML document of Mozilla's autoconfig (draft-ietf-mailmaint-autoconfig), read as a stranger's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poterne.discovery.refusal import Unusable, left_out
from poterne.discovery.source import offer, offered_host, offered_port
from poterne.knowledge import discovery
from poterne.report import Offer, UserName
from poterne.report.display import display

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


# Where a name would be asked of DNS with the user's own in it.
_PERSONAL = ("%EMAILADDRESS%", "%EMAILLOCALPART%")


class Unreadable(Unusable):
    """Why a document is no configuration, in one line."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a document offers, in its order, and one line about what had to be left out."""

    offers: tuple[Offer, ...]
    problem: Unusable | None


def read(body: bytes, *, domain: str, source: str, said_by: str) -> Read:
    """The servers of a document about `domain`. Placeholders are filled for an address that nobody has; servers of
    other kinds (Exchange, JMAP, …) are passed over. Raises Unreadable.
    """
    root = _parse(body)
    if _tag(root) != "clientconfig":
        tag = display(_tag(root), 40)
        raise _a_web_page(body) or Unreadable(f"the document is a “{tag}”, not a clientConfig", "unreadable")
    filled = _Placeholders(domain)
    offers: list[Offer] = []
    problems: list[Unusable] = []
    provider = next((child for child in root if _tag(child) == "emailprovider"), None)
    children = () if provider is None else tuple(provider)
    entries = [child for child in children if _tag(child) in ("incomingserver", "outgoingserver")]
    for entry in entries:
        try:
            found = _offer(entry, filled, source, said_by, len(offers))
            alike = [offer for offer in offers if found and offer.protocol == found.protocol]
            if found is not None and len(alike) < discovery.table().limits.servers:
                offers.append(found)
        except Unusable as problem:
            problems.append(problem)
    if not offers:
        if (left := left_out(problems)) is not None:
            raise Unreadable(str(left), left.reason, left.value)
        raise Unreadable("the document names no server that is understood", "no-server")
    return Read(tuple(offers), left_out(problems))


@dataclass(frozen=True, slots=True)
class _Placeholders:
    domain: str

    @property
    def local_part(self) -> str:
        return discovery.table().local_part

    @property
    def address(self) -> str:
        return f"{self.local_part}@{self.domain}"

    def fill(self, text: str) -> str:
        for placeholder, value in (
            ("%EMAILADDRESS%", self.address),
            ("%EMAILLOCALPART%", self.local_part),
            ("%EMAILDOMAIN%", self.domain),
        ):
            text = text.replace(placeholder, value)
        return text

    def user_name(self, text: str) -> UserName:
        """The form of a user name. One that is the same for everybody has none."""
        filled = self.fill(text.strip())
        if "%EMAIL" in text and filled == self.address:
            return "address"
        if "%EMAIL" in text and filled == self.local_part:
            return "local-part"
        return "unknown"


def _offer(entry: "Element", filled: _Placeholders, source: str, said_by: str, rank: int) -> Offer | None:
    """None for a kind of server that is not understood. Raises Unusable."""
    words = discovery.table().clientconfig
    protocol = words.protocol.get(entry.get("type", "").strip().lower())
    if protocol is None or (protocol == "smtp") != (_tag(entry) == "outgoingserver"):
        return None
    texts = _texts(entry)
    socket_type = next(iter(texts.get("sockettype", ())), "")
    security = words.security.get(socket_type.lower())
    if security is None:
        shown = display(socket_type, 40)
        raise Unusable(f"socket type “{shown}” is unknown", "security", shown)
    host = next(iter(texts.get("hostname", ())), "")
    if any(placeholder in host for placeholder in _PERSONAL):
        raise Unusable("a server's name that would hold the user's name", "personal-host", display(host, 80))
    user = next(iter(texts.get("username", ())), "")
    username = filled.user_name(user)
    known = (words.auth.get(text.lower()) for text in texts.get("authentication", ()))
    return offer(
        source,
        said_by,
        protocol=protocol,
        host=offered_host(filled.fill(host)),
        port=offered_port(next(iter(texts.get("port", ())), "")),
        security=security,
        username=username,
        own_name=bool(user) and username == "unknown",
        auth=tuple(dict.fromkeys(auth for auth in known if auth is not None)),
        rank=rank,
    )


def _texts(entry: "Element") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for child in entry:
        found.setdefault(_tag(child), []).append((child.text or "").strip())
    return found


def _tag(element: "Element") -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _parse(body: bytes) -> "Element":
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        told = "the document declares a DTD or entities, which it has no use for"
        raise (_a_web_page(body) or Unreadable(told, "entities")) from None
    except (ParseError, ValueError, LookupError, RecursionError, AssertionError):
        raise (_a_web_page(body) or Unreadable("the document is not well-formed XML", "unreadable")) from None
    return root


def _a_web_page(body: bytes) -> Unreadable | None:
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        return Unreadable("a web page came instead of the document", "web-page")
    return None

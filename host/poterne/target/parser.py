"""From what the user typed to a Target (account, domain, server, endpoint), or one clear refusal.

A name without a port may be a mail domain or a server: only DNS can tell, so `parse` calls it a domain and
`poterne.check` decides.
"""

import ipaddress
import re
import unicodedata

import idna

from poterne.errors import InvalidTarget
from poterne.knowledge import ports
from poterne.knowledge.ports import PortFacts
from poterne.report import Security, Target
from poterne.target.hosts import is_address

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_LENGTH = 512
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.ASCII)
# Browsers take a backslash for a slash (WHATWG URL Standard, section 4.4).
_WEB_ADDRESS = re.compile(r"(?P<scheme>https?):[/\\]{2}(?P<authority>[^/\\?#]*)", re.IGNORECASE)
# The same without its scheme, as some browsers show it: a host, and what no host has behind it. A network is none.
_HOST_AND_PATH = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[^\s/\\?#@:\[\]]+)(?::(?P<port>\d{1,5}))?[/?#](?!\d+$)", re.IGNORECASE
)
_LIKE_A_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9._-]{1,32}", re.ASCII)


def parse(text: str) -> Target:
    """Reads `user@example.org`, `example.org`, `smtp.example.org`, `host:25`, `[2001:db8::7]:993`, or a mail URL.

    Spaces around, capitals, a trailing dot, Unicode names (IDNA 2008, RFC 5891) are normalised. A web address stands
    for its host; `input` keeps no more of it than the scheme and the host, since the rest may hold secrets. Raises
    InvalidTarget.
    """
    typed = text.strip()
    if page := _WEB_ADDRESS.match(typed):
        return _of_page(page["scheme"].lower(), page["authority"])
    if (page := _HOST_AND_PATH.match(typed)) and _may_be_of_web(page["host"], page["port"]):
        return _of_page("https", page["host"])
    if not typed:
        raise InvalidTarget("type an e-mail address, a domain, or a server, such as smtp.example.org:587")
    if len(typed) > MAX_LENGTH:
        raise InvalidTarget(f"that is longer than {MAX_LENGTH} characters")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in typed):
        raise InvalidTarget("that contains characters that cannot be seen: type it again by hand")
    if any(character.isspace() for character in typed):
        raise InvalidTarget("that contains a space: give one address, domain or server")
    if typed[:7].lower() == "mailto:":
        return _mailto(typed)
    if url := _URL.fullmatch(typed):
        return _url(typed, *url.groups())
    if "@" in typed:
        return _account(typed, typed)
    return _server(typed, typed)


def _mailto(typed: str) -> Target:
    """RFC 6068: the first and only recipient; what follows `?` is passed over."""
    from urllib.parse import unquote

    recipient = unquote(typed[7:].partition("?")[0])
    if "@" not in recipient or any(c.isspace() or not c.isprintable() for c in recipient) or "," in recipient:
        raise InvalidTarget("that mailto: link does not name exactly one address")
    return _account(typed, recipient)


def scheme_of(target: Target) -> PortFacts | None:
    """The port that the scheme of the mail URL names which was typed; None for what is no such URL."""
    url = _URL.fullmatch(target.input)
    return None if url is None else ports.schemes().get(url[1].lower())


def is_page(target: Target) -> bool:
    """Whether a web address was typed, of which the host was taken."""
    return _WEB_ADDRESS.match(target.input) is not None


def _may_be_of_web(host: str, port: str | None) -> bool:
    """Whether a host and what stands behind it may be a web address: not where the port is one for mail."""
    row = ports.facts(int(port)) if port else None
    return any(mark in host for mark in ".[") and (row is None or row.dialogue == "http")


def _of_page(scheme: str, authority: str) -> Target:
    """The host of a web address. Its port is a web server's, and says nothing of mail."""
    host = authority.rpartition("@")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    name = host_name(host)
    return _server(f"{scheme}://[{name}]" if ":" in name else f"{scheme}://{name}", name)


def _url(typed: str, scheme: str, rest: str) -> Target:
    known = ports.schemes().get(scheme.lower())
    if known is None:
        allowed = ", ".join(sorted(ports.schemes()))
        raise InvalidTarget(f"{scheme.lower()}:// is not a mail address or server (known: mailto, {allowed})")
    authority = rest.removesuffix("/")
    if "@" in authority:
        raise InvalidTarget("leave the user name and the password out: only the server and the port are tested")
    if any(mark in authority for mark in "/?#"):
        raise InvalidTarget("leave out what follows the server name: only the server and the port are tested")
    return _server(typed, authority, default_port=known.number, asked=known.begins)


def _account(typed: str, address: str) -> Target:
    local, _, domain = address.rpartition("@")
    if not local or len(local.encode()) > 64 or "@" in local or any(c in '<>()[]\\,;:"' for c in local):
        raise InvalidTarget("that is not an e-mail address: expected something like user@example.org")
    if domain.startswith("["):
        raise InvalidTarget(
            "an address at a numeric host has no mail domain: give the server itself, such as 192.0.2.7"
        )
    name = host_name(domain)
    if is_address(name):
        raise InvalidTarget(
            "an address at a numeric host has no mail domain: give the server itself, such as 192.0.2.7"
        )
    return Target(input=typed, kind="account", domain=name)


def _server(typed: str, text: str, *, default_port: int | None = None, asked: Security | None = None) -> Target:
    host, port = _split_port(text)
    name = host_name(host)
    port = port if port is not None else default_port
    if port is not None:
        return Target(input=typed, kind="endpoint", host=name, port=port, asked=asked)
    if is_address(name) or "." not in name:
        return Target(input=typed, kind="server", host=name)
    return Target(input=typed, kind="domain", domain=name)


def _split_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        inside, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or ":" not in inside:
            raise InvalidTarget("expected an IPv6 address in brackets, such as [2001:db8::7]:993")
        return inside, _port(rest[1:]) if rest else None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, _port(port)
    return text, None


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise InvalidTarget("a port is a number from 1 to 65535, such as 587")
    return int(text)


def host_name(text: str) -> str:
    """A host name as lower-case A-labels, or an IP address in its shortest form. Raises InvalidTarget."""
    if ":" in text:
        return _ipv6(text)
    name = _full_stops(text).removesuffix(".")
    if not name:
        raise InvalidTarget("the server name is missing")
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
        except idna.IDNAError:
            raise InvalidTarget("that internationalised name is not valid (IDNA 2008)") from None
    name = name.lower()
    labels = name.split(".")
    if _LIKE_A_NUMBER.fullmatch(labels[-1]):
        return _ipv4(name)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidTarget("that is not a server name: letters, digits and hyphens between dots are expected")
    for label in labels:
        if label.startswith("xn--"):
            try:
                idna.decode(label)
            except (idna.IDNAError, UnicodeError):
                raise InvalidTarget(f"{label} is not a valid internationalised label (IDNA 2008)") from None
    return name


def _full_stops(text: str) -> str:
    """The full stops that UTS 46 section 2.3 treats as dots, as dots."""
    return re.sub("[\u3002\uff0e\uff61]", ".", text)


def _ipv4(name: str) -> str:
    try:
        parsed = ipaddress.IPv4Address(name)
    except ValueError:
        raise InvalidTarget("that is not an IPv4 address: four numbers from 0 to 255 are expected") from None
    return str(_one_machine(parsed))


def _ipv6(text: str) -> str:
    address, percent, zone = text.partition("%")
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        raise InvalidTarget(
            "that is not an address or a server: for IPv6 with a port, write [2001:db8::7]:993"
        ) from None
    if parsed.ipv4_mapped is not None:
        return str(_one_machine(parsed.ipv4_mapped))
    if not percent:
        return str(_one_machine(parsed))
    if not parsed.is_link_local or not _ZONE.fullmatch(zone):
        raise InvalidTarget("only a link-local address takes a zone, such as fe80::1%eth0")
    return f"{parsed}%{zone}"


def _one_machine(address: IpAddress) -> IpAddress:
    if address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise InvalidTarget("that address stands for no single machine")
    return address

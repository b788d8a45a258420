"""Where a domain's servers are looked up, and in which words documents name them: `discovery.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

from poterne.knowledge.kinds import Count, Label, PortNumber, SignIn, Text
from poterne.knowledge.reading import Matching, distinct, read
from poterne.report import MailProtocol, Security

OfferedName = Literal["smtp", "imap", "pop3", "sieve"]
Https = Annotated[str, Matching(r"https://\S+", "an https:// URL")]


@dataclass(frozen=True, slots=True)
class DiscoveryLimits:
    """How much is taken from strangers: bytes of a document, redirects, entries of one document for one protocol
    (`servers`), servers of one source that are tried (`hosts`), records of one DNS answer.
    """

    document: Count
    redirects: Count
    servers: Count
    hosts: Count
    records: Count


@dataclass(frozen=True, slots=True)
class ServiceLabel:
    """A label of SRV records (RFC 6186, RFC 8314, RFC 5804), and what it stands for."""

    label: Label
    protocol: OfferedName
    security: Security


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """Where a domain may keep its autoconfig document. `address`: some servers there want an e-mail address."""

    url: Https
    address: bool


@dataclass(frozen=True, slots=True)
class ClientConfigWords:
    """The words of Mozilla's document, in small letters, in ours."""

    protocol: Mapping[str, MailProtocol]
    security: Mapping[str, Security]
    auth: Mapping[str, SignIn]


@dataclass(frozen=True, slots=True)
class PaccServer:
    """What a key of a PACC document stands for."""

    protocol: OfferedName
    port: PortNumber
    security: Security


@dataclass(frozen=True, slots=True)
class Pacc:
    """draft-ietf-mailmaint-pacc: where the document and its digest are, and its words in ours."""

    url: Https
    digest: Text
    protocols: Mapping[str, PaccServer]
    auth: Mapping[str, SignIn]


@dataclass(frozen=True, slots=True)
class Discovery:
    """The whole table. `authority`: the sources, the one that is believed most first; `own`: those that the domain
    itself publishes; `ispdb`: the provider database's URL; `local_part` stands for the user's in documents and
    questions; `beside`: the ports that are tried beside one that was offered, by protocol.
    """

    authority: tuple[Text, ...]
    own: frozenset[Text]
    ispdb: Https
    local_part: Text
    limits: DiscoveryLimits
    srv: tuple[ServiceLabel, ...]
    autoconfig: tuple[DocumentPlace, ...]
    clientconfig: ClientConfigWords
    pacc: Pacc
    beside: Mapping[OfferedName, tuple[PortNumber, ...]]

    def __post_init__(self) -> None:
        distinct("the source", self.authority)
        distinct("the label", (row.label for row in self.srv))
        if strange := self.own - set(self.authority):
            raise ValueError(f"“own” has {min(strange)!r}, which “authority” has not")


@cache
def table() -> Discovery:
    """The whole table."""
    return read("discovery", Discovery)

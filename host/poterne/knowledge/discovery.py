"""Where a domain's servers are looked up, and in which words documents name them: `discovery.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Annotated, Literal

from poterne.knowledge.kinds import Count, Label, PortNumber, SignIn, Text
from poterne.knowledge.reading import Matching, distinct, read
from poterne.report import MailProtocol, Security

Trust = Literal["typed", "named", "foreign"]
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
class Source:
    """Who names servers. `own`: the domain itself speaks. `asked`: there is something to ask, and a policy may leave it
    out. `trust`: where those servers may lie.
    """

    name: Label
    own: bool = False
    trust: Trust = "foreign"
    asked: bool = False


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
    """The whole table. `source`: the rows, the one that is believed most first, `authority` their names, `own` those of
    the domain itself, `trust` where their servers may lie; `ispdb`: the provider database's URL; `local_part` stands
    for the user's in documents and questions; `beside`: the ports that are tried beside one that was offered, by
    protocol.
    """

    ispdb: Https
    local_part: Text
    limits: DiscoveryLimits
    source: tuple[Source, ...]
    srv: tuple[ServiceLabel, ...]
    autoconfig: tuple[DocumentPlace, ...]
    clientconfig: ClientConfigWords
    pacc: Pacc
    beside: Mapping[OfferedName, tuple[PortNumber, ...]]
    authority: tuple[str, ...] = field(init=False, repr=False, compare=False)
    own: frozenset[str] = field(init=False, repr=False, compare=False)
    trust: Mapping[str, Trust] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        distinct("the source", (row.name for row in self.source))
        distinct("the label", (row.label for row in self.srv))
        object.__setattr__(self, "authority", tuple(row.name for row in self.source))
        object.__setattr__(self, "own", frozenset(row.name for row in self.source if row.own))
        object.__setattr__(self, "trust", MappingProxyType({row.name: row.trust for row in self.source}))

    @property
    def asked(self) -> tuple[str, ...]:
        """The sources that can be asked, the one that is believed most first."""
        return tuple(row.name for row in self.source if row.asked)


@cache
def table() -> Discovery:
    """The whole table."""
    return read("discovery", Discovery)

"""What was seen: of endpoints, names, sources, and of this computer."""

from typing import Annotated, Any, Literal

from pydantic import Field, computed_field, model_validator

from poterne.report.doors import door
from poterne.report.statement import Record, Statement
from poterne.report.words import (
    Family,
    Greeting,
    MailProtocol,
    Milliseconds,
    NameState,
    Port,
    PortalState,
    Role,
    Security,
    StartTls,
    State,
    UserName,
)


class Endpoint(Record):
    """One thing to connect to: a host's address, a family, a port, and the service that is expected there (IANA name).

    `address` is the one that was judged and is dialled. `asked` is how the connection begins: `tls` means implicit TLS
    (RFC 8314 section 3), `starttls` a clear greeting that is upgraded, `none` clear text only.
    """

    id: str
    role: Role = "target"
    host: str
    address: str
    family: Family
    port: Port
    service: str
    asked: Security
    source: str = Field(default="typed", description="who named the host: typed, guess, mx, …")


class Tls(Record):
    """What a TLS handshake showed. Names of faults are finding codes.

    `trusted`: the chain leads to a root of the operating system's store; `public_trusted`: to one of the Mozilla set
    (or the policy's `public_roots`); both say nothing of names and dates. `name_ok`: a subject alternative name covers
    the host (RFC 9525). `None` where it could not be judged. `not_after` is the server's own certificate's;
    `expired_authority` and `expired_at` are of the certificate above it that has expired (`chain-expired`). `weak`:
    what is too weak, such as "RSA 1024" or "SHA-1" (`cert-weak`).
    """

    version: str | None = None
    cipher: str | None = None
    trusted: bool | None = None
    public_trusted: bool | None = None
    name_ok: bool | None = None
    fault: str | None = Field(default=None, description="the fault that matters most, or null")
    faults: tuple[str, ...] = ()
    alert: str | None = Field(default=None, description="the TLS library's own name of the failure")
    subject: str | None = None
    issuer: str | None = None
    names: tuple[str, ...] = ()
    not_before: str | None = None
    not_after: str | None = None
    expired_authority: str | None = None
    expired_at: str | None = None
    weak: str | None = None


class Hop(Record):
    """One step of a TTL-limited trace: who answered a SYN that was allowed so many hops. Hop 0 is this machine itself:
    the SYN was answered although it could not leave. `name`: what reverse DNS calls the address.
    """

    hop: Annotated[int, Field(ge=0)]
    address: str | None = None
    name: str | None = None
    answer: Literal["time-exceeded", "open", "refused", "prohibited", "silent"]


class Stages(Record):
    """How long each stage took, by itself, in milliseconds; `None`: it was not reached."""

    resolve_ms: Milliseconds | None = None
    connect_ms: Milliseconds | None = None
    greeting_ms: Milliseconds | None = None
    capabilities_ms: Milliseconds | None = None
    starttls_ms: Milliseconds | None = None
    tls_ms: Milliseconds | None = None
    capabilities_tls_ms: Milliseconds | None = None


class Observation(Endpoint):
    """What one endpoint did; `says` is that in one or two words.

    `security` is what was established (`None`: no connection). `spoke` is the protocol that was recognised, whatever
    was expected. `capabilities` are the ones last heard, which is inside TLS where there is TLS; lines in the clear
    stand in `capabilities_clear` and prove nothing. `auth` holds the mechanisms of `capabilities` (RFC 4954, 9051,
    5034).
    All text came from a stranger: it is cut, and control characters are gone. The whole text of one observation is at
    most 4 KiB.
    """

    state: State
    reporter: str | None = None
    attempts: int = 1
    greeting: str | None = None
    greeting_kind: Greeting | None = None
    spoke: str | None = None
    capabilities: tuple[str, ...] = ()
    capabilities_clear: tuple[str, ...] = ()
    auth: tuple[str, ...] = ()
    auth_clear: tuple[str, ...] = ()
    security: Security | None = None
    starttls: StartTls | None = None
    tls: Tls | None = None
    path: tuple[Hop, ...] = ()
    stages: Stages = Stages()
    cut: bool = Field(default=False, description="the server greeted well, and then broke off or fell silent")
    error: str | None = Field(default=None, description="the cause in the field's words: ECONNREFUSED, …")
    cached: bool = Field(default=False, description="seen in a check within the last minute, not in this one")
    provisional: bool = False

    @model_validator(mode="before")
    @classmethod
    def _without_words(cls, data: Any) -> Any:
        """What an observation says follows from the rest of it, also where it was written by another version."""
        if isinstance(data, dict) and "says" in data:
            return {name: value for name, value in data.items() if name != "says"}
        return data

    @computed_field
    def says(self) -> Statement:
        fault = self.tls.fault if self.tls else None
        return door(self.state, security=self.security, greeting=self.greeting_kind, fault=fault)


class NameAnswer(Record):
    """What the resolvers said of a name. `addresses` come from the system (getaddrinfo), `state` explains a failure:
    `differs` where DNS knows addresses that the system does not find, `unasked` where no resolver is configured.
    `source` is who named it, `random` for a name that must not exist, `second` for the policy's second resolver, `dns`
    for what DNS itself says where the system found an address that does not serve, `hosts` for the system's hosts file.
    """

    name: str
    source: str
    state: NameState
    addresses: tuple[str, ...] = ()
    mail_exchangers: tuple[str, ...] = ()
    elapsed_ms: Milliseconds = 0


class NameServer(Record):
    """A name server that this computer asks, and whether it answered when it was asked alone."""

    address: str
    answers: bool


class Offer(Record):
    """What one source says of one server: an opinion, which the wire confirms or not.

    `source` is expected, srv, autoconfig, ispdb or pacc; `said_by` the domain whose record or document it is; `trusted`
    false where RFC 6186 section 6 wants the user asked: the server is outside the domain and nothing vouches for the
    record. `auth` in the words of Setting. `rank`: the order of one source, the best first. `own_name`: the user name
    is neither the address nor its local part.
    """

    source: str
    said_by: str
    protocol: MailProtocol | Literal["sieve"]
    host: str
    port: Port
    security: Security
    username: UserName = "unknown"
    auth: tuple[str, ...] = ()
    rank: int = 0
    trusted: bool = True
    own_name: bool = False


class Lookup(Record):
    """How one source was asked: a DNS name, a URL without the user's name in it, or a server that it names, and what
    came of it. `problem` is one clear line where its answer, or a part of it, is not used; `reason` the same as a word
    of the catalogue (`refusal_…`), and `value` what it is about, a stranger's text made fit to be shown.
    """

    source: str
    place: str
    state: Literal["found", "absent", "not-offered", "refused", "failed", "off"]
    problem: str | None = None
    reason: str | None = None
    value: str | None = None
    elapsed_ms: Milliseconds = 0


class Machine(Record):
    """This computer's place in the network: its own addresses, the networks that it is directly on (CIDR), and the
    routers that lead it to the internet, as far as the system tells. `reached_ports`: the ports for mail, of far
    machines, to which connections were opened within the last minute, by whatever program.
    """

    addresses: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    reached_ports: tuple[Port, ...] = ()


class Portal(Record):
    """What the page showed that a captive portal alters: `clear` is its good answer, `altered` any other answer of
    HTTP, `failed` none. `date` is the server's clock (ISO 8601, UTC), `asked_at` ours at that moment.
    """

    url: str
    state: PortalState
    status: int | None = None
    location: str | None = None
    date: str | None = None
    asked_at: str | None = None
    error: str | None = None

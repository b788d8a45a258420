"""Every record and message that leaves or enters Poterne, frozen.

The JSON Schema that `poterne schema` prints and the extension's types come from this module. Times are milliseconds
(`…_ms`) or ISO 8601 in UTC; addresses are text as RFC 5952 and dotted quads write it; host names are A-labels
(RFC 5890) without a trailing dot.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, computed_field, model_validator

from poterne.report.doors import door
from poterne.report.locales import Language
from poterne.report.statement import Record, Statement

PROTOCOL = 1
REPORT_SCHEMA = 1

TargetKind = Literal["account", "domain", "server", "endpoint"]
Family = Literal[4, 6]
Role = Literal["target", "control", "canary", "relay"]
ComparedRole = Literal["control", "relay", "gateway", "canary"]
State = Literal["open", "refused", "no-answer", "unreachable", "prohibited", "reset", "error"]
Security = Literal["tls", "starttls", "none"]
MailProtocol = Literal["smtp", "imap", "pop3"]
Severity = Literal["blocker", "warning", "note", "good"]
Confidence = Literal["certain", "likely", "possible"]
Origin = Literal["typed", "page"]
UserName = Literal["address", "local-part", "unknown"]
Remark = Literal["unvouched", "certificate", "own-name", "oauth2-only", "app-password"]
NameState = Literal["ok", "nxdomain", "nodata", "servfail", "timeout", "differs", "unasked"]
Greeting = Literal["accepted", "busy", "refused", "silent", "closed", "foreign"]
StartTls = Literal["accepted", "refused", "absent", "injected", "failed", "silent"]
Station = Literal["you", "box", "provider", "internet", "server"]
Party = Literal[
    "you", "clock", "computer", "router", "network", "provider", "server", "names", "organisation", "unclear"
]
PortalState = Literal["clear", "altered", "failed"]
Disturbance = Literal["moved", "slept"]
TraceState = Literal["unasked", "done", "impossible", "off"]
HintKind = Literal["self-service", "on-request", "closed", "relay"]
ExportFormat = Literal["mobileconfig", "autoconfig", "text", "json"]
ErrorCode = Literal["invalid-message", "unsupported-protocol", "invalid-target", "forbidden", "busy", "internal"]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
ClientVersion = Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,32}$", strict=True)]
Milliseconds = Annotated[float, Field(ge=0)]


# ---- what is asked -------------------------------------------------------------------------------------------------


class Options(Record):
    """The flags of a check, under the same names on the command line and in messages."""

    ports: tuple[Port, ...] | None = Field(
        default=None, min_length=1, max_length=64, description="only these TCP ports"
    )
    family: Family | None = None
    relay: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="host name of the provider's own SMTP relay"
    )
    trace: Annotated[bool, Field(strict=True)] = Field(default=True, description="look for the place on the path")
    budget: Annotated[float, Field(ge=1, le=300, allow_inf_nan=False, strict=True)] = Field(
        default=30.0, description="seconds, for the whole check"
    )
    origin: Origin = Field(
        default="typed", description="who named the target; what a page says leads to public addresses only (messages)"
    )


class Target(Record):
    """What the user typed, and what was understood.

    `domain` is the mail domain of an account or a domain; `host` the server of a server or an endpoint. `asked` is the
    security that a URL's scheme asks for (`None`: whatever the port speaks).
    """

    input: str
    kind: TargetKind
    domain: str | None = None
    host: str | None = None
    port: Port | None = None
    asked: Security | None = None


# ---- what was seen -------------------------------------------------------------------------------------------------


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
    the host (RFC 9525). `None` where it could not be judged.
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
    `source` is who named it, `random` for a name that must not exist, `second` for the policy's second resolver.
    """

    name: str
    source: str
    state: NameState
    addresses: tuple[str, ...] = ()
    mail_exchangers: tuple[str, ...] = ()
    elapsed_ms: Milliseconds = 0


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
    routers that lead it to the internet, as far as the system tells.
    """

    addresses: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()


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


# ---- what is concluded ---------------------------------------------------------------------------------------------

ParamValue = str | int | float | bool | tuple[int, ...] | tuple[str, ...] | None


class Finding(Record):
    """A named conclusion. `family` null: every family that was tested; `evidence`: ids of observations. `says` is its
    sentence, `advice` what to do about it, `party` who can remove the cause (null: nothing has to be removed).
    """

    code: str
    severity: Severity
    confidence: Confidence
    host: str | None = None
    port: Port | None = None
    family: Family | None = None
    params: dict[str, ParamValue] = Field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    says: Statement | None = None
    advice: Statement | None = None
    party: Party | None = None


class Verdict(Record):
    """The finding that explains the most."""

    code: str
    severity: Severity
    confidence: Confidence


class Setting(Record):
    """One way to type an account into a program; `verified` as docs/contract.md 2.3 has it: reached, answered,
    encrypted, trusted. `remarks`: what to know before it is used. `unvouched`: the server is outside the domain, and
    only DNS names it, which nothing vouches for (RFC 6186 section 6). `certificate`: only the certificate of another
    server names it. `own-name`: the provider gives a user name of its own. `oauth2-only`: who names the server says
    that it takes no password. `app-password`: the provider takes no usual password, but one made for programs.
    """

    protocol: MailProtocol
    host: str
    port: Port
    security: Security
    auth: tuple[str, ...] = ()
    username: UserName = "unknown"
    verified: bool
    source: str
    remarks: tuple[Remark, ...] = ()


class Settings(Record):
    """The best first (RFC 8314 section 3)."""

    outgoing: tuple[Setting, ...] = ()
    incoming: tuple[Setting, ...] = ()


class Way(Record):
    """Where connections stop on the way from this computer to the server: somewhere from `stops_from` to `stops_to`
    (the same where it is known). `stopped` and `passing` are ports; the addresses are those that a trace showed.
    """

    stops_from: Station
    stops_to: Station
    stopped: tuple[int, ...] = ()
    passing: tuple[int, ...] = ()
    box: str | None = None
    provider: str | None = None
    traced: bool = False


class Hint(Record):
    """What is publicly known of a provider that the path's router names suggest. Shown, never evidence.

    `kind`: port 25 can be opened by the customer (`where`), on request, not at all, or mail has to go through `relay`.
    `source` names who says so, `date` when (a year or ISO date; None: the source has none).
    """

    network: str
    name: str
    kind: HintKind
    where: str | None = None
    relay: str | None = None
    source: str
    date: str | None = None


class ExpectedServer(Record):
    """A server as the organisation states it, and what was seen of it from here.

    `works`: as stated. `differs`: only in what `differs` names (port, security, auth, host); `found` is the nearest of
    the report's settings that is verified. `fails`: nothing works there. `untested`: it was not tried.
    """

    protocol: MailProtocol
    host: str
    port: Port
    security: Security
    username: UserName = "unknown"
    auth: tuple[str, ...] = ()
    state: Literal["works", "differs", "fails", "untested"]
    differs: tuple[Literal["host", "port", "security", "auth"], ...] = ()
    found: Setting | None = None


class ExpectedSettings(Record):
    """What the policy of this machine states of the target's servers; `state` is `as-stated` where all of them work."""

    organisation: str = ""
    state: Literal["as-stated", "differs", "untested"]
    servers: tuple[ExpectedServer, ...]


class ToldMessage(Record):
    """What to write to those who can remove the cause; `for` is one of the parties."""

    for_: Annotated[Party, Field(alias="for")]
    says: tuple[Statement, ...]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class ToldExpected(Record):
    """Whether what the organisation states works from here; `servers`: those that are not as stated."""

    title: Statement
    answer: Statement
    servers: tuple[Statement, ...] = ()


class Comparison(Record):
    """A row of the comparison: what was asked at one port of one server; `evidence`: ids of observations."""

    role: ComparedRole
    evidence: tuple[str, ...]


class FollowedPath(Record):
    """The observation of a failing port whose path was followed, and of a working one at the same address (ids)."""

    failing: str
    working: str | None = None


class Told(Record):
    """Everything that a report tells people. `word` is the verdict in a word or two; `remedy` the tested way round what
    the verdict names; `party` who can remove the cause (null: nothing has to be removed); `way` where connections stop,
    in sentences; `reasons` how it is known: sentences of one reason belong together. `help`: names of help pages.
    """

    headline: Statement
    word: Statement
    remedy: Statement | None = None
    advice: tuple[Statement, ...] = ()
    party: Party | None = None
    message: ToldMessage | None = None
    way: tuple[Statement, ...] = ()
    reasons: tuple[tuple[Statement, ...], ...] = ()
    hints: tuple[Statement, ...] = ()
    expected: ToldExpected | None = None
    comparison: tuple[Comparison, ...] = ()
    paths: tuple[FollowedPath, ...] = ()
    help: tuple[Literal["port25"], ...] = ()


class Report(Record):
    """The whole answer. It can be diagnosed again without a network (`poterne explain`), which tells anew what the
    report of an earlier version does not (`told`, `findings[].says`).
    """

    schema_: Annotated[int, Field(alias="schema")] = REPORT_SCHEMA
    version: str
    target: Target
    options: Options = Options()
    verdict: Verdict
    findings: tuple[Finding, ...]
    settings: Settings
    names: tuple[NameAnswer, ...] = ()
    offers: tuple[Offer, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    observations: tuple[Observation, ...]
    online: bool = Field(default=True, description="this machine has a usable source address")
    disturbed: Disturbance | None = Field(
        default=None, description="the computer moved to another network, or slept, while the check ran"
    )
    machine: Machine = Machine()
    portal: Portal | None = None
    trace: TraceState = "unasked"
    way: Way | None = None
    hints: tuple[Hint, ...] = ()
    expected: ExpectedSettings | None = None
    told: Told | None = None
    started_at: str
    elapsed_ms: Milliseconds
    lab: bool = False

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


# ---- what is said on the wire ----------------------------------------------------------------------------------------


class Event(Record):
    """Something that a check says while it runs. `id` and `reduced` (what a message that was too large had to leave
    out) are set by the native door only.
    """

    id: str | None = None
    reduced: tuple[str, ...] = ()


class PlanEvent(Event):
    """Everything that is going to be tried; a later plan replaces an earlier one and holds at least the same."""

    type: Literal["plan"] = "plan"
    endpoints: tuple[Endpoint, ...]


class ObservationEvent(Event):
    """One endpoint's result; a provisional one is replaced by a later one whose observation has the same id."""

    type: Literal["observation"] = "observation"
    observation: Observation


class FindingEvent(Event):
    """One conclusion."""

    type: Literal["finding"] = "finding"
    finding: Finding


class SettingsEvent(Event):
    """All settings so far; again whenever they grow."""

    type: Literal["settings"] = "settings"
    settings: Settings


class ReportEvent(Event):
    """The end of a check. `network`, set by the native door only: the network's name under the salt of the question, or
    None where there was none or the network cannot be told apart. `network_before`: what earlier hosts would
    have called it, so that what is known under that name can go over to `network`. Both stand beside the report, which
    people pass on.
    """

    type: Literal["report"] = "report"
    report: Report
    network: str | None = None
    network_before: str | None = None


class Hello(Record):
    """The host speaks first."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    version: str


class Cancelled(Record):
    """The end of a check that was cancelled."""

    type: Literal["cancelled"] = "cancelled"
    id: str


class ErrorMessage(Record):
    """A request that cannot be served; `id` null where the message had none."""

    type: Literal["error"] = "error"
    id: str | None = None
    code: ErrorCode
    message: str


class CheckMessage(BaseModel):
    """Extension to host: test this target. Unknown keys are passed over: a newer extension may send them.

    `salt` is the extension's own secret: with it the report comes with the name of the network that it was made in.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["check"]
    id: Annotated[str, Field(min_length=1, max_length=64, strict=True)]
    target: Annotated[str, Field(max_length=512, strict=True)]
    options: Options = Options()
    salt: Annotated[str, Field(min_length=16, max_length=128, strict=True)] | None = None
    protocol: int = PROTOCOL
    version: ClientVersion | None = None


class CancelMessage(BaseModel):
    """Extension to host: stop that check."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["cancel"]
    id: Annotated[str, Field(min_length=1, max_length=64, strict=True)]
    protocol: int = PROTOCOL


class ExportMessage(BaseModel):
    """Extension to host: make a file of the settings of `report`, a Report as the host wrote it.

    Its observations may be left out (an empty list): only target, settings, the day and `lab` are read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["export"]
    id: Annotated[str, Field(min_length=1, max_length=64, strict=True)]
    format: ExportFormat
    language: Language = "en"
    # Not Report itself, which would then have two shapes in the schema, and two names among the extension's types.
    report: Annotated[dict[str, Any], WithJsonSchema({"type": "object", "tsType": "Report"})]
    protocol: int = PROTOCOL


class ExplainMessage(BaseModel):
    """Extension to host: diagnose and tell `report` anew, a Report as any version of the host wrote it. The answer is a
    `report` message with the same id.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["explain"]
    id: Annotated[str, Field(min_length=1, max_length=64, strict=True)]
    report: Annotated[dict[str, Any], WithJsonSchema({"type": "object", "tsType": "Report"})]
    protocol: int = PROTOCOL


class ExportedMessage(Record):
    """Host to extension: the file, which is text (UTF-8) in every format; `name` is fit to be saved under."""

    type: Literal["exported"] = "exported"
    id: str
    name: str
    mime: str
    data: str


CheckEvent = PlanEvent | ObservationEvent | FindingEvent | SettingsEvent | ReportEvent
HostMessage = Hello | CheckEvent | ExportedMessage | Cancelled | ErrorMessage
ExtensionMessage = CheckMessage | CancelMessage | ExportMessage | ExplainMessage


class Request(Record):
    """A question to the conductor; `client` is the version of the extension that asks, None for the command line."""

    target: str
    options: Options = Options()
    client: str | None = None

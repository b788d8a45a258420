"""What is concluded: findings, settings, and where connections stop."""

from typing import Literal

from pydantic import Field

from poterne.report.statement import Record, Statement
from poterne.report.words import (
    Confidence,
    Family,
    HintKind,
    MailProtocol,
    Party,
    Port,
    Remark,
    Security,
    Severity,
    Station,
    UserName,
)

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
    (the same where it is known). `stopped`, `passing` and `refused` are ports: those that stop there, those that get
    through, and those on which the server itself says no. The addresses are those that a trace showed.
    """

    stops_from: Station
    stops_to: Station
    stopped: tuple[int, ...] = ()
    passing: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
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

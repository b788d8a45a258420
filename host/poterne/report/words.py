"""Words of closed sets, and numbers with bounds, that records share."""

from typing import Annotated, Literal

from pydantic import Field

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
ProxyState = Literal["works", "fails"]
Disturbance = Literal["moved", "slept"]
TraceState = Literal["unasked", "done", "impossible", "off"]
HintKind = Literal["self-service", "on-request", "closed", "relay"]
ErrorCode = Literal["invalid-message", "unsupported-protocol", "invalid-target", "forbidden", "busy", "internal"]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]
ClientVersion = Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,32}$", strict=True)]
Milliseconds = Annotated[float, Field(ge=0)]

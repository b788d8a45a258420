"""What is asked: a target, and how it is checked."""

from typing import Annotated

from pydantic import Field

from poterne.report.statement import Record
from poterne.report.words import Family, Origin, Port, Security, TargetKind


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


class Request(Record):
    """A question to the conductor; `client` is the version of the extension that asks, None for the command line."""

    target: str
    options: Options = Options()
    client: str | None = None

"""What is said while a check runs, and between the extension and the host."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from poterne.report.conclusion import Finding, Settings
from poterne.report.locales import Language
from poterne.report.observation import Endpoint, Observation
from poterne.report.question import Options
from poterne.report.report import Report
from poterne.report.statement import Record
from poterne.report.words import ClientVersion, ErrorCode

PROTOCOL = 1


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

    `format` is one of `poterne.export.FORMATS`. The report's observations may be left out (an empty list): only target,
    settings, the day and `lab` are read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["export"]
    id: Annotated[str, Field(min_length=1, max_length=64, strict=True)]
    format: Annotated[str, Field(max_length=64, strict=True)]
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

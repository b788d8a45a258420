"""The whole answer to a check."""

from typing import Annotated

from pydantic import ConfigDict, Field

from poterne.report.conclusion import ExpectedSettings, Finding, Hint, Settings, Verdict, Way
from poterne.report.observation import Lookup, Machine, NameAnswer, NameServer, Observation, Offer, Portal
from poterne.report.question import Options, Target
from poterne.report.statement import Record
from poterne.report.told import Told
from poterne.report.words import Disturbance, Milliseconds, ProxyState, TraceState

REPORT_SCHEMA = 1


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
    name_servers: tuple[NameServer, ...] = Field(
        default=(), description="this computer's, where it was asked whether they answer"
    )
    portal: Portal | None = None
    proxy: ProxyState | None = Field(
        default=None, description="whether the web proxy that the system names leads out; null: none, or not asked"
    )
    trace: TraceState = "unasked"
    way: Way | None = None
    hints: tuple[Hint, ...] = ()
    expected: ExpectedSettings | None = None
    told: Told | None = None
    started_at: str
    elapsed_ms: Milliseconds
    lab: bool = False

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

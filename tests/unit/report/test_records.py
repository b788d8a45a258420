import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from tests.unit.core_observations import HOST, evidence, report_of, resolved, seen, server, unreached

from poterne import report as model
from poterne.report import CancelMessage, CheckMessage, Finding, Options, Report, ReportEvent
from poterne.report.schema import json_schema


def test_the_schema_has_the_shape_that_tools_rely_on() -> None:
    schema: dict[str, Any] = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema == json_schema()
    definitions = schema["$defs"]
    assert {
        "Hello",
        "PlanEvent",
        "ObservationEvent",
        "FindingEvent",
        "SettingsEvent",
        "ReportEvent",
        "Cancelled",
        "ErrorMessage",
        "CheckMessage",
        "CancelMessage",
        "Report",
        "Observation",
        "Endpoint",
        "Finding",
        "Setting",
        "Settings",
        "Tls",
        "Stages",
        "Target",
        "Verdict",
        "Hop",
        "NameAnswer",
        "HostMessage",
        "ExtensionMessage",
    } <= set(definitions)
    keys = {name: set(record["properties"]) for name, record in definitions.items() if "properties" in record}
    assert keys["Report"] >= {
        "schema",
        "version",
        "target",
        "verdict",
        "findings",
        "settings",
        "observations",
        "elapsed_ms",
    }
    assert keys["Finding"] == {
        *("code", "severity", "confidence", "host", "port", "family", "params", "evidence"),
        *("says", "advice", "party"),
    }
    assert keys["Verdict"] == {"code", "severity", "confidence"}
    assert keys["Setting"] - {"remarks"} == {
        "protocol",
        "host",
        "port",
        "security",
        "auth",
        "username",
        "verified",
        "source",
    }
    assert keys["Observation"] >= {
        "id",
        "role",
        "host",
        "address",
        "family",
        "port",
        "service",
        "state",
        "reporter",
        "greeting",
        "capabilities",
        "security",
        "tls",
        "path",
        "stages",
        "provisional",
    }
    assert keys["Tls"] >= {"version", "trusted", "name_ok", "fault", "issuer", "names", "not_after"}
    assert keys["Stages"] >= {"resolve_ms", "connect_ms", "greeting_ms", "tls_ms"}
    assert keys["Target"] >= {"input", "kind", "domain", "host"}
    json.dumps(schema)


def test_closed_sets_are_those_of_the_contract() -> None:
    assert set(get_args(model.State)) == {"open", "refused", "no-answer", "unreachable", "prohibited", "reset", "error"}
    assert set(get_args(model.Severity)) == {"blocker", "warning", "note", "good"}
    assert set(get_args(model.Confidence)) == {"certain", "likely", "possible"}
    assert set(get_args(model.Security)) == {"tls", "starttls", "none"}
    assert set(get_args(model.Role)) == {"target", "control", "canary", "relay"}
    assert set(get_args(model.TargetKind)) == {"account", "domain", "server", "endpoint"}
    assert set(get_args(model.ErrorCode)) == {
        "invalid-message",
        "unsupported-protocol",
        "invalid-target",
        "forbidden",
        "busy",
        "internal",
    }
    assert model.PROTOCOL == 1
    assert model.REPORT_SCHEMA == 1


def test_every_record_is_frozen() -> None:
    records = [
        kind
        for kind in vars(model).values()
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not BaseModel
    ]
    assert len(records) > 20
    assert all(kind.model_config.get("frozen") for kind in records)
    with pytest.raises(ValidationError):
        server().kind = "domain"


def test_a_report_goes_out_and_comes_back() -> None:
    report = report_of(evidence(server(), seen(587), unreached(25, "no-answer", family=6), names=[resolved()]))
    text = report.model_dump_json()
    raw = json.loads(text)
    assert raw["schema"] == 1
    assert "schema_" not in raw
    assert Report.model_validate_json(text) == report
    event = ReportEvent(report=report)
    assert json.loads(event.model_dump_json(exclude={"id"}))["report"] == raw


def test_a_report_with_another_key_is_refused() -> None:
    raw = json.loads(report_of(evidence(server(), seen(587))).model_dump_json())
    raw["surprise"] = 1
    with pytest.raises(ValidationError):
        Report.model_validate(raw)


@pytest.mark.parametrize(
    "options",
    [
        {"ports": []},
        {"ports": [0]},
        {"ports": [-1]},
        {"ports": [65536]},
        {"ports": ["25"]},
        {"ports": [25.0]},
        {"ports": [True]},
        {"ports": [None]},
        {"ports": list(range(1, 10001))},
        {"ports": 25},
        {"family": 5},
        {"family": "4"},
        {"budget": 0},
        {"budget": 301},
        {"budget": float("nan")},
        {"budget": float("inf")},
        {"budget": "30"},
        {"budget": True},
        {"relay": "x" * 513},
        {"relay": 1},
        {"trace": 1},
        {"trace": "no"},
        {"surprise": 1},
    ],
)
def test_options_that_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_options_that_are_taken() -> None:
    assert Options() == Options(ports=None, family=None, relay=None, trace=True, budget=30.0)
    taken = Options.model_validate(
        {"ports": [25, 25, 587], "family": 6, "budget": 1, "trace": False, "relay": "r.example"}
    )
    assert (taken.ports, taken.family, taken.budget) == ((25, 25, 587), 6, 1.0)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "check", "id": "", "target": "x"},
        {"type": "check", "id": "x" * 65, "target": "x"},
        {"type": "check", "id": 1, "target": "x"},
        {"type": "check", "target": "x"},
        {"type": "check", "id": "1", "target": "x" * 513},
        {"type": "check", "id": "1", "target": None},
        {"type": "check", "id": "1", "target": "x", "options": None},
        {"type": "probe", "id": "1", "target": "x"},
    ],
)
def test_check_messages_that_are_refused(message: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CheckMessage.model_validate(message)


def test_messages_of_a_newer_extension_are_understood() -> None:
    assert CheckMessage.model_validate({"type": "check", "id": "1", "target": "x", "new": 1}).target == "x"
    assert CancelMessage.model_validate({"type": "cancel", "id": "1", "new": 1}).id == "1"


VALUES = st.one_of(
    st.none(), st.text(), st.booleans(), st.integers(-(2**40), 2**40), st.lists(st.integers(1, 65535)).map(tuple)
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=4))
def test_parameters_survive_json(params: dict[str, Any]) -> None:
    finding = Finding(code="ok", severity="good", confidence="certain", host=HOST, params=params)
    assert Finding.model_validate_json(finding.model_dump_json()) == finding

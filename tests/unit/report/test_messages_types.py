import pytest
from tests.tools import messages_types

from poterne import report as model
from poterne.report.schema import json_schema


def test_the_committed_types_are_those_of_the_model() -> None:
    assert messages_types.TYPES.read_text(encoding="utf-8") == messages_types.declarations(), "run `make types`"


def test_a_changed_model_changes_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    class Grown(model.Hello):
        mood: str

    monkeypatch.setattr(model, "HostMessage", Grown | model.Cancelled)

    declarations = messages_types.declarations()

    assert "mood: string" in declarations
    assert declarations != messages_types.TYPES.read_text(encoding="utf-8")


def test_what_the_host_writes_is_whole_and_what_it_reads_may_be_short() -> None:
    records = json_schema()["$defs"]

    assert set(records["Observation"]["required"]) == {*model.Observation.model_fields, "says"}
    assert records["CheckMessage"]["required"] == ["type", "id", "target"]

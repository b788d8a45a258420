import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poterne.native import reduction as fit
from poterne.native.frames import MAX_OUTGOING
from poterne.report import (
    Endpoint,
    Finding,
    FindingEvent,
    Hop,
    Observation,
    ObservationEvent,
    PlanEvent,
    Report,
    ReportEvent,
    Setting,
    Settings,
    SettingsEvent,
    Target,
    Tls,
    Verdict,
)

OK = Verdict(code="ok", severity="good", confidence="certain")


def observation(number: int = 1, **more: Any) -> Observation:
    base = {
        "id": f"o{number}",
        "host": "mx.example",
        "address": "192.0.2.1",
        "family": 4,
        "port": 25,
        "service": "smtp",
    }
    return Observation.model_validate({**base, "asked": "starttls", "state": "open", **more})


def report(*observations: Observation, **more: Any) -> ReportEvent:
    base = {"version": "1", "target": Target(input="x", kind="server"), "verdict": OK, "settings": Settings()}
    base |= {"findings": (), "started_at": "2026-01-01T00:00:00Z", "elapsed_ms": 1.0}
    return ReportEvent(id="a", report=Report.model_validate({**base, "observations": observations, **more}))


def fitted(message: Any, limit: int = MAX_OUTGOING) -> dict[str, Any]:
    text = fit.to_json(message, limit)
    assert len(text.encode()) <= limit
    value: dict[str, Any] = json.loads(text)
    return value


def test_what_fits_is_untouched() -> None:
    event = report(observation(capabilities=["SIZE 1"], greeting="220 é"))
    assert fit.to_json(event) == event.model_dump_json()
    exact = len(event.model_dump_json().encode())
    assert fit.to_json(event, exact) == event.model_dump_json()
    assert fitted(event, exact - 1)["reduced"]


def test_capabilities_go_first_and_alone_where_that_is_enough() -> None:
    full = {"capabilities": ["X" * 1000], "greeting": "g" * 200, "tls": Tls(names=("a.example",) * 20)}
    value = fitted(report(*(observation(n, **full) for n in range(800))))
    assert value["reduced"] == ["capabilities"]
    seen = value["report"]["observations"]
    assert len(seen) == 800
    assert seen[0]["capabilities"] == []
    assert seen[0]["greeting"] == "g" * 200
    assert len(seen[0]["tls"]["names"]) == 20


def test_then_greetings_names_and_paths() -> None:
    path = tuple(Hop(hop=n, address="192.0.2.1", answer="time-exceeded") for n in range(1, 31))
    full = {"capabilities": ["X"], "greeting": "é" * 600, "tls": Tls(names=("a" * 60,) * 20), "path": path}
    value = fitted(report(*(observation(n, **full) for n in range(400))), 400 * 1800)
    assert value["reduced"] == ["capabilities", "greeting", "names", "path"]
    seen = value["report"]["observations"]
    assert len(seen) == 400
    assert seen[7]["greeting"] == "é" * fit.GREETING_CHARACTERS + fit.MARK
    assert seen[7]["tls"]["names"] == ["a" * 60] * fit.NAMES + [fit.MARK]
    assert seen[7]["path"] == []


def test_then_the_longest_lists_and_the_verdict_stays() -> None:
    best = Setting(protocol="smtp", host="best.example", port=465, security="tls", verified=True, source="guess")
    finding = Finding(code="ok", severity="good", confidence="certain")
    event = report(*(observation(n) for n in range(4000)), settings=Settings(outgoing=(best,)), findings=(finding,))
    value = fitted(event)
    assert value["reduced"] == ["observations"]
    assert value["report"]["verdict"]["code"] == "ok"
    assert value["report"]["findings"][0]["code"] == "ok"
    assert value["report"]["settings"]["outgoing"][0]["host"] == "best.example"
    assert [one["id"] for one in value["report"]["observations"]][:2] == ["o0", "o1"]


def test_one_giant_list_does_not_cost_the_others() -> None:
    value = fitted(report(observation(1, auth=["X" * 100] * 20_000), *(observation(n) for n in range(2, 50))))
    assert value["reduced"] == ["auth"]
    assert len(value["report"]["observations"]) == 49


def test_one_observation_is_reduced_alike() -> None:
    value = fitted(ObservationEvent(id="a", observation=observation(capabilities=["é" * 100] * 10_000, greeting="g")))
    assert value["reduced"] == ["capabilities"]
    assert value["observation"]["greeting"] == "g"
    assert value["id"] == "a"


def test_plans_settings_and_findings_are_halved() -> None:
    endpoint = Endpoint(id="o1", host="h", address="192.0.2.1", family=4, port=25, service="smtp", asked="none")
    assert fitted(PlanEvent(endpoints=(endpoint,) * 10_000))["reduced"] == ["endpoints"]
    setting = Setting(protocol="imap", host="h", port=993, security="tls", verified=True, source="guess")
    assert fitted(SettingsEvent(settings=Settings(incoming=(setting,) * 10_000)))["reduced"] == ["incoming"]
    finding = Finding(code="ok", severity="good", confidence="certain", params={"names": "x" * 2_000_000})
    value = fitted(FindingEvent(finding=finding))
    assert value["reduced"] == ["names"]
    assert value["finding"]["params"]["names"].endswith("x" + fit.MARK)


def test_what_nothing_shortens_is_an_error() -> None:
    with pytest.raises(ValueError, match="too long"):
        fit.to_json(report(), 100)


def test_numbers_that_json_has_not_become_null() -> None:
    params: dict[str, Any] = {"seconds": float("nan"), "days": float("inf")}
    finding = Finding(code="ok", severity="good", confidence="certain", params=params)
    assert fitted(FindingEvent(finding=finding))["finding"]["params"] == {"seconds": None, "days": None}
    long = finding.model_copy(update={"params": {**params, "names": "x" * 5000}})
    assert fitted(FindingEvent(finding=long), 1000)["finding"]["params"]["seconds"] is None


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
# An empty report, and the names of what was shortened.
LEAST = len(report().model_dump_json()) + 100


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.lists(texts, max_size=5), texts, st.lists(texts, max_size=12)), max_size=8),
    st.integers(LEAST, 6000),
)
def test_a_report_always_fits(seen: list[tuple[list[str], str, list[str]]], limit: int) -> None:
    event = report(
        *(
            observation(n, capabilities=capabilities, greeting=greeting, tls=Tls(names=tuple(names)))
            for n, (capabilities, greeting, names) in enumerate(seen)
        )
    )
    value = fitted(event, limit)
    assert value["report"]["verdict"] == OK.model_dump()
    assert bool(value["reduced"]) == (len(event.model_dump_json().encode()) > limit)

"""The fixed corpus of every target; `make fuzz` looks further."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz import targets
from tests.fuzz.registry import EXEMPT, TARGETS, entered, exempt, readers

assert targets
FILES = [(name, file) for name in TARGETS for file in TARGETS[name].corpus()]


@pytest.mark.parametrize(("name", "file"), FILES)
def test_the_corpus(name: str, file: str) -> None:
    TARGETS[name].run(TARGETS[name].corpus()[file])


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_little_more(name: str, data: st.DataObject) -> None:
    TARGETS[name].run(data.draw(TARGETS[name].inputs()))


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_leads_to_the_parsers_that_it_names(name: str) -> None:
    target = TARGETS[name]
    assert len(target.corpus()) >= 3

    def run_all() -> None:
        for data in target.corpus().values():
            target.run(data)

    # In its own thread's view: what a loop calls is called in this thread too.
    assert set(target.parsers) <= entered(run_all)


def test_every_parser_has_a_target() -> None:
    fuzzed = {parser for target in TARGETS.values() for parser in target.parsers}
    without = [name for name in readers() if name not in fuzzed and exempt(name) is None]
    assert not without, "give them a target in tests/fuzz/targets.py, or a reason in tests/fuzz/parsers.toml"


def test_no_reason_outlives_its_parser() -> None:
    known = list(readers())
    assert all(any(f"{name}.".startswith(f"{key}.") for name in known) for key in EXEMPT)
    fuzzed = {parser for target in TARGETS.values() for parser in target.parsers}
    assert not {name for name in fuzzed if exempt(name) is not None}

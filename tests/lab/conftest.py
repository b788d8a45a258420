"""Fixtures of the lab. Everything here needs root and Linux, and says so where it is skipped."""

import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from types import FrameType

import pytest

from . import netns
from .runs import Run
from .world import World

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip this folder as a whole, with the reason, where namespaces cannot be made."""
    ours = [item for item in items if _HERE in item.path.parents]
    if ours and (reason := netns.reason_to_skip()):
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=reason))
    # What all others have seen is looked at last.
    items.sort(key=lambda item: item.path == _HERE / "test_codes.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the whole run beside a failed assertion about it."""
    report = yield
    if report.failed and call.excinfo is not None and _HERE in item.path.parents:
        runs = [value for entry in call.excinfo.traceback for value in entry.locals.values() if isinstance(value, Run)]
        report.sections += [("poterne check", str(run)) for run in {id(run): run for run in runs}.values()]
    return report


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """The lab, made once for all tests and removed after them, also when the run is ended by SIGTERM."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    lab = World()
    try:
        yield lab
    finally:
        lab.close()
        signal.signal(signal.SIGTERM, before)

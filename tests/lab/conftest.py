"""Fixtures of the lab. Everything here needs root and Linux, and says so where it is skipped."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from types import FrameType

import pytest

from . import netns
from .played import Register
from .runs import Run
from .world import World

_HERE = Path(__file__).parent
_FIRST = -10
_WORLD = pytest.StashKey[World]()
_REGISTER = pytest.StashKey[Register]()
_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip this folder as a whole, with the reason, where namespaces cannot be made."""
    ours = [item for item in items if _HERE in item.path.parents]
    if ours and (reason := netns.reason_to_skip()):
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=reason))
    # What all others have seen is looked at last.
    items.sort(key=lambda item: item.path == _HERE / "test_codes.py")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """What a test of the lab starts, servers and checks alike, goes before what else keeps the processors busy: checks
    measure a network by the clock.
    """
    if _HERE not in item.path.parents or not _set_priority(_FIRST):
        return (yield)
    try:
        return (yield)
    finally:
        _set_priority(0)


def _set_priority(value: int) -> bool:
    """For this thread, and the threads and processes that it starts from here on. False where only root may."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, value)
    except (OSError, AttributeError):
        return False
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the whole run beside a failed assertion about it, and write down what was seen."""
    report = yield
    if _HERE not in item.path.parents:
        return report
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    # Where the folder is skipped there is neither of them.
    if report.when == "teardown" and (register := item.config.stash.get(_REGISTER, None)):
        world = item.config.stash.get(_WORLD, None)
        register.add(item.nodeid, item.stash[_FAILED], world.new_codes() if world else ())
    if report.failed and call.excinfo is not None:
        runs = [value for entry in call.excinfo.traceback for value in entry.locals.values() if isinstance(value, Run)]
        report.sections += [("poterne check", str(run)) for run in {id(run): run for run in runs}.values()]
    return report


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@pytest.fixture(scope="session", autouse=True)
def register(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Register:
    """Of all processes that share the tests out: their folders lie in that of the run."""
    folder = tmp_path_factory.getbasetemp()
    kept = Register((folder.parent if hasattr(request.config, "workerinput") else folder) / "lab-played")
    request.config.stash[_REGISTER] = kept
    return kept


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The lab, made once in a process and removed at its end, also when the run is ended by SIGTERM."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    lab = World()
    request.config.stash[_WORLD] = lab
    try:
        yield lab
    finally:
        lab.close()
        signal.signal(signal.SIGTERM, before)

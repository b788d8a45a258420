"""Fixtures of the lab. Everything here needs root and Linux, and says so where it is skipped."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from . import netns
from .world import World

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip this folder as a whole, with the reason, where namespaces cannot be made."""
    ours = [item for item in items if _HERE in item.path.parents]
    if ours and (reason := netns.reason_to_skip()):
        for item in ours:
            item.add_marker(pytest.mark.skip(reason=reason))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The lab, made once for all tests and removed after them, also when the run is ended by SIGTERM."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    lab = World()
    try:
        yield lab
    finally:
        lab.close()
        signal.signal(signal.SIGTERM, before)

"""What holds for all tests, and for several processes that share them out: `pytest --numprocesses`."""

import signal
from types import FrameType

import pytest
from hypothesis import settings

# How long an example takes says more of what else the machine does than of what is tested.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# What a process that is told to end may take: it removes networks, and ends browsers and servers.
PATIENCE_SECONDS = 40


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):
        from xdist.workermanage import NodeManager

        NodeManager.EXIT_TIMEOUT = PATIENCE_SECONDS
        # The processes end with this one, in order.
        signal.signal(signal.SIGTERM, _interrupt)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from tests.sharing import Sharing

    config.option.loadscopereorder = False
    return Sharing(config, log)

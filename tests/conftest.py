"""Several processes that share the tests out: `pytest --numprocesses`."""

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from tests.sharing import Sharing

    config.option.loadscopereorder = False
    return Sharing(config, log)

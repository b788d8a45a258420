"""Embedded mail servers on loopback, for the demo and for tests. They take no mail and let nobody sign in.

Nothing here is imported by a check: a world is a policy file with a `[lab]` table, and whatever it names.
"""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from poterne.errors import PoterneError

if TYPE_CHECKING:
    from poterne.demo.world import World

__all__ = ["serving", "start"]

_LIBRARIES = ("aiosmtpd", "trustme")


def start(path: Path | None = None) -> "AbstractAsyncContextManager[World]":
    """Run a world (a TOML file; default: the demonstration's) in this event loop, as an async context manager.

    Raises PolicyError where the file is unusable, OSError where loopback cannot be used, PoterneError where the extra
    `demo` is not installed.
    """
    with _its_libraries():
        from poterne.demo import world

    return world.start(path)


def serving(path: Path | None = None) -> "AbstractContextManager[World]":
    """The same beside code that is not asynchronous: the servers run in a thread of their own."""
    with _its_libraries():
        from poterne.demo import threaded

    return threaded.serving(path)


@contextmanager
def _its_libraries() -> Iterator[None]:
    """Says what to install where the extra `demo` was left out; raises PoterneError."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        libraries = " and ".join(_LIBRARIES)
        raise PoterneError(f"the demonstration's servers need {libraries}: install poterne[demo]") from None

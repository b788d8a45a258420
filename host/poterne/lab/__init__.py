"""Embedded mail servers on loopback, for the demo and for tests. They take no mail and let nobody sign in.

Nothing here is imported by a check: a world is a policy file with a `[lab]` table, and whatever it names.
"""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poterne.lab.world import World

__all__ = ["serving", "start"]


def start(path: Path | None = None) -> "AbstractAsyncContextManager[World]":
    """Run a world (a TOML file; default: the demonstration's) in this event loop, as an async context manager.

    Raises PolicyError where the file is unusable, OSError where loopback cannot be used.
    """
    from poterne.lab import world

    return world.start(path)


def serving(path: Path | None = None) -> "AbstractContextManager[World]":
    """The same beside code that is not asynchronous: the servers run in a thread of their own."""
    from poterne.lab import threaded

    return threaded.serving(path)

"""Waiting for descriptors of any number, which select(2) cannot do beyond 1023."""

import selectors
from collections.abc import Iterable
from typing import Protocol, TypeVar


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


End = TypeVar("End", bound=int | _HasFileno)


def ready(ends: Iterable[End], seconds: float, *, write: bool = False) -> list[End]:
    """Those that can be read (or written to) within so many seconds."""
    waited = {(end if isinstance(end, int) else end.fileno()): end for end in ends}
    with selectors.DefaultSelector() as selector:
        for number in waited:
            selector.register(number, selectors.EVENT_WRITE if write else selectors.EVENT_READ)
        return [waited[key.fd] for key, _ in selector.select(seconds)]

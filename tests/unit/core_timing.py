"""Times for tests: short, and yet more than a busy machine takes for what is no silence."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from poterne.knowledge import timing as timings
from poterne.knowledge.timing import Timing


def timed(base: Timing | None = None, /, **tables: Mapping[str, Any]) -> Timing:
    """The quick times, or others, with some changed: timed(dialogue={"reply": 0.45})."""
    base = base or QUICK
    return replace(base, **{name: replace(getattr(base, name), **changes) for name, changes in tables.items()})


_DIALOGUE = {
    "greeting": 2.0,
    "suspicion": 0.15,
    "suspicion_relay": 0.2,
    "reply": 1.2,
    "handshake": 1.5,
    "farewell": 0.1,
}
QUICK = timed(timings.usual(), dialogue=_DIALOGUE, names={"answer": 1.5, "patience": 0.6})


def hurry(monkeypatch: pytest.MonkeyPatch, **tables: Mapping[str, Any]) -> None:
    """For a whole check, which takes no times yet: the quick ones, changed as `timed` does it, are the usual ones."""
    monkeypatch.setattr(timings, "usual", lambda: timed(**tables))

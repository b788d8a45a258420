"""Who waits for which answer, in one check: nobody waits on for what comes to nobody."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from poterne.diagnosis.operators import independent
from poterne.report import Endpoint, Family

WaitStage = Literal["greeting", "handshake"]

# Family and port.
Place = tuple[Family, int]

# Of two timers that were set for one moment, one may see the other's wait as a little shorter.
_TOLERANCE = 0.05
_ENOUGH = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Wait:
    endpoint: Endpoint
    stage: WaitStage
    since: float
    patience: float
    limit: asyncio.Timeout

    @property
    def place(self) -> Place:
        return self.endpoint.family, self.endpoint.port

    @property
    def is_control(self) -> bool:
        return self.endpoint.role == "control" and self.endpoint.source != "gateway"

    def is_long(self, now: float) -> bool:
        return now - self.since >= self.patience - _TOLERANCE


@dataclass(slots=True)
class Waits:
    """The open connections that wait for a greeting or in a handshake.

    A slow server keeps its patience. Where the target and two controls have been silent for some seconds at the same
    stage of the same port and family, and nobody has come further there, they are given up. So are handshakes on
    different ports, where no handshake in that family was answered at all.
    """

    _waiting: set[_Wait] = field(default_factory=set)
    _answered: set[tuple[WaitStage, Place]] = field(default_factory=set)
    _given_up: set[tuple[WaitStage, Place]] = field(default_factory=set)

    @contextmanager
    def at(self, stage: WaitStage, endpoint: Endpoint, limit: asyncio.Timeout, patience: float) -> Iterator[None]:
        """Waits inside `limit`, which ends where the wait is given up, after `patience` seconds at the earliest.
        Whatever else ends the wait, be it a refusal, is an answer.
        """
        loop = asyncio.get_running_loop()
        wait = _Wait(endpoint, stage, loop.time(), patience, limit)
        self._waiting.add(wait)
        timer = loop.call_later(patience, self._weigh, stage)
        answered = True
        try:
            yield
        except asyncio.CancelledError:
            answered = False
            raise
        finally:
            timer.cancel()
            self._waiting.discard(wait)
            if answered and (endpoint.role == "target" or wait.is_control):
                self._answered.add((stage, wait.place))

    def _weigh(self, stage: WaitStage) -> None:
        """Gives up what nobody gets an answer to; called when a wait has become long enough."""
        now = asyncio.get_running_loop().time()
        waiting = [wait for wait in self._waiting if wait.stage == stage]
        for ours in waiting:
            if ours.endpoint.role != "target" or (stage, ours.place) in self._answered or not ours.is_long(now):
                continue
            alike = [wait for wait in waiting if self._is_alike(wait, ours)]
            controls = [wait for wait in alike if wait.is_control and (wait.place == ours.place or wait.is_long(now))]
            long = all(wait.is_long(now) for wait in controls)
            if long and independent(wait.endpoint for wait in controls) >= _ENOUGH:
                self._given_up |= {(stage, wait.place) for wait in alike}
        for wait in waiting:
            if (stage, wait.place) in self._given_up - self._answered and not wait.limit.expired():
                wait.limit.reschedule(now)

    def _is_alike(self, wait: _Wait, ours: _Wait) -> bool:
        if wait.place == ours.place:
            return True
        family = ours.place[0]
        return (
            ours.stage == "handshake"
            and wait.place[0] == family
            and not any(stage == "handshake" and place[0] == family for stage, place in self._answered)
        )

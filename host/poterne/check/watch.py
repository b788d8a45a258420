"""Notices the first sign of trouble at the target: until then nobody is compared with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from poterne.knowledge import ports
from poterne.knowledge.timing import CompareTiming
from poterne.report import Endpoint


@dataclass(slots=True)
class Watch:
    """Counts how long each endpoint of the target has said nothing. `on_trouble` is called once: when one is silent for
    longer than other ports' round trips explain, or when somebody says that something else went wrong. `began`: the
    loop's time at the first connection.

    Time counts only while this program waits. Where it is busy itself (it loads trust stores, or the computer has much
    to do), a server that has answered already would seem to be silent.
    """

    timing: CompareTiming
    warming: asyncio.Future[None]
    on_trouble: Callable[[], None]
    began: float | None = None
    _silent_for: dict[str, float] = field(default_factory=dict)
    _round_trip: float | None = None
    _troubled: bool = False

    def dialled(self, endpoint: Endpoint) -> None:
        """A connection to it begins."""
        if self.began is None:
            self.began = asyncio.get_running_loop().time()
        self._silent_for[endpoint.id] = 0.0

    def opened(self, endpoint: Endpoint, connect_ms: float) -> None:
        """Its connection is open, so many milliseconds after the SYN that was answered."""
        known = self._round_trip
        self._round_trip = connect_ms / 1000 if known is None else min(known, connect_ms / 1000)
        self.heard(endpoint)
        if endpoint.service == ports.UNKNOWN:
            # It may as well wait for TLS, so that its silence is no news yet.
            self.ended(endpoint)

    def heard(self, endpoint: Endpoint) -> None:
        """It has said something."""
        if endpoint.id in self._silent_for:
            self._silent_for[endpoint.id] = 0.0

    def ended(self, endpoint: Endpoint) -> None:
        """Nothing more is expected of it."""
        self._silent_for.pop(endpoint.id, None)

    def trouble(self) -> None:
        """Something went wrong."""
        if not self._troubled:
            self._troubled = True
            self.on_trouble()

    async def run(self) -> None:
        """Until there is trouble, or the task is cancelled."""
        tick = self.timing.tick
        while not self._troubled:
            await asyncio.sleep(tick)
            if not self.warming.done():
                continue
            for id_ in self._silent_for:
                self._silent_for[id_] += tick
            if any(silence > self.patience for silence in self._silent_for.values()):
                self.trouble()

    @property
    def patience(self) -> float:
        """Seconds of silence that are nothing unusual."""
        if self._round_trip is None:
            return self.timing.silence_unmeasured
        return max(self.timing.silence, self.timing.round_trips * self._round_trip)

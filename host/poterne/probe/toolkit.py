"""What the probes of a check share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from poterne.knowledge.timing import ConnectTiming, Timing
from poterne.net.gate import Gate
from poterne.probe.stream import Stream
from poterne.probe.trust import TrustStores
from poterne.probe.waits import Waits
from poterne.report import Endpoint


@dataclass(slots=True)
class Toolkit:
    """`deadline` is loop time. `warming` ends when handshakes may begin: the trust stores are loaded and, in
    comparisons, the target is served; connections do not wait. `farewells` are goodbyes that still wait. `schedule` is
    how a connection is tried (None: as the gate does). `on_open` is told of every connection, and of the milliseconds
    between the SYN that was answered and its answer; `on_heard` of every stage of a dialogue that ends. `waits`:
    who waits for which answer.
    """

    gate: Gate
    stores: TrustStores
    deadline: float
    warming: asyncio.Future[None]
    farewells: set[asyncio.Task[None]] = field(default_factory=set)
    schedule: ConnectTiming | None = None
    on_open: Callable[[Endpoint, float], None] = lambda _endpoint, _ms: None
    on_heard: Callable[[Endpoint], None] = lambda _endpoint: None
    waits: Waits = field(default_factory=Waits)

    @property
    def timing(self) -> Timing:
        """The times of the check."""
        return self.gate.timing

    def farewell(self, stream: Stream, goodbye: bytes | None) -> None:
        """Leaves a connection politely, without keeping anybody waiting."""
        task = asyncio.create_task(stream.farewell(goodbye, self.timing.dialogue.farewell))
        self.farewells.add(task)
        task.add_done_callback(self.farewells.discard)

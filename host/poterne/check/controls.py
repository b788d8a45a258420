"""Controls: servers of other operators that are held to be up."""

import asyncio
from dataclasses import dataclass

from poterne.check.cache import Cache
from poterne.check.compared import ComparedHosts
from poterne.check.control_pool import RELAY_PORT, Control, Pool
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.knowledge.timing import Schedule

MACHINE = EvidenceRequest("machine")
_MAX_LIFE_PORTS = 3


@dataclass(slots=True)
class Controls:
    """Fetches `controls`: each on the port that is asked about, and beside it on another, for a control counts only
    while it answers somewhere. `late_by`: where the usual ones begin late, the loop's
    time at which they should be over.
    """

    hosts: ComparedHosts
    pool: Pool
    cache: Cache
    late_by: float | None = None

    async def fetch(self, want: EvidenceRequest) -> None:
        """The usual controls, or those that vouch for the port that is asked about."""
        if want.port is None:
            await self._usual()
        else:
            asked = self.pool.vouching(want.port)
            await asyncio.gather(*(self._control(control, want.port, "late") for control in asked))

    async def _usual(self) -> None:
        """Each control on 25, and on 587 or 465; one on which nothing opens is replaced while there are spares."""
        state = self.hosts.state
        await self.hosts.fetcher.had(MACHINE)
        recalled = self.cache.recall(state.network)
        if len({seen.host for seen in recalled if seen.port == RELAY_PORT}) >= len(self.pool.drawn) > 0:
            for seen in recalled:
                state.record(seen)
            return
        timing: Schedule = "control" if self.late_by is None else "late"
        await asyncio.gather(*(self._control_or_spare(control, timing) for control in self.pool.drawn))

    async def _control_or_spare(self, control: Control, timing: Schedule) -> None:
        async with asyncio.TaskGroup() as probes:
            probing = probes.create_task(self._control(control, RELAY_PORT, timing, self.late_by))
            await asyncio.wait({probing}, timeout=self.hosts.toolkit.timing.compare.spare)
            if not self.hosts.any_opened(control.host) and (spare := self.pool.spare()) is not None:
                await self._control_or_spare(spare, "late")

    async def _control(self, control: Control, port: int, timing: Schedule, by: float | None = None) -> None:
        answer = await self.hosts.resolver.addresses(control.host, control.source)
        if answer.addresses:
            async with asyncio.TaskGroup() as probes:
                probes.create_task(self._look(control, port, timing, by))
                probes.create_task(self._sign_of_life(control, port, timing))

    async def _sign_of_life(self, control: Control, beside: int, timing: Schedule) -> None:
        """Other ports until one opens; the next is tried soon after the one before stays silent."""
        pending: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as probes:
            for number in control.life_ports(beside)[:_MAX_LIFE_PORTS]:
                pending.add(probes.create_task(self._look(control, number, timing)))
                timing = "late"
                await asyncio.wait(pending, timeout=self.hosts.toolkit.timing.compare.life)
                if self.hosts.all_opened(control.host):
                    break

    async def _look(self, control: Control, port: int, timing: Schedule, by: float | None = None) -> None:
        toolkit = self.hosts.in_turn(control.host, timing, by)
        await self.hosts.look_at("control", control.host, port, control.source, toolkit)

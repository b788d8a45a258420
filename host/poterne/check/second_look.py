"""A second look at what failed: a limit on new connections, or a lost packet, fails once only."""

import asyncio
from dataclasses import dataclass, field, replace

from poterne.check.compared import ComparedHosts
from poterne.check.state import CheckState
from poterne.check.target_side import TargetSide
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.report import Observation


@dataclass(slots=True)
class SecondLook:
    """Fetches `again`."""

    state: CheckState
    target_side: TargetSide
    hosts: ComparedHosts
    _next: dict[int, float] = field(default_factory=dict)

    async def fetch(self, want: EvidenceRequest) -> None:
        """Looks once more, when the first look is some time ago."""
        failed = self.state.latest().get(want.observation or "")
        if failed is None:
            return
        await self._pause(failed)
        if failed.role == "target":
            timing = self.hosts.toolkit.timing
            schedule = timing.late if failed.state == "open" else timing.again
            await self.target_side.again(failed, replace(self.hosts.toolkit, schedule=schedule))
        else:
            await self.hosts.again(failed)

    async def _pause(self, failed: Observation) -> None:
        """What was refused at once is looked at alone, one look at a port after the other; what was silent is tried at
        several moments anyway.
        """
        pause = self.hosts.toolkit.timing.compare.pause
        if failed.state in ("open", "no-answer"):
            await asyncio.sleep(pause)
            return
        now = asyncio.get_running_loop().time()
        last = self._next.get(failed.port)
        self._next[failed.port] = now + pause if last is None else max(now, last) + pause / 2
        await asyncio.sleep(self._next[failed.port] - now)

"""The path to what fails, and whose routers are on it."""

import asyncio
from dataclasses import dataclass

from poterne.check.fetcher import Fetcher
from poterne.check.state import CheckState
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.net import machine
from poterne.net.resolver import NameResolver
from poterne.probe.toolkit import Toolkit
from poterne.probe.trace import trace


@dataclass(slots=True)
class Path:
    """Fetches `trace` and `routers`."""

    resolver: NameResolver
    toolkit: Toolkit
    state: CheckState
    fetcher: Fetcher

    async def trace(self, want: EvidenceRequest) -> None:
        """The path to a failing observation, and to a working one of the same address; not to what is on this link."""
        seen = self.state.latest()
        failing, working = seen.get(want.observation or ""), seen.get(want.working or "")
        if failing is None or not machine.leads_out(failing.address) or not self.state.options.trace:
            return
        pair = await trace(
            self.toolkit.gate,
            failing,
            working,
            deadline=self.toolkit.deadline,
            failing_port=self.state.dialled.get(failing.id),
            working_port=self.state.dialled.get(working.id) if working is not None else None,
        )
        if pair is None:
            self.state.trace = "impossible"
            return
        self.state.trace = "done"
        self.state.paths[failing.id] = pair.failing
        if working is not None:
            self.state.paths[working.id] = pair.working
        self.fetcher.fetch(EvidenceRequest("routers", observation=failing.id))

    async def routers(self, want: EvidenceRequest) -> None:
        """Reverse DNS of the routers; their names suggest whose network this is."""
        met = {hop.address for path in self.state.paths.values() for hop in path if hop.answer == "time-exceeded"}
        asked = [address for address in met if address is not None]
        names = await asyncio.gather(*map(self.resolver.reverse, asked))
        self.state.routers.update((address, name) for address, name in zip(asked, names, strict=True) if name)

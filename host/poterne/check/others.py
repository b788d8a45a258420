"""Who else may answer in the target's place, or refuse: the canary, the gateway, the provider's relay."""

import asyncio
from dataclasses import dataclass, replace

from poterne.check import control_pool
from poterne.check.compared import ComparedHosts
from poterne.check.control_pool import RELAY_PORT, Pool
from poterne.check.controls import MACHINE
from poterne.diagnosis.evidence_request import EvidenceRequest
from poterne.net import machine
from poterne.report import Family


@dataclass(slots=True)
class Others:
    """Fetches `canary`, `gateway` and `relay`."""

    hosts: ComparedHosts
    pool: Pool

    async def canary(self, want: EvidenceRequest) -> None:
        """The addresses at which nobody can answer."""
        assert want.port is not None
        if want.port == RELAY_PORT:
            await self._controls_known()
        addresses = control_pool.canary(self.hosts.policy)
        await asyncio.gather(*(self.hosts.look_at("canary", each, want.port, "canary") for each in addresses))

    async def gateway(self, want: EvidenceRequest) -> None:
        """The gateway itself, where it is on the way to somebody who was tried on that port."""
        assert want.port is not None
        family = want.family or 4
        seen = self.hosts.state.latest().values()
        if not any((o.port, o.family) == (want.port, family) and machine.leads_out(o.address) for o in seen):
            return
        await self.hosts.fetcher.had(MACHINE)
        hurried = replace(self.hosts.toolkit, schedule=self.hosts.toolkit.timing.gateway)
        address = machine.gateway(family) or await self._first_hop(family)
        if address is not None:
            await self.hosts.look_at("control", address, want.port, "gateway", hurried)

    async def relay(self, want: EvidenceRequest) -> None:
        """The relay that is named, else the one of the provider whose routers a trace met."""
        state, fetcher = self.hosts.state, self.hosts.fetcher
        host, source = control_pool.relay(self.hosts.policy, state.options)
        if host is None:
            await fetcher.begun("trace")
            await fetcher.begun("routers")
            host, source = next((hint.relay for hint in state.hints if hint.relay), None), "network"
        if host is not None:
            await self.hosts.look_at("relay", host, RELAY_PORT, source)

    async def _controls_known(self) -> None:
        """Where new connections are limited, one to nobody must not be let through in a control's place."""
        timing = self.hosts.toolkit.timing.compare
        names = [
            asyncio.create_task(self.hosts.resolver.addresses(control.host, control.source))
            for control in self.pool.drawn
        ]
        try:
            await asyncio.wait([self.hosts.fetcher.fetch(MACHINE), *names], timeout=timing.canary)
        finally:
            for task in names:
                task.cancel()
        await asyncio.sleep(timing.think)

    async def _first_hop(self, family: Family) -> str | None:
        """The router that traces meet first, where the way to it needs no address, as in a tunnel."""
        await self.hosts.fetcher.begun("trace")
        paths = self.hosts.state.paths.values()
        hops = (hop for path in paths for hop in path if hop.hop == 1 and hop.answer == "time-exceeded")
        return next((hop.address for hop in hops if hop.address and (":" in hop.address) == (family == 6)), None)

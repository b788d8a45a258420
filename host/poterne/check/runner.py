"""The conductor of one check."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from poterne import __version__
from poterne.check import control_pool, portal, surroundings, tools, way_out
from poterne.check.compared import ComparedHosts
from poterne.check.controls import MACHINE, Controls
from poterne.check.fetcher import Fetcher
from poterne.check.others import Others
from poterne.check.path import Path
from poterne.check.planner import Planner
from poterne.check.second_look import SecondLook
from poterne.check.state import CheckState
from poterne.check.target_side import TargetSide
from poterne.check.tools import Tools
from poterne.check.watch import Watch
from poterne.diagnosis import Conclusion, Evidence, diagnose
from poterne.diagnosis.evidence_request import EvidenceKind, EvidenceRequest
from poterne.diagnosis.expected import compare
from poterne.discovery import Discovery
from poterne.knowledge import controls
from poterne.knowledge.timing import CompareTiming, Timing
from poterne.policy import Policy
from poterne.report import (
    CheckEvent,
    Endpoint,
    ExpectedServer,
    FindingEvent,
    Observation,
    ObservationEvent,
    PlanEvent,
    Report,
    ReportEvent,
    Request,
    Target,
)
from poterne.target.hosts import is_address, is_within
from poterne.told import retold

_MARGIN = 0.3  # seconds of the budget that are kept for the verdict
_INVENTED = EvidenceRequest("invented")
# Evidence for which others are asked, or routers on the way to the target.
_OF_OTHERS: frozenset[EvidenceKind] = frozenset(
    {"controls", "canary", "relay", "host", "portal", "invented", "trace", "routers", "proxy", "resolvers"}
)


async def run(
    request: Request, policy: Policy, target: Target, *, timing: Timing, tell: Callable[[CheckEvent], None]
) -> None:
    """Runs a check of a target that was parsed; `tell` gets every event, the report last. Raises Forbidden where the
    policy leaves nothing to be dialled.
    """
    loop = asyncio.get_running_loop()
    started_at, started, before = datetime.now(UTC), loop.time(), surroundings.now()
    ends = started + request.options.budget
    state = CheckState(
        target, request.options, started_at, before.online, trace="unasked" if request.options.trace else "off"
    )
    async with tools.borrowed(policy, request.options, timing, deadline=ends - _MARGIN) as shared:
        check = _Check(request, policy, state, shared, tell)
        try:
            async with check.fetcher:
                await check.observe()
                state.disturbed = before.disturbance(surroundings.now(), timing.machine.nap)
                conclusion, evidence = await check.conclude()
                check.tell_comparisons()
                elapsed_ms = round((loop.time() - started) * 1000, 1)
                check.tell_report(check.report(conclusion, evidence, elapsed_ms))
        finally:
            check.close()
        await shared.say_goodbye(until=ends)


@dataclass(slots=True)
class _Check:
    """Observes the target, and asks the rules what that means until they want nothing more."""

    request: Request
    policy: Policy
    state: CheckState
    tools: Tools
    tell: Callable[[CheckEvent], None]
    fetcher: Fetcher = field(init=False)
    target_side: TargetSide = field(init=False)
    watch: Watch = field(init=False)
    controls: Controls = field(init=False)
    _timers: ExitStack = field(default_factory=ExitStack)
    _thinking: bool = False
    _reported: bool = False

    def __post_init__(self) -> None:
        state, shared = self.state, self.tools
        resolver = shared.resolver
        self.watch = watch = Watch(self.timing, shared.probing.warming, on_trouble=self._compare)
        probing = replace(shared.probing, on_open=watch.opened, on_heard=watch.heard)
        self.fetcher = Fetcher(on_news=self._think_soon)
        self.target_side = TargetSide(
            state,
            Planner(self.policy, resolver, probing.gate, state),
            Discovery(
                state.target, resolver, state.names, self.policy, probing, offers=state.offers, lookups=state.lookups
            ),
            resolver,
            probing,
            shared.served,
            watch,
            tell=self._tell_until_the_report,
            on_silence=self._think_soon,
        )
        tested = frozenset(name for name in (state.target.host, state.target.domain) if name)
        pool = control_pool.draw(self.policy, without=tested)
        hosts = ComparedHosts(self.policy, resolver, shared.comparing, state, self.fetcher, on_news=self._think_soon)
        self.controls = Controls(hosts, pool, tools.cache(self.policy))
        others, path = Others(hosts, pool), Path(resolver, shared.comparing, state, self.fetcher)
        self.fetcher.provide(
            {
                "controls": self.controls.fetch,
                "canary": others.canary,
                "gateway": others.gateway,
                "relay": others.relay,
                "host": hosts.fetch,
                "again": SecondLook(state, self.target_side, hosts).fetch,
                "trace": path.trace,
                "routers": path.routers,
                "web": self.target_side.web,
                "names": self.target_side.other_names,
                "dns": hosts.by_dns,
                "resolvers": self._resolvers,
                "proxy": self._proxy,
                "portal": self._portal,
                "machine": self._machine,
                "invented": self._invented,
            }
        )

    async def observe(self) -> None:
        """Probes the target. Comparisons begin at the first sign of trouble."""
        watching = asyncio.create_task(self.watch.run())
        self._timers.callback(watching.cancel)
        self.fetcher.fetch(MACHINE)
        self._later(self.timing.nameless, self._compare_without_names)
        await self.target_side.observe()

    async def conclude(self) -> tuple[Conclusion, Evidence]:
        """Diagnoses, fetches what the rules want, and asks again, until they want nothing new or the budget ends."""
        loop = asyncio.get_running_loop()
        while True:
            evidence = self.state.evidence(self.fetcher.fetched)
            conclusion = diagnose(evidence)
            if conclusion.verdict.code != "ok":
                self._compare()
            waiting = [task for want in self._asked_for(conclusion) if not (task := self.fetcher.fetch(want)).done()]
            seen = self.state.observations(of_target=True)
            if not seen or any(each.state != "open" for each in seen):
                waiting += self.fetcher.pending(MACHINE, _INVENTED)
            left = self.tools.probing.deadline - loop.time()
            if not waiting or left <= 0:
                self._timers.close()
                return conclusion, evidence
            await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def report(self, conclusion: Conclusion, evidence: Evidence, elapsed_ms: float) -> Report:
        """Everything in one record."""
        stated = self.policy.stated(evidence.target)
        expected = compare(
            self.policy.organisation.name,
            [ExpectedServer(**server.model_dump(), state="untested") for server in stated],
            conclusion.settings,
            evidence.observations,
            evidence.names,
        )
        return retold(
            Report(
                version=__version__,
                target=evidence.target,
                options=self.request.options,
                verdict=conclusion.verdict,
                findings=conclusion.findings,
                settings=conclusion.settings,
                names=evidence.names,
                offers=evidence.offers,
                lookups=evidence.lookups,
                observations=evidence.observations,
                online=evidence.online,
                disturbed=evidence.disturbed,
                machine=evidence.machine,
                portal=evidence.portal,
                proxy=evidence.proxy,
                name_servers=evidence.name_servers,
                trace=evidence.trace,
                way=conclusion.way,
                hints=self.state.hints,
                expected=expected,
                started_at=self.state.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                elapsed_ms=elapsed_ms,
                lab=self.policy.lab is not None,
            )
        )

    def tell_comparisons(self) -> None:
        """Comparisons are told when they are complete: nobody waits for them before."""
        compared = self.state.observations(of_target=False)
        if compared:
            known = (self.state.compared.get(seen.id) or _endpoint(seen) for seen in compared)
            self.tell(PlanEvent(endpoints=(*self.state.endpoints.values(), *known)))
        for seen in compared:
            self.tell(ObservationEvent(observation=seen))

    def tell_report(self, report: Report) -> None:
        """Its findings and settings one by one, then the whole."""
        for finding in report.findings:
            self.tell(FindingEvent(finding=finding))
        self.target_side.tell_settings(report.settings)
        self.tell(ReportEvent(report=report))
        self._reported = True

    def _tell_until_the_report(self, event: CheckEvent) -> None:
        """What was wanted once and is not waited for any more may come while it is being cancelled: too late."""
        if not self._reported:
            self.tell(event)

    def close(self) -> None:
        """Keeps what may clear this network for a while."""
        self._timers.close()
        controls = [seen for seen in self.state.observations(of_target=False) if seen.role == "control"]
        tools.cache(self.policy).remember(self.state.network, controls)

    @property
    def timing(self) -> CompareTiming:
        """When comparisons begin."""
        return self.tools.probing.timing.compare

    # ---- comparisons

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.callback(asyncio.get_running_loop().call_later(seconds, action).cancel)

    def _compare_without_names(self) -> None:
        """Perhaps there is no network, or a name server of this computer is silent: what would show it takes as long as
        names do.
        """
        if not self.state.endpoints and not self.target_side.planner.stays_inside:
            self._compare()
            self.fetcher.fetch(EvidenceRequest("portal"))
            self.fetcher.fetch(EvidenceRequest("resolvers"))

    def _compare(self) -> None:
        """Starts, beside the target, what most failures are held against. Once is enough. Nobody outside can tell
        anything of a target inside this network.
        """
        if self.target_side.planner.stays_inside:
            return
        began, now = self.watch.began, asyncio.get_running_loop().time()
        if began is not None and now - began > self.timing.punctual:
            self.controls.late_by = began + self.timing.over
        self.fetcher.fetch(EvidenceRequest("controls"))
        for port in controls.table().begin.canary_ports:
            self.fetcher.fetch(EvidenceRequest("canary", port=port))
        if control_pool.relay(self.policy, self.request.options)[0] is not None:
            self.fetcher.fetch(EvidenceRequest("relay"))
        self.fetcher.fetch(_INVENTED)

    async def _portal(self, want: EvidenceRequest) -> None:
        probing = self.tools.probing
        self.state.portal = await portal.ask(self.policy, probing.gate, self.tools.resolver, probing.deadline)

    async def _proxy(self, want: EvidenceRequest) -> None:
        tools_, state = self.tools, self.state
        origin, deadline = state.options.origin, tools_.probing.deadline
        state.proxy = await way_out.by_proxy(
            state.target, self.policy, tools_.probing.gate, tools_.resolver, origin=origin, deadline=deadline
        )

    async def _resolvers(self, want: EvidenceRequest) -> None:
        name = self.state.target.host or self.state.target.domain or ""
        if name and not is_address(name):
            self.state.name_servers = await self.tools.resolver.name_servers(name)

    async def _machine(self, want: EvidenceRequest) -> None:
        self.state.machine, self.state.network = await asyncio.to_thread(surroundings.look_around)

    async def _invented(self, want: EvidenceRequest) -> None:
        self.state.invented += await self.tools.resolver.random_labels()

    # ---- what the rules want while the target is being probed

    def _think_soon(self) -> None:
        """News that come together are weighed together."""
        if self.state.silent(of_target=True) and not self._thinking:
            self._thinking = True
            self._later(self.timing.think, self._think)

    def _think(self) -> None:
        self._thinking = False
        for want in self._asked_for(diagnose(self.state.evidence(self.fetcher.fetched, early=True))):
            self.fetcher.fetch(want)

    def _asked_for(self, conclusion: Conclusion) -> list[EvidenceRequest]:
        """What the rules want and may have. The relay last: a trace may show whose it is."""
        inside = self.target_side.planner.stays_inside
        others = _OF_OTHERS if inside else frozenset[EvidenceKind]()
        may_have = (want for want in conclusion.wanted if want.kind not in others and _can_be_had(want))
        return sorted(may_have, key=lambda want: want.kind == "relay")


def _can_be_had(want: EvidenceRequest) -> bool:
    """DNS knows nothing of an address, nor of this computer's own name for itself (RFC 6761 section 6.3)."""
    host = want.host or ""
    return want.kind != "dns" or not (is_address(host) or is_within(host, "localhost"))


def _endpoint(seen: Observation) -> Endpoint:
    return Endpoint(**{name: getattr(seen, name) for name in Endpoint.model_fields})

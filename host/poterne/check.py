"""The conductor: a Request in, a stream of Events out, a Report last. Doors call it; it calls every room below."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from poterne import __version__, machine, rate
from poterne import policy as policies
from poterne.compare.cache import Cache
from poterne.compare.comparison import Comparison
from poterne.compare.controls import relay
from poterne.diagnose import Conclusion, Evidence, diagnose
from poterne.diagnose.expected import compare
from poterne.diagnose.wanted import Want
from poterne.dial import Gate
from poterne.errors import Forbidden, InvalidRequest
from poterne.hosts import is_address
from poterne.knowledge import load
from poterne.machine import source_address
from poterne.model import (
    CheckEvent,
    Disturbance,
    Endpoint,
    ExpectedServer,
    ExpectedSettings,
    Family,
    FindingEvent,
    Hop,
    Observation,
    ObservationEvent,
    PlanEvent,
    Report,
    ReportEvent,
    Request,
    Target,
)
from poterne.probe.endpoint import Toolkit
from poterne.probe.names import Names
from poterne.probe.tls import TrustStores
from poterne.target import parse
from poterne.targets import Targets
from poterne.told import retold

if TYPE_CHECKING:
    from poterne import audit

_READ_BY_EVERY_CHECK = ("timing", "dialogues", "discovery", "controls", "auth", "app_passwords", "limits")
_MARGIN = 0.3  # seconds of the budget that are kept for the verdict


def _check_family(target: Target, family: Family | None) -> None:
    host = target.host or ""
    if family is not None and is_address(host) and (":" in host) != (family == 6):
        raise InvalidRequest(f"{host} is no IPv{family} address")


@lru_cache(maxsize=4)
def _stores(policy: policies.Policy) -> TrustStores:
    return TrustStores(policy)


@lru_cache(maxsize=4)
def _cache(policy: policies.Policy) -> Cache:
    return Cache()


def warm(policy: policies.Policy | None = None) -> None:
    """Does what the first check would wait for: trust stores, and the libraries that are imported late."""
    import ssl

    import dns.asyncbackend
    import dns.asyncresolver

    from poterne.discover import document  # noqa: F401

    # Both import at their first use what they need.
    dns.asyncbackend.get_backend("asyncio")
    ssl.cert_time_to_seconds("Jan  1 00:00:00 2026 GMT")
    for name in _READ_BY_EVERY_CHECK:
        load(name)
    _stores(policy or policies.Policy()).warm()


async def check(request: Request, policy: policies.Policy) -> AsyncGenerator[CheckEvent, None]:
    """Events as they happen, the Report last. Raises InvalidTarget, InvalidRequest or Forbidden
    before the first event. What became of it is logged where the policy asks for it; where that fails in the end,
    Forbidden is raised in the report's place.

    Closing the generator cancels every probe.
    """
    target = parse(request.target)
    _check_family(target, request.options.family)
    record = _logged(policy)
    became, rule = "unfinished", None
    try:
        policy.check_request(target, request.options)
        relay(policy, request.options)
        await rate.begin(policy.allow.checks_per_minute)
        async with aclosing(_events(request, policy, target)) as events:
            async for event in events:
                if event.type == "report":
                    target, became = event.report.target, event.report.verdict.code
                    if record is not None:
                        # Before it is handed out: what cannot be logged has no result.
                        record(target, became, client=request.client)
                yield event
    except Forbidden as error:
        became, rule = "forbidden", error.rule
        raise
    finally:
        if record is not None:
            record(target, became, rule=rule, client=request.client)


def _logged(policy: policies.Policy) -> "audit.Record | None":
    """What writes to the log that the policy asks for. Raises Forbidden."""
    if policy.log.to == "off":
        return None
    # Few desks need what it imports.
    from poterne import audit

    return audit.begin(policy.log)


async def _events(request: Request, policy: policies.Policy, target: Target) -> AsyncGenerator[CheckEvent, None]:
    run = _Run(request, policy)
    conductor = asyncio.create_task(run.conduct(target))
    conductor.add_done_callback(lambda _: run.events.put_nowait(None))
    try:
        while (event := await run.events.get()) is not None:
            yield event
        await conductor
    finally:
        conductor.cancel()
        with suppress(asyncio.CancelledError):
            await conductor


@dataclass(slots=True)
class _Run:
    request: Request
    policy: policies.Policy
    events: asyncio.Queue[CheckEvent | None] = field(default_factory=asyncio.Queue)
    fetching: dict[Want, asyncio.Task[None]] = field(default_factory=dict)
    online: bool = True
    disturbed: Disturbance | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    toolkit: Toolkit = field(init=False)
    targets: Targets = field(init=False)
    compared: Comparison = field(init=False)
    _thinking: asyncio.TimerHandle | None = None
    _alone: dict[int, float] = field(default_factory=dict)

    async def conduct(self, target: Target) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        stores = _stores(self.policy)
        resolver = Names(self.policy)
        warming = asyncio.create_task(asyncio.to_thread(stores.warm))
        deadline = started + self.request.options.budget - _MARGIN
        self.toolkit = Toolkit(Gate(self.policy, self.request.options.origin), stores, deadline, warming)
        before = _place()
        self.online = any(before.addresses)
        self.compared = Comparison(
            self.policy,
            self.request.options,
            resolver,
            self.toolkit,
            _cache(self.policy),
            tested=frozenset(name for name in (target.host, target.domain) if name),
            on_news=self._think_soon,
        )
        self.targets = Targets(
            target,
            self.request.options,
            self.policy,
            resolver,
            self.toolkit,
            tell=self.events.put_nowait,
            on_planned=self.compared.begin_soon,
            on_quiet=self.compared.calm.set,
            on_silence=self._think_soon,
        )
        late = loop.call_later(load("timing")["compare"]["nameless"], self._begin_without_names)
        try:
            await self.targets.observe()
            self.disturbed = before.disturbance(_place())
            conclusion = await self._weigh()
            self.compared.end()
            self._tell_compared()
            elapsed_ms = round((loop.time() - started) * 1000, 1)
            report = retold(self._report(conclusion, elapsed_ms))
            for finding in report.findings:
                self.events.put_nowait(FindingEvent(finding=finding))
            self.targets.tell_settings(conclusion.settings)
            self.events.put_nowait(ReportEvent(report=report))
            if self.toolkit.farewells:
                await asyncio.wait(self.toolkit.farewells, timeout=max(0.0, deadline + _MARGIN - loop.time()))
        finally:
            late.cancel()
            if self._thinking is not None:
                self._thinking.cancel()
            for task in (*self.toolkit.farewells, *self.fetching.values(), warming):
                task.cancel()
            await self.compared.close()
            await resolver.close()
            await asyncio.gather(warming, *self.fetching.values(), *self.toolkit.farewells, return_exceptions=True)

    def _begin_without_names(self) -> None:
        """Perhaps there is no network: what would show it takes as long as names do."""
        self.compared.begin()
        if not self.targets.endpoints:
            self.compared.fetch(Want("portal"))

    def _report(self, conclusion: Conclusion, elapsed_ms: float) -> Report:
        evidence = self._evidence()
        return Report(
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
            online=self.online,
            disturbed=self.disturbed,
            machine=evidence.machine,
            portal=evidence.portal,
            trace=evidence.trace,
            way=conclusion.way,
            hints=self.compared.hints,
            expected=self._expected(evidence, conclusion),
            started_at=self.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            elapsed_ms=elapsed_ms,
            lab=self.policy.lab is not None,
        )

    def _expected(self, evidence: Evidence, conclusion: Conclusion) -> ExpectedSettings | None:
        stated = self.policy.stated(evidence.target)
        servers = [ExpectedServer(**server.model_dump(), state="untested") for server in stated]
        name, seen = self.policy.organisation.name, evidence.observations
        return compare(name, servers, conclusion.settings, seen, evidence.names)

    def _evidence(self, *, early: bool = False) -> Evidence:
        """What is known; `early`: with what has only been silent for a while."""
        targets, compared = self.targets, self.compared
        seen = {**targets.observations, **compared.observations}
        if early:
            seen = {**targets.silent, **compared.silent, **seen}
        ids = dict.fromkeys((*targets.endpoints, *compared.endpoints, *compared.observations))
        return Evidence(
            target=targets.target,
            options=self.request.options,
            names=(*targets.names, *compared.names),
            offers=targets.offers,
            lookups=targets.lookups,
            observations=tuple(_with_path(seen[id_], compared.paths.get(id_)) for id_ in ids if id_ in seen),
            online=self.online,
            disturbed=self.disturbed,
            now=self.started_at,
            machine=compared.machine,
            portal=compared.portal,
            trace=compared.trace,
            fetched=frozenset(want for want, task in self.fetching.items() if task.done()),
        )

    # ---- what the rules want

    def _think_soon(self) -> None:
        """Asks the rules, while the target is being probed, what they will want; news that come together are one."""
        if self.targets.silent and self._thinking is None:
            pause = load("timing")["compare"]["think"]
            self._thinking = asyncio.get_running_loop().call_later(pause, self._think)

    def _think(self) -> None:
        self._thinking = None
        for want in _in_order(diagnose(self._evidence(early=True)).wanted):
            self._fetch(want)

    async def _weigh(self) -> Conclusion:
        """Diagnoses, fetches what the rules want, and asks again, until they want nothing new or the budget ends."""
        loop = asyncio.get_running_loop()
        while True:
            conclusion = diagnose(self._evidence())
            if conclusion.verdict.code != "ok":
                self.compared.begin()
            waiting = [task for want in _in_order(conclusion.wanted) if not (task := self._fetch(want)).done()]
            seen = self.targets.observations.values()
            if not seen or any(each.state != "open" for each in seen):
                waiting += self.compared.expected
            left = self.toolkit.deadline - loop.time()
            if not waiting or left <= 0:
                return conclusion
            await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def _fetch(self, want: Want) -> asyncio.Task[None]:
        if want not in self.fetching:
            self.fetching[want] = asyncio.create_task(self._fetched(want))
        return self.fetching[want]

    async def _fetched(self, want: Want) -> None:
        """Never raises: what cannot be had costs nobody the answer, but it is no secret either."""
        try:
            async with asyncio.timeout_at(self.toolkit.deadline):
                await self._have(want)
        except TimeoutError:
            return
        except Exception as error:
            context = {"message": f"the evidence could not be had: {want}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    async def _have(self, want: Want) -> None:
        targets, compared = self.targets, self.compared
        seen = {**targets.silent, **compared.silent, **targets.observations, **compared.observations}
        concerned = seen.get(want.observation or "")
        match want.kind:
            case "trace" if concerned is not None and machine.leads_out(concerned.address):
                await compared.trace_to(want, concerned, seen.get(want.working or ""), targets.dialled)
            case "again" if concerned is not None:
                await self._pause(concerned)
                if concerned.role == "target":
                    await targets.again(concerned, compared.patient)
                else:
                    await compared.again(want, concerned)
            case "web":
                await targets.web(want.host or "")
            case "names":
                await targets.beside(want.host or "")
            case "controls" | "canary" | "relay" | "portal":
                await compared.fetch(want)
            case "gateway" if any(
                (each.port, each.family) == (want.port, want.family) and machine.leads_out(each.address)
                for each in seen.values()
            ):
                await compared.fetch(want)
            case _:
                return  # no router and no gateway is on the way to what is on the link

    async def _pause(self, seen: Observation) -> None:
        """Before a second look. What was refused at once is looked at alone, one look at a port after the other; what
        was silent is tried at several moments anyway.
        """
        pause: float = load("timing")["compare"]["pause"]
        if seen.state in ("open", "no-answer"):
            await asyncio.sleep(pause)
            return
        now = asyncio.get_running_loop().time()
        last = self._alone.get(seen.port)
        self._alone[seen.port] = now + pause if last is None else max(now, last) + pause / 2
        await asyncio.sleep(self._alone[seen.port] - now)

    def _tell_compared(self) -> None:
        """Comparisons are told when they are complete: nobody waits for them before."""
        compared = self.compared.observations.values()
        if compared:
            known = [self.compared.endpoints.get(seen.id) or _endpoint(seen) for seen in compared]
            self.events.put_nowait(PlanEvent(endpoints=(*self.targets.endpoints.values(), *known)))
        for seen in compared:
            self.events.put_nowait(ObservationEvent(observation=seen))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where this machine is in the network, and how long it has slept."""

    addresses: tuple[str | None, ...]
    slept: float

    def disturbance(self, later: "_Place") -> Disturbance | None:
        """What happened between this moment and a later one."""
        if later.slept - self.slept > load("timing")["machine"]["nap"]:
            return "slept"
        return "moved" if later.addresses != self.addresses else None


def _place() -> _Place:
    return _Place(tuple(source_address(family) for family in (4, 6)), machine.slept())


def _in_order(wanted: frozenset[Want]) -> list[Want]:
    """The relay last: a trace may show whose it is."""
    return sorted(wanted, key=lambda want: want.kind == "relay")


def _with_path(seen: Observation, path: tuple[Hop, ...] | None) -> Observation:
    return seen if path is None else seen.model_copy(update={"path": path})


def _endpoint(seen: Observation) -> Endpoint:
    return Endpoint(**{name: getattr(seen, name) for name in Endpoint.model_fields})

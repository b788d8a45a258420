"""What a failure is held against, fetched piece by piece as rules ask for it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from poterne import machine, ports
from poterne.compare import controls, networks, portal
from poterne.compare.cache import Cache
from poterne.diagnose.wanted import Want
from poterne.dial import Schedule, schedule
from poterne.knowledge import load
from poterne.model import (
    Endpoint,
    Family,
    Hint,
    Hop,
    Machine,
    NameAnswer,
    Observation,
    Options,
    Portal,
    Role,
    TraceState,
)
from poterne.policy import Policy
from poterne.probe.endpoint import Toolkit, observe
from poterne.probe.names import Names
from poterne.probe.places import Place, places
from poterne.probe.trace import trace

_RELAY_PORT = 25
_MAX_LIFE_PORTS = 3


@dataclass(slots=True)
class Comparison:
    """The controls, the canary, the relay, the gateway, the path and the portal of one check.

    `observations` are final, `silent` the provisional ones of what has kept silent for a while; `paths` are traces by
    the id of the observation that they belong to. `tested` names hosts that are no controls, being the target.
    `on_news` is called whenever something was learnt. `calm` is to be set when the target is served.
    """

    policy: Policy
    options: Options
    resolver: Names
    toolkit: Toolkit
    cache: Cache
    tested: frozenset[str] = frozenset()
    on_news: Callable[[], None] = lambda: None
    machine: Machine = field(default_factory=Machine)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    observations: dict[str, Observation] = field(default_factory=dict)
    silent: dict[str, Observation] = field(default_factory=dict)
    paths: dict[str, tuple[Hop, ...]] = field(default_factory=dict)
    names: list[NameAnswer] = field(default_factory=list)
    hints: tuple[Hint, ...] = ()
    portal: Portal | None = None
    trace: TraceState = "unasked"
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: dict[object, asyncio.Task[None]] = field(default_factory=dict)
    _asked: dict[tuple[str, str], asyncio.Task[list[Observation]]] = field(default_factory=dict)
    _open: set[tuple[str, int]] = field(default_factory=set)
    _turns: dict[str, int] = field(default_factory=dict)
    _held: asyncio.TimerHandle | None = None
    _network: str | None = None
    _pool: controls.Pool = field(init=False)

    def __post_init__(self) -> None:
        self._pool = controls.draw(self.policy, without=self.tested)
        self._start("look", self._look)
        courtesy = asyncio.ensure_future(self._courtesy(self.toolkit.warming))
        self.toolkit = replace(self.toolkit, warming=courtesy, on_open=self._note_open)
        if not self.options.trace:
            self.trace = "off"

    async def _courtesy(self, warming: asyncio.Future[None]) -> None:
        """Handshakes of comparisons cost time that the target's would miss: they wait until it is served."""
        await asyncio.shield(warming)
        with suppress(TimeoutError):
            async with asyncio.timeout(load("timing")["compare"]["courtesy"]):
                await self.calm.wait()

    async def _look(self) -> None:
        self.machine, self._network = await asyncio.to_thread(_look_around)

    def begin_soon(self) -> None:
        """Begins when the target has been alone for a moment."""
        if self._held is None:
            self._held = asyncio.get_running_loop().call_later(load("timing")["compare"]["hold"], self.begin)

    def end(self) -> None:
        """What has not begun is not wanted any more."""
        if self._held is not None:
            self._held.cancel()

    def begin(self) -> None:
        """Starts, beside the target, what most failures are held against. Once is enough."""
        self.fetch(Want("controls"))
        for port in load("controls")["begin"]["canary_ports"]:
            self.fetch(Want("canary", port=port))
        if controls.relay(self.policy, self.options)[0] is not None:
            self.fetch(Want("relay"))
        self._start("random", self._random)

    def fetch(self, want: Want) -> asyncio.Task[None]:
        """The task that fetches a piece of evidence; the same for the same want. Its end is all that it tells."""
        ways: dict[str, Callable[[Want], Coroutine[Any, Any, None]]] = {
            "controls": self._controls,
            "canary": self._canary,
            "gateway": self._gateway,
            "relay": self._relay,
            "portal": self._portal,
        }
        return self._start(want, lambda: ways[want.kind](want))

    def trace_to(
        self, want: Want, failing: Observation, working: Observation | None, dialled: Mapping[str, int]
    ) -> asyncio.Task[None]:
        """The task that traces the path to a failing observation, and to a working one of the same address. `dialled`:
        the ports behind observations, which a lab may map elsewhere.
        """
        return self._start(want, lambda: self._trace(failing, working, dialled))

    def again(self, want: Want, failing: Observation) -> asyncio.Task[None]:
        """The task that looks at a failing control once more; patiently, where it was silent."""
        return self._start(want, lambda: self._again(failing))

    @property
    def expected(self) -> list[asyncio.Task[None]]:
        """What every failure is held against unasked: this machine, and names that must not exist."""
        return [task for key in ("look", "random") if (task := self._tasks.get(key)) is not None and not task.done()]

    @property
    def patient(self) -> Toolkit:
        """For a second look on a line that loses packets."""
        return replace(self.toolkit, schedule=schedule("again"))

    def _start(self, key: object, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        if (task := self._tasks.get(key)) is not None:
            return task

        async def run() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self.toolkit.deadline):
                    await work()
            self.on_news()

        task = self._tasks[key] = asyncio.create_task(run())
        return task

    async def close(self) -> None:
        """Ends what nobody waits for, and keeps what may clear this network for a while."""
        self.end()
        tasks: list[asyncio.Future[Any]] = [*self._tasks.values(), *self._asked.values(), self.toolkit.warming]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.cache.remember(self._network, [seen for seen in self.observations.values() if seen.role == "control"])

    # ---- controls

    async def _controls(self, want: Want) -> None:
        if want.port is None:
            await self._usual_controls()
        else:
            await asyncio.gather(*(self._control(each, want.port, "late") for each in self._pool.vouching(want.port)))

    async def _usual_controls(self) -> None:
        """Each control on 25, and on 587 or 465; one on which nothing opens is replaced while there are spares."""
        await self._tasks["look"]
        recalled = self.cache.recall(self._network)
        if len({seen.host for seen in recalled if seen.port == _RELAY_PORT}) >= len(self._pool.drawn) > 0:
            self.observations.update({seen.id: seen for seen in recalled})
            return
        await asyncio.gather(*(self._control_or_spare(control, "control") for control in self._pool.drawn))

    async def _control_or_spare(self, control: controls.Control, timing: Schedule) -> None:
        probing = asyncio.create_task(self._control(control, _RELAY_PORT, timing))
        try:
            await asyncio.wait({probing}, timeout=load("timing")["compare"]["spare"])
            dead = not any(host == control.host for host, _ in self._open)
            if dead and (spare := self._pool.spare()) is not None:
                await self._control_or_spare(spare, "late")
            await probing
        finally:
            probing.cancel()

    async def _control(self, control: controls.Control, port: int, timing: Schedule) -> None:
        """One control on a port, and beside it on another, for a control counts only while it answers somewhere."""
        answer = await self.resolver.addresses(control.host, control.source)
        if answer.addresses:
            async with asyncio.TaskGroup() as probes:
                probes.create_task(self._control_on(control, port, timing))
                probes.create_task(self._sign_of_life(control, port, timing))

    async def _sign_of_life(self, control: controls.Control, beside: int, timing: Schedule) -> None:
        """Other ports until one opens; the next is tried soon after the one before stays silent."""
        pending: set[asyncio.Task[list[Observation]]] = set()
        try:
            for number in control.life_ports(beside)[:_MAX_LIFE_PORTS]:
                pending.add(asyncio.create_task(self._control_on(control, number, timing)))
                timing = "late"
                await asyncio.wait(pending, timeout=load("timing")["compare"]["life"])
                if self._alive(control.host):
                    break
            await asyncio.wait(pending) if pending else None
        finally:
            for task in pending:
                task.cancel()

    async def _control_on(self, control: controls.Control, port: int, timing: Schedule) -> list[Observation]:
        return await self._ask(
            "control", control.host, port, control.source, toolkit=self._in_turn(control.host, timing)
        )

    def _in_turn(self, host: str, name: Schedule) -> Toolkit:
        """Where new connections are limited, the target's attempts and the controls' would compete for the same moments
        if all were made in step, and the same one would get through each time.
        """
        table = load("timing")["compare"]
        later = table["step"] * (self._turns.setdefault(host, len(self._turns)) % table["turns"])
        usual = schedule(name)
        moments = tuple(moment + later if moment else moment for moment in usual.attempts)
        return replace(self.toolkit, schedule=replace(usual, attempts=moments))

    def _note_open(self, endpoint: Endpoint) -> None:
        self._open.add((endpoint.host, endpoint.family))

    def _alive(self, host: str) -> bool:
        """Whether something has opened there in every family in which it is tried."""
        tried = {(each.host, each.family) for each in self.endpoints.values() if each.host == host}
        return bool(tried) and tried <= self._open

    # ---- who else may answer

    async def _canary(self, want: Want) -> None:
        assert want.port is not None
        if want.port == _RELAY_PORT:
            await self._controls_known()
        addresses = controls.canary(self.policy)
        await asyncio.gather(*(self._ask("canary", address, want.port, "canary") for address in addresses))

    async def _controls_known(self) -> None:
        """Where new connections are limited, one to nobody must not be let through in a control's place."""
        table = load("timing")["compare"]
        names = [
            asyncio.create_task(self.resolver.addresses(control.host, control.source)) for control in self._pool.drawn
        ]
        try:
            await asyncio.wait([self._tasks["look"], *names], timeout=table["canary"])
        finally:
            for task in names:
                task.cancel()
        await asyncio.sleep(table["think"])

    async def _gateway(self, want: Want) -> None:
        assert want.port is not None
        await self._tasks["look"]
        hurried = replace(self.toolkit, schedule=schedule("gateway"))
        address = machine.gateway(want.family or 4) or await self._first_hop(want.family or 4)
        if address is not None:
            await self._ask("control", address, want.port, "gateway", toolkit=hurried)

    async def _first_hop(self, family: Family) -> str | None:
        """The router that traces meet first, where the way to it needs no address, as in a tunnel."""
        await self._all("trace")
        hops = (hop for path in self.paths.values() for hop in path if hop.hop == 1 and hop.answer == "time-exceeded")
        return next((hop.address for hop in hops if hop.address and (":" in hop.address) == (family == 6)), None)

    async def _relay(self, want: Want) -> None:
        host, source = controls.relay(self.policy, self.options)
        if host is None:
            await self._all("trace")
            await self._all("routers")
            host, source = next((hint.relay for hint in self.hints if hint.relay), None), "network"
        if host is not None:
            await self._ask("relay", host, _RELAY_PORT, source)

    async def _all(self, kind: str) -> None:
        found = [
            task
            for key, task in self._tasks.items()
            if (isinstance(key, Want) and key.kind == kind) or (isinstance(key, tuple) and key[0] == kind)
        ]
        await asyncio.gather(*found, return_exceptions=True)

    async def _portal(self, want: Want) -> None:
        self.portal = await portal.ask(self.policy, self.toolkit.gate, self.resolver, self.toolkit.deadline)

    async def _random(self) -> None:
        self.names += await self.resolver.random_labels()

    # ---- the path

    async def _trace(self, failing: Observation, working: Observation | None, dialled: Mapping[str, int]) -> None:
        if not self.options.trace:
            return
        pair = await trace(
            self.toolkit.gate,
            failing,
            working,
            deadline=self.toolkit.deadline,
            failing_port=dialled.get(failing.id),
            working_port=dialled.get(working.id) if working is not None else None,
        )
        if pair is None:
            self.trace = "impossible"
            return
        self.trace = "done"
        self.paths[failing.id] = pair.failing
        if working is not None:
            self.paths[working.id] = pair.working
        self._start(("routers", failing.id), self._name_routers)

    async def _name_routers(self) -> None:
        """Reverse DNS of the routers; their names suggest whose network this is."""
        addresses = {hop.address for path in self.paths.values() for hop in path if hop.answer == "time-exceeded"}
        asked = [address for address in addresses if address is not None]
        found = dict(zip(asked, await asyncio.gather(*map(self.resolver.reverse, asked)), strict=True))
        named = {address: name for address, name in found.items() if name}
        self.paths = {
            id_: tuple(hop.model_copy(update={"name": named.get(hop.address or "", hop.name)}) for hop in path)
            for id_, path in self.paths.items()
        }
        hints = [hint for path in self.paths.values() if (hint := networks.of_path(path)) is not None]
        self.hints = tuple(dict.fromkeys(hints))[:1]

    async def _again(self, failing: Observation) -> None:
        place = Place(failing.family, failing.address, failing.port)
        endpoint = self._endpoint(failing.role, failing.host, place, failing.port, failing.source)
        timing: Schedule = "again" if failing.state == "no-answer" else "late"
        await self._observe(endpoint, place, None, self._in_turn(failing.host, timing))

    # ---- one endpoint

    async def _ask(
        self, role: Role, host: str, port: int, source: str, *, toolkit: Toolkit | None = None
    ) -> list[Observation]:
        """What a host does on a port, in each family; once a check, whoever asks."""
        key = (f"{role} {host}", str(port))
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._probe(role, host, port, source, toolkit or self.toolkit))
        return await asyncio.shield(self._asked[key])

    async def _probe(self, role: Role, host: str, port: int, source: str, toolkit: Toolkit) -> list[Observation]:
        if port not in self.policy.allow.ports:
            return []
        answer = await self.resolver.addresses(host, source)
        found = await places(answer, port, self.policy, self.resolver, self.options.family)
        probes = [
            self._observe(self._endpoint(role, host, place, port, source), place, answer.elapsed_ms, toolkit)
            for place in found
        ]
        return [seen for seen in await asyncio.gather(*probes) if seen is not None]

    def _endpoint(self, role: Role, host: str, place: Place, port: int, source: str) -> Endpoint:
        row = ports.facts(port)
        endpoint = Endpoint(
            id=f"c{len(self.endpoints) + 1}",
            role=role,
            host=host,
            address=place.address,
            family=place.family,
            port=port,
            service=row.service if row else "smtp",
            asked=row.begins if row else "starttls",
            source=source,
        )
        self.endpoints[endpoint.id] = endpoint
        return endpoint

    async def _observe(
        self, endpoint: Endpoint, place: Place, resolve_ms: float | None, toolkit: Toolkit
    ) -> Observation | None:
        if not toolkit.gate.permits(endpoint):
            return None
        seen = await observe(
            endpoint, toolkit, dialled_port=place.port, resolve_ms=resolve_ms, on_progress=self._progress
        )
        self.silent.pop(seen.id, None)
        self.observations[seen.id] = seen
        self.on_news()
        return seen

    def _progress(self, seen: Observation) -> None:
        if seen.state == "no-answer":
            self.silent[seen.id] = seen
            self.on_news()


def _look_around() -> tuple[Machine, str | None]:
    return machine.look(), machine.network_key()

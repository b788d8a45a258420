"""Probes one endpoint: the usual dialogue first, then, on a connection of its own each, what its failure asks for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from poterne import ports
from poterne.dial import Gate
from poterne.knowledge.timing import ConnectTiming, Timing
from poterne.model import Endpoint, Observation, Security
from poterne.probe import tls as handshakes
from poterne.probe.dialogue import dialogue
from poterne.probe.draft import Draft
from poterne.probe.session import Session
from poterne.probe.stream import Stream


@dataclass(slots=True)
class Toolkit:
    """What probes of a check share. `deadline` is loop time; `warming` ends when handshakes may begin (the trust stores
    are loaded, and for comparisons the target is served): connections do not wait for it; `farewells` are goodbyes that
    still wait; `schedule` is how a connection is tried (None: as the gate does); `on_open` is told of every connection.
    """

    gate: Gate
    stores: handshakes.TrustStores
    deadline: float
    warming: asyncio.Future[None]
    farewells: set[asyncio.Task[None]] = field(default_factory=set)
    schedule: ConnectTiming | None = None
    on_open: Callable[[Endpoint], None] = lambda _: None

    @property
    def timing(self) -> Timing:
        """The times of the check."""
        return self.gate.timing

    def farewell(self, stream: Stream, goodbye: bytes | None) -> None:
        """Leaves a connection politely, without keeping anybody waiting."""
        task = asyncio.create_task(stream.farewell(goodbye, self.timing.dialogue.farewell))
        self.farewells.add(task)
        task.add_done_callback(self.farewells.discard)


async def observe(
    endpoint: Endpoint,
    toolkit: Toolkit,
    *,
    dialled_port: int | None = None,
    resolve_ms: float | None = None,
    on_progress: Callable[[Observation], None] = lambda _: None,
) -> Observation:
    """What the endpoint does, by `toolkit.deadline`. `on_progress` gets provisional observations: silence for a while,
    and a verified handshake before the last question is answered.
    """
    probe = _Probe(endpoint, toolkit, dialled_port, resolve_ms, on_progress)
    try:
        async with asyncio.timeout_at(toolkit.deadline):
            await probe.run()
    except TimeoutError:
        probe.best.error = probe.best.error or "the budget ended"
        probe.best.out_of_time()
    return probe.best.finish()


@dataclass(slots=True)
class _Probe:
    endpoint: Endpoint
    toolkit: Toolkit
    dialled_port: int | None
    resolve_ms: float | None
    on_progress: Callable[[Observation], None]
    best: Draft = field(init=False)

    def __post_init__(self) -> None:
        self.best = Draft(self.endpoint, resolve_ms=self.resolve_ms)

    async def run(self) -> None:
        begins = self.endpoint.asked
        if begins == "tls":
            await self._session(begins, self.best).run()
            if self.best.spoke not in (None, "tls") and self.best.security == "none":
                begins = await self._in_the_clear()
        else:
            begins = await self._with_suspicion(begins)
        if self.best.refusal is not None:
            await self._look_closer(begins)
        elif handshakes.may_be_legacy(self.best.tls):
            await self._look_back(begins)

    def _session(self, begins: Security, draft: Draft, context: handshakes.ContextName = "strict") -> Session:
        row = ports.expected(self.endpoint)
        return Session(
            draft,
            self.toolkit,
            dialogue(row.dialogue if row else "smtp"),
            begins,
            context,
            dialled_port=self.dialled_port,
            on_progress=self.on_progress,
            further=draft is not self.best,
        )

    def _blank(self) -> Draft:
        return Draft(self.endpoint, resolve_ms=self.resolve_ms)

    async def _in_the_clear(self) -> Security:
        """A server that greets in the clear where TLS was asked: what does it offer there?"""
        draft = self._blank()
        await self._session("starttls", draft).run()
        if draft.greeting_kind is None:
            return "tls"
        self.best = draft
        return "starttls"

    async def _with_suspicion(self, begins: Security) -> Security:
        """A port in the clear; where it stays silent, a second connection asks whether it wants TLS from the start."""
        usual = self._session(begins, self.best)
        first = asyncio.create_task(usual.run())
        doubt = asyncio.create_task(usual.silence.wait())
        hidden = self._blank()
        second: asyncio.Task[None] | None = None
        try:
            await asyncio.wait({first, doubt}, return_when=asyncio.FIRST_COMPLETED)
            if not first.done():
                second = asyncio.create_task(self._session("tls", hidden).run())
                await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
                if second.done() and not first.done():
                    await second
                    if hidden.security == "tls" or hidden.refusal is not None:
                        self.best = hidden
                        return "tls"
                    if hidden.spoke is not None and hidden.spoke != usual.protocol:
                        self.best.greeting, self.best.greeting_kind = hidden.greeting, "foreign"
                        self.best.spoke = hidden.spoke
                        return begins
            await first
            return begins
        finally:
            for task in (first, doubt, second):
                if task is not None:
                    task.cancel()
            await asyncio.gather(*(task for task in (first, doubt, second) if task), return_exceptions=True)

    async def _look_closer(self, begins: Security) -> None:
        """The strict context stops at the first fault: once more without verification, for all of them."""
        refusal = self.best.refusal
        assert refusal is not None
        draft = self._blank()
        draft.refusal = refusal
        self.best.tls = handshakes.refused(refusal)
        await self._session(begins, draft, "lenient").run()
        if draft.tls is not None and draft.tls.version is not None:
            draft.times["connect_ms"] = self.best.times["connect_ms"]
            draft.attempts = self.best.attempts
            self.best = draft

    async def _look_back(self, begins: Security) -> None:
        """No common version or cipher: once more with the old ones, only to name them."""
        draft = self._blank()
        await self._session(begins, draft, "legacy").run()
        facts = draft.tls and handshakes.legacy(draft.tls, self.best.tls.alert if self.best.tls else None)
        if facts is not None:
            draft.tls = facts
            self.best = draft

"""Probes one endpoint: the usual dialogue first, then, on a connection of its own each, what its failure asks for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from poterne.knowledge import ports
from poterne.probe import tls as handshakes
from poterne.probe.dialogue import dialogue
from poterne.probe.listener import Listener, SilentListener
from poterne.probe.observation_builder import ObservationBuilder
from poterne.probe.session import Session
from poterne.probe.toolkit import Toolkit
from poterne.probe.trust import ContextName
from poterne.report import Endpoint, Observation, Security


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
    best: ObservationBuilder = field(init=False)

    def __post_init__(self) -> None:
        self.best = self._blank()

    async def run(self) -> None:
        begins = self.endpoint.asked
        if self._unspoken:
            await self._session("none", self.best).run()
        elif begins == "tls":
            await self._session(begins, self.best).run()
            if self.best.spoke not in (None, "tls") and self.best.security == "none":
                begins = await self._in_the_clear()
        else:
            begins = await self._with_suspicion(begins)
        if self.best.refusal is not None:
            await self._look_closer(begins)
        elif handshakes.may_be_legacy(self.best.tls):
            await self._look_back(begins)

    @property
    def _unspoken(self) -> bool:
        return not ports.unspoken().isdisjoint((self.endpoint.port, self.dialled_port))

    @property
    def _unknown(self) -> bool:
        return self.endpoint.service == ports.UNKNOWN

    def _session(self, begins: Security, builder: ObservationBuilder, context: ContextName = "strict") -> Session:
        row = ports.row_of(self.endpoint)
        kind: type[Session] = Session
        if self._unspoken:
            kind = SilentListener
        elif self._unknown:
            kind = Listener
        return kind(
            builder,
            self.toolkit,
            dialogue(row.dialogue if row else "smtp"),
            begins,
            context,
            dialled_port=self.dialled_port,
            on_progress=self.on_progress,
            further=builder is not self.best,
        )

    def _blank(self) -> ObservationBuilder:
        return ObservationBuilder(self.endpoint, resolve_ms=self.resolve_ms, on_stage=self.toolkit.on_heard)

    async def _in_the_clear(self) -> Security:
        """A server that greets in the clear where TLS was asked: what does it offer there?"""
        builder = self._blank()
        await self._session("starttls", builder).run()
        if builder.greeting_kind is None:
            return "tls"
        self.best = builder
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
                await self._either(first, second)
                if self._unknown and self.best.greeting is None and usual.speaks_tls(hidden):
                    # It has said nothing in the clear, and may still greet inside TLS.
                    await second
                if second.done() and (not first.done() or (self._unknown and self.best.greeting is None)):
                    await second
                    if usual.speaks_tls(hidden):
                        self.best = hidden
                        return "tls"
                    if not usual.fits(hidden):
                        self.best.greeting, self.best.greeting_kind = hidden.greeting, "foreign"
                        self.best.spoke = hidden.spoke
                        return begins
                self._tell_silence()
            await first
            return begins
        finally:
            for task in (first, doubt, second):
                if task is not None:
                    task.cancel()
            await asyncio.gather(*(task for task in (first, doubt, second) if task), return_exceptions=True)

    async def _either(self, first: asyncio.Task[None], second: asyncio.Task[None]) -> None:
        """Waits for one of them. Where nobody knows what a port is for, a silence of both is told after a while."""
        patience = self.toolkit.timing.dialogue.suspicion if self._unknown else None
        done, _ = await asyncio.wait({first, second}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            self._tell_silence()
            await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)

    def _tell_silence(self) -> None:
        """Tells that an open port keeps silent: nobody has to wait for the end of that to look elsewhere."""
        if self._unknown:
            self.on_progress(self.best.finish(provisional=True))

    async def _look_closer(self, begins: Security) -> None:
        """The strict context stops at the first fault: once more without verification, for all of them."""
        refusal = self.best.refusal
        assert refusal is not None
        builder = self._blank()
        builder.refusal = refusal
        self.best.tls = handshakes.refused(refusal)
        await self._session(begins, builder, "lenient").run()
        if builder.tls is not None and builder.tls.version is not None:
            builder.times["connect_ms"] = self.best.times["connect_ms"]
            builder.attempts = self.best.attempts
            self.best = builder

    async def _look_back(self, begins: Security) -> None:
        """No common version or cipher: once more with the old ones, only to name them."""
        builder = self._blank()
        await self._session(begins, builder, "legacy").run()
        facts = builder.tls and handshakes.legacy(builder.tls, self.best.tls.alert if self.best.tls else None)
        if facts is not None:
            builder.tls = facts
            self.best = builder

"""One connection and its dialogue: connect, listen, ask, upgrade, ask again. Whatever ends it stands in the builder."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from poterne.errors import Interrupted
from poterne.knowledge import ports
from poterne.net.gate import Connection
from poterne.probe import tls as handshakes
from poterne.probe.dialogue import Dialogue, address_literal, recognise
from poterne.probe.observation_builder import ObservationBuilder
from poterne.probe.replies import Reply
from poterne.probe.stream import Stream
from poterne.probe.toolkit import Toolkit
from poterne.probe.trust import ContextName
from poterne.probe.waits import WaitStage
from poterne.report import Observation, Security

# A greeting where a TLS record was expected; RFC 8446 section 5.1 has the records' first byte.
_TLS_RECORDS = (b"\x14", b"\x15", b"\x16", b"\x17")


class Unwelcome(Exception):
    """The server greets, and then will not talk to us."""


class Session:
    """Fills one builder. `begins`: TLS at once, or in the clear; `context` decides what TLS takes.

    `silence` is set where the server has not greeted for a while. `further`: the endpoint has been connected to before.
    """

    def __init__(
        self,
        builder: ObservationBuilder,
        toolkit: Toolkit,
        dialogue: Dialogue,
        begins: Security,
        context: ContextName,
        *,
        dialled_port: int | None,
        on_progress: Callable[[Observation], None],
        further: bool = False,
    ) -> None:
        self._builder = builder
        self._toolkit = toolkit
        self._dialogue = dialogue
        self._begins = begins
        self._context = context
        self._dialled_port = dialled_port
        self._on_progress = on_progress
        self._further = further
        self._times = toolkit.timing.dialogue
        self._asked = 0
        self.silence = asyncio.Event()

    def fits(self, heard: ObservationBuilder) -> bool:
        """Whether what another connection to this endpoint heard fits what is expected here."""
        return heard.spoke in (None, self._dialogue.name)

    def speaks_tls(self, heard: ObservationBuilder) -> bool:
        """Whether another connection found out that TLS is wanted from the start."""
        return heard.security == "tls" or heard.refusal is not None

    async def run(self) -> None:
        """From the SYN to the goodbye. Raises only what the surrounding task is cancelled with."""
        stream = await self._connect()
        if stream is None:
            return
        polite = False
        try:
            polite = await self._converse(stream)
        except Unwelcome:
            polite = True
        except Interrupted as interruption:
            self._interrupted(interruption, stream)
        except ssl.SSLCertVerificationError as refusal:
            self._builder.refusal = refusal
            self._builder.tls = handshakes.refused(refusal)
        finally:
            if polite:
                self._toolkit.farewell(stream, self._goodbye())
            else:
                stream.close()

    async def _connect(self) -> Stream | None:
        builder = self._builder
        # That a further connection is not answered says nothing of the port.
        told = None if self._further else self._unanswered
        result = await self._toolkit.gate.connect(
            builder.endpoint, port=self._dialled_port, on_silence=told, schedule=self._toolkit.schedule
        )
        builder.attempts = result.attempts
        if isinstance(result, Connection):
            builder.state, builder.security = "open", "none"
            builder.times["connect_ms"] = round(result.connect_ms, 3)
            self._toolkit.on_open(builder.endpoint, result.connect_ms)
            return Stream(result.sock)
        builder.times["connect_ms"] = round(result.elapsed_ms, 3)
        builder.state, builder.error, builder.reporter = result.state, result.error, result.reporter
        return None

    def _unanswered(self) -> None:
        self._on_progress(self._builder.finish(provisional=True))

    async def _converse(self, stream: Stream) -> bool:
        """The dialogue; True where a goodbye is in order."""
        builder = self._builder
        if self._begins == "tls":
            await self._handshake(stream, "tls")
        greeting = await self._greeting(stream)
        dialogue = self._dialogue
        builder.greeting = dialogue.words(greeting)
        builder.greeting_kind = dialogue.judge(greeting)
        builder.spoke = dialogue.name if builder.greeting_kind != "foreign" else recognise(greeting.status)
        if builder.greeting_kind != "accepted":
            return builder.greeting_kind != "foreign"
        if builder.security == "tls":
            self._verified()
        known = dialogue.in_greeting(greeting)
        async with self._within(self._times.reply):
            with builder.stage("capabilities_tls_ms" if builder.security == "tls" else "capabilities_ms"):
                capabilities = known if known is not None else await self._ask(stream)
        self._learn(capabilities)
        if builder.security != "tls" and dialogue.script.upgrade is not None:
            return await self._upgrade(stream, capabilities)
        return True

    async def _greeting(self, stream: Stream) -> Reply:
        """What the server says first; where the client speaks first, the answer to its question."""
        builder, dialogue = self._builder, self._dialogue
        with builder.stage("greeting_ms"):
            async with self._within(self._times.greeting, silence="no greeting", stage="greeting"):
                if not dialogue.script.greets:
                    await stream.send(self._command(dialogue.script.ask or "", stream))
                reading = asyncio.ensure_future(dialogue.read(stream))
                try:
                    done, _ = await asyncio.wait({reading}, timeout=self._suspicion())
                    if not done:
                        self.silence.set()
                    return await reading
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
                    if builder.security == "none" and stream.first_bytes:
                        # Where the rest never comes: something did.
                        builder.greeting = stream.first_bytes.split(b"\n")[0].rstrip(b"\r")

    def _suspicion(self) -> float:
        row = ports.row_of(self._builder.endpoint)
        is_relay = row is not None and row.service == "smtp"
        return self._times.suspicion_relay if is_relay else self._times.suspicion

    async def _ask(self, stream: Stream) -> list[bytes] | None:
        """The capabilities, or None where the server will not tell."""
        dialogue = self._dialogue
        if not dialogue.script.greets:
            return []
        no: Reply | None = None
        for question in filter(None, (dialogue.script.ask, dialogue.script.ask_plain)):
            if early := self._early(stream):
                raise Interrupted("excess", f"an answer before the question: {early}")
            try:
                await stream.send(self._command(question, stream))
                reply = await dialogue.read(stream, dialogue.tag_of(question, self._tag()))
            except Interrupted:
                if no is None:
                    raise
                break  # it hung up after it had said no
            if dialogue.agrees(reply):
                return reply.lines
            self._builder.error = reply.status.decode("utf-8", "replace")
            if not reply.whole:
                self._builder.spoke, self._builder.greeting_kind = recognise(reply.status), "foreign"
                raise Interrupted("closed", self._builder.error)
            no = reply
            if dialogue.judge(no) == "busy":
                break
        if no is not None and dialogue.script.welcomes:
            # SMTP says in answer to EHLO what others say in their greeting (RFC 5321 section 4.1.4).
            self._builder.greeting, self._builder.greeting_kind = dialogue.words(no), dialogue.judge(no)
            raise Unwelcome
        return None

    def _early(self, stream: Stream) -> str:
        """The first line of what the server said before it was asked; where answers have tags, it may say anything.
        Taken for the answer, it would shift every further one.
        """
        first = b"" if self._dialogue.script.framing == "imap" else stream.pending.partition(b"\n")[0]
        return first.decode("utf-8", "replace").strip()

    def _learn(self, capabilities: list[bytes] | None) -> None:
        builder = self._builder
        listed = capabilities or []
        auth = self._dialogue.mechanisms(line.decode("latin-1") for line in listed)
        builder.capabilities, builder.auth = listed, auth
        if builder.security == "none":
            builder.capabilities_clear, builder.auth_clear = listed, auth
        if capabilities is not None:
            builder.error = None

    async def _upgrade(self, stream: Stream, capabilities: list[bytes] | None) -> bool:
        """STARTTLS, or what this protocol calls it (RFC 3207, 9051 6.2.1, 2595 4, 5804 2.2, 4217)."""
        builder, dialogue = self._builder, self._dialogue
        offered = dialogue.offers_upgrade(line.decode("latin-1") for line in capabilities or [])
        if not offered and not (dialogue.script.try_unoffered and capabilities is None):
            builder.starttls = "absent"
            return True
        if self._early(stream):
            builder.starttls = "injected"
            builder.error = "text in the clear before the question for encryption"
            return False
        upgrade = dialogue.script.upgrade or ""
        with builder.stage("starttls_ms"):
            async with self._within(self._times.reply, silence="no answer to STARTTLS"):
                try:
                    await stream.send(self._command(upgrade, stream))
                    reply = await dialogue.read(stream, dialogue.tag_of("", self._tag()))
                except Interrupted:
                    builder.starttls = "failed"
                    raise
                except asyncio.CancelledError:
                    builder.starttls = "silent"
                    raise
        if not dialogue.lets_upgrade(reply):
            builder.starttls = "refused" if offered else "absent"
            builder.error = reply.status.decode("utf-8", "replace") if offered else None
            return True
        if stream.pending:
            builder.starttls = "injected"
            builder.error = "text in the clear behind the answer to STARTTLS"
            return False
        builder.starttls = "failed"
        await self._handshake(stream, "starttls")
        builder.starttls = "accepted"
        if stream.handshake is None or not self._toolkit.stores.asked_for_certificate(stream.handshake):
            self._verified()  # else the next answer may be that there is no entry without a certificate
        with builder.stage("capabilities_tls_ms"):
            async with self._within(self._times.reply):
                if dialogue.script.again == "wait":
                    again: list[bytes] | None = (await dialogue.read(stream)).lines
                else:
                    again = await self._ask(stream)
        self._learn(again)
        return True

    async def _handshake(self, stream: Stream, security: Security) -> None:
        builder = self._builder
        host = builder.endpoint.host.partition("%")[0]
        with builder.stage("tls_ms"):
            await asyncio.shield(self._toolkit.warming)
            silence = "no answer to the TLS handshake"
            async with self._within(self._times.handshake, silence=silence, stage="handshake"):
                tls = await stream.start_tls(self._toolkit.stores.context(self._context), host)
        builder.security = security
        # What was said in the clear proves nothing inside.
        builder.capabilities, builder.auth = [], ()
        if self._context == "strict":
            builder.tls = handshakes.good(tls, self._toolkit.stores)
        else:
            builder.tls = handshakes.doubtful(tls, builder.refusal, host, self._toolkit.stores)

    def _verified(self) -> None:
        """Tells of verified encryption before the last question is answered; not where only a closer look takes it."""
        if self._context == "strict" and self._builder.tls is not None and self._builder.tls.fault is None:
            self._on_progress(self._builder.finish(provisional=True))

    def _interrupted(self, interruption: Interrupted, stream: Stream) -> None:
        builder = self._builder
        builder.error = interruption.detail
        if interruption.reason == "reset" and stream.received == 0:
            builder.state = "reset"
        in_handshake = "tls_ms" in builder.times and builder.tls is None
        if in_handshake and self._begins == "tls" and stream.first_bytes and stream.first_bytes[:1] not in _TLS_RECORDS:
            # Not a TLS record: the server greeted in the clear, or complains about our hello in its own protocol.
            line = stream.first_bytes.split(b"\n")[0].rstrip(b"\r")
            builder.greeting, builder.greeting_kind = line, "foreign"
            ours = self._dialogue.judge(Reply(line)) != "foreign"
            builder.spoke = self._dialogue.name if ours else recognise(line)
        elif in_handshake and not (interruption.reason == "silent" and stream.received == 0):
            builder.tls = handshakes.failed(interruption.detail)
        elif builder.greeting_kind is None and builder.state == "open":
            builder.greeting_kind = "silent" if interruption.reason == "silent" else "closed"
        elif builder.greeting_kind == "accepted":
            builder.cut = True
        asked = stream.handshake is not None and self._toolkit.stores.asked_for_certificate(stream.handshake)
        # In TLS 1.3 our handshake is over before the server sees that a certificate is missing (RFC 8446 4.4.2.4).
        if builder.tls is not None and handshakes.wants_certificate(interruption.detail, asked=asked):
            builder.tls = handshakes.without_certificate(builder.tls, interruption.detail)

    @asynccontextmanager
    async def _within(
        self, seconds: float, silence: str = "no answer", stage: WaitStage | None = None
    ) -> AsyncIterator[None]:
        """At most so many seconds; less at a stage at which nobody else gets an answer either."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with asyncio.timeout(seconds) as limit:
                if stage is None:
                    yield
                else:
                    with self._toolkit.waits.at(stage, self._builder.endpoint, limit, self._times.alike):
                        yield
        except TimeoutError:
            elapsed = min(seconds, round(loop.time() - started, 1))
            raise Interrupted("silent", f"{silence} in {elapsed:g} s") from None

    def _tag(self) -> str:
        return f"p{self._asked}"

    def _command(self, template: str, stream: Stream) -> bytes:
        self._asked += 1
        literal = address_literal(stream.local_address)
        host = self._builder.endpoint.host.partition("%")[0]
        text = template.format(tag=self._tag(), literal=literal, host=f"[{host}]" if ":" in host else host)
        return text.encode("ascii") + b"\r\n"

    def _goodbye(self) -> bytes | None:
        goodbye = self._dialogue.script.goodbye
        if goodbye is None:
            return None
        self._asked += 1
        return goodbye.format(tag=self._tag()).encode("ascii") + b"\r\n"

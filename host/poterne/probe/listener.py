"""A session on a port of which nobody knows what speaks there."""

import asyncio
import re

from poterne.errors import Interrupted
from poterne.knowledge import dialogues, ports
from poterne.probe.dialogue import Dialogue, dialogue, recognise
from poterne.probe.observation_builder import ObservationBuilder
from poterne.probe.replies import Reply
from poterne.probe.session import Session, Unwelcome
from poterne.probe.stream import Stream

# A greeting in numbers that names no protocol is SMTP's as a rule, and FTP's sometimes; the answer to EHLO decides. Of
# the refusals only SMTP's have enhanced codes (RFC 3463), and 554 is for them (RFC 5321 section 3.1).
_PERHAPS_SMTP = re.compile(r"(220|554)([ -]|$)|[45]\d\d[ -][45]\.\d")
# How each protocol that greets may begin. What begins otherwise and ends no line is not going to become a greeting.
_FIRST_BYTES = b'0123456789*+-"'


class Listener(Session):
    """Listens, in the clear or inside TLS, and talks in the protocol of whoever greets. Nothing is said before. The
    endpoint of the builder becomes that of the service that was recognised.
    """

    _guessed = False

    def fits(self, heard: ObservationBuilder) -> bool:
        """Whether it may be a server's that greets in the clear, and has not greeted here yet."""
        return heard.greeting is None or _greeter(heard.greeting) is not None

    def speaks_tls(self, heard: ObservationBuilder) -> bool:
        """An alert is of TLS too: nothing else was expected that it might have to be held against."""
        refused = heard.tls is not None and "ALERT" in (heard.tls.alert or "")
        return refused or super().speaks_tls(heard)

    async def _greeting(self, stream: Stream) -> Reply:
        with self._builder.stage("greeting_ms"):
            async with self._within(self._times.greeting, silence="no greeting"):
                first = await self._first_line(stream)
                found = _greeter(first)
                if found is None:
                    return Reply(first, whole=False)
                self._dialogue, self._guessed = found, recognise(first) is None
                greeting = await self._dialogue.read(stream)
        if not self._guessed and greeting.whole:
            self._adopt()
        return greeting

    async def _first_line(self, stream: Stream) -> bytes:
        """The first line, which stays to be read; after a while less of it, where no greeting begins so."""
        reading = asyncio.ensure_future(stream.next_line())
        try:
            done, _ = await asyncio.wait({reading}, timeout=self._suspicion())
            if not done:
                self.silence.set()
                if stream.pending and stream.pending[:1] not in _FIRST_BYTES:
                    return stream.pending
            return await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _converse(self, stream: Stream) -> bool:
        try:
            return await super()._converse(stream)
        except Unwelcome:
            if self._guessed:
                self._builder.greeting_kind, self._builder.spoke = "foreign", None
            raise

    def _learn(self, capabilities: list[bytes] | None) -> None:
        super()._learn(capabilities)
        if self._guessed:
            self._guessed = False
            self._adopt()

    def _adopt(self) -> None:
        """It is that service's endpoint from now on."""
        begins = self._begins
        service = ports.service_of(self._dialogue.name, begins) or ports.UNKNOWN
        endpoint = self._builder.endpoint
        self._builder.endpoint = endpoint.model_copy(update={"service": service, "asked": begins})

    def _interrupted(self, interruption: Interrupted, stream: Stream) -> None:
        super()._interrupted(interruption, stream)
        if self._builder.greeting_kind == "foreign" and self._builder.greeting is not None:
            self._builder.spoke = recognise(self._builder.greeting)


class SilentListener(Listener):
    """Listens, and never says a byte, whatever it hears."""

    async def _converse(self, stream: Stream) -> bool:
        builder = self._builder
        with builder.stage("greeting_ms"):
            async with self._within(self._times.slow, silence="no greeting"):
                builder.greeting = await self._first_line(stream)
        builder.spoke = recognise(builder.greeting)
        if _greeter(builder.greeting) is None:
            builder.greeting_kind = "foreign"
        return False


def _greeter(first: bytes) -> Dialogue | None:
    """The dialogue with a server that begins with such a line; None where it is no known one that greets."""
    name = recognise(first)
    if name is None and _PERHAPS_SMTP.match(first.decode("latin-1")):
        name = "smtp"
    script = dialogues.table().dialogue.get(name or "")
    return dialogue(name) if name is not None and script is not None and script.greets else None

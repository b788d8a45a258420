"""An Observation in the making: what is known so far survives whatever ends the dialogue."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from poterne.report import Endpoint, Greeting, Observation, Security, Stages, StartTls, State, Tls
from poterne.report.display import display, displays


@dataclass(slots=True)
class ObservationBuilder:
    """The fields of Observation, raw and open to change; `finish` makes the record. `refusal`: why the strict context
    took no certificate.
    """

    endpoint: Endpoint
    resolve_ms: float | None = None
    state: State = "no-answer"
    reporter: str | None = None
    attempts: int = 1
    greeting: bytes | None = None
    greeting_kind: Greeting | None = None
    spoke: str | None = None
    capabilities: list[bytes] = field(default_factory=list)
    capabilities_clear: list[bytes] = field(default_factory=list)
    auth: tuple[str, ...] = ()
    auth_clear: tuple[str, ...] = ()
    security: Security | None = None
    starttls: StartTls | None = None
    tls: Tls | None = None
    refusal: ssl.SSLCertVerificationError | None = None
    cut: bool = False
    error: str | None = None
    times: dict[str, float] = field(default_factory=dict)
    on_stage: Callable[[Endpoint], None] = lambda _endpoint: None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a stage of Stages, also one that fails; `on_stage` is told of its end."""
        started = perf_counter()
        try:
            yield
        finally:
            self.times[name] = round((perf_counter() - started) * 1000, 3)
            self.on_stage(self.endpoint)

    def out_of_time(self) -> None:
        """The budget ended in the middle of a silence; the stage's time tells how long that was."""
        if self.state == "open" and self.greeting_kind is None:
            self.greeting_kind = "silent"
        elif self.greeting_kind == "accepted":
            self.cut = True

    def finish(self, *, provisional: bool = False) -> Observation:
        """The record, with a stranger's text made fit to be shown."""
        capabilities = displays(self.capabilities, total=1000)
        clear = displays(self.capabilities_clear, total=600)
        return Observation(
            **self.endpoint.model_dump(),
            state=self.state,
            reporter=self.reporter,
            attempts=self.attempts,
            greeting=None if self.greeting is None else display(self.greeting),
            greeting_kind=self.greeting_kind,
            spoke=self.spoke,
            capabilities=capabilities,
            capabilities_clear=clear,
            auth=displays(self.auth, items=24, limit=32, total=240),
            auth_clear=displays(self.auth_clear, items=24, limit=32, total=160),
            security=self.security,
            starttls=self.starttls,
            tls=self.tls,
            stages=Stages(resolve_ms=self.resolve_ms, **self.times),
            cut=self.cut,
            error=None if self.error is None else display(self.error, 200),
            provisional=provisional,
        )

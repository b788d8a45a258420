"""The conversation with the extension: each message is answered, each check ends in exactly one last message.

A check's last message is a `report`, a `cancelled` or an `error`: with it, its id and its place are free again, though
it may still be cleaning up. A `cancel` for a check that has ended is passed over, since the two may cross on the way;
one for an id that was never heard of is an `invalid-message`.
"""

import asyncio
import traceback
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from pydantic import ValidationError

from poterne.errors import InvalidRequest, PoterneError
from poterne.native import frames
from poterne.native import reduction as fit
from poterne.report import (
    PROTOCOL,
    Cancelled,
    CancelMessage,
    CheckEvent,
    CheckMessage,
    ErrorMessage,
    ExplainMessage,
    ExportedMessage,
    ExportMessage,
    HostMessage,
    Report,
    ReportEvent,
    Request,
)

MAX_CHECKS = 4
"""Checks that run at once; one more is `busy`."""

REMEMBERED_IDS = 1024
ID_CHARACTERS = 64
MESSAGE_CHARACTERS = 300

Check = Callable[[Request], AsyncGenerator[CheckEvent, None]]
Message = TypeVar("Message", CheckMessage, CancelMessage, ExportMessage, ExplainMessage, Report)
Send = Callable[[bytes], Awaitable[None]]


class Session:
    """Turns frames into checks and their events into frames.

    `check` starts a check, and may raise or let its first step raise anything of `poterne.errors`; `send` takes a whole
    frame and returns when there is room for another.
    """

    def __init__(self, check: Check, send: Send) -> None:
        self._check = check
        self._send_frame = send
        self._running: dict[str, _Work] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._ended: deque[str] = deque(maxlen=REMEMBERED_IDS)
        self._stopped = False

    async def receive(self, frame: bytes) -> None:
        """Obey one frame, or answer it with one `error`."""
        identifier = None
        try:
            value, flaw = frames.parse(frames.unpack(frame))
            if not isinstance(value, dict):
                raise InvalidRequest("the message is not an object")  # noqa: TRY301
            identifier = _identifier(value.get("id"))
            if flaw is not None:
                raise InvalidRequest(flaw)  # noqa: TRY301
            await self._obey(value, identifier)
        except PoterneError as error:
            await self.refuse(identifier, error.code, str(error))
        except Exception as error:
            traceback.print_exc()
            await self.refuse(identifier, "internal", f"{type(error).__name__}: {error}")

    async def refuse(self, identifier: str | None, code: str, reason: str) -> None:
        """Send an `error`; `identifier` null where the message has none."""
        await self._send(_error(identifier, code, reason))

    def stop(self) -> None:
        """Cancel every check, and each that is still asked for."""
        self._stopped = True
        for work in self._running.values():
            work.cancel()

    async def wait(self) -> None:
        """Until every check has said its last and cleaned up."""
        while self._answers:
            await asyncio.wait(self._answers)

    async def _obey(self, value: dict[str, object], identifier: str | None) -> None:
        protocol = value.get("protocol", PROTOCOL)
        if isinstance(protocol, bool) or protocol != PROTOCOL:
            await self.refuse(identifier, "unsupported-protocol", f"this host speaks protocol {PROTOCOL}")
            return
        match value.get("type"):
            case "check":
                await self._start(_validated(CheckMessage, value))
            case "cancel":
                self._cancel(_validated(CancelMessage, value).id)
            case "export":
                await self._export(_validated(ExportMessage, value))
            case "explain":
                await self._explain(_validated(ExplainMessage, value))
            case _:
                raise InvalidRequest('"type" is none of "check", "cancel", "export" and "explain"')

    async def _start(self, message: CheckMessage) -> None:
        if message.id in self._running:
            raise InvalidRequest("a check with this id is running")
        if self._stopped:
            await self._send(Cancelled(id=message.id))
        elif len(self._running) >= MAX_CHECKS:
            self._ended.append(message.id)
            await self.refuse(message.id, "busy", f"{MAX_CHECKS} checks are running")
        else:
            self._running[message.id] = work = _Work()
            work.checking = asyncio.create_task(self._forward(message, work))
            answering = asyncio.create_task(self._answer(message, work))
            self._answers.add(answering)
            answering.add_done_callback(self._answers.discard)

    def _cancel(self, identifier: str) -> None:
        if work := self._running.get(identifier):
            work.cancel()
        elif identifier not in self._ended:
            raise InvalidRequest("no check with this id is known")

    async def _export(self, message: ExportMessage) -> None:
        """Answer with the file; nothing of it is kept. A report without fit settings is an `error`."""
        # The host starts without what only a file needs.
        from poterne.export import export

        report = _validated(Report, message.report)
        made = await asyncio.to_thread(export, report, message.format, message.language)
        await self._send(ExportedMessage(id=message.id, name=made.name, mime=made.mime, data=made.data.decode()))

    async def _explain(self, message: ExplainMessage) -> None:
        """Answer with the report as this version concludes and tells it; nothing of it is kept."""
        report = await asyncio.to_thread(_explained, message.report)
        await self._send(ReportEvent(id=message.id, report=report))

    async def _answer(self, message: CheckMessage, work: "_Work") -> None:
        """Give a check its last message. Never cancelled itself, so that there always is one."""
        last: HostMessage
        try:
            await work.checking
            last = _error(message.id, "internal", "the check ended without a report")
        except asyncio.CancelledError:
            last = Cancelled(id=message.id)
        except PoterneError as error:
            last = _error(message.id, error.code, str(error))
        except Exception as error:
            traceback.print_exc()
            last = _error(message.id, "internal", f"{type(error).__name__}: {error}")
        try:
            if not work.reported:
                await self._send(last)
        finally:
            self._free(message.id, work)

    def _free(self, identifier: str, work: "_Work") -> None:
        """The id may be another check's by now."""
        if self._running.get(identifier) is work:
            self._ended.append(identifier)
            del self._running[identifier]

    async def _forward(self, message: CheckMessage, work: "_Work") -> None:
        request = Request(target=message.target, options=message.options, client=message.version)
        async with aclosing(self._check(request)) as events:
            async for event in events:
                last = isinstance(event, ReportEvent)
                network = await _network(message.salt) if last and message.salt else {}
                await self._send(event.model_copy(update={"id": message.id, **network}))
                if last:
                    work.reported = True
                    self._free(message.id, work)
                    break

    async def _send(self, message: HostMessage) -> None:
        await self._send_frame(frames.pack(fit.to_json(message)))


class _Work:
    """One check: the task that runs it, and whether its report is out."""

    checking: asyncio.Task[None]
    reported = False

    def cancel(self) -> None:
        # Not twice, which would interrupt the clean-up, and not after the report.
        if not self.reported and not self.checking.cancelling():
            self.checking.cancel()


def _explained(raw: dict[str, object]) -> Report:
    from poterne.told import again as explain

    try:
        return explain.explain(explain.read(raw))
    except ValidationError as error:
        raise _invalid(error) from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidRequest(f"not a report: {error}") from None


async def _network(salt: str) -> dict[str, str | None]:
    """Known best at the end of a check, when the kernel has spoken to the gateway."""
    from poterne.net import machine

    names = await asyncio.to_thread(machine.network_names, salt)
    return {"network": names.now, "network_before": names.before}


def _error(identifier: str | None, code: str, reason: str) -> ErrorMessage:
    """An `error` whose reason is one short line."""
    line = " ".join(reason.encode(errors="replace").decode().split())
    if len(line) > MESSAGE_CHARACTERS:
        line = f"{line[:MESSAGE_CHARACTERS]}…"
    return ErrorMessage.model_validate({"id": identifier, "code": code, "message": line})


def _identifier(value: object) -> str | None:
    """The id of a message, where it has one that an answer can carry."""
    if not isinstance(value, str) or not 1 <= len(value) <= ID_CHARACTERS:
        return None
    # JSON can spell half of a surrogate pair; UTF-8 cannot.
    return None if any("\ud800" <= character <= "\udfff" for character in value) else value


def _validated(model: type[Message], value: dict[str, object]) -> Message:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> InvalidRequest:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return InvalidRequest(f"{where}: {first['msg']}")

"""Whatever is asked for in a check is fetched once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from poterne.diagnosis.evidence_request import EvidenceKind, EvidenceRequest

Work = Callable[[EvidenceRequest], Awaitable[None]]


class Fetcher:
    """One task for each piece of evidence, whoever asks for it. Its results go into the `CheckState`.

    A task never raises: a fault of the program is told to the loop's exception handler, and the evidence is missing.
    `on_news` is called when a task ends. Tasks live within `async with`: those that are not done at its end are
    cancelled. Probes end at the check's deadline by themselves, and keep what they have seen until then.
    """

    def __init__(self, on_news: Callable[[], None]) -> None:
        self._on_news = on_news
        self._work: dict[EvidenceKind, Work] = {}
        self._tasks: dict[EvidenceRequest, asyncio.Task[None]] = {}
        self._group = asyncio.TaskGroup()

    def provide(self, work: Mapping[EvidenceKind, Work]) -> None:
        """Says what fetches each kind of evidence."""
        self._work.update(work)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        # The group is not told of an exception: it would raise it in a group, and the caller's stays as it is.
        await self._group.__aexit__(None, None, None)

    def fetch(self, want: EvidenceRequest) -> asyncio.Task[None]:
        """The task that fetches it, begun at the first call. To wait for it inside another task, use `had`: a task that
        is awaited directly is cancelled together with the one that waits.
        """
        if want not in self._tasks:
            self._tasks[want] = self._group.create_task(self._fetched(want))
        return self._tasks[want]

    async def had(self, *wants: EvidenceRequest) -> None:
        """Waits until all of them have been fetched; others may wait for them too."""
        await asyncio.gather(*(asyncio.shield(self.fetch(want)) for want in wants))

    async def begun(self, kind: EvidenceKind) -> None:
        """Waits for what has been asked of one kind so far."""
        await self.had(*(want for want in self._tasks if want.kind == kind))

    def pending(self, *wants: EvidenceRequest) -> list[asyncio.Task[None]]:
        """The tasks of those that were begun and are not done."""
        return [task for want in wants if (task := self._tasks.get(want)) is not None and not task.done()]

    @property
    def fetched(self) -> frozenset[EvidenceRequest]:
        """What has come, or cannot be had."""
        return frozenset(want for want, task in self._tasks.items() if task.done())

    async def _fetched(self, want: EvidenceRequest) -> None:
        try:
            await self._work[want.kind](want)
        except Exception as error:
            context = {"message": f"the evidence could not be had: {want}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
        self._on_news()

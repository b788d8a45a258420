"""Questions that may never be answered, each in a thread of its own: so many of them and no more."""

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Questions(Generic[Answer]):
    """Shared by all loops. A thread whose question hangs cannot be ended: it counts until it has its answer, and is a
    daemon, so that it does not keep the program from ending.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._asked: dict[str, set[asyncio.Future[Answer]]] = {}

    def ask(self, key: str, question: Callable[[], Answer]) -> asyncio.Future[Answer] | None:
        """The answer to a question, which does not raise; to the one that is being asked under this key already, where
        there is one. None where there are as many as there may be.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        with self._lock:
            waiting = self._asked.get(key)
            if waiting is None and len(self._asked) >= self._most:
                return None
            self._asked.setdefault(key, set()).add(future)
        future.add_done_callback(lambda done: self._leave(key, done))
        if waiting is None:
            try:
                threading.Thread(target=self._run, args=(key, question), daemon=True, name="question").start()
            except RuntimeError:
                # This machine has no room for another thread.
                with self._lock:
                    del self._asked[key]
                return None
        return future

    def _run(self, key: str, question: Callable[[], Answer]) -> None:
        answer = question()
        with self._lock:
            waiting = tuple(self._asked.pop(key))
        for future in waiting:
            try:
                future.get_loop().call_soon_threadsafe(_deliver, future, answer)
            except RuntimeError:
                continue  # its loop was closed while the question was asked

    def _leave(self, key: str, future: asyncio.Future[Answer]) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._asked.get(key, set()).discard(future)


def _deliver(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)

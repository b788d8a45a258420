"""Commands and events of one browser, as JSON over a WebSocket."""

import contextlib
import itertools
import json
import queue
import threading
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class WireError(Exception):
    """The browser refused a command, did not answer in time, or is gone."""


class Wire:
    """Sends commands and waits for their answers; keeps every event that arrived, in order, in `events`.

    The DevTools protocol and WebDriver BiDi frame their messages alike: `{"id", "method", "params"}`, and the answer
    carries the id. `session` is the DevTools protocol's (flat mode).
    """

    def __init__(self, url: str, *, patience: float = 30.0) -> None:
        self.events: list[dict[str, Any]] = []
        self._patience = patience
        self._ids = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._gone = False
        self._stack = contextlib.ExitStack()
        self._socket = self._stack.enter_context(
            connect(url, max_size=None, proxy=None, open_timeout=patience, ping_interval=None)
        )
        self._reader = threading.Thread(target=self._read, name=f"wire {url}", daemon=True)
        self._reader.start()

    def request(self, method: str, *, session: str | None = None, **params: Any) -> Any:
        """The result of a command. Raises WireError."""
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        number = next(self._ids)
        with self._lock:
            if self._gone:
                raise WireError(f"{method}: the browser is gone")
            self._waiting[number] = answers
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        try:
            self._socket.send(json.dumps(message))
            answer = answers.get(timeout=self._patience)
        except queue.Empty:
            raise WireError(f"{method}: no answer within {self._patience:g} s") from None
        except ConnectionClosed:
            raise WireError(f"{method}: the browser is gone") from None
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if "error" in answer:
            raise WireError(f"{method}: {answer.get('message') or answer['error']}")
        return answer["result"]

    def close(self) -> None:
        self._stack.close()
        self._reader.join()

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for text in self._socket:
                self._sort(json.loads(text))
        with self._lock:
            self._gone = True
            for answers in self._waiting.values():
                answers.put({"error": "the browser is gone"})

    def _sort(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            self.events.append(message)
            return
        with self._lock:
            answers = self._waiting.get(message["id"])
        if answers is not None:
            answers.put(message)

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


class GoneError(WireError):
    """The page that was asked is closed."""


_GONE = ("the page is gone", "Session with given id not found", "target closed", "BrowsingContext does no longer exist")


class Wire:
    """Sends commands and waits for their answers; keeps every event that arrived, in order, in `events`.

    The DevTools protocol and WebDriver BiDi frame their messages alike: `{"id", "method", "params"}`, and the answer
    carries the id. `session` is the DevTools protocol's (flat mode).
    """

    def __init__(self, url: str, *, patience: float = 60.0) -> None:
        self.events: list[dict[str, Any]] = []
        self._patience = patience
        self._ids = itertools.count(1)
        self._waiting: dict[int, tuple[str | None, queue.SimpleQueue[dict[str, Any]]]] = {}
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
        return self.request_within(self._patience, method, session, params)

    def request_within(self, patience: float, method: str, session: str | None, params: dict[str, Any]) -> Any:
        answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        number = next(self._ids)
        with self._lock:
            if self._gone:
                raise WireError(f"{method}: the browser is gone")
            self._waiting[number] = session, answers
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        try:
            self._socket.send(json.dumps(message))
            answer = answers.get(timeout=patience)
        except queue.Empty:
            raise WireError(f"{method}: no answer within {patience:g} s") from None
        except ConnectionClosed:
            raise WireError(f"{method}: the browser is gone") from None
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if "error" in answer:
            text = str(answer.get("message") or answer["error"])
            kind = GoneError if any(words in text for words in _GONE) else WireError
            raise kind(f"{method}: {text}")
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
        self._give_up("the browser is gone")

    def _sort(self, message: dict[str, Any]) -> None:
        if "id" in message:
            with self._lock:
                _, answers = self._waiting.get(message["id"], (None, None))
            if answers is not None:
                answers.put(message)
            return
        self.events.append(message)
        if message["method"] == "Target.detachedFromTarget":
            self._give_up("the page is gone", message["params"]["sessionId"])

    def _give_up(self, reason: str, session: str | None = None) -> None:
        """Answers what can have no answer any more: of one session, or all."""
        with self._lock:
            for asked, answers in self._waiting.values():
                if session is None or asked == session:
                    answers.put({"error": reason})

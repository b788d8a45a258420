"""The log that an administrator asks for: when, which domain, which verdict. A local part never enters it."""

import errno
import logging
import os
import socket
import sys
import time
from pathlib import Path
from typing import Protocol

from poterne.errors import Forbidden
from poterne.policy import files, locks
from poterne.policy.organisation import Log
from poterne.report import Target

IDENTIFIER = "poterne"
JOURNAL = "/run/systemd/journal/socket"
SYSLOG = {"darwin": "/var/run/syslog"}.get(sys.platform, "/dev/log")
PATIENCE_SECONDS = 1.0
"""For a log service that takes nothing: it is held to be broken then."""


class Record(Protocol):
    """Writes what became of one check: a verdict's code, `forbidden` or `unfinished`. The first call counts, others do
    nothing. Raises Forbidden where it could not be written.
    """

    def __call__(self, target: Target, verdict: str, *, rule: str | None = None, client: str | None = None) -> None: ...


def begin(log: Log) -> Record:
    """What writes to the log, opened now: Forbidden where the policy asks for a log that cannot be written, since
    nothing is to be checked unseen then.
    """
    rule = "log.file" if log.to == "file" else "log.to"
    try:
        handler = _handler(log)
    except (OSError, ValueError) as error:
        raise _cannot(error, rule) from None
    return _Writer(handler, rule)


def file_place() -> Path:
    """Where the file lies that the policy does not name: among the user's own. Raises OSError where nobody knows the
    user's home.
    """
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else _home() / "AppData" / "Local") / "Poterne" / "checks.log"
    if sys.platform == "darwin":
        return _home() / "Library" / "Logs" / "Poterne" / "checks.log"
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else _home() / ".local" / "state") / "poterne" / "checks.log"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise OSError(errno.ENOENT, "this user has no home directory") from None


def line(target: Target, verdict: str, *, rule: str | None = None, client: str | None = None) -> str:
    """One line, `key=value`: the domain or the server, never a local part."""
    name = target.domain or (target.host or "")
    port = f" port={target.port}" if target.port else ""
    more = "".join(f" {key}={value}" for key, value in (("rule", rule), ("client", client)) if value)
    return f"kind={target.kind} domain={name}{port} verdict={verdict}{more}"


def _cannot(error: Exception, rule: str) -> Forbidden:
    said = getattr(error, "strerror", None) or str(error)
    return Forbidden(f"the log that the policy asks for cannot be written: {said} ({rule})", rule)


class _Writer:
    def __init__(self, handler: logging.Handler, rule: str) -> None:
        self._handler = handler
        self._rule = rule
        self._called = False

    def __call__(self, target: Target, verdict: str, *, rule: str | None = None, client: str | None = None) -> None:
        if self._called:
            return
        self._called = True
        text = line(target, verdict, rule=rule, client=client)
        record = logging.LogRecord(IDENTIFIER, logging.INFO, "", 0, text, None, None)
        record.domain, record.verdict = target.domain or target.host or "", verdict
        try:
            try:
                self._handler.handle(record)
            finally:
                self._handler.close()
        except (OSError, ValueError) as error:
            raise _cannot(error, self._rule) from None


class _Service(logging.Handler):
    """What takes datagrams, or a stream, at a socket of this machine."""

    def __init__(self, place: str, *kinds: socket.SocketKind) -> None:
        # First: the library closes every handler that has begun to be one.
        self._socket = _connected(place, kinds)
        super().__init__()
        self._place, self._kinds = place, kinds

    def packed(self, record: logging.LogRecord) -> bytes:
        """What is sent for one record."""
        raise NotImplementedError

    def emit(self, record: logging.LogRecord) -> None:
        data = self.packed(record)
        try:
            self._socket.sendall(data)
        except ConnectionError:
            # It has been started anew in the meantime.
            self._socket.close()
            self._socket = _connected(self._place, self._kinds)
            self._socket.sendall(data)

    def close(self) -> None:
        self._socket.close()
        super().close()


def _connected(place: str, kinds: tuple[socket.SocketKind, ...]) -> socket.socket:
    if sys.platform == "win32":
        raise OSError("Windows has no such log")
    for kind in kinds:
        made = socket.socket(socket.AF_UNIX, kind)
        made.settimeout(PATIENCE_SECONDS)
        try:
            made.connect(place)
        except OSError as error:
            made.close()
            if error.errno != errno.EPROTOTYPE or kind is kinds[-1]:
                raise
        else:
            return made
    raise AssertionError("there is a kind of socket at least")


class _Journal(_Service):
    """systemd's native protocol (systemd.io, "Native Journal Protocol"): fields, one a line, in one datagram."""

    def packed(self, record: logging.LogRecord) -> bytes:
        fields = {
            "MESSAGE": self.format(record),
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "POTERNE_DOMAIN": getattr(record, "domain", ""),
            "POTERNE_VERDICT": getattr(record, "verdict", ""),
        }
        return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()


class _Syslog(_Service):
    """As syslog(3) writes: the priority is that of a user's program (LOG_USER) with news (LOG_INFO)."""

    def packed(self, record: logging.LogRecord) -> bytes:
        return f"<14>{IDENTIFIER}: {self.format(record)}".encode()


class _File(logging.Handler):
    """Appends each line to the file that has the name at that moment, since others rotate it too; never to a pipe, for
    whose other end it would wait.

    Only who rotates takes a lock, and nobody waits for it: a line that is written meanwhile lands in the file of before
    or in the new one, and is lost in neither. Without room for an older file (`keep` 0) nothing is rotated.
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        super().__init__()
        self._path, self._max_bytes, self._keep = path, max_bytes, keep

    def emit(self, record: logging.LogRecord) -> None:
        data = f"{self.format(record)}\n".encode()
        if self._is_full(len(data)):
            self._rotate(len(data))
        file = _appended(self._path)
        try:
            # One call, so that lines of several processes do not mix.
            if os.write(file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(file)

    def _is_full(self, more: int) -> bool:
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return False
        return bool(self._keep and size and size + more > self._max_bytes)

    def _rotate(self, more: int) -> None:
        """Unless another process does it, or has done it. The lock is a file's of its own: Windows renames no file that
        is open, and whoever waited for the lock of the log itself would have the older one open.
        """
        flags = os.O_RDONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        lock = files.open_regular(self._older("lock"), flags, 0o666)
        try:
            with locks.held(lock) as alone:
                if alone and self._is_full(more):
                    self._shift()
        finally:
            os.close(lock)

    def _shift(self) -> None:
        # Only as far as there is no gap: where the last step failed, the next time costs no further file.
        free = next((number for number in range(1, self._keep) if not self._older(number).exists()), self._keep)
        for number in range(free, 1, -1):
            self._older(number - 1).replace(self._older(number))
        try:
            self._path.replace(self._older(1))
        except PermissionError:
            # Windows: another process writes its line. Whoever comes next will rotate.
            if sys.platform != "win32":
                raise

    def _older(self, suffix: int | str) -> Path:
        return self._path.with_name(f"{self._path.name}.{suffix}")


def _appended(path: Path) -> int:
    return files.open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


def _handler(log: Log) -> logging.Handler:
    match log.to:
        case "journal":
            return _Journal(JOURNAL, socket.SOCK_DGRAM)
        case "syslog":
            return _Syslog(SYSLOG, socket.SOCK_DGRAM, socket.SOCK_STREAM)
        case _:
            path = Path(log.file) if log.file else file_place()
            if not log.file:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(_appended(path))
            handler = _File(path, log.max_bytes, log.keep)
            dated = logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
            dated.converter = time.gmtime
            handler.setFormatter(dated)
            return handler

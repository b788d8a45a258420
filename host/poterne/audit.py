"""The log that an administrator asks for: when, which domain, which verdict. A local part never enters it."""

import logging
import os
import socket
import sys
import time
from logging.handlers import RotatingFileHandler, SysLogHandler
from pathlib import Path
from typing import Protocol

from poterne.errors import Forbidden
from poterne.model import Target
from poterne.organisation import Log

IDENTIFIER = "poterne"
JOURNAL = "/run/systemd/journal/socket"
SYSLOG = {"darwin": "/var/run/syslog"}.get(sys.platform, "/dev/log")


class Record(Protocol):
    """Writes what became of one check: a verdict's code, `forbidden` or `unfinished`."""

    def __call__(self, target: Target, verdict: str, *, rule: str | None = None, client: str | None = None) -> None: ...


def begin(log: Log) -> Record:
    """What writes to the log, opened now: Forbidden where the policy asks for a log that cannot be written, since
    nothing is to be checked unseen then.
    """
    try:
        handler = _handler(log)
    except OSError as error:
        rule = "log.file" if log.to == "file" else "log.to"
        raise Forbidden(
            f"the log that the policy asks for cannot be written: {error.strerror or error} ({rule})", rule
        ) from None
    return _Writer(handler)


def file_place() -> Path:
    """Where the file lies that the policy does not name: among the user's own."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Poterne" / "checks.log"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Logs" / "Poterne" / "checks.log"
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "poterne" / "checks.log"


def line(target: Target, verdict: str, *, rule: str | None = None, client: str | None = None) -> str:
    """One line, `key=value`: the domain or the server, never a local part."""
    name = target.domain or (target.host or "")
    port = f" port={target.port}" if target.port else ""
    more = "".join(f" {key}={value}" for key, value in (("rule", rule), ("client", client)) if value)
    return f"kind={target.kind} domain={name}{port} verdict={verdict}{more}"


class _Writer:
    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler

    def __call__(self, target: Target, verdict: str, *, rule: str | None = None, client: str | None = None) -> None:
        text = line(target, verdict, rule=rule, client=client)
        record = logging.LogRecord(IDENTIFIER, logging.INFO, "", 0, text, None, None)
        record.domain, record.verdict = target.domain or target.host or "", verdict
        try:
            self._handler.handle(record)
        finally:
            self._handler.close()


class _Journal(logging.Handler):
    """systemd's native protocol (systemd.io, "Native Journal Protocol"): fields, one a line, in one datagram."""

    def __init__(self) -> None:
        super().__init__()
        self._socket = _datagrams()
        try:
            self._socket.connect(JOURNAL)
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "MESSAGE": self.format(record),
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "POTERNE_DOMAIN": getattr(record, "domain", ""),
            "POTERNE_VERDICT": getattr(record, "verdict", ""),
        }
        self._socket.send("".join(f"{name}={value}\n" for name, value in fields.items()).encode())

    def close(self) -> None:
        self._socket.close()
        super().close()


def _datagrams() -> socket.socket:
    if sys.platform == "win32":
        raise OSError("Windows has no journal")
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


class _Syslog(SysLogHandler):
    ident = f"{IDENTIFIER}: "
    append_nul = False


def _handler(log: Log) -> logging.Handler:
    match log.to:
        case "journal":
            return _Journal()
        case "syslog":
            return _Syslog(SYSLOG, facility=SysLogHandler.LOG_USER)
        case _:
            path = Path(log.file) if log.file else file_place()
            if not log.file:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with path.open("ab"):
                # It can be written. It is opened again when there is something to write: others may have rotated it.
                handler = RotatingFileHandler(
                    path, maxBytes=log.max_bytes, backupCount=log.keep, encoding="utf-8", delay=True
                )
            dated = logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
            dated.converter = time.gmtime
            handler.setFormatter(dated)
            return handler

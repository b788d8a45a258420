"""Everything that Poterne raises on purpose.

PoterneError
├── InvalidTarget      what the user typed cannot be tested (exit 2, `invalid-target`)
├── InvalidRequest     the options of a request are unusable (exit 2, `invalid-message`)
├── NoSettings         a file to hand over would hold nothing tested and encrypted (exit 1, `invalid-message`)
├── Forbidden          the administrator's policy does not allow it (exit 3, `forbidden`)
├── PolicyError        the policy file is broken (exit 3, `forbidden`)
├── SetupError         a browser could not be registered (exit 1)
├── ReportError        a saved report cannot be read (exit 2)
├── TableError         a table that is shipped with the program is wrong (exit 3, `internal`)
├── WebError           a page could not be had (never leaves the rooms that asked: no page is an answer too)
└── Interrupted        a dialogue with a server could not go on (never leaves `probe/`: it becomes an observation)

Each message is one line, fit to be shown to the person who can mend it.
"""

from typing import Literal


def printable(text: str) -> str:
    """A text in one line, whatever names and words of strangers it holds: nothing in it moves a terminal's cursor."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


class PoterneError(Exception):
    """Base of the tree; `code` is the error code of the native protocol (`internal` unless said)."""

    code = "internal"
    exit_status = 3


class InvalidTarget(PoterneError):
    """The target is not an address, a domain, a server or an endpoint."""

    code = "invalid-target"
    exit_status = 2


class InvalidRequest(PoterneError):
    """A message or an option has the wrong shape or is out of range."""

    code = "invalid-message"
    exit_status = 2


class NoSettings(PoterneError):
    """What a file to hand over needs was not found: settings that were tested, encrypted, and fit its format."""

    code = "invalid-message"
    exit_status = 1


class Forbidden(PoterneError):
    """The policy of this machine does not allow what was asked; `rule` is the key of the policy that says so."""

    code = "forbidden"

    def __init__(self, message: str, rule: str | None = None) -> None:
        super().__init__(message)
        self.rule = rule


class PolicyError(PoterneError):
    """The policy file cannot be read or says something unknown: nothing is allowed then."""

    code = "forbidden"


class SetupError(PoterneError):
    """A browser's registration could not be read or written."""

    exit_status = 1


class ReportError(PoterneError):
    """A saved report cannot be read."""

    code = "invalid-message"
    exit_status = 2


class TableError(PoterneError):
    """A table of `knowledge/` is wrong; the message names the file, the row and the key."""


class WebError(PoterneError):
    """A page could not be had: no address, no connection, no HTTP, too much, too late. The message says which."""


class Interrupted(PoterneError):
    """A server closed, reset, fell silent, said too much or broke TLS; `reason` says which, `detail` in which words."""

    def __init__(self, reason: Literal["closed", "reset", "silent", "excess", "tls", "local"], detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

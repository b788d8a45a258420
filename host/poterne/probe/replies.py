"""How replies end, one reader a framing. Each reads lines until its protocol says that the reply is whole."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from poterne.probe.stream import Stream

_NUMERIC = re.compile(rb"(\d\d\d)([ -]?)(.*)", re.DOTALL)
_SIEVE_END = re.compile(rb"(OK|NO|BYE)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `status` is the line that says yes or no; `lines` are the others, without codes, tags and quotes.

    `whole` is False where the first line belongs to another protocol: reading stopped there.
    """

    status: bytes
    lines: list[bytes] = field(default_factory=list)
    whole: bool = True


async def numeric(stream: Stream, tag: bytes) -> Reply:
    """RFC 5321 section 4.2.1 and RFC 959 section 4.2: `NNN-` … `NNN `; between them FTP omits the code."""
    first = await stream.line()
    match = _NUMERIC.fullmatch(first)
    if match is None:
        return Reply(first, whole=False)
    code, separator, _ = match.groups()
    lines: list[bytes] = []
    while separator == b"-":
        line = await stream.line()
        match = _NUMERIC.fullmatch(line)
        if match is not None and match[1] == code:
            separator = match[2]
            lines.append(match[3].strip())
        else:
            lines.append(line.strip())
    return Reply(first, lines)


async def imap(stream: Stream, tag: bytes) -> Reply:
    """RFC 9051 section 7.1: untagged lines, then the one with the tag. Without a tag, one line: the greeting."""
    if not tag:
        first = await stream.line()
        return Reply(first, whole=first.startswith(b"* "))
    lines: list[bytes] = []
    while True:
        line = await stream.line()
        if line.upper().startswith(tag.upper() + b" "):
            return Reply(line, lines)
        if not line.startswith((b"* ", b"+")):
            return Reply(line, lines, whole=False)
        if line[2:5].upper() == b"BYE":
            return Reply(line, lines)
        if line[2:13].upper() == b"CAPABILITY ":
            lines += line[13:].split()


async def pop3(stream: Stream, tag: bytes) -> Reply:
    """RFC 1939 section 3: a status line; a CAPA that was accepted goes on until a lone dot (RFC 2449 section 5)."""
    first = await stream.line()
    if not first.startswith((b"+OK", b"-ERR")):
        return Reply(first, whole=False)
    lines: list[bytes] = []
    if tag == b"CAPA" and first.startswith(b"+OK"):
        while (line := await stream.line()) != b".":
            lines.append(line.strip())
    return Reply(first, lines)


async def sieve(stream: Stream, tag: bytes) -> Reply:
    """RFC 5804 section 1.3: capability lines of quoted strings, then OK, NO or BYE."""
    lines: list[bytes] = []
    while True:
        line = await stream.line()
        if _SIEVE_END.match(line):
            return Reply(line, lines)
        if not line.startswith(b'"'):
            return Reply(line, lines, whole=False)
        lines.append(b" ".join(line.replace(b'"', b" ").split()))


async def http(stream: Stream, tag: bytes) -> Reply:
    """RFC 9112 section 2: the status line and the header fields; a body is not read."""
    first = await stream.line()
    if not first.startswith(b"HTTP/"):
        return Reply(first, whole=False)
    lines: list[bytes] = []
    while line := await stream.line():
        lines.append(line)
    return Reply(first, lines)


# `tag` is the command's tag in IMAP, the command in POP3, empty for a greeting.
READERS: dict[str, Callable[[Stream, bytes], Awaitable[Reply]]] = {
    "numeric": numeric,
    "imap": imap,
    "pop3": pop3,
    "sieve": sieve,
    "http": http,
}

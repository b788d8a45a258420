"""A connection that is read line by line, in the clear and then inside TLS, within bounds."""

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from poterne.errors import Interrupted
from poterne.net.gate import quick_ack

MAX_SESSION = 64 * 1024
MAX_LINE = 4096
_CHUNK = 16 * 1024
_AROUND_WORDS = re.compile(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$")
T = TypeVar("T")


class Stream:
    """One connected, non-blocking socket. At most MAX_SESSION bytes are read from it.

    asyncio's own streams are not used: they lose the TLS library's reason when a handshake fails, keep bytes that came
    before a TLS handshake, and cannot ask for quick acknowledgements.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._lines = bytearray()
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.received = 0
        self.first_bytes = b""
        self.handshake: ssl.SSLObject | None = None
        """What TLS was begun with, whatever came of it."""

    @property
    def local_address(self) -> str:
        """The address of this end."""
        return str(self._sock.getsockname()[0])

    @property
    def pending(self) -> bytes:
        """What was received and not read yet."""
        return bytes(self._lines)

    async def send(self, data: bytes) -> None:
        """Sends all of it, inside TLS where TLS has begun. Raises what `line` raises."""
        if self._tls is None:
            await self._flush(data)
        else:
            # A server of TLS 1.2 may renegotiate at any time, and then what we say waits for what it says.
            await self._in_tls(self._tls.write, data)
            await self._flush()

    async def line(self) -> bytes:
        """The next line without its end (CR LF, or a bare LF). Raises Interrupted, and ssl.SSLCertVerificationError
        where a server that renegotiates shows another certificate, which is not accepted.
        """
        line = await self.next_line()
        del self._lines[: self._lines.find(b"\n") + 1]
        return line

    async def next_line(self) -> bytes:
        """What `line` is going to return; it stays to be read."""
        searched = 0
        while True:
            end = self._lines.find(b"\n", searched)
            if 0 <= end <= MAX_LINE:
                return bytes(self._lines[:end]).removesuffix(b"\r")
            searched = len(self._lines)
            if searched > MAX_LINE or end > MAX_LINE:
                raise Interrupted("excess", f"a line longer than {MAX_LINE} bytes")
            self._lines += await self._receive()

    async def start_tls(self, context: ssl.SSLContext, server_name: str | None) -> ssl.SSLObject:
        """The handshake. What was received in the clear before is dropped, never believed (RFC 3207 section 4.2).

        Raises ssl.SSLCertVerificationError where the certificate is not accepted, else Interrupted.
        """
        self._lines.clear()
        self.first_bytes = b""
        tls = self.handshake = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        # The client's Finished stays behind: it leaves with the next question, in one segment.
        await self._in_tls(tls.do_handshake)
        self._tls = tls
        return tls

    async def _receive(self) -> bytes:
        if self._tls is None:
            return await self._read()
        data = await self._in_tls(self._tls.read, _CHUNK)
        if not data:
            raise Interrupted("closed", "closed by the server")
        return data

    async def _in_tls(self, step: Callable[..., T], *arguments: object) -> T:
        """One step of the TLS library, with all that it has to hear from the server before it can be done."""
        while True:
            try:
                return step(*arguments)
            except ssl.SSLWantReadError:
                await self._flush()
                self._incoming.write(await self._read())
            except ssl.SSLZeroReturnError:
                raise Interrupted("closed", "closed by the server") from None
            except ssl.SSLCertVerificationError:
                await self._last_words()
                raise
            except ssl.SSLError as error:
                await self._last_words()
                raise Interrupted("tls", tls_words(error)) from None

    async def _read(self) -> bytes:
        if self.received >= MAX_SESSION:
            raise Interrupted("excess", f"more than {MAX_SESSION} bytes")
        try:
            data = await self._loop.sock_recv(self._sock, min(_CHUNK, MAX_SESSION - self.received))
            if data:
                quick_ack(self._sock)
        except OSError as error:
            raise _interrupted(error) from None
        if not data:
            raise Interrupted("closed", "closed by the server")
        self.received += len(data)
        if len(self.first_bytes) < 64:
            self.first_bytes += data[: 64 - len(self.first_bytes)]
        return data

    async def _flush(self, data: bytes = b"") -> None:
        data = self._outgoing.read() + data
        if data:
            try:
                await self._loop.sock_sendall(self._sock, data)
            except OSError as error:
                raise _interrupted(error) from None

    async def _last_words(self) -> None:
        """The alert that tells the server why, where it still listens."""
        try:
            await self._flush()
        except Interrupted:
            return

    async def farewell(self, goodbye: bytes | None, patience: float) -> None:
        """Says goodbye, waits at most `patience` seconds for the server to close, closes. Never raises."""
        try:
            async with asyncio.timeout(patience):
                if goodbye is not None:
                    await self.send(goodbye)
                while True:
                    await self._receive()
        except (Interrupted, TimeoutError, ssl.SSLError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Closes at once; what the server still says is lost."""
        self._sock.close()


def tls_words(error: ssl.SSLError) -> str:
    """The TLS library's own name of a failure, such as TLSV1_ALERT_PROTOCOL_VERSION."""
    if isinstance(error, ssl.SSLEOFError):
        return "UNEXPECTED_EOF_WHILE_READING"
    if error.reason:
        return error.reason
    # Python's table of names has gaps: what it does not know it writes "[SSL] tlsv1 alert … (_ssl.c:1006)".
    words = _AROUND_WORDS.sub("", str(error))
    return words.upper().replace(" ", "_") or type(error).__name__


def _interrupted(error: OSError) -> Interrupted:
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    if error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return Interrupted("reset", name)
    if error.errno == errno.ETIMEDOUT:
        return Interrupted("silent", name)
    return Interrupted("local", name)

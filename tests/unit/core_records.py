"""TLS records by hand, for what a library would never send (RFC 8446, RFC 5246)."""

import os
import ssl
import struct
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from tests.unit.core_servers import GoneError, Peer

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
_MAX_RECORD = 16384
# RFC 8446 section 4.1.3: a ServerHello with this random is a HelloRetryRequest.
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def record(kind: int, body: bytes) -> bytes:
    """One record in the clear (RFC 8446 section 5.1)."""
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def message(kind: int, body: bytes = b"") -> bytes:
    """One handshake message (RFC 8446 section 4)."""
    return bytes([kind]) + len(body).to_bytes(3) + body


HELLO_REQUEST = message(0)
KEY_UPDATE = message(24, b"\x00")


def ticket(size: int) -> bytes:
    """A NewSessionTicket whose ticket has so many bytes (RFC 8446 section 4.6.1)."""
    return message(4, struct.pack("!IIBBH", 7200, 0, 1, 0, size) + bytes(size) + b"\x00\x00")


def server_hello(client_hello: bytes, *, cipher: int, extensions: bytes = b"", random: bytes | None = None) -> bytes:
    """A record with a ServerHello that echoes the session of this ClientHello, which comes as a record too."""
    session = client_hello[44 : 44 + client_hello[43]]
    body = b"\x03\x03" + (random or os.urandom(32)) + bytes([len(session)]) + session + struct.pack("!HB", cipher, 0)
    return record(HANDSHAKE, message(2, body + struct.pack("!H", len(extensions)) + extensions))


def extension(kind: int, body: bytes) -> bytes:
    """One extension of a hello (RFC 8446 section 4.2)."""
    return struct.pack("!HH", kind, len(body)) + body


def retry(client_hello: bytes, group: int = 0x0018) -> bytes:
    """A HelloRetryRequest that wants a key share of this group, secp384r1 unless said."""
    wanted = extension(43, b"\x03\x04") + extension(51, struct.pack("!H", group))
    return server_hello(client_hello, cipher=0x1302, extensions=wanted, random=_RETRY)


class Sealed:
    """A good TLS 1.3 handshake by the library; from there on, records under the server's key that a test writes."""

    def __init__(self, peer: Peer, context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
        with TemporaryDirectory() as folder:
            log = Path(folder) / "keys"
            context.keylog_filename = str(log)
            peer.start_tls(context)
            (line,) = [line for line in log.read_text().splitlines() if line.startswith("SERVER_TRAFFIC_SECRET_0")]
        secret = bytes.fromhex(line.split()[2])
        self._hash: hashes.HashAlgorithm = hashes.SHA384() if len(secret) == 48 else hashes.SHA256()
        self._cipher = AESGCM(self._expand(secret, b"key", 32 if len(secret) == 48 else 16))
        self._iv = self._expand(secret, b"iv", 12)
        self._sock = peer._sock
        self._sent = 0

    def _expand(self, secret: bytes, label: bytes, size: int) -> bytes:
        """RFC 8446 section 7.1, with an empty context."""
        name = b"tls13 " + label
        info = struct.pack("!HB", size, len(name)) + name + b"\x00"
        return HKDFExpand(self._hash, size, info).derive(secret)

    def send(self, kind: int, data: bytes) -> None:
        """All of it, in as many records as it takes."""
        for start in range(0, len(data), _MAX_RECORD):
            inner = data[start : start + _MAX_RECORD] + bytes([kind])
            header = struct.pack("!BHH", DATA, 0x0303, len(inner) + 16)
            nonce = bytes(a ^ b for a, b in zip(self._iv, self._sent.to_bytes(12), strict=True))
            self._sent += 1
            try:
                socket.sendall(self._sock, header + self._cipher.encrypt(nonce, inner, header))
            except OSError as error:
                raise GoneError from error

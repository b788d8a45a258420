"""The administrator's key: whoever holds it can update the extension on every desk. It never leaves its file."""

import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from manifests.packages.place import PackageError

_BITS = 2048
_ID_BYTES = 16


def load_or_make(path: Path) -> RSAPrivateKey:
    """The RSA key of a PEM file; one is made where there is no such file. Raises PackageError."""
    try:
        return _read(path.read_bytes(), path)
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        raise PackageError(f"{path}: {error.strerror or error}") from error


def public(key: RSAPrivateKey) -> bytes:
    """SubjectPublicKeyInfo in DER, as Chromium's packages and a manifest's `key` hold it."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def chromium_id(public_key: bytes) -> str:
    """Sixteen bytes of the key's SHA-256, each half a letter from a to p."""
    digest = hashlib.sha256(public_key).digest()[:_ID_BYTES]
    return "".join(chr(ord("a") + half) for byte in digest for half in divmod(byte, 16))


def _read(pem: bytes, path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise PackageError(f"{path}: the key is locked with a pass phrase") from error
    except ValueError as error:
        raise PackageError(f"{path}: not a private key in PEM") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _BITS:
        raise PackageError(f"{path}: an RSA key of at least {_BITS} bits is needed")
    return key


def _make(path: Path) -> RSAPrivateKey:
    key = generate_private_key(public_exponent=65537, key_size=_BITS)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except OSError as error:
        raise PackageError(f"{path}: {error.strerror or error}") from error
    return key

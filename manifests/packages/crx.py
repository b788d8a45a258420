"""Chromium's package format, CRX3 (components/crx_file/crx3.proto in Chromium): a signed header before a zip.

"Cr24", version 3, length of the header (both 32 bits, little-endian), header, zip
CrxFileHeader { repeated AsymmetricKeyProof sha256_with_rsa = 2; bytes signed_header_data = 10000; }
AsymmetricKeyProof { bytes public_key = 1; bytes signature = 2; }
SignedData { bytes crx_id = 1; }
"""

import hashlib
import struct
from collections.abc import Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from manifests.packages import keys
from manifests.packages.place import PackageError

_PREFIX = struct.Struct("<4sII")
_MAGIC = b"Cr24"
_VERSION = 3
_PROOF, _SIGNED_DATA = 2, 10_000
_PUBLIC_KEY, _SIGNATURE, _ID = 1, 2, 1
_LENGTH_DELIMITED = 2


def pack(archive: bytes, key: RSAPrivateKey) -> bytes:
    """The package of a zip. RSA with PKCS #1 v1.5 is deterministic: the same zip and key give the same bytes."""
    public_key = keys.public(key)
    signed_data = _field(_ID, hashlib.sha256(public_key).digest()[:16])
    signature = key.sign(_signed(signed_data, archive), PKCS1v15(), hashes.SHA256())
    proof = _field(_PUBLIC_KEY, public_key) + _field(_SIGNATURE, signature)
    header = _field(_PROOF, proof) + _field(_SIGNED_DATA, signed_data)
    return _PREFIX.pack(_MAGIC, _VERSION, len(header)) + header + archive


def unpack(package: bytes) -> tuple[str, bytes]:
    """(Chromium's id, the zip) of a package whose signature is good and whose id is its key's; else PackageError."""
    try:
        magic, version, length = _PREFIX.unpack_from(package)
        header = dict(_fields(package[_PREFIX.size : _PREFIX.size + length]))
        archive = package[_PREFIX.size + length :]
        proof = dict(_fields(header[_PROOF]))
        signed_data = header[_SIGNED_DATA]
        public_key = proof[_PUBLIC_KEY]
        verifier = load_der_public_key(public_key)
        if (magic, version) != (_MAGIC, _VERSION) or not isinstance(verifier, RSAPublicKey):
            raise PackageError("not a CRX3 package with an RSA key")
        verifier.verify(proof[_SIGNATURE], _signed(signed_data, archive), PKCS1v15(), hashes.SHA256())
        named = dict(_fields(signed_data))[_ID]
    except (struct.error, KeyError, IndexError, ValueError) as error:
        raise PackageError("not a CRX3 package") from error
    except InvalidSignature as error:
        raise PackageError("the package's signature is not its key's") from error
    if named != hashlib.sha256(public_key).digest()[:16]:
        raise PackageError("the package names another id than its key's")
    return keys.chromium_id(public_key), archive


def _signed(signed_data: bytes, archive: bytes) -> bytes:
    return b"CRX3 SignedData\x00" + struct.pack("<I", len(signed_data)) + signed_data + archive


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        length, position = _read_varint(data, position)
        if tag & 7 != _LENGTH_DELIMITED or position + length > len(data):
            raise ValueError("unexpected field")
        yield tag >> 3, data[position : position + length]
        position += length


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return number, position

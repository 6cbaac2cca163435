"""Signatures of proofs of backing: Ed25519. The edge: the one module of this package that needs `parbook[oracle]`."""

from __future__ import annotations

from parbook.anchored.proof import Report, digest, verified
from parbook.errors import AssetError, MisuseError

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ImportError as error:
    raise MisuseError(f"signing needs the package cryptography: pip install parbook[oracle] ({error}).") from error


def public_key(private: bytes) -> bytes:
    """Return the public key, 32 bytes, of a private key, 32 bytes."""
    return _private(private).public_key().public_bytes_raw()


def sign(data: bytes, private: bytes) -> bytes:
    """Return the signature, 64 bytes, of a report's hash."""
    return _private(private).sign(_message(data))


def verify(data: bytes, signature: bytes, key: bytes, previous: bytes | None) -> Report:
    """Return a report that `key` signed, follows `previous` (None: it is the first) and adds up; else AssetError."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _message(data))
    except (InvalidSignature, ValueError):
        raise AssetError(
            "proof of backing", "the signature is not of this report and key", "Do not rely on it; check the key."
        ) from None
    return verified(data, previous)


def _message(data: bytes) -> bytes:
    return b"parbook proof of backing " + digest(data).encode()


def _private(private: bytes) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(private)
    except ValueError as error:
        raise MisuseError(f"a private key has 32 bytes: {error}.") from None

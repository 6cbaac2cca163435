"""The edge of a feed: an observation as bytes, and Ed25519 signatures of them (RFC 8032). Needs `parbook[oracle]`.

A feed takes observations as verified. Whoever lets them in verifies here first, and journals what was let in: a replay
verifies nothing again.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import msgspec

from parbook.errors import AssetError, shown
from parbook.oracle.state import Observation

if TYPE_CHECKING:
    from types import ModuleType

_MAGIC: Final = b"parbook observation 1\n"
_NUMBERS: Final = struct.Struct(">QQQQQQ")
_NAME_BYTES_MAX: Final = 255


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature is bound to: one exchange, by its identity, and one feed of it."""

    exchange: str
    feed: str

    def __post_init__(self) -> None:
        """Refuse names that are empty or longer than 255 bytes; AssetError."""
        for name in ("exchange", "feed"):
            if not 1 <= len(getattr(self, name).encode()) <= _NAME_BYTES_MAX:
                raise AssetError("domain", f"{name} is empty or too long", "Give 1 to 255 bytes.")


def canonical_bytes(domain: Domain, observation: Observation) -> bytes:
    """Return what is signed. Different domains or observations never give the same bytes.

    A magic line, each name behind its length in one byte, six 64-bit numbers (source, sequence, observed_ns, low, mid,
    high; big-endian), both hashes as 32 bytes. AssetError for what does not fit.
    """
    names = b"".join(bytes([len(name)]) + name for name in (domain.exchange.encode(), domain.feed.encode()))
    numbers = (
        observation.source,
        observation.sequence,
        observation.observed_ns,
        observation.low_nano,
        observation.mid_nano,
        observation.high_nano,
    )
    try:
        packed = _NUMBERS.pack(*numbers)
    except struct.error as error:
        raise AssetError("observation", f"{shown(numbers)} does not fit", "Give 64-bit numbers from 0.") from error
    hashes = _unhex("model_hash", observation.model_hash, 32) + _unhex("input_hash", observation.input_hash, 32)
    return _MAGIC + names + packed + hashes


def sign(private_key: str, domain: Domain, observation: Observation) -> str:
    """Return the signature, 128 hexadecimal digits, by a private key of 64. AssetError for a malformed key."""
    return sign_bytes(private_key, canonical_bytes(domain, observation))


def verify(public_key: str, domain: Domain, observation: Observation, signature: str) -> bool:
    """Return whether the signature is this key's for this observation in this domain.

    False for whatever a stranger may get wrong, a malformed signature or observation among it; AssetError for a
    malformed key, which is a member's and was checked.
    """
    try:
        message = canonical_bytes(domain, observation)
    except AssetError:
        return False
    return verify_bytes(public_key, message, signature)


def public_key_of(private_key: str) -> str:
    """Return the public key of a private one, both 64 hexadecimal digits."""
    key = _ed25519().Ed25519PrivateKey.from_private_bytes(_unhex("private_key", private_key, 32))
    public: bytes = key.public_key().public_bytes_raw()
    return public.hex()


def sign_bytes(private_key: str, message: bytes) -> str:
    """Return the Ed25519 signature of any bytes, 128 hexadecimal digits."""
    key = _ed25519().Ed25519PrivateKey.from_private_bytes(_unhex("private_key", private_key, 32))
    signature: bytes = key.sign(message)
    return signature.hex()


def verify_bytes(public_key: str, message: bytes, signature: str) -> bool:
    """Return whether a signature of these bytes is the key's. AssetError for a malformed key."""
    module = _ed25519()
    key = module.Ed25519PublicKey.from_public_bytes(_unhex("public_key", public_key, 32))
    try:
        key.verify(_unhex("signature", signature, 64), message)
    except (AssetError, _invalid_signature()):
        return False
    return True


def _unhex(name: str, text: str, size: int) -> bytes:
    """Return `size` bytes of lower-case hexadecimal digits. Nothing else: two spellings would be two observations."""
    try:
        raw = bytes.fromhex(text)
    except (ValueError, TypeError):
        raw = b""
    if len(raw) != size or raw.hex() != text:
        # A private key is not shown.
        raise AssetError(name, "it is malformed", f"Give {2 * size} lower-case hexadecimal digits.")
    return raw


def _ed25519() -> ModuleType:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError as error:
        raise AssetError("oracle signatures", "cryptography is not installed", "pip install parbook[oracle]") from error
    return ed25519


def _invalid_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    return InvalidSignature

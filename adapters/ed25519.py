"""Signatures by Ed25519 (RFC 8032), with keys and signatures written in base64."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.proof import plain_of


def public_key(written: str) -> Ed25519PublicKey | None:
    """The key, None where this is none."""
    plain = plain_of(written)
    return Ed25519PublicKey.from_public_bytes(plain) if plain and len(plain) == 32 else None


def is_signed(said: bytes, signature: str, keys: Iterable[str]) -> bool:
    """Whether the owner of one of these keys signed this."""
    plain = plain_of(signature)
    return plain is not None and any(_fits(key, plain, said) for key in map(public_key, keys) if key)


def _fits(key: Ed25519PublicKey, signature: bytes, said: bytes) -> bool:
    try:
        key.verify(signature, said)
    except InvalidSignature:
        return False
    return True

"""Addresses and ids of ours that come back with the answer, signed so that nobody can make them up (T13).

A reply leaves with `Reply-To: support+<entry><mac>@example.com` and `Message-ID: <entry.mac@example.com>`. Both name
the entry, and with it the conversation; the signature is over account, entry and the recipient, so that it says
nothing when somebody else writes to it. Signatures are compared whole, in constant time; anything shorter is not ours.
The address holds 128 bits, for a local part ends at 64 characters (RFC 5321, section 4.5.3.1.1), the id all 256.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final
from uuid import UUID

from adapters.base import AccountConfig

_ADDRESS_MAC: Final = 16
_ID_MAC: Final = 32
_ID: Final = re.compile(r"<([0-9a-f]{32})\.([a-z2-7]{52})@[^<>@\s]{1,255}>")
_TAG: Final = re.compile(r"[^@+]{1,64}\+([a-z2-7]{52})@[^@\s]{1,255}")
LONGEST_LOCAL: Final = 64 - 1 - 52
"""Characters before the plus of an address that is to carry a signature."""


class Thread:
    """Makes and knows the addresses and ids of one account. Every secret of a rotation is known; the first signs."""

    def __init__(self, account: AccountConfig) -> None:
        self._account = account
        self.base = account.settings.get("reply_address") or account.address

    def reply_address(self, entry: UUID, recipient: str) -> str:
        """Where the answer of this recipient to this entry goes."""
        local, _, domain = self.base.rpartition("@")
        mac = self._mac("address", entry, recipient, self._account.secrets[0])[:_ADDRESS_MAC]
        return f"{local}+{_packed(entry.bytes + mac)}@{domain}"

    def message_id(self, entry: UUID, recipient: str) -> str:
        """The id this entry leaves under."""
        mac = self._mac("id", entry, recipient, self._account.secrets[0])
        return f"<{entry.hex}.{_packed(mac)}@{self.base.rpartition('@')[2]}>"

    def answered(self, addresses: Iterable[str], ids: Iterable[str], sender: str) -> UUID | None:
        """The entry this sender answers, by an address it went to or an id it refers to, when the signature is ours."""
        found = (self._by_address(each, sender) for each in addresses)
        entry = next((each for each in found if each), None)
        return entry or next((each for one in ids if (each := self._by_id(one, sender))), None)

    def _by_address(self, address: str, sender: str) -> UUID | None:
        match = _TAG.fullmatch(address.strip().lower())
        if match is None:
            return None
        raw = _unpacked(match[1])
        return self._checked("address", UUID(bytes=raw[:16]), sender, raw[16:]) if raw else None

    def _by_id(self, message_id: str, sender: str) -> UUID | None:
        match = _ID.fullmatch(message_id.strip().lower())
        if match is None:
            return None
        raw = _unpacked(match[2])
        return self._checked("id", UUID(hex=match[1]), sender, raw) if raw else None

    def _checked(self, purpose: str, entry: UUID, sender: str, given: bytes) -> UUID | None:
        length = _ADDRESS_MAC if purpose == "address" else _ID_MAC
        right = False
        for secret in self._account.secrets:
            expected = self._mac(purpose, entry, sender, secret)[:length]
            right |= bool(secret) and len(given) == length and hmac.compare_digest(expected, given)
        return entry if right else None

    def _mac(self, purpose: str, entry: UUID, person: str, secret: str) -> bytes:
        parts = (b"screenpop mail " + purpose.encode(), self._account.id.encode(), entry.bytes, _plain(person))
        said = b"".join(len(part).to_bytes(4) + part for part in parts)
        return hmac.digest(secret.encode(), said, sha256)


def _packed(raw: bytes) -> str:
    return b32encode(raw).decode().rstrip("=").lower()


def _unpacked(text: str) -> bytes | None:
    """The bytes, where this is how we write them: other last letters would decode to the same."""
    raw = b32decode(text.upper() + "====")
    return raw if _packed(raw) == text else None


def _plain(address: str) -> bytes:
    return address.strip().lower().encode("utf-8", "replace")


def is_ours(address: str, account: AccountConfig) -> bool:
    """Whether a mail to this address is for this account: its own, one configured, with or without a tag."""
    bare = _untagged(address)
    settings = account.settings
    configured = [account.address, settings.get("reply_address", ""), *settings.get("recipients", "").split(",")]
    ours = {_untagged(each) for each in configured if each.strip()}
    return "*" in ours or bare in ours or "@" + bare.rpartition("@")[2] in ours


def writes_as_us(address: str, account: AccountConfig) -> bool:
    """Whether this is an address we send from. `recipients` says nothing of that: customers may have one among them."""
    return _untagged(address) in {_untagged(each) for each in (account.address, Thread(account).base)}


def _untagged(address: str) -> str:
    local, at, domain = address.strip().strip("<>").lower().rpartition("@")
    return local.partition("+")[0] + at + domain if at else address.strip().lower()

"""The events after which a profile is shown anew: two customers became one, or one became two. Pure."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import Struct

from model.event import Merged, Unmerged
from model.to_screen import ProfileReason

# Every event of a customer passes here; their kind stands first in what the encoder writes.
_BEGIN = (b'{"kind":"merged"', b'{"kind":"unmerged"')
_decode = msgspec.json.Decoder(Merged | Unmerged).decode


class Reopening(Struct, frozen=True):
    """Why the profile is shown anew; `root`: whose it is from now on, where it is not this customer's own."""

    reason: ProfileReason
    root: UUID | None = None


def reopening(customer: UUID, body: bytes) -> Reopening | None:
    """What an event on this customer's feed asks for; None for all others."""
    if not body.startswith(_BEGIN):
        return None
    event = _decode(body)
    if isinstance(event, Unmerged):
        return Reopening("unmerged")
    return Reopening("merged", event.merge.survivor if event.merge.leaf == customer else None)

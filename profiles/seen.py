"""The profile as it was on the agent's screen when they accepted: the bytes of the very frame, compressed."""

from __future__ import annotations

import zlib
from datetime import datetime
from uuid import UUID

from msgspec import Raw, Struct

from model.timeline import Author
from store.pool import Connection

SAVE_SEEN = """
insert into seen_at_accept (contact_id, agent_id, offer_id, frame)
select o.contact_id, $2, o.id, $3 from offer o where o.id = $1 and o.agent_id = $2
on conflict (offer_id) do nothing
"""


async def save_seen(connection: Connection, offer: UUID, agent: UUID, packed: bytes) -> None:
    """Keep what the agent was shown at this accept. Of an accept that was answered twice the first stays."""
    await connection.execute(SAVE_SEEN, offer, agent, packed)


def pack(frame: bytes) -> bytes:
    """The frame as it is kept. Takes a moment: not for the event loop."""
    return zlib.compress(frame)


class SeenAtAccept(Struct, frozen=True):
    """What an agent was shown when they accepted a contact."""

    contact: UUID
    offer: UUID
    agent: Author
    at: datetime
    profile: Raw
    """The frame `profile` as it was sent."""


SEEN = """
select s.contact_id, s.offer_id, s.at, s.frame, a.id, a.name from seen_at_accept s join agent a on a.id = s.agent_id
 where s.contact_id = $1 order by s.at desc, s.offer_id desc limit $2
"""


async def fetch_seen(connection: Connection, contact: UUID, limit: int = 50) -> tuple[SeenAtAccept, ...]:
    """What was shown at each accept of a contact, the last first; nothing where it was never accepted by hand."""
    return tuple(
        SeenAtAccept(
            contact=row["contact_id"],
            offer=row["offer_id"],
            agent=Author(row["id"], row["name"]),
            at=row["at"],
            profile=Raw(zlib.decompress(row["frame"])),
        )
        for row in await connection.fetch(SEEN, contact, limit)
    )

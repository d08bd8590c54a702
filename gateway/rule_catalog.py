"""What rules may name, from everywhere: queues and accounts, custom fields, other systems, segments, topics."""

from __future__ import annotations

from profiles.cards import fetch_sources
from profiles.fields import fetch_definitions
from profiles.segments import fetch_segments
from profiles.topics import fetch_topics
from router.rule_versions import fetch_catalog
from router.rules.fields import CUSTOM, CUSTOM_KINDS, EXTERNAL, Catalog
from store.pool import Connection

MOST_SOURCES = 200


async def rule_catalog(connection: Connection) -> Catalog:
    """What there is now."""
    fields = [each for each in (await fetch_definitions(connection)).values() if not each.archived]
    custom = {f"{CUSTOM}{each.key}": CUSTOM_KINDS[each.type] for each in fields}
    custom |= {f"{EXTERNAL}{each.id}": "set" for each in await fetch_sources(connection, MOST_SOURCES)}
    values = {f"{CUSTOM}{each.key}": frozenset(each.choices) for each in fields if each.type == "choice"}
    values["segments"] = frozenset(segment.name for segment in await fetch_segments(connection))
    topics = frozenset("/".join(each.path) for each in await fetch_topics(connection) if not each.archived)
    return await fetch_catalog(connection, custom, values, topics)

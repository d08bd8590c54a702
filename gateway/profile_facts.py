"""What a profile tells the rules: the same values that the screen shows, merges and custom fields included."""

from __future__ import annotations

from uuid import UUID

from profiles.sections import fetch_customer
from router.rules.fields import CUSTOM, Fact
from store.pool import Connection


async def profile_facts(connection: Connection, root: UUID) -> dict[str, Fact]:
    """Facts of the customer of this root, by field of rules."""
    customer = await fetch_customer(connection, root)
    facts: dict[str, Fact] = {
        "name": customer.name,
        "location": customer.location,
        "time_zone": customer.time_zone,
        "segments": customer.segments,
        "contacts_30_days": customer.contacts_30_days,
        "open_tasks": customer.open_tasks,
        "first_contact_at": customer.first_contact_at,
    }
    return facts | {f"{CUSTOM}{each.key}": each.value for each in customer.fields}

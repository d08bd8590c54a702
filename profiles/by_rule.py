"""What a rule says of a customer and a conversation: added to what people said, never in its place."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from model.customer import Provenance
from profiles.audit import audit
from profiles.details import lock_owner
from profiles.edit import NOW, save_values, tell_customer
from profiles.sections import fetch_customer
from profiles.topics import CONVERSATION, add_topics
from profiles.values import MOST_TAGS
from store.feeds import Transaction


async def mark_by_rule(tx: Transaction, conversation: UUID, tags: Sequence[str], topics: Sequence[str]) -> None:
    """Add tags to the customer, and topics by their paths to the conversation; screens are told of what is new.

    A topic that is gone is left out, and so is a tag beyond the most that a customer has.
    """
    root = await lock_owner(tx, CONVERSATION, conversation)
    if root is None:
        return
    await _add_tags(tx, root, tags)
    await add_topics(tx, root, conversation, topics)


async def _add_tags(tx: Transaction, root: UUID, tags: Sequence[str]) -> None:
    customer = await fetch_customer(tx.connection, root)
    had = {tag.casefold() for tag in customer.tags}
    new = [tag for tag in tags if tag.casefold() not in had][: max(0, MOST_TAGS - len(customer.tags))]
    if not new:
        return
    fact = customer.provenance.get("tags")
    at = await tx.connection.fetchval(NOW)
    facts = {"tags": Provenance("rule", at, revision=(fact.revision if fact else 0) + 1)}
    await save_values(tx.connection, root, {"tags": [*customer.tags, *new]}, facts)
    await audit(tx.connection, None, "edit", root, {"fields": ["tags"]})
    await tell_customer(tx, root)

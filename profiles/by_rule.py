"""What a rule says of a customer and a conversation: added to what people said, never in its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from model.customer import Provenance
from model.refusal import Refused
from profiles.audit import audit
from profiles.auto_reply import ByRule, done_before, keep_done
from profiles.details import lock_owner
from profiles.edit import NOW, save_values, tell_customer
from profiles.sections import fetch_customer
from profiles.tasks import NewTask, add_task
from profiles.topics import CONVERSATION, add_topics
from profiles.values import MOST_TAGS
from store.feeds import Transaction
from store.ids import new_id


async def mark_by_rule(tx: Transaction, conversation: UUID, tags: Sequence[str], topics: Sequence[str]) -> None:
    """Add tags to the customer, and topics by their paths to the conversation; screens are told of what is new.

    A topic that is gone is left out, and so is a tag beyond the most that a customer has.
    """
    root = await lock_owner(tx, CONVERSATION, conversation)
    if root is None:
        return
    await _add_tags(tx, root, tags)
    await add_topics(tx, root, conversation, topics)


async def task_by_rule(tx: Transaction, by: ByRule, body: str, queue: str, due_in: int | None) -> Refused | None:
    """Add a follow-up for a queue, due after so many seconds. Refused: it is not added, and why."""
    root = await lock_owner(tx, CONVERSATION, by.conversation)
    if root is None:
        return Refused("not_found", "There is no such conversation.")
    if await done_before(tx.connection, by, "task"):
        return Refused("wrong_state", "This rule has added a task for this contact already.")
    now = await tx.connection.fetchval(NOW)
    due_at = None if due_in is None else now + timedelta(seconds=due_in)
    new = NewTask(new_id(), root, body, due_at, queue=queue, conversation=by.conversation)
    added = await add_task(tx, None, new)
    if isinstance(added, Refused):
        return added
    await keep_done(tx.connection, by, "task", new.id)
    return None


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

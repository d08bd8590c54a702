"""What conversations are about: a tree of topics, defined by administrators, and those of each conversation."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from msgspec import UNSET, Struct, UnsetType

from model.agent import Actor
from model.customer import ConversationTopic, Topic
from model.event import CustomerChanged, TopicsChanged
from model.refusal import Refused
from profiles.audit import audit
from profiles.details import lock_owner
from profiles.sections import fetch_customer
from profiles.values import check_line, invalid
from store.feeds import Transaction, append_to_customer
from store.ids import new_id
from store.pool import Connection

NAME = 100
DEEPEST = 8
MOST = 1_000
NO_TOPIC = Refused("not_found", "There is no such topic.", "topic")
TAKEN = Refused("taken", "There is a topic of this name beside it already, perhaps an archived one.", "name")


class NewTopic(Struct, frozen=True, forbid_unknown_fields=True):
    """A topic to define; without `parent` it is a root of the tree."""

    name: str
    parent: UUID | None = None


class TopicChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a topic. Archiving takes those below along; `archived: false` brings back this one."""

    name: str | UnsetType = UNSET
    parent: UUID | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET


# A path is the names from the root down; the depth is bounded where topics are written.
TOPICS = """
with recursive tree as (
    select t.id, t.parent_id, t.name, array[t.name] as path, t.archived_at is not null as archived
      from topic t where t.parent_id is null
    union all
    select t.id, t.parent_id, t.name, tree.path || t.name, t.archived_at is not null
      from tree join topic t on t.parent_id = tree.id)
select * from tree order by path, id
"""


async def fetch_topics(connection: Connection) -> tuple[Topic, ...]:
    """The whole tree, each topic after the one above it."""
    return tuple(_read(row) for row in await connection.fetch(TOPICS))


def _read(row: asyncpg.Record) -> Topic:
    return Topic(row["id"], row["parent_id"], row["name"], tuple(row["path"]), row["archived"])


# Who moves topics locks the whole tree, small as it is: of two moves at once each may be harmless and both a circle.
LOCK_TOPICS = "select id from topic order by id for no key update"
INSERT_TOPIC = "insert into topic (id, parent_id, name) values ($1, $2, $3) on conflict do nothing returning id"


async def define_topic(tx: Transaction, actor: Actor, new: NewTopic) -> Topic | Refused:
    """Define a topic."""
    tree = await _lock_tree(tx.connection)
    name = _name(new.name)
    if isinstance(name, Refused):
        return name
    if len(tree) >= MOST:
        return invalid("name", f"would be one of more than {MOST} topics")
    refused = _misplaced(tree, new.parent, height=1)
    if refused is not None:
        return refused
    id_ = new_id()
    if await tx.connection.fetchval(INSERT_TOPIC, id_, new.parent, name) is None:
        return TAKEN
    return await _defined(tx, actor, id_, "topic_defined")


async def _lock_tree(connection: Connection) -> dict[UUID, Topic]:
    await connection.execute(LOCK_TOPICS)
    return {topic.id: topic for topic in await fetch_topics(connection)}


def _name(given: object) -> str | Refused:
    name = check_line(given, "name", NAME)
    return invalid("name", "must not be empty") if name is None else name


def _misplaced(tree: dict[UUID, Topic], parent: UUID | None, height: int) -> Refused | None:
    """Why so many levels of topics may not stand below this one."""
    if parent is None:
        return None
    above = tree.get(parent)
    if above is None or above.archived:
        return invalid("parent", "is no topic, or an archived one")
    if len(above.path) + height > DEEPEST:
        return invalid("parent", f"is too deep: a tree has at most {DEEPEST} levels")
    return None


CHANGE_TOPIC = "update topic set name = $2, parent_id = $3 where id = $1"
ARCHIVE = "update topic set archived_at = case when $2 then coalesce(archived_at, now()) end where id = any ($1)"


async def change_topic(tx: Transaction, actor: Actor, id_: UUID, change: TopicChange) -> Topic | Refused:
    """Rename, move or archive a topic. Screens show it when they read a profile next."""
    tree = await _lock_tree(tx.connection)
    old = tree.get(id_)
    if old is None:
        return NO_TOPIC
    name = old.name if change.name is UNSET else _name(change.name)
    if isinstance(name, Refused):
        return name
    parent = old.parent if change.parent is UNSET else change.parent
    refused = _unmovable(tree, old, parent) if parent != old.parent else _unrevivable(tree, old, change)
    if refused is not None:
        return refused
    try:
        async with tx.connection.transaction():
            await tx.connection.execute(CHANGE_TOPIC, id_, name, parent)
    except asyncpg.UniqueViolationError:
        return TAKEN
    if change.archived is not UNSET:
        which = [id_, *_below(tree, id_)] if change.archived else [id_]
        await tx.connection.execute(ARCHIVE, which, change.archived)
    return await _defined(tx, actor, id_, "topic_changed")


def _unmovable(tree: dict[UUID, Topic], topic: Topic, parent: UUID | None) -> Refused | None:
    below = _below(tree, topic.id)
    if parent == topic.id or parent in below:
        return invalid("parent", "is the topic itself or one below it, which would be a circle")
    deepest = max(len(tree[each].path) for each in [topic.id, *below])
    return _misplaced(tree, parent, height=deepest - len(topic.path) + 1)


def _unrevivable(tree: dict[UUID, Topic], topic: Topic, change: TopicChange) -> Refused | None:
    archived_above = topic.parent is not None and tree[topic.parent].archived
    if change.archived is False and archived_above:
        return invalid("archived", "can be undone below a topic that is not archived itself")
    return None


def _below(tree: dict[UUID, Topic], id_: UUID) -> list[UUID]:
    below: list[UUID] = []
    for topic in tree.values():  # each after the one above it
        if topic.parent == id_ or topic.parent in below:
            below.append(topic.id)
    return below


async def archive_topic(tx: Transaction, actor: Actor, id_: UUID) -> Refused | None:
    """Offer a topic and those below it no more; conversations that have them keep them."""
    done = await change_topic(tx, actor, id_, TopicChange(archived=True))
    return done if isinstance(done, Refused) else None


async def _defined(tx: Transaction, actor: Actor, id_: UUID, action: str) -> Topic | Refused:
    await audit(tx.connection, actor.id, action, None, {"topic": id_})
    tree = {topic.id: topic for topic in await fetch_topics(tx.connection)}
    return tree.get(id_, NO_TOPIC)


MOST_OF_ONE = 20
# Also those of the conversations folded into it, which is what is shown.
CONVERSATION_TOPICS = """
with recursive wanted as (
    select distinct x.topic_id as id from conversation v join conversation_topic x on x.conversation_id = v.id
     where v.id = $1 or v.folded_into = $1),
path as (
    select w.id, t.parent_id, array[t.name] as path from wanted w join topic t on t.id = w.id
    union all
    select p.id, t.parent_id, t.name || p.path from path p join topic t on t.id = p.parent_id)
select id, path from path where parent_id is null order by path, id
"""


async def fetch_conversation_topics(connection: Connection, conversation: UUID) -> tuple[ConversationTopic, ...]:
    """The topics of a conversation and of those folded into it."""
    rows = await connection.fetch(CONVERSATION_TOPICS, conversation)
    return tuple(ConversationTopic(row["id"], tuple(row["path"])) for row in rows)


CONVERSATION = "select customer_id from conversation where id = $1"
SHOWN_CONVERSATION = "select coalesce(folded_into, id) from conversation where id = $1"
DROP_TOPICS = """
delete from conversation_topic x using conversation v
 where v.id = x.conversation_id and (v.id = $1 or v.folded_into = $1) and x.topic_id <> all ($2)
"""
ADD_TOPICS = """
insert into conversation_topic (conversation_id, topic_id, by_agent) select $1, u.id, $3 from unnest($2::uuid[]) u(id)
"""


async def set_topics(
    tx: Transaction, actor: Actor, conversation: UUID, topics: Sequence[UUID]
) -> tuple[ConversationTopic, ...] | Refused:
    """What a conversation is about: these topics and no others."""
    root = await lock_owner(tx, CONVERSATION, conversation)
    if root is None:
        return Refused("not_found", "There is no such conversation.", "conversation")
    shown: UUID = await tx.connection.fetchval(SHOWN_CONVERSATION, conversation)
    asked = list(dict.fromkeys(topics))
    had = {topic.id for topic in await fetch_conversation_topics(tx.connection, shown)}
    if len(asked) > MOST_OF_ONE:
        return invalid("topics", f"are at most {MOST_OF_ONE}")
    may = {topic.id for topic in await fetch_topics(tx.connection) if not topic.archived} | had
    if not set(asked) <= may:
        return invalid("topics", "are some of `GET /v1/topics` that are not archived")
    if set(asked) != had:
        await tx.connection.execute(DROP_TOPICS, shown, asked)
        await tx.connection.execute(ADD_TOPICS, shown, [topic for topic in asked if topic not in had], actor.id)
        await audit(tx.connection, actor.id, "topics_set", root, {"conversation": shown, "topics": asked})
        return await _tell(tx, root, shown)
    return await fetch_conversation_topics(tx.connection, shown)


async def add_topics(tx: Transaction, root: UUID, conversation: UUID, paths: Sequence[str]) -> None:
    """Add topics by a rule, by their path as `Billing/Refund`, to a conversation of a customer that is locked."""
    shown: UUID = await tx.connection.fetchval(SHOWN_CONVERSATION, conversation)
    had = {topic.id for topic in await fetch_conversation_topics(tx.connection, shown)}
    wanted = {path.casefold() for path in paths}
    there = [topic for topic in await fetch_topics(tx.connection) if not topic.archived] if wanted else []
    named = [topic.id for topic in there if "/".join(topic.path).casefold() in wanted]
    new = [id_ for id_ in named if id_ not in had][: max(0, MOST_OF_ONE - len(had))]
    if new:
        await tx.connection.execute(ADD_TOPICS, shown, new, None)
        await audit(tx.connection, None, "topics_set", root, {"conversation": shown, "topics": [*had, *new]})
        await _tell(tx, root, shown)


async def _tell(tx: Transaction, root: UUID, conversation: UUID) -> tuple[ConversationTopic, ...]:
    """Show the topics, and how often the customer has come about each by now."""
    topics = await fetch_conversation_topics(tx.connection, conversation)
    customer = await fetch_customer(tx.connection, root)
    await append_to_customer(tx, root, [TopicsChanged(conversation, topics), CustomerChanged(customer)])
    return topics

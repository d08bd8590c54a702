"""REST of what work is divided by: queues, and the skills that rules may ask for."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway.problems import bad_request, not_found
from gateway.rest_call import Call, Endpoint, Listing, ListQuery, Name, NoQuery, PlainId, decode_cursor, page_of
from gateway.rest_write import Write, check_if_match
from model.refusal import Refused
from profiles.audit import audit
from router import agent_skills, queue_settings
from router.agent_skills import Skill
from router.queue_settings import Queue, QueueSettings
from router.retiring import lock_queues, retire_queue

ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NO_QUEUE: Final = "There is no such queue; `GET /v1/queues` lists them."


class NewSkill(Struct, frozen=True, forbid_unknown_fields=True):
    """How a skill is called."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]


def check_id(key: str) -> None:
    """An id that may be given to something new. Raises Problem."""
    if not ID.fullmatch(key):
        raise bad_request("An id is made of small letters, digits and hyphens, at most 63 of them.", "key")


async def show_queue(call: Call[NoQuery]) -> Queue:
    """A queue as it is set."""
    found = await queue_settings.fetch_queue(call.connection, call.path["key"])
    if found is None:
        raise not_found(_NO_QUEUE)
    return found


async def put_queue(call: Write[QueueSettings]) -> Queue:
    """Add a queue, or set it anew for what is offered from now on; what is left out has its default."""
    connection, key = call.tx.connection, call.path["key"]
    check_id(key)
    before = await queue_settings.fetch_queue(connection, key, lock=True)
    if before is not None:
        check_if_match(call, before)
    elif call.if_match is not None:
        raise not_found(_NO_QUEUE)
    await queue_settings.keep_queue(connection, key, call.body)
    await audit(connection, call.actor.id, "queue.change", None, {"queue": key})
    call.after.append(call.parts.wake)
    return Queue(id=key, **{name: getattr(call.body, name) for name in QueueSettings.__struct_fields__})


class WhereTo(Struct, frozen=True, forbid_unknown_fields=True):
    """Which queue takes what waits and the accounts that fall back on it; without: the account's default queue."""

    move_to: Name | None = None


async def drop_queue(call: Write[None]) -> Refused | None:
    """Nobody serves this queue any more; what waits in it goes to another as it is, or to its account's default one."""
    connection, key = call.tx.connection, call.path["key"]
    await lock_queues(connection, [key, call.query.move_to])
    before = await queue_settings.fetch_queue(connection, key)
    if before is None:
        raise not_found(_NO_QUEUE)
    check_if_match(call, before)
    refused = await retire_queue(call.tx, key, call.query.move_to)
    if refused is None:
        await audit(connection, call.actor.id, "queue.remove", None, {"queue": key})
        call.after.append(call.parts.wake)
    return refused


async def list_skills(call: Call[ListQuery]) -> Listing[Skill]:
    """Skills by id."""
    after = decode_cursor(call.query.cursor, PlainId)
    rows = await agent_skills.fetch_skills(call.connection, call.query.limit + 1, after)
    return page_of(rows, call.query.limit, lambda row: row.id)


async def put_skill(call: Write[NewSkill]) -> Skill:
    """Add a skill, or name it anew."""
    key = call.path["key"]
    check_id(key)
    skill = Skill(key, call.body.name)
    await agent_skills.put_skill(call.tx.connection, skill)
    await audit(call.tx.connection, call.actor.id, "skill.change", None, {"skill": key})
    return skill


async def drop_skill(call: Write[None]) -> Refused | None:
    """Remove a skill that nobody has, nothing waits for and no rule asks for."""
    key = call.path["key"]
    refused = await agent_skills.delete_skill(call.tx.connection, key)
    if refused is None:
        await audit(call.tx.connection, call.actor.id, "skill.remove", None, {"skill": key})
    return refused


_QUEUE, _SKILL = "/v1/queues/{key}", "/v1/skills/{key}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _QUEUE, "queues.read", show_queue, NoQuery, Queue, tagged=True),
    Endpoint("PUT", _QUEUE, "queues.edit", put_queue, NoQuery, Queue, QueueSettings, tagged=True),
    Endpoint("DELETE", _QUEUE, "queues.edit", drop_queue, WhereTo, None, status=204, tagged=True),
    Endpoint("GET", "/v1/skills", "queues.read", list_skills, ListQuery, Listing[Skill]),
    Endpoint("PUT", _SKILL, "queues.edit", put_skill, NoQuery, Skill, NewSkill),
    Endpoint("DELETE", _SKILL, "queues.edit", drop_skill, NoQuery, None, status=204),
)

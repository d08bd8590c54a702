"""Replies and notes: who may write, where it goes, what changes with it; a frame sent twice changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest

from model.agent import Actor
from model.event import ConversationChanged, HeldChanged
from model.refusal import Refused
from model.wire import Note, Reply
from profiles.reply import note, reply, retry
from store.feeds import transaction
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.profile_seed import (
    ADA,
    BOB,
    add_account,
    add_agent,
    answer,
    conversation_of,
    customer_of,
    events_after,
    hold,
    opt,
    outbox_state,
    say,
    say_nothing,
)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


@pytest.fixture
async def mia(pool: Pool) -> Actor:
    """An agent who holds the contact of ADA, who said hello."""
    actor = await add_agent(pool, "Mia")
    await say(pool, "hello")
    await hold(pool, actor)
    return actor


async def send(pool: Pool, actor: Actor, frame: Reply) -> UUID | Refused:
    async with transaction(pool, say_nothing) as tx:
        return await reply(tx, actor, frame)


async def write(pool: Pool, actor: Actor, frame: Note) -> UUID | Refused:
    async with transaction(pool, say_nothing) as tx:
        return await note(tx, actor, frame)


async def again(pool: Pool, actor: Actor, entry: UUID) -> UUID | Refused:
    async with transaction(pool, say_nothing) as tx:
        return await retry(tx, actor, entry)


async def frame_to(pool: Pool, phone: str = ADA, **choices: object) -> Reply:
    conversation = await conversation_of(pool, phone)
    return msgspec.structs.replace(Reply(conversation, "hi there", new_id()), **choices)


def refused(outcome: UUID | Refused) -> tuple[str, str | None]:
    assert isinstance(outcome, Refused)
    return outcome.code, outcome.field


async def count(pool: Pool, table: str) -> int:
    found: int = await pool.fetchval(f"select count(*) from {table}")
    return found


async def test_a_reply_is_an_entry_and_an_outbox_row_of_the_same_moment(pool: Pool, mia: Actor) -> None:
    frame = await frame_to(pool)
    assert await send(pool, mia, frame) == frame.id
    row = await pool.fetchrow(
        "select o.*, e.at as entry_at, e.author_id, e.handle_id, e.customer_id as leaf from outbox o"
        " join entry e on e.id = o.entry_id"
    )
    assert row is not None
    assert (row["state"], row["to_address"], row["body"], row["account_id"]) == ("queued", ADA, "hi there", "sms-main")
    assert row["at"] == row["entry_at"]
    assert row["author_id"] == mia.id
    assert row["leaf"] == row["customer_id"] == await customer_of(pool)


async def test_the_same_frame_twice_or_at_once_is_one_reply(pool: Pool, mia: Actor) -> None:
    frame = await frame_to(pool)
    outcomes = await asyncio.gather(*(send(pool, mia, frame) for _ in range(5)))
    before = await events_after(pool, await customer_of(pool))
    assert await send(pool, mia, frame) == frame.id
    assert set(outcomes) == {frame.id}
    assert await count(pool, "outbox") == 1
    assert await events_after(pool, await customer_of(pool)) == before


async def test_an_id_that_belongs_to_another_entry_is_refused(pool: Pool, mia: Actor) -> None:
    frame = await frame_to(pool)
    await send(pool, mia, frame)
    await say(pool, "hello", phone=BOB)
    await hold(pool, mia, BOB)
    elsewhere = await frame_to(pool, BOB, id=frame.id)
    assert refused(await send(pool, mia, elsewhere)) == ("wrong_state", "id")
    assert refused(await write(pool, mia, Note(frame.conversation, "a note", frame.id))) == ("wrong_state", "id")
    assert await count(pool, "entry") == 3


async def test_only_the_holder_or_a_supervisor_may_reply(pool: Pool, mia: Actor) -> None:
    noah = await add_agent(pool, "Noah")
    frame = await frame_to(pool)
    assert refused(await send(pool, noah, frame)) == ("not_holder", "conversation")
    assert refused(await write(pool, noah, Note(frame.conversation, "x", new_id()))) == ("not_holder", "conversation")
    assert await count(pool, "outbox") == 0
    supervisor = await add_agent(pool, "Eva", "supervisor")
    assert await send(pool, supervisor, frame) == frame.id


async def test_an_integration_may_not_reply(pool: Pool, mia: Actor) -> None:
    service = await add_agent(pool, "crm", "service")
    assert refused(await send(pool, service, await frame_to(pool))) == ("not_holder", "conversation")


async def test_a_customer_who_opted_out_of_the_account_gets_no_reply(pool: Pool, mia: Actor) -> None:
    await opt(pool, "STOP", True)
    outcome = await send(pool, mia, await frame_to(pool))
    assert refused(outcome) == ("opted_out", None)
    await opt(pool, "START", False)
    assert isinstance(await send(pool, mia, await frame_to(pool)), UUID)


async def test_a_closed_conversation_takes_no_reply(pool: Pool, mia: Actor) -> None:
    await pool.execute("update conversation set status = 'closed', closed_at = now()")
    assert refused(await send(pool, mia, await frame_to(pool))) == ("wrong_state", "conversation")


async def test_a_text_that_cannot_be_stored_or_says_nothing_is_refused(pool: Pool, mia: Actor) -> None:
    for body in ("a\x00b", "  \n"):
        assert refused(await send(pool, mia, await frame_to(pool, body=body))) == ("bad_frame", "body")


async def test_the_reply_goes_where_the_frame_says_if_that_is_the_customers(pool: Pool, mia: Actor) -> None:
    await add_account(pool, "sms-two")
    await add_account(pool, "mail", "email")
    await add_account(pool, "calls", "voice")
    await say(pool, "hello", phone=BOB)
    chosen = await frame_to(pool, account="sms-two", to=ADA)
    assert await send(pool, mia, chosen) == chosen.id
    assert await pool.fetchval("select account_id from outbox where entry_id = $1", chosen.id) == "sms-two"
    for field, choices in {
        "to": ("no_handle", {"to": BOB}),
        "account": ("not_found", {"account": "nothing"}),
        "channel": ("no_handle", {"channel": "chat"}),
    }.items():
        code, choice = choices
        assert refused(await send(pool, mia, await frame_to(pool, **choice))) == (code, field)
    assert refused(await send(pool, mia, await frame_to(pool, account="mail"))) == ("no_handle", "to")
    assert refused(await send(pool, mia, await frame_to(pool, account="calls"))) == ("no_handle", "account")
    mismatch = await frame_to(pool, account="mail", channel="sms")
    assert refused(await send(pool, mia, mismatch)) == ("no_handle", "account")


async def test_a_reply_hands_the_turn_to_the_customer_and_says_so_once(pool: Pool, mia: Actor) -> None:
    customer = await customer_of(pool)
    start = len(await events_after(pool, customer))
    await answer(pool, mia, "one")
    await answer(pool, mia, "two")
    changed = [each.event for each in await events_after(pool, customer) if isinstance(each.event, ConversationChanged)]
    assert [(each.status, each.needs_attention) for each in changed[1:]] == [("waiting", False)]
    assert len(await events_after(pool, customer)) == start + 3


async def test_a_reply_updates_the_line_of_my_customers_and_starts_the_parking_clock(pool: Pool, mia: Actor) -> None:
    await answer(pool, mia, "x" * 200)
    row = await pool.fetchrow("select *, extract(epoch from due_at - clock_timestamp()) as seconds from contact")
    assert row is not None
    assert (row["preview"], row["preview_direction"], row["unread"]) == ("x" * 160, "out", 0)
    assert 500 < row["seconds"] <= 600
    body = await pool.fetchval("select body from event where kind = 3 and id = $1 order by seq desc limit 1", mia.id)
    held = msgspec.json.decode(body, type=HeldChanged).held
    assert (held.preview, held.unread, held.preview_direction) == ("x" * 160, 0, "out")


async def test_the_parking_clock_does_not_replace_the_one_that_waits_to_be_shown(pool: Pool, mia: Actor) -> None:
    await pool.execute("update contact set shown = false, due_at = '2026-01-01Z'")
    await answer(pool, mia, "hi")
    assert await pool.fetchval("select due_at = '2026-01-01Z' from contact")


async def test_a_supervisors_reply_leaves_the_holders_unread_count(pool: Pool, mia: Actor) -> None:
    supervisor = await add_agent(pool, "Eva", "supervisor")
    await answer(pool, supervisor, "let me help")
    row = await pool.fetchrow("select preview, unread, agent_id from contact")
    assert row is not None
    assert tuple(row) == ("let me help", 1, mia.id)


async def test_a_note_leaves_nothing_in_the_outbox_and_changes_no_status(pool: Pool, mia: Actor) -> None:
    frame = Note(await conversation_of(pool), "careful: VIP", new_id())
    assert await write(pool, mia, frame) == frame.id
    assert await write(pool, mia, frame) == frame.id
    assert await count(pool, "outbox") == 0
    assert await count(pool, "entry") == 2
    row = await pool.fetchrow("select status, needs_attention from conversation")
    assert row is not None
    assert tuple(row) == ("open", True)


@pytest.mark.parametrize("state", ["failed", "unknown"])
async def test_a_reply_that_failed_is_queued_again_with_a_new_fence_and_deadline(
    pool: Pool, mia: Actor, state: str
) -> None:
    entry = await answer(pool, mia, "hi")
    await pool.execute(
        "update outbox set state = $1, error = 'x', attempts = 9, fence = 4, deadline_at = now() - interval '1 day'",
        state,
    )
    assert await again(pool, mia, entry) == entry
    row = await pool.fetchrow("select state, error, attempts, fence, deadline_at > now() as alive from outbox")
    assert row is not None
    assert tuple(row) == ("queued", None, 0, 5, True)


@pytest.mark.parametrize("state", ["queued", "sent", "delivered", "read"])
async def test_what_did_not_fail_is_not_sent_again(pool: Pool, mia: Actor, state: str) -> None:
    entry = await answer(pool, mia, "hi")
    await pool.execute("update outbox set state = $1", state)
    assert refused(await again(pool, mia, entry)) == ("wrong_state", "entry")
    assert await outbox_state(pool, entry) == state


async def test_sending_again_asks_who_and_consent_anew(pool: Pool, mia: Actor) -> None:
    entry = await answer(pool, mia, "hi")
    await pool.execute("update outbox set state = 'failed'")
    assert refused(await again(pool, await add_agent(pool, "Noah"), entry)) == ("not_holder", "conversation")
    await opt(pool, "STOP", True)
    assert refused(await again(pool, mia, entry)) == ("opted_out", "entry")
    assert refused(await again(pool, mia, new_id())) == ("not_found", "entry")
    assert await outbox_state(pool, entry) == "failed"


async def test_a_reply_to_no_conversation_is_refused(pool: Pool, mia: Actor) -> None:
    assert refused(await send(pool, mia, Reply(new_id(), "hi", new_id()))) == ("not_found", "conversation")

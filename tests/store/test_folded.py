"""Merged customers: rows stay with their own leaf and conversation, screens are shown one (design §7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.agent import Actor
from model.customer import MergeView
from model.event import ContactChanged, ConversationChanged, EntryAdded
from model.refusal import Refused
from model.wire import Note, Reply
from profiles.move import move
from profiles.record import record
from profiles.reply import note, reply, retry
from profiles.unmerge import undo
from router.accept import Accepted, accept_offer
from router.closing import close_conversation
from router.desk import fetch_desk
from router.finishing import finish
from store.feeds import transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.invariants import follow
from tests.store.merged import check_folds, customer_of, merge, position, told
from tests.store.races import blocked, stays_open, text

ADA, BEA, CYD = "+14155550100", "+14155550101", "+14155550102"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company
        await company.check()
        await check_folds(company)


@pytest.fixture
async def ines(company: Company) -> Actor:
    actor = await company.hire()
    await company.seat(actor)
    return actor


async def talk_of(company: Company, phone: str) -> UUID:
    """The newest conversation of this number's own customer."""
    talk: UUID = await company.value(
        "select v.id from conversation v join handle h on h.customer_id = v.customer_id where h.value = $1 "
        "order by v.opened_at desc limit 1",
        phone,
    )
    return talk


async def folds(company: Company) -> dict[UUID, tuple[str, UUID | None]]:
    """Every conversation with its status and what it is folded into."""
    rows = await company.rows("select id, status, folded_into from conversation")
    return {row["id"]: (row["status"], row["folded_into"]) for row in rows}


async def close(company: Company, talk: UUID, actor: Actor) -> Refused | None:
    async with transaction(company.pool, company.announce) as tx:
        return await close_conversation(tx, talk, actor)


async def send(company: Company, actor: Actor, frame: Reply) -> UUID | Refused:
    async with transaction(company.pool, company.announce) as tx:
        return await reply(tx, actor, frame)


async def both_open(company: Company) -> tuple[UUID, UUID, UUID]:
    """ADA and BEA wrote, then were merged: the root, and their conversations, of which ADA's is shown."""
    await company.text(ADA)
    await company.text(BEA)
    shown, folded = await talk_of(company, ADA), await talk_of(company, BEA)
    return await merge(company, BEA, ADA), shown, folded


async def test_a_message_of_the_other_leaf_stands_in_its_own_conversation_and_is_shown_in_the_one(
    company: Company,
) -> None:
    await company.text(ADA)
    await company.text(BEA)
    await company.value(
        "update contact set state = 'closed' where handle_id = (select id from handle where value = $1) returning id",
        BEA,
    )
    await company.value(
        "update conversation set status = 'closed', closed_at = now() - interval '80 hours' where id = $1 returning id",
        await talk_of(company, BEA),
    )
    shown, root = await talk_of(company, ADA), await merge(company, ADA, BEA)
    leaf, before = await customer_of(company, BEA), await position(company, root)
    await company.text(BEA, "me again")
    own = await talk_of(company, BEA)
    assert await folds(company) == {**(await folds(company)), shown: ("new", None), own: ("new", shown)}
    row = (await company.rows("select customer_id, conversation_id from entry where body = 'me again'"))[0]
    assert tuple(row) == (leaf, own)
    [event] = await told(company, root, before)
    assert isinstance(event, EntryAdded)
    assert (event.entry.conversation, event.entry.leaf) == (shown, leaf)
    row = (await company.rows("select conversation_id, messages, preview from contact where state = 'new'"))[0]
    assert tuple(row) == (shown, 2, "me again"), "it joins the group's contact: one customer waits once"


async def test_each_leaf_with_a_live_contact_of_its_own_keeps_to_it(company: Company) -> None:
    root, shown, _ = await both_open(company)
    before = await position(company, root)
    await company.text(ADA, "a")
    await company.text(BEA, "b")
    assert [tuple(row) for row in await company.rows("select preview, messages from contact order by arrived_at")] == [
        ("a", 2),
        ("b", 2),
    ]
    events = await told(company, root, before)
    assert [event.entry.conversation for event in events if isinstance(event, EntryAdded)] == [shown, shown]
    assert [event.entry.leaf for event in events if isinstance(event, EntryAdded)] == [
        await customer_of(company, ADA),
        None,
    ]


async def test_a_batch_of_both_leaves_leaves_one_conversation_shown_and_one_contact(company: Company) -> None:
    await company.text(ADA)
    await company.text(BEA)
    await company.value("update contact set state = 'closed' returning id")
    await company.value(
        "update conversation set status = 'closed', closed_at = now() - interval '80 hours' returning id"
    )
    root = await merge(company, ADA, BEA)
    async with company.pool.acquire() as connection:
        done = await record(
            connection, [text("b", phone=BEA, key="b"), text("a", phone=ADA, key="a"), text("b2", phone=BEA, key="b2")]
        )
    shown, folded = await talk_of(company, BEA), await talk_of(company, ADA)
    assert {shown: ("new", None), folded: ("new", shown)}.items() <= (await folds(company)).items()
    assert await company.value("select count(*) from contact where state = 'new'") == 1
    assert await company.value("select messages from contact where state = 'new'") == 3
    assert len(done.to_route) == 1
    entries = [event.entry for event in await told(company, root) if isinstance(event, EntryAdded)][-3:]
    assert [entry.body for entry in entries] == ["b", "a", "b2"]
    assert {entry.conversation for entry in entries} == {shown}


async def test_what_was_closed_not_long_ago_opens_again_with_the_leafs_own_folded_into_it(
    company: Company, ines: Actor
) -> None:
    root, shown, folded = await both_open(company)
    assert await close(company, shown, ines) is None
    before = await position(company, root)
    await company.text(BEA, "one more thing")
    assert await folds(company) == {shown: ("open", None), folded: ("open", shown)}
    changed = [event for event in await told(company, root, before) if isinstance(event, ConversationChanged)]
    assert [(event.conversation, event.status, event.needs_attention) for event in changed] == [(shown, "open", True)]
    assert await company.value("select conversation_id from contact where state <> 'closed'") == folded


async def closed_apart(company: Company, ines: Actor) -> tuple[UUID, UUID, UUID, UUID]:
    """ADA's was closed just now, with BEA's folded into it; CYD's is open and shown: the root, and the three."""
    _, closed, folded = await both_open(company)
    assert await close(company, closed, ines) is None
    await company.text(CYD)
    return await merge(company, CYD, BEA), closed, folded, await talk_of(company, CYD)


@pytest.mark.parametrize("phone", [ADA, BEA])
@pytest.mark.parametrize("by", ["alone", "in a batch", "a reply"])
async def test_what_was_closed_apart_from_the_one_shown_stays_closed_and_its_words_where_they_are(
    company: Company, ines: Actor, phone: str, by: str
) -> None:
    root, closed, folded, shown = await closed_apart(company, ines)
    await company.drain()
    await company.take(ines)
    async with company.pool.acquire() as connection:
        screen = await follow(connection, root, None)
        if by == "alone":
            await company.text(phone, "again")
        elif by == "in a batch":
            await record(connection, [text("again", phone=phone, key="a"), text("and", phone=CYD, key="c")])
        else:
            assert await send(company, ines, Reply(shown, "again", id_ := new_id(), to=phone)) == id_
        await follow(connection, root, screen)
    own = await talk_of(company, phone)
    status = "waiting" if by == "a reply" else "open"
    assert await folds(company) == {
        shown: (status, None),
        own: (status, shown),
        closed: ("closed", None),
        folded: ("closed", closed),
    }


async def test_what_was_closed_with_the_one_shown_opens_again_in_it_for_a_reply_too(
    company: Company, ines: Actor
) -> None:
    root, shown, folded = await both_open(company)
    assert await close(company, shown, ines) is None
    await company.text(ADA, "again")
    await company.drain()
    await company.take(ines)
    async with company.pool.acquire() as connection:
        screen = await follow(connection, root, None)
        assert await send(company, ines, Reply(shown, "both of you", id_ := new_id(), to=BEA)) == id_
        await follow(connection, root, screen)
    assert await folds(company) == {shown: ("waiting", None), folded: ("waiting", shown)}


async def test_who_shared_a_contact_and_was_moved_with_it_has_one_of_their_own_when_they_part(
    company: Company, ines: Actor
) -> None:
    _, shown, folded = await both_open(company)
    await company.value("update contact set state = 'closed' where conversation_id = $1 returning id", folded)
    await company.text(BEA, "shares it")
    await company.text(CYD)
    async with transaction(company.pool, company.announce) as tx:
        assert isinstance(await move(tx, ines, shown, await customer_of(company, CYD)), MergeView)
    inner = "select g.id from merge g join conversation v on v.customer_id = g.loser_id where v.id = $1"
    async with transaction(company.pool, company.announce) as tx:
        assert isinstance(await undo(tx, await company.value(inner, folded), ines), MergeView)
    await check_folds(company)
    waits = "select preview from contact where conversation_id = $1 and state = 'new'"
    assert await company.value(waits, folded) == "shares it"


async def test_a_reply_goes_to_the_leaf_of_its_handle_and_is_shown_in_the_one(company: Company, ines: Actor) -> None:
    root, shown, folded = await both_open(company)
    await company.drain()
    await company.take(ines)
    await company.take(ines)
    before = await position(company, root)
    id_ = new_id()
    frame = Reply(folded, "both of you", id_, to=ADA, account="sms-main")
    assert await send(company, ines, frame) == id_
    assert await send(company, ines, frame) == id_, "the same frame again"
    row = (await company.rows("select customer_id, conversation_id from entry where id = $1", id_))[0]
    assert tuple(row) == (await customer_of(company, ADA), shown)
    entry, changed = await told(company, root, before)
    assert isinstance(entry, EntryAdded)
    assert isinstance(changed, ConversationChanged)
    assert (entry.entry.conversation, entry.entry.leaf) == (shown, await customer_of(company, ADA))
    assert (changed.conversation, changed.status) == (shown, "waiting")
    other = new_id()
    assert await send(company, ines, Reply(shown, "and you", other, to=BEA, account="sms-main")) == other
    row = (
        await company.rows(
            "select e.conversation_id, o.conversation_id, o.customer_id from entry e "
            "join outbox o on o.entry_id = e.id where e.id = $1",
            other,
        )
    )[0]
    assert tuple(row) == (folded, folded, root)
    assert [row["needs_attention"] for row in await company.rows("select needs_attention from conversation")] == [
        False
    ] * 2
    await company.value("update outbox set state = 'failed' returning entry_id")
    async with transaction(company.pool, company.announce) as tx:
        assert await retry(tx, ines, other) == other


async def test_a_reply_to_a_leaf_without_a_conversation_begins_one_folded(company: Company, ines: Actor) -> None:
    await company.text(BEA)
    await company.value("update contact set state = 'closed' returning id")
    await company.value(
        "update conversation set status = 'closed', closed_at = now() - interval '80 hours' returning id"
    )
    old = await talk_of(company, BEA)
    await company.text(ADA)
    shown = await talk_of(company, ADA)
    await merge(company, ADA, BEA)
    await company.drain()
    await company.take(ines)
    assert await send(company, ines, Reply(shown, "by the other number", id_ := new_id(), to=BEA)) == id_
    own = await talk_of(company, BEA)
    assert own not in (old, shown)
    assert (await folds(company))[own] == ("waiting", shown)
    assert await company.value("select conversation_id from entry where id = $1", id_) == own
    await company.text(BEA, "thanks")
    assert await talk_of(company, BEA) == own


async def test_a_note_in_a_folded_conversation_is_written_in_the_one_shown(company: Company, ines: Actor) -> None:
    root, shown, folded = await both_open(company)
    await company.drain()
    await company.take(ines)
    id_ = new_id()
    async with transaction(company.pool, company.announce) as tx:
        assert await note(tx, ines, Note(folded, "two numbers, one person", id_)) == id_
    row = (await company.rows("select customer_id, conversation_id from entry where id = $1", id_))[0]
    assert tuple(row) == (root, shown)


async def test_whoever_holds_a_contact_of_either_may_write(company: Company, ines: Actor) -> None:
    _, shown, folded = await both_open(company)
    stranger = await company.hire("Marek")
    refused = await send(company, stranger, Reply(shown, "no", new_id()))
    assert isinstance(refused, Refused)
    assert refused.code == "not_holder"
    await company.value("update contact set state = 'closed' where conversation_id = $1 returning id", shown)
    await company.drain()
    await company.take(ines)
    assert isinstance(await send(company, ines, Reply(shown, "yes", new_id())), UUID)
    assert (
        await company.value(
            "select count(*) from contact where conversation_id = $1 and agent_id = $2", folded, ines.id
        )
        == 1
    )
    await company.value("update conversation set needs_attention = false returning id")


async def test_an_accepted_contact_of_a_folded_conversation_is_shown_in_the_one(company: Company, ines: Actor) -> None:
    root, shown, folded = await both_open(company)
    await company.drain()
    offer = await company.value(
        "select o.id from offer o join contact c on c.id = o.contact_id where c.conversation_id = $1", folded
    )
    before = await position(company, root)
    async with company.pool.acquire() as connection:
        accepted = await accept_offer(connection, offer, ines)
        again = await accept_offer(connection, offer, ines)
    assert isinstance(accepted, Accepted)
    assert isinstance(again, Accepted)
    assert (accepted.contact.conversation, accepted.customer) == (shown, root)
    assert again.contact == accepted.contact
    opened, entry, contact = await told(company, root, before)
    assert isinstance(opened, ConversationChanged)
    assert isinstance(entry, EntryAdded)
    assert isinstance(contact, ContactChanged)
    assert (opened.conversation, opened.status) == (shown, "open")
    assert (entry.entry.conversation, entry.entry.leaf, contact.contact) == (shown, None, accepted.contact)
    assert await folds(company) == {shown: ("open", None), folded: ("open", shown)}
    async with company.pool.acquire() as connection:
        desk = await fetch_desk(connection, ines.id)
    assert desk is not None
    assert [held.conversation for held in desk.contacts] == [shown]


async def test_an_accept_that_waits_for_a_merge_lands_on_the_profile_that_became_of_it(
    company: Company, ines: Actor
) -> None:
    await company.text(BEA)
    await company.text(ADA)
    await company.drain()
    ada, bea = await customer_of(company, ADA), await customer_of(company, BEA)
    shown, folded = await talk_of(company, BEA), await talk_of(company, ADA)
    offer = await company.value(
        "select o.id from offer o join contact c on c.id = o.contact_id where c.conversation_id = $1", folded
    )
    async with company.pool.acquire() as merging, company.pool.acquire() as accepting, stays_open(merging) as tx:
        await merging.execute("select from stream order by id for no key update")
        answer = asyncio.create_task(accept_offer(accepting, offer, ines))
        await blocked(company.pool, answer)
        await merging.execute("update customer set root_id = $1 where id = $2", bea, ada)
        await merging.execute(
            "update conversation set profile_id = $1, folded_into = $2 where id = $3", bea, shown, folded
        )
        await tx.commit()
        accepted = await answer
    assert isinstance(accepted, Accepted), accepted
    assert (accepted.customer, accepted.contact.conversation) == (bea, shown)
    assert await position(company, ada) == len(await told(company, ada)) == 3, "nothing more on the feed nobody follows"


@pytest.mark.parametrize("named", ["shown", "folded"])
async def test_closing_ends_all_that_is_folded_and_leaves_no_contact_behind(
    company: Company, ines: Actor, named: str
) -> None:
    root, shown, folded = await both_open(company)
    await company.drain()
    await company.take(ines)
    before = await position(company, root)
    assert await close(company, shown if named == "shown" else folded, ines) is None
    assert await company.states() == ["closed", "closed"]
    assert await folds(company) == {shown: ("closed", None), folded: ("closed", shown)}
    *_, entry, changed = await told(company, root, before)
    assert isinstance(entry, EntryAdded)
    assert isinstance(changed, ConversationChanged)
    assert (entry.entry.body, entry.entry.conversation, changed.conversation) == ("closed", shown, shown)
    assert await close(company, folded, ines) is None
    assert len(await told(company, root, before)) == await position(company, root) - before, (
        "closing again says nothing"
    )


async def test_closing_is_refused_while_another_has_a_contact_that_is_folded(company: Company, ines: Actor) -> None:
    _, shown, folded = await both_open(company)
    marek = await company.hire("Marek")
    await company.drain()
    offer = await company.value(
        "select o.id from offer o join contact c on c.id = o.contact_id where c.conversation_id = $1", folded
    )
    async with company.pool.acquire() as connection:
        assert isinstance(await accept_offer(connection, offer, ines), Accepted)
    refused = await close(company, shown, marek)
    assert isinstance(refused, Refused)
    assert refused.code == "contacts_live"
    assert set((await folds(company)).values()) == {("open", None), ("open", shown)}


async def test_wrap_up_of_a_folded_contact_is_shown_in_the_one_and_a_message_brings_it_back(
    company: Company, ines: Actor
) -> None:
    await company.value("update queue set wrap_up_seconds = 30 where id = 'general' returning id")
    root, shown, folded = await both_open(company)
    await company.drain()
    await company.take(ines)
    await company.take(ines)
    contact = await company.value("select id from contact where conversation_id = $1", folded)
    before = await position(company, root)
    async with transaction(company.pool, company.announce) as tx:
        assert await finish(tx, contact, ines) is None
    entry, changed = await told(company, root, before)
    assert isinstance(entry, EntryAdded)
    assert isinstance(changed, ContactChanged)
    assert (entry.entry.conversation, changed.contact.conversation) == (shown, shown)
    assert (changed.contact.state, changed.contact.id) == ("wrapping", contact)
    assert await company.value("select conversation_id from entry where id = $1", entry.entry.id) == folded
    await company.text(BEA, "wait")
    assert await company.value("select state from contact where id = $1", contact) == "assigned"
    again = [event for event in await told(company, root, before) if isinstance(event, ContactChanged)][-1]
    assert (again.contact.conversation, again.contact.state) == (shown, "assigned")


async def test_lines_and_offers_bear_the_name_the_profile_is_shown_by(company: Company, ines: Actor) -> None:
    root, shown, _ = await both_open(company)
    await company.value("update customer set name = 'B. Ola' where id = $1 returning id", root)
    await company.value("update customer set shown_name = 'Bea Ola' where id = $1 returning id", root)
    await company.drain()
    async with company.pool.acquire() as connection:
        desk = await fetch_desk(connection, ines.id)
        assert desk is not None
        assert {card.customer_name for card in desk.offers} == {"Bea Ola"}
    await company.take(ines)
    await company.text(ADA, "hello?")
    rows = await company.rows("select body from event where kind = 3 order by seq")
    held = [row["body"] for row in rows if '"held"' in row["body"]]
    assert held
    assert all('"Bea Ola"' in body and str(shown) in body for body in held)
    offers = [row["body"] for row in rows if '"kind" : "offer",' in row["body"]]
    assert offers
    assert all('"Bea Ola"' in body for body in offers)


async def test_rules_see_what_all_merged_customers_said_and_are(company: Company) -> None:
    await company.value("insert into queue (id, name) values ('senior', 'Senior'), ('refunds', 'Refunds') returning id")
    rule = (
        '{"rules": [{"name": "vip", "when": {"field": "tag", "is": "vip"}, "queue": "senior"}, '
        '{"name": "money", "when": {"field": "text", "contains": "refund"}, "queue": "refunds"}]}'
    )
    await company.value("insert into rule_set (body) values ($1) returning version", rule)
    root, _, _ = await both_open(company)
    await company.value(
        "update contact set state = 'closed' where handle_id = (select id from handle where value = $1) returning id",
        BEA,
    )
    await company.text(BEA, "I want a refund")
    await company.drain()
    assert await company.value("select queue_id from contact where state = 'queued'") == "refunds"
    lost = await customer_of(company, ADA)
    await company.value("update customer set tags = '{vip}' where id = $1 returning id", lost)
    await company.text(BEA, "please")
    await company.drain()
    assert await company.value("select queue_id from contact where state = 'queued'") == "senior"
    edited = '{"tags": {"source": "agent", "at": "2100-01-01T00:00:00Z"}}'
    await company.value("update customer set facts = $2 where id = $1 returning id", root, edited)
    await company.text(BEA, "anyone?")
    await company.drain()
    assert await company.value("select queue_id from contact where state = 'queued'") == "refunds", (
        "the tag was removed"
    )

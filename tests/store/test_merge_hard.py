"""The hard cases of merging, each a test: chains, what closes, holds and moves meanwhile, and what arrives."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from model.agent import Actor
from model.customer import MergeView
from model.refusal import Refused
from model.wire import Note, Reply
from profiles.handle_edits import HandleChange, change_handle
from profiles.identify import Identified, identify
from profiles.merge import MergeOrder, merge
from profiles.move import move
from profiles.profile import Snapshot, fetch_snapshot
from profiles.reply import note, reply
from profiles.unmerge import undo
from router.closing import close_conversation
from router.finishing import finish
from store.feeds import transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.identity_rows import rows_of
from tests.store.merged import check_folds, customer_of

ADA, BEA, CYD, DAN = "+14155550100", "+14155550101", "+14155550102", "+14155550103"


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


async def join(company: Company, survivor: UUID, loser: UUID, by: Actor) -> UUID:
    async with transaction(company.pool, company.announce) as tx:
        done = await merge(tx, MergeOrder(survivor, loser, by=by))
    assert isinstance(done, MergeView), done
    return done.id


async def part(company: Company, merge_id: UUID, by: Actor) -> None:
    async with transaction(company.pool, company.announce) as tx:
        done = await undo(tx, merge_id, by)
    assert isinstance(done, MergeView), done


async def wrote(company: Company, *phones: str) -> list[UUID]:
    for phone in phones:
        await company.text(phone, f"first of {phone}")
    return [await customer_of(company, phone) for phone in phones]


async def shown(company: Company, customer: UUID) -> Snapshot:
    async with company.pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, customer)
    assert snapshot is not None
    return snapshot


def said(snapshot: Snapshot) -> list[str]:
    """The messages on the timeline."""
    return [entry.body for entry in snapshot.timeline if entry.kind == "message"]


async def talk_of(company: Company, leaf: UUID) -> UUID:
    talk: UUID = await company.value(
        "select id from conversation where customer_id = $1 order by opened_at desc limit 1", leaf
    )
    return talk


async def close(company: Company, talk: UUID, actor: Actor) -> Refused | None:
    async with transaction(company.pool, company.announce) as tx:
        return await close_conversation(tx, talk, actor)


def groups(pairs: Sequence[tuple[int, int]]) -> set[frozenset[int]]:
    """Which of four people these joins, of whoever is shown at the time, hold together."""
    group = {each: frozenset((each,)) for each in range(4)}
    for one, other in pairs:
        both = group[one] | group[other]
        group |= dict.fromkeys(both, both)
    return set(group.values())


ENDS = ((0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 1, 0))


@pytest.mark.parametrize("first_undone", [0, 1, 2])
@pytest.mark.parametrize(("one", "two", "three"), ENDS)
async def test_a_chain_comes_apart_in_any_order(
    company: Company, ines: Actor, one: int, two: int, three: int, first_undone: int
) -> None:
    """I6: ((A + B) + C) + D, whoever survives, undone from any end or the middle."""
    people = await wrote(company, ADA, BEA, CYD, DAN)
    alone = [await rows_of(company, person) for person in people]
    pairs = [(one, two), (two, three), (3, one)]
    shown_as = [(one, two), (one, three), (3, one)]
    links = [await join(company, people[survivor], people[loser], ines) for survivor, loser in pairs]
    assert {await company.value("select root_id from customer where id = $1", each) for each in people} == {people[3]}
    assert len((await shown(company, people[0])).conversations) == 1
    order = next(each for each in itertools.permutations(range(3)) if each[0] == first_undone)
    for undone, link in enumerate(order, 1):
        await part(company, links[link], ines)
        await check_folds(company)
        rows = await company.rows("select root_id, array_agg(id) as ids from customer group by root_id")
        together = groups([shown_as[each] for each in order[undone:]])
        assert {frozenset(row["ids"]) for row in rows} == {
            frozenset(people[each] for each in group) for group in together
        }
    assert [await rows_of(company, person) for person in people] == alone


async def test_the_survivors_conversation_closed_while_folded_stays_closed_and_its_own(
    company: Company, ines: Actor
) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    link = await join(company, bea, ada, ines)
    boss = await company.hire("Ada", role="supervisor")
    folded = await talk_of(company, bea)
    assert await close(company, folded, boss) is None, "a folded one means the one shown"
    assert {row["status"] for row in await company.rows("select status from conversation")} == {"closed"}
    await part(company, link, ines)
    row = (await company.rows("select status, folded_into from conversation where id = $1", folded))[0]
    assert tuple(row) == ("closed", None)
    assert [each.status for each in (await shown(company, bea)).conversations] == ["closed"]
    await company.text(BEA, "again")
    assert await talk_of(company, bea) == folded, "it reopens as its own"
    assert said(await shown(company, bea)) == [f"first of {BEA}", "again"]


async def test_two_agents_who_hold_both_contacts_keep_them_through_merge_and_unmerge(
    company: Company, ines: Actor
) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    marek = await company.hire("Marek", messaging=1)
    await company.value("update agent_state set cap_messaging = 1 where agent_id = $1 returning seq", ines.id)
    await company.seat(marek)
    await company.drain()
    for actor in (ines, marek):
        await company.take(actor)
    holds = "select agent_id, conversation_id from contact order by arrived_at, id"
    before = [tuple(row) for row in await company.rows(holds)]
    assert {agent for agent, _ in before} == {ines.id, marek.id}
    rows = await rows_of(company, ada, bea)
    link = await join(company, ada, bea, ines)
    [talk] = (await shown(company, bea)).conversations
    assert {contact.agent.id for contact in talk.contacts if contact.agent} == {ines.id, marek.id}
    assert [tuple(row) for row in await company.rows(holds)] == before
    other = marek if (await company.rows(holds))[0]["agent_id"] == ines.id else ines
    done = await close(company, talk.id, ines)
    assert isinstance(done, Refused)
    assert done.code == "contacts_live"
    await part(company, link, other)
    assert await rows_of(company, ada, bea) == rows
    assert [tuple(row) for row in await company.rows(holds)] == before


async def test_a_handle_moved_after_the_merge_goes_where_it_was_moved_to(company: Company, ines: Actor) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    link = await join(company, ada, bea, ines)
    handle = await company.value("select id from handle where value = $1", BEA)
    async with transaction(company.pool, company.announce) as tx:
        await change_handle(tx, ines, handle, HandleChange(shared=True))
    async with transaction(company.pool, company.announce) as tx:
        await change_handle(tx, ines, handle, HandleChange(shared=False, customer=ada))
    await company.text(BEA, "by the moved handle")
    await part(company, link, ines)
    assert await company.value("select customer_id from handle where value = $1", BEA) == ada
    assert said(await shown(company, ada)) == [f"first of {ADA}", "by the moved handle"]
    assert said(await shown(company, bea)) == [f"first of {BEA}"]
    await company.text(BEA, "and again")
    assert said(await shown(company, ada))[-1] == "and again"


ERASE = (
    "delete from event where id = $1",
    "delete from outbox where customer_id = $1",
    "delete from entry where customer_id = $1",
    "delete from contact where customer_id = $1",
    "delete from conversation_topic t using conversation v where v.id = t.conversation_id and v.customer_id = $1",
    "update conversation set folded_into = null where status = 'closed'"
    " and folded_into in (select id from conversation where customer_id = $1)",
    "delete from conversation where customer_id = $1",
    "delete from link where customer_id = $1",
    "delete from consent c using handle h where h.id = c.handle_id and h.customer_id = $1",
    "delete from handle where customer_id = $1",
    "delete from likeness_due where customer_id = $1",
    "delete from merge where loser_id = $1",
    "delete from stream where id = $1",
    "delete from customer where id = $1",
)


async def test_one_leaf_can_be_erased_and_the_other_stays_whole(company: Company, ines: Actor) -> None:
    """All rows of a leaf carry its id: after its merge is undone they can go without touching the other's."""
    ada, bea = await wrote(company, ADA, BEA)
    before = await rows_of(company, ada)
    link = await join(company, ada, bea, ines)
    await company.text(BEA, "to be forgotten")
    await part(company, link, ines)
    async with company.pool.acquire() as connection, connection.transaction():
        for erase in ERASE:
            await connection.execute(erase, bea)
    assert await rows_of(company, ada) == before
    assert said(await shown(company, ada)) == [f"first of {ADA}"]
    await company.text(ADA, "still here")
    assert said(await shown(company, ada)) == [f"first of {ADA}", "still here"]


async def test_open_conversations_of_both_fold_without_losing_an_id_and_unfold(company: Company, ines: Actor) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    talks = {await talk_of(company, ada), await talk_of(company, bea)}
    before = await rows_of(company, ada, bea)
    link = await join(company, bea, ada, ines)
    assert {row["id"] for row in await company.rows("select id from conversation")} == talks
    assert [each.id for each in (await shown(company, bea)).conversations] == [await talk_of(company, ada)]
    await part(company, link, ines)
    assert await rows_of(company, ada, bea) == before


async def test_what_arrived_since_is_sorted_by_the_handle_it_came_in_on(company: Company, ines: Actor) -> None:
    """I6."""
    ada, bea = await wrote(company, ADA, BEA)
    await company.drain()
    await company.take(ines)
    await company.take(ines)
    link = await join(company, ada, bea, ines)
    await company.text(BEA, "from B")
    await company.text(ADA, "from A")
    talk = await talk_of(company, ada)
    async with transaction(company.pool, company.announce) as tx:
        answered = await reply(tx, ines, Reply(talk, "to B", new_id(), to=BEA, account="sms-main"))
    async with transaction(company.pool, company.announce) as tx:
        noted = await note(tx, ines, Note(talk, "of both", new_id()))
    assert isinstance(answered, UUID)
    assert isinstance(noted, UUID)
    await part(company, link, ines)
    assert said(await shown(company, ada)) == [f"first of {ADA}", "from A"]
    assert said(await shown(company, bea)) == [f"first of {BEA}", "from B", "to B"]
    notes = await company.rows("select customer_id from entry where kind = 'note'")
    assert [row["customer_id"] for row in notes] == [ada], "what has no handle stays with the survivor"
    states = {
        row["customer_id"]: (row["status"], row["needs_attention"])
        for row in await company.rows("select customer_id, status, needs_attention from conversation")
    }
    assert states == {ada: ("open", True), bea: ("waiting", False)}, "each by its own last word"


async def test_who_shared_the_others_contact_is_not_stranded_when_they_come_apart(
    company: Company, ines: Actor
) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    await company.drain()
    await company.take(ines)
    await company.take(ines)
    mine = await company.value("select id from contact where customer_id = $1", bea)
    async with transaction(company.pool, company.announce) as tx:
        assert await finish(tx, mine, ines) is None
    link = await join(company, ada, bea, ines)
    await company.text(BEA, "are you there?")
    live = "select count(*) from contact where state not in ('closed', 'abandoned')"
    assert await company.value(live) == 1, "one person waits once"
    row = (
        await company.rows(
            "select h.value, preview from contact c join handle h on h.id = c.handle_id where c.customer_id = $1", ada
        )
    )[0]
    assert tuple(row) == (BEA, "are you there?")
    await part(company, link, ines)
    row = (
        await company.rows(
            "select h.value, preview from contact c join handle h on h.id = c.handle_id where c.customer_id = $1", ada
        )
    )[0]
    assert tuple(row) == (ADA, f"first of {ADA}"), "a reply goes to the right one again"
    found = await company.rows(
        "select id, state, preview, unread, conversation_id from contact where customer_id = $1 and id <> $2", bea, mine
    )
    assert len(found) == 1, "BEA waits too"
    fresh = found[0]
    assert tuple(fresh)[1:] == ("new", "are you there?", 2, await talk_of(company, bea))
    await company.drain()
    assert await company.value("select state from contact where id = $1", fresh["id"]) == "offered"


async def test_after_an_undo_a_moved_conversation_shows_again_the_word_that_moved_with_it(
    company: Company, ines: Actor
) -> None:
    """Its handle stayed with whom it was taken from; meanwhile another of the group, who has no contact, had a word."""
    ada, bea, cyd, dan = await wrote(company, ADA, BEA, CYD, DAN)
    for each in (ada, dan):
        assert await close(company, await talk_of(company, each), ines) is None
    async with transaction(company.pool, company.announce) as tx:
        assert isinstance(await move(tx, ines, await talk_of(company, bea), ada), MergeView)
    await join(company, cyd, dan, ines)
    await company.text(DAN, "of the other contact")
    await join(company, ada, cyd, ines)
    before = await rows_of(company, ada, bea, cyd, dan)
    link = await join(company, ada, bea, ines)
    await company.text(BEA, "back again")
    await part(company, link, ines)
    after = await rows_of(company, ada, bea, cyd, dan)
    shows = "select preview from contact where state not in ('closed', 'abandoned') order by arrived_at"
    previews = [row["preview"] for row in await company.rows(shows)]
    assert previews == [f"first of {BEA}", "of the other contact", "back again"]
    assert [row for row in after["contact"] if row in before["contact"]] == before["contact"]


WAITS = "select needs_attention from conversation where id = $1"


async def test_who_waits_in_a_folded_conversation_is_seen_at_the_shown_one(company: Company, ines: Actor) -> None:
    ada, bea, cyd = await wrote(company, ADA, BEA, CYD)
    seen = await talk_of(company, ada)
    await company.value(
        "update conversation set needs_attention = false, status = 'waiting' where id = $1 returning id", seen
    )
    before = await rows_of(company, ada, bea, cyd)
    link = await join(company, bea, ada, ines)
    assert await company.value(WAITS, seen), "BEA waits"
    [talk] = (await shown(company, bea)).conversations
    assert (talk.id, talk.needs_attention) == (seen, True)
    both = await rows_of(company, ada, bea, cyd)
    other = await join(company, bea, cyd, ines)
    await part(company, other, ines)
    assert await rows_of(company, ada, bea, cyd) == both
    await part(company, link, ines)
    assert await rows_of(company, ada, bea, cyd) == before


async def test_what_was_shown_is_shown_again_beside_an_older_one_that_stays_closed(
    company: Company, ines: Actor
) -> None:
    ada, bea, cyd = await wrote(company, ADA, BEA, CYD)
    boss, old = await company.hire("Ada", role="supervisor"), await talk_of(company, ada)
    assert await close(company, old, boss) is None
    await join(company, ada, bea, ines)
    await company.text(ADA, "again")
    talks = [(talk.id, talk.status) for talk in (await shown(company, ada)).conversations]
    assert talks == [(await talk_of(company, bea), "new"), (old, "closed")], "the open one stays the one shown"
    before = await rows_of(company, ada, bea, cyd)
    link = await join(company, cyd, ada, ines)
    await part(company, link, ines)
    assert await rows_of(company, ada, bea, cyd) == before


@pytest.mark.parametrize("survivor", [ADA, BEA])
async def test_the_mark_stays_while_another_needs_it(company: Company, ines: Actor, survivor: str) -> None:
    """Both who wait were merged in; the one that has caused the mark leaves first, or the one marked does."""
    ada, bea, cyd = await wrote(company, ADA, BEA, CYD)
    seen = await talk_of(company, ada)
    await company.value("update conversation set needs_attention = false where id = $1 returning id", seen)
    before = await rows_of(company, ada, bea, cyd)
    first = await join(company, *((ada, bea) if survivor == ADA else (bea, ada)), ines)
    second = await join(company, ada, cyd, ines)
    await part(company, first, ines)
    assert await company.value(WAITS, seen) == (survivor == ADA)
    await part(company, second, ines)
    assert await rows_of(company, ada, bea, cyd) == before


async def test_closed_folds_of_an_earlier_merge_are_put_back(company: Company, ines: Actor) -> None:
    """A conversation closed with the one it was folded into follows it when that is folded itself, and comes back."""
    cyd, ada, bea = await wrote(company, CYD, ADA, BEA)
    boss = await company.hire("Ada", role="supervisor")
    await join(company, ada, bea, ines)
    assert await close(company, await talk_of(company, ada), boss) is None
    await company.text(ADA, "again")
    old = await talk_of(company, bea)
    assert await company.value("select status from conversation where id = $1", old) == "closed"
    before = await rows_of(company, ada, bea, cyd)
    link = await join(company, cyd, ada, ines)
    assert await company.value("select folded_into from conversation where id = $1", old) == await talk_of(company, cyd)
    await check_folds(company)
    await part(company, link, ines)
    assert await rows_of(company, ada, bea, cyd) == before


async def test_what_only_the_others_word_reopened_is_closed_again(company: Company, ines: Actor) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    boss = await company.hire("Ada", role="supervisor")
    for leaf in (bea, ada):
        assert await close(company, await talk_of(company, leaf), boss) is None
    before = await rows_of(company, ada)
    link = await join(company, ada, bea, ines)
    await company.text(BEA, "again")
    assert await company.value("select status from conversation where customer_id = $1", ada) == "open", (
        "the last closed"
    )
    await part(company, link, ines)
    assert await rows_of(company, ada) == before
    talks = (await shown(company, bea)).conversations
    assert [each.status for each in talks] == ["open", "closed"], "hers was closed apart, and stays so"


async def test_what_was_closed_while_merged_and_only_the_others_word_reopened_is_closed_again(
    company: Company, ines: Actor
) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    link = await join(company, ada, bea, ines)
    own = await talk_of(company, ada)
    assert await close(company, own, await company.hire("Ada", role="supervisor")) is None
    closed_at = await company.value("select closed_at from conversation where id = $1", own)
    await company.text(BEA, "again")
    await part(company, link, ines)
    [talk] = (await shown(company, ada)).conversations
    assert (talk.status, talk.needs_attention) == ("closed", False)
    assert talk.closed_at is not None
    assert timedelta() <= talk.closed_at - closed_at < timedelta(seconds=1), "when it was said to be"
    assert [each.status for each in (await shown(company, bea)).conversations] == ["open"]


# --- shared handles ---


async def asked(company: Company) -> tuple[UUID, UUID]:
    """BEA's number is shared: somebody writes on it. The placeholder and its conversation."""
    [bea] = await wrote(company, BEA)
    await close(company, await talk_of(company, bea), await company.hire("Ada", role="supervisor"))
    async with transaction(company.pool, company.announce) as tx:
        handle = await company.value("select id from handle where value = $1", BEA)
        await change_handle(tx, await company.hire("Olu"), handle, HandleChange(shared=True))
    await company.text(BEA, "guess who")
    nobody = await company.value("select id from customer where placeholder")
    return nobody, await talk_of(company, nobody)


async def test_identifying_merges_the_placeholder_and_undoing_it_gives_it_back(company: Company, ines: Actor) -> None:
    """I2: asked of the agent, and remembered."""
    [ada] = await wrote(company, ADA)
    nobody, talk = await asked(company)
    before = await rows_of(company, ada, nobody)
    async with transaction(company.pool, company.announce) as tx:
        done = await identify(tx, ines, talk, ada, None)
    assert isinstance(done, Identified)
    assert done.customer == ada
    assert said(await shown(company, nobody)) == [f"first of {ADA}", "guess who"]
    await company.text(BEA, "me again")
    assert said(await shown(company, ada))[-1] == "me again", "while it is open it follows"
    assert done.merge
    await part(company, done.merge, ines)
    after = await shown(company, nobody)
    assert after.customer.placeholder
    assert said(after) == ["guess who", "me again"]
    assert after.candidates[0].customer == ada, "the last identified comes first"
    assert (await rows_of(company, ada))["entry"] == [row for row in before["entry"] if str(ada) in row]


async def test_somebody_new_is_named_and_not_asked_about_again(company: Company, ines: Actor) -> None:
    nobody, talk = await asked(company)
    async with transaction(company.pool, company.announce) as tx:
        assert await identify(tx, ines, talk, None, " Grace Hopper ") == Identified(nobody)
    snapshot = await shown(company, nobody)
    assert (snapshot.customer.name, snapshot.customer.placeholder) == ("Grace Hopper", False)
    for customer, name in ((None, "Grace"), (new_id(), None)):
        async with transaction(company.pool, company.announce) as tx:
            again = await identify(tx, ines, talk, customer, name)
        assert isinstance(again, Refused)
        assert again.code == ("wrong_state" if name else "not_found")


async def test_identifying_needs_one_answer_and_a_conversation(company: Company, ines: Actor) -> None:
    [ada] = await wrote(company, ADA)
    _, talk = await asked(company)
    for conversation, customer, name, code in (
        (talk, None, None, "invalid"),
        (talk, ada, "Ada", "invalid"),
        (talk, None, " ", "invalid"),
        (new_id(), ada, None, "not_found"),
    ):
        async with transaction(company.pool, company.announce) as tx:
            done = await identify(tx, ines, conversation, customer, name)
        assert isinstance(done, Refused)
        assert done.code == code


async def test_a_real_customer_is_never_merged_into_a_placeholder(company: Company, ines: Actor) -> None:
    [ada] = await wrote(company, ADA)
    nobody, _ = await asked(company)
    async with transaction(company.pool, company.announce) as tx:
        done = await merge(tx, MergeOrder(nobody, ada, by=ines))
    assert isinstance(done, Refused)
    assert (done.code, done.field) == ("wrong_state", "survivor")


# --- moving ---


@pytest.mark.parametrize("with_handle", [False, True])
async def test_a_conversation_moves_to_whom_it_belongs_and_comes_out_again(
    company: Company, ines: Actor, with_handle: bool
) -> None:
    """I7."""
    ada, bea = await wrote(company, ADA, BEA)
    await company.drain()
    await company.take(ines)
    await company.take(ines)
    talk = await talk_of(company, bea)
    async with transaction(company.pool, company.announce) as tx:
        await note(tx, ines, Note(talk, "a note", new_id()))
    async with transaction(company.pool, company.announce) as tx:
        await reply(tx, ines, Reply(talk, "an answer", new_id()))
    entries = await company.value("select array_agg(id order by id) from entry where conversation_id = $1", talk)
    async with transaction(company.pool, company.announce) as tx:
        done = await move(tx, ines, talk, ada, with_handle=with_handle)
    assert isinstance(done, MergeView)
    assert (done.survivor, done.rule) == (ada, "moved")
    assert said(await shown(company, ada)) == [f"first of {ADA}", f"first of {BEA}", "an answer"]
    assert not (await shown(company, bea)).timeline
    assert not (await shown(company, bea)).conversations
    for table in ("entry", "contact", "conversation", "outbox"):
        owner = "id" if table == "conversation" else "conversation_id"
        assert await company.value(f"select distinct customer_id from {table} where {owner} = $1", talk) == done.leaf
    await company.text(BEA, "where am I?")
    there, left = (ada, bea) if with_handle else (bea, ada)
    assert said(await shown(company, there))[-1] == "where am I?"
    assert "where am I?" not in said(await shown(company, left))
    await part(company, done.id, ines)
    nobody = await shown(company, done.leaf)
    assert nobody.customer.placeholder
    assert said(nobody)[:2] == [f"first of {BEA}", "an answer"]
    assert await company.value("select array_agg(id order by id) from entry where id = any ($1)", entries) == entries
    assert said(await shown(company, ada))[0] == f"first of {ADA}"


async def test_a_folded_conversation_moves_with_the_one_it_is_shown_in(company: Company, ines: Actor) -> None:
    ada, bea, cyd = await wrote(company, ADA, BEA, CYD)
    await join(company, ada, bea, ines)
    talks = {await talk_of(company, ada), await talk_of(company, bea)}
    async with transaction(company.pool, company.announce) as tx:
        done = await move(tx, ines, await talk_of(company, bea), cyd)
    assert isinstance(done, MergeView)
    await check_folds(company)
    assert set(said(await shown(company, cyd))) == {f"first of {phone}" for phone in (ADA, BEA, CYD)}
    assert not (await shown(company, ada)).timeline
    assert talks <= {row["id"] for row in await company.rows("select id from conversation")}
    await part(company, done.id, ines)
    assert said(await shown(company, done.leaf)) == [f"first of {ADA}", f"first of {BEA}"]


async def test_a_move_that_means_nothing_is_refused(company: Company, ines: Actor) -> None:
    ada, bea = await wrote(company, ADA, BEA)
    nobody, strange = await asked(company)
    talk = await talk_of(company, ada)
    before = await rows_of(company, ada, bea, nobody)
    for conversation, customer, code, field in (
        (talk, ada, "wrong_state", "customer"),
        (talk, new_id(), "not_found", "customer"),
        (new_id(), ada, "not_found", "conversation"),
        (strange, ada, "wrong_state", "conversation"),
    ):
        async with transaction(company.pool, company.announce) as tx:
            done = await move(tx, ines, conversation, customer)
        assert isinstance(done, Refused)
        assert (done.code, done.field) == (code, field)
    assert await rows_of(company, ada, bea, nobody) == before

"""Merging by hand and undoing it: what a profile is made of, who answers, and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from model.agent import Actor
from model.customer import MergeView
from model.event import Merged, SuggestionsChanged, Unmerged
from model.refusal import Refused
from profiles.edit import Change, edit
from profiles.merge import MergeOrder, merge
from profiles.never_link import NeverLink, forget_never_link, never_link
from profiles.preview import MergePreview, preview
from profiles.profile import fetch_snapshot
from profiles.sections import fetch_customer
from profiles.unmerge import undo
from store.feeds import Transaction, transaction
from store.ids import new_id
from tests.store.company import Company, open_company
from tests.store.identity_rows import rows_of
from tests.store.merged import check_folds, customer_of, told
from tests.store.races import blocked, stays_open

ADA, BEA, CYD = "+14155550100", "+14155550101", "+14155550102"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company
        await company.check()
        await check_folds(company)


@pytest.fixture
async def ines(company: Company) -> Actor:
    return await company.hire()


async def join(company: Company, survivor: UUID, loser: UUID, by: Actor, **more: object) -> MergeView | Refused:
    async with transaction(company.pool, company.announce) as tx:
        return await merge(tx, MergeOrder(survivor, loser, by=by, **more))  # type: ignore[arg-type]


async def part(company: Company, merge_id: UUID, by: Actor) -> MergeView | Refused:
    async with transaction(company.pool, company.announce) as tx:
        return await undo(tx, merge_id, by)


async def two(company: Company) -> tuple[UUID, UUID]:
    await company.text(ADA)
    await company.text(BEA)
    return await customer_of(company, ADA), await customer_of(company, BEA)


async def test_undoing_a_merge_at_once_leaves_every_row_as_it_was(company: Company, ines: Actor) -> None:
    ada, bea = await two(company)
    before = await rows_of(company, ada, bea)
    done = await join(company, bea, ada, ines)
    assert isinstance(done, MergeView)
    assert await rows_of(company, ada, bea) != before
    assert isinstance(await part(company, done.id, ines), MergeView)
    assert await rows_of(company, ada, bea) == before


async def test_the_survivor_answers_with_everything_and_keeps_the_older_conversation(
    company: Company, ines: Actor
) -> None:
    """I5, I6."""
    ada, bea = await two(company)
    done = await join(company, bea, ada, ines)
    assert isinstance(done, MergeView)
    async with company.pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, ada)
    assert snapshot is not None
    assert snapshot.customer_id == bea
    assert {handle.value for handle in snapshot.customer.handles} == {ADA, BEA}
    assert len(snapshot.timeline) == 2
    [talk] = snapshot.conversations
    assert await company.value("select customer_id from conversation where id = $1", talk.id) == ada, "ADA wrote first"
    assert len(talk.contacts) == 2, "contacts are never folded"
    for feed in (ada, bea):
        assert [event for event in await told(company, feed) if isinstance(event, Merged)] == [Merged(done)]
    due = await company.value("select array_agg(distinct customer_id order by customer_id) from likeness_due")
    assert due == sorted((ada, bea))
    audited = await company.rows("select actor_id, action, customer_id from audit")
    assert [tuple(row) for row in audited] == [(ines.id, "merge", bea)]
    assert isinstance(await part(company, done.id, ines), MergeView)
    for feed in (ada, bea):
        assert [event for event in await told(company, feed) if isinstance(event, Unmerged)] == [Unmerged(done)]


async def named(where: Company, phone: str, actor: Actor, **values: object) -> UUID:
    """A customer who wrote, with these values said by the actor."""
    await where.text(phone)
    customer = await customer_of(where, phone)
    async with transaction(where.pool, where.announce) as tx:
        changes = [Change(field, value) for field, value in values.items()]  # type: ignore[arg-type]
        assert not isinstance(await edit(tx, actor, customer, changes), Refused)
    return customer


async def test_values_are_put_together_by_rule_or_choice_and_come_apart_again(company: Company, ines: Actor) -> None:
    ada = await named(company, ADA, ines, name="Ada Byron", company="Engines", tags=["vip"], plan="gold")
    bea = await named(company, BEA, ines, name="A. Byron", location="London", tags=["math"], plan="silver")
    before = await rows_of(company, ada, bea)
    done = await join(company, ada, bea, ines, choices={"name": "loser"})
    assert isinstance(done, MergeView)

    async def now(customer: UUID) -> tuple[object, ...]:
        async with company.pool.acquire() as connection:
            shown = await fetch_customer(connection, customer)
        return shown.name, shown.company, shown.location, set(shown.tags), shown.plan

    assert await now(ada) == ("A. Byron", "Engines", "London", {"vip", "math"}, "gold")
    assert await company.value("select coalesce(shown_name, name) from customer where id = $1", ada) == "A. Byron"
    assert isinstance(await part(company, done.id, ines), MergeView)
    assert await rows_of(company, ada, bea) == before
    assert await now(ada) == ("Ada Byron", "Engines", None, {"vip"}, "gold")
    assert await now(bea) == ("A. Byron", None, "London", {"math"}, "silver")


async def test_an_edit_of_the_name_after_the_merge_wins_and_stays_with_the_survivor(
    company: Company, ines: Actor
) -> None:
    ada = await named(company, ADA, ines, name="Ada Byron")
    bea = await named(company, BEA, ines, name="A. Byron")
    done = await join(company, ada, bea, ines, choices={"name": "loser"})
    assert isinstance(done, MergeView)
    async with transaction(company.pool, company.announce) as tx:
        await edit(tx, ines, bea, [Change("name", "Ada Lovelace")])
    shown_name = "select coalesce(shown_name, name) from customer where id = $1"
    assert await company.value(shown_name, ada) == "Ada Lovelace"
    await part(company, done.id, ines)
    assert await company.value(shown_name, ada) == "Ada Lovelace"
    assert await company.value(shown_name, bea) == "A. Byron"


async def test_a_merge_ends_the_suggestion_between_the_two_and_its_undoing_opens_it_again(
    company: Company, ines: Actor
) -> None:
    ada, bea = await two(company)
    low, high = sorted((ada, bea))
    await company.value(
        "insert into suggestion (id, low_id, high_id, score, matched) values ($1, $2, $3, 0.9, '[]') returning id",
        *(new_id(), low, high),
    )
    before = await rows_of(company, ada, bea)
    done = await join(company, ada, bea, ines)
    assert isinstance(done, MergeView)
    assert await company.value("select state from suggestion") == "merged"
    assert [each.suggestions for each in await told(company, ada) if isinstance(each, SuggestionsChanged)] == [()]
    await part(company, done.id, ines)
    assert await rows_of(company, ada, bea) == before
    told_again = [each for each in await told(company, bea) if isinstance(each, SuggestionsChanged)]
    assert [each.customer for each in told_again[-1].suggestions] == [ada]


# --- bad input ---


async def everything(company: Company) -> dict[str, str]:
    """A sum over all rows of every table that a profile is made of."""
    tables = (
        "customer",
        "stream",
        "handle",
        "link",
        "conversation",
        "contact",
        "entry",
        "event",
        "merge",
        "never_link",
    )
    return {
        table: await company.value(f"select md5(coalesce(string_agg(x::text, '' order by x::text), '')) from {table} x")
        for table in (*tables, "suggestion", "likeness_due", "audit", "offer", "agent_state", "task")
    }


async def refused(company: Company, done: object, code: str, field: str | None, before: dict[str, str]) -> None:
    assert isinstance(done, Refused), done
    assert (done.code, done.field) == (code, field), done
    assert len(done.message) > 20, "it says what to do"
    assert await everything(company) == before, "nothing was changed"


async def test_what_cannot_be_merged_is_refused_with_the_remedy_and_nothing_changes(
    company: Company, ines: Actor
) -> None:
    """I5: itself, the same group, unknown ids, unknown choices."""
    ada, bea = await two(company)
    before = await everything(company)
    await refused(company, await join(company, ada, ada, ines), "invalid", "loser", before)
    await refused(company, await join(company, new_id(), ada, ines), "not_found", "survivor", before)
    await refused(company, await join(company, ada, new_id(), ines), "not_found", "loser", before)
    done = await join(company, ada, bea, ines, choices={"shoe": "loser"})
    await refused(company, done, "invalid", "choices.shoe", before)
    done = await join(company, ada, bea, ines, choices={"fields.shoe": "loser"})
    await refused(company, done, "invalid", "choices.fields.shoe", before)
    done = await join(company, ada, bea, ines, choices={"plan": "mine"})
    await refused(company, done, "invalid", "choices.plan", before)
    done = await join(company, ada, bea, ines, choices={"name": "loser"})
    await refused(company, done, "invalid", "choices.name", before)
    assert isinstance(await join(company, ada, bea, ines), MergeView)
    before = await everything(company)
    for survivor, loser in ((ada, bea), (bea, ada)):
        await refused(company, await join(company, survivor, loser, ines), "wrong_state", "loser", before)


async def test_a_merged_id_means_its_root(company: Company, ines: Actor) -> None:
    ada, bea = await two(company)
    await company.text(CYD)
    cyd = await customer_of(company, CYD)
    await join(company, ada, bea, ines)
    done = await join(company, cyd, bea, ines)
    assert isinstance(done, MergeView)
    assert (done.survivor, done.leaf) == (cyd, ada)
    assert await company.value("select count(*) from customer where root_id = $1", cyd) == 3


async def test_different_external_ids_anywhere_in_the_groups_are_refused(company: Company, ines: Actor) -> None:
    ada, bea = await two(company)
    cyd = await named(company, CYD, ines, external_id="C-1")
    await join(company, bea, cyd, ines)
    await company.value("update customer set external_id = 'A-1' where id = $1 returning id", ada)
    before = await everything(company)
    await refused(company, await join(company, ada, bea, ines), "conflict", "external_id", before)
    await refused(company, await join(company, bea, ada, ines), "conflict", "external_id", before)


async def test_who_was_never_to_be_linked_is_not_merged_until_that_is_withdrawn(company: Company, ines: Actor) -> None:
    """I6, never link: anywhere between the groups."""
    ada, bea = await two(company)
    await company.text(CYD)
    cyd = await customer_of(company, CYD)
    async with transaction(company.pool, company.announce) as tx:
        assert isinstance(await never_link(tx, ines, cyd, ada), NeverLink)
    await join(company, bea, cyd, ines)
    before = await everything(company)
    await refused(company, await join(company, ada, bea, ines), "conflict", "loser", before)
    async with transaction(company.pool, company.announce) as tx:
        same = await never_link(tx, ines, bea, cyd)
    await refused(company, same, "wrong_state", "customers", before)
    async with transaction(company.pool, company.announce) as tx:
        assert await forget_never_link(tx, ines, ada, cyd) is None
    async with transaction(company.pool, company.announce) as tx:
        again = await forget_never_link(tx, ines, ada, cyd)
    assert isinstance(again, Refused)
    assert isinstance(await join(company, ada, bea, ines), MergeView)


async def test_undoing_what_is_undone_or_unknown_is_refused(company: Company, ines: Actor) -> None:
    ada, bea = await two(company)
    done = await join(company, ada, bea, ines)
    assert isinstance(done, MergeView)
    await part(company, done.id, ines)
    before = await everything(company)
    await refused(company, await part(company, done.id, ines), "wrong_state", "merge", before)
    await refused(company, await part(company, new_id(), ines), "not_found", "merge", before)


async def test_a_preview_shows_both_sides_the_outcome_and_what_stands_against_it(company: Company, ines: Actor) -> None:
    """I5: survivorship per field, before anything is done."""
    ada = await named(company, ADA, ines, name="Ada Byron", tags=["vip"])
    bea = await named(company, BEA, ines, name="A. Byron", location="London", tags=["math"])
    before = await everything(company)
    async with company.pool.acquire() as connection:
        found = await preview(connection, ada, bea)
        itself = await preview(connection, ada, ada)
        unknown = await preview(connection, ada, new_id())
    assert isinstance(found, MergePreview)
    rows = {row.field: row for row in found.fields}
    assert (rows["name"].survivor, rows["name"].loser, rows["name"].value) == ("Ada Byron", "A. Byron", "Ada Byron")
    assert (rows["name"].rule, rows["name"].beside, rows["name"].choose) == (
        "survivor's value stays",
        ("A. Byron",),
        True,
    )
    assert (rows["location"].value, rows["location"].rule) == ("London", "only one side has it")
    assert (rows["tags"].value, rows["tags"].rule) == (("vip", "math"), "lists are joined")
    assert [handle.value for handle in found.loser.handles] == [BEA]
    assert (found.survivor.conversations, found.survivor.entries, found.survivor.held_by) == (1, 1, ())
    assert found.refused is None
    assert isinstance(itself, MergePreview)
    assert itself.refused
    assert itself.refused.code == "invalid"
    assert isinstance(unknown, Refused)
    assert unknown.field == "loser"
    assert await everything(company) == before
    done = await join(company, ada, bea, ines)
    assert isinstance(done, MergeView)
    async with company.pool.acquire() as connection:
        customer = await fetch_customer(connection, ada)
        assert (customer.name, customer.location, customer.tags) == ("Ada Byron", "London", ("vip", "math"))
        one = await preview(connection, bea, ada)
    assert isinstance(one, MergePreview)
    assert one.refused
    assert one.refused.code == "wrong_state"


async def test_a_merge_waits_for_another_and_then_means_the_root_of_now(company: Company, ines: Actor) -> None:
    ada, bea = await two(company)
    await company.text(CYD)
    cyd = await customer_of(company, CYD)
    async with company.pool.acquire() as first, stays_open(first) as open_:
        done = await merge(Transaction(first), MergeOrder(bea, ada, by=ines))
        assert isinstance(done, MergeView)
        waiting = asyncio.create_task(join(company, cyd, ada, ines))
        await blocked(company.pool, waiting)
        await open_.commit()
    [second] = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(second, MergeView), second
    assert (second.survivor, second.leaf) == (cyd, bea), "ADA's root is BEA by now"
    assert await company.value("select count(*) from customer where root_id = $1", cyd) == 3

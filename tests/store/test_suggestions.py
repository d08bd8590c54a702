"""Likely duplicates: found in the background, shown on both sides, ended when they are no more, never against a no."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.likeness_worker import LikenessWorker
from model.customer import Suggestion
from model.event import SuggestionsChanged
from model.inbound import HandleRef
from model.refusal import Refused
from profiles.decisions import fetch_identity
from profiles.identity import Evidence
from profiles.likeness_due import claim_due, finish_due, restore_due
from profiles.merge import MergeOrder, merge
from profiles.people import resolve
from profiles.sections import fetch_suggestions
from profiles.suggestions import dismiss
from profiles.unmerge import undo
from store.feeds import transaction
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import done
from tests.store.profile_seed import add_account, add_agent, events_after, say_nothing


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


async def person(pool: Pool, name: str | None = None, phone: str | None = None, **columns: Any) -> UUID:
    """A customer as they stand in the database, put there without any of the product's writers."""
    id_ = new_id()
    values = {"id": id_, "root_id": id_, "name": name, **columns}
    places = ", ".join(f"${i}" for i in range(1, len(values) + 1))
    await pool.execute(f"insert into customer ({', '.join(values)}) values ({places})", *values.values())
    await pool.execute("insert into stream (kind, id) values (1, $1)", id_)
    if phone is not None:
        await handle(pool, id_, "phone", phone)
    return id_


async def handle(pool: Pool, customer: UUID, kind: str, value: str) -> None:
    await pool.execute(
        "insert into handle (id, kind, value, customer_id, verified) values ($1, $2, $3, $4, true)",
        new_id(), kind, value, customer,
    )  # fmt: skip


async def look(pool: Pool) -> None:
    await LikenessWorker(pool, say_nothing).drain()


async def suggested(pool: Pool, customer: UUID) -> tuple[Suggestion, ...]:
    async with pool.acquire() as connection:
        return await fetch_suggestions(connection, customer)


async def test_one_person_on_two_numbers_is_suggested_on_both_sides_with_what_matches(pool: Pool) -> None:
    ada = await person(pool, "Ada Lovelace", "+14155550101")
    twin = await person(pool, "Ada Lovelace", "+442079460001")
    other = await person(pool, "Grace Hopper", "+14155550103")
    await look(pool)
    [ours], [theirs] = await suggested(pool, ada), await suggested(pool, twin)
    assert (ours.customer, theirs.customer) == (twin, ada)
    assert ours.id == theirs.id
    assert 0.85 <= ours.score <= 1
    assert [(field.field, field.how) for field in ours.matched] == [("name", "same")]
    assert await suggested(pool, other) == ()
    for customer in (ada, twin):
        [event] = [logged.event for logged in await events_after(pool, customer)]
        assert isinstance(event, SuggestionsChanged)
        assert event.suggestions == await suggested(pool, customer)


async def test_each_side_sees_its_own_value_first(pool: Pool) -> None:
    ada = await person(pool, "Ada Lovelace", "+14155550101", birth_date=date(1985, 12, 10))
    twin = await person(pool, "Ada Lovelaec", "+14155550110", birth_date=date(1985, 12, 10))
    await look(pool)
    [ours], [theirs] = await suggested(pool, ada), await suggested(pool, twin)
    by_field = {field.field: field for field in ours.matched}
    assert (by_field["name"].ours, by_field["name"].theirs) == ("Ada Lovelace", "Ada Lovelaec")
    assert (by_field["phone"].ours, by_field["phone"].theirs) == ("+14155550101", "+14155550110")
    assert {(f.ours, f.theirs) for f in theirs.matched} == {(f.theirs, f.ours) for f in ours.matched}


async def test_a_family_is_not_one_person(pool: Pool) -> None:
    family = [
        await person(pool, name, phone, location="Springfield")
        for name, phone in (("Anna Lindqvist", "+14155550101"), ("Peter Lindqvist", "+14155550102"))
    ]
    for member in family:
        await pool.execute(
            "insert into address (id, customer_id, street, city, postal_code) values ($1, $2, '1 Elm', 'S', '12345')",
            new_id(), member,
        )  # fmt: skip
    await look(pool)
    assert [await suggested(pool, member) for member in family] == [(), ()]


async def test_a_suggestion_ends_when_its_reason_is_gone(pool: Pool) -> None:
    ada, twin = await person(pool, "Ada Lovelace"), await person(pool, "Ada Lovelace")
    await look(pool)
    assert len(await suggested(pool, twin)) == 1
    await pool.execute("update customer set name = 'Grace Hopper' where id = $1", ada)
    await look(pool)
    assert await suggested(pool, twin) == ()
    assert await pool.fetchval("select state from suggestion") == "outdated"
    assert [logged.event for logged in await events_after(pool, twin)][-1] == SuggestionsChanged(())


async def test_looking_again_without_news_is_no_event(pool: Pool) -> None:
    ada = await person(pool, "Ada Lovelace")
    await person(pool, "Ada Lovelace")
    await look(pool)
    before = len(await events_after(pool, ada))
    await pool.execute("insert into likeness_due (customer_id) select id from customer")
    await look(pool)
    assert len(await events_after(pool, ada)) == before


async def test_a_no_stays_a_no_and_a_second_no_is_refused(pool: Pool) -> None:
    ines = await add_agent(pool, "Ines")
    ada, twin = await person(pool, "Ada Lovelace"), await person(pool, "Ada Lovelace")
    await look(pool)
    [suggestion] = await suggested(pool, ada)
    assert set(await done(pool, lambda tx: dismiss(tx, ines, suggestion.id))) == {ada, twin}
    assert await suggested(pool, ada) == await suggested(pool, twin) == ()
    await pool.execute("update customer set birth_date = '1985-12-10'")
    await look(pool)
    assert await suggested(pool, ada) == ()
    async with transaction(pool, say_nothing) as tx:
        again = await dismiss(tx, ines, suggestion.id)
        unknown = await dismiss(tx, ines, new_id())
    assert isinstance(again, Refused)
    assert again.code == "wrong_state"
    assert isinstance(unknown, Refused)
    assert unknown.code == "not_found"
    assert await pool.fetchval("select count(*) from audit where action = 'suggestion_dismissed'") == 2


async def test_whom_somebody_never_wants_linked_is_not_suggested_until_they_change_their_mind(pool: Pool) -> None:
    low, high = sorted([await person(pool, "Ada Lovelace"), await person(pool, "Ada Lovelace")])
    await pool.execute("insert into never_link (low_id, high_id) values ($1, $2)", low, high)
    await look(pool)
    assert await suggested(pool, low) == ()
    await pool.execute("delete from never_link")
    await look(pool)
    assert len(await suggested(pool, low)) == 1


async def test_what_is_claimed_is_suggested_even_when_the_handle_gets_its_owner_later(pool: Pool) -> None:
    mail, phone = HandleRef("email", "x1@example.com"), HandleRef("phone", "+14155550101")
    async with transaction(pool, say_nothing) as tx:
        claimant = await resolve(tx, Evidence((phone,), claims=(mail,)))
    await look(pool)
    assert claimant.root is not None
    assert await suggested(pool, claimant.root) == ()
    async with transaction(pool, say_nothing) as tx:
        owner = await resolve(tx, Evidence((mail,)))
    await look(pool)
    [suggestion] = await suggested(pool, claimant.root)
    assert suggestion.customer == owner.root
    assert [(field.field, field.how) for field in suggestion.matched] == [("claimed email", "only claimed")]
    assert suggestion.score >= 0.5


async def test_whoever_claims_is_known_by_the_name_they_gave_with_it(pool: Pool) -> None:
    mail, phones = HandleRef("email", "x1@example.com"), [HandleRef("phone", f"+1415555010{n}") for n in range(3)]
    async with transaction(pool, say_nothing) as tx:
        owner = (await resolve(tx, Evidence((mail,), name="Ada Lovelace"))).root
    claimants = []
    for phone, name in zip(phones, ("Ada Lovelace", "Grace Hopper", None), strict=True):
        async with transaction(pool, say_nothing) as tx:
            await resolve(tx, Evidence((phone,)))
            claimants.append((await resolve(tx, Evidence((phone,), claims=(mail,), name=name))).root)
    await look(pool)
    ada, grace, nameless = [await suggested(pool, claimant) for claimant in claimants if claimant]
    assert [(each.customer, {field.field for field in each.matched}) for each in ada] == [
        (owner, {"name", "claimed email"})
    ]
    assert grace == (), "she is somebody else, whatever she says"
    assert [(each.customer, {field.field for field in each.matched}) for each in nameless] == [
        (owner, {"claimed email"})
    ]
    async with pool.acquire() as connection:
        assert claimants[1]
        [claim] = (await fetch_identity(connection, claimants[1])).claims
    assert (claim.value, claim.proven) == (mail.value, False), "what she said can still be read"


async def test_two_of_one_given_name_behind_one_switchboard_stay_apart(pool: Pool) -> None:
    phone = HandleRef("phone", "+12125550101")
    for mail, name, born in (
        ("ana.silva@example.com", "Ana Silva", date(1966, 12, 30)),
        ("ana.souza@example.com", "Ana Souza", date(1985, 4, 3)),
    ):
        customer = await person(pool, name, birth_date=born)
        await handle(pool, customer, "email", mail)
        async with transaction(pool, say_nothing) as tx:
            found = await resolve(tx, Evidence((HandleRef("email", mail), phone), name=name, source="service"))
        assert found.root == customer
    assert await pool.fetchval("select count(*) from merge") == 0
    assert await pool.fetchval("select why from claim where proven") == "different_birth_dates"


async def test_a_family_on_one_phone_is_kept_apart_told_why_and_not_suggested(pool: Pool) -> None:
    phone = HandleRef("phone", "+14155550101")
    mails = {name: HandleRef("email", f"{name}.lindqvist@example.com") for name in ("marco", "maria")}
    roots = []
    for name, mail in mails.items():
        async with transaction(pool, say_nothing) as tx:
            made = await resolve(tx, Evidence((mail,), name=f"{name.title()} Lindqvist", source="service"))
        roots.append(made.customer)
    for name, mail in mails.items():
        async with transaction(pool, say_nothing) as tx:
            await resolve(tx, Evidence((mail, phone), name=f"{name.title()} Lindqvist", source="service"))
    await look(pool)
    marco, maria = roots
    assert marco is not None
    assert maria is not None
    assert await pool.fetchval("select count(*) from merge") == 0
    assert [await suggested(pool, root) for root in (marco, maria)] == [(), ()]
    async with pool.acquire() as connection:
        [claim] = (await fetch_identity(connection, maria)).claims
    assert (claim.value, claim.proven, claim.why) == (phone.value, True, "different_names")
    await pool.execute("update customer set name = 'M. Lindqvist' where id = $1", maria)
    await look(pool)
    [suggestion] = await suggested(pool, marco)
    assert suggestion.customer == maria, "by that name it may be one person after all"


async def test_a_merge_settles_a_suggestion_and_undoing_it_asks_again(pool: Pool) -> None:
    ines = await add_agent(pool, "Ines")
    ada, twin = await person(pool, "Ada Lovelace"), await person(pool, "Ada Lovelace")
    third = await person(pool, "Ada Lovelace")
    await look(pool)
    assert len(await suggested(pool, third)) == 2
    merged = await done(pool, lambda tx: merge(tx, MergeOrder(ada, twin, by=ines)))
    await look(pool)
    assert [each.customer for each in await suggested(pool, third)] == [ada], "two leaves are one profile"
    assert [each.customer for each in await suggested(pool, twin)] == [third]
    await done(pool, lambda tx: undo(tx, merged.id, ines))
    await look(pool)
    assert {each.customer for each in await suggested(pool, third)} == {ada, twin}
    assert {each.customer for each in await suggested(pool, ada)} == {twin, third}


async def test_a_handle_of_many_names_becomes_shared_by_itself(pool: Pool) -> None:
    owner = await person(pool, "Anna Meier", "+14155550101")
    for seen in (["Anna Meier", "A. Meier", "Anna Maier"], ["Anna Meier", "Ben Okafor", "Chloe Dubois"]):
        await pool.execute("update handle set names = $1", seen)
        await look(pool)
        assert not await pool.fetchval("select shared from handle"), seen
    await pool.execute("update handle set names = $1", ["Anna Meier", "Ben Okafor", "Chloe Dubois", "Dmitri Volkov"])
    await look(pool)
    row = await pool.fetchrow("select shared, customer_id, speaks_as from handle")
    assert row is not None
    assert tuple(row) == (True, None, owner)
    assert await pool.fetchval("select (rule, customer_id) = ('seen_with_many_names', $1) from link", owner)
    async with transaction(pool, say_nothing) as tx:
        asked = await resolve(tx, Evidence((HandleRef("phone", "+14155550101"),)))
    assert asked.root is None
    assert getattr(asked.decision, "candidates", None) == (owner,)


async def test_what_a_process_took_and_never_finished_is_taken_up_again(pool: Pool) -> None:
    ada = await person(pool, "Ada Lovelace")
    async with pool.acquire() as connection:
        assert await claim_due(connection, 10, timedelta(seconds=-1)) == [ada]
        assert await claim_due(connection, 10, timedelta(minutes=1)) == []
        await restore_due(connection)
        assert await claim_due(connection, 10, timedelta(minutes=1)) == [ada]
        await finish_due(connection, [ada])
        await restore_due(connection)
        assert await claim_due(connection, 10, timedelta(minutes=1)) == []


async def test_a_change_while_it_is_looked_at_is_looked_at_once_more(pool: Pool) -> None:
    ada = await person(pool, "Ada Lovelace")
    async with pool.acquire() as connection:
        assert await claim_due(connection, 10, timedelta(minutes=1)) == [ada]
        await pool.execute("update customer set company = 'Engines' where id = $1", ada)
        await finish_due(connection, [ada])
        assert await claim_due(connection, 10, timedelta(minutes=1)) == [ada]

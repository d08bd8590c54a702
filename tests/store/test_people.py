"""Who it is, found out and written down: what the channel proves links, what is claimed does not, races end in one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from model.event import CustomerChanged, Merged
from model.inbound import HandleRef
from profiles.identity import Ambiguous, Evidence, Matched, New
from profiles.people import Resolution, resolve
from store.feeds import transaction
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.profile_seed import add_account, events_after, say_nothing

PHONE = HandleRef("phone", "+14155550123")
OTHER = HandleRef("phone", "+14155550177")
MAIL = HandleRef("email", "ada@example.com")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=8)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


async def identify(pool: Pool, *proven: HandleRef, **more: Any) -> Resolution:
    """As a webhook would: again when something came between."""
    evidence = Evidence(proven, account="sms-main", key=str(new_id()), **more)
    for _ in range(20):
        try:
            async with transaction(pool, say_nothing) as tx:
                return await resolve(tx, evidence)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError) as error:
            assert isinstance(error, asyncpg.SerializationError), error
    raise AssertionError("it never came to rest")


async def owner_of(pool: Pool, ref: HandleRef) -> UUID | None:
    owner: UUID | None = await pool.fetchval(
        "select c.root_id from handle h left join customer c on c.id = h.customer_id"
        " where (h.kind, h.scope, h.value) = ($1, $2, $3)",
        ref.kind, ref.scope, ref.value,
    )  # fmt: skip
    return owner


async def links(pool: Pool) -> list[str]:
    return [row["rule"] for row in await pool.fetch("select rule from link order by at, id")]


async def test_two_handles_proven_at_once_make_one_customer_with_the_reasons_kept(pool: Pool) -> None:
    found = await identify(pool, PHONE, MAIL, name="Ada Lovelace")
    assert found.is_new
    assert await owner_of(pool, PHONE) == await owner_of(pool, MAIL) == found.root
    assert sorted(await links(pool)) == ["first_contact", "proven_together"]
    evidence = msgspec.json.decode(await pool.fetchval("select evidence::text from link limit 1"))
    assert evidence["proven_by"] == "channel"
    assert evidence["account"] == "sms-main"
    assert await pool.fetchval("select bool_and(main and verified) from handle")


async def test_a_further_handle_joins_the_customer_and_their_screens_are_told(pool: Pool) -> None:
    first = await identify(pool, PHONE)
    assert first.root is not None
    again = await identify(pool, PHONE, MAIL)
    assert isinstance(again.decision, Matched)
    assert again.root == first.root == await owner_of(pool, MAIL)
    [event] = [logged.event for logged in await events_after(pool, first.root)]
    assert isinstance(event, CustomerChanged)
    assert {handle.value for handle in event.customer.handles} == {PHONE.value, MAIL.value}


async def test_a_contact_that_proves_two_customers_merges_them_into_the_older_one(pool: Pool) -> None:
    older, younger = await identify(pool, MAIL), await identify(pool, PHONE)
    assert older.root is not None
    found = await identify(pool, PHONE, MAIL)
    assert len(found.merges) == 1
    assert found.root == older.root
    assert found.leaf == younger.leaf, "what came on the telephone stays sorted by it"
    row = await pool.fetchrow("select survivor_id, loser_id, rule, by_agent from merge")
    assert row is not None
    assert tuple(row) == (older.root, younger.root, "proven_together", None)
    assert any(isinstance(logged.event, Merged) for logged in await events_after(pool, older.root))


async def test_somebody_survives_whom_nobody_knows_yet_though_younger(pool: Pool) -> None:
    nobody, somebody = await identify(pool, MAIL), await identify(pool, PHONE)
    await pool.execute("update customer set placeholder = true where id = $1", nobody.root)
    found = await identify(pool, PHONE, MAIL)
    assert found.root == somebody.root == await owner_of(pool, MAIL)
    assert len(found.merges) == 1


async def test_an_account_may_forbid_merging_by_itself_and_it_becomes_a_claim(pool: Pool) -> None:
    await pool.execute("""update account set settings = '{"auto_merge": false}'""")
    first, second = await identify(pool, MAIL), await identify(pool, PHONE)
    found = await identify(pool, PHONE, MAIL)
    assert found.merges == ()
    assert isinstance(found.decision, Matched)
    assert [kept.why for kept in found.decision.kept] == ["policy"]
    assert found.root == second.root != first.root
    assert await pool.fetchval("select (proven, why) = (true, 'policy') from claim")
    assert await pool.fetchval("select count(*) from likeness_due where customer_id = $1", first.root) > 0


@pytest.mark.parametrize("why", ["conflicting_external_ids", "never_link", "different_names"])
async def test_what_speaks_against_it_keeps_two_customers_apart(pool: Pool, why: str) -> None:
    names = ("Ada Lovelace", "Charles Babbage") if why == "different_names" else ("Ada Lovelace", "Ada Lovelace")
    ids = ("C1", "C2") if why == "conflicting_external_ids" else (None, None)
    first = await identify(pool, MAIL, name=names[0], external_id=ids[0])
    second = await identify(pool, PHONE, name=names[1], external_id=ids[1])
    assert first.root
    assert second.root
    if why == "never_link":
        low, high = sorted((first.root, second.root))
        await pool.execute("insert into never_link (low_id, high_id) values ($1, $2)", low, high)
    found = await identify(pool, PHONE, MAIL)
    assert found.merges == ()
    assert isinstance(found.decision, Matched)
    assert [kept.why for kept in found.decision.kept] == [why]
    assert found.root == second.root, "what came on the telephone is its owner's all the same"


async def test_what_is_claimed_links_nothing_and_is_kept(pool: Pool) -> None:
    owner = await identify(pool, MAIL)
    found = await identify(pool, PHONE, claims=(MAIL, OTHER))
    assert found.root != owner.root
    assert await owner_of(pool, MAIL) == owner.root
    assert await owner_of(pool, OTHER) is None
    assert await pool.fetchval("select count(*) from handle where value = $1", OTHER.value) == 0
    rows = await pool.fetch("select value, proven from claim where customer_id = $1 order by value", found.leaf)
    assert [tuple(row) for row in rows] == [(OTHER.value, False), (MAIL.value, False)]
    await identify(pool, PHONE, claims=(MAIL,))
    assert await pool.fetchval("select count(*) from claim") == 2, "said again, it is the same claim"


async def test_what_was_claimed_and_is_then_proven_but_refused_says_why(pool: Pool) -> None:
    older = await identify(pool, PHONE, external_id="C2", claims=(MAIL,))
    await identify(pool, MAIL, external_id="C1")
    assert not await pool.fetchval("select proven from claim")
    found = await identify(pool, PHONE, MAIL)
    assert found.merges == ()
    assert found.customer == older.root
    rows = await pool.fetch("select proven, why from claim")
    assert [tuple(row) for row in rows] == [(True, "conflicting_external_ids")]


async def test_a_new_id_takes_the_place_of_another_and_keeps_the_customer(pool: Pool) -> None:
    before = await identify(pool, HandleRef("social", "old", "wa:1"))
    found = await identify(pool, HandleRef("social", "new", "wa:1"), replaces=HandleRef("social", "old", "wa:1"))
    assert found.root == before.root == await owner_of(pool, HandleRef("social", "new", "wa:1"))
    assert await owner_of(pool, HandleRef("social", "old", "wa:1")) == before.root
    assert (await links(pool))[-1] == "changed_id"


async def test_a_new_id_of_nobody_is_somebody_new_and_the_old_one_is_not_made(pool: Pool) -> None:
    found = await identify(pool, HandleRef("social", "new", "wa:1"), replaces=HandleRef("social", "old", "wa:1"))
    assert found.is_new
    assert await pool.fetchval("select array_agg(value) from handle") == ["new"]


async def test_a_withheld_number_is_shared_from_the_first(pool: Pool) -> None:
    withheld = HandleRef("phone", "+266696687")
    found = await identify(pool, withheld)
    assert isinstance(found.decision, Ambiguous)
    assert found.root is None
    assert tuple(await pool.fetchrow("select shared, customer_id from handle") or ()) == (True, None)
    assert await pool.fetchval("select count(*) from customer") == 0


async def test_a_role_address_beside_a_personal_one_is_not_linked_to_anybody(pool: Pool) -> None:
    info = HandleRef("email", "info@acme.example")
    first = await identify(pool, PHONE, info)
    second = await identify(pool, OTHER, info)
    assert first.root != second.root
    assert await owner_of(pool, info) is None


async def test_a_shared_handle_asks_who_it_is_and_names_who_it_may_be(pool: Pool) -> None:
    owner = await identify(pool, PHONE)
    await pool.execute("update handle set shared = true, customer_id = null, main = false")
    found = await identify(pool, PHONE)
    assert isinstance(found.decision, Ambiguous)
    assert found.decision.candidates == (owner.root,)
    beside = await identify(pool, PHONE, MAIL)
    assert isinstance(beside.decision, New)
    assert await owner_of(pool, PHONE) is None


async def test_a_handle_told_by_a_colleague_is_proven_by_its_first_contact(pool: Pool) -> None:
    await identify(pool, PHONE)
    await pool.execute("update handle set verified = false")
    await identify(pool, PHONE, MAIL)
    assert await pool.fetchval("select bool_and(verified) from handle")
    assert "proven_by_channel" in await links(pool)


async def test_an_external_id_is_noted_found_again_and_never_overwritten(pool: Pool) -> None:
    first = await identify(pool, PHONE)
    noted = await identify(pool, PHONE, external_id="C1", source="service")
    assert noted.root == first.root
    assert await pool.fetchval("select external_id from customer") == "C1"
    found = await identify(pool, MAIL, external_id="C1", source="service")
    assert found.root == first.root == await owner_of(pool, MAIL)
    other = await identify(pool, PHONE, external_id="C2", source="service")
    assert other.is_new
    assert await pool.fetchval("select count(*) from customer where external_id is not null") == 2


async def test_different_spellings_of_a_number_are_one_handle(pool: Pool) -> None:
    forms = ("+5511987654321", "+551187654321")
    roots = {(await identify(pool, HandleRef("phone", form))).root for form in forms}
    assert len(roots) == 1
    assert await pool.fetchval("select array_agg(value) from handle") == ["+5511987654321"]


async def test_everybody_at_once_ends_as_one_customer_without_a_deadlock(pool: Pool) -> None:
    """I11: first messages that prove overlapping handles, in every order."""
    refs = [PHONE, MAIL, OTHER, HandleRef("social", "s", "meta:1")]
    jobs = [identify(pool, refs[i], refs[(i + step) % 4]) for i in range(4) for step in (1, 2, 3)]
    await asyncio.gather(*jobs)
    roots = {await owner_of(pool, ref) for ref in refs}
    assert len(roots) == 1
    assert None not in roots
    living = await pool.fetchval("select count(*) from customer where root_id = id")
    assert living == 1

"""Values of a profile are edited by revision: typed, all or none, an event each, and never silently overwritten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import msgspec
import pytest

from model.agent import Actor
from model.customer import Customer
from model.event import CustomerChanged, HeldChanged, TaskChanged
from model.refusal import Refused
from profiles.edit import Change, edit
from profiles.fields import NewField, define_field
from profiles.tasks import NewTask, add_task
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.store.edit_seed import done, in_turn, make, merge_rows, read, refused, seq_of
from tests.store.profile_seed import ADA, add_account, add_agent, customer_of, events_after, hold, say

FIELDS = (
    NewField("floor", "Floor", "number"),
    NewField("credit", "Credit", "money", currency="EUR"),
    NewField("since", "Since", "date"),
    NewField("tier", "Tier", "choice", choices=("gold", "silver")),
    NewField("vat", "VAT payer", "yes_no"),
    NewField("site", "Site", "link"),
    NewField("motto", "Motto", "text"),
)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, size=6)
    await add_account(opened, "sms-main")
    yield opened
    await opened.close()


@pytest.fixture
async def mia(pool: Pool) -> Actor:
    return await add_agent(pool, "Mia")


@pytest.fixture
async def ada(pool: Pool, mia: Actor) -> Customer:
    admin = await add_agent(pool, "Root", "admin")
    for new in FIELDS:
        await done(pool, define_field, admin, new)
    return await make(pool, mia, "Ada")


async def change(pool: Pool, actor: Actor, customer: Customer, *changes: Change) -> Customer:
    return await done(pool, edit, actor, customer.id, changes)


def custom(customer: Customer, key: str) -> object:
    return next(field.value for field in customer.fields if field.key == key)


async def test_every_value_is_edited_in_one_event_that_carries_the_profile_whole(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P3, P11."""
    at = await seq_of(pool, ada.id)
    values: dict[str, Any] = {
        "name": "Ada Byron",
        "company": "Engines",
        "location": "London",
        "language": "EN-gb",
        "time_zone": "Europe/London",
        "plan": "gold",
        "birth_date": "1984-02-29",
        "external_id": "crm-7",
        "tags": ["vip", " late ", "vip"],
        "preferred_channels": ["email"],
        "refused_channels": ["voice"],
        "fields.floor": 3,
        "fields.credit": "18420",
        "fields.since": "2026-11-26",
        "fields.tier": "gold",
        "fields.vat": True,
        "fields.site": "https://example.com/a",
        "fields.motto": "Two\nlines",
    }
    seen = [Change(field, value, 1 if field == "name" else 0) for field, value in values.items()]
    now = await change(pool, mia, ada, *seen)
    assert (now.name, now.company, now.location, now.language) == ("Ada Byron", "Engines", "London", "en-GB")
    assert (now.time_zone, now.plan, now.birth_date) == ("Europe/London", "gold", date(1984, 2, 29))
    assert (now.external_id, now.tags) == ("crm-7", ("vip", "late"))
    assert (now.preferred_channels, now.refused_channels) == (("email",), ("voice",))
    assert {field.key: field.value for field in now.fields} == {
        "floor": 3.0,
        "credit": "18420.00",
        "since": "2026-11-26",
        "tier": "gold",
        "vat": True,
        "site": "https://example.com/a",
        "motto": "Two\nlines",
    }
    assert now == await read(pool, ada.id)
    [logged] = await events_after(pool, ada.id, at)
    assert logged.event == CustomerChanged(now)
    for field in values:
        fact = now.provenance[field]
        assert (fact.source, fact.by.name if fact.by else None, fact.verified) == ("agent", "Mia", False)
        assert fact.revision == (2 if field == "name" else 1)


async def test_what_is_removed_is_null_and_keeps_who_removed_it(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3, P11."""
    await change(pool, mia, ada, Change("company", "Engines"), Change("tags", ["vip"]), Change("fields.floor", 3))
    noah = await add_agent(pool, "Noah")
    gone = (Change("company", None, 1), Change("tags", [], 1), Change("fields.floor", None, 1), Change("name", "  ", 1))
    now = await change(pool, noah, ada, *gone)
    assert (now.name, now.company, now.tags) == (None, None, ())
    assert custom(now, "floor") is None
    assert now.provenance["company"].by is not None
    assert (now.provenance["company"].by.name, now.provenance["company"].revision) == ("Noah", 2)


async def test_a_service_knows_what_an_agent_was_only_told(pool: Pool, ada: Customer) -> None:
    """P11."""
    crm = await add_agent(pool, "CRM", "service")
    now = await change(pool, crm, ada, Change("plan", "gold"))
    assert (now.provenance["plan"].source, now.provenance["plan"].verified) == ("service", True)


async def test_a_change_that_changes_nothing_is_no_event(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3."""
    await change(pool, mia, ada, Change("tags", ["vip"]), Change("fields.credit", "5"))
    before = await seq_of(pool, ada.id)
    same = (
        Change("name", " Ada "),
        Change("tags", ["vip", "vip"]),
        Change("fields.credit", "5.00"),
        Change("plan", None),
    )
    now = await change(pool, mia, ada, *same)
    assert await seq_of(pool, ada.id) == before
    assert now.provenance["name"].revision == 1
    assert await pool.fetchval("select count(*) from audit where action = 'edit'") == 1


@pytest.mark.parametrize("field", ["name", "tags", "fields.floor"])
async def test_of_two_edits_of_one_field_at_once_the_later_is_told_who_was_quicker(
    pool: Pool, mia: Actor, ada: Customer, field: str
) -> None:
    """P3: never silently overwritten."""
    noah = await add_agent(pool, "Noah")
    revision = 1 if field == "name" else 0
    values: dict[str, tuple[Any, Any]] = {"name": ("Ann", "Eve"), "tags": (["a"], ["b"]), "fields.floor": (1, 2)}
    ours, theirs = values[field]
    won, lost = await in_turn(
        pool,
        lambda tx: edit(tx, mia, ada.id, [Change(field, ours, revision)]),
        lambda tx: edit(tx, noah, ada.id, [Change(field, theirs, revision)]),
    )
    assert isinstance(won, Customer)
    assert isinstance(lost, Refused)
    assert (lost.code, lost.field) == ("conflict", field)
    assert lost.message.startswith(f"Mia changed {field} on ")
    shown = {"name": won.name, "tags": list(won.tags), "fields.floor": custom(won, "floor")}[field]
    assert shown == ours
    assert await read(pool, ada.id) == won


async def test_edits_of_different_fields_at_once_both_stand(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3."""
    first, second = await in_turn(
        pool,
        lambda tx: edit(tx, mia, ada.id, [Change("company", "Engines", 0), Change("fields.floor", 4, 0)]),
        lambda tx: edit(tx, mia, ada.id, [Change("plan", "gold", 0), Change("tags", ["x"], 0)]),
    )
    assert isinstance(first, Customer)
    now = await read(pool, ada.id)
    assert second == now
    assert (now.company, now.plan, now.tags, custom(now, "floor")) == ("Engines", "gold", ("x",), 4.0)


async def test_a_channel_cannot_be_preferred_and_refused_at_once(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3."""
    await change(pool, mia, ada, Change("preferred_channels", ["sms", "email"]))
    opposite = [Change("refused_channels", ["voice", "sms"])]
    assert (await refused(pool, edit, mia, ada.id, opposite)).field == "refused_channels"
    now = await change(pool, mia, ada, Change("preferred_channels", ["email"]), *opposite)
    assert now.refused_channels == ("voice", "sms")


async def test_a_field_named_twice_or_archived_is_refused(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3."""
    twice = [Change("plan", "gold"), Change("plan", "silver")]
    assert (await refused(pool, edit, mia, ada.id, twice)).field == "plan"
    await pool.execute("update field set archived_at = now() where key = 'floor'")
    outcome = await refused(pool, edit, mia, ada.id, [Change("fields.floor", 3)])
    assert outcome.field == "fields.floor"


async def test_an_external_id_of_another_is_refused_with_the_others_id(pool: Pool, mia: Actor, ada: Customer) -> None:
    """I4, P3: taken."""
    bob = await make(pool, mia, "Bob", external_id="crm-7")
    outcome = await refused(pool, edit, mia, ada.id, [Change("external_id", "crm-7")])
    assert (outcome.code, outcome.field) == ("taken", "external_id")
    assert str(bob.id) in outcome.message


async def test_of_two_who_take_one_external_id_at_once_one_gets_it(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3."""
    bob = await make(pool, mia, "Bob")
    first, second = await in_turn(
        pool,
        lambda tx: edit(tx, mia, ada.id, [Change("external_id", "crm-7")]),
        lambda tx: edit(tx, mia, bob.id, [Change("external_id", "crm-7")]),
    )
    assert isinstance(first, Customer)
    assert isinstance(second, Refused)
    assert second.code == "taken"
    assert await pool.fetchval("select count(*) from customer where external_id = 'crm-7'") == 1


async def test_an_unknown_customer_is_not_found(pool: Pool, mia: Actor) -> None:
    """P3: bad input."""
    assert (await refused(pool, edit, mia, new_id(), [Change("plan", "gold")])).code == "not_found"


async def test_a_name_given_after_a_merge_wins_and_the_merged_leaf_keeps_its_own(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P3, I6: an edit is written to the root's own row."""
    bob = await make(pool, mia, "Bob")
    await merge_rows(pool, ada.id, bob.id)
    await pool.execute("update customer set shown_name = 'Bob' where id = $1", ada.id)
    before = await read(pool, ada.id)
    now = await change(pool, mia, bob, Change("name", "Ada Byron", before.provenance["name"].revision))
    assert (now.id, now.name) == (ada.id, "Ada Byron")
    assert await read(pool, ada.id) == now
    rows = await pool.fetch("select name, shown_name from customer order by id")
    assert [tuple(row) for row in rows] == [("Ada Byron", None), ("Bob", None)]


async def test_whoever_saw_the_profile_before_a_merge_is_told_of_it(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3, I5: the merge changed the value too."""
    await change(pool, mia, ada, Change("plan", "silver"))
    bob = await make(pool, mia, "Bob", plan="gold")
    await merge_rows(pool, ada.id, bob.id)
    outcome = await refused(pool, edit, mia, ada.id, [Change("plan", "platinum", 1)])
    assert outcome.code == "conflict"


async def test_a_new_name_reaches_my_customers_and_the_tasks_of_other_agents(pool: Pool, mia: Actor) -> None:
    """P12, P13."""
    await say(pool, "hello")
    noah = await add_agent(pool, "Noah")
    await hold(pool, noah)
    ada = await customer_of(pool, ADA)
    await done(pool, add_task, noah, NewTask(new_id(), ada, "call back"))
    before = await pool.fetchval("select seq from agent_state where agent_id = $1", noah.id)
    await done(pool, edit, mia, ada, [Change("name", "Ada Byron", 0)])
    rows = await pool.fetch(
        "select body from event where kind = 3 and id = $1 and seq > $2 order by seq", noah.id, before
    )
    held, task = (msgspec.json.decode(row["body"], type=HeldChanged | TaskChanged) for row in rows)
    assert isinstance(held, HeldChanged)
    assert isinstance(task, TaskChanged)
    assert (held.held.customer_name, task.task.customer_name) == ("Ada Byron", "Ada Byron")


async def test_the_audit_trail_names_fields_and_never_values(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P11."""
    await change(pool, mia, ada, Change("company", "Secret Ltd"), Change("fields.motto", "quiet"))
    row = await pool.fetchrow("select * from audit where action = 'edit'")
    assert row is not None
    assert (row["actor_id"], row["customer_id"]) == (mia.id, ada.id)
    assert msgspec.json.decode(row["subject"]) == {"fields": ["company", "fields.motto"]}


async def test_an_edited_customer_is_looked_at_for_duplicates_again(pool: Pool, mia: Actor, ada: Customer) -> None:
    """I9."""
    await pool.execute("delete from likeness_due")
    await change(pool, mia, ada, Change("company", "Engines"))
    assert await pool.fetchval("select customer_id from likeness_due") == ada.id

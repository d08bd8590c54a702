"""What belongs to an entry goes where the entry goes: changes, files and windows when profiles merge and part."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from model.event import EntryChanged
from model.inbound import HandleRef, InboundMessage, MessageReacted
from model.timeline import Media
from profiles.profile import fetch_snapshot
from profiles.record import Delivery
from profiles.stored import Settled, claim_files, settle
from profiles.unmerge import undo
from store.feeds import transaction
from tests.store.company import Company, open_company
from tests.store.merged import merge, told
from tests.store.races import recorder

ADA, BEA = "+14155550201", "+14155550202"


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.rows(
            "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)"
            " values ('wa', 'whatsapp', 'meta', '1', '{secret}', 'US', 'http://localhost/hooks/wa', 'general')"
        )
        yield company


def came(event: Any) -> Delivery:
    return Delivery("wa", "whatsapp", event, None, "", None, b"raw", window_seconds=3600)


async def shown(company: Company, customer: UUID, name: str) -> Any:
    """An entry of this profile by its provider's id."""
    entry = await company.value("select entry_named('wa', $1)", name)
    async with company.pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, customer)
    assert snapshot is not None
    found = [each for each in snapshot.timeline if each.id == entry]
    return found[0] if found else None


async def test_changes_and_files_of_a_merged_profile_are_shown_by_who_answers_now(company: Company) -> None:
    one = recorder(company)
    photo = Media("https://media.example.com/1", "image/png")
    for phone, name in ((ADA, "a"), (BEA, "b")):
        await one.submit(came(InboundMessage(name, HandleRef("phone", phone), "look", media=(photo,))))
    ada, bea = [await company.value("select customer_id from handle where value = $1", phone) for phone in (ADA, BEA)]
    ines = await company.hire()
    await merge(company, ADA, BEA)
    merged = await company.value("select id from merge")
    await one.submit(came(MessageReacted("r1", HandleRef("phone", BEA), "b", "👍")))
    async with company.pool.acquire() as connection:
        claims = await claim_files(connection, [], 10)
    [claim] = [each for each in claims if each.entry_id == await company.value("select entry_named('wa', 'b')")]
    async with transaction(company.pool, company.announce) as tx:
        assert await settle(tx, claim, Settled("stored", None, "x/y", 3, "image/png"))
        assert not await settle(tx, claim, Settled("failed", "late"))
    entry = await shown(company, ada, "b")
    assert (entry.leaf, [each.emoji for each in entry.reactions], entry.media[0].state) == (bea, ["👍"], "stored")
    changed = [event for event in await told(company, ada) if isinstance(event, EntryChanged)]
    assert changed[-1].entry == entry
    async with transaction(company.pool, company.announce) as tx:
        await undo(tx, merged, ines)
    assert await shown(company, ada, "b") is None
    entry = await shown(company, bea, "b")
    assert (entry.leaf, len(entry.reactions), entry.media[0].state) == (None, 1, "stored")
    await one.submit(came(MessageReacted("r2", HandleRef("phone", BEA), "b", None)))
    assert (await shown(company, bea, "b")).reactions == ()


async def test_the_window_is_with_the_handle_on_whatever_profile_it_is(company: Company) -> None:
    one = recorder(company)
    for phone, name in ((ADA, "a"), (BEA, "b")):
        await one.submit(came(InboundMessage(name, HandleRef("phone", phone), "look")))
    ada = await company.value("select customer_id from handle where value = $1", ADA)
    await merge(company, ADA, BEA)
    async with company.pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, ada)
    assert snapshot is not None
    assert {handle.value: [each.account for each in handle.windows] for handle in snapshot.customer.handles} == {
        ADA: ["wa"],
        BEA: ["wa"],
    }

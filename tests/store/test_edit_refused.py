"""What is no value of a field is refused, says what the field is, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from model.agent import Actor
from model.customer import Customer
from profiles.edit import Change, edit
from profiles.fields import NewField, define_field
from store.pool import Pool, open_pool
from tests.store.edit_seed import done, make, refused
from tests.store.profile_seed import add_account, add_agent

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


async def test_one_bad_value_of_several_changes_nothing(pool: Pool, mia: Actor, ada: Customer) -> None:
    """P3."""
    both = [Change("company", "Engines"), Change("time_zone", "Europe/Atlantis")]
    assert (await refused(pool, edit, mia, ada.id, both)).field == "time_zone"
    late = [Change("company", "Engines"), Change("name", "Ann", 0)]
    assert (await refused(pool, edit, mia, ada.id, late)).code == "conflict"


BAD: tuple[tuple[str, Any], ...] = (
    ("name", "x" * 201),
    ("name", "two\nlines"),
    ("name", "nul\x00"),
    ("name", "half \ud83d pair"),
    ("name", 5),
    ("name", ["Ada"]),
    ("company", True),
    ("plan", "x" * 101),
    ("language", "english please"),
    ("language", "e"),
    ("language", "en_GB"),
    ("time_zone", "Europe/Atlantis"),
    ("time_zone", "../etc/passwd"),
    ("birth_date", "2023-02-29"),
    ("birth_date", "2999-01-01"),
    ("birth_date", "1066-10-14"),
    ("birth_date", "29.2.1984"),
    ("tags", "vip"),
    ("tags", [f"tag {number}" for number in range(51)]),
    ("tags", ["x" * 65]),
    ("tags", [" "]),
    ("tags", ["nul\x00"]),
    ("preferred_channels", ["pigeon"]),
    ("refused_channels", "sms"),
    ("fields.floor", "3"),
    ("fields.floor", True),
    ("fields.floor", float("nan")),
    ("fields.floor", float("inf")),
    ("fields.credit", 5),
    ("fields.credit", "5,00"),
    ("fields.credit", "1e9"),
    ("fields.credit", "1.23456"),
    ("fields.since", "tomorrow"),
    ("fields.since", "2026-11-31"),
    ("fields.tier", "bronze"),
    ("fields.vat", "yes"),
    ("fields.vat", 1),
    ("fields.site", "javascript:alert(1)"),
    ("fields.site", "https://"),
    ("fields.site", 'https://example.com/"onclick='),
    ("fields.site", "ftp://example.com"),
    ("fields.motto", "x" * 2001),
    ("fields.motto", "nul\x00"),
    ("fields.unknown", "x"),
    ("created_at", "2026-11-26"),
    ("placeholder", True),
)


async def test_a_value_that_is_none_of_its_field_is_refused_and_nothing_changed(
    pool: Pool, mia: Actor, ada: Customer
) -> None:
    """P3: bad input."""
    for field, value in BAD:
        outcome = await refused(pool, edit, mia, ada.id, [Change(field, value)])
        assert (outcome.code, outcome.field) == ("invalid", field), value

"""What a row of the three hottest tables may never be, whoever writes it: the database itself refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from tests.store.company import Company, open_company
from tests.store.interleaver import ringing

NEVER: Final = (
    "contact set state = 'odd'",
    "contact set class = 'odd'",
    "contact set preview_direction = 'odd'",
    "contact set wrap_up = 'odd'",
    "contact set state = 'assigned'",
    "contact set agent_id = (select id from agent)",
    "contact set need_id = null",
    "contact set step_at = now()",
    "offer set state = 'odd'",
    "offer set state = 'accepted'",
    "offer set released_at = now()",
    "offer set seats = 21",
    "offer set weight = 0",
    "agent_state set presence = 'odd'",
    "agent_state set used_messaging = -1",
    "agent_state set cap_tasks = -1",
    "agent_state set cap_total = -1",
)


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        yield company


async def test_the_database_itself_refuses_what_must_never_be(company: Company) -> None:
    await ringing(company)
    assert [never for never in NEVER if not await refused(company, never)] == []


async def refused(company: Company, never: str) -> bool:
    try:
        await company.value(f"update {never}")  # of the list above
    except asyncpg.CheckViolationError:
        return True
    return False

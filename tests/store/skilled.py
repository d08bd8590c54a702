"""A company whose rules and agents have skills, for tests of who is chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from model.agent import Actor
from router.agent_skills import Skill, put_skill, set_agent_skills
from router.endings import end_offer
from store.feeds import transaction
from tests.store.company import Company, open_company
from tests.store.invariants import check

PHONES = [f"+1415555010{number}" for number in range(8)]


@asynccontextmanager
async def skilled(database_url: str) -> AsyncIterator[Company]:
    """Skills `spanish` and `billing`, queues `night` and `senior` besides; nothing is wrong when it is left."""
    async with open_company(database_url) as company:
        async with transaction(company.pool, company.announce) as tx:
            for skill in ("spanish", "billing"):
                await put_skill(tx.connection, Skill(skill, skill.title()))
        await company.value("insert into queue (id, name) values ('night', 'Night'), ('senior', 'Senior') returning id")
        yield company
        await check(company)


async def hire(
    company: Company, name: str = "Ines", *, seated: bool = True, messaging: int = 4, **skills: int
) -> Actor:
    actor = await company.hire(name, messaging=messaging)
    await teach(company, actor, skills)
    if seated:
        await company.seat(actor)
    return actor


async def teach(company: Company, actor: Actor, skills: Mapping[str, int]) -> None:
    async with transaction(company.pool, company.announce) as tx:
        assert await set_agent_skills(tx.connection, actor.id, skills) is None


async def rule(company: Company, **actions: Any) -> None:
    """One rule for every contact."""
    body = msgspec.json.encode({"rules": [{"name": "all", "queue": "general", **actions}]}).decode()
    await company.value("insert into rule_set (body) values ($1::jsonb) returning version", body)


async def asked(company: Company) -> list[str]:
    """Whom it rings for, in the order of the contacts."""
    rows = await company.rows(
        "select a.name from offer o join agent a on a.id = o.agent_id join contact c on c.id = o.contact_id "
        "where o.state = 'pending' order by c.arrived_at, c.id, o.seat"
    )
    return [row["name"] for row in rows]


async def waited(company: Company, seconds: int) -> None:
    """Let so much time pass for everybody who waits."""
    await company.value(
        "update contact set arrived_at = arrived_at - $1 * interval '1 second', "
        "step_at = step_at - $1 * interval '1 second', prefer_until = prefer_until - $1 * interval '1 second' "
        "where state in ('new', 'queued', 'offered') returning id",
        seconds,
    )


async def decline(company: Company, agent: Actor) -> None:
    offer = await company.offer_of(agent)
    assert offer is not None
    async with transaction(company.pool, company.announce) as tx:
        assert await end_offer(tx, offer, "declined", agent=agent.id) is None

"""The list of skills, and who has which at what level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from model.refusal import Refused
from router.needs import lock_what_agents_serve, refresh_agent
from router.skills import HIGHEST
from store.pool import Connection


class Skill(Struct, frozen=True):
    """A skill that agents may have and rules may ask for."""

    id: str
    name: str


SKILLS = "select id, name from skill where $1::text is null or id > $1 order by id limit $2"


async def fetch_skills(connection: Connection, limit: int, after: str | None = None) -> tuple[Skill, ...]:
    """Skills by id."""
    return tuple(Skill(*row) for row in await connection.fetch(SKILLS, after, limit))


PUT_SKILL = "insert into skill (id, name) values ($1, $2) on conflict (id) do update set name = excluded.name"


async def put_skill(connection: Connection, skill: Skill) -> None:
    """Add it, or name it anew."""
    await connection.execute(PUT_SKILL, skill.id, skill.name)


AGENT_SKILLS = "select skill_id, level from agent_skill where agent_id = $1 order by skill_id"


async def fetch_agent_skills(connection: Connection, agent: UUID) -> dict[str, int]:
    """What this agent can do: skill to level."""
    return {row["skill_id"]: row["level"] for row in await connection.fetch(AGENT_SKILLS, agent)}


KNOWN_SKILLS = "select id from skill where id = any ($1)"
CLEAR_SKILLS = "delete from agent_skill where agent_id = $1"
SET_SKILLS = "insert into agent_skill (agent_id, skill_id, level) select $1, * from unnest($2::text[], $3::smallint[])"


async def set_agent_skills(connection: Connection, agent: UUID, skills: Mapping[str, int]) -> Refused | None:
    """What this agent can do, from now on. What they hold stays theirs. Inside a transaction."""
    for skill, level in skills.items():
        if not 1 <= level <= HIGHEST:
            return Refused("invalid", f"A level is a whole number from 1 to {HIGHEST}.", f"skills.{skill}")
    known = {row["id"] for row in await connection.fetch(KNOWN_SKILLS, list(skills))}
    for skill in skills:
        if skill not in known:
            return Refused("not_found", f"There is no skill {skill!r}. Add it first.", f"skills.{skill}")
    await lock_what_agents_serve(connection, agent)
    await connection.execute(CLEAR_SKILLS, agent)
    await connection.execute(SET_SKILLS, agent, list(skills), list(skills.values()))
    await refresh_agent(connection, agent)
    return None


USED_BY: Final = {"agents": "agents have it", "contacts": "contacts wait for it", "rules": "rules ask for it"}
WHO_USES = """
select exists (select from agent_skill where skill_id = $1) as agents,
       exists (select from contact c join need n on n.id = c.need_id
                where c.state in ('queued', 'offered')
                  and ($1 = any (n.skills) or $1 = any (n.prefers) or jsonb_path_exists(
                       c.steps, '$[*].*[*] ? (@.skill == $id)', jsonb_build_object('id', $1::text)))) as contacts,
       exists (select from (select body from rule_draft
                            union all (select body from rule_set order by version desc limit 1)) r
                 cross join lateral (
                      select jsonb_path_query(r.body, '$.rules[*].skills')
                      union all select jsonb_path_query(r.body, '$.rules[*].prefers')
                      union all select jsonb_path_query(r.body, '$.rules[*].steps[*].skills')
                      union all select jsonb_path_query(r.body, '$.rules[*].steps[*].prefers')) k(asked)
                where k.asked ? $1) as rules
"""
DELETE_SKILL = "delete from skill where id = $1 returning id"


async def delete_skill(connection: Connection, skill: str) -> Refused | None:
    """Remove a skill nobody uses. Inside a transaction."""
    uses = await connection.fetchrow(WHO_USES, skill)
    used = [text for key, text in USED_BY.items() if uses is not None and uses[key]]
    try:
        async with connection.transaction():
            deleted = None if used else await connection.fetchval(DELETE_SKILL, skill)
    except asyncpg.ForeignKeyViolationError:  # somebody was given it at this moment
        used = [USED_BY["agents"]]
    if used:
        return Refused("conflict", f"{skill!r} is in use: {', '.join(used)}. Remove it there first.", "skill")
    return None if deleted else Refused("not_found", f"There is no skill {skill!r}.", "skill")

"""Rule sets as versions: the draft, publishing it, rolling back, and every version there was.

The newest version is in force; every process asks for it before it routes, so that it holds from the next contact on.
Who publishes while another does waits for the draft's row, and then finds that it is gone.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from model.refusal import Refused
from model.timeline import Author
from router.rules.fields import Able, Catalog, Kinds, pool_kinds
from router.rules.language import Case, Rule, RuleError, RuleSet, parse_rule_set
from router.rules.linting import Checked, check, with_lines
from router.rules.reading import Format, Written
from store.pool import Connection

NO_DRAFT = Refused("not_found", "There is no draft; put one, or begin with the rules of a version.")
NO_VERSION = Refused("not_found", "There is no such version; `/v1/rules/versions` lists them.")


class Draft(Struct, frozen=True):
    """The rule set that administrators work on. It decides nothing until it is published.

    `source`: as it was written, comments and all.
    """

    revision: int
    at: datetime
    by: Author | None
    rules: tuple[Rule, ...]
    cases: tuple[Case, ...]
    source: str
    format: Format

    @property
    def written(self) -> Written:
        """The rule set with its text."""
        return Written(RuleSet(self.rules, self.cases), self.source, self.format)


class Version(Struct, frozen=True):
    """A rule set that is or was in force. `by` null: published by command. `restores`: the version rolled back to."""

    version: int
    published_at: datetime
    by: Author | None
    restores: int | None


class WholeVersion(Version, frozen=True):
    """A version with its rules, and as they were written."""

    rules: tuple[Rule, ...]
    cases: tuple[Case, ...]
    source: str
    format: Format

    @property
    def written(self) -> Written:
        """The rule set with its text."""
        return Written(RuleSet(self.rules, self.cases), self.source, self.format)


LOCK_DRAFT = "select one from rule_draft for no key update"
DRAFT = """
select d.body::text as body, d.source, d.format, d.revision, d.at, a.id as by_id, a.name as by_name
  from rule_draft d left join agent a on a.id = d.by_agent
"""


async def fetch_draft(connection: Connection, *, lock: bool = False) -> Draft | None:
    """The draft; locked for whoever is about to change or publish it."""
    if lock:
        await connection.execute(LOCK_DRAFT)
    row = await connection.fetchrow(DRAFT)
    if row is None:
        return None
    rule_set = parse_rule_set(row["body"])
    return Draft(row["revision"], row["at"], _author(row), rule_set.rules, rule_set.cases, *_source(row))


def _source(row: Any) -> tuple[str, Format]:
    """The text; of what was kept without one, its body."""
    source = row["source"]
    return (msgspec.json.format(row["body"], indent=2), "json") if source is None else (source, row["format"])


def _author(row: Any) -> Author | None:
    return Author(row["by_id"], row["by_name"]) if row["by_id"] else None


SAVE_DRAFT = """
insert into rule_draft (body, source, format, by_agent) values ($1, $2, $3, $4)
on conflict (one) do update
   set body = excluded.body, source = excluded.source, format = excluded.format, by_agent = excluded.by_agent,
       revision = excluded.revision, at = clock_timestamp()
"""


async def save_draft(connection: Connection, written: Written, by: UUID) -> Draft | None:
    """Keep this as the draft, whatever is wrong with it."""
    await connection.execute(SAVE_DRAFT, _json(written.rule_set), written.source, written.format, by)
    return await fetch_draft(connection)


DROP_DRAFT = "delete from rule_draft returning revision"


async def drop_draft(connection: Connection) -> Refused | None:
    """Forget the draft."""
    return NO_DRAFT if await connection.fetchval(DROP_DRAFT) is None else None


VERSIONS = """
select s.version, s.published_at, s.restores, a.id as by_id, a.name as by_name
  from rule_set s left join agent a on a.id = s.published_by
 where $1::int is null or s.version < $1 order by s.version desc limit $2
"""


async def fetch_versions(connection: Connection, limit: int, before: int | None = None) -> tuple[Version, ...]:
    """Versions, the newest first, which is in force."""
    return tuple(_version(row) for row in await connection.fetch(VERSIONS, before, limit))


def _version(row: Any) -> Version:
    return Version(row["version"], row["published_at"], _author(row), row["restores"])


VERSION = """
select s.version, s.published_at, s.restores, s.body::text as body, s.source, s.format,
       a.id as by_id, a.name as by_name
  from rule_set s left join agent a on a.id = s.published_by where s.version = $1
"""


async def fetch_version(connection: Connection, version: int) -> WholeVersion | Refused:
    """One version with its rules."""
    row = await connection.fetchrow(VERSION, version)
    if row is None:
        return NO_VERSION
    try:
        rule_set = parse_rule_set(row["body"])
    except RuleError as error:
        return Refused("invalid", f"Version {version} cannot be read: {error}. Publish another.", "version")
    known = _version(row)
    return WholeVersion(
        *(known.version, known.published_at, known.by, known.restores, rule_set.rules, rule_set.cases, *_source(row))
    )


IN_FORCE = "select max(version) from rule_set"


async def fetch_in_force(connection: Connection) -> WholeVersion | Refused:
    """The version in force."""
    version = await connection.fetchval(IN_FORCE)
    return NO_VERSION if version is None else await fetch_version(connection, version)


PUBLISH = """
with s as (
    insert into rule_set (body, published_by, kinds, source, format) values ($1, $2, $3, $4, $5)
    returning version, published_at, published_by, restores)
select s.version, s.published_at, s.restores, a.id as by_id, a.name as by_name
  from s left join agent a on a.id = s.published_by
"""


class Examined(Struct, frozen=True):
    """A rule set, and how it fares with what there is to name."""

    written: Written
    catalog: Catalog
    checked: Checked


def written_of(rule_set: RuleSet) -> Written:
    """Rules that nobody wrote as a text."""
    return Written(rule_set, msgspec.json.format(_json(rule_set), indent=2), "json")


async def examine(written: Written, catalog: Catalog) -> Examined:
    """Check a rule set, apart from the loop and before any transaction: a large one takes a while."""
    return Examined(written, catalog, await asyncio.to_thread(_check, written, catalog))


def _check(written: Written, catalog: Catalog) -> Checked:
    return with_lines(check(written.rule_set, catalog), written.source)


async def publish(connection: Connection, examined: Examined, by: UUID | None) -> Version | Refused:
    """Put a rule set in force from the next contact on. Refused where lint finds an error or one of its cases fails."""
    written, checked = examined.written, examined.checked
    for finding in checked.findings:
        if finding.severity == "error":
            line = f" (line {finding.line})" if finding.line else ""
            return Refused("invalid", f"{finding.message}{line}", finding.place)
    for number, case in enumerate(checked.cases):
        if not case.passed:
            message = f"The case {case.name!r} fails. {case.message} Correct the rules or the case."
            return Refused("invalid", message, f"cases[{number}]")
    row = await connection.fetchrow(
        *(PUBLISH, _json(written.rule_set), by, _json(_named(examined)), written.source, written.format)
    )
    return _version(row)


def _named(examined: Examined) -> Kinds:
    """Kinds of the custom fields this rule set names: most sets name few of many."""
    text = _json(examined.written.rule_set)
    return {field: kind for field, kind in examined.catalog.custom.items() if f'"{field}"' in text}


COPY_VERSION = """
with s as (
    insert into rule_set (body, published_by, kinds, restores, source, format)
    select o.body, $2, o.kinds, o.version, o.source, o.format from rule_set o where o.version = $1
    returning version, published_at, published_by, restores)
select s.version, s.published_at, s.restores, a.id as by_id, a.name as by_name
  from s left join agent a on a.id = s.published_by
"""


async def examine_version(connection: Connection, version: int, catalog: Catalog) -> Examined | Refused:
    """Whether an earlier version could come into force once more: as `examine`."""
    found = await fetch_version(connection, version)
    return found if isinstance(found, Refused) else await examine(without_cases(found), catalog)


def without_cases(version: WholeVersion) -> Written:
    """The rules of a version alone."""
    return structs.replace(version.written, rule_set=RuleSet(version.rules))


async def roll_back(connection: Connection, version: int, examined: Examined, by: UUID | None) -> Version | Refused:
    """Put an earlier version in force once more, as a new version. Refused where it names what is not there any more.

    Its cases are not run: whoever rolls back is in a hurry, and they passed when it was published.
    """
    for finding in examined.checked.findings:
        if finding.severity == "error":
            return Refused("invalid", f"Version {version} cannot be used now: {finding.message}", finding.place)
    return _version(await connection.fetchrow(COPY_VERSION, version, by))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


NAMES = """
select (select coalesce(array_agg(id), '{}') from queue where retired_at is null) as queues,
       (select coalesce(array_agg(distinct q.queue_id), '{}')
          from agent_queue q join agent a on a.id = q.agent_id where a.active) as served,
       (select coalesce(array_agg(id), '{}') from account) as accounts,
       (select coalesce(array_agg(id::text), '{}') from agent) as agents,
       (select coalesce(array_agg(id::text), '{}') from agent where active and role <> 'service') as askable,
       (select coalesce(array_agg(id), '{}') from skill) as skills,
       (select coalesce(array_agg(id), '{}') from sla_policy) as policies
"""
ABLE = """
select distinct array(select q.queue_id from agent_queue q where q.agent_id = a.id order by 1) as queues,
       coalesce((select jsonb_object_agg(s.skill_id, s.level) from agent_skill s where s.agent_id = a.id), '{}')::text
           as skills
  from agent a where a.active
"""
_read_skills = msgspec.json.Decoder(dict[str, int]).decode


async def fetch_catalog(
    connection: Connection, custom: Kinds, values: dict[str, frozenset[str]], topics: frozenset[str]
) -> Catalog:
    """What rules may name. The rest is what profiles know: custom fields, topics, fields with few values."""
    row: Any = await connection.fetchrow(NAMES)
    own = {"account": frozenset(row["accounts"]), "last_agent": frozenset(row["agents"])}
    able = await connection.fetch(ABLE)
    return Catalog(
        queues=frozenset(row["queues"]),
        served=frozenset(row["served"]),
        topics=topics,
        custom={**custom, **pool_kinds(row["queues"])},
        values=values | own,
        skills=frozenset(row["skills"]),
        able=tuple(Able(frozenset(each["queues"]), _read_skills(each["skills"])) for each in able),
        policies=frozenset(row["policies"]),
        agents=frozenset(row["askable"]),
    )

"""Decisions as they can be read: what was decided, and the trace made again from what the decision stored."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from router.asked import fetch_explained_offers
from router.explaining import ExplainedOffer
from router.facts import LONGEST_PREVIEW, LONGEST_TEXT
from router.routing import read_kinds
from router.rules.cases import read_fact
from router.rules.deciding import Compiled, Shown, Step, compile_rules, shown, trace
from router.rules.fields import Fact
from router.rules.language import RuleError, parse_rule_set
from store.pool import Connection


class DecisionView(Struct, frozen=True):
    """What was decided about a contact. `rule` null: none held, the default queue took it. `alert`: what was wrong.

    `undone`: what the rule was to do besides and what was not done, with the reason.
    """

    id: UUID
    contact: UUID
    at: datetime
    version: int | None
    rule: str | None
    queue: str
    priority: int
    alert: str | None
    undone: tuple[str, ...]


class Explained(DecisionView, frozen=True):
    """A decision with its reasons: each rule up to the one that held, made again from the values it saw.

    `agrees`: made again it comes out the same; `facts`: those values; `gone`: which have been erased since. `offers`:
    whom the contact was offered to since, with the reason for or against every agent as of that moment.
    """

    facts: dict[str, Shown]
    steps: tuple[Step, ...]
    agrees: bool
    gone: tuple[str, ...]
    offers: tuple[ExplainedOffer, ...]


DECISIONS = """
select id, contact_id, at, version, rule, queue_id, priority, alert, undone from decision
 where contact_id = $1 order by at desc, id desc limit 200
"""


async def fetch_decisions(connection: Connection, contact: UUID) -> tuple[DecisionView, ...]:
    """The decisions about a contact, the newest first, at most 200."""
    return tuple(DecisionView(*row) for row in await connection.fetch(DECISIONS, contact))


DECISION = """
select d.id, d.contact_id, d.at, d.version, d.rule, d.queue_id, d.priority, d.alert, d.undone,
       d.inputs::text as inputs, s.body::text as body, s.kinds::text as kinds
  from decision d left join rule_set s on s.version = d.version where d.id = $1
"""
WORDS = f"select string_agg(left(body, {LONGEST_TEXT}), E'\\n' order by at) from entry where id = any ($1)"  # noqa: S608

SHOWN = f"select left(body, {LONGEST_PREVIEW}) from entry where id = $1"  # noqa: S608


async def explain_decision(connection: Connection, id_: UUID) -> Explained | None:
    """A decision with its trace; None when there is no such decision."""
    row = await connection.fetchrow(DECISION, id_)
    if row is None:
        return None
    compiled = _compiled(row["body"], row["kinds"])
    inputs: dict[str, Any] = msgspec.json.decode(row["inputs"])
    words = await _words(connection, inputs)
    facts = _facts(inputs, compiled) | words
    steps = trace(compiled, facts) if compiled else ()
    last = steps[-1].rule if steps and steps[-1].held else None
    agrees = row["alert"] is not None or last == row["rule"]
    return Explained(
        id=row["id"],
        contact=row["contact_id"],
        at=row["at"],
        version=row["version"],
        rule=row["rule"],
        queue=row["queue_id"],
        priority=row["priority"],
        alert=row["alert"],
        undone=tuple(row["undone"]),
        facts={field: shown(value) for field, value in facts.items()},
        steps=steps,
        agrees=agrees,
        gone=tuple(field for field, value in words.items() if value is None),
        offers=await fetch_explained_offers(connection, row["contact_id"], row["at"]),
    )


@lru_cache(maxsize=8)
def _compiled(body: str | None, kinds: str | None) -> Compiled | None:
    """The version's rules; None where there was none, or one that could not be read. A version never changes."""
    try:
        return compile_rules(parse_rule_set(body), read_kinds(kinds)) if body and kinds else None
    except (RuleError, msgspec.MsgspecError):
        return None


def _facts(inputs: dict[str, Any], compiled: Compiled | None) -> dict[str, Fact]:
    kinds = compiled.kinds if compiled else {}
    # Before there were versions, the values stood at the top.
    stored: dict[str, Any] = inputs.get("facts", inputs)
    return {field: read_fact(kinds[field], value) for field, value in stored.items() if field in kinds}


async def _words(connection: Connection, inputs: dict[str, Any]) -> dict[str, str | None]:
    """What was written, from where it stands; None: it has been erased."""
    entries = inputs.get("entries", ())
    fields = inputs.get("words", ("text",) if entries else ())
    words = dict.fromkeys(fields)
    if "shown" in inputs:
        words = dict.fromkeys(fields, await connection.fetchval(SHOWN, inputs["shown"]))
    if entries:
        words["text"] = await connection.fetchval(WORDS, entries)
    return words

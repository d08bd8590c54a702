"""Make one person of two customers: a link from the root that was to the root that is, and nothing is forgotten.

Rows stay with their leaf. What changes is who answers (`root_id`), which open conversation is shown
(`profiles.folding`), and what the whole is called; `profiles.unmerge` takes exactly that back.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import Actor
from model.customer import MergeView
from model.event import CustomerEvent, Merged, SuggestionsChanged
from model.refusal import Refused
from profiles.audit import audit
from profiles.fields import fetch_definitions
from profiles.folding import fetch_standing, refold, share_attention
from profiles.holders import tell_holders
from profiles.merge_log import fetch_merge, name_groups
from profiles.sections import fetch_suggestions
from profiles.values import CHECKS
from store.feeds import Transaction, append_to_customer, lock_customers
from store.ids import new_id
from store.pool import Connection

_encode = msgspec.json.Encoder().encode


class MergeOrder(Struct, frozen=True):
    """Which two; a merged id means its root. `choices`: by field, whose value is taken whatever the rules say."""

    survivor: UUID
    loser: UUID
    choices: Mapping[str, str] = {}
    rule: str = "by_hand"
    by: Actor | None = None
    """None: by policy."""
    evidence: Mapping[str, object] = {}


INSERT_MERGE = """
insert into merge (id, survivor_id, loser_id, moved_ids, choices, rule, evidence, at, by_agent)
select $1, $2, $3, array(select c.id from customer c where c.root_id = $3 order by c.id), $4::jsonb, $5, $6::jsonb,
       clock_timestamp(), $7
returning at
"""
MOVE_LEAVES = "update customer set root_id = $1 where root_id = $2"
# The time tells those that undoing this merge opens again from those that were ended otherwise.
END_SUGGESTIONS = """
update suggestion s set state = 'merged', ended_at = $3, ended_by = $4
  from customer a, customer b
 where s.state = 'open' and a.id = s.low_id and b.id = s.high_id
   and (s.low_id = any ($1) and s.high_id = any ($2) or s.low_id = any ($2) and s.high_id = any ($1))
returning s.id
"""
MEMBERS = "select array_agg(id) from customer where root_id = $1"
LOOK_AGAIN = """
insert into likeness_due (customer_id) select u.id from unnest($1::uuid[]) u(id) order by 1 on conflict do nothing
"""


async def merge(tx: Transaction, order: MergeOrder) -> MergeView | Refused:
    """Merge two customers, or say why not; the loser's id keeps answering with the survivor."""
    locked = await _lock(tx, order)
    if isinstance(locked, Refused):
        return locked
    survivor, loser = locked
    refused = await why_not(tx.connection, survivor, loser) or await _check_choices(tx.connection, locked, order)
    if refused is not None:
        return refused
    ours, theirs = [await tx.connection.fetchval(MEMBERS, root) for root in locked]
    stood = await fetch_standing(tx.connection, locked)
    attention = await share_attention(tx.connection, locked)
    changed = {"stood": stood, "attention": attention}
    evidence = dict(order.evidence) | {name: rows for name, rows in changed.items() if rows}
    by, id_ = order.by.id if order.by else None, new_id()
    values = (_encode(dict(order.choices)).decode(), order.rule, _encode(evidence).decode(), by)
    at = await tx.connection.fetchval(INSERT_MERGE, id_, survivor, loser, *values)
    await tx.connection.execute(MOVE_LEAVES, survivor, loser)
    await refold(tx.connection, [survivor])
    await name_groups(tx.connection, survivor)
    ended = await tx.connection.fetch(END_SUGGESTIONS, ours, theirs, at, by)
    await tx.connection.execute(LOOK_AGAIN, list(locked))
    subject = {"merge": id_, "survivor": survivor, "loser": loser, "rule": order.rule, "fields": sorted(order.choices)}
    await audit(tx.connection, by, "merge", survivor, subject)
    record = await fetch_merge(tx.connection, id_)
    assert record is not None, "it was just written"  # noqa: S101  # for the type checker
    news: list[CustomerEvent] = [Merged(record.view)]
    if ended:
        news.append(SuggestionsChanged(await fetch_suggestions(tx.connection, survivor)))
    await append_to_customer(tx, survivor, news)
    await append_to_customer(tx, loser, [Merged(record.view)])
    await tell_holders(tx, [survivor])
    return record.view


async def _lock(tx: Transaction, order: MergeOrder) -> tuple[UUID, UUID] | Refused:
    if order.survivor == order.loser:
        return Refused("invalid", "A customer cannot be merged with itself; name another one.", "loser")
    roots = await lock_customers(tx, [order.survivor, order.loser])
    if roots is None:
        return await _unknown(tx.connection, order.survivor, order.loser)
    return roots[order.survivor], roots[order.loser]


KNOWN = "select true from customer where id = $1"


async def _unknown(connection: Connection, survivor: UUID, loser: UUID) -> Refused:
    field = "loser" if await connection.fetchval(KNOWN, survivor) else "survivor"
    return Refused("not_found", f"There is no such customer; correct the id of the {field}.", field)


# An external id is one customer's only, so that two groups which have one each have different ones.
STANDING = """
select c.placeholder, (select array_agg(m.external_id order by m.external_id) from customer m
                        where m.root_id = c.id and m.external_id is not null) as external_ids
  from unnest($1::uuid[]) with ordinality u(id, n) join customer c on c.id = u.id order by u.n
"""
NEVER_LINKED = """
select n.low_id, n.high_id from customer a join never_link n on n.low_id = a.id join customer b on b.id = n.high_id
 where a.root_id = any ($1) and b.root_id = any ($1) and a.root_id <> b.root_id limit 1
"""


async def why_not(connection: Connection, survivor: UUID, loser: UUID) -> Refused | None:
    """What keeps two roots from being merged: they are one, or something says that they are not one person."""
    if survivor == loser:
        message = "Both are one profile already; there is nothing to merge, undoing its merge takes it apart."
        return Refused("wrong_state", message, "loser")
    ours, theirs = await connection.fetch(STANDING, [survivor, loser])
    if ours["external_ids"] and theirs["external_ids"]:
        message = (
            f"They have different external ids ({', '.join(ours['external_ids'])} and "
            f"{', '.join(theirs['external_ids'])}); remove one of them first, if both are the same person."
        )
        return Refused("conflict", message, "external_id")
    never = await connection.fetchrow(NEVER_LINKED, [survivor, loser])
    if never is not None:
        pair = f"{never['low_id']}/{never['high_id']}"
        message = f"Somebody said that they are not one person; DELETE /v1/never-links/{pair} first, if they are."
        return Refused("conflict", message, "loser")
    if ours["placeholder"] and not theirs["placeholder"]:
        return Refused("wrong_state", "Nobody knows yet who the survivor is; exchange survivor and loser.", "survivor")
    return None


async def _check_choices(connection: Connection, roots: tuple[UUID, UUID], order: MergeOrder) -> Refused | None:
    custom = any(field.startswith("fields.") for field in order.choices)
    definitions = await fetch_definitions(connection) if custom else {}
    for field, choice in order.choices.items():
        if field not in CHECKS and not (field.startswith("fields.") and field[7:] in definitions):
            known = ", ".join((*CHECKS, "fields.<key>"))
            return Refused("invalid", f"There is no such field to choose; there are: {known}.", f"choices.{field}")
        if choice not in ("survivor", "loser"):
            return Refused("invalid", "Choose `survivor` or `loser`.", f"choices.{field}")
    if "name" in order.choices:
        chosen = roots[0 if order.choices["name"] == "survivor" else 1]
        if await connection.fetchval(NAME_OF, chosen) is None:
            return Refused("invalid", "The one chosen has no name; choose the other's.", "choices.name")
    return None


NAME_OF = "select coalesce(shown_name, name) from customer where id = $1"

"""Who it is, found out and written down: locks the handles, asks `profiles.identity`, saves what it decides.

Handles are locked first, sorted; then the streams of all profiles that change, sorted; then everything is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from model.customer import Provenance
from model.inbound import HandleRef
from model.refusal import Refused
from profiles.audit import audit
from profiles.claims import keep_claims
from profiles.edit import NOW, json_of, save_values, tell_customer
from profiles.handles import canonical, classify
from profiles.identity import (
    Ambiguous,
    Decision,
    Evidence,
    Key,
    Matched,
    New,
    Policy,
    Rule,
    key_of,
    match,
)
from profiles.merge import MergeOrder, merge
from profiles.owners import OwnerRow, fetch_owners, fetch_policy, lock_handles
from store.feeds import Transaction
from store.ids import new_id
from store.pool import Connection

Rows = Mapping[Key, OwnerRow]


class Resolution(Struct, frozen=True):
    """Who it is by now. `leaf`: the customer that what came on the first handle belongs to; `root`: their profile.

    `customer`: the profile that the evidence as a whole means; another one where the first handle's owner must stay
    apart. All are None where the handle is shared or means nobody: who writes has to be asked.
    """

    leaf: UUID | None
    root: UUID | None
    customer: UUID | None
    decision: Decision
    merges: tuple[UUID, ...] = ()
    """The merges that were made."""

    @property
    def is_new(self) -> bool:
        """Whether a customer was made."""
        return isinstance(self.decision, New)


async def resolve(tx: Transaction, evidence: Evidence, policy: Policy | None = None) -> Resolution:
    """Find out who it is and write it down: a new customer, further handles, merges.

    Raises `asyncpg.SerializationError` when a merge or another identification came between: do it all again.
    """
    evidence = in_normal_form(evidence)
    policy = policy or await fetch_policy(tx.connection, evidence.account)
    await lock_handles(tx.connection, evidence)
    known = await fetch_owners(tx.connection, evidence)
    decision = match(evidence, [row.owner for row in known], policy)
    concerned = _concerned(decision)
    if concerned:
        await tx.connection.execute(LOCK_PROFILES, concerned)
        if await fetch_owners(tx.connection, evidence) != known:
            raise asyncpg.SerializationError("a merge moved a customer, identify again")
    rows = {key_of(row.owner.handle): row for row in known if row.owner.handle is not None}
    if isinstance(decision, Ambiguous):
        await _mark_nobodys(tx.connection, rows.values())
        return Resolution(None, None, None, decision)
    if isinstance(decision, New):
        return await _save_new(tx, evidence, decision, rows)
    return await _save_matched(tx, evidence, decision, rows)


def in_normal_form(evidence: Evidence) -> Evidence:
    """The same with every handle in its one form, named once."""

    def normal(ref: HandleRef) -> HandleRef:
        value = canonical(ref.kind, ref.value)
        return ref if value == ref.value else HandleRef(ref.kind, value, ref.scope, ref.form or ref.value)

    return msgspec.structs.replace(
        evidence,
        proven=tuple({key_of(ref): ref for ref in map(normal, evidence.proven)}.values()),
        claims=tuple({key_of(ref): ref for ref in map(normal, evidence.claims)}.values()),
        replaces=normal(evidence.replaces) if evidence.replaces else None,
    )


LOCK_PROFILES = "select from stream s where s.kind = 1 and s.id = any ($1) order by s.id for no key update"


def _concerned(decision: Decision) -> list[UUID]:
    """The profiles that will change."""
    if isinstance(decision, Matched) and (decision.add or decision.merge or decision.external_id):
        return [decision.customer, *(joined.customer for joined in decision.merge)]
    return []


MARK_NOBODYS = "update handle set shared = true where id = $1 and customer_id is null and not shared"


async def _mark_nobodys(connection: Connection, rows: Iterable[OwnerRow]) -> None:
    """A withheld number, a none@: shared from the first, so that whoever comes next is asked too."""
    for row in rows:
        ref = row.owner.handle
        if ref is not None and row.owner.root is None and classify(ref.kind, ref.value) == "placeholder":
            await connection.execute(MARK_NOBODYS, row.id)


INSERT_CUSTOMER = """
insert into customer (id, root_id, name, external_id) values ($1, $1, $2, $3)
on conflict (external_id) where external_id is not null do nothing returning id
"""
INSERT_STREAM = "insert into stream (kind, id) values (1, $1)"


async def _save_new(tx: Transaction, evidence: Evidence, decision: New, rows: Rows) -> Resolution:
    customer = new_id()
    if await tx.connection.fetchval(INSERT_CUSTOMER, customer, evidence.name, decision.external_id) is None:
        raise asyncpg.SerializationError("another customer was given this external id, identify again")
    await tx.connection.execute(INSERT_STREAM, customer)
    for place, ref in enumerate(decision.add):
        rule: Rule = "first_contact" if place == 0 else "proven_together"
        await _own(tx.connection, rows[key_of(ref)], (customer, rule, ref.form), why_of(evidence, decision))
    await keep_claims(tx.connection, customer, evidence, decision.claimed, decision.kept)
    leaf, root = _whose(evidence, rows) or (customer, customer)
    return Resolution(leaf, root, customer, decision)


async def _save_matched(tx: Transaction, evidence: Evidence, decision: Matched, rows: Rows) -> Resolution:
    target, why = decision.customer, why_of(evidence, decision)
    rule: Rule = "changed_id" if evidence.replaces else "proven_together"
    for ref in decision.add:
        await _own(tx.connection, rows[key_of(ref)], (target, rule, ref.form), why)
    await _verify(tx.connection, evidence, rows, why)
    if decision.external_id is not None:
        await _note_external_id(tx.connection, target, decision.external_id)
    if decision.add or decision.external_id is not None:
        await audit(
            tx.connection, None, "identified", target, {"handles": [rows[key_of(ref)].id for ref in decision.add]}
        )
        await tell_customer(tx, target)
    merges = [await _join(tx, target, joined.customer, why) for joined in decision.merge]
    await keep_claims(tx.connection, target, evidence, decision.claimed, decision.kept)
    leaf, root = _whose(evidence, rows) or (target, target)
    is_joined = any(root == joined.customer for joined in decision.merge)
    return Resolution(leaf, target if is_joined else root, target, decision, tuple(merges))


async def _join(tx: Transaction, survivor: UUID, loser: UUID, why: dict[str, object]) -> UUID:
    merged = await merge(tx, MergeOrder(survivor, loser, rule="proven_together", evidence=why))
    if isinstance(merged, Refused):
        raise asyncpg.SerializationError("a customer changed meanwhile, identify again")
    return merged.id


def _whose(evidence: Evidence, rows: Rows) -> tuple[UUID, UUID] | None:
    """Whose the first handle was: maybe another's than whom the evidence as a whole means."""
    row = rows.get(key_of(evidence.proven[0])) if evidence.proven else None
    if row is None or row.owner.leaf is None or row.owner.root is None:
        return None
    return row.owner.leaf, row.owner.root


# The first handle of a kind is the one to use.
OWN_HANDLE = """
update handle h
   set customer_id = $2, verified = true, form = coalesce($3, h.form),
       main = not exists (select from customer m join handle o on o.customer_id = m.id
                           where m.root_id = $2 and o.kind = h.kind and o.main)
 where h.id = $1 and h.customer_id is null
"""
VERIFY_HANDLE = "update handle set verified = true where id = $1"
LINK = "insert into link (id, handle_id, customer_id, rule, evidence) values ($1, $2, $3, $4, $5)"


async def _own(
    connection: Connection, row: OwnerRow, given: tuple[UUID, Rule, str | None], why: dict[str, object]
) -> None:
    customer, rule, form = given
    await connection.execute(OWN_HANDLE, row.id, customer, form)
    await connection.execute(LINK, new_id(), row.id, customer, rule, json_of(why))


async def _verify(connection: Connection, evidence: Evidence, rows: Rows, why: dict[str, object]) -> None:
    """What was only told until now is proven by the channel."""
    for ref in evidence.proven:
        row = rows.get(key_of(ref))
        if row is not None and row.owner.leaf is not None and not row.verified:
            await connection.execute(VERIFY_HANDLE, row.id)
            await connection.execute(LINK, new_id(), row.id, row.owner.leaf, "proven_by_channel", json_of(why))


async def _note_external_id(connection: Connection, customer: UUID, external_id: str) -> None:
    at = await connection.fetchval(NOW)
    fact = Provenance("service", at, verified=True, revision=1)
    saved = await save_values(connection, customer, {"external_id": external_id}, {"external_id": fact})
    if isinstance(saved, Refused):
        raise asyncpg.SerializationError("another customer was given this external id, identify again")


def why_of(evidence: Evidence, decision: Decision) -> dict[str, object]:
    """A decision as it is kept with each link and merge: what proved it, by which rules, and between whom."""
    rivals = {rival for reason in decision.reasons for rival in reason.rivals}
    kept = () if isinstance(decision, Ambiguous) else decision.kept
    return {
        "account": evidence.account,
        "key": evidence.key,
        "proven_by": evidence.source,
        "rules": [
            {"rule": reason.rule, "handle": _shown(reason.handle), "customer": reason.customer}
            for reason in decision.reasons
        ],
        "rivals": sorted(rivals),
        "kept_apart": [{"customer": each.customer, "handle": _shown(each.handle), "why": each.why} for each in kept],
        "claimed": [_shown(ref) for ref in evidence.claims],
    }


def _shown(ref: HandleRef | None) -> dict[str, str] | None:
    return None if ref is None else {"kind": ref.kind, "scope": ref.scope, "value": ref.value}

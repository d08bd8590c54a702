"""Who else may be this person: computed in the background, shown on both profiles, decided by a colleague.

A profile is compared with its candidates whenever something that says who it is has changed. What a claim names is
suggested always, but between two people with different names; anything else when it is likely enough to act on. What a
colleague dismissed stays dismissed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from model.agent import Actor
from model.customer import MatchedField
from model.event import SuggestionsChanged
from model.refusal import Refused
from profiles.audit import audit
from profiles.edit import json_of
from profiles.likeness import compare
from profiles.portrait import Likeness
from profiles.portraits import fetch_candidates, fetch_crowd, fetch_portraits, with_spellings
from profiles.sections import fetch_suggestions
from store.feeds import Transaction, append_to_customer
from store.ids import new_id
from store.pool import Connection

LIKELY: Final = 0.75
"""From here on a suggestion is right nine times in ten."""
CLAIMED: Final = 0.5
"""What somebody says themselves is at least as likely as not."""
MOST: Final = 10


class _Kept(Struct, frozen=True):
    """A suggestion as it stands, between the profiles its customers belong to now."""

    id: UUID
    low: UUID
    high: UUID
    other: UUID
    """The other profile; our own where the two were merged."""
    state: str
    score: float
    matched: tuple[MatchedField, ...]


async def find_likenesses(
    connection: Connection, root: UUID, known: Iterable[UUID] = ()
) -> dict[UUID, Likeness] | None:
    """Who is like this profile, by their root, with those `known` to be; None where it is no profile any more.

    In a transaction.
    """
    ours = (await fetch_portraits(connection, [root])).get(root)
    if ours is None:
        return None
    crowd = await fetch_crowd(connection, ours)
    candidates, near = await fetch_candidates(connection, ours, crowd)
    others = await fetch_portraits(connection, sorted({*candidates, *known} - {root}))
    crowd = await with_spellings(connection, crowd, ours, others.values())
    crowd = msgspec.structs.replace(crowd, near_phones=max(near, 1))
    found = {other: compare(ours, theirs, crowd) for other, theirs in others.items()}
    good = {other: each for other, each in found.items() if each.score >= LIKELY or each.claimed}
    best = sorted(good, key=lambda other: (other not in known, -good[other].score, other))
    return {other: good[other] for other in best[:MOST]}


KEPT = """
select s.id, s.low_id as low, s.high_id as high, o.root_id as other, s.state, s.score, s.matched::text as matched
  from customer m
  join lateral (select s.*, s.high_id as other_id from suggestion s where s.low_id = m.id
                 union all select s.*, s.low_id from suggestion s where s.high_id = m.id) s on true
  join customer o on o.id = s.other_id
 where m.root_id = $1
"""
NEVER = """
select distinct o.root_id from customer m
  join lateral (select n.high_id as id from never_link n where n.low_id = m.id
                 union all select n.low_id from never_link n where n.high_id = m.id) n on true
  join customer o on o.id = n.id
 where m.root_id = $1
"""
LOCK_PROFILES = """
select s.id from stream s where s.kind = 1 and s.id = any ($1) order by s.id for no key update
"""
ROOTS = "select c.id from customer c where c.id = any ($1) and c.root_id = c.id"
_decode = msgspec.json.Decoder(tuple[MatchedField, ...]).decode


async def suggest(tx: Transaction, root: UUID) -> bool:
    """Bring the suggestions of a profile up to date, on both sides; False when a merge came between: once more."""
    connection = tx.connection
    open_ = {each.other for each in await _fetch_kept(connection, root) if each.state == "open"}
    found = await find_likenesses(connection, root, open_)
    if found is None:
        return True
    never = {row["root_id"] for row in await connection.fetch(NEVER, root)}
    found = {other: likeness for other, likeness in found.items() if other not in never}
    changed = await _changes(connection, root, found)
    if not changed:
        return True
    concerned = sorted({root, *changed})
    await connection.execute(LOCK_PROFILES, concerned)
    if len(await connection.fetch(ROOTS, concerned)) < len(concerned):
        return False
    if await _changes(connection, root, found) != changed:
        return False
    for other in sorted(changed - {root}):
        await _save(connection, root, other, found.get(other))
    await connection.execute(END_MERGED, root)
    for profile in concerned:
        await append_to_customer(tx, profile, [SuggestionsChanged(await fetch_suggestions(connection, profile))])
    return True


async def _fetch_kept(connection: Connection, root: UUID) -> list[_Kept]:
    rows = await connection.fetch(KEPT, root)
    return [
        _Kept(r["id"], r["low"], r["high"], r["other"], r["state"], r["score"], _decode(r["matched"])) for r in rows
    ]


async def _changes(connection: Connection, root: UUID, found: Mapping[UUID, Likeness]) -> set[UUID]:
    """Profiles whose suggestion must change; ours stands for a suggestion that a merge has settled."""
    kept = await _fetch_kept(connection, root)
    dismissed = {each.other for each in kept if each.state == "dismissed"}
    changed = {each.other for each in kept if each.state == "open" and each.other not in found}
    for other, likeness in found.items():
        if other not in dismissed and not any(_says(each, root, other, likeness) for each in kept):
            changed.add(other)
    return changed


def _says(kept: _Kept, root: UUID, other: UUID, likeness: Likeness) -> bool:
    """Whether a suggestion stands already as it would be written now."""
    matched = likeness.matched if kept.low == root else _mirrored(likeness.matched)
    same = {kept.low, kept.high} == {root, other} and kept.matched == matched
    return same and kept.state == "open" and abs(kept.score - _score(likeness)) < 0.005


def _score(likeness: Likeness) -> float:
    return max(likeness.score, CLAIMED) if likeness.claimed else likeness.score


def _mirrored(matched: Sequence[MatchedField]) -> tuple[MatchedField, ...]:
    return tuple(msgspec.structs.replace(each, ours=each.theirs, theirs=each.ours) for each in matched)


# What was dismissed stays so. One that is settled by a merge opens again when the merge is undone.
OPEN = """
insert into suggestion (id, low_id, high_id, score, matched) values ($1, $2, $3, $4, $5)
on conflict (low_id, high_id) do update
   set score = excluded.score, matched = excluded.matched, state = 'open', at = clock_timestamp(), ended_at = null,
       ended_by = null
 where suggestion.state <> 'dismissed'
"""
END_OTHERS = """
update suggestion s set state = 'outdated', ended_at = clock_timestamp()
  from customer a, customer b
 where s.state = 'open' and a.id = s.low_id and b.id = s.high_id
   and (a.root_id = $1 and b.root_id = $2 or a.root_id = $2 and b.root_id = $1)
   and (s.low_id = any ($3) or s.high_id = any ($3)) and not ($4 and s.low_id = any ($5) and s.high_id = any ($5))
"""
END_MERGED = """
update suggestion s set state = 'merged', ended_at = clock_timestamp()
  from customer a, customer b
 where s.state = 'open' and a.id = s.low_id and b.id = s.high_id and a.root_id = $1 and b.root_id = $1
   and s.low_id in (select m.id from customer m where m.root_id = $1)
"""
MEMBERS = "select id from customer where root_id = $1"


async def _save(connection: Connection, root: UUID, other: UUID, likeness: Likeness | None) -> None:
    members = [row["id"] for row in await connection.fetch(MEMBERS, root)]
    await connection.execute(END_OTHERS, root, other, members, likeness is not None, [root, other])
    if likeness is None:
        return
    low, high = sorted((root, other))
    matched = likeness.matched if low == root else _mirrored(likeness.matched)
    await connection.execute(OPEN, new_id(), low, high, _score(likeness), json_of(matched))


SUGGESTION = """
select s.low_id, s.high_id, s.state, a.root_id as low_root, b.root_id as high_root
  from suggestion s join customer a on a.id = s.low_id join customer b on b.id = s.high_id where s.id = $1
"""
DISMISS = """
update suggestion set state = 'dismissed', ended_at = clock_timestamp(), ended_by = $2 where id = $1 and state = 'open'
returning id
"""


async def dismiss(tx: Transaction, actor: Actor, suggestion: UUID) -> tuple[UUID, UUID] | Refused:
    """Say that these are not one person: the suggestion goes from both profiles and does not come again.

    Gives the two profiles.
    """
    row = await tx.connection.fetchrow(SUGGESTION, suggestion)
    if row is None:
        return Refused("not_found", "There is no such suggestion.", "id")
    roots = sorted({row["low_root"], row["high_root"]})
    await tx.connection.execute(LOCK_PROFILES, roots)
    if await tx.connection.fetchval(DISMISS, suggestion, actor.id) is None:
        return Refused("wrong_state", f"The suggestion is {_ENDED.get(row['state'], 'gone')} already.", "id")
    for root in roots:
        await audit(tx.connection, actor.id, "suggestion_dismissed", root, {"suggestion": suggestion})
        changed = SuggestionsChanged(await fetch_suggestions(tx.connection, root))
        await append_to_customer(tx, root, [changed])
    return row["low_root"], row["high_root"]


_ENDED: Final = {"merged": "settled by a merge", "dismissed": "dismissed", "outdated": "outdated"}

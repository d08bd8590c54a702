"""Which of a group's open conversations is shown, after a merge or its undoing.

The oldest is; the others are folded into it, never in a chain. A closed one that was folded into what is another
group's now stands where it stood before the merge, or alone. Rows keep their own conversation throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from profiles.record import REOPEN_WITHIN
from store.ids import new_id
from store.pool import Connection

# What a merge may change: which are shown of the open ones; of the closed ones where they are folded, and those that a
# word may still reopen; of a live contact which word it shows: any member's, since a conversation that was moved has
# taken its words along and left its handle where it was.
STANDING = """
select json_object_agg(x.id, x.stood)::text
  from (select v.id, json_build_object('folded_into', v.folded_into, 'closed_at', v.closed_at,
                                       'profile_id', v.profile_id) as stood
          from customer m join conversation v on v.customer_id = m.id
         where m.root_id = any ($1)
           and case when v.status = 'closed' then v.folded_into is not null or v.closed_at > now() - $2::interval
                    else v.folded_into is null end
         union all
        select c.id, json_build_object('shows', (
                   select w.id
                     from customer k cross join lateral (
                          select e.id, e.at from entry e
                           where e.customer_id = k.id and e.handle_id = c.handle_id
                             and e.direction = c.preview_direction and left(e.body, 160) = c.preview
                             and e.at > c.preview_at - interval '1 minute'
                           order by e.at desc, e.id desc limit 1) w
                    where k.root_id = m.root_id
                    order by w.at desc, w.id desc limit 1))
          from customer m join contact c on c.customer_id = m.id
         where m.root_id = any ($1) and c.state not in ('abandoned', 'closed') and c.class = 'messaging') x
"""


async def fetch_standing(connection: Connection, roots: Sequence[UUID]) -> dict[str, object]:
    """The conversations and contacts of these groups as they stand: kept with a merge, for undoing it."""
    text = await connection.fetchval(STANDING, list(roots), REOPEN_WITHIN)
    return msgspec.json.decode(text, type=dict[str, object]) if text else {}


# Their place among the open ones of their group: what was shown before the merge that is undone, then the oldest. Only
# those that stand elsewhere by now are written.
PLACES = """
standing as (
    select v.id, m.root_id as root, row_number() over oldest as place, first_value(v.id) over oldest as shown
      from customer m join conversation v on v.customer_id = m.id
     where m.root_id = any ($1) and v.status <> 'closed'
    window oldest as (
        partition by m.root_id
        order by $2::jsonb ? v.id::text and ($2::jsonb -> v.id::text ->> 'closed_at') is null desc, v.opened_at, v.id)),
places as (
    select p.id, p.root, case when p.place > 1 then p.shown end as folded_into
      from standing p join conversation v on v.id = p.id
     where v.profile_id <> p.root or v.folded_into is distinct from case when p.place > 1 then p.shown end)
"""
# In two steps, because a root may show one open conversation only and an index looks at every row: first none of those
# that move is under a root, then each is in its place.
STEP_ASIDE = f"with {PLACES} update conversation v set profile_id = v.id from places p where v.id = p.id"  # noqa: S608
TAKE_PLACE = f"""
with {PLACES}
update conversation v set profile_id = p.root, folded_into = p.folded_into from places p where v.id = p.id
"""  # noqa: S608  # put together from constants
# What is folded into a folded one follows it to the one that is shown.
FOLLOW_SHOWN = """
update conversation c set folded_into = s.folded_into
  from customer m join conversation c2 on c2.customer_id = m.id join conversation s on s.id = c2.folded_into
 where m.root_id = any ($1) and c2.id = c.id and s.folded_into is not null
"""
# Closed all the while: back to where it stood before the merge, if that is its own group's still, else alone.
STAND_AGAIN = """
update conversation c set folded_into = b.id
  from customer m join conversation v on v.customer_id = m.id
       left join conversation s on s.id = v.folded_into left join customer n on n.id = s.customer_id
       left join lateral (
            select t.id from conversation t join customer k on k.id = t.customer_id
             where t.id = ($2::jsonb -> v.id::text ->> 'folded_into')::uuid and k.root_id = m.root_id) b on true
 where m.root_id = any ($1) and v.id = c.id and v.status = 'closed' and v.folded_into is distinct from b.id
   and (n.root_id <> m.root_id or ($2 -> v.id::text ->> 'closed_at')::timestamptz = v.closed_at)
"""


async def refold(connection: Connection, roots: Sequence[UUID], before: str = "{}") -> None:
    """Show one open conversation of each root, the oldest, fold the others into it. Under the locks of all these roots.

    `before`: the conversations as they stood before the merge that is undone, as JSON.
    """
    groups = list(roots)
    await connection.execute(STEP_ASIDE, groups, before)
    await connection.execute(TAKE_PLACE, groups, before)
    await connection.execute(STAND_AGAIN, groups, before)
    await connection.execute(FOLLOW_SHOWN, groups)


# The open ones of two groups that are about to be one, the one that will be shown first.
OPEN_OF_BOTH = """
select v.id, v.needs_attention, v.folded_into is null as is_shown
  from customer m join conversation v on v.customer_id = m.id
 where m.root_id = any ($1) and v.status <> 'closed'
 order by v.opened_at, v.id
"""
MARK = "update conversation set needs_attention = true where id = $1"


async def share_attention(connection: Connection, roots: Sequence[UUID]) -> dict[str, bool]:
    """Who waits in the one that will be folded is seen at the one that is shown. Under the locks of both roots.

    Gives what that one was marked before: kept with the merge, for undoing it.
    """
    open_ = await connection.fetch(OPEN_OF_BOTH, list(roots))
    if not any(row["is_shown"] and row["needs_attention"] for row in open_[1:]):
        return {}
    first = open_[0]
    await connection.execute(MARK, first["id"])
    return {str(first["id"]): first["needs_attention"]}


# What this merge has marked, and what a merge that lives on has marked of those that have left its group. A later merge
# that marked the same one needs the mark still, and takes it back when it is undone itself.
UNMARK = """
with given as (
    select u.key as id, u.value as before, $3::timestamptz as at from jsonb_each($2::jsonb) u
     union all
    select u.key, u.value, g.at
      from customer m join merge g on g.loser_id = m.id and g.undone_at is null
     cross join jsonb_each(g.evidence -> 'attention') u
      join conversation v on v.id = u.key::uuid join customer n on n.id = v.customer_id
     where m.root_id = any ($1) and n.root_id = any ($1) and n.root_id <> m.root_id),
marked as (
    select distinct on (b.id) b.id::uuid as id, b.before, l.id as later
      from given b join conversation v on v.id = b.id::uuid join customer n on n.id = v.customer_id
      left join lateral (
           select g.id from customer m join merge g on g.loser_id = m.id and g.undone_at is null
            where m.root_id = n.root_id and g.at > b.at and g.evidence -> 'attention' ? b.id
            order by g.at limit 1) l on true
     where n.root_id = any ($1)
     order by b.id, b.at),
handed as (
    update merge g set evidence = jsonb_set(g.evidence, array['attention', k.id::text], k.before)
      from marked k where g.id = k.later)
update conversation v set needs_attention = k.before::boolean from marked k
 where k.later is null and v.id = k.id and v.status <> 'closed'
"""


async def unshare_attention(connection: Connection, roots: Sequence[UUID], marked: str, at: datetime) -> None:
    """Take back what the merge of that time has marked, as JSON; before the last words are looked at."""
    await connection.execute(UNMARK, list(roots), marked, at)


# What is said in a conversation: its last word says whose turn it is.
SAID = "e.direction is not null and e.kind in ('message', 'call', 'voicemail')"
OPEN_OF = f"""
select v.id, v.customer_id as leaf, m.root_id as root,
       exists (select from entry e where e.customer_id = v.customer_id and e.conversation_id = v.id
                                         and e.at > $2 and {SAID}) as spoke,
       exists (select from entry e where e.customer_id = v.customer_id and e.conversation_id = v.id
                                         and (e.at > $2 or $3) and e.kind = 'message' and e.direction = 'in') as came
  from customer m join conversation v on v.customer_id = m.id
 where m.root_id = any ($1) and v.status <> 'closed'
 order by v.opened_at, v.id
"""  # noqa: S608  # put together from constants
# A conversation whose contact is live is open; its contact would never be found again.
REOPEN_LIVE = """
update conversation v set status = 'open', closed_at = null, profile_id = v.id, folded_into = null
  from customer m
 where m.root_id = any ($1) and v.customer_id = m.id and v.status = 'closed'
   and exists (select from contact c where c.conversation_id = v.id and c.state not in ('abandoned', 'closed'))
   and not exists (select from conversation o where o.customer_id = v.customer_id and o.status <> 'closed')
"""
# What only the other's word has reopened is closed again.
CLOSE_AGAIN = f"""
update conversation v
   set status = 'closed', needs_attention = false, closed_at = (b.value ->> 'closed_at')::timestamptz,
       profile_id = (b.value ->> 'profile_id')::uuid, folded_into = (b.value ->> 'folded_into')::uuid
  from jsonb_each($2::jsonb) b join conversation w on w.id = b.key::uuid join customer m on m.id = w.customer_id
 where m.root_id = any ($1) and v.id = w.id and v.status <> 'closed' and b.value ->> 'closed_at' is not null
   and not exists (select from entry e where e.customer_id = w.customer_id and e.conversation_id = w.id
                                             and e.at > $3 and {SAID})
   and not exists (select from contact c where c.conversation_id = w.id and c.state not in ('abandoned', 'closed'))
"""  # noqa: S608  # put together from constants
# The same of what was open before, and was closed while they were one.
CLOSE_ALSO = f"""
with c as (
    select max(e.at) as at from customer m join entry e on e.customer_id = m.id
     where m.root_id = any ($1) and e.kind = 'status' and e.channel is null and e.body = 'closed' and e.at > $2)
update conversation v set status = 'closed', needs_attention = false, closed_at = c.at
  from c cross join customer m join conversation w on w.customer_id = m.id
 where m.root_id = any ($1) and v.id = w.id and v.status <> 'closed' and v.opened_at < c.at
   and not exists (select from entry e where e.customer_id = w.customer_id and e.conversation_id = w.id
                                             and e.at > c.at and {SAID})
   and not exists (select from contact c where c.conversation_id = w.id and c.state not in ('abandoned', 'closed'))
"""  # noqa: S608  # put together from constants
# While they were one, a word in either was a word in both.
WHOSE_TURN = f"""
update conversation v
   set needs_attention = l.direction = 'in',
       status = case when l.direction = 'out' then 'waiting' when v.status = 'waiting' then 'open' else v.status end
  from unnest($1::uuid[]) u(id) join conversation w on w.id = u.id
  cross join lateral (
       select e.direction from entry e
        where e.customer_id = w.customer_id and e.conversation_id = w.id and {SAID}
        order by e.at desc, e.id desc limit 1) l
 where v.id = w.id
"""  # noqa: S608  # put together from constants


async def sort_out(
    connection: Connection, roots: Sequence[UUID], since: datetime, before: str, *, moved: bool
) -> list[UUID]:
    """After a merge was undone: every conversation stands for itself again, with what arrived since by its own handle.

    Nobody is stranded: a live contact keeps its conversation open, and who wrote since and shared the other's contact
    gets one. `moved`: the merge came of moving conversations, which had been one before it and shared a contact then.
    Gives the new contacts, which the rules must look at.
    """
    groups = list(roots)
    await connection.execute(CLOSE_AGAIN, groups, before, since)
    await connection.execute(CLOSE_ALSO, groups, since)
    await connection.execute(REOPEN_LIVE, groups)
    await refold(connection, groups, before)
    open_ = await connection.fetch(OPEN_OF, groups, since, moved)
    if any(row["spoke"] for row in open_):
        await connection.execute(WHOSE_TURN, [row["id"] for row in open_])
    await connection.execute(OWN_WORDS, groups, since, before)
    came = [row["id"] for row in open_ if row["came"]]
    return [row["id"] for row in await connection.fetch(NEW_CONTACTS, came, [new_id() for _ in came])] if came else []


# A live contact that took the other's messages goes back to the last of its own: what is shown of it, and the handle a
# reply goes to. Its own are what it showed before, and since then also those of its group who have no live contact.
OWN_WORDS = f"""
update contact c
   set handle_id = coalesce(l.handle_id, c.handle_id), preview = left(l.body, 160), preview_direction = l.direction,
       preview_at = l.at
  from customer m join contact k on k.customer_id = m.id
       join conversation v on v.id = k.conversation_id
  cross join lateral (
       select e.handle_id, e.body, e.direction, e.at
         from conversation t join entry e on e.customer_id = t.customer_id and e.conversation_id = t.id
        where (t.id = coalesce(v.folded_into, v.id) or t.folded_into = coalesce(v.folded_into, v.id))
          and (e.id = ($3::jsonb -> k.id::text ->> 'shows')::uuid
               or (e.at > $2 or $3::jsonb -> k.id::text ->> 'shows' is null) and (t.id = v.id or not exists (
                  select from contact o where o.conversation_id = t.id and o.state not in ('abandoned', 'closed'))))
          and {SAID}
        order by e.at desc, e.id desc limit 1) l
 where m.root_id = any ($1) and k.id = c.id and c.state not in ('abandoned', 'closed') and c.preview_at > $2
   and not exists (select from handle h join customer n on n.id = coalesce(h.customer_id, h.speaks_as)
                    where h.id = c.handle_id and n.root_id = m.root_id)
"""  # noqa: S608  # put together from constants
NEW_CONTACTS = """
insert into contact (id, customer_id, conversation_id, account_id, handle_id, channel, class, arrived_at,
                     preview, preview_direction, preview_at, messages, unread)
select u.contact_id, v.customer_id, v.id, l.account_id, l.handle_id, l.channel, 'messaging', clock_timestamp(),
       left(l.body, 160), 'in', l.at, l.messages, l.messages
  from unnest($1::uuid[], $2::uuid[]) u(id, contact_id) join conversation v on v.id = u.id
  cross join lateral (
       select e.account_id, e.handle_id, e.channel, e.body, e.at, count(*) over () as messages from entry e
        where e.customer_id = v.customer_id and e.conversation_id = v.id and e.kind = 'message' and e.direction = 'in'
          and e.at > coalesce((select max(o.at) from entry o
                                where o.customer_id = v.customer_id and o.conversation_id = v.id
                                  and o.direction = 'out'), '-infinity')
        order by e.at desc, e.id desc limit 1) l
 where v.needs_attention and v.status <> 'closed' and l.account_id is not null and l.handle_id is not null
   and not exists (
       select from conversation f join contact c on c.conversation_id = f.id
        where (f.id = coalesce(v.folded_into, v.id) or f.folded_into = coalesce(v.folded_into, v.id))
          and c.state not in ('abandoned', 'closed'))
returning id
"""

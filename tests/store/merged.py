"""Two customers merged by plain SQL, as a merge leaves their rows, and what is then said of them."""

from __future__ import annotations

from uuid import UUID

import msgspec

from model.event import CustomerEvent
from store.ids import new_id
from tests.store.company import Company

CUSTOMER = "select coalesce(customer_id, speaks_as) from handle where value = $1"
MERGE = "insert into merge (id, survivor_id, loser_id, moved_ids, rule) values ($1, $2, $3, $4, 'by_hand')"
MOVE = "update customer set root_id = $1 where root_id = $2 returning id"
FOLD = """
with open as (
    select v.id, row_number() over oldest as place, first_value(v.id) over oldest as shown
      from customer m join conversation v on v.customer_id = m.id where m.root_id = $1 and v.status <> 'closed'
    window oldest as (order by v.opened_at, v.id))
update conversation v set folded_into = open.shown from open where v.id = open.id and open.place > 1
"""
ADOPT = """
update conversation v set profile_id = $1 from customer m where m.id = v.customer_id and m.root_id = $1
"""


async def customer_of(company: Company, phone: str) -> UUID:
    """The leaf of this number."""
    leaf: UUID = await company.value(CUSTOMER, phone)
    return leaf


async def merge(company: Company, survivor: str, loser: str) -> UUID:
    """Merge the customers of two numbers; the older open conversation is shown, the other folded. Returns the root."""
    root, lost = await customer_of(company, survivor), await customer_of(company, loser)
    async with company.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from stream where id in ($1, $2) order by id for no key update", root, lost)
        moved = [row["id"] for row in await connection.fetch(MOVE, root, lost)]
        await connection.execute(MERGE, new_id(), root, lost, moved)
        await connection.execute(FOLD, root)
        await connection.execute(ADOPT, root)
    return root


async def told(company: Company, customer: UUID, after: int = 0) -> list[CustomerEvent]:
    """The events of a customer's feed behind a position."""
    rows = await company.rows(
        "select body from event where kind = 1 and id = $1 and seq > $2 order by seq", customer, after
    )
    return [msgspec.json.decode(row["body"], type=CustomerEvent) for row in rows]


async def position(company: Company, customer: UUID) -> int:
    """Where the feed stands."""
    seq: int = await company.value("select seq from stream where id = $1", customer)
    return seq


FLAT = """
select v.id, v.folded_into, 'a chain' as what from conversation v join conversation s on s.id = v.folded_into
 where s.folded_into is not null
union all
select v.id, v.folded_into, 'folded into what is closed' from conversation v join conversation s on s.id = v.folded_into
 where v.status <> 'closed' and s.status = 'closed'
union all
select v.id, v.folded_into, 'folded into another group' from conversation v join customer m on m.id = v.customer_id
       join conversation s on s.id = v.folded_into join customer n on n.id = s.customer_id
 where m.root_id <> n.root_id
union all
select v.id, v.folded_into, 'open under another root' from conversation v join customer m on m.id = v.customer_id
 where v.status <> 'closed' and v.profile_id <> m.root_id
union all
select v.id, s.id, 'nobody answers' from conversation v join conversation s on s.id = coalesce(v.folded_into, v.id)
 where v.status <> 'closed' and s.needs_attention and not exists (
       select from conversation f join contact c on c.conversation_id = f.id
        where (f.id = s.id or f.folded_into = s.id) and c.state not in ('abandoned', 'closed'))
union all
select c.id, v.id, 'live in a closed conversation' from contact c join conversation v on v.id = c.conversation_id
 where v.status = 'closed' and c.state not in ('abandoned', 'closed')
"""


async def check_folds(company: Company) -> None:
    """Folds are flat and open with what is shown; no contact is stranded, and nobody who wrote is without one."""
    wrong = await company.rows(FLAT)
    assert not wrong, [tuple(row) for row in wrong]

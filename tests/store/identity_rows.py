"""All rows of customers, by SQL, for comparing what was with what is."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from tests.store.company import Company

Rows = dict[str, list[str]]

OWN = {
    "customer": "select to_jsonb(x) from customer x where x.id = any ($1)",
    "handle": "select to_jsonb(x) from handle x where x.customer_id = any ($1) or x.speaks_as = any ($1)",
    "link": "select to_jsonb(x) from link x where x.customer_id = any ($1)",
    "conversation": "select to_jsonb(x) from conversation x where x.customer_id = any ($1)",
    "conversation_topic": """
        select to_jsonb(x) from conversation_topic x join conversation v on v.id = x.conversation_id
         where v.customer_id = any ($1)""",
    "contact": "select to_jsonb(x) from contact x where x.customer_id = any ($1)",
    "offer": "select to_jsonb(x) from offer x join contact c on c.id = x.contact_id where c.customer_id = any ($1)",
    "entry": "select to_jsonb(x) from entry x where x.customer_id = any ($1)",
    "outbox": "select to_jsonb(x) from outbox x where x.customer_id = any ($1)",
    "address": "select to_jsonb(x) from address x where x.customer_id = any ($1)",
    "detail": "select to_jsonb(x) from detail x where x.customer_id = any ($1)",
    "relationship": "select to_jsonb(x) from relationship x where x.customer_id = any ($1) or x.other_id = any ($1)",
    "pin": "select to_jsonb(x) from pin x where x.customer_id = any ($1)",
    "task": "select to_jsonb(x) from task x where x.customer_id = any ($1)",
    "never_link": "select to_jsonb(x) from never_link x where x.low_id = any ($1) or x.high_id = any ($1)",
    "suggestion": "select to_jsonb(x) from suggestion x where x.low_id = any ($1) or x.high_id = any ($1)",
}


ALL = "\nunion all\n".join(f"select '{table}', x.* from ({sql}) x" for table, sql in OWN.items())


class Looks(Protocol):
    """A connection, a pool."""

    async def fetch(self, query: str, *arguments: Any) -> list[Any]: ...


async def rows_of(database: Company | Looks, *customers: UUID) -> Rows:
    """Every row that hangs on these leaves, by table, sorted."""
    eye = database.pool if isinstance(database, Company) else database
    found: Rows = {table: [] for table in OWN}
    for table, row in await eye.fetch(ALL, list(customers)):
        found[table].append(row)
    return {table: sorted(rows) for table, rows in found.items()}

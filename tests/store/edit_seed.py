"""What the tests of editing share: customers made by the product's own functions, and everything the database holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from model.agent import Actor
from model.customer import Customer
from model.refusal import Refused
from profiles.create import NewCustomer, create_customer
from profiles.sections import fetch_customer
from store.feeds import Transaction, transaction
from store.ids import new_id
from store.pool import Pool
from tests.store.profile_seed import say_nothing
from tests.store.races import blocked, stays_open

Outcome = TypeVar("Outcome")
Other = TypeVar("Other")
P = ParamSpec("P")
TABLES = (
    *("customer", "handle", "link", "address", "detail", "relationship", "pin", "task", "topic", "conversation_topic"),
    *("field", "segment", "relationship_type", "entry", "event", "audit", "stream", "agent_state", "likeness_due"),
)


async def do(
    pool: Pool, work: Callable[Concatenate[Transaction, P], Awaitable[Outcome]], *args: P.args, **kwargs: P.kwargs
) -> Outcome:
    """Run in a transaction, as a request would: one that is refused leaves nothing behind."""
    async with pool.acquire() as connection:
        outer = connection.transaction()
        await outer.start()
        outcome = await work(Transaction(connection), *args, **kwargs)
        if isinstance(outcome, Refused):
            await outer.rollback()
        else:
            await outer.commit()
        return outcome


async def done(
    pool: Pool,
    work: Callable[Concatenate[Transaction, P], Awaitable[Outcome | Refused]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Outcome:
    """Run what must not be refused."""
    outcome = await do(pool, work, *args, **kwargs)
    assert not isinstance(outcome, Refused), outcome
    return outcome


async def refused(
    pool: Pool, work: Callable[Concatenate[Transaction, P], Awaitable[object]], *args: P.args, **kwargs: P.kwargs
) -> Refused:
    """Run what must be refused, without a rollback: it has changed nothing by itself, and says what to do."""
    before = await everything(pool)
    async with transaction(pool, say_nothing) as tx:
        outcome = await work(tx, *args, **kwargs)
    assert isinstance(outcome, Refused), outcome
    assert len(outcome.message) > 15
    assert outcome.message.endswith(".")
    assert await everything(pool) == before
    return outcome


async def in_turn(
    pool: Pool,
    first: Callable[[Transaction], Awaitable[Outcome]],
    second: Callable[[Transaction], Awaitable[Other]],
) -> tuple[Outcome, Other]:
    """Both at once, the first a moment earlier: the second is under way when the first commits."""
    async with pool.acquire() as connection, stays_open(connection) as opened:
        one = await first(Transaction(connection))
        waiting = asyncio.create_task(do(pool, second))
        await blocked(pool, waiting)
        await opened.commit()
    return one, await waiting


async def make(pool: Pool, actor: Actor, name: str, **values: Any) -> Customer:
    """A customer."""
    return await done(pool, create_customer, actor, NewCustomer(name, **values))


async def read(pool: Pool, customer: UUID) -> Customer:
    """Who a customer is by now."""
    async with pool.acquire() as connection:
        return await fetch_customer(connection, customer)


async def everything(pool: Pool) -> dict[str, list[tuple[Any, ...]]]:
    """All rows an edit may touch, by table."""
    return {table: [tuple(row) for row in await pool.fetch(f"select * from {table} order by 1, 2")] for table in TABLES}


async def merge_rows(pool: Pool, survivor: UUID, loser: UUID) -> None:
    """The rows of a merge, as far as a profile is read from them."""
    await pool.execute(
        "insert into merge (id, survivor_id, loser_id, moved_ids, rule)"
        " values ($1, $2, $3, array[$3::uuid], 'by_hand')",
        *(new_id(), survivor, loser),
    )
    await pool.execute("update customer set root_id = $1 where root_id = $2", survivor, loser)


async def seq_of(pool: Pool, customer: UUID) -> int:
    """How far a customer's feed is."""
    seq: int = await pool.fetchval("select seq from stream where id = $1", customer)
    return seq

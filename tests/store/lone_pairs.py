"""What may befall a contact that was routed alone, at the moment at which it is offered."""

from __future__ import annotations

from typing import Any, Final

from gateway.routing_worker import RoutingWorker
from profiles.merge import MergeOrder, merge
from router.dispatch import dispatch
from router.lone import LoneContact, offer_lone
from store.feeds import Transaction
from tests.store.company import Company
from tests.store.interleaver import OTHER_PHONE, PHONE, Work, writing
from tests.store.orders import Pair

CAPACITY = "update agent_state set cap_messaging = 0"
NAME = "update customer set shown_name = 'Ada' returning clock_timestamp()"
NAMED_SINCE = """
select v.body::jsonb ->> 'customer_name' from event v join offer o on o.id::text = v.body::jsonb ->> 'offer'
 where v.kind = 3 and v.body::jsonb ->> 'kind' = 'offer' and o.created_at > $1
"""


async def taken_alone(company: Company) -> LoneContact | None:
    """What waits for the rules is routed: was it one contact, and the only one?"""
    routing = RoutingWorker(company.pool, company.announce)
    await routing.route_waiting()
    return routing.take_lone()


async def routed_alone(company: Company) -> LoneContact:
    """A customer has written, nobody else waits, and the rules have run."""
    await company.text(PHONE)
    contact = await taken_alone(company)
    assert contact is not None
    return contact


def _offering(contact: LoneContact) -> Work:
    return lambda tx: offer_lone(tx.connection, contact)


async def _free(company: Company) -> Work:
    await company.seat(await company.hire())
    return _offering(await routed_alone(company))


async def _and_dispatch(company: Company) -> tuple[Work, Work]:
    return await _free(company), dispatch


async def _once(company: Company, offered: object, dispatched: Any) -> None:
    assert (offered is not None) + dispatched.offered <= 1
    assert await company.value("select count(*) from offer") == (offered is not None) + dispatched.offered
    await company.drain()
    assert await company.states() == ["offered"]


async def _and_inbound(company: Company) -> tuple[Work, Work]:
    return await _free(company), writing()


async def _as_told(company: Company, offered: object, _: object) -> None:
    assert await company.states() == [("queued" if offered is None else "offered")]
    assert await company.value("select messages from contact") == 2


async def _and_capacity(company: Company) -> tuple[Work, Work]:
    return await _free(company), lambda tx: tx.connection.execute(CAPACITY)


async def _offered_or_not(company: Company, offered: object, _: object) -> None:
    assert (await company.states())[-1] == ("queued" if offered is None else "offered")


async def _and_merge(company: Company) -> tuple[Work, Work]:
    await company.text(OTHER_PHONE)
    await company.drain()
    await company.value("update contact set state = 'closed' returning id")
    ada = await company.hire("Ada", role="supervisor")
    work = await _free(company)
    roots = [row["customer_id"] for row in await company.rows("select customer_id from handle order by value")]

    async def merging(tx: Transaction) -> object:
        return await merge(tx, MergeOrder(roots[1], roots[0], by=ada))

    return work, merging


async def _and_name(company: Company) -> tuple[Work, Work]:
    return await _free(company), lambda tx: tx.connection.fetchval(NAME)


async def _by_name(company: Company, offered: object, named_at: Any) -> None:
    assert [row[0] for row in await company.rows(NAMED_SINCE, named_at)] in ([], ["Ada"])
    await _offered_or_not(company, offered, None)


LONE_PAIRS: Final = {
    "lone offer / dispatch": Pair(_and_dispatch, _once, whole="a"),
    "lone offer / inbound": Pair(_and_inbound, _as_told, whole="a"),
    "lone offer / capacity change": Pair(_and_capacity, _offered_or_not, whole="a", lowered=True),
    "lone offer / merge": Pair(_and_merge, _offered_or_not, whole="a"),
    "lone offer / name": Pair(_and_name, _by_name, whole="ab"),
}

"""REST of accounts: each as everybody may see it, and the queue its contacts fall back on."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from gateway.accounts import fetch_accounts, limits_of
from gateway.problems import not_found
from gateway.rest_call import Call, Endpoint, NoQuery
from gateway.rest_company import Account
from gateway.rest_write import Write, check_if_match
from model.refusal import Refused
from profiles.audit import audit
from router import administration

_NO_ACCOUNT: Final = "There is no such account; `GET /v1/accounts` lists them."


class DefaultQueue(Struct, frozen=True, forbid_unknown_fields=True):
    """Where contacts go that no rule sends elsewhere, or whose rule fails."""

    queue: Annotated[str, Meta(max_length=63)]


async def show_account(call: Call[NoQuery]) -> Account:
    """One of our addresses, without secrets."""
    row = await administration.fetch_account(call.connection, call.path["key"])
    if row is None:
        raise not_found(_NO_ACCOUNT)
    known = (await fetch_accounts(call.connection)).get(row.id)
    return Account(**structs.asdict(row), limits=limits_of(known) if known is not None else None)


async def show_default(call: Call[NoQuery]) -> DefaultQueue:
    """The queue an account's contacts fall back on."""
    return await _default(call, lock=False)


async def put_default(call: Write[DefaultQueue]) -> DefaultQueue | Refused:
    """Let an account's contacts fall back on this queue from now on; what waits stays where it is."""
    check_if_match(call, await _default(call, lock=True))
    key, queue = call.path["key"], call.body.queue
    refused = await administration.set_default_queue(call.tx.connection, key, queue)
    if refused is not None:
        return refused
    await audit(call.tx.connection, call.actor.id, "account.change", None, {"account": key, "queue": queue})
    return call.body


async def _default(call: Call[NoQuery] | Write[DefaultQueue], *, lock: bool) -> DefaultQueue:
    found = await administration.fetch_default_queue(call.connection, call.path["key"], lock=lock)
    if found is None:
        raise not_found(_NO_ACCOUNT)
    return DefaultQueue(found)


_ACCOUNT, _QUEUE = "/v1/accounts/{key}", "/v1/accounts/{key}/queue"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _ACCOUNT, "accounts.read", show_account, NoQuery, Account),
    Endpoint("GET", _QUEUE, "accounts.read", show_default, NoQuery, DefaultQueue, tagged=True),
    Endpoint("PUT", _QUEUE, "accounts.edit", put_default, NoQuery, DefaultQueue, DefaultQueue, tagged=True),
)

"""REST of first response and resolution: policies, and whose default each is."""

from __future__ import annotations

import re
from typing import Final

from gateway.problems import bad_request, not_found
from gateway.rest_call import Call, Endpoint, Listing, ListQuery, NoQuery, PlainId, decode_cursor, page_of
from gateway.rest_write import Write, check_if_match
from model.refusal import Refused
from profiles.audit import audit
from router import sla_policies
from router.sla import Targets
from router.sla_policies import AccountSla, Policy, QueueSla

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NO_POLICY: Final = "There is no such policy; `GET /v1/sla/policies` lists them."
_NO_QUEUE: Final = "There is no such queue; `GET /v1/queues` lists them."
_NO_ACCOUNT: Final = "There is no such account; `GET /v1/accounts` lists them."


async def list_policies(call: Call[ListQuery]) -> Listing[Policy]:
    """Policies of first response and resolution, by id."""
    after = decode_cursor(call.query.cursor, PlainId)
    rows = await sla_policies.fetch_policies(call.connection, call.query.limit + 1, after)
    return page_of(rows, call.query.limit, lambda row: row.id)


async def show_policy(call: Call[NoQuery]) -> Policy:
    """One policy."""
    found = await sla_policies.fetch_policy(call.connection, call.path["key"])
    if found is None:
        raise not_found(_NO_POLICY)
    return found


async def put_policy(call: Write[Targets]) -> Policy | Refused:
    """Make a policy, or promise something else by it from now on: clocks that run are set anew."""
    connection, key = call.tx.connection, call.path["key"]
    if not _ID.fullmatch(key):
        raise bad_request("An id is made of small letters, digits and hyphens, at most 63 of them.", "key")
    before = await sla_policies.fetch_policy(connection, key, lock=True)
    if before is not None:
        check_if_match(call, before)
    elif call.if_match is not None:
        raise not_found(_NO_POLICY)
    flaw = next(sla_policies.flaws_of(call.body), None)
    if flaw is not None:
        return Refused("invalid", flaw[1], flaw[0])
    await sla_policies.keep_policy(connection, key, call.body)
    await audit(connection, call.actor.id, "sla_policy.change", None, {"policy": key})
    after = await sla_policies.fetch_policy(connection, key)
    return after or Refused("conflict", "It was removed meanwhile; send it again.")


async def drop_policy(call: Write[None]) -> Refused | None:
    """Promise it to nobody any more. One that is a queue's or an account's default is kept."""
    connection, key = call.tx.connection, call.path["key"]
    before = await sla_policies.fetch_policy(connection, key, lock=True)
    if before is None:
        raise not_found(_NO_POLICY)
    check_if_match(call, before)
    user = await sla_policies.user_of(connection, key)
    if user is not None:
        return Refused("wrong_state", f"It is what {user} promises; give that another policy, or none, first.")
    await sla_policies.drop_policy(connection, key)
    await audit(connection, call.actor.id, "sla_policy.remove", None, {"policy": key})
    return None


async def show_queue_sla(call: Call[NoQuery]) -> QueueSla:
    """What the contacts of a queue are promised, and who of them goes first."""
    found = await sla_policies.fetch_queue_sla(call.connection, call.path["key"])
    if found is None:
        raise not_found(_NO_QUEUE)
    return found


async def put_queue_sla(call: Write[QueueSla]) -> QueueSla | Refused:
    """Promise this to the contacts of a queue, those who wait already among them."""
    connection, key = call.tx.connection, call.path["key"]
    await sla_policies.lock_waiting(connection, key)
    before = await sla_policies.fetch_queue_sla(connection, key, lock=True)
    if before is None:
        raise not_found(_NO_QUEUE)
    check_if_match(call, before)
    refused = await _unknown(call, call.body.policy)
    if refused is None:
        await sla_policies.set_queue_sla(connection, key, call.body)
        await audit(connection, call.actor.id, "queue_sla.change", None, {"queue": key, "policy": call.body.policy})
    return refused or call.body


async def show_account_sla(call: Call[NoQuery]) -> AccountSla:
    """What the contacts of an account are promised."""
    found = await sla_policies.fetch_account_sla(call.connection, call.path["key"])
    if found is None:
        raise not_found(_NO_ACCOUNT)
    return found


async def put_account_sla(call: Write[AccountSla]) -> AccountSla | Refused:
    """Promise this to the contacts of an account whose rule and queue name nothing."""
    connection, key = call.tx.connection, call.path["key"]
    before = await sla_policies.fetch_account_sla(connection, key, lock=True)
    if before is None:
        raise not_found(_NO_ACCOUNT)
    check_if_match(call, before)
    refused = await _unknown(call, call.body.policy)
    if refused is None:
        await sla_policies.set_account_sla(connection, key, call.body)
        await audit(connection, call.actor.id, "account_sla.change", None, {"account": key, "policy": call.body.policy})
    return refused or call.body


async def _unknown(call: Write[QueueSla] | Write[AccountSla], policy: str | None) -> Refused | None:
    if policy is None or await sla_policies.fetch_policy(call.tx.connection, policy) is not None:
        return None
    return Refused("invalid", _NO_POLICY, "policy")


_POLICY, _QUEUE, _ACCOUNT = "/v1/sla/policies/{key}", "/v1/queues/{key}/sla", "/v1/accounts/{key}/sla"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/sla/policies", "sla.read", list_policies, ListQuery, Listing[Policy]),
    Endpoint("GET", _POLICY, "sla.read", show_policy, NoQuery, Policy, tagged=True),
    Endpoint("PUT", _POLICY, "sla.edit", put_policy, NoQuery, Policy, Targets, tagged=True),
    Endpoint("DELETE", _POLICY, "sla.edit", drop_policy, NoQuery, None, status=204, tagged=True),
    Endpoint("GET", _QUEUE, "sla.read", show_queue_sla, NoQuery, QueueSla, tagged=True),
    Endpoint("PUT", _QUEUE, "sla.edit", put_queue_sla, NoQuery, QueueSla, QueueSla, tagged=True),
    Endpoint("GET", _ACCOUNT, "sla.read", show_account_sla, NoQuery, AccountSla, tagged=True),
    Endpoint("PUT", _ACCOUNT, "sla.edit", put_account_sla, NoQuery, AccountSla, AccountSla, tagged=True),
)

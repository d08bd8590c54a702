"""REST of agents: who works here, what they serve, and the tokens by which they are known."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway import auth
from gateway.auth import TokenView
from gateway.problems import Problem, not_found
from gateway.rest_call import Call, Endpoint, Listing, NoQuery
from gateway.rest_write import Write, check_if_match
from model.refusal import Refused
from profiles.audit import audit
from router import agents
from router.agents import Agent, AgentChange, NewAgent
from router.retiring import retire_agent

_NO_AGENT: Final = "There is no such agent; `GET /v1/agents` lists them."


class NewToken(Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be. `label`: where it is used; without `expires_at` it is good until it is withdrawn."""

    label: Annotated[str, Meta(min_length=1, max_length=100)]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class IssuedToken(Struct, frozen=True):
    """A new token, shown this once: it is kept as a hash."""

    id: str
    token: str

    def __repr__(self) -> str:
        return f"IssuedToken(id={self.id!r})"


async def show_agent(call: Call[NoQuery]) -> Agent:
    """An agent as set up; presence and load are in the list."""
    found = await agents.fetch_agent(call.connection, call.id)
    if found is None:
        raise not_found(_NO_AGENT)
    return found


async def create_agent(call: Write[NewAgent]) -> Agent | Refused:
    """Somebody new; a token is issued apart."""
    added = await agents.add_agent(call.tx.connection, call.body)
    if isinstance(added, Refused):
        return added
    await audit(call.tx.connection, call.actor.id, "agent.create", None, {"agent": added})
    return await _changed(call, added)


async def change_agent(call: Write[AgentChange]) -> Agent | Refused:
    """Change an agent from now on; what they hold stays theirs."""
    before = await agents.lock_agent(call.tx.connection, call.id)
    if before is None:
        raise not_found(_NO_AGENT)
    check_if_match(call, before)
    refused = await agents.change_agent(call.tx.connection, before, call.body)
    if refused is not None:
        return refused
    await audit(call.tx.connection, call.actor.id, "agent.change", None, {"agent": call.id})
    return await _changed(call, call.id)


async def drop_agent(call: Write[None]) -> Refused | None:
    """They work here no more: no token, no queue, no offer; what they hold goes back."""
    if call.id == call.actor.id:
        return Refused("conflict", "That is you; let another administrator do it.")
    refused = await retire_agent(call.tx, call.id)
    if refused is None:
        await audit(call.tx.connection, call.actor.id, "agent.remove", None, {"agent": call.id})
        call.after.append(call.parts.wake)
    return refused


async def list_tokens(call: Call[NoQuery]) -> Listing[TokenView]:
    """An agent's tokens that were not withdrawn, the newest first; none of them can be read."""
    return Listing(await auth.fetch_tokens(call.connection, call.id), None)


async def create_token(call: Write[NewToken]) -> IssuedToken | Refused:
    """Issue a token. It is shown this once, and not kept for whoever repeats the request."""
    found = await agents.fetch_agent(call.tx.connection, call.id)
    if found is None:
        raise not_found(_NO_AGENT)
    if not found.active:
        return Refused("wrong_state", "The agent works here no more; PATCH `active` first.")
    token = await auth.issue_token(call.tx.connection, call.id, call.body.label, call.body.expires_at)
    await audit(call.tx.connection, call.actor.id, "token.create", None, {"agent": call.id})
    return IssuedToken(auth.id_of(token), token)


async def drop_token(call: Write[None]) -> None:
    """Withdraw a token: requests are refused at once, screens that came by it are closed within a minute."""
    if not await auth.revoke_token(call.tx.connection, call.id, call.path["key"]):
        raise Problem(404, "The agent has no such token; `GET /v1/agents/{id}/tokens` lists them.")
    await audit(call.tx.connection, call.actor.id, "token.remove", None, {"agent": call.id})


async def _changed(call: Write[NewAgent] | Write[AgentChange], agent: object) -> Agent:
    call.after.append(call.parts.wake)
    after = await agents.fetch_agent(call.tx.connection, agent)  # type: ignore[arg-type]
    assert after is not None, "it was written in this transaction"  # noqa: S101
    return after


_AGENT, _TOKENS = "/v1/agents/{id}", "/v1/agents/{id}/tokens"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", "/v1/agents", "agents.edit", create_agent, NoQuery, Agent, NewAgent, status=201, tagged=True),
    Endpoint("GET", _AGENT, "agents.read", show_agent, NoQuery, Agent, tagged=True),
    Endpoint("PATCH", _AGENT, "agents.edit", change_agent, NoQuery, Agent, AgentChange, tagged=True),
    Endpoint("DELETE", _AGENT, "agents.edit", drop_agent, NoQuery, None, status=204),
    Endpoint("GET", _TOKENS, "agents.edit", list_tokens, NoQuery, Listing[TokenView]),
    Endpoint("POST", _TOKENS, "agents.edit", create_token, NoQuery, IssuedToken, NewToken, status=201, secret=True),
    Endpoint("DELETE", f"{_TOKENS}/{{key}}", "agents.edit", drop_token, NoQuery, None, status=204),
)

"""REST of calls: what the callers of an account hear, and where an agent's telephone rings."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from gateway.problems import Problem, not_found
from gateway.rest_call import Call, Endpoint, NoQuery
from gateway.rest_write import Write, check_if_match
from model.refusal import Refused
from model.voice_line import VoiceLine
from profiles.audit import audit
from router import voice_lines
from router.voice_lines import AgentLine, LineKind, flaw_of_address, flaws_of

_NO_ACCOUNT: Final = "There is no such account of calls; `GET /v1/accounts` lists those of the channel voice."
_NO_AGENT: Final = "There is no such agent; `GET /v1/agents` lists them."


class NewLine(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to ring an agent: `client:NAME`, `sip:NAME@HOST`, or a phone in E.164."""

    kind: LineKind
    address: Annotated[str, Meta(min_length=1, max_length=400)]


async def show_voice(call: Call[NoQuery]) -> VoiceLine | Refused:
    """What the callers of an account hear, with everything that was not set."""
    account = call.path["key"]
    if not await voice_lines.is_voice(call.connection, account):
        raise not_found(_NO_ACCOUNT)
    found = await voice_lines.fetch_line(call.connection, account)
    if found.problem is not None:
        remedy = "callers hear the defaults until you PUT it anew"
        return Refused("wrong_state", f"What is stored cannot be read: {found.problem}; {remedy}.")
    return found.line


async def put_voice(call: Write[VoiceLine]) -> VoiceLine | Refused:
    """Let the callers of an account hear this from their next step on; what is left out has its default."""
    connection, account, line = call.tx.connection, call.path["key"], call.body
    before = await voice_lines.lock_line(connection, account)
    if before is None:
        raise not_found(_NO_ACCOUNT)
    if before.problem is None:
        check_if_match(call, before.line)
    elif call.if_match is not None:
        raise Problem(412, "What is stored cannot be read; send it anew without this.", "If-Match")
    flaw = next(flaws_of(line, await voice_lines.fetch_queues(connection)), None)
    if flaw is not None:
        return Refused("invalid", flaw[1], flaw[0])
    await voice_lines.keep_line(connection, account, line)
    fields = [name for name in line.__struct_fields__ if getattr(line, name) != getattr(before.line, name)]
    await audit(connection, call.actor.id, "voice.change", None, {"account": account, "fields": fields})
    return line


async def show_agent_line(call: Call[NoQuery]) -> AgentLine:
    """Where an agent is rung; the client of their desk unless something else is set."""
    return await _line_of(call, lock=False)


async def put_agent_line(call: Write[NewLine]) -> AgentLine | Refused:
    """Ring an agent there from the next call on."""
    before = await _line_of(call, lock=True)
    check_if_match(call, before)
    line = AgentLine(call.body.kind, call.body.address)
    flaw = flaw_of_address(line)
    if flaw is not None:
        return Refused("invalid", flaw, "address")
    await voice_lines.keep_agent_line(call.tx.connection, call.id, line)
    fields = [name for name in line.__struct_fields__ if getattr(line, name) != getattr(before, name)]
    await audit(call.tx.connection, call.actor.id, "agent_line.change", None, {"agent": call.id, "fields": fields})
    return line


async def drop_agent_line(call: Write[None]) -> None:
    """Ring an agent by the client of their desk again."""
    check_if_match(call, await _line_of(call, lock=True))
    if not await voice_lines.drop_agent_line(call.tx.connection, call.id):
        raise not_found("Nothing is set: the agent is rung by the client of their desk.")
    await audit(call.tx.connection, call.actor.id, "agent_line.remove", None, {"agent": call.id})


async def _line_of(call: Call[NoQuery], *, lock: bool) -> AgentLine:
    found = await voice_lines.fetch_agent_line(call.connection, call.id, lock=lock)
    if found is None:
        raise not_found(_NO_AGENT)
    return found


_VOICE, _LINE = "/v1/accounts/{key}/voice", "/v1/agents/{id}/line"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _VOICE, "voice.read", show_voice, NoQuery, VoiceLine, tagged=True),
    Endpoint("PUT", _VOICE, "voice.edit", put_voice, NoQuery, VoiceLine, VoiceLine, tagged=True),
    Endpoint("GET", _LINE, "voice.read", show_agent_line, NoQuery, AgentLine, tagged=True),
    Endpoint("PUT", _LINE, "voice.edit", put_agent_line, NoQuery, AgentLine, NewLine, tagged=True),
    Endpoint("DELETE", _LINE, "voice.edit", drop_agent_line, NoQuery, None, status=204, tagged=True),
)

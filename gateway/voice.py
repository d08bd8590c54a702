"""`POST /hooks/{account}` and its steps, of accounts whose channel is voice. Start here.

    voice          the endpoint: verify, parse, record, and say what is heard next
    voice_plan     what is heard next, pure
    voice_calls    what happens to a call, each in one transaction
    voice_worker   rings, hangs up and asks, as calls want it; and what time does to them
    voice_desk     what an agent's screen asks

A caller hears the answer, so whatever happens to us it is one: where we cannot say what comes next, a moment of silence
and the question again. Reports nobody hears are answered 503 then, and come again. Forged requests are still 403.
"""

from __future__ import annotations

import asyncio
from typing import cast
from uuid import UUID

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.base import AccountConfig, Answer, Forged, ParseError, WebhookRequest
from adapters.registry import UnknownProvider, adapter_for
from adapters.voice.base import VoiceAdapter
from gateway.accounts import Accounts
from gateway.intake import ANSWER_SECONDS, BODY_SECONDS, RETRY_AFTER, TooLarge, _read, _webhook
from gateway.problems import problem
from gateway.voice_calls import Calls
from gateway.voice_plan import (
    LegOnCall,
    Steps,
    again,
    choose,
    for_leg,
    greeting,
    hold,
    next_for_caller,
    place,
    take_message,
    turn_away,
    way_in,
)
from model.call import (
    CallArrived,
    CallEvent,
    ConferenceMoved,
    HangUp,
    LegAsked,
    LegMoved,
    NothingNew,
    RecordingMoved,
    StepAsked,
    Transcribed,
)
from model.voice_line import VoiceLine
from profiles.calls import NewCall
from profiles.dead_letters import Unreadable, bury
from router.calls import fetch_position
from store.pool import Connection

HEARD = frozenset((None, "", "menu", "wait", "after", "voicemail", "recorded", "fallback", "agent", "pressed"))
"""Steps whose answer somebody hears."""

log = structlog.get_logger()
STEPS = Counter("screenpop_voice_steps", "Voice webhooks by account, step and outcome", ["account", "step", "outcome"])


class VoiceEndpoint:
    """The webhooks of calls."""

    def __init__(self, accounts: Accounts, calls: Calls) -> None:
        self._accounts = accounts
        self._calls = calls

    async def serves(self, account: str) -> AccountConfig | None:
        """The account, where it is one of calls."""
        found = await self._accounts.get(account)
        return found if found is not None and found.channel == "voice" else None

    async def __call__(self, request: Request, account: AccountConfig) -> Response:
        """Answer one webhook."""
        try:
            adapter = cast(VoiceAdapter, adapter_for(account.provider, account.channel))
            async with asyncio.timeout(BODY_SECONDS):
                webhook = _webhook(request, await _read(request, adapter.max_body))
            adapter.verify(webhook, account)
        except UnknownProvider:
            return problem(404, "Unknown account", "The account's provider is not installed here.")
        except TooLarge:
            return problem(413, "Too large", "No report of a call is that long.")
        except ClientDisconnect:
            return Response(status_code=499)
        except Forged as error:
            _count(account, "?", "forged")
            log.warning("webhook_forged", account=account.id, why=str(error))
            return problem(403, "Not verified", "The request is not proved to come from the provider.")
        return await self._answer(webhook, account, adapter)

    async def _answer(self, webhook: WebhookRequest, account: AccountConfig, adapter: VoiceAdapter) -> Response:
        step = webhook.step or "call"
        try:
            event = adapter.parse_call(webhook, account)
        except ParseError as error:
            return await self._bury(webhook, account, adapter, error)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                steps = await self._take(event, webhook, account)
        except Exception as error:  # ours: nobody hears it, and what is only reported comes again
            _count(account, step, "failure")
            log.warning("voice_step_failed", account=account.id, step=step, error=type(error).__name__)
            if webhook.step not in HEARD:
                return problem(503, "Try again", "Nothing was recorded. Send it again.", headers=RETRY_AFTER)
            return _response(adapter.render(again(_target(webhook)), account))
        _count(account, step, "taken")
        return _response(adapter.taken() if steps is None else adapter.render(steps, account))

    async def _bury(
        self, webhook: WebhookRequest, account: AccountConfig, adapter: VoiceAdapter, error: ParseError
    ) -> Response:
        """Genuine and unreadable: kept as it came. Whoever hears the answer is let go: asking again changes nothing."""
        _count(account, webhook.step or "call", "dead_letter")
        letter = Unreadable(
            account=account.id,
            step=webhook.step,
            query=webhook.query,
            content_type=webhook.header("content-type"),
            body=webhook.body,
            reason=error.reason,
            field=error.field,
        )
        try:
            async with self._calls.pool.acquire() as connection:
                await bury(connection, letter)
        except Exception as failure:
            log.warning("voice_step_failed", account=account.id, step=webhook.step, error=type(failure).__name__)
            return problem(503, "Try again", "Nothing was recorded. Send it again.", headers=RETRY_AFTER)
        return _response(adapter.render((HangUp(),), account) if webhook.step in HEARD else adapter.taken())

    async def _take(self, event: CallEvent, webhook: WebhookRequest, account: AccountConfig) -> Steps | None:
        match event:
            case CallArrived():
                return await self._arrived(event, webhook, account)
            case StepAsked():
                return await self._asked(event, webhook, account)
            case LegAsked():
                return await self._leg_asked(event, account)
            case LegMoved():
                await self._calls.leg_moved(account.id, event)
            case ConferenceMoved() | RecordingMoved() | Transcribed():
                await self._reported(event, account)
            case NothingNew():
                pass
        return None

    async def _reported(self, event: ConferenceMoved | RecordingMoved | Transcribed, account: AccountConfig) -> None:
        if not await self._calls.of_account(event.call, account.id):
            return
        match event:
            case ConferenceMoved():
                await self._calls.conference_moved(event)
            case RecordingMoved():
                await self._calls.recording_moved(event)
            case Transcribed():
                await self._calls.transcribed(event)

    async def _arrived(self, event: CallArrived, webhook: WebhookRequest, account: AccountConfig) -> Steps:
        async with self._calls.pool.acquire() as connection:
            line = await self._calls.line(connection, account.id)
            way = way_in(line, await connection.fetchval("select now()"))
        new = NewCall(
            account=account.id,
            key=event.sid,
            handle=event.handle,
            name_hint=event.name_hint,
            query=webhook.query,
            content_type=webhook.header("content-type"),
            raw=webhook.body,
        )
        call, is_new = await self._calls.arrived(new, line, way)
        if is_new and way == "turned_away":
            return turn_away(line)
        if is_new and way == "voicemail":
            return take_message(line, call, closed=True)
        first = greeting(line) if is_new else ()
        return (*first, *await self._next(call, line))

    async def _next(self, call: UUID, line: VoiceLine) -> Steps:
        async with self._calls.pool.acquire() as connection:
            row = await connection.fetchrow(WHERE, call)
        if row is None:
            return (HangUp(),)
        if row["outcome"] == "turned_away":
            return turn_away(line)
        return next_for_caller(line, call, row["state"], (row["menu_path"], row["menu_tries"]))

    async def _asked(self, event: StepAsked, webhook: WebhookRequest, account: AccountConfig) -> Steps:
        if event.call is None:  # the provider's fallback: from the beginning, which finds a call that is known
            return again("")
        async with self._calls.pool.acquire() as connection:
            line = await self._calls.line(connection, account.id)
            row = await connection.fetchrow(WHERE, event.call)
            position = await fetch_position(connection, event.call) if event.step == "wait" else None
        if row is None or row["account_id"] != account.id:
            return (HangUp(),)
        if event.over:
            await self._calls.caller_over(event.call)
            return (HangUp(),)
        if event.step == "wait":
            return hold(line, event.call, position if row["state"] == "waiting" else None)
        if event.step == "recorded":
            return (HangUp(),)
        if event.step == "menu" and event.at == place(row["menu_path"], row["menu_tries"]):
            await self._calls.chosen(event, line, choose(line, row["menu_path"], row["menu_tries"], event.digits))
        return await self._next(event.call, line)

    async def _leg_asked(self, event: LegAsked, account: AccountConfig) -> Steps:
        async with self._calls.pool.acquire() as connection:
            line = await self._calls.line(connection, account.id)
            leg = await _leg_on_call(connection, event.leg, account.id)
        if leg is None:
            return (HangUp(),)
        await self._calls.leg_moved(account.id, LegMoved(event.sid, "answered", event.leg))
        steps = for_leg(line, leg, pressed=event.digits if event.step == "pressed" else None)
        if not isinstance(steps[0], HangUp) and (not leg.by_digit or event.step == "pressed"):
            async with self._calls.pool.acquire() as connection:
                await connection.execute(SERVED, event.leg)
        return steps


WHERE = "select account_id, state, outcome, menu_path, menu_tries from call where id = $1"
SERVED = "update call_leg set served_at = coalesce(served_at, clock_timestamp()) where id = $1"
LEG = """
select l.id, l.call_id, l.role, l.mode, l.kind = 'phone' and l.role in ('agent', 'consult', 'supervisor') as by_digit,
       (select a.sid from call_leg a where a.call_id = l.call_id and a.role = 'agent' and a.state <> 'ended') as coach
  from call_leg l join call k on k.id = l.call_id
 where l.id = $1 and k.account_id = $2 and l.state <> 'ended' and k.state <> 'ended'
"""


async def _leg_on_call(connection: Connection, leg: UUID, account: str) -> LegOnCall | None:
    row = await connection.fetchrow(LEG, leg, account)
    if row is None:
        return None
    return LegOnCall(row["id"], row["call_id"], row["role"], row["by_digit"], row["mode"], row["coach"])


def _target(webhook: WebhookRequest) -> str:
    """The step that was asked for, to be asked for again."""
    return (webhook.step or "") + (f"?{webhook.query}" if webhook.query else "")


def _response(answer: Answer) -> Response:
    return Response(answer.body, status_code=answer.status, media_type=answer.content_type)


def _count(account: AccountConfig, step: str, outcome: str) -> None:
    STEPS.labels(account.id, step if step in HEARD or step.isalpha() else "?", outcome).inc()

"""What Twilio is to do with calls, conferences and recordings, and what its answer means.

Calls: https://www.twilio.com/docs/voice/api/call-resource; conferences:
https://www.twilio.com/docs/voice/api/conference-participant-resource; recordings:
https://www.twilio.com/docs/voice/api/recording. Every request but a dial can be repeated: it says how something is to
be. A dial whose answer was lost may ring or not: its reports will tell, and it is never made twice.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.rest import Client

from adapters.base import AccountConfig
from adapters.sms.twilio_api import Exchange
from adapters.sms.twilio_errors import describe
from adapters.voice.twilio_parse import moved
from adapters.voice.twilio_twiml import RECORDING_EVENTS, address, report_address
from model.call import (
    AskLeg,
    CallCommand,
    ChangeRecording,
    CoachLeg,
    CommandDone,
    CommandFailed,
    CommandOutcome,
    DialLeg,
    EndLeg,
    HoldLeg,
    SendLeg,
    StartRecording,
)

_NO_ENVIRONMENT = {"": ""}
_CURRENT = "Twilio.CURRENT"
# The call is not in progress: https://www.twilio.com/docs/api/errors/21220; not there: 20404.
_OVER = frozenset((20404, 21220))
_LEG_EVENTS = ["initiated", "ringing", "answered", "completed"]
UNKNOWN = "no answer from Twilio: it may or may not ring"


async def carry_out(
    session: httpx2.AsyncClient, account: AccountConfig, command: CallCommand, timeout: float
) -> CommandOutcome:
    """Ask once. Raises only on cancellation."""
    exchange = Exchange(session, timeout)
    client = Client(
        account.settings["account_sid"], account.secrets[0], http_client=exchange, environment=_NO_ENVIRONMENT
    )
    base = account.settings.get("api_base")
    if base:
        client.api.base_url = base
    dials = isinstance(command, DialLeg)
    try:
        async with asyncio.timeout(timeout):
            return await _ask(client, account, command)
    except (TwilioRestException, TwilioServiceException) as error:
        return _refusal(error, exchange, dials)
    except Exception as error:  # whatever broke, what is known is the same
        if dials and exchange.left_us:
            return CommandFailed(UNKNOWN)
        return CommandFailed(f"Twilio could not be reached ({type(error).__name__})", again=True)


async def _ask(client: Any, account: AccountConfig, command: CallCommand) -> CommandOutcome:
    match command:
        case DialLeg():
            return await _dial(client, account, command)
        case EndLeg(sid=sid):
            await client.calls(sid).update_async(status="completed")
            return CommandDone(sid)
        case SendLeg(sid=sid, target=target):
            await client.calls(sid).update_async(url=address(account, target), method="POST")
            return CommandDone(sid)
        case HoldLeg(conference=conference, sid=sid, on=on, sound=sound):
            held = {"hold_url": address(account, sound), "hold_method": "POST"} if on else {}
            await client.conferences(conference).participants(sid).update_async(hold=on, **held)
            return CommandDone(sid)
        case CoachLeg(conference=conference, sid=sid, muted=muted, coach=coach):
            heard = {"coaching": True, "call_sid_to_coach": coach} if coach else {"coaching": False}
            await client.conferences(conference).participants(sid).update_async(muted=muted, **heard)
            return CommandDone(sid)
        case StartRecording() | ChangeRecording():
            return await _record(client, account, command)
        case AskLeg(sid=sid):
            found = await client.calls(sid).fetch_async()
            move = moved(str(found.status)) or ("answered", "completed")
            return CommandDone(sid, move[0], move[1])


async def _dial(client: Any, account: AccountConfig, command: DialLeg) -> CommandOutcome:
    made = await client.calls.create_async(
        to=command.to,
        from_=account.address,
        url=address(account, command.answer),
        method="POST",
        status_callback=report_address(account, command.events),
        status_callback_method="POST",
        status_callback_event=_LEG_EVENTS,
        timeout=command.seconds,
    )
    return CommandDone(str(made.sid), "dialing")


async def _record(client: Any, account: AccountConfig, command: StartRecording | ChangeRecording) -> CommandOutcome:
    if isinstance(command, ChangeRecording):
        status = "paused" if command.state == "paused" else "in-progress"
        # What was said meanwhile is left out, not replaced by silence.
        extra = {"pause_behavior": "skip"} if status == "paused" else {}
        recording = client.calls(command.sid).recordings(command.recording or _CURRENT)
        changed = await recording.update_async(status=status, **extra)
        return CommandDone(str(changed.sid))
    made = await client.calls(command.sid).recordings.create_async(
        recording_channels="dual",
        recording_status_callback=report_address(account, command.events),
        recording_status_callback_method="POST",
        recording_status_callback_event=RECORDING_EVENTS.split(),
    )
    return CommandDone(str(made.sid))


def _refusal(error: TwilioRestException | TwilioServiceException, exchange: Exchange, dials: bool) -> CommandOutcome:
    """What an answer that is no 2xx means."""
    status: int = error.status
    code = error.code if isinstance(error.code, int) and error.code != status else None
    if code in _OVER or status == 404:
        return CommandDone(None, "ended", "failed") if not dials else CommandFailed(describe(code, f"HTTP {status}"))
    reason = describe(code, str(getattr(error, "msg", "") or "") if code else f"HTTP {status}")
    if status in (502, 504) and dials:
        return CommandFailed(UNKNOWN)
    if status in (408, 429) or status >= 500:
        return CommandFailed(reason, again=True, after_seconds=exchange.retry_after_seconds)
    return CommandFailed(reason)

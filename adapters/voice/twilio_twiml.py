"""What a caller or an agent's leg is to hear → TwiML. Pure.

Twilio's library writes the XML and so its escaping; which verbs and attributes there are:
https://www.twilio.com/docs/voice/twiml. Statuses are reported by POST with the connection overrides of the account,
for by default Twilio does not come again after a failure of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twilio.twiml.voice_response import Conference, Dial, Gather, VoiceResponse

from adapters.base import AccountConfig
from adapters.sms.twilio_signature import callback_overrides
from model.call import (
    AskDigit,
    CallStep,
    EnterConference,
    GoTo,
    HangUp,
    PlaySound,
    Quiet,
    Sound,
    Speak,
    TakeMessage,
)

RECORDING_EVENTS = "in-progress completed absent"


def render(steps: Iterable[CallStep], account: AccountConfig) -> bytes:
    """TwiML that does these steps, one after the other."""
    response = VoiceResponse()
    for step in steps:
        match step:
            case Speak() | PlaySound() | Quiet():
                _sound(response, step)
            case AskDigit():
                _ask(response, step, account)
            case EnterConference():
                _conference(response, step, account)
            case TakeMessage():
                _message(response, step, account)
            case GoTo(target=target):
                response.redirect(address(account, target), method="POST")
            case HangUp():
                response.hangup()
    text: str = response.to_xml()
    return text.encode()


def address(account: AccountConfig, target: str) -> str:
    """Where a step of ours is asked for: the caller waits, so Twilio's short retry on connecting is all there is."""
    return f"{account.public_url}/{target}" if target else account.public_url


def report_address(account: AccountConfig, target: str) -> str:
    """Where something is reported: nobody waits, so Twilio may come again after any failure."""
    overrides = callback_overrides(account)
    return address(account, target) + (f"#{overrides}" if overrides else "")


def _sound(parent: Any, sound: Sound) -> None:
    match sound:
        case Speak(text=text, language=language, voice=voice):
            parent.say(text, language=language, voice=voice)
        case PlaySound(url=url):
            parent.play(url)
        case Quiet(seconds=seconds):
            parent.pause(length=seconds)


def _ask(response: VoiceResponse, step: AskDigit, account: AccountConfig) -> None:
    gather = Gather(
        input="dtmf", num_digits=1, timeout=step.seconds, action=address(account, step.target), method="POST"
    )
    for sound in step.sounds:
        _sound(gather, sound)
    response.append(gather)


def _conference(response: VoiceResponse, step: EnterConference, account: AccountConfig) -> None:
    dial = Dial(action=address(account, step.after) if step.after else None, method="POST" if step.after else None)
    waits = {"wait_url": address(account, step.wait), "wait_method": "POST"} if step.wait else {"wait_url": ""}
    dial.append(
        Conference(
            step.name,
            participant_label=step.label,
            beep="false",
            start_conference_on_enter=step.starts,
            end_conference_on_exit=False,
            muted=step.muted,
            coach=step.coach,
            status_callback=report_address(account, step.events),
            status_callback_method="POST",
            status_callback_event="start end join leave hold mute",
            **waits,
        )
    )
    response.append(dial)


def _message(response: VoiceResponse, step: TakeMessage, account: AccountConfig) -> None:
    transcript = report_address(account, step.transcript) if step.transcript else None
    transcribed = {"transcribe": True, "transcribe_callback": transcript}
    response.record(
        action=address(account, step.target),
        method="POST",
        max_length=step.most_seconds,
        play_beep=True,
        finish_on_key="#",
        recording_status_callback=report_address(account, step.events),
        recording_status_callback_method="POST",
        recording_status_callback_event=RECORDING_EVENTS,
        **(transcribed if transcript else {}),
    )

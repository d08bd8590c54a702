"""What Twilio's voice webhooks say, and what it is answered with."""

from __future__ import annotations

from uuid import UUID

import pytest

from adapters.base import ParseError, WebhookRequest
from adapters.voice.twilio_parse import parse_webhook
from adapters.voice.twilio_twiml import render
from gateway.demo.outside.twilio_twiml import WAITING, TwimlFault, Verb, read
from gateway.voice_plan import (
    LegOnCall,
    again,
    ask_menu,
    for_leg,
    greeting,
    hold,
    next_for_caller,
    take_message,
    turn_away,
    wait_in_conference,
)
from model.call import CallArrived, ConferenceMoved, LegAsked, LegMoved, RecordingMoved, StepAsked, Transcribed
from model.inbound import HandleRef
from model.voice_line import Menu, Option, VoiceLine
from tests.adapters.voice.twilio_requests import CALL, CALL_SID, LEG, account, call, fixture, form

CALL_ID, LEG_ID = UUID(CALL), UUID(LEG)
RECORDING = "RE0123456789abcdef0123456789abcdef"
SOUND = f"https://api.twilio.com/2010-04-01/Accounts/AC{1:032d}/Recordings/{RECORDING}.mp3"
EXPECTED = {
    "00_call": CallArrived(CALL_SID, HandleRef("phone", "+14155550123"), "Ana Lopez"),
    "00_call_withheld": CallArrived(CALL_SID.replace("CA0", "CA1"), HandleRef("phone", "+266696687")),
    "menu": StepAsked("menu", CALL_SID, CALL_ID, "2", at=".0"),
    "wait": StepAsked("wait", CALL_SID, CALL_ID),
    "after": StepAsked("after", CALL_SID, CALL_ID, over=True),
    "voicemail": StepAsked("voicemail", CALL_SID, CALL_ID),
    "recorded": StepAsked("recorded", CALL_SID, CALL_ID, "#"),
    "fallback": StepAsked("fallback", CALL_SID, None),
    "status": LegMoved(CALL_SID, "ended"),
    "leg_ringing": LegMoved(CALL_SID, "ringing", LEG_ID),
    "leg_no_answer": LegMoved(CALL_SID, "ended", LEG_ID, "no_answer"),
    "agent": LegAsked("agent", CALL_SID, LEG_ID),
    "pressed": LegAsked("pressed", CALL_SID, LEG_ID, "1"),
    "events_join": ConferenceMoved("CF" + CALL_SID[2:], CALL_ID, CALL_SID, "joined", 2),
    "events_leave": ConferenceMoved("CF" + CALL_SID[2:], CALL_ID, CALL_SID, "left", 5),
    "recording_completed": RecordingMoved(CALL_SID, RECORDING, CALL_ID, "voicemail", "done", SOUND, 11),
    "recording_absent": RecordingMoved(CALL_SID, RECORDING, CALL_ID, "voicemail", "absent"),
    "transcript_completed": Transcribed(RECORDING, CALL_ID, "Please call me back."),
    "transcript_failed": Transcribed(RECORDING, CALL_ID, None),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_documented_report_is_read(name: str) -> None:
    assert parse_webhook(fixture(name), account()) == EXPECTED[name]


def test_the_end_of_a_conference_says_nothing_we_keep() -> None:
    assert type(parse_webhook(fixture("events_end"), account())).__name__ == "NothingNew"


@pytest.mark.parametrize(
    ("step", "query", "field"),
    [
        ("leg", "", "leg"),
        ("leg", "leg=1", "leg"),
        ("events", f"call={CALL}&call={CALL}", "call"),
        ("elsewhere", "", "step"),
        ("recording", f"call={CALL}&kind=song", "RecordingStatus"),
    ],
)
def test_what_cannot_be_read_names_its_field(step: str, query: str, field: str) -> None:
    body = b"&".join(f"{name}={value.replace('+', '%2B')}".encode() for name, value in call())
    with pytest.raises(ParseError) as error:
        parse_webhook(form(body + b"&StatusCallbackEvent=x", step=step, query=query), account())
    assert error.value.field == field


def test_only_posts_are_read() -> None:
    with pytest.raises(ParseError, match="POST"):
        parse_webhook(WebhookRequest("GET", "/hooks/voice-main", "", (), b""), account())


LINE = VoiceLine(
    greeting='Hello & welcome to "Acme" <now>.',
    menu=Menu("One for sales.", {"1": Option("Sales", "sales"), "#": Option("Word", voicemail=True)}),
    hold_music=("https://music.example.com/a.mp3?b=1&c=2",),
    record=True,
    record_notice="This call is recorded.",
)
HEARD = {
    "greeting": greeting(LINE),
    "menu": ask_menu(LINE, CALL_ID, "", 0),
    "conference": wait_in_conference(CALL_ID),
    "message": take_message(LINE, CALL_ID, closed=True),
    "turned away": turn_away(LINE),
    "again": again(f"menu?call={CALL}&at=.0"),
    "from the beginning": again(""),
    "ended": next_for_caller(LINE, CALL_ID, "ended", ("", 0)),
    "client": for_leg(LINE, LegOnCall(LEG_ID, CALL_ID, "agent"), pressed=None),
    "telephone": for_leg(LINE, LegOnCall(LEG_ID, CALL_ID, "agent", by_digit=True), pressed=None),
    "pressed": for_leg(LINE, LegOnCall(LEG_ID, CALL_ID, "agent", by_digit=True), pressed="1"),
    "listens": for_leg(LINE, LegOnCall(LEG_ID, CALL_ID, "supervisor", mode="listen"), pressed=None),
    "coaches": for_leg(LINE, LegOnCall(LEG_ID, CALL_ID, "supervisor", mode="coach", coach="CA1"), pressed=None),
}


def played(name: str) -> list[Verb]:
    return read(render(HEARD[name], account()).decode())


@pytest.mark.parametrize("name", sorted(HEARD))
def test_everything_heard_is_twiml_as_documented(name: str) -> None:
    assert played(name)


def test_while_somebody_waits_only_what_is_allowed_there_is_answered() -> None:
    verbs = read(render(hold(LINE, CALL_ID, 3), account()).decode(), WAITING)
    assert [verb.text for verb in verbs][:2] == ["You are number 3 in the line.", LINE.hold_music[0]]
    assert read(render(hold(LINE, CALL_ID, None), account()).decode(), WAITING)[0].name == "Play"


def test_a_listener_is_muted_a_coach_is_heard_by_one_and_neither_begins_the_conference() -> None:
    listens, coaches = (played(name)[0].nested[0].attributes for name in ("listens", "coaches"))
    assert (listens["muted"], listens["startConferenceOnEnter"]) == ("true", "false")
    assert (coaches["muted"], coaches["coach"], coaches["startConferenceOnEnter"]) == ("false", "CA1", "false")


def test_a_mailbox_that_answers_presses_nothing_and_is_hung_up_on() -> None:
    leg = LegOnCall(LEG_ID, CALL_ID, "agent", by_digit=True)
    assert [verb.name for verb in played("telephone")] == ["Gather", "Hangup"]
    for pressed in ("", "2", "*"):
        assert [verb.name for verb in read(render(for_leg(LINE, leg, pressed=pressed), account()).decode())] == [
            "Hangup"
        ]


def test_reports_may_come_again_and_a_caller_is_never_kept_waiting_by_retries() -> None:
    noun = played("conference")[0].nested[0].attributes
    assert noun["statusCallback"].endswith("#rc=5&rp=all")
    assert "#" not in noun["waitUrl"]
    assert "#" not in played("conference")[0].attributes["action"]


@pytest.mark.parametrize(
    "document",
    ["<Response><Sing/></Response>", '<Response><Say mood="glad">a</Say></Response>', "<Response><Say>", "<Answer/>"],
)
def test_the_carrier_refuses_what_twilio_does_not_know(document: str) -> None:
    with pytest.raises(TwimlFault):
        read(document)

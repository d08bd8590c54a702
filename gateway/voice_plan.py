"""What somebody on the line is to hear next. Pure: the line's settings, the call and the time say it.

Targets name steps of ours by their address below the account's; what they carry is signed with it by the provider.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from model.call import (
    AskDigit,
    CallState,
    CallStep,
    EnterConference,
    GoTo,
    HangUp,
    LegMode,
    LegRole,
    PlaySound,
    Quiet,
    Sound,
    Speak,
    TakeMessage,
)
from model.voice_line import Menu, VoiceLine
from router.business_time import BusinessTime

AGAIN_SECONDS = 3
PRESS_SECONDS = 10

Way = Literal["menu", "queue", "voicemail", "turned_away"]
Steps = tuple[CallStep, ...]


class Chosen(Struct, frozen=True):
    """Where a digit leads: on in the menu at `path`, or out of it."""

    way: Way
    path: str = ""
    tries: int = 0
    queue: str | None = None
    titles: tuple[str, ...] = ()


class LegOnCall(Struct, frozen=True):
    """As much of a leg as decides what it hears."""

    id: UUID
    call: UUID
    role: LegRole
    by_digit: bool = False
    mode: LegMode | None = None
    coach: str | None = None


def way_in(line: VoiceLine, now: datetime) -> Way:
    """Where a caller goes first."""
    if line.hours is not None and not BusinessTime(line.hours).is_open(now):
        return "voicemail" if line.closed_voicemail else "turned_away"
    return "menu" if line.menu is not None else "queue"


def choose(line: VoiceLine, path: str, tries: int, digit: str) -> Chosen:
    """What this digit means at this place of the menu; without a valid one it is asked again, and then anybody's."""
    menu = menu_at(line, path)
    option = menu.options.get(digit[:1]) if menu is not None else None
    if menu is None or (option is None and tries + 1 >= menu.tries):
        return Chosen("queue", path, titles=_titles(line, path))
    if option is None:
        return Chosen("menu", path, tries + 1, titles=_titles(line, path))
    titles = (*_titles(line, path), option.title)
    if option.menu is not None:
        return Chosen("menu", path + digit[:1], 0, titles=titles)
    return Chosen("voicemail" if option.voicemail else "queue", path, queue=option.queue, titles=titles)


def menu_at(line: VoiceLine, path: str) -> Menu | None:
    """The menu these digits lead to."""
    menu = line.menu
    for digit in path:
        option = menu.options.get(digit) if menu is not None else None
        menu = option.menu if option is not None else None
    return menu


def _titles(line: VoiceLine, path: str) -> tuple[str, ...]:
    found: list[str] = []
    menu = line.menu
    for digit in path:
        option = menu.options.get(digit) if menu is not None else None
        if option is None:
            break
        found.append(option.title)
        menu = option.menu
    return tuple(found)


def place(path: str, tries: int) -> str:
    """Names a question of the menu in an address, where * and # would mean something else."""
    return f"{path.replace('*', 's').replace('#', 'h')}.{tries}"


def greeting(line: VoiceLine) -> Steps:
    """The first words."""
    words = [text for text in (line.greeting, line.record_notice if line.record else None) if text]
    return tuple(_speak(line, text) for text in words)


def ask_menu(line: VoiceLine, call: UUID, path: str, tries: int) -> Steps:
    """The question; silence comes back as no digit."""
    menu = menu_at(line, path)
    if menu is None:
        return wait_in_conference(call)
    target = f"menu?call={call}&at={place(path, tries)}"
    return AskDigit(target, (_speak(line, menu.prompt),), menu.seconds), GoTo(target)


def wait_in_conference(call: UUID) -> Steps:
    """The caller hears music until somebody comes, and if the conference ends for them, is asked for again."""
    return (
        EnterConference(
            name=f"call-{call}",
            label="customer",
            events=f"events?call={call}",
            starts=False,
            wait=f"wait?call={call}",
            after=f"after?call={call}",
        ),
    )


def hold(line: VoiceLine, call: UUID, position: int | None) -> Steps:
    """What a waiting caller hears: their place, then music, then this again."""
    steps: list[CallStep] = []
    if position is not None and line.say_position:
        steps.append(_speak(line, "You are next." if position <= 1 else f"You are number {position} in the line."))
    steps += [PlaySound(url) for url in line.hold_music] or [Quiet(line.hold_seconds)]
    return (*steps, GoTo(f"wait?call={call}"))


def take_message(line: VoiceLine, call: UUID, *, closed: bool = False) -> Steps:
    """The voicemail. What follows the recording is heard only when it is empty."""
    first: Steps = (_speak(line, line.closed),) if closed else ()
    message = TakeMessage(
        target=f"recorded?call={call}",
        events=f"recording?call={call}&kind=voicemail",
        most_seconds=line.voicemail_seconds,
        transcript=f"transcript?call={call}" if line.transcribe else None,
    )
    return (*first, _speak(line, line.voicemail), message, HangUp())


def turn_away(line: VoiceLine) -> Steps:
    """Nobody is there, and nothing can be left."""
    return _speak(line, line.closed), HangUp()


def next_for_caller(line: VoiceLine, call: UUID, state: CallState, at: tuple[str, int]) -> Steps:
    """What a caller whose call is in this state hears, however they came to ask."""
    match state:
        case "menu":
            return ask_menu(line, call, *at)
        case "waiting" | "connecting" | "bridged" | "calling":
            return wait_in_conference(call)
        case "voicemail":
            return take_message(line, call)
        case "ended":
            return (HangUp(),)


def for_leg(line: VoiceLine, leg: LegOnCall, *, pressed: str | None) -> Steps:
    """What a leg of ours hears. A telephone must press 1: a mailbox that answers must not take a caller."""
    if leg.by_digit and pressed is None:
        words = _speak(line, "A caller is waiting. Press 1 to talk to them.")
        return AskDigit(f"pressed?leg={leg.id}", (words,), PRESS_SECONDS), HangUp()
    if leg.by_digit and pressed != "1":
        return (HangUp(),)
    return (
        EnterConference(
            name=f"call-{leg.call}",
            label=f"{leg.role}-{leg.id}",
            events=f"events?call={leg.call}",
            # who listens must not be what the music stops for
            starts=leg.role != "supervisor",
            muted=leg.mode == "listen",
            coach=leg.coach if leg.mode == "coach" else None,
        ),
    )


def again(target: str) -> Steps:
    """We cannot say anything now: the caller hears a moment of silence, and asks again."""
    return Quiet(AGAIN_SECONDS), GoTo(target)


def _speak(line: VoiceLine, text: str) -> Sound:
    return Speak(text, line.language, line.voice)

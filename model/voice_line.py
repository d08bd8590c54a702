"""What the callers of an account hear and where they may go: `voice_line.settings` as the company writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
# `$` holds before a newline at the end too: what follows has no room.
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", max_length=5)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Digit = Annotated[str, Meta(pattern=r"^[0-9*#]$", max_length=1)]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(Struct, frozen=True, forbid_unknown_fields=True):
    """When somebody is there. A day without spans is closed; `holidays` are dates as 2026-12-25."""

    time_zone: str
    open: dict[Day, tuple[tuple[Clock, Clock], ...]]
    holidays: tuple[Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", max_length=10)], ...] = ()


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """What a digit means: a queue, the voicemail, or a further menu."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    queue: str | None = None
    voicemail: bool = False
    menu: Menu | None = None


class Menu(Struct, frozen=True, forbid_unknown_fields=True):
    """A question answered by one digit. After `tries` without a valid one the caller waits for anybody."""

    prompt: Text
    options: dict[Digit, Option]
    tries: Annotated[int, Meta(ge=1, le=5)] = 2
    seconds: Annotated[int, Meta(ge=1, le=30)] = 5


class VoiceLine(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything; all of it has a default."""

    language: str = "en-US"
    voice: str | None = None
    greeting: Text | None = None
    hours: Hours | None = None
    closed: Text = "We are closed at the moment."
    closed_voicemail: bool = True
    menu: Menu | None = None
    hold_music: tuple[Url, ...] = ()
    hold_seconds: Annotated[int, Meta(ge=5, le=120)] = 20
    """How long it is quiet between two announcements where there is no music."""
    say_position: bool = True
    overflow_seconds: Annotated[int, Meta(ge=5, le=7200)] = 300
    """How long a caller waits before the voicemail takes over."""
    voicemail: Text = "Please leave a message after the tone."
    voicemail_seconds: Annotated[int, Meta(ge=5, le=3600)] = 120
    transcribe: bool = True
    record: bool = False
    record_notice: Text | None = None
    ring_seconds: Annotated[int, Meta(ge=5, le=60)] = 15
    """How long an agent's line rings."""

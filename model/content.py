"""What a message holds besides words, in one form for every channel. Several may stand together.

Kinds and limits are those of the providers' documents; what none of these fits is `Unsupported`, shown and never lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct


class Location(Struct, frozen=True, tag="location"):
    """A place, in degrees (WGS 84)."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class Card(Struct, frozen=True):
    """One person of a shared contact card. What stands on it is a claim about somebody, never an identity."""

    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    company: str | None = None


class Cards(Struct, frozen=True, tag="cards"):
    """Contact cards the customer shared."""

    cards: tuple[Card, ...]


class Choice(Struct, frozen=True, tag="choice"):
    """The customer pressed something we, or a menu of the provider, offered. `id` is the payload behind the title."""

    kind: Literal["button", "list", "quick_reply", "postback", "menu", "digits"]
    title: str
    id: str | None = None
    description: str | None = None


class OrderItem(Struct, frozen=True):
    """One line of an order. `price` as the provider writes it, in `currency`."""

    product: str
    quantity: str
    price: str | None = None
    currency: str | None = None


class Order(Struct, frozen=True, tag="order"):
    """A basket the customer sent from a catalogue."""

    catalogue: str | None
    items: tuple[OrderItem, ...]


class Sticker(Struct, frozen=True, tag="sticker"):
    """The message's medium is a sticker."""

    animated: bool = False


class VoiceNote(Struct, frozen=True, tag="voice_note"):
    """The message's medium was spoken into the app."""


class Story(Struct, frozen=True, tag="story"):
    """The message answers or mentions a story of ours or theirs. The address is short-lived."""

    kind: Literal["reply", "mention"]
    url: str | None = None
    id: str | None = None


class Referral(Struct, frozen=True, tag="referral"):
    """How the customer came to write: an advertisement, a link, a product."""

    source: str
    url: str | None = None
    id: str | None = None
    headline: str | None = None
    body: str | None = None
    ref: str | None = None


class Shared(Struct, frozen=True, tag="shared"):
    """A post, product, reel or page that the customer shared."""

    kind: str
    url: str | None = None
    title: str | None = None
    id: str | None = None


class Form(Struct, frozen=True, tag="form"):
    """A form the customer filled in inside the app: its answers as the provider gives them."""

    name: str | None
    answers: dict[str, str]


class Forwarded(Struct, frozen=True, tag="forwarded"):
    """The customer passed on what somebody else wrote."""

    many_times: bool = False


class Notice(Struct, frozen=True, tag="notice"):
    """The provider says something about the customer: a changed number, a changed identity key."""

    text: str


class Template(Struct, frozen=True, tag="template"):
    """A message template of ours, as it was sent."""

    name: str
    language: str
    parameters: tuple[str, ...] = ()


class Unsupported(Struct, frozen=True, tag="unsupported"):
    """The provider could not hand the message over, or its kind is not known here. The raw event is kept."""

    kind: str
    reason: str | None = None


class Mailbox(Struct, frozen=True):
    """A mailbox as a mail names it."""

    email: str
    name: str | None = None


class Mail(Struct, frozen=True, tag="mail"):
    """A mail around its text. The entry's body is the visible reply; `quoted` what it repeats, `signature` its end.

    `html`: a cleaned HTML form is kept and served apart. `incomplete`: it was not read within the limits, or only in
    part, and why; the raw source is there. `automatic`: a bounce, a complaint or an automatic answer, never answered.
    """

    subject: str
    sender: Mailbox | None
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    reply_to: Mailbox | None = None
    date: datetime | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    quoted: str | None = None
    signature: str | None = None
    html: bool = False
    automatic: Literal["bounce", "complaint", "auto_reply", "bulk"] | None = None
    authenticated: bool = False
    incomplete: str | None = None


class Call(Struct, frozen=True, tag="call"):
    """The course of a call, or of the voicemail it left, as it is now. Its recording is the entry's medium.

    `outcome` stands once it has ended: `abandoned` is a missed call, `turned_away` one outside business hours,
    `unanswered` one of ours that nobody took. `menu`: what the caller chose. `peer`: the outside number it was put
    through to.
    """

    call: UUID
    direction: Literal["in", "out"]
    state: Literal["menu", "waiting", "connecting", "bridged", "voicemail", "calling", "ended"]
    outcome: Literal["answered", "abandoned", "voicemail", "turned_away", "unanswered"] | None = None
    ours: str = ""
    theirs: str = ""
    agents: tuple[str, ...] = ()
    menu: tuple[str, ...] = ()
    peer: str | None = None
    on_hold: bool = False
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    waited_seconds: int | None = None
    talked_seconds: int | None = None
    recording: Literal["running", "paused", "done", "absent", "failed"] | None = None
    recorded_seconds: int | None = None
    transcript: str | None = None


Content = (
    Location
    | Cards
    | Choice
    | Order
    | Sticker
    | VoiceNote
    | Story
    | Referral
    | Shared
    | Form
    | Forwarded
    | Notice
    | Template
    | Unsupported
    | Mail
    | Call
)

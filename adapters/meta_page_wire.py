"""The webhooks of Messenger and of Instagram as they are written; the two share one form.

- https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
- https://developers.facebook.com/docs/messenger-platform/instagram/features/webhook
- https://developers.facebook.com/docs/instagram-platform/webhooks/examples

Only what is read is named. Attachments are decoded one by one, so that one that changes shape costs itself alone.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

Id = Annotated[str, Meta(min_length=1, max_length=300)]
Name = Annotated[str, Meta(max_length=4096)]
NOTHING = Raw()


class Party(Struct):
    """Who sent or received. `user_ref` names a visitor of a plugin, to whom nothing can be said yet."""

    id: Id | None = None
    user_ref: str | None = None


class QuickReply(Struct):
    """The payload behind a quick reply; its title is the message's text."""

    payload: Name = ""


class StoryRef(Struct):
    """A story that is answered."""

    url: Name | None = None
    id: Id | None = None


class ReplyTo(Struct):
    """What a message answers: another message, or a story of ours."""

    mid: Id | None = None
    story: StoryRef | None = None


class AdProduct(Struct):
    """The product an advertisement or link was about."""

    id: Id | None = None


class AdContext(Struct):
    """What the advertisement showed."""

    ad_title: Name | None = None
    photo_url: Name | None = None
    video_url: Name | None = None


class Referral(Struct):
    """How the customer came: a link with a word of ours, an advertisement, a product."""

    ref: Name | None = None
    source: Name = "link"
    type: Name | None = None
    referer_uri: Name | None = None
    ad_id: Id | None = None
    ads_context_data: AdContext | None = None
    product: AdProduct | None = None


class Message(Struct):
    """`message`, also as an echo of what we said."""

    mid: Id
    text: str = ""
    attachments: list[Raw] = []
    quick_reply: QuickReply | None = None
    reply_to: ReplyTo | None = None
    referral: Referral | None = None
    is_echo: bool = False
    is_deleted: bool = False
    is_unsupported: bool = False
    metadata: Name | None = None


class Postback(Struct):
    """A button, the persistent menu, an ice breaker or Get Started."""

    title: Name = ""
    payload: Name = ""
    mid: Id | None = None
    referral: Referral | None = None


class Reaction(Struct):
    """An emoji put on a message or taken from it."""

    mid: Id
    action: str = "react"
    reaction: Annotated[str, Meta(max_length=64)] | None = None
    emoji: Annotated[str, Meta(max_length=64)] | None = None


class Edit(Struct):
    """What a message says now."""

    mid: Id
    text: str = ""
    num_edit: int | str = 0


class Read(Struct):
    """Messenger: everything until `watermark`; Instagram: the message `mid`."""

    watermark: int | str | None = None
    mid: Id | None = None


class Delivery(Struct):
    """Everything until `watermark`; `mids` where the customer's app names them."""

    watermark: int | str
    mids: list[Id] = []


class Agreement(Struct):
    """The customer agreed to something by a plugin or a button of ours."""

    type: Name | None = None
    ref: Name | None = None
    title: Name | None = None
    payload: Name | None = None


class Event(Struct):
    """One thing that happened between a customer and us; exactly one of its kinds is there."""

    sender: Party = field(default_factory=Party)
    recipient: Party = field(default_factory=Party)
    timestamp: int | str | None = None
    message: Raw = NOTHING
    postback: Raw = NOTHING
    reaction: Raw = NOTHING
    message_edit: Raw = NOTHING
    read: Raw = NOTHING
    delivery: Raw = NOTHING
    referral: Raw = NOTHING
    agreement: Raw = field(default=NOTHING, name="optin")  # codespell:ignore optin
    # Told to apps that share a page, or about the account; nothing a customer said.
    account_linking: Raw = NOTHING
    app_roles: Raw = NOTHING
    game_play: Raw = NOTHING
    messaging_feedback: Raw = NOTHING
    pass_thread_control: Raw = NOTHING
    policy_enforcement: Raw = field(default=NOTHING, name="policy-enforcement")
    request_thread_control: Raw = NOTHING
    take_thread_control: Raw = NOTHING


class Change(Struct):
    """What a field tells that is no message: a comment, a mention."""

    field: Name = "unknown"


class Account(Struct):
    """What concerns one page, or one Instagram account."""

    id: str
    messaging: list[Raw] = []
    standby: list[Raw] = []
    changes: list[Change] = []


class Envelope(Struct):
    """A whole delivery."""

    object: str
    entry: list[Account]


ENVELOPE = Decoder(Envelope)
EVENT = Decoder(Event)


# -- attachments --------------------------------------------------------------------------------------------------


class Coordinates(Struct):
    """A place."""

    lat: float
    long: float


class Element(Struct):
    """A product of a catalogue."""

    id: Id | None = None
    title: Name | None = None
    subtitle: Name | None = None


class Elements(Struct):
    """Products of a catalogue."""

    elements: list[Element] = []


class Payload(Struct):
    """What an attachment points to."""

    url: Name | None = None
    title: Name | None = None
    id: str | int | None = None
    sticker_id: int | str | None = None
    reel_video_id: str | int | None = None
    coordinates: Coordinates | None = None
    product: Elements | None = None
    template_type: Name | None = None


class Attachment(Struct):
    """One attachment of a message."""

    type: Id = "unknown"
    payload: Payload | None = None
    title: Name | None = None
    url: Name | None = None

"""The Cloud API's webhooks as they are written. Only what is read is named; Meta adds fields without notice.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages

What a message holds is decoded by its kind and apart from the rest (`cloud_kinds`), so that a kind that changes shape
costs its content, and neither the message nor its neighbours in the delivery.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

Id = Annotated[str, Meta(min_length=1, max_length=300)]
Name = Annotated[str, Meta(max_length=4096)]
NOTHING = Raw()


class Profile(Struct):
    """How the customer calls themselves."""

    name: Name | None = None
    username: Name | None = None


class Contact(Struct):
    """The customer of a message. `user_id`: business-scoped; a user with a username may come without phone."""

    profile: Profile | None = None
    wa_id: Id | None = None
    user_id: Id | None = None


class Product(Struct):
    """A product the customer asks about."""

    catalog_id: Id | None = None
    product_retailer_id: Id | None = None


class Context(Struct):
    """What a message answers, or that it was forwarded."""

    id: Id | None = None
    forwarded: bool = False
    frequently_forwarded: bool = False
    referred_product: Product | None = None


class Advertisement(Struct):
    """The advertisement or post by which the customer came."""

    source_type: Name = "ad"
    source_url: Name | None = None
    source_id: Name | None = None
    headline: str | None = None
    body: str | None = None
    ctwa_clid: Name | None = None


class Details(Struct):
    """More on an error."""

    details: str = ""


class Fault(Struct):
    """An error as Meta reports it."""

    code: int = 0
    title: str = ""
    message: str = ""
    error_data: Details | None = None


class Message(Struct):
    """A message of a customer; as an echo, one of ours to them (`to`)."""

    id: Id
    type: Id = "unknown"
    sender: Id | None = field(default=None, name="from")
    from_user_id: Id | None = None
    to: Id | None = None
    to_user_id: Id | None = None
    timestamp: str | int | None = None
    group_id: str | None = None
    context: Context | None = None
    referral: Advertisement | None = None
    errors: list[Fault] = []
    origin: str | None = None
    text: Raw = NOTHING
    image: Raw = NOTHING
    audio: Raw = NOTHING
    video: Raw = NOTHING
    document: Raw = NOTHING
    sticker: Raw = NOTHING
    location: Raw = NOTHING
    contacts: Raw = NOTHING
    button: Raw = NOTHING
    interactive: Raw = NOTHING
    order: Raw = NOTHING
    reaction: Raw = NOTHING
    edit: Raw = NOTHING
    revoke: Raw = NOTHING
    system: Raw = NOTHING
    unsupported: Raw = NOTHING


class Status(Struct):
    """What became of a message of ours."""

    id: Id
    status: Id
    errors: list[Fault] = []
    biz_opaque_callback_data: str | None = None


class Preference(Struct):
    """A customer's word on marketing messages."""

    wa_id: Id | None = None
    user_id: Id | None = None
    value: Name = ""
    category: Name = ""
    timestamp: str | int | None = None


class Metadata(Struct):
    """The number of ours that it concerns."""

    phone_number_id: str = ""


class Value(Struct):
    """One change: messages, echoes, statuses or preferences of one number of ours."""

    metadata: Metadata = field(default_factory=Metadata)
    contacts: list[Contact] = []
    messages: list[Message] = []
    message_echoes: list[Message] = []
    statuses: list[Status] = []
    user_preferences: list[Preference] = []
    errors: list[Fault] = []


class Change(Struct):
    """What a field we subscribed to tells."""

    field: Id
    value: Raw = NOTHING


class Account(Struct):
    """What concerns one WhatsApp Business Account."""

    id: str
    changes: list[Change] = []


class Envelope(Struct):
    """A whole delivery."""

    object: str
    entry: list[Account]


ENVELOPE = Decoder(Envelope)
VALUE = Decoder(Value)

"""What messages of the Cloud API hold, by kind, as it is written; each kind's document is named beside its fixture.

Decoded one by one, see `cloud_wire`. Free text is bounded where it is used; names and ids here.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from adapters.whatsapp.cloud_wire import Id, Name


class Text(Struct):
    """`text`."""

    body: str = ""


class Medium(Struct):
    """`image`, `audio`, `video`, `document` and `sticker`."""

    id: Id
    mime_type: Name = "application/octet-stream"
    caption: str | None = None
    filename: Name | None = None
    voice: bool = False
    animated: bool = False


class Place(Struct):
    """`location`."""

    latitude: float
    longitude: float
    name: Name | None = None
    address: Name | None = None


class PersonName(Struct):
    """The name on a card."""

    formatted_name: Name = ""
    first_name: Name = ""
    last_name: Name = ""


class PersonPhone(Struct):
    """A phone on a card."""

    phone: Name | None = None
    wa_id: Name | None = None


class PersonEmail(Struct):
    """An e-mail address on a card."""

    email: Name | None = None


class Organisation(Struct):
    """Where somebody on a card works."""

    company: Name | None = None


class Person(Struct):
    """One of `contacts`."""

    name: PersonName = field(default_factory=PersonName)
    phones: list[PersonPhone] = []
    emails: list[PersonEmail] = []
    org: Organisation | None = None


class Button(Struct):
    """`button`: a quick reply of a template."""

    text: Name = ""
    payload: Name | None = None


class Reply(Struct):
    """What was pressed in an interactive message."""

    id: Name | None = None
    title: Name = ""
    description: Name | None = None


class FlowReply(Struct):
    """A form (Flow) the customer filled in; `response_json` holds the answers as text."""

    name: Name | None = None
    body: Name | None = None
    response_json: str = "{}"


class CallPermission(Struct):
    """Whether the customer lets us call."""

    response: Name = ""


class Interactive(Struct):
    """`interactive`."""

    type: Id = "unknown"
    button_reply: Reply | None = None
    list_reply: Reply | None = None
    nfm_reply: FlowReply | None = None
    call_permission_reply: CallPermission | None = None


class Item(Struct):
    """A line of an order. Amounts are numbers or text, as Meta's documents have both."""

    product_retailer_id: Id
    quantity: int | float | str = 1
    item_price: int | float | str | None = None
    currency: Name | None = None


class Basket(Struct):
    """`order`."""

    catalog_id: Id | None = None
    text: str | None = None
    product_items: list[Item] = []


class Reaction(Struct):
    """`reaction`; without emoji it was taken back."""

    message_id: Id
    emoji: Annotated[str, Meta(max_length=64)] | None = None


class Edited(Struct):
    """What an edited message says now."""

    type: Id = "text"
    text: Text | None = None
    image: Medium | None = None
    video: Medium | None = None
    document: Medium | None = None


class Edit(Struct):
    """`edit`."""

    original_message_id: Id
    message: Edited


class Revoke(Struct):
    """`revoke`."""

    original_message_id: Id


class System(Struct):
    """`system`: a changed number, a changed id, a changed identity key."""

    type: Name = ""
    body: Name = ""
    wa_id: Id | None = None
    new_wa_id: Id | None = None
    user_id: Id | None = None
    previous_user_id: Id | None = None


class Unreadable(Struct):
    """`unsupported`: the kind WhatsApp could not hand over."""

    type: Name = "unknown"

"""Telegram's updates as they are written, as far as they are read: https://core.telegram.org/bots/api#available-types."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field
from msgspec.json import Decoder

Short = Annotated[str, Meta(max_length=4096)]


class Chat(Struct):
    id: int
    type: str = "private"
    first_name: Short = ""
    last_name: Short = ""


class File(Struct):
    """A file; `is_*` of stickers, width and height of pictures."""

    id: Annotated[str, Meta(min_length=1, max_length=300)] = field(name="file_id")
    mime_type: Annotated[str, Meta(max_length=200)] | None = None
    file_name: Short | None = None
    file_size: Annotated[int, Meta(ge=0, le=2**40)] | None = None
    is_animated: bool = False
    is_video: bool = False
    width: int = 0
    height: int = 0


class Place(Struct):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Venue(Struct):
    location: Place
    title: Short = ""
    address: Short = ""


class Person(Struct):
    phone_number: Short
    first_name: Short = ""
    last_name: Short = ""


class AppData(Struct):
    button_text: Short = ""
    data: Short = ""


class Answered(Struct):
    message_id: int


class Message(Struct):
    message_id: int
    chat: Chat
    date: int | None = None
    edit_date: int | None = None
    text: str = ""
    caption: str = ""
    photo: list[File] = []
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    sticker: File | None = None
    document: File | None = None
    contact: Person | None = None
    location: Place | None = None
    venue: Venue | None = None
    dice: dict[str, Any] | None = None
    poll: dict[str, Any] | None = None
    story: dict[str, Any] | None = None
    forward_origin: dict[str, Any] | None = None
    reply_to_message: Answered | None = None
    web_app_data: AppData | None = None


class Taken(Struct):
    """The answer to a message of ours."""

    result: Message


class Reacted(Struct):
    chat: Chat
    message_id: int
    date: int | None = None
    new_reaction: list[dict[str, Any]] = []


class Pressed(Struct):
    id: Annotated[str, Meta(min_length=1, max_length=100)]
    data: Annotated[str, Meta(max_length=1000)] = ""
    message: Message | None = None


class Membership(Struct):
    chat: Chat
    date: int | None = None
    new_chat_member: dict[str, Any] = {}


class Update(Struct):
    id: int = field(name="update_id")
    message: Raw = Raw()
    edited_message: Raw = Raw()
    message_reaction: Raw = Raw()
    callback_query: Raw = Raw()
    my_chat_member: Raw = Raw()


UPDATE = Decoder(Update)
MESSAGE, REACTED, PRESSED, MEMBERSHIP = Decoder(Message), Decoder(Reacted), Decoder(Pressed), Decoder(Membership)
ANYTHING: Decoder[dict[str, Raw]] = Decoder(dict[str, Raw])

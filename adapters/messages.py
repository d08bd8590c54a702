"""What adapters make of a message they have read: its words, and its parts in whatever order they stand.

A part is a file to be fetched (`Media`) or anything else a message holds (`Content`). Words that are longer than an
entry shows are kept whole as a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from adapters.account_check import is_address
from adapters.base import AccountConfig
from adapters.json_body import bounded
from model.content import Card, Cards, Choice, Content, Location, Unsupported
from model.inbound import HandleRef, InboundFile, InboundMessage, MessageEchoed
from model.timeline import Media

Part = Media | Content
T = TypeVar("T")
Kinds = Mapping[str, Callable[[T], Iterable[Part]]]
"""What each kind of message holds beside its words."""
ANY_TYPE = "application/octet-stream"
_MOST_TITLE = 200


def social(account: AccountConfig, id_: str) -> HandleRef:
    """Whoever has this id on the account's channel: an id means something only towards the account's address."""
    return HandleRef("social", id_, f"{account.channel}:{account.address}")


def message_of(
    key: str,
    who: HandleRef,
    text: str,
    parts: Iterable[Part] = (),
    at: datetime | None = None,
    name: str | None = None,
    *,
    also: tuple[HandleRef, ...] = (),
    claims: tuple[HandleRef, ...] = (),
    provider_id: str | None = None,
    in_reply_to: str | None = None,
    files: Sequence[InboundFile] = (),
    automatic: bool = False,
) -> InboundMessage:
    """Something a customer said, see `InboundMessage`; what holds nothing that is known here is shown as that."""
    (body, whole), (media, content) = bounded(text), _sorted(parts)
    if not (body or media or content or files):
        content = (Unsupported("message", "of a kind that is not known here"),)
    kept = (*whole, *files)
    return InboundMessage(
        *(key, who, body, media, at, name or None, also, claims, content, provider_id, in_reply_to, kept, automatic)
    )


def echo_of(
    key: str,
    who: HandleRef,
    text: str,
    parts: Iterable[Part],
    at: datetime | None,
    *,
    provider_id: str | None = None,
    in_reply_to: str | None = None,
) -> MessageEchoed:
    """Something that was said to the customer for us, elsewhere."""
    media, content = _sorted(parts)
    return MessageEchoed(key, who, bounded(text)[0], media, at, content, provider_id, in_reply_to)


def pressed(
    key: str,
    who: HandleRef,
    kind: Literal["button", "list", "postback"],
    title: str,
    id_: str | None = None,
    at: datetime | None = None,
    also: tuple[HandleRef, ...] = (),
) -> InboundMessage:
    """Something of ours that the customer pressed. `id_`: what stands behind its title, where that is not the same."""
    shown = title[:_MOST_TITLE]
    return message_of(key, who, shown, [Choice(kind, shown, title if id_ is None else id_)], at, also=also)


def card(name: str | None, *numbers: str | None) -> Cards:
    """A contact card with its numbers."""
    return Cards((Card(name or "", tuple(filter(None, numbers))),))


def medium(url: str, usual: str, name: str | None = None, size: int | None = None) -> list[Part]:
    """A file at an address of the web; nothing where it is none."""
    return [Media(url, usual, None, name, size)] if is_address(url) else []


def told_as(kind: str, kinds: Kinds[T], message: T, reason: str | None = None) -> list[Part]:
    """What a message of this kind holds: what `kinds` makes of it, nothing beside its words where it is a `text`.

    A kind that is not among them, or lacks what it would hold, is shown as unsupported. `reason`: how that is put.
    """
    read = kinds.get(kind)
    parts = list(read(message)) if read else []
    return parts or ([] if kind == "text" else [Unsupported(kind[:100] or "nothing", reason)])


def place(
    latitude: float | None, longitude: float | None, name: str | None = None, address: str | None = None
) -> tuple[Location, ...]:
    """A place; nothing where it is none, or lies off the globe."""
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return ()
    return (Location(latitude, longitude, name, address),)


def _sorted(parts: Iterable[Part]) -> tuple[tuple[Media, ...], tuple[Content, ...]]:
    held = tuple(parts)
    return (
        tuple(part for part in held if isinstance(part, Media)),
        tuple(part for part in held if not isinstance(part, Media)),
    )

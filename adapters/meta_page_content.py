"""What a message of Messenger or Instagram holds: media, shared things, stories, places. Pure; nothing is raised.

The webhook names no content type; the one given here is what the kind usually is, until the file itself is fetched.
Media are at addresses of Meta's content servers that need no token and end after a while.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from adapters.base import ParseError
from adapters.json_body import decoded
from adapters.meta_page_wire import ATTACHMENT, Attachment, Message, Payload, Referral
from model.content import Choice, Content, Location, Shared, Sticker, Story, Unsupported
from model.content import Referral as CameBy
from model.timeline import Media

_MOST_ATTACHMENTS = 40
"""Messenger sends up to 30 pictures at once."""
_MEDIA = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/mp4",
    "file": "application/octet-stream",
}
_SHARED = {
    "fallback": "link",
    "share": "post",
    "post": "post",
    "ig_post": "post",
    "reel": "reel",
    "ig_reel": "reel",
    "ig_story": "story",
    "story": "story",
    "template": "template",
}
_ADDRESS = re.compile(r"https?://[^\s/]+/[^\s]*", re.IGNORECASE)


class Held(Struct, frozen=True):
    """Media and content of one message."""

    media: tuple[Media, ...] = ()
    content: tuple[Content, ...] = ()


def held_in(message: Message) -> Held:
    """Everything the message holds besides its words."""
    parts = [_part(attachment) for attachment in message.attachments[:_MOST_ATTACHMENTS]]
    media = tuple(part for each in parts for part in each.media)
    content = [part for each in parts for part in each.content]
    if message.quick_reply:
        content.append(Choice("quick_reply", message.text[:200], message.quick_reply.payload or None))
    story = message.reply_to.story if message.reply_to else None
    if story:
        content.append(Story("reply", url_of(story.url), story.id))
    if message.referral:
        content.append(came_by(message.referral))
    if message.is_unsupported:
        content.append(Unsupported("message", "the app does not hand over messages of this kind"))
    return Held(media, tuple(content))


def came_by(referral: Referral) -> CameBy:
    """The link, advertisement or product by which the customer came."""
    context = referral.ads_context_data
    picture = (context.photo_url or context.video_url) if context else None
    return CameBy(
        source=referral.source.lower() or "link",
        url=url_of(referral.referer_uri or picture),
        id=referral.ad_id or (referral.product.id if referral.product else None),
        headline=context.ad_title if context else None,
        ref=referral.ref,
    )


def url_of(text: str | None) -> str | None:
    """The address, or None where it is none of the web."""
    return text if text and len(text) <= 4096 and _ADDRESS.fullmatch(text) else None


def _part(raw: msgspec.Raw) -> Held:
    try:
        attachment = decoded(ATTACHMENT, raw)
    except ParseError as error:
        return Held(content=(Unsupported("attachment", f"not readable: {error}"),))
    payload = attachment.payload or Payload()
    if attachment.type in _MEDIA:
        return _medium(attachment, payload)
    return Held(content=tuple(_content(attachment, payload)))


def _medium(attachment: Attachment, payload: Payload) -> Held:
    url = url_of(payload.url)
    if url is None:
        return Held(content=(Unsupported(attachment.type, "Meta gives no address to fetch it from"),))
    sticker: tuple[Content, ...] = (Sticker(),) if payload.sticker_id is not None else ()
    return Held((Media(url, _MEDIA[attachment.type], name=attachment.title or payload.title),), sticker)


def _content(attachment: Attachment, payload: Payload) -> Iterable[Content]:
    kind, url = attachment.type, url_of(payload.url or attachment.url)
    title = attachment.title or payload.title
    if kind == "location" and payload.coordinates:
        place = payload.coordinates
        if -90 <= place.lat <= 90 and -180 <= place.long <= 180:
            yield Location(place.lat, place.long, name=title)
        return
    if kind == "story_mention":
        yield Story("mention", url, _text(payload.id))
        return
    if payload.product:
        yield from (Shared("product", url, each.title, each.id) for each in payload.product.elements)
        return
    shared = _SHARED.get(kind)
    if shared:
        yield Shared(shared, url, title or payload.template_type, _text(payload.reel_video_id or payload.id))
    else:
        yield Unsupported(kind[:100], "the app does not hand over messages of this kind")


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)[:300]

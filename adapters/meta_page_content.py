"""What a message of Messenger or Instagram holds: media, shared things, stories, places. Pure; nothing is raised.

The webhook names no content type; the one given here is what the kind usually is, until the file itself is fetched.
Media are at addresses of Meta's content servers that need no token and end after a while.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from adapters.base import ParseError
from adapters.json_body import reading
from adapters.messages import ANY_TYPE, Part, place
from adapters.meta_page_wire import Attachment, Message, Payload, Referral
from model.content import Choice, Shared, Sticker, Story, Unsupported
from model.content import Referral as CameBy
from model.timeline import Media

_MOST_ATTACHMENTS = 40
"""Messenger sends up to 30 pictures at once."""
_MEDIA = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/mp4",
    "file": ANY_TYPE,
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


def held_in(message: Message) -> list[Part]:
    """Everything the message holds besides its words."""
    parts = [part for attachment in message.attachments[:_MOST_ATTACHMENTS] for part in _part(attachment)]
    if message.quick_reply:
        parts.append(Choice("quick_reply", message.text[:200], message.quick_reply.payload or None))
    story = message.reply_to.story if message.reply_to else None
    if story:
        parts.append(Story("reply", url_of(story.url), story.id))
    if message.referral:
        parts.append(came_by(message.referral))
    if message.is_unsupported:
        parts.append(Unsupported("message", "the app does not hand over messages of this kind"))
    return parts


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


def _part(raw: msgspec.Raw) -> Iterable[Part]:
    try:
        return _told(raw)
    except ParseError as error:
        return [Unsupported("attachment", f"not readable: {error}")]


def _attachment(attachment: Attachment) -> Iterable[Part]:
    payload = attachment.payload or Payload()
    return (_medium if attachment.type in _MEDIA else _content)(attachment, payload)


_told = reading(Attachment, _attachment)


def _medium(attachment: Attachment, payload: Payload) -> Iterable[Part]:
    url = url_of(payload.url)
    if url is None:
        return [Unsupported(attachment.type, "Meta gives no address to fetch it from")]
    medium = Media(url, _MEDIA[attachment.type], name=attachment.title or payload.title)
    return [medium, Sticker()] if payload.sticker_id is not None else [medium]


def _content(attachment: Attachment, payload: Payload) -> Iterator[Part]:
    kind, url = attachment.type, url_of(payload.url or attachment.url)
    title = attachment.title or payload.title
    if kind == "location" and payload.coordinates:
        yield from place(payload.coordinates.lat, payload.coordinates.long, title)
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

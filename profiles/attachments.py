"""The files of entries: what a message brings becomes a row each."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from uuid import UUID

from msgspec import structs

from model.inbound import InboundFile, InboundMessage, MessageEchoed
from model.timeline import Media
from store.ids import new_id
from store.pool import Connection

MOST_FILES: Final = 25
MOST_BYTES: Final = 25 * 1024 * 1024
_MOST_NAME: Final = 150
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
# What a name is read by where it is saved: separators, and what some system gives a meaning.
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')


def attached(message: InboundMessage | MessageEchoed) -> tuple[Media, ...]:
    """The files of a message, its own and those to fetch, each with an id of ours; over the limits they are refused."""
    media = [*(message.media), *(_of_file(file) for file in getattr(message, "files", ()))]
    return tuple(_taken(each, place) for place, each in enumerate(media))


def _of_file(file: InboundFile) -> Media:
    state, error = ("stored", None) if len(file.data) <= MOST_BYTES else ("refused", _TOO_LARGE)
    return Media(
        url="",
        content_type=file.content_type,
        name=file.name,
        size=len(file.data),
        content_id=file.content_id,
        state=state,  # type: ignore[arg-type]
        error=error,
    )


_TOO_LARGE = f"It is larger than {MOST_BYTES >> 20} MiB; the raw message has it."
_TOO_MANY = f"It came with more than {MOST_FILES - 1} others; the raw message has it."


def _taken(media: Media, place: int) -> Media:
    if media.id is not None:
        return media
    state, error = media.state or "pending", media.error
    if place >= MOST_FILES:
        state, error = "refused", _TOO_MANY
    name = clean_name(media.name) if media.name else None
    return structs.replace(
        media, id=new_id(), name=name, content_type=clean_type(media.content_type), state=state, error=error
    )


def clean_name(name: str) -> str | None:
    """A file's name that means the same to everyone who reads or saves it; None where nothing of it is left.

    NFKC first, then without invisible characters and those that turn the direction of reading: what is checked is what
    is kept. A name that would be hidden, or climb out of its folder, loses its leading dots.
    """
    folded = unicodedata.normalize("NFKC", name)
    visible = "".join(each for each in folded if unicodedata.category(each) not in ("Cf", "Cs", "Co", "Cn", "Cc"))
    plain = _NOT_IN_NAMES.sub("_", visible).strip().lstrip(".").strip()
    if len(plain) > _MOST_NAME:
        stem, dot, ending = plain.rpartition(".")
        plain = f"{stem[: _MOST_NAME - 12]}{dot}{ending[:10]}" if dot else plain[:_MOST_NAME]
    return plain.rstrip(". ") or None


def clean_type(content_type: str) -> str:
    """The bare media type; what is none is bytes."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare if _CONTENT_TYPE.fullmatch(bare) else "application/octet-stream"


KEEP_DATA = "update attachment set data = $2 where id = $1 and state = 'stored'"


async def keep_data(connection: Connection, media: tuple[Media, ...], files: tuple[InboundFile, ...]) -> None:
    """Keep the bytes of files that came with their message, in its transaction: they are the last of its media."""
    for each, file in zip(media[len(media) - len(files) :], files, strict=True):
        if each.state == "stored":
            await connection.execute(KEEP_DATA, each.id, file.data)


def ids_of(media: tuple[Media, ...]) -> list[UUID]:
    """The attachments among media."""
    return [each.id for each in media if each.id is not None]

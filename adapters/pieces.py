"""A reply as the messages it is made of, where a provider takes files and words in one message only up to a length."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from adapters.base import Outgoing, OutgoingFile


class Way(Struct, frozen=True):
    """A way to send files: its name, which types it takes (none named: any), how large, and with how many words."""

    name: str
    types: tuple[str, ...] = ()
    most_bytes: int = 2**53
    most_caption: int = 0

    def is_for(self, content_type: str) -> bool:
        """Whether files of this type go so."""
        return not self.types or content_type.partition(";")[0].strip() in self.types


class Piece(Struct, frozen=True):
    """One message: a file, sent in a way, with or without words; or words alone."""

    words: str
    file: OutgoingFile | None = None
    way: str = ""


def pieces_of(outgoing: Outgoing, ways: Sequence[Way]) -> list[Piece]:
    """Each file in the first way that takes it, or the last; the words with a file where they fit, or after all."""
    found, words = [], outgoing.body
    for file in outgoing.files:
        fitting = (way for way in ways if way.is_for(file.content_type) and len(file.data) <= way.most_bytes)
        way = next(fitting, ways[-1])
        caption, words = (words, "") if len(words) <= way.most_caption else ("", words)
        found.append(Piece(caption, file, way.name))
    return [*found, Piece(words)] if words else found

"""A mail as far as it was read, whichever way it came: the source itself, or taken apart by a provider already."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from msgspec import Struct

from adapters.email.bodies import body_of, uuencoded
from adapters.email.characters import decode, storable
from adapters.email.headers import Headers, split
from adapters.email.limits import MOST_FILE_BYTES, MOST_FILES
from adapters.email.parts import Leaf, leaves_of
from model.inbound import InboundFile

_MOST_NAME: Final = 150
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_MOST_TEXT_BYTES: Final = 8 * 1024 * 1024


class Letter(Struct):
    """What a mail holds. `omitted`: why that is not all of it."""

    headers: Headers
    text: str | None = None
    html: str | None = None
    files: list[InboundFile] = []
    omitted: str | None = None

    def attach(self, file: InboundFile) -> None:
        """Take a file, while there is room."""
        if len(self.files) >= MOST_FILES:
            self.omitted = self.omitted or f"more than {MOST_FILES} files"
        elif len(file.data) > MOST_FILE_BYTES:
            self.omitted = self.omitted or f"a file larger than {MOST_FILE_BYTES // 1024 // 1024} MiB"
        else:
            self.files.append(file)

    def pictures(self) -> dict[str, bytes]:
        """The files the HTML can show, by content id."""
        return {file.content_id: file.data for file in self.files if file.content_id}

    def file_of(self, *content_types: str) -> bytes | None:
        """The first file of one of these types."""
        return next((file.data for file in self.files if file.content_type in content_types), None)


def read_source(source: bytes) -> Letter:
    """Read a mail as it went over the wire. Nothing in it raises."""
    headers, start = split(source)
    found = leaves_of(source, headers, start)
    letter = Letter(headers, files=[], omitted=found.omitted)
    if headers.cut:
        letter.omitted = letter.omitted or "more headers than are read"
    texts: list[str] = []
    pages: list[str] = []
    for leaf in found.leaves:
        if not _is_shown(leaf):
            letter.attach(_file(source, leaf))
        elif leaf.content_type == "text/html":
            pages.append(decode(body_of(source, leaf)[:_MOST_TEXT_BYTES], leaf.charset))
        else:
            written, files = uuencoded(body_of(source, leaf)[:_MOST_TEXT_BYTES])
            texts.append(decode(written, leaf.charset))
            for name, data in files:
                letter.attach(InboundFile(file_name(name), "application/octet-stream", data))
    letter.text = "\n".join(texts) if texts else None
    letter.html = "\n".join(pages) if pages else None
    return letter


def _is_shown(leaf: Leaf) -> bool:
    """Whether it is the text itself, not something that hangs on it."""
    if leaf.content_type not in ("text/plain", "text/html") or leaf.disposition == "attachment":
        return False
    return leaf.alternative or leaf.file_name is None


def _file(source: bytes, leaf: Leaf) -> InboundFile:
    ids = leaf.headers.first("content-id").strip().strip("<>").strip()
    content_id = storable(ids)[:250] or None if leaf.disposition != "attachment" or ids else None
    name = leaf.file_name
    if name is None and leaf.content_type == "message/rfc822":
        name = "message.eml"
    return InboundFile(file_name(name), leaf.content_type, body_of(source, leaf), content_id)


def file_name(given: str | None) -> str | None:
    """A name without folders, control and invisible characters, tricks of direction, and leading dots (T21)."""
    if not given:
        return None
    plain = unicodedata.normalize("NFKC", storable(given)[:1000])
    plain = "".join(character for character in plain if unicodedata.category(character) not in ("Cf", "Cc", "Cs", "Co"))
    plain = _UNSAFE.sub("_", plain).strip(" .")
    if len(plain) > _MOST_NAME:
        stem, dot, ending = plain.rpartition(".")
        plain = stem[: _MOST_NAME - len(ending) - 1] + dot + ending if dot and len(ending) <= 16 else plain[:_MOST_NAME]
    return plain or None


def media_type(given: str | None) -> str:
    """A content type without parameters; what is none becomes bytes of no known kind."""
    plain = (given or "").partition(";")[0].strip().lower()
    return plain if _TYPE.fullmatch(plain) else "application/octet-stream"

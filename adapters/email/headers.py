"""Headers as they stand, read without trust: bounded, tolerant, and nothing in them raises.

Values stay undecoded until asked for: `text`, `addresses`, `ids`, `instant` each read one as what it is. RFC 5322,
2047; what is no UTF-8 is read as Latin-1, for 8-bit headers are common and mean something.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime
from typing import Final

from adapters.email.characters import decode, storable
from adapters.email.limits import (
    MOST_ADDRESSES,
    MOST_HEADER_BYTES,
    MOST_HEADERS,
    MOST_REFERENCES,
    MOST_VALUE,
)
from model.content import Mailbox

_END: Final = re.compile(rb"\r?\n(?:\r?\n|\Z)")
_FIELD: Final = re.compile(rb"(?m)^([!-9;-~]{1,200})[ \t]*:[ \t]?(.*(?:\r?\n[ \t].*)*)")
_FOLD: Final = re.compile(r"\r?\n[ \t]+|[\r\n]+")
_WORD: Final = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS: Final = re.compile(r"(\?=)\s+(=\?[^?\s]{1,64}\?[bBqQ]\?)")
_ID: Final = re.compile(r"<([^<>\s]{1,900})>")
_MAILBOX: Final = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]{1,64}@[\w.-]{1,190}", re.UNICODE)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.){0,2000}"')
_COMMENTS: Final = re.compile(r"\([^()]{0,500}\)")


class Headers:
    """The fields of a part, in order. Names are compared without case."""

    def __init__(self, fields: Iterable[tuple[str, str]], *, cut: bool = False) -> None:
        self._fields: list[tuple[str, str]] = []
        self.cut = cut
        """Whether there was more than is read."""
        for name, value in fields:
            if len(self._fields) == MOST_HEADERS:
                self.cut = True
                break
            self.cut = self.cut or len(value) > MOST_VALUE
            self._fields.append((name.lower(), value[:MOST_VALUE]))

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Names in lower case and values as they stand, in order."""
        return self._fields

    def all(self, name: str) -> list[str]:
        """Every value of this name, the topmost first, unfolded and undecoded."""
        return [_FOLD.sub(" ", value).strip() for key, value in self._fields if key == name]

    def first(self, name: str) -> str:
        """The topmost value of this name; empty where there is none."""
        return next(iter(self.all(name)), "")

    def text(self, name: str) -> str:
        """As it is to be read: encoded words decoded, in one line."""
        return decoded(self.first(name))

    def addresses(self, name: str) -> tuple[Mailbox, ...]:
        """The mailboxes of every field of this name."""
        found: list[Mailbox] = []
        for value in self.all(name):
            found += mailboxes(value)
        self.cut = self.cut or len(found) > MOST_ADDRESSES
        return tuple(found[:MOST_ADDRESSES])

    def ids(self, name: str) -> tuple[str, ...]:
        """The message ids, in angle brackets, the last ones where there are many."""
        found = _ID.findall(" ".join(self.all(name)))
        return tuple(f"<{storable(each)}>" for each in found[-MOST_REFERENCES:])

    def instant(self, name: str) -> datetime | None:
        """The time, in UTC; without a zone it is taken as UTC."""
        try:
            found = parsedate_to_datetime(self.first(name)[:200])
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):  # what the library raises where it cannot read
            return None

    @property
    def author(self) -> Mailbox | None:
        """Who the mail says it is from."""
        return next(iter(self.addresses("from")), None)

    @property
    def names_one_author(self) -> bool:
        """Whether two readers could not find two authors in it: one From, one mailbox, one @ outside quotes."""
        values = self.all("from")
        if len(values) != 1 or len(mailboxes(values[0])) != 1:
            return False
        return _COMMENTS.sub("", _QUOTED.sub("", decoded(values[0]))).count("@") == 1


def split(source: bytes, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """The headers of a part, and where its body begins."""
    end = len(source) if end is None else end
    if source.startswith(b"From ", start):  # as mailboxes keep it
        start = source.find(b"\n", start, end) + 1 or start
    if source.startswith((b"\n", b"\r\n"), start):
        return Headers(()), min(end, start + (2 if source.startswith(b"\r", start) else 1))
    if _FIELD.match(source, start, min(end, start + 4096)) is None:
        return Headers(()), start
    found = _END.search(source, start, end)
    body = found.end() if found else end
    block = source[start : min(found.start() if found else end, start + MOST_HEADER_BYTES)]
    fields = ((match[1].decode("ascii"), _characters(match[2])) for match in _FIELD.finditer(block))
    return Headers(fields, cut=(found.start() if found else end) - start > MOST_HEADER_BYTES), body


def decoded(value: str) -> str:
    """Encoded words (RFC 2047) as text; a broken one stays as it is written."""
    if "=?" in value:
        value = _WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1\2", value))
    return storable(_FOLD.sub(" ", value)).strip()


def mailboxes(value: str) -> list[Mailbox]:
    """The addresses of a list, those that are whole; names decoded."""
    found = []
    for name, email in getaddresses([_few(value)]):
        if _MAILBOX.fullmatch(email):
            found.append(Mailbox(storable(email), decoded(name)[:200] or None))
    return found


def _few(value: str) -> str:
    """As much of a list as is read: the library is slow, and who writes to more than these is no less read."""
    position = -1
    for _ in range(MOST_ADDRESSES + 1):
        position = value.find(",", position + 1)
        if position < 0:
            return value[:MOST_VALUE]
    return value[: min(position, MOST_VALUE)]


def _word(match: re.Match[str]) -> str:
    charset, encoding, written = match[1].partition("*")[0], match[2].lower(), match[3]
    try:
        if encoding == "b":
            raw = binascii.a2b_base64(written + "=" * (-len(written) % 4))
        else:
            raw = binascii.a2b_qp(written.replace("_", " ").encode("ascii"), header=False)
    except ValueError:  # binascii.Error is one, and so is what is no ASCII
        return match[0]
    return decode(raw, charset)


def _characters(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")

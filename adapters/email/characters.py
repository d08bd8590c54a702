"""Bytes to text, whatever they claim to be, and text that can be stored. Nothing here raises."""

from __future__ import annotations

import codecs
import re
from typing import Final

# Text to Python, yet no charset of any mail: slow by design, or able to say what their bytes do not.
_NO_CHARSETS: Final = frozenset(
    ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem")
)
# What mail calls them, where Python has another name or none.
_NAMES: Final = {
    "cp-850": "cp850",
    "x-sjis": "shift_jis",
    "x-gbk": "gbk",
    "iso-8859-8-i": "iso-8859-8",
    "ansi": "cp1252",
}
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def decode(raw: bytes, charset: str | None) -> str:
    """By the charset given; where it is unknown or wrong, as UTF-8, else as Windows-1252, which takes every byte."""
    for name in (charset, "utf-8"):
        codec = _codec(name)
        if codec is None:
            continue
        try:
            return storable(codec.decode(raw)[0])
        except (UnicodeError, ValueError, IndexError, OverflowError):  # some codecs do not keep to UnicodeError
            continue
    return storable(raw.decode("cp1252", "replace"))


def _codec(name: str | None) -> codecs.CodecInfo | None:
    if not name or len(name) > 64 or not name.isascii() or "\0" in name:
        return None
    plain = name.strip("\"' ").lower()
    try:
        found = codecs.lookup(_NAMES.get(plain, plain))
    except (LookupError, ValueError, ImportError):
        return None
    # ASCII is read as UTF-8, which it is part of: who says ASCII and sends more mostly means that.
    if found.name == "ascii" or not getattr(found, "_is_text_encoding", True):
        return None
    return None if found.name.replace("_", "-") in _NO_CHARSETS else found


def storable(text: str) -> str:
    """Without U+0000 and lone surrogates, which PostgreSQL cannot hold; U+FFFD stands in their place."""
    return _UNSTORABLE.sub("\ufffd", text)

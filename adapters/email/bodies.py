"""The bytes of a leaf as what they stand for: transfer encodings, and files written into the text (uuencode)."""

from __future__ import annotations

import binascii
import re
from typing import Final

from adapters.email.limits import MOST_FILE_BYTES
from adapters.email.parts import Leaf

_UU: Final = re.compile(
    rb"(?m)^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n((?:[ -`]{1,90}\r?\n)*)(?:end[ \t]*\r?(?:\n|\Z))?"
)
_NO_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


def body_of(source: bytes, leaf: Leaf) -> bytes:
    """What the leaf holds, its transfer encoding taken off. Broken encodings are read as far as they go."""
    raw = source[leaf.start : leaf.end]
    if leaf.encoding == "base64":
        return from_base64(raw)
    if leaf.encoding == "quoted-printable":
        return binascii.a2b_qp(raw)
    if leaf.encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return next((data for _, data in uuencoded(raw)[1]), raw)
    return raw


def from_base64(raw: bytes) -> bytes:
    """Lenient: other characters are passed over, and an end that is cut short is read as far as it goes."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:  # its padding is not what it should be
        letters = _NO_BASE64.sub(b"", raw)
        whole = len(letters) - (1 if len(letters) % 4 == 1 else 0)
        return binascii.a2b_base64(letters[:whole] + b"=" * (-whole % 4))


def uuencoded(text: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A text without the files written into it, and those files by name."""
    files: list[tuple[str, bytes]] = []
    if b"begin " not in text:
        return text, files

    def take(match: re.Match[bytes]) -> bytes:
        data = _lines(match[2])
        if not data or len(data) > MOST_FILE_BYTES:
            return match[0]
        files.append((match[1].decode("utf-8", "replace").strip(), data))
        return b""

    return _UU.sub(take, text), files


def _lines(encoded: bytes) -> bytes:
    found = []
    for line in encoded.splitlines():
        try:
            found.append(binascii.a2b_uu(line))
        except binascii.Error:  # some programs write more than the length in front says
            wanted = ((line[0] - 32) & 63) * 4 // 3 + 2
            try:
                found.append(binascii.a2b_uu(line[: wanted + 1]))
            except binascii.Error:
                return b""
    return b"".join(found)

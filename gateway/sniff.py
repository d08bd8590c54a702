"""What bytes are, by how they begin (pure). Only what a browser may show without running anything in it.

By the signatures of the formats' own documents, as listed in https://mimesniff.spec.whatwg.org.
"""

from __future__ import annotations

from typing import Final

INLINE: Final = frozenset(
    (
        *("image/jpeg", "image/png", "image/gif", "image/webp"),
        *("audio/mpeg", "audio/ogg", "audio/wav", "audio/mp4", "audio/aac", "audio/amr", "audio/webm"),
        *("video/mp4", "video/webm", "video/3gpp"),
    )
)
"""What is shown within a page; everything else is only saved."""

_STARTS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\x00", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_BRANDS: Final = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}


def sniff(data: bytes) -> str | None:
    """The media type the bytes themselves show; None where they show none that is known here."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12]) or ("video/3gpp" if data[8:10] == b"3g" else "video/mp4")
    if len(data) > 3 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:  # a frame of MPEG audio
        return "audio/aac" if data[1] & 0x06 == 0 else "audio/mpeg"
    return None


def settled_type(claimed: str, data: bytes) -> str:
    """The type a file is kept under: what it shows itself to be; what is only claimed must not be shown in a page.

    A claimed type of the same container stands: sound in an MP4 or WebM looks like film.
    """
    shown = sniff(data)
    if shown is None:
        return "application/octet-stream" if claimed in INLINE or _is_active(claimed) else claimed
    if claimed in INLINE and shown in ("video/mp4", "video/webm", "audio/mp4", "video/3gpp", "audio/ogg"):
        same = claimed.partition("/")[2] == shown.partition("/")[2] or {claimed, shown} <= _ISO
        return claimed if same else shown
    return shown


_ISO: Final = frozenset(("video/mp4", "audio/mp4", "video/3gpp"))


def _is_active(content_type: str) -> bool:
    """Whether a reader may run what stands in it."""
    return any(part in content_type for part in ("html", "xml", "svg", "script", "xhtml"))

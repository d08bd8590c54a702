"""A file as an answer: nothing in it runs, and nothing takes it for what it does not show itself to be (T9, T21)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from starlette.responses import Response, StreamingResponse

from gateway.problems import problem
from gateway.sniff import INLINE, settled_type
from store.files import PIECE, Files, Gone

SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


class Download(Struct, frozen=True):
    """Bytes to be answered: here, or at a path of the store. `inline`: shown in a page where it is safe to."""

    name: str | None
    content_type: str
    data: bytes | None
    path: str | None = None
    inline: bool = True
    policy: str | None = None
    """Of a page that we made: what it may do. It is shown as it is."""

    def __repr__(self) -> str:
        return f"Download({self.content_type})"


async def serve_download(download: Download, files: Files | None) -> Response:
    """The answer. Its type is what the bytes show; what a page must not show is saved.

    What lies in the store goes out in pieces: however slow and many they are who read it, each holds one.
    """
    data = download.data
    if data is None:
        try:
            return await _in_pieces(download, files)
        except Gone:
            return problem(404, "Not Found", "The file is not kept any more.")
    if download.policy is not None:
        safe = SAFE | {"Content-Security-Policy": download.policy}
        return Response(data, headers=safe | {"Content-Type": f"{download.content_type}; charset=utf-8"})
    headers = _headers(download, data) | {"Content-Length": str(len(data))}
    return StreamingResponse(_cut(data), headers=headers)


async def _cut(data: bytes) -> AsyncIterator[bytes]:
    """One piece after another has left: what is written at once lies in the connection's buffer at once."""
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


async def _in_pieces(download: Download, files: Files | None) -> Response:
    if files is None or download.path is None:
        raise Gone
    size, pieces = await files.open(download.path)
    first = await anext(pieces, b"")

    async def body() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(body(), headers=_headers(download, first) | {"Content-Length": str(size)})


def _headers(download: Download, first: bytes) -> dict[str, str]:
    """Of a file that begins so."""
    content_type = settled_type(download.content_type, first)
    how = "inline" if download.inline and content_type in INLINE else "attachment"
    return SAFE | {"Content-Type": content_type, "Content-Disposition": _named(how, download)}


def _named(how: str, download: Download) -> str:
    name = download.name or "file"
    plain = "".join(each if 32 <= ord(each) < 127 and each not in '"\\%' else "_" for each in name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

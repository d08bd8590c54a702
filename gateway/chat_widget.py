"""The widget's script, built from web/widget/, as a page embeds it."""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from gateway.problems import problem

SCRIPT: Final = Path(__file__).parent / "desk_dist" / "widget" / "widget.js"
_HEADERS: Final = {
    "Cache-Control": "public, max-age=300",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}


class Widget:
    """The script, read once."""

    def __init__(self, path: Path = SCRIPT) -> None:
        self._plain = path.read_bytes() if path.is_file() else b""
        self._packed = gzip.compress(self._plain, 9, mtime=0)
        self._etag = f'"{sha256(self._plain).hexdigest()[:16]}"'

    def script(self, request: Request) -> Response:
        """The script; 304 where the browser has it."""
        if not self._plain:
            return problem(503, "Not built", "Run `npm ci && npm run build` in web/, or start with run.py.")
        headers = _HEADERS | {"ETag": self._etag}
        if request.headers.get("if-none-match") == self._etag:
            return Response(status_code=304, headers=headers)
        packs = "gzip" in request.headers.get("accept-encoding", "")
        headers |= {"Content-Encoding": "gzip"} if packs else {}
        return Response(self._packed if packs else self._plain, media_type="text/javascript", headers=headers)

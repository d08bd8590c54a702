"""The built pages, served with a policy that lets nothing foreign in."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DESK = Path(__file__).parent / "desk_dist"
CONSOLE = DESK / "console"
# Attachments are shown from memory (blob:). A mail's HTML stands in a sandboxed frame that inherits this policy: of it,
# small pictures as data: and the style attributes that the cleaning left; nothing of it is ever fetched.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Pages(StaticFiles):
    """Files of a build: named by content, so kept for ever, but for the page itself."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file; the page itself for the folder."""
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            response = PlainTextResponse("Not found", status_code=error.status_code)
        response.headers.update(HEADERS)
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        )
        return response


def desk_pages() -> Starlette:
    """The agent desk."""
    return _pages(DESK)


def console_pages() -> Starlette:
    """The console of supervisors and administrators."""
    return _pages(CONSOLE)


def _pages(folder: Path) -> Starlette:
    """A built page; without a build a sentence that says how to make one."""
    if not (folder / "index.html").is_file():
        text = "The page is not built. Run `npm ci && npm run build` in web/, or start with run.py."
        return Starlette(routes=[Route("/{path:path}", lambda _request: PlainTextResponse(text, status_code=503))])
    return Starlette(routes=[Mount("/", Pages(directory=folder, html=True))])

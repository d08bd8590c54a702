"""REST of mail: its HTML, made safe, for a frame in which nothing runs and nothing is loaded (T9, T10)."""

from __future__ import annotations

from typing import Final

from gateway.downloads import Download
from gateway.mail_store import fetch_html
from gateway.problems import not_found
from gateway.rest_call import Call, Endpoint, NoQuery

# Said in the page as well, for who puts it into a frame by `srcdoc`, which has no headers.
POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
_HEAD: Final = (
    '<!doctype html><html><head><meta charset="utf-8">'
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    '<meta name="referrer" content="no-referrer">'
    # As an attribute: the desk's own policy, which a frame by `srcdoc` inherits, takes no style elements.
    '</head><body style="margin:12px 14px;overflow-wrap:anywhere;background:#fff;color:#1b1d1f;'
    'font:14px/21px sans-serif">'
)


async def show_html(call: Call[NoQuery]) -> Download:
    """The HTML of a mail, cleaned when it came in. Pictures from elsewhere are named in `data-remote`, not loaded."""
    html = await fetch_html(call.connection, call.id)
    if html is None:
        raise not_found("There is no such mail, or it has no HTML that can be shown: its text is in the entry.")
    page = f"{_HEAD}{html}</body></html>".encode("utf-8", "replace")
    return Download(None, "text/html", page, policy=f"{POLICY}; sandbox allow-popups; frame-ancestors 'self'")


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/entries/{id}/html", "customer.read", show_html, NoQuery, Download),
)

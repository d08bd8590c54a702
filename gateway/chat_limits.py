"""Who may ask from where, and how often: origins, and a bucket of requests for each visitor (T16, T27)."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from adapters.base import AccountConfig
from adapters.chat.screenpop import origins_of

BURST: Final = 100
PER_SECOND: Final = 2.0
_MOST_BUCKETS: Final = 20_000


class OriginRefused(Exception):
    """A page that is not the company's."""


def cors_of(request: Request, account: AccountConfig) -> dict[str, str]:
    """The headers that let the page read the answer. Raises OriginRefused for any other page than the site's and ours.

    Without an origin it is no page that asks: then the proof of the request decides alone.
    """
    origins = request.headers.getlist("origin")
    if not origins:
        return {"Vary": "Origin"}
    if len(origins) > 1 or not _is_allowed(origins[0], request, account):
        raise OriginRefused
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origins[0], "Access-Control-Expose-Headers": "Retry-After"}


def _is_allowed(origin: str, request: Request, account: AccountConfig) -> bool:
    if origin in origins_of(account):
        return True
    try:
        parts, public = urlsplit(origin), urlsplit(account.public_url)
    except ValueError:
        return False
    if origin == f"{public.scheme}://{public.netloc}":
        return True
    return parts.scheme in ("http", "https") and parts.netloc == request.headers.get("host")


class Buckets:
    """Requests by visitor: `BURST` at once, `PER_SECOND` sustained. The least recently seen is forgotten."""

    def __init__(self) -> None:
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def takes(self, who: tuple[str, str]) -> bool:
        """Whether one more is taken now."""
        now = time.monotonic()
        left, at = self._left.pop(who, (float(BURST), now))
        left = min(float(BURST), left + (now - at) * PER_SECOND)
        self._left[who] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _MOST_BUCKETS:
            self._left.popitem(last=False)
        return left >= 1

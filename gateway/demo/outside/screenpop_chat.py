"""Visitors of the company's pages, with our widget, by the scheme as docs/reference/chat.md has it.

A visitor is whoever `from` names: anonymous at first, and the one the site signs where the wish has an `identity`
(`id`, `name`, `email`, `phone`). Further kinds: `file` with one `media`, `read` for everything until now.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from starlette.routing import BaseRoute

from gateway.demo.outside.world import Account, Retries, Webhook, World

_RETRIES = Retries(5, frozenset(("ct", "rt", "5xx")))


class ScreenpopChat:
    """Browsers with a chat."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens: dict[tuple[str, str], str] = {}

    def routes(self) -> list[BaseRoute]:
        """None: a reply waits at the gateway until the visitor's browser asks."""
        return []

    async def start(self) -> None:
        """Nothing: HTTP is enough."""

    async def aclose(self) -> None:
        """Nothing to end."""

    async def inbound(self, account: Account, wish: dict[str, Any]) -> dict[str, Any]:
        """What a visitor does."""
        token, key = await self._session(account, wish)
        id_, kind = wish.get("id") or str(uuid4()), wish.get("kind", "message")
        query, data, typed = "", b"", "application/json"
        if kind == "file":
            (medium,) = wish["media"]
            query = urlencode({"id": id_, "name": medium.get("name", "file"), "type": medium["content_type"]})
            data, typed = base64.b64decode(medium["data"]), "application/octet-stream"
        else:
            event: dict[str, Any] = {"type": kind, "account": account.id, "id": id_}
            event |= {"text": wish.get("body", "")} if kind == "message" else {"until": datetime.now(UTC).isoformat()}
            event |= {name: wish[name] for name in ("form", "page") if name in wish}
            data = json.dumps(event).encode()
        url = account.public_url + (f"/file?{query}" if query else "")
        now = int(time.time())
        headers = {"Content-Type": f"{typed}; visitor={token}"}
        headers["X-Screenpop-Signature"] = f"t={now},v1={_mac(key, f'{now}', url, data)}"
        answer = await self._world.knock(account, Webhook(url, data, headers), wish, _RETRIES)
        return {"id": id_, **answer}

    async def _session(self, account: Account, wish: dict[str, Any]) -> tuple[str, str]:
        """As the page begins: a token and its key. Raises ValueError where there is none to be had."""
        parts = urlsplit(account.public_url)
        asked: dict[str, str] = {}
        who = (account.id, wish["from"])
        if who in self._tokens:
            asked["token"] = self._tokens[who]
        if "identity" in wish:
            asked["identity"] = _identity(account, wish["identity"])
        url = f"{parts.scheme}://{parts.netloc}/chat/{account.id}/session"
        answer = await self._world.http.post(url, json=asked)
        if answer.status_code != 200:
            raise ValueError(f"the session was answered {answer.status_code}: {answer.text[:200]}")
        told = answer.json()
        if "identity" not in wish:
            self._tokens[who] = told["token"]
        return told["token"], told["key"]


def _identity(account: Account, said: dict[str, Any]) -> str:
    signed = {"exp": int(time.time()) + 3600, **said}
    payload = base64.urlsafe_b64encode(json.dumps(signed).encode()).rstrip(b"=").decode()
    return f"{payload}.{_mac(account.secret, 'screenpop-identity', account.id, payload)}"


def _mac(key: str, *lines: str | bytes) -> str:
    what = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return hmac.new(key.encode(), what, hashlib.sha256).hexdigest()

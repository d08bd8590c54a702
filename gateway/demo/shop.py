"""A shop on this machine that knows orders and where they are, for the demonstration and the tests.

It is an edge of the system, so it shares nothing with it:

    python -m gateway.demo.shop --port 9002 --secret …

- `GET /orders?phone=…` (or `email=…`, `customer=…`) answers the lines of a card. The request must be signed as Standard
  Webhooks 1.0 describes, over the address it was sent to
  (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md); otherwise 401.
- `PUT /control/orders` sets the orders of a phone or e-mail; `POST /control/misbehave` breaks the shop on purpose;
  `GET /control/asked` lists what it was asked. Control has no password: the shop binds 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOLERANCE_SECONDS = 300
GOODS = (
    ("Alder table, 180 cm", "1,890.00"),
    ("Linen sofa cover", "240.00"),
    ("Oak lounge chair", "620.00"),
    ("Wool rug, 200 × 300", "480.00"),
    ("Set of six dining chairs", "1,150.00"),
)
STATES = (("on its way", None), ("2 days late, at customs", "warn"), ("delivered", "good"), ("being packed", None))


class Shop:
    """Everything the shop remembers. Whoever it was not told of has orders made up from their number."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.orders: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []
        self.mode, self.seconds = "none", 0.0

    def is_signed(self, request: Request) -> bool:
        """Whether the request was signed with our secret, not long ago."""
        identity = request.headers.get("webhook-id", "")
        at = request.headers.get("webhook-timestamp", "")
        if not at.isdecimal() or abs(time.time() - int(at)) > TOLERANCE_SECONDS:
            return False
        said = f"{identity}.{at}.{request.url}".encode()
        ours = base64.b64encode(hmac.new(self._secret, said, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(request.headers.get("webhook-signature", ""), f"v1,{ours}")

    def of(self, who: str) -> list[dict[str, Any]]:
        """The lines of one person."""
        if who in self.orders:
            return self.orders[who]
        chance = random.Random(who)  # noqa: S311  # the same orders at every question
        return [made_up(chance, number) for number in range(chance.randrange(1, 4))]


def made_up(chance: random.Random, number: int) -> dict[str, Any]:
    """An order."""
    goods, amount = chance.choice(GOODS)
    status, tone = STATES[0] if number == 0 else chance.choice(STATES)
    day = datetime.now(UTC) - timedelta(days=number * 30 + chance.randrange(2, 20))
    return {
        "title": goods,
        "text": f"NH-{chance.randrange(40000, 49999)}, ordered {day.day} {day:%b}",
        "status": status,
        "tone": tone,
        "amount": f"${amount}",
    }


async def orders(request: Request) -> Response:
    """The card of whom the query names."""
    shop: Shop = request.app.state.shop
    who = next(iter(request.query_params.values()), "")
    signed = shop.is_signed(request)
    shop.asked.append({"who": who, "signed": signed, "at": time.time()})
    if not signed:
        return JSONResponse({"error": "the request is not signed"}, 401)
    if shop.mode == "slow":
        await asyncio.sleep(shop.seconds)
    if shop.mode == "500":
        return JSONResponse({"error": "on purpose"}, 500)
    if shop.mode == "garbage":
        return Response(b"{" * 1000, media_type="application/json")
    if shop.mode == "large":
        return JSONResponse({"lines": [{"title": "x" * 1000}] * 1000})
    if shop.mode == "redirect":
        return Response(status_code=302, headers={"Location": "/control/asked"})
    lines = shop.of(who)
    return JSONResponse({"lines": lines[:5], "more": max(0, len(lines) - 5)})


async def set_orders(request: Request) -> Response:
    """`{"who": …, "lines": […]}`."""
    wish = await request.json()
    request.app.state.shop.orders[wish["who"]] = wish["lines"]
    return JSONResponse({"ok": True})


async def misbehave(request: Request) -> Response:
    """`{"mode": "none" | "slow" | "500" | "garbage" | "large" | "redirect", "seconds"?: …}`."""
    wish = await request.json()
    request.app.state.shop.mode, request.app.state.shop.seconds = wish["mode"], wish.get("seconds", 0.0)
    return JSONResponse({"ok": True})


async def asked(request: Request) -> Response:
    """What was asked, oldest first."""
    return JSONResponse(request.app.state.shop.asked)


def create_app(secret: str) -> Starlette:
    """The shop as an ASGI application."""
    routes = [
        Route("/orders", orders),
        Route("/control/orders", set_orders, methods=["PUT"]),
        Route("/control/misbehave", misbehave, methods=["POST"]),
        Route("/control/asked", asked),
    ]
    app = Starlette(routes=routes)
    app.state.shop = Shop(secret)
    return app


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="shop")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret", required=True)
    options = parser.parse_args()
    uvicorn.run(create_app(options.secret), host="127.0.0.1", port=options.port, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main()

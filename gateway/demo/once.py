"""One customer through the whole way, told step by step: webhook, offer, accept, profile, reply, carrier."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from rich.console import Console
from rich.panel import Panel
from websockets.asyncio.client import ClientConnection, connect

SECONDS = 20.0


class Failed(RuntimeError):
    """A step did not happen in time; the message says which."""


class Story:
    """Prints each step with the time since the beginning."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.perf_counter()

    def tell(self, step: str) -> None:
        """One line."""
        spent = (time.perf_counter() - self._began) * 1000
        self._console.print(f"[dim]{spent:8.1f} ms[/]  {step}", highlight=False)


async def run_once(company: dict[str, Any], phone: str, text: str, console: Console) -> None:
    """Text as `phone`, take it as the first agent, show the pushed profile, answer. Raises Failed."""
    story = Story(console)
    agent, account = company["agents"][0], company["accounts"][0]
    url = company["url"].replace("http", "ws", 1) + "/v1/screen"
    headers = {"Authorization": f"Bearer {agent['token']}"}
    protocol: Any = "screen.v1+json"
    try:
        async with (
            asyncio.timeout(SECONDS),
            connect(url, subprotocols=[protocol], additional_headers=headers) as screen,
            httpx2.AsyncClient(timeout=SECONDS) as carrier,
        ):
            await _say(screen, {"type": "hello"})
            welcome = await _hear(screen, "welcome")
            for held in welcome["contacts"]:  # of an earlier run that was broken off
                await _say(screen, {"type": "finish", "contact": held["contact"], "ref": "0"})
                await _hear(screen, "result")
            await _say(screen, {"type": "presence", "status": "available", "ref": "1"})
            await _hear(screen, "result")
            story.tell(f"{agent['name']} is available")
            message = {"url": account["public_url"], "from": phone, "to": account["address"], "body": text}
            answer = await carrier.post(f"{company['carrier_url']}/control/inbound", json=message)
            story.tell(f"{phone} texted; the webhook was answered {answer.json().get('status')}")
            offer = await _hear(screen, "offer")
            story.tell(f"offer to {agent['name']}: {offer['preview']}")
            await _say(screen, {"type": "accept", "offer": offer["offer"], "ref": "2"})
            profile = await _hear(screen, "profile")
            story.tell("accepted; the profile is on the screen")
            console.print(Panel(_describe(profile), title="profile", expand=False))
            reply = f"Hello! This is {agent['name']}. We read: {text}"
            await _reply(screen, profile, reply)
            story.tell("reply recorded")
            await _until_sent(Path(company["carrier_log"]), reply)
            story.tell("the carrier has the reply")
            await _say(screen, {"type": "finish", "contact": profile["contact"]["id"], "ref": "4"})
            await _hear(screen, "result")
            await _say(screen, {"type": "presence", "status": "offline", "ref": "5"})
            await _hear(screen, "result")
            story.tell("finished")
    except TimeoutError as error:
        raise Failed(f"the way was not completed within {SECONDS:g} s; see the logs beside demo.json") from error


async def _reply(screen: ClientConnection, profile: dict[str, Any], body: str) -> None:
    conversation = profile["contact"]["conversation"]
    frame = {"type": "reply", "conversation": conversation, "body": body, "id": str(uuid4()), "ref": "3"}
    await _say(screen, frame)
    await _hear(screen, "result")


async def _say(screen: ClientConnection, frame: dict[str, Any]) -> None:
    await screen.send(json.dumps(frame))


async def _hear(screen: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await screen.recv())
        if frame["type"] == kind:
            return frame
        if frame["type"] == "error":
            raise Failed(f"waiting for {kind}, the screen was told: {frame['message']}")


async def _until_sent(log: Path, body: str) -> None:
    while not _has_sent(log, body):  # noqa: ASYNC110  # a file another process writes has no event
        await asyncio.sleep(0.05)


def _has_sent(log: Path, body: str) -> bool:
    return log.exists() and any(json.loads(line)["body"] == body for line in log.read_text().splitlines())


def _describe(profile: dict[str, Any]) -> str:
    customer = profile["customer"]
    name = customer["name"] or "not named yet"
    lines = [f"[bold]{name}[/]  {', '.join(handle['display'] for handle in customer['handles'])}"]
    for entry in profile["timeline"][-8:]:
        who = "customer" if entry["direction"] == "in" else (entry["author"] or {}).get("name", "")
        lines.append(f"{entry['at'][:16].replace('T', ' ')}  {entry['kind']:8}  {who}: {entry['body']}")
    return "\n".join(lines)

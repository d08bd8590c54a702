"""One customer through the whole way, told step by step: webhook, offer, accept, profile, reply, carrier."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from rich.console import Console
from rich.panel import Panel
from websockets.asyncio.client import ClientConnection

from gateway.demo.telling import SECONDS, Failed, Story, hear, say, screen_of


async def run_once(company: dict[str, Any], phone: str, text: str, console: Console) -> None:
    """Text as `phone`, take it as the first agent, show the pushed profile, answer. Raises Failed."""
    story = Story(console)
    agent, account = company["agents"][0], company["accounts"][0]
    try:
        async with (
            asyncio.timeout(SECONDS),
            screen_of(company, agent) as screen,
            httpx2.AsyncClient(timeout=SECONDS) as carrier,
        ):
            await say(screen, {"type": "hello"})
            welcome = await hear(screen, "welcome")
            for held in welcome["contacts"]:  # of an earlier run that was broken off
                await say(screen, {"type": "finish", "contact": held["contact"], "ref": "0"})
                await hear(screen, "result")
            await say(screen, {"type": "presence", "status": "available", "ref": "1"})
            await hear(screen, "result")
            story.tell(f"{agent['name']} is available")
            message = {"url": account["public_url"], "from": phone, "to": account["address"], "body": text}
            answer = await carrier.post(f"{company['carrier_url']}/control/inbound", json=message)
            story.tell(f"{phone} texted; the webhook was answered {answer.json().get('status')}")
            offer = await hear(screen, "offer")
            story.tell(f"offer to {agent['name']}: {offer['preview']}")
            await say(screen, {"type": "accept", "offer": offer["offer"], "ref": "2"})
            profile = await hear(screen, "profile")
            story.tell("accepted; the profile is on the screen")
            console.print(Panel(_describe(profile), title="profile", expand=False))
            reply = f"Hello! This is {agent['name']}. We read: {text}"
            await _reply(screen, profile, reply)
            story.tell("reply recorded")
            await _until_sent(Path(company["carrier_log"]), reply)
            story.tell("the carrier has the reply")
            await say(screen, {"type": "finish", "contact": profile["contact"]["id"], "ref": "4"})
            await hear(screen, "result")
            await say(screen, {"type": "presence", "status": "offline", "ref": "5"})
            await hear(screen, "result")
            story.tell("finished")
    except TimeoutError as error:
        raise Failed(f"the way was not completed within {SECONDS:g} s; see the logs beside demo.json") from error


async def _reply(screen: ClientConnection, profile: dict[str, Any], body: str) -> None:
    conversation = profile["contact"]["conversation"]
    frame = {"type": "reply", "conversation": conversation, "body": body, "id": str(uuid4()), "ref": "3"}
    await say(screen, frame)
    await hear(screen, "result")


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

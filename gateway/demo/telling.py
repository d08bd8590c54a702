"""What the told demos share: a story with its times, and a screen to speak by."""

from __future__ import annotations

import json
import time
from typing import Any

from rich.console import Console
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


def screen_of(company: dict[str, Any], agent: dict[str, Any]) -> connect:
    """A screen of this agent, before its hello."""
    url = company["url"].replace("http", "ws", 1) + "/v1/screen"
    protocol: Any = "screen.v1+json"
    return connect(url, subprotocols=[protocol], additional_headers={"Authorization": f"Bearer {agent['token']}"})


async def say(screen: ClientConnection, frame: dict[str, Any]) -> None:
    """Send one frame."""
    await screen.send(json.dumps(frame))


async def hear(screen: ClientConnection, kind: str) -> dict[str, Any]:
    """The next frame of this type, passing over others. Raises Failed where the screen is told of an error."""
    while True:
        frame: dict[str, Any] = json.loads(await screen.recv())
        if frame["type"] == kind:
            return frame
        if frame["type"] == "error":
            raise Failed(f"waiting for {kind}, the screen was told: {frame['message']}")

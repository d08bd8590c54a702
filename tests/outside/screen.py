"""One screen of an agent: a websocket, everything it was told, and whether that was complete and in order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from tests.outside.company import Agent, Company
from tests.outside.feeds import Follower
from tests.outside.history import Fact, History
from tests.outside.told import Frame, Told, subject

SUBPROTOCOL = Subprotocol("screen.v1+json")
UNREACHABLE = (OSError, InvalidHandshake, InvalidMessage, ConnectionClosed, TimeoutError, EOFError)
"""What connecting may raise while a gateway is down."""


BURST = 40
"""Frames a screen may send at once before it has to slow down; every connection begins with as many."""


class Gone(ConnectionError):
    """The screen lost its connection before the answer came."""


class Screen:
    """Connects, follows every feed, and writes what it saw into a history."""

    def __init__(self, company: Company, agent: Agent, history: History | None = None, name: str = "") -> None:
        self.company, self.agent, self.history = company, agent, history
        self.name = name or agent.name
        self.follower = Follower()
        self.told = Told()
        self.wrong: list[str] = []
        self.welcome: Frame = {}
        self.close_code: int | None = None
        self.listeners: list[Callable[[Frame], None]] = []
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._refs = itertools.count(1)
        self.frames_left = 0
        self.process = 0
        self._asked: dict[str, asyncio.Future[Frame]] = {}
        self._moved = asyncio.Condition()
        self._connecting = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether the connection is open as far as this side knows."""
        return self._task is not None and not self._task.done()

    async def connect(self, process: int = 0, *, resume: bool = True) -> Frame:
        """Open, say hello with every position held, and return `welcome`. Raises one of `UNREACHABLE`."""
        # Two at once would leave a socket behind that goes on telling.
        async with self._connecting:
            return await self._connect(process, resume)

    async def _connect(self, process: int, resume: bool) -> Frame:
        await self.drop()
        url = self.company.urls[process].replace("http", "ws", 1) + "/v1/screen"
        headers = {"Authorization": f"Bearer {self.agent.token}"}
        self._socket = await connect(
            url, additional_headers=headers, subprotocols=[SUBPROTOCOL], open_timeout=5, close_timeout=1,
            max_size=2**22, compression=None, proxy=None,
        )  # fmt: skip
        self.close_code, self.welcome, self.process = None, {}, process
        self.frames_left = BURST - 1
        hello: Frame = {"type": "hello"}
        if resume and self.follower.epoch:
            hello |= {"epoch": self.follower.epoch, "resume": self.follower.resume()}
        else:
            self.follower = Follower()
        self._note("saw", "hello", feeds=dict(self.follower.asked), process=process)
        await self._socket.send(json.dumps(hello))
        self._task = asyncio.create_task(self._read(self._socket))
        await self.until(lambda: bool(self.welcome) or not self.connected, 10)
        if not self.welcome:
            raise Gone(f"no welcome, closed with {self.close_code}")
        return self.welcome

    async def drop(self, *, politely: bool = False) -> None:
        """End the connection; as a cut cable unless `politely`."""
        if self._socket is not None:
            if politely:
                await self._socket.close()
            else:
                self._socket.transport.abort()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._socket, self._task = None, None

    async def afford(self, frames: int) -> None:
        """Come back, resuming, when so many more frames would be above the rate a screen is allowed."""
        async with self._connecting:
            if self.frames_left < frames:
                await self._connect(self.process, resume=True)

    async def send(self, frame: Frame) -> None:
        """Send a frame. Raises `Gone`."""
        if self._socket is None or not self.connected:
            raise Gone("not connected")
        self.frames_left -= 1
        try:
            await self._socket.send(json.dumps(frame))
        except ConnectionClosed as error:
            raise Gone("closed while sending") from error

    async def ask(self, frame: Frame, timeout: float = 15.0) -> Frame:
        """Send a frame and wait for its `result`, `error` or `profile`. Raises `Gone` or `TimeoutError`."""
        ref = f"r{next(self._refs)}"
        answer = self._asked[ref] = asyncio.get_running_loop().create_future()
        try:
            await self.send({**frame, "ref": ref})
            return await asyncio.wait_for(answer, timeout)
        finally:
            self._asked.pop(ref, None)

    async def present(self, status: str = "available") -> Frame:
        """Choose a presence."""
        return await self.ask({"type": "presence", "status": status})

    async def accept(self, offer: str) -> Frame:
        """Take an offer: `profile`, or `error`."""
        return await self._acted("accept", {"type": "accept", "offer": offer}, offer=offer)

    async def decline(self, offer: str) -> Frame:
        """Refuse an offer."""
        return await self._acted("decline", {"type": "decline", "offer": offer}, offer=offer)

    async def finish(self, contact: str) -> Frame:
        """End the work on a contact and, where there is one, its wrap-up."""
        answer = await self._acted("finish", {"type": "finish", "contact": contact}, contact=contact)
        if self.told.held.get(contact, {}).get("state") == "wrapping":
            answer = await self._acted("wrap_up", {"type": "wrap_up", "contact": contact}, contact=contact)
        return answer

    async def reply(self, conversation: str, body: str, id: str | None = None) -> Frame:
        """Answer the customer."""
        frame = {"type": "reply", "conversation": conversation, "body": body, "id": id or str(uuid4())}
        return await self._acted("reply", frame, conversation=conversation, body=body)

    async def leave(self, customer: str) -> None:
        """Stop following a customer."""
        await self.send({"type": "leave", "customer": customer})
        self.follower.leave(f"customer:{customer}")
        self.told.views.pop(customer, None)
        self._note("saw", "leave", feed=f"customer:{customer}")

    async def until(self, happened: Callable[[], bool], seconds: float = 10.0) -> bool:
        """Wait until something is so; False when it is not in time."""
        try:
            async with self._moved:
                await asyncio.wait_for(self._moved.wait_for(happened), seconds)
        except TimeoutError:
            return happened()
        return True

    async def ring(self, seconds: float = 10.0) -> Frame:
        """The next live offer. Raises `TimeoutError`."""
        if not await self.until(lambda: bool(self.told.ringing), seconds):
            raise TimeoutError(f"{self.name} was offered nothing in {seconds} s")
        return next(iter(self.told.ringing.values()))

    async def _acted(self, op: str, frame: Frame, **what: Any) -> Frame:
        """Ask, with both ends of it in the history."""
        call = self.history.call() if self.history else 0
        self._note("invoke", op, call=call, **what)
        try:
            answer = await self.ask(frame)
        except (Gone, TimeoutError):
            self._note("unknown", op, call=call, **what)
            raise
        if answer["type"] == "error":
            self._note("fail", op, call=call, reason=answer["code"], **what)
        else:
            more = {"contact": (answer.get("contact") or {}).get("id")} if answer["type"] == "profile" else {}
            self._note("ok", op, call=call, entry=answer.get("entry"), **{**what, **more})
        return answer

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                frame = json.loads(text)
                self._take(frame)
                for listener in self.listeners:
                    listener(frame)
                async with self._moved:
                    self._moved.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.close_code = socket.close_code
            self._note("saw", "closed", status=self.close_code)
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(Gone(f"closed with {self.close_code}"))
            asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    def _take(self, frame: Frame) -> None:
        handler = getattr(self, f"_on_{frame['type']}", None)
        if handler is not None:
            handler(frame)
        self.told.take(frame)
        answer = self._asked.get(frame.get("ref") or "")
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _on_welcome(self, frame: Frame) -> None:
        self.welcome = frame
        self._complain(self.follower.welcome(frame["epoch"], frame["feeds"]))
        self._note("saw", "welcome", feeds=frame["feeds"], epoch=frame["epoch"])

    def _on_resync(self, frame: Frame) -> None:
        self.follower.resync(frame["feed"])
        self._note("saw", "resync", feed=frame["feed"])

    def _on_profile(self, frame: Frame) -> None:
        self.follower.snapshot(frame["feed"], frame["seq"])
        self._note(
            "saw",
            "profile",
            feed=frame["feed"],
            seq=frame["seq"],
            offer=frame.get("offer"),
            contact=(frame.get("contact") or {}).get("id"),
            customer=frame["feed"].partition(":")[2],
            reason=frame["reason"],
            count=len(frame["timeline"]),
        )

    def _on_event(self, frame: Frame) -> None:
        event = frame["event"]
        self._complain(self.follower.event(frame["feed"], frame["seq"]))
        self._note("saw", "event", feed=frame["feed"], seq=frame["seq"], reason=event["kind"], **subject(event))

    def _complain(self, wrong: str | None) -> None:
        if wrong:
            self.wrong.append(f"{self.name}: {wrong}")

    def _note(self, kind: Any, op: str, **what: Any) -> None:
        if self.history is not None:
            self.history.add(Fact(kind=kind, op=op, who=self.name, **what))

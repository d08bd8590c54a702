"""One connected screen: a reader that carries out its frames, and a writer that sends what is queued."""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

from gateway.screen_commands import Commands
from gateway.screen_feeds import ScreenFeeds
from gateway.screen_handshake import Admitted
from gateway.screen_limits import Limits
from gateway.screen_parts import Parts
from gateway.screen_transport import Gone, Transport
from model import wire
from pushers import close_codes
from pushers.close_codes import CloseCode
from pushers.session import Command, Session
from store.ids import new_id

ACTIVE_SECONDS = 15.0
"""How often at most it is kept that a screen is used."""

log = logging.getLogger(__name__)


class Screen:
    """A connection of an agent's client, from after the handshake to its end."""

    def __init__(self, admitted: Admitted, transport: Transport, parts: Parts, limits: Limits) -> None:
        self.id: UUID = new_id()
        self.admitted = admitted
        self.ended = asyncio.Event()
        self.signed_off = True
        self._transport = transport
        self._parts = parts
        self._limits = limits
        self._session = Session(asyncio.get_running_loop().time(), limits.hello_seconds, limits.rate)
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._sending: asyncio.Timeout | None = None
        self._active_again = 0.0
        self._unwritten: list[asyncio.Event] = []
        self.feeds = ScreenFeeds(parts, admitted.actor, self._session, self)
        self._commands = Commands(parts, admitted.actor, self._session, self.feeds)

    async def run(self) -> None:
        """Serve the screen until it ends."""
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
            # Whatever ended the reading, what was said last is still sent.
            self.wake()
            if self._session.should_close:
                await writer
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            await self._leave()

    @property
    def closed_with(self) -> CloseCode | None:
        """Why the server closes it; None while it does not."""
        return self._session.should_close

    def send(self, frame: bytes) -> None:
        """Queue an encoded frame."""
        self._session.send(frame)
        self.wake()

    def close(self, code: CloseCode) -> None:
        """Close it from the server's side."""
        self._session.close(code)
        self.wake()

    def check(self, now: float) -> None:
        """Let time pass: a screen that has not said hello in time is closed."""
        self._session.check(now)
        if self._session.should_close:
            self.wake()

    async def room(self) -> None:
        """Wait until the peer has read enough, or the screen ends."""
        while self._session.crowded and not self._session.should_close:
            self._room.clear()
            self.wake()
            await self._room.wait()

    async def flushed(self) -> None:
        """Wait until everything queued so far has been written, or the screen ends."""
        written = asyncio.Event()
        self._unwritten.append(written)
        self.wake()
        if self._session.should_close:
            return
        await written.wait()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._session.should_close:
            data = await self._transport.receive()
            if data is None:
                return
            command = self._session.receive(data, loop.time())
            if command is not None:
                self._note_active(command, loop.time())
                await self._commands.carry_out(command, self.id)
            self.wake()

    def _note_active(self, command: Command, now: float) -> None:
        """Somebody is there; pages say `seen` and `shown` by themselves."""
        if isinstance(command, wire.Hello | wire.Seen | wire.Shown) or now < self._active_again:
            return
        self._active_again = now + ACTIVE_SECONDS
        self.feeds.try_out(self._parts.desk.active(self.id))

    async def _write(self) -> None:
        try:
            while not self._session.should_close:
                await self._work.wait()
                self._work.clear()
                await self._send_queued()
        except TimeoutError:
            self._session.close(close_codes.SLOW)
        except Gone:
            return
        finally:
            self._room.set()
            self._told_written()
        if self._session.should_close:
            await self._transport.close(self._session.should_close)

    async def _send_queued(self) -> None:
        while batch := self._session.to_send():
            for frame in batch:
                async with asyncio.timeout(self._limits.send_seconds) as self._sending:
                    await self._transport.send(frame)
            self._room.set()
        self._told_written()

    def _told_written(self) -> None:
        waiting, self._unwritten = self._unwritten, []
        for written in waiting:
            written.set()

    def wake(self) -> None:
        """Something was queued, or the screen is to end: let the writer look."""
        self._work.set()
        if self._session.should_close is close_codes.SLOW and self._sending is not None:
            # It waits for a peer that does not read: waiting longer changes nothing.
            try:
                self._sending.reschedule(asyncio.get_running_loop().time())
            except RuntimeError:
                return  # that send has just ended

    async def _leave(self) -> None:
        await self.feeds.stop()
        if self._session.greeted:
            await self.sign_off()
        self.ended.set()

    async def sign_off(self) -> None:
        """Tell the desk that the screen is gone; `signed_off` is false while it could not be told."""
        self.signed_off = False
        try:
            await self._parts.desk.disconnect(self.admitted.actor, self.id)
        except Exception as error:
            log.warning("screen not signed off: %s", type(error).__name__)
            return
        self.signed_off = True

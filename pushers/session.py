"""The screen protocol of one connection: pure, no I/O, no clock, no chance; `now` is in seconds of any steady clock.

Bytes from the screen go in by `receive` and come out as commands; frames for the screen go in by `send` and `publish`
and come out as bytes by `to_send`. When `should_close` is set, send what it says and close.
"""

from __future__ import annotations

from collections import deque

import msgspec
from msgspec import Raw, Struct

from model import event as feed_event
from model import to_screen, wire
from model.wire_frame import Ref
from pushers import close_codes
from pushers.close_codes import CloseCode
from pushers.parse import parse_frame

Command = wire.ClientFrame
"""A frame of the screen that is in order and is to be carried out."""

MAX_FRAME_BYTES = 64 * 1024
HELLO_SECONDS = 10.0
MAX_BAD_IN_A_ROW = 3
MAX_DEBT = 40.0
"""Frames above the rate that are refused before the screen is closed."""
MAX_QUEUED_BYTES = 1024 * 1024
MAX_QUEUED_FRAMES = 1_000
BATCH_BYTES = 64 * 1024
BATCH_FRAMES = 16

_encode = msgspec.json.Encoder().encode
_decode_event = msgspec.json.Decoder(feed_event.AgentEvent).decode


class Rate(Struct, frozen=True):
    """How many frames a screen may send. The default is where OWASP's websocket cheat sheet starts."""

    per_minute: float = 100.0
    burst: float = 40.0
    """Frames at once."""


DEFAULT_RATE = Rate()


class _Referred(Struct, frozen=True):
    ref: Ref | None = None


_decode_ref = msgspec.json.Decoder(_Referred).decode


def _ref(data: str | bytes) -> str | None:
    """The `ref` of a frame that is not looked at otherwise, so that its sender knows which one it was."""
    if len(data) > MAX_FRAME_BYTES:
        return None
    try:
        return _decode_ref(data).ref
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


class Session:
    """One screen's side of the protocol. Never raises for anything a screen may send."""

    def __init__(self, now: float, hello_seconds: float = HELLO_SECONDS, rate: Rate = DEFAULT_RATE) -> None:
        self.should_close: CloseCode | None = None
        self.greeted = False
        self._hello_until = now + hello_seconds
        self._rate = rate
        self._tokens = rate.burst
        self._refilled_at = now
        self._bad_in_a_row = 0
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._positions: dict[str, int] = {}

    # --- from the screen ---

    def receive(self, data: str | bytes, now: float) -> Command | None:
        """Take one websocket message (bytes: a binary one). None when it was answered here, by an error or a close."""
        if self.should_close or not self._within_rate(now, data):
            return None
        try:
            raw = data if isinstance(data, bytes) else data.encode()
        except UnicodeEncodeError:
            self._refuse(to_screen.Error("bad_frame", "Send text in UTF-8."))
            return None
        if len(raw) > MAX_FRAME_BYTES:
            self._close(close_codes.TOO_BIG)
            return None
        if isinstance(data, bytes):
            self._refuse(to_screen.Error("bad_frame", "Send text frames, not binary ones."))
            return None
        frame = parse_frame(raw)
        if isinstance(frame, to_screen.Error):
            self._refuse(frame)
            return None
        return self._in_order(frame)

    def check(self, now: float) -> None:
        """Let time pass: without a hello in time the session ends."""
        if not self.greeted and now >= self._hello_until:
            self._close(close_codes.HELLO_TIMEOUT)

    def _in_order(self, frame: Command) -> Command | None:
        hello = isinstance(frame, wire.Hello)
        if hello and self.greeted:
            self._refuse(to_screen.Error("hello_twice", "hello is only the first frame.", frame.ref))
            return None
        if not hello and not self.greeted:
            self._refuse(to_screen.Error("hello_first", "Send hello first.", frame.ref))
            return None
        self.greeted = True
        self._bad_in_a_row = 0
        return frame

    def _within_rate(self, now: float, data: str | bytes) -> bool:
        refill = max(0.0, now - self._refilled_at) * self._rate.per_minute / 60
        self._tokens = min(self._rate.burst, self._tokens + refill) - 1
        self._refilled_at = max(now, self._refilled_at)
        if self._tokens >= 0:
            return True
        if self._tokens < -MAX_DEBT:
            self._close(close_codes.TOO_MANY_FRAMES)
        else:
            self.send(
                to_screen.Error("rate_limited", "Too many frames; this one was not looked at. Slow down.", _ref(data))
            )
        return False

    def _refuse(self, error: to_screen.Error) -> None:
        self.send(error)
        if error.code == "unknown_frame":
            return  # a newer client may try what this server does not know yet
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= MAX_BAD_IN_A_ROW:
            self._close(close_codes.BAD_FRAMES)

    # --- to the screen ---

    def send(self, frame: Struct | bytes) -> None:
        """Queue a frame (bytes: encoded already). A screen that does not read fast enough is closed as slow."""
        if self.should_close:
            return
        encoded = frame if isinstance(frame, bytes) else _encode(frame)
        # Bounded by what already waits: a lone profile larger than the bound still passes.
        if self._queued_bytes >= MAX_QUEUED_BYTES or len(self._queue) >= MAX_QUEUED_FRAMES:
            self._close(close_codes.SLOW)
            return
        self._queue.append(encoded)
        self._queued_bytes += len(encoded)

    def begin(self, feed: str, seq: int) -> None:
        """The screen now stands at `seq` of this feed (by welcome or profile); events after it may be published."""
        self._positions[feed] = seq

    def end(self, feed: str) -> None:
        """The screen no longer follows this feed; what is published of it is dropped."""
        self._positions.pop(feed, None)

    def position(self, feed: str) -> int | None:
        """The last sequence of this feed the screen was given; None when it does not follow it."""
        return self._positions.get(feed)

    def publish(self, feed: str, seq: int, body: bytes, *, live: bool = True) -> feed_event.AgentEvent | None:
        """Queue an event of a feed that has begun: `body` is spliced in as it was stored.

        A live event of an agent's feed that asks the agent to act is followed by its acting frame, and is returned.
        """
        position = self._positions.get(feed)
        if position is None or seq <= position:
            return None
        if seq != position + 1:
            # Never a silent hole: the screen comes back and is made complete.
            self._close(close_codes.OUT_OF_STEP)
            return None
        self._positions[feed] = seq
        self.send(to_screen.EventFrame(feed, seq, Raw(body)))
        if not live or not feed.startswith("agent:"):
            return None
        event = _understood(body)
        acting = _acting_frame(event, feed)
        if acting is not None:
            self.send(acting)
        return event

    def hint(self, feed: str, frame: Struct) -> None:
        """Queue a frame that may be missing, about a feed that has begun; whoever reads slowly goes without."""
        if feed in self._positions and not self.crowded:
            self.send(frame)

    def close(self, code: CloseCode) -> None:
        """End the session from the server's side; the first reason stands. What is queued is dropped."""
        self._close(code)

    @property
    def crowded(self) -> bool:
        """Whether what waits fills half of its bounds: who has a choice should wait before queueing more."""
        return self._queued_bytes > MAX_QUEUED_BYTES // 2 or len(self._queue) > MAX_QUEUED_FRAMES // 2

    def to_send(self) -> list[bytes]:
        """Take the next frames to write, at most 16 and about 64 KiB, so that what is unsent stays counted here."""
        batch: list[bytes] = []
        size = 0
        while self._queue and len(batch) < BATCH_FRAMES and size < BATCH_BYTES:
            batch.append(self._queue.popleft())
            size += len(batch[-1])
        self._queued_bytes -= size
        return batch

    def _close(self, code: CloseCode) -> None:
        if self.should_close is None:
            self.should_close = code
            if code is close_codes.SLOW:
                self._queue.clear()
                self._queued_bytes = 0


def _understood(body: bytes) -> feed_event.AgentEvent | None:
    try:
        event: feed_event.AgentEvent = _decode_event(body)
        return event
    except msgspec.MsgspecError:
        return None  # a kind of a newer version, while processes are exchanged one by one


def _acting_frame(event: feed_event.AgentEvent | None, feed: str) -> Struct | None:
    match event:
        case feed_event.OfferMade():
            return msgspec.convert(event, to_screen.OfferFrame, from_attributes=True)
        case feed_event.OfferUpdated():
            return to_screen.OfferUpdatedFrame(event.offer, event.preview, event.messages)
        case feed_event.OfferEnded():
            return to_screen.OfferEndedFrame(event.offer, event.outcome, event.reason)
        case feed_event.HandoverAsked() if feed == f"agent:{event.to.id}":
            return msgspec.convert(event, to_screen.HandoverFrame, from_attributes=True)
        case feed_event.HandoverUpdated():
            return to_screen.HandoverUpdatedFrame(event.handover, event.preview, event.messages)
        case feed_event.HandoverEnded():
            return to_screen.HandoverEndedFrame(event.handover, event.outcome, event.reason)
        case feed_event.HeldEnded():
            return to_screen.ContactEndedFrame(event.contact, event.reason)
        case _:
            return None

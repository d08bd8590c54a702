"""Visitors' files: refused before they are read, one at a time, no more than is held at once, beside the loop (T16)."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from adapters.base import AccountConfig, WebhookRequest
from adapters.chat.events import MOST_JSON
from adapters.chat.screenpop import ScreenpopChat
from adapters.chat.visitor import anonymous, issue_token
from gateway import intake as intakes
from gateway.accounts import Accounts
from gateway.chat import Chat
from gateway.chat_files import FilesUnderWay
from gateway.chat_streams import ChatStreams
from gateway.intake import Intake, Taking
from gateway.public_files import PublicFiles
from gateway.recorder import APART, VISITORS_FILES, Overloaded, Recorder
from gateway.typing_marks import TypingMarks
from model.inbound import HandleRef, InboundFile, InboundMessage
from profiles.record import Delivery
from store.pool import Pool
from tests.adapters.chat.screenpop_requests import ACCOUNT, PUBLIC_URL, account, proved

HELD = 1000


class House:
    """A chat over an intake whose recorder records when it is let."""

    def __init__(self) -> None:
        self.let, self.begun = asyncio.Event(), asyncio.Semaphore(0)
        self.let.set()
        accounts, nothing = cast("Accounts", self), cast("Any", None)
        self.chat = Chat(
            accounts, ChatStreams(cast("Pool", nothing)), cast("PublicFiles", nothing), cast("TypingMarks", nothing)
        )
        self.chat._under_way = FilesUnderWay(HELD)
        self.intake = Intake(nothing, accounts, cast("Recorder", self), nothing)

    async def get(self, _account_id: str) -> AccountConfig:
        return account()

    async def submit(self, _delivery: Delivery) -> None:
        self.begun.release()
        await self.let.wait()

    async def post(self, visitor: str, body: AsyncIterator[bytes], headers: dict[str, str], step: str = "/file") -> int:
        query = "id=5a2f43a8-7b0f-4f0e-9a39-0a1f1f8e7d11" if step else ""
        path = f"/hooks/{ACCOUNT}{step}"

        async def receive() -> Message:
            piece = await anext(body, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        scope = {
            **{"type": "http", "method": "POST", "path": path, "raw_path": path.encode()},
            "query_string": query.encode(),
            "path_params": {"account": ACCOUNT},
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }

        async def take(request: Request, taking: Taking | None) -> Response:
            return await self.intake(request, taking)

        return (await self.chat.hook(Request(scope, receive), take)).status_code

    async def upload(
        self, visitor: str, data: bytes, *, open_end: asyncio.Event | None = None, step: str = "/file"
    ) -> int:
        """A whole file of this visitor; with `open_end` its last byte comes once that is set."""
        now = int(datetime.now(UTC).timestamp())
        token, key = issue_token(anonymous(visitor, now), account())
        url = PUBLIC_URL + step + ("?id=5a2f43a8-7b0f-4f0e-9a39-0a1f1f8e7d11" if step else "")
        headers = {
            "content-type": f"application/octet-stream; visitor={token}",
            "x-screenpop-signature": proved(key, now, url, data),
        }

        async def body() -> AsyncIterator[bytes]:
            yield data[:-1]
            if open_end is not None:
                self.begun.release()
                await open_end.wait()
            yield data[-1:]

        return await self.post(visitor, body(), headers, step)


async def unread() -> AsyncIterator[bytes]:
    yield pytest.fail("the body is read")


@pytest.mark.parametrize("typed", ["application/octet-stream", "application/octet-stream; visitor=eyJ9.00"])
async def test_what_its_headers_show_to_be_nobodys_is_refused_before_its_body_is_read(typed: str) -> None:
    proof = f"t={int(datetime.now(UTC).timestamp())},v1={'0' * 64}"
    headers = {"content-type": typed, "x-screenpop-signature": proof, "content-length": "26000000"}
    assert await House().post("a", unread(), headers) == 403


async def test_a_proof_that_is_old_or_none_is_refused_before_the_body_is_read() -> None:
    token, _ = issue_token(anonymous("a", 1_800_000_000), account())
    for proof in (f"t=1500000000,v1={'0' * 64}", "none"):
        headers = {"content-type": f"text/plain; visitor={token}", "x-screenpop-signature": proof}
        assert await House().post("a", unread(), headers) == 403


async def test_no_more_bytes_of_files_are_held_than_is_set_until_they_are_recorded() -> None:
    house = House()
    house.let.clear()
    first = asyncio.create_task(house.upload("a", bytes(HELD - 100)))
    await house.begun.acquire()
    assert await house.upload("b", bytes(200)) == 503
    second = asyncio.create_task(house.upload("c", bytes(100)))
    await house.begun.acquire()
    house.let.set()
    assert list(await asyncio.gather(first, second)) == [200, 200]
    assert await house.upload("b", bytes(HELD)) == 200


async def test_a_visitor_has_one_file_under_way_and_others_have_theirs() -> None:
    house, end = House(), asyncio.Event()
    first = asyncio.create_task(house.upload("a", bytes(100), open_end=end))
    await house.begun.acquire()
    assert await house.upload("a", bytes(10)) == 429
    assert await house.upload("b", bytes(10)) == 200
    said = json.dumps({"type": "message", "account": ACCOUNT, "id": str(uuid4()), "text": "Hello"}).encode()
    assert await house.upload("a", said, step="") == 200
    end.set()
    assert await first == 200
    assert await house.upload("a", bytes(10)) == 200


async def test_what_is_no_file_is_small() -> None:
    assert await House().upload("a", bytes(MOST_JSON + 1), step="") == 413


async def test_only_what_was_said_wakes_the_visitors_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    woken: list[str] = []
    monkeypatch.setattr(house.chat.streams, "wake", lambda _account, visitor: woken.append(visitor))
    events: list[dict[str, str]] = [
        *({"type": "typing"}, {"type": "read", "until": "2026-01-01T00:00:00Z"}),
        {"type": "message", "text": "Hello"},
    ]
    for event in events:
        said = json.dumps({"account": ACCOUNT, "id": str(uuid4()), **event}).encode()
        assert await house.upload(event["type"], said, step="") == 200
    assert woken == ["anon:message"]


async def test_a_large_body_is_verified_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    where: list[bool] = []
    house.chat._under_way = FilesUnderWay()
    verify = ScreenpopChat.verify

    def noted(self: ScreenpopChat, request: WebhookRequest, config: AccountConfig) -> None:
        where.append(threading.current_thread() is threading.main_thread())
        verify(self, request, config)

    monkeypatch.setattr(ScreenpopChat, "verify", noted)
    assert await house.upload("a", bytes(intakes.LARGE + 1)) == 200
    assert await house.upload("a", bytes(100)) == 200
    assert where == [False, True]


class Slow(Recorder):
    """Records as long as it is held up; what it was given."""

    def __init__(self, limit: int = 100) -> None:
        super().__init__(cast("Pool", None), lambda _moved: None, lambda _contacts: None, limit)
        self.begun: list[Delivery] = []
        self.go_on = asyncio.Event()

    async def _settle_apart(self, delivery: Delivery) -> None:
        self.begun.append(delivery)
        await self.go_on.wait()


def with_file(channel: Any) -> Delivery:
    handle, file = HandleRef("social", "anon:1", "chat:x"), InboundFile("a", "image/png", b"x")
    return Delivery("x", channel, InboundMessage(str(uuid4()), handle, "", files=(file,)), "file", "", None, b"x")


async def test_visitors_files_wait_for_one_another_and_hold_up_nothing_else() -> None:
    recorder = Slow()
    files = [asyncio.create_task(recorder.submit(with_file("chat"))) for _ in range(20)]
    await asyncio.sleep(0)
    mails = [asyncio.create_task(recorder.submit(with_file("email"))) for _ in range(APART)]
    for _ in range(5):
        await asyncio.sleep(0)
    begun: list[str] = [delivery.channel for delivery in recorder.begun]
    assert (begun.count("chat"), begun.count("email")) == (VISITORS_FILES, APART)
    recorder.go_on.set()
    await asyncio.gather(*files, *mails)
    assert len(recorder.begun) == 20 + APART


async def test_a_file_whose_webhook_gave_up_before_its_turn_is_held_no_more() -> None:
    recorder = Slow(VISITORS_FILES + 1)
    tasks = [asyncio.create_task(recorder.submit(with_file("chat"))) for _ in range(VISITORS_FILES + 1)]
    for _ in range(5):
        await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await recorder.submit(with_file("chat"))
    tasks[-1].cancel()
    await asyncio.wait(tasks[-1:])
    tasks.append(asyncio.create_task(recorder.submit(with_file("chat"))))
    recorder.go_on.set()
    await asyncio.gather(*tasks[:-2], tasks[-1])
    assert len(recorder.begun) == VISITORS_FILES + 1

"""Files as answers: however many read however slowly, each of them holds a piece."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from starlette.responses import Response
from starlette.types import Message

from adapters.base import AccountConfig
from gateway import public_files
from gateway.accounts import Accounts
from gateway.downloads import Download, serve_download
from gateway.public_files import PublicFiles, token_of
from profiles.stored import DESCRIBED
from store.files import PIECE, files_in
from store.ids import new_id
from store.pool import Pool
from tests.adapters.chat.screenpop_requests import SECRET, account

PNG = b"\x89PNG\r\n\x1a\n"
MOST_HELD = 1024 * 1024


class Reader:
    """Who asks for a file, and reads no more than the first bytes until they are let."""

    def __init__(self) -> None:
        self.begun, self.let = asyncio.Event(), asyncio.Event()
        self.headers: dict[bytes, bytes] = {}
        self.body: list[bytes] = []

    async def read(self, answer: Response) -> None:
        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.headers = dict(message["headers"])
                return
            self.body.append(message["body"])
            self.begun.set()
            await self.let.wait()

        await answer({"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}, receive, send)


@pytest.mark.parametrize("size", [1, PIECE, PIECE + 1, 3 * PIECE + 7])
async def test_who_reads_slowly_holds_a_piece_and_gets_it_all(tmp_path: Path, size: int) -> None:
    data = (PNG + bytes(range(256)) * (size // 256 + 1))[:size]
    files = files_in(tmp_path)
    path = await files.put(data)
    for download in (Download("a.png", "image/png", None, path), Download("a.png", "image/png", data)):
        reader = Reader()
        reading = asyncio.create_task(reader.read(await serve_download(download, files)))
        await reader.begun.wait()
        assert len(reader.body[0]) <= PIECE <= MOST_HELD
        reader.let.set()
        await reading
        assert b"".join(reader.body) == data
        assert reader.headers[b"content-length"] == str(size).encode()
        assert reader.headers[b"content-type"] == (b"image/png" if size > 8 else b"application/octet-stream")


async def test_what_is_gone_is_404(tmp_path: Path) -> None:
    answer = await serve_download(Download("a", "image/png", None, "ab/cd"), files_in(tmp_path))
    assert answer.status_code == 404
    assert (await serve_download(Download("a", "image/png", None), None)).status_code == 404


class Rows:
    """An attachment that is not in the store yet, and how often its bytes were read."""

    def __init__(self, id_: UUID, data: bytes) -> None:
        self._id, self._data = id_, data
        self.reads = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Rows]:
        yield self

    async def fetchrow(self, query: str, _id: UUID) -> tuple[Any, ...]:
        self.reads += query != DESCRIBED
        data = None if query == DESCRIBED else self._data
        return (self._id, None, "x", None, "a.png", "image/png", "stored", None, data, None, len(self._data))

    async def get(self, _account: str) -> AccountConfig:
        return account()


async def test_what_is_not_in_the_store_yet_is_served_as_far_as_it_may_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_files, "MOST_UNSTORED", 5 * PIECE)
    id_ = new_id()
    rows = Rows(id_, PNG + bytes(2 * PIECE))
    public = PublicFiles(cast("Pool", rows), cast("Accounts", rows), files_in(tmp_path))
    token, forged = (token_of(id_, secret, int(time.time()) + 60) for secret in (SECRET, "another one"))
    assert (await public.serve(forged)).status_code == 404
    assert rows.reads == 0
    readers = [Reader(), Reader()]
    reading = [asyncio.create_task(reader.read(await public.serve(token))) for reader in readers]
    for reader in readers:
        await reader.begun.wait()
    refused = await public.serve(token)
    assert (refused.status_code, refused.headers["retry-after"], rows.reads) == (503, "2", 2)
    for reader in readers:
        reader.let.set()
    await asyncio.gather(*reading)
    answer, reader = await public.serve(token), Reader()
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    reader.let.set()
    await reader.read(answer)
    assert (answer.status_code, reader.headers[b"cross-origin-resource-policy"]) == (200, b"cross-origin")

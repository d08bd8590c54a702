"""Where files lie: a folder of this machine, or a bucket of an S3-compatible service. Names are ours, and random.

Several machines share files by a bucket, or a folder that all of them mount.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

PIECE: Final = 128 * 1024
"""Bytes of a file had at once by who wants it in pieces."""


class Bucket(Struct, frozen=True):
    """An S3-compatible bucket, and how it is reached."""

    name: str
    region: str
    endpoint: str | None
    access_key_id: str | None
    secret_access_key: str | None

    def __repr__(self) -> str:
        return f"Bucket({self.name!r}, {self.endpoint or 'AWS'})"


class Gone(LookupError):
    """There is no such file any more."""


class Files(Protocol):
    """A place for files."""

    async def put(self, data: bytes) -> str:
        """Keep bytes; returns the path by which they are had again."""

    async def get(self, path: str) -> bytes:
        """The bytes at a path. Raises Gone."""

    async def open(self, path: str) -> tuple[int, AsyncIterator[bytes]]:
        """How many bytes there are, and they in pieces, each had when it is asked for. Either raises Gone."""

    async def delete(self, path: str) -> None:
        """Delete them; what is gone already is no failure."""


class StoredFiles:
    """Files in an object store."""

    def __init__(self, open_store: Callable[[], ObjectStore]) -> None:
        self._open_store = open_store

    @cached_property
    def _store(self) -> ObjectStore:
        return self._open_store()

    async def put(self, data: bytes) -> str:
        """Keep bytes; returns the path by which they are had again."""
        name = secrets.token_hex(20)
        path = f"{name[:2]}/{name[2:]}"
        await self._store.put_async(path, data)
        return path

    async def get(self, path: str) -> bytes:
        """The bytes at a path. Raises Gone."""
        try:
            found = await self._store.get_async(path)
            return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            raise Gone(path) from None

    async def open(self, path: str) -> tuple[int, AsyncIterator[bytes]]:
        """How many bytes there are, and they in pieces. Between two nothing is open: who reads may be slow."""
        try:
            size = (await self._store.head_async(path))["size"]
        except (NotFoundError, FileNotFoundError):
            raise Gone(path) from None
        return size, self._pieces(path, size)

    async def _pieces(self, path: str, size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, PIECE):
            try:
                piece = bytes(await self._store.get_range_async(path, start=start, end=min(size, start + PIECE)))
            except (NotFoundError, FileNotFoundError):
                raise Gone(path) from None
            yield piece

    async def delete(self, path: str) -> None:
        """Delete them; what is gone already is no failure."""
        try:
            await self._store.delete_async(path)
        except (NotFoundError, FileNotFoundError):
            return


def files_in(folder: Path) -> StoredFiles:
    """Files in a folder, which is made when the first is kept and which only this user may enter."""

    def open_store() -> ObjectStore:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(folder.absolute())

    return StoredFiles(open_store)


def files_at(bucket: Bucket) -> StoredFiles:
    """Files in a bucket. An endpoint without TLS is taken: it is the operator's own network."""
    options: dict[str, object] = {"region": bucket.region}
    if bucket.endpoint:
        options["endpoint"] = bucket.endpoint
    if bucket.access_key_id and bucket.secret_access_key:
        options["access_key_id"] = bucket.access_key_id
        options["secret_access_key"] = bucket.secret_access_key
    plain = bool(bucket.endpoint and bucket.endpoint.startswith("http://"))

    def open_store() -> ObjectStore:
        return S3Store(bucket.name, client_options={"allow_http": plain}, **options)  # type: ignore[arg-type]

    return StoredFiles(open_store)

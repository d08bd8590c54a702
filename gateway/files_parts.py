"""What a process needs for files: the store, the client that fetches them, the worker, and the public links."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from adapters.media import FetchesMedia, MediaClient, MediaOutcome, MediaRefused, fetch_link
from adapters.registry import UnknownProvider, adapter_for
from gateway.accounts import Accounts
from gateway.files_worker import FilesWorker
from gateway.public_files import PublicFiles
from gateway.settings import Settings
from model.timeline import Media
from store.feeds import Announce
from store.files import Files, files_at, files_in
from store.pool import Pool


@dataclass
class FileParts:
    """The files of one process."""

    files: Files
    client: MediaClient
    worker: FilesWorker
    public: PublicFiles


def make_files(settings: Settings, pool: Pool, announce: Announce, accounts: Accounts) -> FileParts:
    """Files as the settings say: in a bucket, or beside the database."""
    files: Files = files_at(settings.bucket) if settings.bucket else files_in(settings.data_dir / "attachments")
    client = MediaClient(settings.private_media_hosts)
    worker = FilesWorker(pool, announce, files, partial(_fetch, accounts, client))
    return FileParts(files, client, worker, PublicFiles(pool, accounts, files))


async def _fetch(accounts: Accounts, client: MediaClient, account_id: str, media: Media) -> MediaOutcome:
    account = await accounts.get(account_id)
    if account is None:
        return MediaRefused("The account of this message is not configured any more.")
    try:
        adapter = adapter_for(account.provider, account.channel)
    except UnknownProvider:
        return MediaRefused("The account's provider is not installed here.")
    if isinstance(adapter, FetchesMedia):
        return await adapter.fetch_media(account, media, client)
    return await fetch_link(account, media, client)

"""Files that a provider names by an id: their address is made of it, or asked for by it, and is for us alone."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import ClassVar
from urllib.parse import urlsplit

from adapters.base import AccountConfig
from adapters.json_api import ANSWER, JsonApi, filled
from adapters.json_body import readable
from adapters.media import Credentials, MediaBusy, MediaClient, MediaFile, MediaOutcome, MediaRefused
from model.timeline import Media

_MOST_TOLD = 64 * 1024
_ID = re.compile(r"[A-Za-z0-9_-]{1,300}")


async def ask_address(
    client: MediaClient, url: str, form: str, title: str, credentials: Credentials | None = None
) -> str | MediaOutcome:
    """What is told of a file at this address, in a form with the fields of the answer (`json_api`)."""
    told = await client.get(url, credentials=credentials, most_bytes=_MOST_TOLD)
    if not isinstance(told, MediaFile):
        return told
    address, fields = filled(form, readable(ANSWER, told.data))
    return address if all(fields) else MediaBusy(f"{title} does not tell where the file is.")


class FilesById(JsonApi):
    """One whose files are named by ids. What stands elsewhere is a plain link."""

    mark: ClassVar[str]
    """Before the id of a file in its medium's address."""

    @abstractmethod
    async def file_address(self, account: AccountConfig, id_: str, client: MediaClient) -> str | MediaOutcome:
        """Where the file is, at a host of the provider's own, or why that is not known. What is told is not trusted."""

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """Fetch one file of a message. The account's credentials are for the host that hands it out."""
        if not media.url.startswith(self.mark):
            return await client.get(media.url)
        id_ = media.url.removeprefix(self.mark)
        if not _ID.fullmatch(id_):
            return MediaRefused(f"The file has no id by which {self.title} would hand it out.")
        url = await self.file_address(account, id_, client)
        if not isinstance(url, str):
            return url
        if not self.header:
            return await client.get(url)
        proof = Credentials(self.authorization(account, "GET", url), frozenset((urlsplit(url).netloc.lower(),)))
        return await client.get(url, credentials=proof)

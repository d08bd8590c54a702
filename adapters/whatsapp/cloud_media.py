"""A file of a customer's: the Graph API tells its address for five minutes, and hands it out to the access token only.

https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media, "Retrieve media
URL" and "Download media". The token goes to the API and to Meta's own file host and to nobody else, whatever address is
told.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from adapters.base import AccountConfig, ParseError
from adapters.files_by_id import ask_address
from adapters.media import Credentials, MediaBusy, MediaClient, MediaOutcome, MediaRefused
from adapters.meta_account import graph_base
from adapters.meta_graph import proof
from adapters.whatsapp.cloud_content import media_url
from model.timeline import Media

FILE_HOST: Final = "lookaside.fbsbx.com"


async def fetch_medium(account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
    """Fetch one file, once. Raises only on cancellation."""
    if not account.settings.get("access_token") or not any(account.secrets[:1]):
        return MediaBusy("The file cannot be fetched: set the account's settings.access_token and a first secret.")
    try:
        # By the id alone: the file outlives the version and address of the API that its message came with.
        url = media_url(media.url.rpartition("/")[2], account)
    except ParseError:
        return MediaRefused("The file has no id by which WhatsApp would hand it out.")
    credentials = Credentials(
        f"Bearer {account.settings['access_token']}",
        frozenset((urlsplit(graph_base(account)).netloc.lower(), FILE_HOST)),
    )
    told = f"{url}?appsecret_proof={proof(account)}"
    address = await ask_address(client, told, "{url}", "WhatsApp", credentials)
    return await client.get(address, credentials=credentials) if isinstance(address, str) else address

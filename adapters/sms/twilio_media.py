"""Twilio's media: pictures of incoming messages, and what may go out as MMS.

An account may protect its media by HTTP basic authentication; then the address answers with a redirect to storage that
takes none (https://www.twilio.com/docs/messaging/api/media-resource#fetch-a-media-resource).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from adapters.base import AccountConfig
from adapters.media import Credentials, MediaClient, MediaOutcome, MediaRefused
from adapters.proof import basic
from model.timeline import Media

HOST: Final = "api.twilio.com"
STORAGE: Final = (".twiliocdn.com", "s3-external-1.amazonaws.com", "s3.amazonaws.com")
MMS_TYPES: Final = (
    *("image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff"),
    *("audio/basic", "audio/L24", "audio/mp4", "audio/mpeg", "audio/ogg", "audio/vnd.wave", "audio/webm", "audio/amr"),
    *("video/mpeg", "video/mp4", "video/quicktime", "video/webm", "video/3gpp", "video/3gpp2", "video/H264"),
    *("text/vcard", "text/x-vcard", "text/csv", "text/rtf", "text/calendar", "application/pdf", "application/vcard"),
)


async def fetch_media(account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
    """Fetch one; our credentials go to Twilio alone, or to where `api_base` says Twilio is."""
    if not media.url:
        return MediaRefused("Twilio gave no address for the file.")
    base = account.settings.get("api_base")
    hosts = {HOST} | ({urlsplit(base).netloc.lower()} if base else set())
    proof = basic(account.settings.get("account_sid", ""), account.secrets[0] if account.secrets else "")
    return await client.get(media.url, credentials=Credentials(proof, frozenset(hosts)), redirects_to=STORAGE)

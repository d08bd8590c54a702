"""Files of customers: asked for in two steps, and the token shown to Meta alone (T11, T12)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from adapters.base import AccountConfig
from adapters.media import MediaBusy, MediaClient, MediaFile, MediaOutcome, MediaRefused
from adapters.whatsapp.cloud import WhatsAppCloud
from model.inbound import InboundMessage
from model.timeline import Media
from tests.adapters.meta_world import ACCOUNTS, MetaWorld

PICTURE = b"\x89PNG a mug"


@pytest.fixture
async def client(meta: MetaWorld) -> AsyncIterator[MediaClient]:
    running = MediaClient([urlsplit(meta.url).netloc])
    yield running
    await running.aclose()


async def fetched(account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
    return await WhatsAppCloud().fetch_media(account, media, client)


async def test_a_picture_of_a_customer_is_fetched_with_the_token(meta: MetaWorld, client: MediaClient) -> None:
    wish = {"content_type": "image/png", "data": base64.b64encode(PICTURE).decode()}
    await meta.customer("whatsapp", body="See", media=[wish])
    message = await meta.next()
    assert isinstance(message, InboundMessage)
    (media,) = message.media
    outcome = await fetched(meta.accounts["whatsapp"], media, client)
    assert outcome == MediaFile(PICTURE, "image/png")


async def test_the_api_may_have_moved_since(meta: MetaWorld, client: MediaClient) -> None:
    uploaded = await meta.control("media", content_type="image/png", data=base64.b64encode(PICTURE).decode())
    media = Media(f"https://graph.facebook.com/v1.0/{uploaded['id']}", "image/png")
    assert isinstance(await fetched(meta.accounts["whatsapp"], media, client), MediaFile)


async def test_a_wrong_token_or_an_unknown_file_is_refused(meta: MetaWorld, client: MediaClient) -> None:
    account = meta.accounts["whatsapp"]
    wrong = replace(account, settings={**account.settings, "access_token": "another"})
    for ours, identity in ((wrong, "17"), (account, "17")):
        assert isinstance(await fetched(ours, Media(f"{meta.url}/v23.0/{identity}", "image/png"), client), MediaRefused)


async def test_an_account_without_token_is_asked_again_later(meta: MetaWorld, client: MediaClient) -> None:
    bare = replace(meta.accounts["whatsapp"], settings={})
    assert isinstance(await fetched(bare, Media("https://graph.facebook.com/v23.0/17", "image/png"), client), MediaBusy)


@pytest.mark.parametrize("url", ["https://graph.facebook.com/v23.0/", "x/..", "https://evil.example/a?b=c"])
async def test_what_is_no_id_is_never_asked_for(url: str) -> None:
    client = MediaClient(resolve=_nothing_is_asked)
    assert isinstance(await fetched(ACCOUNTS["whatsapp"], Media(url, "image/png"), client), MediaRefused)
    await client.aclose()


async def _nothing_is_asked(host: str, port: int) -> list[str]:
    raise AssertionError(f"{host}:{port} was asked")


class Asked(MediaClient):
    """Answers the first question with an address, and keeps who would be shown the token."""

    def __init__(self, told: str) -> None:
        super().__init__()
        self.told, self.shown = told, dict[str, frozenset[str]]()

    async def get(self, url: str, **options: object) -> MediaOutcome:
        credentials = options.get("credentials")
        self.shown[url] = getattr(credentials, "hosts", frozenset())
        return MediaFile(f'{{"url": "{self.told}"}}'.encode(), "application/json")


@pytest.mark.parametrize("told", ["https://evil.example/a", "https://graph.facebook.com.evil.example/a"])
async def test_the_token_is_for_meta_whatever_address_is_told(told: str) -> None:
    client = Asked(told)
    await fetched(ACCOUNTS["whatsapp"], Media("https://graph.facebook.com/v23.0/17", "image/png"), client)
    assert client.shown[told] == {"graph.facebook.com", "lookaside.fbsbx.com"}
    await client.aclose()

"""WhatsApp, Messenger and Instagram through real processes: Meta outside, the gateway, its sender, its database."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.auth import issue_token
from model.agent import Actor
from model.content import Sticker, VoiceNote
from model.timeline import Entry
from model.wire import Reply
from profiles.reply import reply as write
from store.feeds import transaction
from store.ids import new_id
from store.pool import open_pool
from tests.flow.gateway_process import ROOT, Gateway, found_company, free_port, running
from tests.flow.screen_world import SUBPROTOCOL, Screen

CHANNELS = ("whatsapp", "messenger", "instagram")
PEOPLE = {"whatsapp": "+14155550123", "messenger": "6254100000000001", "instagram": "1780000000000001"}
SECRET = "0123456789abcdef0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
ADD_ACCOUNT = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ($1, $2, 'meta', $3, array[$4], 'US', $5, $6::jsonb, 'general')
"""


class Place:
    """A gateway with an account on each channel, Meta outside, and an admin who looks."""

    def __init__(self, gateway: Gateway, meta_url: str, database_url: str, token: str, admin: UUID) -> None:
        self.gateway, self.meta_url, self.database_url = gateway, meta_url, database_url
        self.admin = admin
        self.http = httpx2.AsyncClient(trust_env=False, timeout=30, headers={"Authorization": f"Bearer {token}"})

    async def customer(self, channel: str, **wish: Any) -> Any:
        """The customer of a channel does something; the webhook must be taken."""
        told = {"account": f"{channel}-main", "from": PEOPLE[channel], "name": "Maya", **wish}
        answer = await self.http.post(f"{self.meta_url}/control/inbound", json=told)
        assert answer.status_code == 200, answer.text
        assert answer.json().get("status", 200) == 200, answer.text
        return answer.json()

    async def timeline(self) -> list[Entry]:
        """Of the only customer."""
        items = (await self.http.get(f"{self.gateway.url}/v1/customers")).json()["items"]
        if not items:
            return []
        (customer,) = items
        answer = await self.http.get(f"{self.gateway.url}/v1/customers/{customer['id']}/timeline")
        return [msgspec.convert(item, Entry) for item in answer.json()["items"]]

    async def until(self, is_so: Callable[[list[Entry]], bool]) -> list[Entry]:
        """The timeline once it is so."""
        return await until(self.timeline, is_so)

    async def execute(self, sql: str) -> None:
        """Make it so in the database."""
        connection = await asyncpg.connect(self.database_url)
        await connection.execute(sql)
        await connection.close()

    async def reply(self, body: str, in_reply_to: UUID | None = None) -> UUID:
        """An agent's reply, by the floors below: a screen is not what this is about."""
        pool = await open_pool(self.database_url)
        try:
            async with pool.acquire() as connection:
                talk = await connection.fetchval("select id from conversation")
            async with transaction(pool, lambda _moved: None) as tx:
                frame = Reply(talk, body, new_id(), in_reply_to=in_reply_to)
                assert await write(tx, Actor(self.admin, "admin", "admin"), frame) == frame.id
                return frame.id
        finally:
            await pool.close()


async def until(look: Callable[[], Awaitable[list[Entry]]], is_so: Callable[[list[Entry]], bool]) -> list[Entry]:
    """What is found, once it is so."""
    async with asyncio.timeout(30):
        while True:
            found = await look()
            if is_so(found):
                return found
            await asyncio.sleep(0.1)


def addresses(hooks: str, meta_url: str) -> list[dict[str, Any]]:
    """An account on each channel, as the world outside lists them."""
    made = []
    for number, channel in enumerate(CHANNELS, 1):
        identity = f"10000000000000{number}"
        settings = {"access_token": f"token-{channel}", "verify_token": "verify", "api_base": meta_url}
        if channel == "whatsapp":
            settings["phone_number_id"] = identity
        address = "+15005550008" if channel == "whatsapp" else identity
        one = {"id": f"{channel}-main", "channel": channel, "provider": "meta", "address": address, "secret": SECRET}
        made.append({**one, "public_url": f"{hooks}/{channel}-main", "settings": settings})
    return made


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    await found_company(database_url)
    port = free_port()
    meta_url, hosts = f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"
    environment = {"SCREENPOP_DATA_DIR": str(tmp_path / "data"), "SCREENPOP_PRIVATE_MEDIA_HOSTS": hosts}
    with running(database_url, tmp_path / "log", **environment) as gateway:
        accounts = addresses(f"{gateway.url}/hooks", meta_url)
        admin, token = await _found(database_url, accounts)
        outside = await asyncio.to_thread(_outside, tmp_path, accounts, port)
        await gateway.up()
        await asyncio.sleep(2.1)  # accounts are read anew
        place = Place(gateway, meta_url, database_url, token, admin)
        yield place
        await place.http.aclose()
        outside.terminate()
        await asyncio.to_thread(outside.communicate)


async def _found(database_url: str, accounts: list[dict[str, Any]]) -> tuple[UUID, str]:
    """The accounts, and an admin with a token."""
    connection = await asyncpg.connect(database_url)
    for one in accounts:
        named = (one["id"], one["channel"], one["address"], SECRET, one["public_url"], json.dumps(one["settings"]))
        await connection.execute(ADD_ACCOUNT, *named)
    admin = new_id()
    await connection.execute("insert into agent (id, name, role) values ($1, 'Ada', 'admin')", admin)
    await connection.execute("insert into agent_state (agent_id) values ($1)", admin)
    token = await issue_token(connection, admin, "test", None)
    await connection.close()
    return admin, token


def _outside(folder: Path, accounts: list[dict[str, Any]], port: int) -> subprocess.Popen[str]:
    listed = folder / "accounts.json"
    listed.write_text(json.dumps(accounts), encoding="utf-8")
    command = [sys.executable, "-m", "gateway.demo.outside", "--port", str(port), "--accounts", str(listed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    assert process.stdout.readline()
    return process


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_talk_from_the_challenge_to_the_read_answer(channel: str, place: Place) -> None:
    assert (await place.customer(channel, kind="verify"))["body"] == "1158201444"
    refused = await place.http.post(
        f"{place.meta_url}/control/inbound", json={"account": f"{channel}-main", "kind": "verify", "token": "wrong"}
    )
    assert refused.json()["status"] == 403

    first = await place.customer(channel, body="Is the blue one still there?")
    await place.customer(channel, body="Is the blue one still there?", id=first["id"])  # again, as Meta does
    (question,) = await place.until(bool)
    assert (question.channel, question.direction, question.body) == (channel, "in", "Is the blue one still there?")

    answer = await place.reply("Yes, it is.", question.id)
    *_, sent = await place.until(lambda entries: entries[-1].status == "read")
    assert (sent.id, sent.direction, sent.body) == (answer, "out", "Yes, it is.")
    line = (await place.http.get(f"{place.meta_url}/control/sent")).json()["items"][0]
    assert (line["body"], line["in_reply_to"]) == ("Yes, it is.", first["id"])

    await place.customer(channel, kind="reaction", target=line["id"], emoji="🎉")
    entries = await place.until(lambda entries: bool(entries[-1].reactions))
    assert [each.emoji for each in entries[-1].reactions] == ["🎉"]
    await place.customer(channel, kind="reaction", target=line["id"])
    await place.until(lambda entries: not entries[-1].reactions)

    await place.customer(channel, kind="edit", target=first["id"], body="Is the red one still there?")
    entries = await place.until(lambda entries: entries[0].edited_at is not None)
    assert entries[0].body == "Is the red one still there?"
    await place.customer(channel, kind="unsend", target=first["id"])
    await place.until(lambda entries: entries[0].unsent_at is not None)

    await place.customer(channel, kind="echo", body="Typed on a phone of ours.")
    *_, echo = await place.until(lambda entries: len(entries) == 3)
    assert (echo.direction, echo.body, echo.author) == ("out", "Typed on a phone of ours.", None)
    raw = await place.http.get(f"{place.gateway.url}/v1/entries/{echo.id}/raw")
    assert (raw.status_code, b"Typed on a phone of ours." in raw.content) == (200, True)


async def test_a_reply_is_not_tried_again_after_its_window(place: Place) -> None:
    await place.customer("whatsapp", body="Hello?")
    await place.until(bool)
    answer = await place.reply("Yes?")
    await place.until(lambda entries: entries[-1].status == "read")
    url, token = place.gateway.url.replace("http", "ws") + "/v1/screen", place.http.headers["Authorization"]
    offered, headers = [Subprotocol(SUBPROTOCOL)], {"Authorization": token}
    async with connect(url, subprotocols=offered, additional_headers=headers, compression=None) as socket:
        screen = Screen(socket)
        await screen.hello()
        await place.execute("update outbox set state = 'failed'")
        await place.execute("update reply_window set closes_at = now()")
        await screen.send(type="retry", entry=str(answer), ref="late")
        error = await screen.next("error")
        assert (error["code"], error["field"], error["ref"]) == ("window_closed", "entry", "late")
        assert len((await place.http.get(f"{place.meta_url}/control/sent")).json()["items"]) == 1
        await place.customer("whatsapp", body="Still there?")  # and the window is open again
        await place.until(lambda entries: len(entries) == 3)
        await screen.send(type="retry", entry=str(answer), ref="now")
        await place.until(lambda entries: entries[1].status == "read")
    assert len((await place.http.get(f"{place.meta_url}/control/sent")).json()["items"]) == 2


async def test_files_of_a_customer_are_fetched_and_a_user_without_number_is_answered(place: Place) -> None:
    user = "US.13579246801357924680"
    file = {"content_type": "image/png", "data": base64.b64encode(PNG).decode()}
    await place.customer("whatsapp", **{"from": user}, body="See", media=[file])
    entries = await place.until(lambda entries: bool(entries) and entries[0].media[0].state == "stored")
    assert (entries[0].body, entries[0].media[0].size) == ("See", len(PNG))
    for kind, content in (("voice", VoiceNote()), ("sticker", Sticker())):
        await place.customer("whatsapp", **{"from": user}, kind=kind, media=[file])
        entries = await place.until(lambda entries, content=content: content in entries[-1].content)  # type: ignore[misc]
    await place.reply("Thank you!")
    *_, sent = await place.until(lambda entries: entries[-1].status == "read")
    line = (await place.http.get(f"{place.meta_url}/control/sent")).json()["items"][0]
    assert (line["to"], sent.body) == (user, "Thank you!")


async def test_a_changed_number_stays_the_same_customer(place: Place) -> None:
    await place.customer("whatsapp", body="Hello")
    await place.until(bool)
    await place.customer("whatsapp", kind="number_changed", new="+14155550177")
    await place.customer("whatsapp", **{"from": "+14155550177"}, body="Me, with a new number")
    entries = await place.until(lambda entries: entries[-1].body == "Me, with a new number")
    assert entries[0].body == "Hello"

"""Files by a real process: fetched from where messages name them, uploaded for a reply, served so that nothing runs."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs
from uuid import UUID

import httpx2
import msgspec
import pytest

from gateway.auth import issue_token
from model.agent import Actor
from model.timeline import Entry
from model.wire import Reply
from profiles.reply import reply as write
from store.feeds import transaction
from store.ids import new_id
from store.pool import open_pool
from tests.conftest import execute
from tests.flow.gateway_process import ACCOUNT_SID, SECRET, Gateway, Twilio, found_company, running, twilio_of

PHONE = "+14155550123"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SCRIPT = b"<script>alert(1)</script>"


class Provider:
    """Twilio's API and media, as far as files need them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.files: dict[str, list[tuple[int, bytes]]] = {}
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = head[0].split(" ")[1]
        self.asked.append((path, headers, body))
        status, answer, kind = 404, b"", "image/png"
        if path.endswith("Messages.json"):
            sid = f"SM{len(self.asked)}"
            status, answer, kind = 201, msgspec.json.encode({"sid": sid, "status": "queued"}), "application/json"
        elif path in self.files:
            given = self.files[path]
            status, answer = given.pop(0) if len(given) > 1 else given[0]
        head_out = (
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(answer)}\r\ncontent-type: {kind}\r\nconnection: close\r\n"
        )
        writer.write(head_out.encode() + b"\r\n" + answer)
        await writer.drain()
        writer.close()

    async def sent(self) -> list[bytes]:
        """The messages it was given to send."""
        return [body for path, _, body in self.asked if path.endswith("Messages.json")]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    listening = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = listening.sockets[0].getsockname()[1]
    yield provider
    listening.close()


class Place:
    """A process, who texts it, and REST by tokens."""

    def __init__(self, twilio: Twilio, gateway: Gateway, tokens: dict[str, str], database_url: str) -> None:
        self.database_url = database_url
        self.twilio = twilio
        self.gateway = gateway
        self.tokens = tokens

    async def ask(self, path: str, who: str = "admin", method: str = "GET", **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} | more.pop("headers", {})
        url = path if path.startswith("http") else f"{self.gateway.url}{path}"
        return await self.twilio.client.request(method, url, headers=headers, **more)

    async def entry(self) -> Entry:
        """The newest entry of the only customer."""
        customer = await self.twilio.value("select id from customer")
        answer = await self.ask(f"/v1/customers/{customer}/timeline")
        return msgspec.convert(answer.json()["items"][-1], Entry)

    async def settled(self) -> Entry:
        """The same once its files are no longer pending."""
        return await until(self.entry, lambda entry: all(medium.state != "pending" for medium in entry.media))


Found = TypeVar("Found")


async def until(look: Callable[[], Awaitable[Found]], is_so: Callable[[Found], bool]) -> Found:
    """What is found, once it is so."""
    async with asyncio.timeout(30):
        while True:
            found = await look()
            if is_so(found):
                return found
            await asyncio.sleep(0.1)


@pytest.fixture
async def place(database_url: str, tmp_path: Path, provider: Provider) -> AsyncIterator[Place]:
    await found_company(database_url)
    hosts = f"127.0.0.1:{provider.port}"
    await execute(
        database_url, f"update account set settings = settings || jsonb_build_object('api_base', 'http://{hosts}')"
    )
    folder = tmp_path / "data"
    environment = {"SCREENPOP_DATA_DIR": str(folder), "SCREENPOP_PRIVATE_MEDIA_HOSTS": hosts}
    with running(database_url, tmp_path / "log", **environment) as gateway:
        await gateway.up()
        async with twilio_of(database_url, gateway.url) as twilio:
            tokens = {}
            for name, role in (("admin", "admin"), ("ines", "agent"), ("eve", "agent")):
                agent = new_id()
                await twilio.pool.execute("insert into agent (id, name, role) values ($1, $2, $3)", agent, name, role)
                await twilio.pool.execute("insert into agent_state (agent_id) values ($1)", agent)
                async with twilio.pool.acquire() as connection:
                    tokens[name] = await issue_token(connection, agent, "test", None)
            yield Place(twilio, gateway, tokens, database_url)


def picture(place: Place, provider: Provider, path: str, kind: str = "image/png", **more: str) -> dict[str, str]:
    """A form of a message with one medium."""
    url = f"http://127.0.0.1:{provider.port}{path}"
    return place.twilio.form(PHONE, "look") | {"NumMedia": "1", "MediaUrl0": url, "MediaContentType0": kind} | more


async def test_what_a_message_names_is_fetched_kept_and_served(place: Place, provider: Provider) -> None:
    provider.files["/Media/1"] = [(500, b""), (200, PNG)]
    assert (await place.twilio.post(picture(place, provider, "/Media/1"))).status_code == 200
    [medium] = (await place.settled()).media
    assert (medium.state, medium.content_type, medium.size) == ("stored", "image/png", len(PNG))
    proof = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{SECRET}".encode()).decode()
    assert [headers["authorization"] for _, headers, _ in provider.asked] == [proof, proof]
    answer = await place.ask(f"/v1/attachments/{medium.id}", "ines")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    bodies = await place.twilio.pool.fetch("select body from event where kind = 1 order by seq")
    assert any('"entry_changed"' in row["body"] and '"stored"' in row["body"] for row in bodies)
    assert (await place.twilio.client.get(f"{place.gateway.url}/v1/attachments/{medium.id}")).status_code == 401


async def test_what_only_says_it_is_a_picture_is_saved_not_shown(place: Place, provider: Provider) -> None:
    provider.files["/Media/1"] = [(200, SCRIPT)]
    await place.twilio.post(picture(place, provider, "/Media/1"))
    [medium] = (await place.settled()).media
    answer = await place.ask(f"/v1/attachments/{medium.id}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")


async def test_what_is_gone_or_within_our_network_is_refused_and_says_so(place: Place, provider: Provider) -> None:
    await place.twilio.post(picture(place, provider, "/gone"))
    [medium] = (await place.settled()).media
    assert medium.state == "refused"
    assert medium.error is not None
    assert "404" in medium.error
    assert (await place.ask(f"/v1/attachments/{medium.id}")).status_code == 410
    port = place.gateway.url.rpartition(":")[2]
    inside = f"http://127.0.0.1:{port}/metrics"
    await place.twilio.post(picture(place, provider, "/") | {"MediaUrl0": inside, "MessageSid": "SMinside"})
    [medium] = (await place.settled()).media
    assert medium.state == "refused"
    assert "port" in (medium.error or "")


async def test_an_upload_goes_out_by_a_link_that_only_its_signature_opens(place: Place, provider: Provider) -> None:
    await place.twilio.post(place.twilio.form(PHONE, "hello"))
    answer = await place.ask("/v1/attachments?name=..%2Fa%20b.png", method="POST", content=PNG)
    assert answer.status_code == 201, answer.text
    file = answer.json()
    assert (file["name"], file["size"]) == ("_a b.png", len(PNG))
    assert (await place.ask(f"/v1/attachments/{file['id']}", "eve")).status_code == 404
    assert (await place.ask(f"/v1/attachments/{file['id']}")).content == PNG
    await reply(place, [file["id"]])
    sent = await until(provider.sent, bool)
    fields = parse_qs(sent[0].decode())
    assert "Body" not in fields
    [link] = fields["MediaUrl"]
    assert link.startswith("https://sms.example.com/a/")
    path = link.removeprefix("https://sms.example.com")
    got = await place.twilio.client.get(place.gateway.url + path)
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, PNG, "image/png")
    for bad in (path[:-2] + "AA", "/a/", "/a/x", path[:20], path + "A", f"/a/{UUID(int=0)}"):
        assert (await place.twilio.client.get(place.gateway.url + bad)).status_code == 404, bad
    assert (await place.ask(f"/v1/attachments/{file['id']}", "eve")).status_code == 200  # on the timeline now


async def reply(place: Place, attachments: list[str]) -> None:
    """By the floors below: a screen is not what this is about."""
    agent = await place.twilio.value("select id from agent where name = 'admin'")
    talk = await place.twilio.value("select id from conversation")
    pool = await open_pool(place.database_url)
    try:
        async with transaction(pool, lambda _moved: None) as tx:
            frame = Reply(talk, "", new_id(), attachments=tuple(map(UUID, attachments)))
            assert await write(tx, Actor(agent, "admin", "admin"), frame) == frame.id
    finally:
        await pool.close()


async def test_uploads_are_bounded_and_for_people(place: Place) -> None:
    assert (await place.ask("/v1/attachments", method="POST", content=b"")).status_code == 400
    too_large = bytes((25 << 20) + 1)
    assert (await place.ask("/v1/attachments", method="POST", content=too_large)).status_code == 413
    kind = {"content-type": 'text/html; x="'}
    answer = await place.ask("/v1/attachments?name=%E2%80%8B.htaccess", method="POST", content=SCRIPT, headers=kind)
    file = answer.json()
    assert file["name"] == "htaccess"
    answer = await place.ask(f"/v1/attachments/{file['id']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")


async def test_the_raw_event_of_an_entry_is_had_byte_for_byte_and_leaves_a_trace(place: Place) -> None:
    fields = place.twilio.form(PHONE, "hello")
    await place.twilio.post(fields)
    entry = await place.entry()
    answer = await place.ask(f"/v1/entries/{entry.id}/raw", "ines")
    assert answer.content == await place.twilio.value("select body from raw_event")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert await place.twilio.value("select count(*) from audit where action = 'raw.read'") == 1
    assert (await place.ask(f"/v1/entries/{new_id()}/raw")).status_code == 404


async def test_a_dead_letter_is_taken_once_more_exactly_once(place: Place) -> None:
    fields = place.twilio.form(PHONE, "hello")
    strange = fields | {"SmsStatus": "exploded"}
    assert (await place.twilio.post(strange)).status_code == 200
    [letter] = (await place.ask("/v1/dead-letters")).json()["items"]
    path = f"/v1/dead-letters/{letter['id']}/replay"
    assert (await place.ask(path, "ines", "POST")).status_code == 403
    answer = (await place.ask(path, method="POST")).json()
    assert (answer["recorded"], answer["field"]) == (False, "SmsStatus")
    # What the provider meant is understood today.
    await place.twilio.pool.execute(
        "update dead_letter set body = replace(convert_from(body, 'UTF8'), 'exploded', 'received')::bytea"
    )
    answers = await asyncio.gather(*(place.ask(path, method="POST") for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert any(answer.json().get("recorded") for answer in answers)
    assert (await place.entry()).body == "hello"
    rows = await place.twilio.rows()
    assert (rows["entry"], rows["dead_letter"]) == (1, 0)
    assert (await place.ask(path, method="POST")).status_code == 404


async def test_all_dead_letters_of_an_account_are_taken_once_more(place: Place) -> None:
    for n in range(3):
        await place.twilio.post(place.twilio.form(f"+1415555010{n}", "hello") | {"SmsStatus": "exploded"})
    await place.twilio.pool.execute(
        "update dead_letter set body = replace(convert_from(body, 'UTF8'), 'exploded', 'received')::bytea"
        " where id <> (select id from dead_letter order by id limit 1)"
    )
    answer = (await place.ask("/v1/dead-letters/replay?account=sms-main", method="POST")).json()
    assert ([item["recorded"] for item in answer["items"]], answer["more"]) == ([False, True, True], False)
    assert (await place.twilio.rows())["dead_letter"] == 1
    assert (await place.ask("/v1/dead-letters/replay", method="POST")).status_code == 400


async def test_a_challenge_that_is_no_providers_is_403_and_no_row(place: Place) -> None:
    before = await place.twilio.rows()
    answer = await place.twilio.client.get(f"{place.gateway.url}/hooks/sms-main?hub.challenge=1&hub.mode=subscribe")
    assert answer.status_code == 403
    assert await place.twilio.changed(before) == set()


async def test_accounts_say_what_a_reply_may_be(place: Place) -> None:
    [account] = (await place.ask("/v1/accounts")).json()["items"]
    assert (account["limits"]["most_characters"], account["limits"]["most_files"]) == (1600, 10)

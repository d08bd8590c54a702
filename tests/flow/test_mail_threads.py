"""Mail there and back: a reply leaves as a mail, its answer comes home, a bounce fails it; robots get no answer.

T13, T14, T23, T31; INV23.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from store.ids import new_id
from tests.adapters.email.raw_requests import bounce
from tests.flow.gateway_process import SECONDS, Gateway, free_port, running
from tests.flow.mail_world import Inbox, Post, found_mail, mail, post_of
from tests.flow.screen_world import SUBPROTOCOL, Screen


class World:
    """A gateway, an agent with a screen, and the mail server its replies go to."""

    def __init__(self, post: Post, inbox: Inbox, screen: Screen) -> None:
        self.post = post
        self.inbox = inbox
        self.screen = screen

    async def accepted(self, sender: str = "Ana <ana@home.example>", **fields: Any) -> tuple[UUID, UUID]:
        """A proven mail, offered and accepted: its conversation and its entry."""
        row = await self.post.entry(mail(sender, **fields))
        offer = (await self.screen.offer())["offer"]
        await self.screen.send(type="accept", offer=offer, ref="a")
        await self.screen.next("profile")
        return row["conversation_id"], row["id"]

    async def reply(self, conversation: UUID, body: str = "Hello Ana") -> tuple[UUID, Any]:
        """A reply of the agent's, and the mail it became."""
        id_, number = new_id(), len(self.inbox.mails)
        await self.screen.send(type="reply", conversation=str(conversation), body=body, id=str(id_), ref="r")
        _, _, raw = await self.inbox.mail(number)
        async with asyncio.timeout(SECONDS):
            while await self.state(id_) != "sent":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return id_, email.message_from_bytes(raw, policy=email.policy.default)

    async def state(self, entry: UUID) -> str:
        """What became of a reply."""
        found: str = await self.post.value("select state from outbox where entry_id = $1", entry)
        return found


@asynccontextmanager
async def opened(database_url: str, folder: Path, **environment: str) -> AsyncIterator[World]:
    async with Inbox.opened() as inbox:
        await found_mail(database_url, inbox.port)
        with running(database_url, folder / "log", SCREENPOP_DATA_DIR=str(folder), **environment) as gateway:
            await gateway.up()
            async with post_of(database_url, gateway.url) as post:
                _, token = await post.hire()
                async with screen_of(gateway, token) as screen:
                    yield World(post, inbox, screen)


@asynccontextmanager
async def screen_of(gateway: Gateway, token: str) -> AsyncIterator[Screen]:
    url, headers = gateway.url.replace("http", "ws") + "/v1/screen", {"Authorization": f"Bearer {token}"}
    async with connect(
        url, subprotocols=[Subprotocol(SUBPROTOCOL)], additional_headers=headers, compression=None
    ) as own:
        screen = Screen(own)
        await screen.hello()
        yield screen


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with opened(database_url, tmp_path) as world:
        yield world


async def test_a_reply_leaves_in_its_thread_and_its_answer_is_the_customers_though_nothing_else_proves_it(
    world: World,
) -> None:
    conversation, _ = await world.accepted(Message_ID="<first@home.example>", Subject="My order")
    _, sent = await world.reply(conversation)
    assert sent["Subject"] == "Re: My order"
    assert sent["In-Reply-To"] == "<first@home.example>"
    answer = mail(proven=False, To=sent["Reply-To"], In_Reply_To=sent["Message-ID"], body="Thanks")
    row = await world.post.entry(answer)
    assert row["conversation_id"] == conversation
    assert json.loads(row["said"])[0]["authenticated"] is True
    thief = mail("Eve <eve@evil.example>", proven=False, To=sent["Reply-To"], In_Reply_To=sent["Message-ID"])
    assert (await world.post.entry(thief))["conversation_id"] != conversation
    spoofed = mail(proven=False, In_Reply_To="<first@home.example>", body="I am Ana, surely")
    assert (await world.post.entry(spoofed))["conversation_id"] != conversation


async def test_a_bounce_fails_the_reply_it_is_about_with_the_reason(world: World) -> None:
    conversation, _ = await world.accepted()
    entry, sent = await world.reply(conversation)
    contacts = await world.post.value("select count(*) from contact")
    row = await world.post.entry(bounce(sent["Message-ID"]))
    assert await world.state(entry) == "failed"
    error = await world.post.value("select error from outbox where entry_id = $1", entry)
    assert error == "The mail came back (5.1.1): there is no such mailbox."
    assert json.loads(row["said"])[0]["automatic"] == "bounce"
    assert await world.post.value("select count(*) from contact") == contacts
    while True:
        event = (await world.screen.next("event"))["event"]
        if event["kind"] == "receipt" and event["status"] == "failed":
            break


@pytest.mark.parametrize(
    "header", ["Auto_Submitted: auto-replied", "Precedence: bulk", "List_Id: <a.b>", "X_Autoreply: yes"]
)
async def test_what_nobody_wrote_is_an_entry_that_opens_nothing(world: World, header: str) -> None:
    name, _, value = header.partition(": ")
    given: Any = {name: value}
    row = await world.post.entry(mail(**given))
    assert row["conversation_id"] is None
    assert await world.post.value("select count(*) from contact") == 0
    assert await world.post.value("select count(*) from outbox") == 0


async def test_a_mail_of_the_thread_reopens_its_conversation_within_thirty_days(world: World) -> None:
    conversation, _ = await world.accepted(Message_ID="<first@home.example>")
    close = "update conversation set status = 'closed', closed_at = now() - $2::interval where id = $1"
    await world.post.pool.execute("update contact set state = 'closed', agent_id = null")
    await world.post.pool.execute(close, conversation, timedelta(days=20))
    row = await world.post.entry(mail(In_Reply_To="<first@home.example>"))
    assert row["conversation_id"] == conversation


async def test_a_mail_that_takes_too_long_or_too_much_is_an_entry_with_its_source(
    database_url: str, tmp_path: Path
) -> None:
    for limit in ({"SCREENPOP_MAIL_CPU_MS": "1"}, {"SCREENPOP_MAIL_MEMORY_MIB": "1"}):
        folder = tmp_path / next(iter(limit))
        folder.mkdir()
        if "SCREENPOP_MAIL_CPU_MS" in limit:
            context = opened(database_url, folder, **limit)
        else:
            context = reopened(database_url, folder, **limit)
        async with context as world:
            source = b"From: Ana <ana@home.example>\r\nSubject: big\r\nMessage-ID: <b@x.example>\r\n\r\n"
            source += limit.__repr__().encode() + b"word <a@b.example> " * 400_000
            row = await world.post.entry(source)
            said = json.loads(row["said"])[0]
            assert "more time or memory" in (said["incomplete"] or "")
            assert (said["subject"], said["sender"]["email"]) == ("big", "ana@home.example")
            _, token = await world.post.hire("admin")
            assert (await world.post.get(token, f"/v1/entries/{row['id']}/raw")).content == source


@asynccontextmanager
async def reopened(database_url: str, folder: Path, **environment: str) -> AsyncIterator[World]:
    """Another process over the same company."""
    port = free_port()
    async with Inbox.opened(port) as inbox:
        with running(database_url, folder / "log", SCREENPOP_DATA_DIR=str(folder), **environment) as gateway:
            await gateway.up()
            async with post_of(database_url, gateway.url) as post:
                _, token = await post.hire()
                async with screen_of(gateway, token) as screen:
                    yield World(post, inbox, screen)

"""Web chat over HTTP: sessions, events, streams; who is who, and what a visitor never sees (C7, T14, T16, T19, T27)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.flow.chat_world import SITE, Browser, Shop, found_shop, identity
from tests.flow.gateway_process import SECONDS, Gateway, Twilio, found_company, running, twilio_of
from tests.flow.screen_world import Screen

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
ROOTS = """
select distinct c.root_id from entry e join customer c on c.id = e.customer_id where e.kind = 'message'
"""
MENDED = """
update dead_letter set body = replace(convert_from(body, 'UTF8'), '"text": ""', '"text": "Meant"')::bytea
"""
STATES = "select state from outbox where entry_id = $1"


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[Shop]:
    await found_company(database_url)
    with running(database_url, tmp_path / "log", SCREENPOP_DATA_DIR=str(tmp_path / "data")) as gateway:
        shop = await found_shop(database_url, gateway)
        await gateway.up()
        yield shop
        await shop.http.aclose()
        await shop.rest.aclose()


async def test_a_talk_there_and_back_with_receipts(shop: Shop) -> None:
    browser = shop.browser()
    await browser.begin()
    async with browser.listening() as heard:
        await heard.until(lambda stream: stream.ready)
        key = str(uuid4())
        for _ in range(3):  # the answer was lost: the same again
            assert (await browser.tell(id=key, text="Is it in stock?")).status_code == 200
        (line,) = await heard.until(lambda stream: bool(stream.lines))
        assert (line["by"], line["text"], line["key"]) == ("you", "Is it in stock?", key)
        answer = await shop.write(browser.visitor, "Yes, three of them.")
        await heard.until(lambda stream: len(stream.lines) == 2)
        said = heard.lines[1]
        assert (said["by"], said["text"], said["name"], said["id"]) == ("us", "Yes, three of them.", "Ada", str(answer))
        assert set(said) == {"id", "by", "text", "at", "place", "name"}
        for kind, state in (("delivered", "delivered"), ("read", "read"), ("delivered", "read")):
            assert (await browser.tell(kind, until=said["place"])).status_code == 200
            assert [row["state"] for row in await shop.fetch(STATES, answer)] == [state]
    assert len(await shop.fetch("select from entry where channel = 'chat' and direction = 'in'")) == 1


async def test_a_stream_that_resumes_gets_what_it_lacks(shop: Shop) -> None:
    browser = shop.browser()
    await browser.begin()
    await browser.tell(text="One")
    async with browser.listening() as heard:
        (first,) = await heard.until(lambda stream: bool(stream.lines))
    await shop.write(browser.visitor, "Two")
    await browser.begin(token=browser.session["token"])  # the page was loaded again
    async with browser.listening(first["id"]) as heard:
        lines = await heard.until(lambda stream: any(line["text"] == "Two" for line in stream.lines))
        assert [line["text"] for line in lines] in (["Two"], ["One", "Two"])
    async with browser.listening() as heard:
        await heard.until(lambda stream: stream.ready)
        assert [line["text"] for line in heard.lines] == ["One", "Two"]


async def test_a_signed_identity_joins_what_was_apart_and_shows_the_visitor_only_the_chat(shop: Shop) -> None:
    stranger = shop.browser()
    await stranger.begin()
    await stranger.tell(text="An anonymous word")
    other = shop.browser()
    await other.begin(identity=identity(id="u-99", email="ana@home.example"))
    await other.tell(text="From another device of the same mailbox")
    assert len(await shop.fetch(ROOTS)) == 2

    ana = shop.browser()
    await ana.begin(identity=identity(name="Ana", email="ana@home.example"), token=stranger.session["token"])
    await ana.tell(text="It is me")
    assert len(await shop.fetch(ROOTS)) == 1
    await shop.write(ana.visitor, "SECRET note", as_note=True)
    await shop.write(other.visitor, "Only for you")
    async with ana.listening() as heard, other.listening() as elsewhere:
        await heard.until(lambda stream: stream.ready)
        await elsewhere.until(lambda stream: stream.ready)
        await shop.write(ana.visitor, "To Ana")
        await heard.until(lambda stream: stream.lines[-1]["text"] == "To Ana")
        assert "SECRET" not in heard.raw + elsewhere.raw
        assert str(shop.admin) not in heard.raw + elsewhere.raw
        assert "another device" not in heard.raw
        assert "Only for you" not in heard.raw
        assert "To Ana" not in elsewhere.raw
        assert "anonymous word" not in elsewhere.raw
        assert "It is me" not in elsewhere.raw


async def test_a_claim_in_the_form_links_nobody(shop: Shop) -> None:
    ana, claimant = shop.browser(), shop.browser()
    await ana.begin(identity=identity(name="Ana", email="ana@home.example"))
    await ana.tell(text="It is me")
    await claimant.begin()
    await claimant.tell(text="Also me!", form={"name": "Ana", "email": "ana@home.example"})
    assert len(await shop.fetch(ROOTS)) == 2
    async with claimant.listening() as heard:
        await heard.until(lambda stream: stream.ready)
        assert [line["text"] for line in heard.lines] == ["Also me!"]


async def test_files_go_both_ways_as_what_they_are(shop: Shop) -> None:
    browser = shop.browser()
    await browser.begin()
    key = uuid4()
    query = f"id={key}&name=..%2Fchair.svg&type=image%2Fsvg%2Bxml"
    for _ in range(2):
        assert (await browser.upload(b"<svg onload='alert(1)'/>", query)).status_code == 200
    await browser.upload(PNG, f"id={uuid4()}&name=chair.png&type=image%2Fpng")
    async with browser.listening() as heard:
        lines = await heard.until(lambda stream: len(stream.lines) == 2)
    drawing, picture = (line["files"][0] for line in lines)
    assert "/" not in drawing["name"]
    answer = await shop.http.get(shop.gateway.url + drawing["url"])
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    answer = await shop.http.get(shop.gateway.url + picture["url"])
    assert (answer.content, answer.headers["content-type"]) == (PNG, "image/png")
    assert (await shop.http.get(shop.gateway.url + picture["url"][:-2])).status_code == 404


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (SITE, 200),
        ("https://evil.example", 403),
        ("null", 403),
        (SITE + ".evil.example", 403),
        (SITE + ":444", 403),
        (SITE.replace("https", "http"), 403),
    ],
)
async def test_only_the_pages_of_the_site_may_ask(shop: Shop, origin: str, status: int) -> None:
    url = f"{shop.gateway.url}/chat/chat-main/session"
    asked = await shop.http.request("OPTIONS", url, headers={"Origin": origin})
    answer = await shop.http.post(url, json={}, headers={"Origin": origin})
    assert (asked.status_code == 204, answer.status_code) == (status == 200, status)
    told = {each.headers.get("access-control-allow-origin") for each in (asked, answer)}
    assert told == ({origin} if status == 200 else {None})
    hook = await shop.http.request("OPTIONS", f"{shop.gateway.url}/hooks/chat-main/file", headers={"Origin": origin})
    assert (hook.status_code == 204) == (status == 200)


async def test_a_token_and_an_identity_are_good_for_their_account_and_time_only(shop: Shop) -> None:
    browser, elsewhere = shop.browser(), shop.browser("chat-other")
    await browser.begin()
    await elsewhere.begin()
    elsewhere.session |= {"token": browser.session["token"], "key": browser.session["key"]}
    assert (await elsewhere.tell(text="Not mine")).status_code == 403
    url = f"{shop.gateway.url}/chat/chat-main/session"
    bad = [
        identity(secret="0" * 32),
        identity(account="chat-other"),
        identity(seconds=-1),
        identity(seconds=8 * 86_400),
    ]
    bad += [identity()[:-1], identity() + "0", identity(email="nobody"), identity(phone="12"), identity(id=" "), "x.y"]
    for one in bad:
        assert (await shop.http.post(url, json={"identity": one})).status_code == 403, one
    assert not await shop.fetch("select from entry")
    assert (await shop.http.post(url, content=b"[" * 5000)).status_code == 400
    assert (await shop.http.post(url, content=b"x" * 20_000)).status_code == 400


async def test_whoever_writes_too_fast_has_to_wait(shop: Shop) -> None:
    browser, calm = shop.browser(), shop.browser()
    await browser.begin()
    await calm.begin()
    statuses = [(await browser.tell("typing")).status_code for _ in range(130)]
    assert statuses[:100] == [200] * 100
    assert 429 in statuses
    assert (await calm.tell(text="Hello")).status_code == 200


class Talk:
    """A visitor of the first process, and an agent of the second who holds their contact."""

    def __init__(self, shop: Shop, people: Twilio, browser: Browser, screen: Screen, agent: UUID) -> None:
        self.shop, self.people, self.browser, self.screen, self.agent = shop, people, browser, screen, agent
        self.profile = screen.frames[-1]
        self.customer: str = self.profile["customer"]["id"]
        self.conversation: str = self.profile["conversations"][0]["id"]

    async def types(self, screen: Screen, **more: Any) -> dict[str, Any]:
        """An agent writes: the answer."""
        await screen.send(**{"type": "typing", "conversation": self.conversation, "ref": "t", **more})
        while (frame := await screen.next())["type"] not in ("result", "error") or frame["ref"] != "t":
            continue
        return frame

    async def frames_until(self, screen: Screen, body: str) -> list[dict[str, Any]]:
        """What this screen got, up to the entry that says this."""
        begin = len(screen.frames)
        while (await screen.next("event"))["event"].get("entry", {}).get("body") != body:
            continue
        return screen.frames[begin:]


async def heard_of_each_other(*gateways: Gateway) -> None:
    """Wait until these processes hear one another over Redis."""
    async with asyncio.timeout(SECONDS), httpx2.AsyncClient(trust_env=False) as http:
        for gateway in gateways:
            await gateway.up()
            while (await http.get(f"{gateway.url}/ready")).json()["bus"] != "ok":  # noqa: ASYNC110  # the state of a server
                await asyncio.sleep(0.05)


@pytest.fixture
async def talk(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Talk]:
    await found_company(database_url)
    more = {"REDIS_URL": redis_url, "SCREENPOP_DATA_DIR": str(tmp_path / "data")}
    with (
        running(database_url, tmp_path / "0.log", **more) as one,
        running(database_url, tmp_path / "1.log", **more) as two,
    ):
        shop = await found_shop(database_url, one)
        await heard_of_each_other(one, two)
        async with twilio_of(database_url, one.url, two.url) as people:
            agent, token = await people.hire()
            browser = shop.browser()
            await browser.begin()
            async with people.screen(token, 1) as screen:
                await browser.tell(text="Hello")
                await screen.send(type="accept", offer=(await screen.offer())["offer"], ref="a")
                await screen.next("profile")
                yield Talk(shop, people, browser, screen, agent)
        await shop.http.aclose()
        await shop.rest.aclose()


async def test_a_visitor_who_types_is_seen_in_another_process_and_nothing_is_kept_of_it(talk: Talk) -> None:
    before, head = await talk.people.rows(), await talk.people.value("select seq from stream")
    for _ in range(5):  # more than anybody types is one mark
        assert (await talk.browser.tell("typing")).status_code == 200
    assert await talk.screen.next("typing") == {
        "type": "typing",
        "customer": talk.customer,
        "conversation": talk.conversation,
        "channel": "chat",
        "agent": None,
        "note": False,
    }
    assert await talk.people.changed(before) == set()
    assert await talk.people.value("select seq from stream") == head
    await talk.browser.tell(text="Is it oak?")
    assert "typing" not in {frame["type"] for frame in await talk.frames_until(talk.screen, "Is it oak?")}
    _, token = await talk.people.hire()
    async with talk.people.socket(token, 1) as connection:
        again = Screen(connection)
        await again.hello(talk.screen.frames[0]["epoch"], {talk.profile["feed"]: head})
        await again.events(talk.profile["feed"], 1)
        assert "typing" not in {frame["type"] for frame in again.frames + await again.quiet()}


async def test_an_agent_who_types_is_seen_by_the_visitor_and_by_colleagues_who_look(talk: Talk) -> None:
    _, token = await talk.people.hire("supervisor")
    async with talk.people.screen(token, 0) as colleague, talk.browser.listening() as heard:
        await colleague.send(type="open", customer=talk.customer, ref="o")
        await colleague.next("profile")
        await heard.until(lambda stream: stream.ready)
        for _ in range(10):
            assert (await talk.types(talk.screen))["type"] == "result"
        await heard.until(lambda stream: stream.marks == 1)
        mark = await colleague.next("typing")
        assert (mark["customer"], mark["conversation"]) == (talk.customer, talk.conversation)
        assert (mark["agent"], mark["channel"], mark["note"]) == (str(talk.agent), "chat", False)
        # What does not go to the chat is not for the visitor to know.
        for more, channel in (({"note": True}, None), ({"channel": "sms"}, "sms")):
            assert (await talk.types(talk.screen, **more))["type"] == "result"
            mark = await colleague.next("typing")
            assert (mark["note"], mark["channel"]) == (more.get("note", False), channel)
        reply = {"type": "reply", "conversation": talk.conversation, "body": "Yes, oak", "id": str(uuid4())}
        await talk.screen.send(**reply)
        await heard.until(lambda stream: stream.lines[-1]["text"] == "Yes, oak")
        assert heard.marks == 1
        assert "typing" not in {frame["type"] for frame in await talk.frames_until(colleague, "Yes, oak")}
    assert "typing" not in {frame["type"] for frame in talk.screen.frames}


async def test_whoever_may_not_reply_is_not_shown_as_typing(talk: Talk) -> None:
    _, token = await talk.people.hire()
    async with talk.people.screen(token, 0) as other, talk.browser.listening() as heard:
        await heard.until(lambda stream: stream.ready)
        answer = await talk.types(other)
        assert (answer["type"], answer["code"]) == ("error", "not_holder")
        assert (await talk.types(other, conversation=str(uuid4())))["code"] == "not_found"
        assert (await talk.types(other, conversation="x"))["code"] == "bad_frame"
        await talk.browser.tell(text="Anybody there?")
        await heard.until(lambda stream: stream.lines[-1]["text"] == "Anybody there?")
        assert heard.marks == 0
    assert "typing" not in {frame["type"] for frame in await talk.frames_until(talk.screen, "Anybody there?")}


async def test_what_is_kept_of_a_request_lets_nobody_go_on_as_its_visitor(shop: Shop) -> None:
    browser = shop.browser()
    await browser.begin()
    await browser.tell(text="Hello")
    await browser.upload(PNG, f"id={uuid4()}&name=chair.png&type=image%2Fpng")
    await browser.tell(text="")  # is buried
    token = browser.session["token"]
    kept = await shop.fetch("select content_type from raw_event union all select content_type from dead_letter")
    assert len(kept) == 3
    [letter] = (await shop.rest.get("/v1/dead-letters")).json()["items"]
    for said in (*(row["content_type"] for row in kept), letter["content_type"]):
        assert said.endswith(f"; visitor={token.partition('.')[0]}")
        thief = shop.browser()
        await thief.begin(token=said.partition("visitor=")[2])
        assert thief.visitor != browser.visitor
    await shop.fetch(MENDED)
    answer = await shop.rest.post(f"/v1/dead-letters/{letter['id']}/replay")
    assert answer.json()["recorded"], answer.text
    async with browser.listening() as heard:
        await heard.until(lambda stream: stream.ready)
        assert [line["text"] for line in heard.lines] == ["Hello", "", "Meant"]


async def test_a_file_of_nobody_is_refused_while_its_body_has_not_come(shop: Shop) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.gateway.port)
    head = "POST /hooks/chat-main/file?id=x HTTP/1.1\r\nHost: x\r\nContent-Length: 26000000\r\n\r\n"
    writer.write(head.encode() + bytes(1000))
    async with asyncio.timeout(30):
        assert b" 403 " in await reader.readline()
    writer.close()

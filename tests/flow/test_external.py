"""P10: what other systems say about a customer comes as an event, late, failing or in time; a real shop over HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import uvicorn

from gateway.demo.shop import Shop, create_app
from gateway.external import External
from profiles.cards import FAILURES, begin_asking, fetch_due, fill
from store.feeds import transaction
from tests.flow.screen_world import Frame, Gateway, Screen, World, until

SECRET = "a secret of the shop and of ours"
LINES = [{"title": "Alder table", "status": "on its way", "amount": "$1,890.00"}]


class Place:
    """A gateway whose screens are asked about at a shop."""

    def __init__(self, world: World, gateway: Gateway, shop: Shop, url: str, external: External) -> None:
        self.world, self.gateway, self.shop, self.url, self.external = world, gateway, shop, url, external

    async def source(self, url: str | None = None, timeout_ms: int = 2000, cache_seconds: int = 300) -> None:
        """The shop as a configured source."""
        await self.world.pool.execute(
            "insert into source (id, title, url, secret, timeout_ms, cache_seconds)"
            " values ('shop', 'Orders', $1, $2, $3, $4)",
            url or f"{self.url}/orders?phone={{phone}}",
            SECRET,
            timeout_ms,
            cache_seconds,
        )

    async def card(self, customer: UUID) -> Any:
        """The card as it is kept."""
        return await self.world.pool.fetchrow(
            "select state, body::text as body, problem, lease_until from card where customer_id = $1", customer
        )

    async def settled(self, customer: UUID, *states: str) -> Any:
        """The card, once nobody asks and it is in one of these states."""
        async with asyncio.timeout(15):
            while True:
                card = await self.card(customer)
                if card is not None and card["lease_until"] is None and card["state"] in states:
                    return card
                await asyncio.sleep(0.01)


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    async with World.opened(database_url) as world, world.gateway() as gateway, shop_running() as (shop, url):
        external = External(world.pool, gateway.hub.announce, partial(gateway.hub.followed, "customer"))
        gateway.hub.on_followed = external.feed_followed
        task = asyncio.create_task(external.run())
        yield Place(world, gateway, shop, url, external)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def shop_running() -> AsyncIterator[tuple[Shop, str]]:
    """A shop on a free port."""
    app = create_app(SECRET)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve([listening]))
    await until(lambda: server.started)
    yield app.state.shop, f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await task


async def opened(place: Place, customer: UUID) -> tuple[Screen, Any, Frame]:
    """A screen that has opened this customer: the screen, its connection, the profile."""
    agent = await place.world.agent()
    connection = await place.gateway.connect(agent.token)
    screen = Screen(connection)
    await screen.hello()
    await screen.send(type="open", customer=str(customer), ref="o")
    return screen, connection, await screen.next("profile")


async def card_event(screen: Screen, *states: str) -> Any:
    """The next event of a card in one of these states."""
    while True:
        frame = await screen.next("event")
        if frame["event"]["kind"] == "card" and frame["event"]["card"]["state"] in states:
            return frame["event"]["card"]


async def test_orders_come_to_an_open_screen_as_an_event_and_the_profile_does_not_wait(place: Place) -> None:
    """P10: the shop takes its time; the profile is there at once, then `waiting`, then the lines."""
    await place.source()
    place.shop.mode, place.shop.seconds = "slow", 0.5
    customer = (await place.world.write(place.gateway.hub)).id
    phone = await place.world.pool.fetchval("select value from handle where customer_id = $1", customer)
    place.shop.orders[phone] = LINES
    screen, connection, profile = await opened(place, customer)
    assert [card for card in profile["cards"] if card["state"] == "fresh"] == []
    card = await card_event(screen, "fresh")
    assert card["title"] == "Orders"
    assert [line["title"] for line in card["lines"]] == ["Alder table"]
    assert card["fetched_at"] is not None
    await screen.send(type="open", customer=str(customer), ref="again")
    again = await screen.next("profile")
    assert again["cards"] == [card], "the snapshot and the event differ"
    assert [(asked["who"], asked["signed"]) for asked in place.shop.asked] == [(phone, True)]
    await connection.close()


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("500", "It answered 500."),
        ("garbage", "Its answer is not understood."),
        ("large", "It answered more than 256 KiB."),
        ("redirect", "It answered 302."),
        ("slow", "No answer within 0.2 s."),
    ],
)
async def test_a_source_that_fails_says_why_and_keeps_the_last_lines(place: Place, mode: str, problem: str) -> None:
    await place.source(timeout_ms=200)
    customer = (await place.world.write(place.gateway.hub)).id
    place.external.want(customer)
    before = await place.settled(customer, "fresh")
    place.shop.mode, place.shop.seconds = mode, 5.0
    place.external.want(customer, anyway=True)
    after = await place.settled(customer, "stale")
    assert after["problem"] == problem
    assert after["body"] == before["body"]


async def test_a_first_answer_that_fails_is_a_failed_card(place: Place) -> None:
    await place.source()
    place.shop.mode = "500"
    customer = (await place.world.write(place.gateway.hub)).id
    screen, connection, profile = await opened(place, customer)
    # An answer that is quicker than the profile is in it already.
    card = next((card for card in profile["cards"] if card["state"] == "failed"), None)
    card = card or await card_event(screen, "failed")
    assert (card["problem"], card["lines"], card["fetched_at"]) == ("It answered 500.", [], None)
    await connection.close()


async def test_a_kept_answer_is_not_asked_for_again_until_it_is_old(place: Place) -> None:
    await place.source(cache_seconds=300)
    customer = (await place.world.write(place.gateway.hub)).id
    for _ in range(3):
        place.external.want(customer)
        await place.settled(customer, "fresh")
    assert len(place.shop.asked) == 1
    await place.world.pool.execute("update card set asked_at = now() - interval '301 seconds'")
    place.external.want(customer)
    await until(lambda: len(place.shop.asked) == 2)


async def test_after_failures_in_a_row_the_source_is_left_alone_for_a_while(place: Place) -> None:
    await place.source()
    place.shop.mode = "500"
    customers = [(await place.world.write(place.gateway.hub, who)).id for who in range(FAILURES + 1)]
    for customer in customers[:FAILURES]:
        place.external.want(customer)
        await place.settled(customer, "failed")
    place.external.want(customers[FAILURES])
    rows = await place.world.pool.fetch("select failures, open_until > now() as open from source")
    assert [tuple(row) for row in rows] == [(FAILURES, True)]
    await asyncio.sleep(0.3)
    assert len(place.shop.asked) == FAILURES, "the open circuit was asked through"
    place.shop.mode = "none"
    await place.world.pool.execute("update source set open_until = now()")
    place.external.want(customers[FAILURES])
    await place.settled(customers[FAILURES], "fresh")
    assert await place.world.pool.fetchval("select failures from source") == 0


async def test_two_processes_that_show_the_same_customer_ask_once(place: Place) -> None:
    await place.source()
    place.shop.mode, place.shop.seconds = "slow", 0.3
    other = External(place.world.pool, place.gateway.hub.announce, list)
    task = asyncio.create_task(other.run())
    customer = (await place.world.write(place.gateway.hub)).id
    place.external.want(customer)
    other.want(customer)
    await place.settled(customer, "fresh")
    assert len(place.shop.asked) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_two_processes_found_due_at_once_is_asked_by_one(place: Place) -> None:
    await place.source()
    pool, customer = place.world.pool, (await place.world.write(place.gateway.hub)).id
    async with pool.acquire() as connection:
        [question] = await fetch_due(connection, [customer])
    asks = []
    for _ in range(2):
        async with transaction(pool, place.gateway.hub.announce) as tx:
            asks.append(await begin_asking(tx, question))
    assert asks == [True, False]
    async with pool.acquire() as connection:
        assert await fetch_due(connection, [customer], anyway=True) == [], "it is being asked"


async def test_a_source_that_needs_what_is_not_known_is_not_asked(place: Place) -> None:
    await place.source(f"{place.url}/orders?customer={{external_id}}")
    unknown = (await place.world.write(place.gateway.hub, 1)).id
    known = (await place.world.write(place.gateway.hub, 2)).id
    await place.world.pool.execute("update customer set external_id = 'C 17/é' where id = $1", known)
    place.external.want(unknown)
    place.external.want(known)
    await place.settled(known, "fresh")
    assert [asked["who"] for asked in place.shop.asked] == ["C 17/é"]
    assert await place.card(unknown) is None


def test_a_value_cannot_leave_its_place_in_the_address() -> None:
    values = {"phone": "+1?&#/@evil.example{email}", "email": None, "external_id": None, "customer": "c"}
    assert fill("https://shop.example/orders?phone={phone}", values) == (
        "https://shop.example/orders?phone=%2B1%3F%26%23%2F%40evil.example%7Bemail%7D"
    )
    assert fill("https://shop.example/{email}", values) is None

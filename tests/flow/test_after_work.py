"""After the talk: wrap-up in four modes, dispositions, notes with transfers, and agents and queues that are no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest_asyncio

from router.finishing import NEEDS_CODE, end_talk
from router.holding import lock_contact
from router.retiring import retire_agent, retire_queue
from store.feeds import transaction
from tests.flow.house import House, ask, denied, event, granted
from tests.flow.rest_client import Api
from tests.flow.screen_world import Screen, World

BILLING = "insert into queue (id, name) values ('billing', 'Billing')"
SPOKEN = "select body from entry where kind in ('status', 'note') order by at"


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with World.opened(database_url) as world, House.opened(world) as house:
        yield house


async def work(house: House) -> None:
    """One round of everything that goes on by itself."""
    await house.gateway.worker.settle()
    await house.gateway.worker.drain()


async def offered(house: House, screen: Screen, who: int = 1) -> Any:
    """A customer writes, and it rings."""
    await house.world.write(house.gateway.hub, who)
    await work(house)
    return await screen.offer()


async def held(house: House, screen: Screen, who: int = 1) -> str:
    """A contact that this screen's agent holds."""
    offer = await offered(house, screen, who)
    await screen.send(type="accept", offer=offer["offer"], ref="take")
    contact: str = (await screen.next("profile"))["contact"]["id"]
    return contact


async def state(house: House, contact: str) -> Any:
    sql = "select state, wrap_up, disposition_id, due_at is not null from contact where id = $1"
    return tuple(await house.world.pool.fetchrow(sql, UUID(contact)) or ())


async def set_up(house: House, mode: str, **more: object) -> tuple[Api, Screen]:
    """An administrator who chose this mode of wrap-up, and the screen of an agent."""
    admin, agent = await house.hire("Ada", "admin"), await house.hire("Ines")
    await admin.put("queues/support/after-work", {"wrap_up_mode": mode, **more})
    await admin.put("dispositions/sales", {"label": "Sales"})
    await admin.put("dispositions/sold", {"label": "Sold", "parent": "sales", "queues": ["support"]})
    return admin, await house.screen(agent)


async def test_required_wrap_up_ends_with_a_disposition_and_with_nothing_else(house: House) -> None:
    admin, screen = await set_up(house, "required", wrap_up_seconds=1)
    contact = await held(house, screen)
    assert await denied(screen, type="close", conversation=await _talk(house)) == ("wrong_state", "conversation")
    await granted(screen, type="finish", contact=contact)
    assert await state(house, contact) == ("wrapping", "required", None, False)
    answer = await ask(screen, type="wrap_up", contact=contact)
    assert (answer["code"], answer["field"], answer["message"]) == ("invalid", "disposition", NEEDS_CODE.message)

    async def refused(code: str) -> tuple[str, str | None]:
        return await denied(screen, type="wrap_up", contact=contact, disposition=code)

    assert await refused("nothing") == ("not_found", "disposition")
    assert await refused("sales") == ("invalid", "disposition")
    await house.world.pool.execute(BILLING)
    await admin.put("dispositions/paid", {"label": "Paid", "queues": ["billing"]})
    assert await refused("paid") == ("invalid", "disposition")
    await granted(screen, type="wrap_up", contact=contact, disposition="sold", note="Wants a green one.")
    assert await state(house, contact) == ("closed", "required", "sold", False)
    said = [row["body"] for row in await house.world.pool.fetch(SPOKEN)]
    assert said == ["accepted", "finished", "Wants a green one.", "disposition: Sales / Sold"]
    shown = await admin.get(f"contacts/{contact}")
    assert (shown["disposition"], shown["uncoded"]) == ("sold", False)
    assert [each["id"] for each in (await admin.get("dispositions?queue=support"))["items"]] == ["sales", "sold"]
    assert [each["id"] for each in (await admin.get("dispositions?queue=billing"))["items"]] == ["paid", "sales"]


async def _talk(house: House) -> str:
    return str(await house.world.pool.fetchval("select id from conversation"))


async def test_who_logs_off_in_required_wrap_up_leaves_it_without_and_that_is_told(house: House) -> None:
    admin, screen = await set_up(house, "required")
    contact = await held(house, screen)
    await granted(screen, type="finish", contact=contact)
    await granted(screen, type="presence", status="offline")
    assert await state(house, contact) == ("closed", "required", None, False)
    assert (await admin.get(f"contacts/{contact}"))["uncoded"] is True


async def test_optional_wrap_up_is_for_the_agent_to_take(house: House) -> None:
    admin, screen = await set_up(house, "optional")
    first = await held(house, screen)
    await granted(screen, type="finish", contact=first)
    assert (await state(house, first))[0] == "closed"
    second = await held(house, screen, 2)
    await granted(screen, type="wrap_up", contact=second)
    assert await state(house, second) == ("wrapping", "optional", None, False)
    line = await event(screen, "held")
    assert (line["held"]["contact"], line["held"]["wrap_up"], line["held"]["queue"]) == (second, "optional", "support")
    await granted(screen, type="wrap_up", contact=second)
    assert (await state(house, second))[0] == "closed"
    await admin.put("queues/support/after-work", {"wrap_up_mode": "none", "wrap_up_seconds": 30})
    third = await held(house, screen, 3)
    assert await denied(screen, type="finish", contact=third, wrap_up=True) == ("invalid", "wrap_up")
    await granted(screen, type="finish", contact=third)
    assert (await state(house, third))[0] == "closed"
    await admin.put("queues/support/after-work", {"wrap_up_mode": "timed", "wrap_up_seconds": 30})
    fourth = await held(house, screen, 4)
    await granted(screen, type="finish", contact=fourth)
    assert await state(house, fourth) == ("wrapping", "timed", None, True)
    await granted(screen, type="finish", contact=fourth, disposition="sold")
    assert await state(house, fourth) == ("closed", "timed", "sold", False)


async def test_wrap_up_asked_for_during_a_call_begins_when_it_is_over(house: House) -> None:
    pool = house.world.pool
    _admin, screen = await set_up(house, "optional", wrap_up_seconds=20)
    contact = await held(house, screen)
    await pool.execute("update contact set class = 'voice'")
    await granted(screen, type="wrap_up", contact=contact)
    assert (await state(house, contact))[0] == "assigned"
    async with transaction(pool, house.gateway.hub.announce) as tx:
        locked = await lock_contact(tx, UUID(contact))
        assert locked is not None
        await end_talk(tx, *locked, "finished")
    assert await state(house, contact) == ("wrapping", "optional", None, True)


async def test_a_note_goes_with_what_is_handed_on(house: House) -> None:
    sender, receiver = await house.hire("Ines"), await house.hire("Marek")
    mine = await house.screen(sender)
    contact = await held(house, mine)
    theirs = await house.screen(receiver)
    note = "She asks for the green one."
    await granted(mine, type="transfer", contact=contact, to={"agent": str(receiver.actor.id)}, note=note)
    await work(house)
    offer = await theirs.offer()
    assert (offer["contact"], offer["handed_by"], offer["note"]) == (contact, "Ines", note)
    await theirs.send(type="accept", offer=offer["offer"], ref="take")
    entries = (await theirs.next("profile"))["timeline"]
    told = [(each["kind"], each["body"], each["author"]["name"]) for each in entries if each["author"]]
    assert told[1:3] == [("note", note, "Ines"), ("status", "transferred", "Ines")]


async def test_what_a_retired_agent_holds_goes_back_to_its_queue(house: House) -> None:
    agent, other = await house.hire("Ines"), await house.hire("Marek")
    screen = await house.screen(agent)
    parked, assigned = await held(house, screen, 1), await held(house, screen, 2)
    rings = await offered(house, screen, 3)
    await house.world.pool.execute(
        "update contact set preview_direction = 'out', due_at = now() where id = $1", UUID(parked)
    )
    await house.gateway.worker.settle()
    assert (await state(house, parked))[0] == "parked"
    async with transaction(house.world.pool, house.gateway.hub.announce) as tx:
        assert await retire_agent(tx, agent.actor.id) is None
    assert await screen.closed() == (4401, "signed_out")
    async with transaction(house.world.pool, house.gateway.hub.announce) as tx:
        assert await retire_agent(tx, agent.actor.id) is None
    assert (await agent.ask("me")).status_code == 401
    await work(house)
    assert {(await state(house, contact))[0] for contact in (parked, assigned, rings["contact"])} == {"queued"}
    theirs = await house.screen(other)
    await work(house)
    got = {(await theirs.offer())["contact"] for _ in range(3)}
    assert got == {parked, assigned, rings["contact"]}
    left = "select used_messaging, presence, reason, needs from agent_state where agent_id = $1"
    assert tuple(await house.world.pool.fetchrow(left, agent.actor.id) or ()) == (0, "offline", "deactivated", [])


async def test_what_waits_in_a_retired_queue_goes_to_the_accounts_own_with_an_alert(house: House) -> None:
    pool = house.world.pool
    await pool.execute(BILLING)
    sender = await house.hire("Ines")
    screen = await house.screen(sender)
    contact = await held(house, screen)
    await granted(screen, type="transfer", contact=contact, to={"queue": "billing"})
    await work(house)
    async with transaction(pool, house.gateway.hub.announce) as tx:
        refused = await retire_queue(tx, "support")
        assert refused is not None
        assert (refused.code, refused.field) == ("conflict", "queue")
        assert await retire_queue(tx, "billing") is None
    await work(house)
    row = await pool.fetchrow("select state, queue_id from contact where id = $1", UUID(contact))
    assert tuple(row or ()) == ("queued", "support")
    told = await pool.fetchval("select d.alert from decision d join contact c on c.decision_id = d.id")
    assert told == "the queue billing is no more"
    other = await house.screen(await house.hire("Marek"))
    await work(house)
    assert (await other.offer())["contact"] == contact


async def test_the_queue_says_what_becomes_of_work_whose_agent_vanished(house: House) -> None:
    admin = await house.hire("Ada", "admin")
    gone = "update agent_state set connected = false, gone_at = now() - $2 * interval '1 s' where agent_id = $1"
    for who, (policy, seconds, becomes) in enumerate(
        (("queue", 61, "queued"), ("keep", 61, "assigned"), ("keep", 50_000, "queued"), ("park", 61, "parked")), 1
    ):
        await admin.put("queues/support/after-work", {"wrap_up_mode": "none", "when_left": policy})
        agent = await house.hire(f"Agent {who}")
        contact = await held(house, await house.screen(agent), who)
        await house.world.pool.execute(gone, agent.actor.id, seconds)
        await house.gateway.worker.settle()
        assert (await state(house, contact))[0] == becomes, policy
        if becomes == "parked":  # its customer waits for an answer, so it does not wait there for ever
            await house.world.pool.execute("update contact set due_at = now() where id = $1", UUID(contact))
            await house.gateway.worker.settle()
            assert (await state(house, contact))[0] == "queued"
        await house.world.pool.execute("update agent_state set presence = 'offline'")
        await house.gateway.worker.settle()
        await house.world.pool.execute("update contact set state = 'closed', agent_id = null, due_at = null")

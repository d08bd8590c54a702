"""R16: whom a contact was offered to, and the reason for or against every agent, the same whatever changes later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from gateway.rest_call import RateLimit
from model.agent import Actor
from router.endings import decline
from router.presence import disconnect_screen, set_presence
from store.feeds import transaction
from tests.flow.rest_client import Api, client_of, sign_in
from tests.flow.test_rules_command import command
from tests.store.company import Company
from tests.store.skilled import PHONES, hire, rule, skilled


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with skilled(database_url) as company:
        yield company


@pytest.fixture
async def admin(company: Company) -> AsyncIterator[Api]:
    async with client_of(company.pool, RateLimit()) as client:
        yield await sign_in(company.pool, client, "admin")


async def explained(admin: Api, company: Company, phone: str) -> Any:
    """The newest decision about what this customer wrote."""
    sql = "select c.id from contact c join handle h on h.id = c.handle_id where h.value = $1"
    contact = await company.value(sql, phone)
    decision = (await admin.get(f"decisions?contact={contact}"))["items"][0]
    return await admin.get(f"decisions/{decision['id']}")


def reasons(offer: Any) -> dict[str, str]:
    """Of everybody but the administrator who asks."""
    return {each["name"]: each["reason"] for each in offer["agents"] if each["name"] != "Admin"}


async def writes(company: Company, *phones: str) -> None:
    for phone in phones:
        await company.text(phone)
    await company.drain()


async def declines(company: Company, actor: Actor) -> None:
    offer = await company.offer_of(actor)
    assert offer is not None
    async with transaction(company.pool, company.announce) as tx:
        assert await decline(tx, offer, None, actor.id) is None


async def is_away(company: Company, actor: Actor, reason: str | None) -> None:
    async with transaction(company.pool, company.announce) as tx:
        assert await set_presence(tx, actor.id, "away", reason) is None


async def test_an_offer_tells_of_every_agent_and_stays_the_same_when_all_have_changed(
    company: Company, admin: Api, database_url: str
) -> None:
    await rule(company, skills={"spanish": 3})
    fay = await hire(company, "Fay", messaging=1, spanish=3)
    await writes(company, PHONES[0])
    dan, ines = await hire(company, "Dan", spanish=9), await hire(company, "Ines", spanish=3)
    marek, olu = await hire(company, "Marek", spanish=2, billing=5), await hire(company, "Olu", spanish=3)
    ghost, owl = await hire(company, "Ghost", spanish=3), await hire(company, "Owl", spanish=3)
    await hire(company, "Zed", seated=False, spanish=3)
    await is_away(company, olu, "lunch")
    async with transaction(company.pool, company.announce) as tx:
        await disconnect_screen(
            tx, ghost.id, await company.value("select id from screen where agent_id = $1", ghost.id)
        )
    await admin.patch(f"agents/{owl.id}", {"queues": [{"queue": "night"}]})
    await writes(company, PHONES[1])
    await declines(company, dan)
    await company.drain()
    before = await explained(admin, company, PHONES[1])
    first, second = before["offers"]
    assert (first["agent"], first["outcome"]) == (str(dan.id), "declined")
    assert (second["agent"], second["outcome"]) == (str(ines.id), "pending")
    others = {"Fay": "capacity", "Marek": "skills", "Olu": "away", "Ghost": "not_connected", "Owl": "queue"}
    others |= {"Zed": "offline"}
    assert reasons(first) == {"Dan": "chosen", "Ines": "idle", **others}
    assert reasons(second) == {"Ines": "chosen", "Dan": "declined", **others}
    details = {each["name"]: each["detail"] for each in second["agents"]}
    assert details["Marek"] == "Lacked spanish at level 3."
    assert details["Olu"] == "Was away: lunch."
    assert details["Fay"] == "Too few slots were free for a weight of 1: 1 of 1 for messaging were taken."
    assert details["Ines"].startswith("Was idle longest: since 20")
    assert [each["name"] for each in first["agents"]][:2] == ["Dan", "Ines"]

    for actor in (fay, dan, ines, marek, olu, ghost, owl):
        await is_away(company, actor, "training")
        change = {"queues": [{"queue": "general", "most": 1}], "skills": {"billing": 1}}
        await admin.patch(f"agents/{actor.id}", change | {"capacity": {"messaging": 9}})
    await admin.delete(f"agents/{owl.id}")
    await hire(company, "Newcomer", spanish=9)
    await company.value("update queue set selection = 'round_robin' returning id")
    await company.value("update contact set declined_by = '{}', declined_until = null returning id")
    after = await explained(admin, company, PHONES[1])
    assert [each["agents"] for each in after["offers"]] == [each["agents"] for each in before["offers"]]
    code, told, _ = await command(database_url, "explain", before["id"])
    assert code == 0
    assert f"offered to Dan at {second['at'][:4]}" in told
    rows = [line.split() for line in told.splitlines()]
    assert ["Marek", "skills", "Lacked", "spanish", "at", "level", "3."] in rows


async def test_each_way_of_choosing_tells_what_put_the_others_behind(company: Company, admin: Api) -> None:
    await rule(company, prefers={"billing": 2})
    ines, marek, olu = (
        await hire(company),
        await hire(company, "Marek", billing=2),
        await hire(company, "Olu", billing=2),
    )
    await writes(company, PHONES[0])
    [offer] = (await explained(admin, company, PHONES[0]))["offers"]
    assert reasons(offer) == {"Marek": "chosen", "Olu": "idle", "Ines": "prefers"}
    await company.value("delete from rule_set returning version")
    await rule(company)
    await company.value("update queue set selection = 'least_loaded' returning id")
    await writes(company, PHONES[1])
    [offer] = (await explained(admin, company, PHONES[1]))["offers"]
    assert reasons(offer) == {"Ines": "chosen", "Olu": "idle", "Marek": "loaded"}
    await company.value("update queue set selection = 'round_robin' returning id")
    await writes(company, PHONES[2])
    await writes(company, PHONES[3])
    [one] = (await explained(admin, company, PHONES[2]))["offers"]
    [two] = (await explained(admin, company, PHONES[3]))["offers"]
    names = {str(each.id): each.name for each in (ines, marek, olu)}
    assert sorted(reasons(one).values()) == ["chosen", "tie", "tie"]
    assert reasons(two)[names[one["agent"]]] == "turn"
    await company.value("update queue set offer_to = 2 returning id")
    await writes(company, PHONES[4])
    both = (await explained(admin, company, PHONES[4]))["offers"]
    assert [sorted(reasons(each).values()) for each in both] == [["asked_too", "chosen", "turn"]] * 2


async def test_of_a_round_of_several_contacts_each_sees_what_the_round_had_given_before(
    company: Company, admin: Api
) -> None:
    await writes(company, *PHONES[:3])
    await hire(company, "Ines", messaging=1)
    await hire(company, "Marek", messaging=2)
    await company.drain()
    told = [(await explained(admin, company, phone))["offers"] for phone in PHONES[:3]]
    assert [reasons(offer) for [offer] in told] == [
        {"Ines": "chosen", "Marek": "idle"},
        {"Ines": "capacity", "Marek": "chosen"},
        {"Ines": "capacity", "Marek": "chosen"},
    ]


async def test_nothing_is_kept_of_an_agent_in_whom_nothing_changed(company: Company, admin: Api) -> None:
    ines = await hire(company, billing=2)
    kept = "select count(*) from agent_history where agent_id = $1"
    before = await company.value(kept, ines.id)
    assert before == 4, "hired, taught, connected, available"
    await writes(company, PHONES[0])
    await company.take(ines)
    await admin.patch(f"agents/{ines.id}", {"skills": {"billing": 2}})
    assert await company.value(kept, ines.id) == before
    await admin.patch(f"agents/{ines.id}", {"skills": {"billing": 3}, "queues": [{"queue": "night"}]})
    assert await company.value(kept, ines.id) == before + 1, "what changes at once is kept once"


async def test_an_offer_from_before_this_was_kept_is_told_without_reasons(company: Company, admin: Api) -> None:
    await hire(company)
    await writes(company, PHONES[0])
    await company.value("update offer set need_id = null, round_at = null, selection = null returning id")
    [offer] = (await explained(admin, company, PHONES[0]))["offers"]
    assert (UUID(offer["offer"]).version, offer["outcome"], offer["agents"]) == (7, "pending", [])

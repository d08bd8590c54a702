"""One agent writes by REST or on a screen, another's open screen gets the event with the new value, REST agrees later.

Later means in another process: nothing that was shown was only in the memory of the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from store.ids import new_id
from tests.flow.house import House, ask, customer_of, denied, event, granted
from tests.flow.rest_client import Api
from tests.flow.screen_world import Screen, World


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with World.opened(database_url) as world:
        yield world


async def again(world: World, agent: Api, path: str) -> Any:
    """What REST of another process reads."""
    async with House.opened(world) as house:
        return await house.again(agent).get(path)


async def seen(screen: Screen, customer: object) -> dict[str, Any]:
    """The customer of the next event that shows it."""
    shown: dict[str, Any] = (await event(screen, "customer", f"customer:{customer}"))["customer"]
    return shown


async def test_a_first_contact_makes_a_profile_that_keeps_its_handle(world: World) -> None:
    """P1."""
    async with House.opened(world) as house:
        mia = await house.hire("Mia")
        await world.write(house.gateway.hub)
        [listed] = (await mia.get("customers"))["items"]
        screen = await house.screen_at(mia, listed["id"])
        [handle] = screen.frames[-1]["customer"]["handles"]
        assert (handle["kind"], handle["value"], handle["main"]) == ("phone", "+49305550001", True)
        assert (handle["verified"], handle["source"].startswith("first contact on main")) == (True, True)
        await world.write(house.gateway.hub)
        assert (await event(screen, "entry"))["entry"]["body"] == "message 2"
    customer = await again(world, mia, f"customers/{listed['id']}")
    assert customer["handles"] == [handle]
    assert len((await again(world, mia, "customers"))["items"]) == 1


async def test_a_created_customer_is_there_for_their_first_message(world: World) -> None:
    """P1, P2, I1: by a service, before any contact."""
    async with House.opened(world) as house:
        crm, noah = await house.hire("CRM", "service"), await house.hire("Noah")
        handles = [{"kind": "phone", "value": "030 5550001", "label": "office"}, {"kind": "email", "value": "A@Ex.org"}]
        made = await crm.post("customers", {"name": "Ada", "handles": handles, "external_id": "crm-7", "tags": ["vip"]})
        assert [handle["value"] for handle in made["handles"]] in (
            ["+49305550001", "a@ex.org"],
            ["a@ex.org", "+49305550001"],
        )
        screen = await house.screen_at(noah, made["id"])
        await world.write(house.gateway.hub)
        assert (await event(screen, "entry"))["entry"]["handle"] == "+49305550001"
        problem = await crm.problem("customers", 409, method="POST", body={"name": "Eve", "handles": handles[:1]})
        assert problem["field"] == "handles[0]"
        assert made["id"] in problem["detail"]
    customer = await again(world, noah, f"customers/{made['id']}")
    assert (customer["name"], customer["external_id"], customer["tags"]) == ("Ada", "crm-7", ["vip"])


async def test_handles_are_added_changed_and_removed_before_the_eyes_of_a_colleague(world: World) -> None:
    """P2."""
    async with House.opened(world) as house:
        mia, noah = await house.hire("Mia"), await house.hire("Noah")
        await world.write(house.gateway.hub)
        ada = await customer_of(world)
        screen = await house.screen_at(noah, ada)
        new = {"kind": "phone", "value": "+1 206 555 0134", "label": "office"}
        office = await mia.post(f"customers/{ada}/handles", new)
        assert office in (await seen(screen, ada))["handles"]
        changed = await mia.patch(f"handles/{office['id']}", {"label": "home", "main": True, "textable": False})
        assert (changed["label"], changed["main"], changed["textable"]) == ("home", True, False)
        shown = (await seen(screen, ada))["handles"]
        assert [(handle["label"], handle["main"]) for handle in shown] == [("home", True), (None, False)]
        mobile = shown[1]["id"]
        assert (await mia.patch(f"handles/{mobile}", {"shared": True}))["shared"]
        assert [handle["id"] for handle in (await seen(screen, ada))["handles"]] == [office["id"]]
        await mia.patch(f"handles/{mobile}", {"shared": False, "customer": str(ada)})
        assert len((await seen(screen, ada))["handles"]) == 2
        await mia.delete(f"handles/{office['id']}")
        last = (await seen(screen, ada))["handles"]
        assert [(handle["id"], handle["main"]) for handle in last] == [(mobile, True)]
    assert (await again(world, noah, f"customers/{ada}/handles"))["items"] == last
    assert (await again(world, noah, f"customers/{ada}"))["handles"] == last


async def test_postal_addresses_are_added_changed_and_removed_before_the_eyes_of_a_colleague(world: World) -> None:
    """P2."""
    async with House.opened(world) as house:
        mia, noah = await house.hire("Mia"), await house.hire("Noah")
        ada = (await mia.post("customers", {"name": "Ada"}))["id"]
        screen = await house.screen_at(noah, ada)
        home = await mia.post(f"customers/{ada}/addresses", {"street": "1 Row", "city": "London", "country": "GB"})
        assert (await seen(screen, ada))["addresses"] == [home]
        moved = await mia.patch(f"addresses/{home['id']}", {"revision": 1, "street": "2 Row"})
        assert (await seen(screen, ada))["addresses"] == [moved]
        await mia.problem(f"addresses/{home['id']}", 409, method="PATCH", body={"revision": 1, "street": "3 Row"})
        work = await mia.post(f"customers/{ada}/addresses", {"city": "Leeds"})
        await mia.delete(f"addresses/{work['id']}")
        await seen(screen, ada)
        assert (await seen(screen, ada))["addresses"] == [moved]
    assert (await again(world, noah, f"customers/{ada}"))["addresses"] == [moved]


async def test_a_value_edited_on_one_screen_is_on_another_at_once_with_where_it_comes_from(world: World) -> None:
    """P3, P11."""
    async with House.opened(world) as house:
        mia, noah, boss = await house.hire("Mia"), await house.hire("Noah"), await house.hire("Boss", "admin")
        await boss.post("fields", {"key": "credit", "label": "Credit", "type": "money", "currency": "EUR"})
        condition = {"all": [{"field": "plan", "is": "gold"}, {"field": "tags", "has": "vip"}]}
        await boss.post("segments", {"id": "best", "name": "Our best", "condition": condition})
        ada = (await mia.post("customers", {"name": "Ada"}))["id"]
        writer, screen = await house.screen_at(mia, ada), await house.screen_at(noah, ada)
        edits = {
            "time_zone": "America/Sao_Paulo",
            "language": "pt-br",
            "plan": "gold",
            "tags": ["vip"],
            "preferred_channels": ["whatsapp"],
            "refused_channels": ["voice"],
            "fields.credit": "18420",
            "birth_date": "1984-02-29",
        }
        for field, value in edits.items():
            await granted(writer, type="edit", customer=ada, field=field, value=value, revision=0)
        shown = [await seen(screen, ada) for _ in edits][-1]
        assert (shown["time_zone"], shown["language"], shown["birth_date"]) == (
            "America/Sao_Paulo",
            "pt-BR",
            "1984-02-29",
        )
        assert (shown["preferred_channels"], shown["refused_channels"]) == (["whatsapp"], ["voice"])
        assert [(field["key"], field["value"]) for field in shown["fields"]] == [("credit", "18420.00")]
        assert shown["segments"] == ["Our best"]
        fact = shown["provenance"]["fields.credit"]
        assert (fact["source"], fact["by"]["name"], fact["revision"], fact["verified"]) == ("agent", "Mia", 1, False)
        await writer.quiet()
        assert [frame["event"]["customer"] for frame in writer.frames if frame["type"] == "event"][-1] == shown
    assert await again(world, noah, f"customers/{ada}") == shown


async def test_values_patched_by_a_service_are_on_an_open_screen_at_once(world: World) -> None:
    """P3, P11: several at once are one event, all or none."""
    async with House.opened(world) as house:
        crm, noah = await house.hire("CRM", "service"), await house.hire("Noah")
        ada = (await crm.post("customers", {"name": "Ada"}))["id"]
        screen = await house.screen_at(noah, ada)
        patch = {"company": "Engines", "location": "London", "revisions": {"company": 0}}
        patched = await crm.patch(f"customers/{ada}", patch)
        assert await seen(screen, ada) == patched
        fact = patched["provenance"]["company"]
        assert (fact["source"], fact["by"]["name"], fact["verified"]) == ("service", "CRM", True)
        bad: tuple[tuple[int, str, dict[str, Any]], ...] = (
            (409, "company", {"plan": "gold", "company": "Late", "revisions": {"company": 0}}),
            (422, "time_zone", {"plan": "gold", "time_zone": "Mars/Olympus"}),
            (422, "fields.x", {"plan": "gold", "fields": {"x": 1}}),
            (400, "plan", {"plan": 5}),
            (400, "shoe_size", {"plan": "gold", "shoe_size": 42}),
            (422, "revisions", {"plan": "gold", "revisions": {"company": 1}}),
        )
        for status, field, body in bad:
            problem = await crm.problem(f"customers/{ada}", status, method="PATCH", body=body)
            assert problem["field"] == field
        read = await crm.ask(f"customers/{ada}")
        path, plan = f"customers/{ada}", {"plan": "gold"}
        await crm.problem(path, 412, method="PATCH", body=plan, if_match='"of-another-state"')
        assert await screen.quiet() == []
        patched = await crm.patch(path, plan, if_match=read.headers["etag"])
        assert await seen(screen, ada) == patched
    assert await again(world, noah, f"customers/{ada}") == patched


async def test_of_two_screens_that_edit_one_field_at_once_one_is_told_who_was_quicker(world: World) -> None:
    """P3: never silently overwritten."""
    async with House.opened(world) as house:
        mia, noah, eve = [await house.hire(name) for name in ("Mia", "Noah", "Eve")]
        ada = (await mia.post("customers", {"name": "Ada"}))["id"]
        screens = [await house.screen_at(mia, ada), await house.screen_at(noah, ada)]
        watcher = await house.screen_at(eve, ada)
        answers = await asyncio.gather(
            *(
                ask(screen, type="edit", customer=ada, field="company", value=value, revision=0)
                for screen, value in zip(screens, ("Engines", "Looms"), strict=True)
            )
        )
        [error] = [answer for answer in answers if answer["type"] == "error"]
        won = ("Engines", "Looms")[[answer["type"] for answer in answers].index("result")]
        winner = {"Engines": "Mia", "Looms": "Noah"}[won]
        assert (error["code"], error["field"], error["message"].split()[0]) == ("conflict", "company", winner)
        assert (await seen(watcher, ada))["company"] == won
        assert await watcher.quiet() == []
    customer = await again(world, eve, f"customers/{ada}")
    assert (customer["company"], customer["provenance"]["company"]["by"]["name"]) == (won, winner)


async def test_details_are_written_on_a_screen_and_changed_by_rest_before_the_eyes_of_a_colleague(world: World) -> None:
    """P4."""
    async with House.opened(world) as house:
        mia, noah = await house.hire("Mia"), await house.hire("Noah")
        ada = (await mia.post("customers", {"name": "Ada"}))["id"]
        writer, screen = await house.screen_at(mia, ada), await house.screen_at(noah, ada)
        id_ = str(new_id())
        for _ in range(2):
            answer = await granted(writer, type="detail", customer=ada, body="Allergic to nuts", id=id_)
            assert answer["entry"] == id_
        [detail] = (await event(screen, "details"))["details"]
        assert (detail["id"], detail["body"], detail["by"]["name"]) == (id_, "Allergic to nuts", "Mia")
        changed = await mia.patch(f"details/{id_}", {"body": "Allergic to nuts and milk", "revision": 1})
        assert (await event(screen, "details"))["details"] == [changed]
        other = await mia.post(f"customers/{ada}/details", {"body": "Third floor"})
        assert (await event(screen, "details"))["details"] == [other, changed]
        await mia.delete(f"details/{other['id']}")
        assert (await event(screen, "details"))["details"] == [changed]
        assert await denied(writer, type="detail", customer=ada, body=" ", id=str(new_id())) == ("invalid", "body")
    assert (await again(world, noah, f"customers/{ada}/details"))["items"] == [changed]


async def test_a_relationship_and_a_pin_are_on_the_screens_of_both_profiles(world: World) -> None:
    """P5."""
    async with House.opened(world) as house:
        mia, noah, boss = await house.hire("Mia"), await house.hire("Noah"), await house.hire("Boss", "admin")
        await boss.post("relationship-types", {"id": "mother", "label": "mother", "back": "child"})
        await world.write(house.gateway.hub)
        anne = str(await customer_of(world))
        ada = (await mia.post("customers", {"name": "Ada"}))["id"]
        at_ada, at_anne = await house.screen_at(noah, ada), await house.screen_at(noah, anne)
        made = await mia.post(f"customers/{ada}/relationships", {"type": "mother", "customer": anne})
        assert (await event(at_ada, "relationships"))["relationships"] == [made]
        [back] = (await event(at_anne, "relationships"))["relationships"]
        assert (back["label"], back["customer"], back["name"]) == ("child", ada, "Ada")
        await at_ada.send(type="open", customer=made["customer"], ref="switch")
        assert (await at_ada.next("profile"))["customer"]["id"] == anne
        [entry] = (await mia.get(f"customers/{anne}/timeline"))["items"]
        pin = await mia.post(f"customers/{ada}/pins", {"entry": entry["id"]})
        shown = await event(at_ada, "relationships", f"customer:{ada}")
        assert (shown["pins"], shown["pins"][0]["entry"]["body"]) == ([pin], "message 1")
        for body, field in (
            ({"type": "mother", "customer": ada}, "customer"),
            ({"type": "rival", "customer": anne}, "type"),
        ):
            path = f"customers/{ada}/relationships"
            assert (await mia.problem(path, 422, method="POST", body=body))["field"] == field
    kept = await again(world, noah, f"customers/{ada}/relationships")
    assert kept == {"relationships": [made], "pins": [pin]}
    async with House.opened(world) as house:
        eve = await house.hire("Eve")
        screen = await house.screen_at(eve, ada)
        assert (screen.frames[-1]["relationships"], screen.frames[-1]["pins"]) == ([made], [pin])
        await eve.delete(f"pins/{pin['id']}")
        assert (await event(screen, "relationships"))["pins"] == []
        await eve.delete(f"relationships/{made['id']}")
        assert (await event(screen, "relationships"))["relationships"] == []

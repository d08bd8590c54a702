"""Queues, skills, agents and tokens as administrators set them over REST, and what work makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from gateway.rest_call import RateLimit
from store.ids import new_id
from store.pool import Pool, open_pool
from tests.flow.rest_client import Api, check_problem, client_of, sign_in
from tests.store.profile_seed import add_account


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url)
    await add_account(pool, "sms-main")
    yield pool
    await pool.close()


@pytest.fixture
async def admin(pool: Pool) -> AsyncIterator[Api]:
    async with client_of(pool, RateLimit()) as client:
        yield await sign_in(pool, client, "admin")


async def test_a_queue_is_made_changed_by_who_has_read_it_and_retired(admin: Api, pool: Pool) -> None:
    made = await admin.ask("queues/vip", method="PUT", body={"name": "VIP", "selection": "least_loaded", "weight": 2})
    assert made.status_code == 200, made.text
    told = await admin.ask("queues/vip")
    assert (told.json(), told.headers["etag"]) == (made.json(), made.headers["etag"])
    assert (told.json()["weight"], told.json()["offer_seconds"]) == (2, 20)
    changed = {"name": "VIP", "offer_to": 3}
    assert (await admin.put("queues/vip", changed, if_match=told.headers["etag"]))["selection"] == "longest_idle"
    stale = await admin.ask("queues/vip", method="PUT", body=changed, if_match=told.headers["etag"])
    assert check_problem(stale, 412)["field"] == "If-Match"
    assert "vip" in [each["id"] for each in (await admin.get("queues"))["items"]]
    await admin.delete("queues/vip")
    assert (await admin.problem("queues/vip", 404))["detail"].endswith("lists them.")
    assert "vip" not in [each["id"] for each in (await admin.get("queues"))["items"]]
    done = await pool.fetch("select action from audit where subject ->> 'queue' = 'vip' order by id")
    assert [row["action"] for row in done] == ["queue.change", "queue.change", "queue.remove"]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("queues/vip", {"name": "VIP", "offer_seconds": 4}, 400, "offer_seconds"),
        ("queues/vip", {"name": "VIP", "selection": "random"}, 400, "selection"),
        ("queues/vip", {"name": "VIP", "offer_too": 2}, 400, "offer_too"),
        ("queues/V I P", {"name": "VIP"}, 400, "key"),
        ("skills/Spanish", {"name": "Spanish"}, 400, "key"),
        ("skills/spanish", {"name": ""}, 400, "name"),
    ],
)
async def test_what_is_no_queue_and_no_skill_is_refused_by_its_field(
    admin: Api, path: str, body: Any, status: int, field: str
) -> None:
    assert (await admin.problem(path, status, method="PUT", body=body))["field"] == field


async def test_a_queue_an_account_falls_back_on_stays(admin: Api) -> None:
    refused = await admin.problem("queues/support", 409, method="DELETE")
    assert "sms-main" in refused["detail"]
    assert (await admin.get("queues/support"))["name"] == "Support"


@pytest.mark.parametrize("names", [{"queue": "vip"}, {"queue": "support", "task": {"body": "Call", "queue": "vip"}}])
async def test_a_queue_that_rules_name_stays(admin: Api, pool: Pool, names: Any) -> None:
    await admin.put("queues/vip", {"name": "VIP"})
    rules = msgspec.json.encode({"rules": [{"name": "all", **names}]}).decode()
    await pool.execute("insert into rule_set (body) values ($1::jsonb)", rules)
    assert "rules in force" in (await admin.problem("queues/vip", 409, method="DELETE"))["detail"]


async def test_an_agent_is_made_with_what_they_serve_and_signs_in_by_a_token_that_can_be_withdrawn(admin: Api) -> None:
    await admin.put("skills/spanish", {"name": "Spanish"})
    new = {
        "name": "Bo", "capacity": {"messaging": 2, "total": 3},
        "queues": [{"queue": "support", "most": 1}], "skills": {"spanish": 4},
    }  # fmt: skip
    made = await admin.post("agents", new)
    assert made["queues"] == new["queues"]
    assert (made["skills"], made["capacity"]["messaging"], made["capacity"]["voice"]) == ({"spanish": 4}, 2, 1)
    issued = await admin.post(f"agents/{made['id']}/tokens", {"label": "desk"})
    bo = Api(admin.client, admin.actor, issued["token"])
    assert (await bo.get("me"))["name"] == "Bo"
    assert (await bo.problem("queues/vip", 403, method="PUT", body={"name": "VIP"}))["status"] == 403
    assert (await bo.problem(f"agents/{made['id']}/tokens", 403))["status"] == 403
    [listed] = (await admin.get(f"agents/{made['id']}/tokens"))["items"]
    assert (listed["id"], listed["label"], "token" in listed) == (issued["id"], "desk", False)
    await admin.delete(f"agents/{made['id']}/tokens/{issued['id']}")
    await bo.problem("me", 401)
    await admin.problem(f"agents/{made['id']}/tokens/{issued['id']}", 404, method="DELETE")


async def test_an_agent_is_changed_where_something_is_given_and_by_who_has_read_it(admin: Api) -> None:
    await admin.put("skills/spanish", {"name": "Spanish"})
    made = await admin.post("agents", {"name": "Bo", "queues": [{"queue": "support"}], "skills": {"spanish": 4}})
    path = f"agents/{made['id']}"
    tag = (await admin.ask(path)).headers["etag"]
    changed = await admin.patch(path, {"capacity": {"messaging": 1}, "skills": {}}, if_match=tag)
    assert (changed["name"], changed["queues"], changed["skills"]) == ("Bo", made["queues"], {})
    assert changed["capacity"]["messaging"] == 1
    stale = await admin.ask(path, method="PATCH", body={"name": "Bob"}, if_match=tag)
    assert check_problem(stale, 412)["field"] == "If-Match"
    for body, status, field in (
        ({"queues": [{"queue": "gone"}]}, 404, "queues[0]"),
        ({"queues": [{"queue": "support"}, {"queue": "support"}]}, 422, "queues[1]"),
        ({"skills": {"french": 1}}, 404, "skills.french"),
        ({"skills": {"spanish": 11}}, 400, "skills"),
        ({"capacity": {"messaging": -1}}, 400, "capacity.messaging"),
        ({"role": "service"}, 422, "role"),
        ({"active": False}, 422, "active"),
    ):
        assert (await admin.problem(path, status, method="PATCH", body=body))["field"].startswith(field)
    assert (await admin.get(path)) == changed
    last = await admin.problem(f"agents/{admin.actor.id}", 409, method="PATCH", body={"role": "agent"})
    assert last["field"] == "role"


async def test_skills_in_use_stay(admin: Api) -> None:
    await admin.put("skills/spanish", {"name": "Spanish"})
    made = await admin.post("agents", {"name": "Bo", "skills": {"spanish": 4}})
    assert "agents have it" in (await admin.problem("skills/spanish", 409, method="DELETE"))["detail"]
    await admin.patch(f"agents/{made['id']}", {"skills": {}})
    await admin.delete("skills/spanish")
    assert (await admin.get("skills"))["items"] == []


async def test_capacity_below_what_an_agent_holds_takes_nothing_away(admin: Api, pool: Pool) -> None:
    made = await admin.post("agents", {"name": "Bo", "queues": [{"queue": "support"}]})
    await pool.execute("update agent_state set used_messaging = 1 where agent_id = $1", UUID(made["id"]))
    await admin.patch(f"agents/{made['id']}", {"capacity": {"messaging": 0}})
    [listed] = [each for each in (await admin.get("agents"))["items"] if each["id"] == made["id"]]
    assert listed["capacity"]["messaging"] == {"used": 1, "slots": 0}


async def test_who_works_here_no_more_has_no_token_and_comes_back_when_made_active(admin: Api) -> None:
    made = await admin.post("agents", {"name": "Bo", "queues": [{"queue": "support"}]})
    path = f"agents/{made['id']}"
    token = (await admin.post(f"{path}/tokens", {"label": "desk"}))["token"]
    await admin.delete(path)
    await Api(admin.client, admin.actor, token).problem("me", 401)
    gone = await admin.get(path)
    assert (gone["active"], gone["queues"]) == (False, [])
    await admin.problem(f"{path}/tokens", 409, method="POST", body={"label": "desk"})
    assert (await admin.patch(path, {"active": True}))["active"]
    await admin.post(f"{path}/tokens", {"label": "desk"})
    await admin.problem(f"agents/{admin.actor.id}", 409, method="DELETE")
    await admin.problem(f"agents/{new_id()}", 404, method="DELETE")

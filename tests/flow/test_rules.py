"""R1, R2, R15, R16: rules are drafted, checked, published and rolled back, and the next contact goes by them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.rest_call import RateLimit
from tests.flow.rest_client import Api, client_of, sign_in
from tests.store.company import Company, open_company

PHONE = "+14155550100"
VIP = {"name": "VIP first", "queue": "senior", "priority": 5, "when": {"field": "tags", "has_any": ["vip"]}}
REST = {"name": "everybody else", "queue": "general"}
GOES = {"name": "a VIP goes to seniors", "given": {"tags": ["vip"]}, "queue": "senior", "rule": "VIP first"}
RULES: dict[str, Any] = {"rules": [VIP, REST], "cases": [GOES]}


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.value("insert into queue (id, name) values ('senior', 'Senior') returning id")
        yield company


@pytest.fixture
async def admin(company: Company) -> AsyncIterator[Api]:
    async with client_of(company.pool, RateLimit()) as client:
        yield await sign_in(company.pool, client, "admin")


async def publish(admin: Api, rules: Any = RULES) -> Any:
    """Draft and publish."""
    draft = await admin.put("rules/draft", rules)
    return await admin.post("rules/draft/publish", {"revision": draft["revision"]})


async def vip_writes(company: Company, phone: str = PHONE, text: str = "hello") -> tuple[str, int]:
    """Where a contact of a customer with the tag goes."""
    await company.text(phone, text)
    await company.value(
        "update customer set tags = '{VIP}' where id = (select customer_id from handle where value = $1) returning id",
        phone,
    )
    await company.drain()
    row = (await company.rows("select queue_id, priority from contact order by id desc limit 1"))[0]
    return row["queue_id"], row["priority"]


async def test_what_is_published_takes_the_next_contact_and_rolling_back_reverses_it(
    company: Company, admin: Api
) -> None:
    first = await publish(admin, {"rules": [REST]})
    assert await vip_writes(company) == ("general", 0)
    second = await publish(admin)
    assert (second["version"], second["by"]["name"], second["restores"]) == (first["version"] + 1, "Admin", None)
    assert await vip_writes(company, "+14155550101") == ("senior", 5)
    back = await admin.post(f"rules/versions/{first['version']}/roll-back")
    assert (back["version"], back["restores"]) == (second["version"] + 1, first["version"])
    assert await vip_writes(company, "+14155550102") == ("general", 0)
    versions = [each["version"] for each in await admin.every("rules/versions", 2)]
    assert versions == [back["version"], second["version"], first["version"]]
    actions = await company.rows("select action from audit order by at")
    published = ["rules_drafted", "rules_published"]
    assert [row["action"] for row in actions] == [*published, *published, "rules_rolled_back"]


async def test_a_case_that_fails_keeps_the_draft_from_being_published(company: Company, admin: Api) -> None:
    wrong = RULES | {"cases": [GOES, {"name": "gold too", "given": {"plan": "gold"}, "queue": "senior"}]}
    draft = await admin.put("rules/draft", wrong)
    problem = await admin.problem("rules/draft/publish", 422, method="POST", body={"revision": draft["revision"]})
    assert problem["field"] == "cases[1]"
    assert "'gold too' fails. Expected queue 'senior', got 'general'." in problem["detail"]
    assert await company.value("select count(*) from rule_set") == 0
    assert (await admin.get("rules/draft"))["revision"] == draft["revision"]
    checked = await admin.post("rules/check", wrong, 200)
    assert [case["passed"] for case in checked["cases"]] == [True, False]


@pytest.mark.parametrize(
    ("rule", "field", "remedy"),
    [
        ({"queue": "seniors"}, "rules[0].queue", "did you mean 'senior'?"),
        ({"when": {"field": "tegs", "has_any": ["vip"]}}, "rules[0].when.field", "did you mean 'tags'?"),
        ({"when": {"not": {"field": "plan", "gt": 3}}}, "rules[0].when.not.gt", "takes one of: is, in"),
        ({"when": {"field": "segments", "has_any": ["Big"]}}, "rules[0].when.has_any", "there are none yet"),
        ({"when": {"field": "fields.limit", "gt": "much"}}, "rules[0].when.gt", "is no amount"),
        ({"when": {"field": "channel", "is": "fax"}}, "rules[0].when.is", "there are: chat, email"),
    ],
)
async def test_a_rule_that_cannot_work_is_not_published_and_says_why(
    company: Company, admin: Api, rule: dict[str, Any], field: str, remedy: str
) -> None:
    body = {"key": "limit", "label": "Limit", "type": "money", "currency": "EUR"}
    await admin.post("fields", body)
    rules = {"rules": [VIP | rule]}
    draft = await admin.put("rules/draft", rules)
    problem = await admin.problem("rules/draft/publish", 422, method="POST", body={"revision": draft["revision"]})
    assert problem["field"] == field
    assert remedy in problem["detail"]
    findings = (await admin.post("rules/check", rules, 200))["findings"]
    assert [(each["severity"], each["place"]) for each in findings] == [("error", field)]
    assert await company.value("select count(*) from rule_set") == 0


async def test_two_who_edit_the_draft_do_not_overwrite_each_other(admin: Api) -> None:
    first = await admin.ask("rules/draft", method="PUT", body=RULES)
    tag = first.headers["etag"]
    changed = RULES | {"rules": [REST]}
    assert (await admin.put("rules/draft", changed, if_match=tag))["revision"] == 2
    await admin.problem("rules/draft", 412, method="PUT", body=RULES, if_match=tag)
    stale = await admin.problem("rules/draft/publish", 409, method="POST", body={"revision": 1})
    assert stale["field"] == "revision"
    assert (await admin.get("rules/draft"))["rules"] == [REST]
    await admin.delete("rules/draft")
    await admin.problem("rules/draft", 412, method="PUT", body=RULES, if_match=tag)
    await admin.problem("rules/draft", 404)


async def test_a_revision_of_a_draft_that_is_gone_publishes_no_later_draft(company: Company, admin: Api) -> None:
    read = await admin.put("rules/draft", RULES)
    await admin.delete("rules/draft")
    await admin.put("rules/draft", {"rules": [REST]})
    stale = await admin.problem("rules/draft/publish", 409, method="POST", body={"revision": read["revision"]})
    assert stale["field"] == "revision"
    second = await publish(admin)
    assert second["version"] == 1
    await admin.put("rules/draft", {"rules": [REST]})
    for revision in range(1, 4):
        await admin.problem("rules/draft/publish", 409, method="POST", body={"revision": revision})
    assert await company.value("select count(*) from rule_set") == 1


async def test_who_deletes_what_another_has_changed_is_told(admin: Api) -> None:
    first = await admin.ask("rules/draft", method="PUT", body=RULES)
    second = await admin.ask("rules/draft", method="PUT", body={"rules": [REST]})
    await admin.problem("rules/draft", 412, method="DELETE", if_match=first.headers["etag"])
    assert (await admin.get("rules/draft"))["rules"] == [REST]
    gone = await admin.ask("rules/draft", method="DELETE", if_match=second.headers["etag"])
    assert gone.status_code == 204
    await admin.problem("rules/draft", 412, method="DELETE", if_match=second.headers["etag"])
    await admin.problem("rules/draft", 404, method="DELETE")


async def test_versions_are_compared_by_the_names_of_their_rules(admin: Api) -> None:
    await publish(admin)
    more = {"name": "gold", "queue": "senior", "when": {"field": "plan", "is": "gold"}}
    await admin.put("rules/draft", {"rules": [more, REST, VIP | {"priority": 9}]})
    items = (await admin.get("rules/diff?before=1"))["items"]
    assert [(each["what"], each["name"], each["change"], each["parts"]) for each in items] == [
        ("rule", "gold", "added", []),
        ("rule", "everybody else", "moved", []),
        ("rule", "VIP first", "changed", ["priority"]),
        ("case", "a VIP goes to seniors", "removed", []),
    ]
    assert (await admin.get("rules/diff?before=1&after=1"))["items"] == []
    await admin.problem("rules/diff?before=7", 404)


async def test_a_decision_tells_each_rule_and_stays_right_when_everything_has_changed(
    company: Company, admin: Api
) -> None:
    refund = {"name": "refund", "queue": "senior", "when": {"field": "text", "contains": "refund"}}
    await publish(admin, {"rules": [refund, VIP, REST]})
    await vip_writes(company, text="where is it?")
    contact = await company.value("select id from contact")
    decision = (await admin.get(f"decisions?contact={contact}"))["items"][0]
    before = await admin.get(f"decisions/{decision['id']}")
    assert (before["rule"], before["queue"], before["version"], before["agrees"]) == ("VIP first", "senior", 1, True)
    assert [(step["rule"], step["held"]) for step in before["steps"]] == [("refund", False), ("VIP first", True)]
    seen = [step["because"][0] for step in before["steps"]]
    assert [(each["place"], each["field"], each["value"]) for each in seen] == [
        ("when", "text", "where is it?"),
        ("when", "tags", ["VIP"]),
    ]
    stored = await company.value("select inputs::text from decision")
    assert "where is it?" not in stored, "what the customer wrote stays on the timeline"
    await company.text(PHONE, "a refund please")
    await company.value("update customer set tags = '{}' returning id")
    await company.value("update contact set queue_id = 'general' returning id")
    await publish(admin, {"rules": [REST]})
    assert await admin.get(f"decisions/{decision['id']}") == before


async def test_rules_look_at_the_whole_profile_and_at_the_past(company: Company, admin: Api) -> None:
    await admin.post("fields", {"key": "limit", "label": "Limit", "type": "money", "currency": "EUR"})
    await admin.post("segments", {"id": "big", "name": "Big", "condition": {"field": "fields.limit", "at_least": 100}})
    await company.text(PHONE)
    await company.drain()
    customer = await company.value("select customer_id from handle where value = $1", PHONE)
    await admin.patch(f"customers/{customer}", {"fields": {"limit": "250.50"}})
    every = [
        {"field": "segments", "has_any": ["big"]},
        {"field": "fields.limit", "between": ["250.5", 300]},
        {"field": "contacts_30_days", "ge": 2},
        {"field": "previous_contact_at", "within": "1h"},
        {"field": "last_agent", "exists": False},
    ]
    await publish(admin, {"rules": [{"name": "all of it", "queue": "senior", "when": {"all": every}}, REST]})
    await company.value("update contact set state = 'closed', unrouted = false returning id")
    await company.text(PHONE, "again")
    await company.drain()
    row = (await company.rows("select rule, inputs::text as inputs from decision order by at desc limit 1"))[0]
    assert row["rule"] == "all of it", row["inputs"]
    assert "account" not in row["inputs"], "only what the rules look at is kept"


async def test_who_may_not_configure_may_not_read_rules_or_publish_them(company: Company) -> None:
    async with client_of(company.pool, RateLimit()) as client:
        agent = await sign_in(company.pool, client, "agent")
        await agent.problem("rules/draft", 403)
        supervisor = await sign_in(company.pool, client, "supervisor")
        await supervisor.problem("rules/draft", 404)
        await supervisor.problem("rules/draft", 403, method="PUT", body=RULES)
        assert (await supervisor.post("rules/check", {"rules": [REST]}, 200))["findings"] != []


async def test_too_many_rules_and_too_much_of_them_are_refused_by_name(admin: Api) -> None:
    many = {"rules": [REST | {"name": f"rule {number}"} for number in range(501)]}
    assert (await admin.problem("rules/draft", 400, method="PUT", body=many))["field"] == "rules"
    large = {"rules": [REST | {"name": "x" * 300_000}]}
    assert (await admin.problem("rules/draft", 413, method="PUT", body=large))["field"] == "body"


@pytest.mark.parametrize("depth", [17, 300, 950, 20_000])
async def test_conditions_nested_too_deep_are_refused_however_deep(admin: Api, depth: int) -> None:
    when = '{"not":' * depth + '{"field":"known","is":true}' + "}" * depth
    body = f'{{"rules": [{{"name": "deep", "queue": "general", "when": {when}}}]}}'.encode()
    answer = await admin.ask("rules/check", method="POST", content=body)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert [each["code"] for each in answer.json()["findings"]] == ["too_deep"]


async def test_a_rule_adds_tags_and_topics_once_and_takes_nothing_away(company: Company, admin: Api) -> None:
    money = await admin.post("topics", {"name": "Money"})
    back = await admin.post("topics", {"name": "Back", "parent": money["id"]})
    rule = {"name": "refund", "queue": "senior", "when": {"field": "text", "contains": "refund"}}
    await publish(admin, {"rules": [rule | {"tags": ["refund", "VIP"], "topics": ["money/back"]}, REST]})
    assert await vip_writes(company, text="hello") == ("general", 0)
    assert await vip_writes(company, text="a refund please") == ("senior", 0)
    customer = await company.value("select root_id from customer")
    profile = await admin.get(f"customers/{customer}")
    assert profile["tags"] == ["VIP", "refund"]
    assert (profile["provenance"]["tags"]["source"], profile["provenance"]["tags"]["by"]) == ("rule", None)
    assert [topic["path"] for topic in profile["topics"]] == [["Money"], ["Money", "Back"]]
    conversation = await company.value("select id from conversation")
    assert await company.value("select topic_id::text from conversation_topic") == back["id"]
    await admin.put(f"conversations/{conversation}/topics", {"topics": []})
    await admin.patch(f"customers/{customer}", {"tags": ["mine"]})
    await company.text(PHONE, "the refund, I said")
    await company.drain()
    assert (await admin.get(f"customers/{customer}"))["tags"] == ["mine"], "the same rule adds nothing twice"
    assert await company.value("select count(*) from conversation_topic") == 0
    done = await company.rows("select actor_id, action from audit where actor_id is null order by at")
    assert [row["action"] for row in done] == ["edit", "topics_set"]


async def test_a_topic_that_is_gone_is_left_out_and_holds_up_no_other_decision(company: Company, admin: Api) -> None:
    topic = await admin.post("topics", {"name": "Money"})
    await publish(admin, {"rules": [REST | {"tags": ["seen"], "topics": ["Money"]}]})
    await admin.delete(f"topics/{topic['id']}")
    await company.text(PHONE)
    await company.text("+14155550101")
    await company.drain()
    assert await company.value("select count(*) from customer where tags = '{seen}'") == 2
    assert await company.value("select count(*) from conversation_topic") == 0
    assert await company.value("select count(*) from decision where effects_at is null") == 0
    draft = await admin.put("rules/draft", {"rules": [REST | {"tags": [" seen"], "topics": ["Money"]}]})
    problem = await admin.problem("rules/draft/publish", 422, method="POST", body={"revision": draft["revision"]})
    assert problem["field"] == "rules[0].tags[0]"
    findings = (await admin.post("rules/check", {"rules": [REST | {"topics": ["Money"]}]}, 200))["findings"]
    assert [(each["place"], each["code"]) for each in findings] == [("rules[0].topics[0]", "unknown_topic")]


async def test_effects_that_cannot_be_read_hold_up_no_other_decision(company: Company, admin: Api) -> None:
    await publish(admin, {"rules": [REST | {"tags": ["seen"]}]})
    await company.text(PHONE)
    await company.drain()
    await company.value("""update decision set effects = '{"tags": 5}', effects_at = null returning id""")
    await company.value("update customer set tags = '{}' returning id")
    await company.text("+14155550101")
    await company.drain()
    assert await company.value("select count(*) from customer where tags = '{seen}'") == 1
    assert await company.value("select count(*) from decision where effects_at is null") == 0

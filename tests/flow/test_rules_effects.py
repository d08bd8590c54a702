"""R2, R15: what rules do besides choosing a queue: answer by name, add a task, ask whom first, all of it bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway.rest_call import RateLimit
from model.content import Mail, Mailbox
from model.inbound import HandleRef, InboundMessage
from profiles.auto_reply import MOST_A_DAY
from profiles.record import Delivery, record
from tests.flow.rest_client import Api, client_of, sign_in
from tests.store.company import Company, open_company
from tests.store.invariants import violations

PHONE = "+14155550100"
HELLO = {"text": "Hello {name|there}, {queue} will answer you soon."}


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.value("insert into queue (id, name) values ('senior', 'Our seniors') returning id")
        yield company
        async with company.pool.acquire() as connection:
            wrong = [each for each in await violations(connection) if "by rule" in str(each)]
        assert wrong == []


@pytest.fixture
async def admin(company: Company) -> AsyncIterator[Api]:
    async with client_of(company.pool, RateLimit()) as client:
        yield await sign_in(company.pool, client, "admin")


async def publish(admin: Api, *rules: Any) -> None:
    """In force at once."""
    numbered = [{"name": f"rule {number}", "queue": "senior"} | rule for number, rule in enumerate(rules)]
    draft = await admin.put("rules/draft", {"rules": numbered})
    await admin.post("rules/draft/publish", {"revision": draft["revision"]})


async def said(company: Company) -> list[str]:
    """What left, in order."""
    return [row["body"] for row in await company.rows("select body from outbox order by at")]


async def undone(company: Company) -> list[str]:
    """What the newest decision did not do."""
    return list(await company.value("select undone from decision order by at desc, id desc limit 1"))


async def name_it(company: Company, name: str | None) -> None:
    """What the customer is called."""
    await company.value("update customer set name = $1, shown_name = $1 returning id", name)


async def writes(company: Company, text: str = "hello", *, name: str | None = None) -> None:
    """The customer, of this name, writes, and what follows is done."""
    await company.text(PHONE, text)
    if name is not None:
        await name_it(company, name)
    await company.drain()


async def finish(company: Company) -> None:
    """The contact and the conversation are over: the next message opens anew."""
    await company.value("update contact set state = 'closed', unrouted = false, due_at = null returning id")


async def test_a_rule_answers_by_name_in_nobodys_name_and_leaves_the_work_to_an_agent(
    company: Company, admin: Api
) -> None:
    await publish(admin, {"reply": HELLO})
    await writes(company, name="Ada")
    assert await said(company) == ["Hello Ada, Our seniors will answer you soon."]
    customer = await company.value("select root_id from customer")
    entries = (await admin.get(f"customers/{customer}/timeline"))["items"]
    entry = next(each for each in entries if each["direction"] == "out")
    assert (entry["author"], entry["direction"], entry["status"]) == (None, "out", "queued")
    waits = (await company.rows("select status, needs_attention from conversation"))[0]
    assert tuple(waits) == ("new", True)
    assert await company.states() == ["queued"]
    assert "Ada" not in str(await company.rows("select effects::text, inputs::text from decision"))


async def test_it_answers_a_contact_once_and_a_customer_a_few_times_a_day_and_says_so(
    company: Company, admin: Api
) -> None:
    later = {"when": {"field": "text", "contains": "again"}, "queue": "general"}
    await publish(admin, later | {"reply": HELLO}, {"reply": HELLO})
    await writes(company)
    assert len(await said(company)) == 1
    await writes(company, "again")
    assert len(await said(company)) == 2, "another rule holds now"
    await company.value("update contact set unrouted = true, decision_id = null, state = 'new' returning id")
    await company.drain()
    assert len(await said(company)) == 2
    assert await undone(company) == ["No answer was sent: This rule has answered this contact already."]
    for _ in range(MOST_A_DAY):
        await finish(company)
        await writes(company)
    assert len(await said(company)) == MOST_A_DAY
    assert await undone(company) == [
        f"No answer was sent: The customer has had {MOST_A_DAY} answers by rule within a day."
    ]
    decision = await company.value("select id from decision order by at desc, id desc limit 1")
    assert (await admin.get(f"decisions/{decision}"))["undone"] == await undone(company)
    await company.value("update done_by_rule set at = at - interval '25 hours' returning rule")
    await finish(company)
    await writes(company)
    assert len(await said(company)) == MOST_A_DAY + 1


async def test_a_value_that_is_missing_keeps_the_sentence_from_being_sent_unless_it_has_a_default(
    company: Company, admin: Api
) -> None:
    await publish(admin, {"reply": {"text": "Dear {name}, welcome."}})
    await writes(company)
    assert await said(company) == []
    told = "No answer was sent: {name} is not known and has no default; write one after a bar."
    assert await undone(company) == [told]
    await publish(admin, {"reply": {"text": "Dear {name|friend}, welcome."}})
    await finish(company)
    await writes(company, name="https://evil.example/offer")
    assert await said(company) == ["Dear friend, welcome."]


async def test_who_has_opted_out_or_was_answered_by_an_agent_gets_no_answer_by_rule(
    company: Company, admin: Api
) -> None:
    await publish(admin, {"reply": HELLO})
    await company.text(PHONE)
    await company.value(
        "insert into consent (handle_id, account_id, opted_out) select id, 'sms-main', true from handle returning 1"
    )
    await company.drain()
    assert await said(company) == []
    assert "opted out" in (await undone(company))[0]
    await company.value("update consent set opted_out = false returning 1")
    await finish(company)
    await company.text(PHONE, "hello?")
    await company.worker.drain()
    agent = await company.hire()
    await company.value(
        """
        insert into entry (id, customer_id, conversation_id, kind, channel, direction, body, at, author_id)
        select gen_random_uuid(), c.customer_id, c.conversation_id, 'message', 'sms', 'out', 'I am here',
               clock_timestamp(), $1 from contact c order by c.arrived_at desc limit 1 returning id
        """,
        agent.id,
    )
    await company.worker.carry_out()
    assert await undone(company) == ["No answer was sent: An agent has answered meanwhile."]


async def test_a_rule_adds_one_task_for_a_queue_with_the_customers_name_in_it(company: Company, admin: Api) -> None:
    await publish(admin, {"task": {"text": "Call {name|the customer} back", "due": "2h"}, "tags": ["call back"]})
    before = datetime.now(UTC)
    await writes(company, name="Ada")
    await company.value("update contact set unrouted = true, decision_id = null, state = 'new' returning id")
    await company.drain()
    (task,) = (await admin.get("tasks?queue=senior"))["items"]
    assert (task["body"], task["queue"], task["by"], task["state"]) == ("Call Ada back", "senior", None, "open")
    due = datetime.fromisoformat(task["due_at"])
    assert 7100 < (due - before).total_seconds() < 7400
    assert await undone(company) == ["No task was added: This rule has added a task for this contact already."]


@pytest.mark.parametrize("named", ["last", "fields.owner", "id"])
async def test_a_rule_has_the_last_or_a_named_agent_asked_first(company: Company, admin: Api, named: str) -> None:
    ada, bo = await company.hire("Ada Best"), await company.hire("Bo")
    await admin.post("fields", {"key": "owner", "label": "Owner", "type": "text"})
    first = {"is": str(ada.id) if named == "id" else named, "wait": "45s"}
    await publish(admin, {"agent": first | ({"within": "7d"} if named == "last" else {}), "queue": "general"})
    await company.seat(bo)
    await company.seat(ada)
    await company.text(PHONE)
    customer = await company.value("select root_id from customer")
    if named == "last":
        await company.value(
            """
            insert into entry (id, customer_id, conversation_id, kind, channel, direction, body, at, author_id)
            select gen_random_uuid(), c.customer_id, c.conversation_id, 'message', 'sms', 'out', 'before',
                   c.arrived_at - interval '1 day', $1 from contact c returning id
            """,
            ada.id,
        )
    if named == "fields.owner":
        await admin.patch(f"customers/{customer}", {"fields": {"owner": "ada best"}})
    await company.drain()
    assert await company.offer_of(bo) is None
    assert await company.offer_of(ada) is not None
    chosen = await company.value("select chosen -> 'agent' ->> 'wait_seconds' from decision")
    assert chosen == "45"
    decision = await company.value("select id from decision")
    facts = (await admin.get(f"decisions/{decision}"))["facts"]
    assert named == "id" or str(ada.id) in facts.values()


async def test_rules_look_at_how_the_queues_stand(company: Company, admin: Api) -> None:
    full = {"field": "pool.general.waiting", "ge": 1}
    nobody = {"field": "pool.auto.available", "lt": 1}
    await publish(admin, {"name": "elsewhere", "when": {"all": [full, nobody]}}, {"name": "rest", "queue": "general"})
    await company.text(PHONE)
    await company.drain()
    await company.text("+14155550101")
    await company.drain()
    rows = await company.rows("select queue_id, decision_id from contact order by arrived_at")
    assert [row["queue_id"] for row in rows] == ["general", "senior"]
    why = await admin.get(f"decisions/{rows[1]['decision_id']}")
    assert why["facts"] == {"pool.general.waiting": 1, "pool.auto.available": 0}
    await company.text(PHONE, "it is I, still waiting")
    await company.drain()
    assert await company.value("select queue_id from contact order by arrived_at limit 1") == "general"
    await company.seat(await company.hire())
    await company.text("+14155550102")
    await company.drain()
    assert await company.value("select queue_id from contact order by arrived_at desc limit 1") == "general"
    problem = {"rules": [{"name": "x", "queue": "general", "when": {"field": "pool.nights.waiting", "ge": 1}}]}
    findings = (await admin.post("rules/check", problem, 200))["findings"]
    assert findings[0]["code"] == "unknown_field"


async def test_rules_look_at_what_another_system_said(company: Company, admin: Api) -> None:
    await company.value(
        "insert into source (id, title, url, secret) values ('shop', 'Shop', 'https://shop.example', $1) returning id",
        "0123456789abcdef",
    )
    await publish(admin, {"when": {"field": "external.shop", "has_any": ["overdue"]}}, {"queue": "general"})
    await company.text(PHONE)
    await company.value(
        """
        insert into card (customer_id, source_id, state, body)
        select root_id, 'shop', 'stale', '{"lines": [{"title": "Invoice 7", "status": "Overdue"}], "more": 0}'
          from customer returning 1
        """
    )
    await company.text("+14155550101")
    await company.drain()
    rows = await company.rows("select queue_id, decision_id from contact order by arrived_at")
    assert [row["queue_id"] for row in rows] == ["senior", "general"]
    assert (await admin.get(f"decisions/{rows[0]['decision_id']}"))["facts"] == {
        "external.shop": ["Invoice 7", "Overdue"]
    }


async def test_a_mail_is_answered_in_its_thread_as_what_nobody_wrote(company: Company, admin: Api) -> None:
    await publish(admin, {"reply": HELLO})
    await company.value(
        """
        insert into account (id, channel, provider, address, secrets, region, public_url, queue_id)
        values ('mail', 'email', 'raw', 'us@desk.example', '{secret}', 'US', 'http://localhost/x', 'general')
        returning id
        """
    )
    mail = Mail("Late", Mailbox("ana@home.example"), message_id="<1@home.example>")
    message = InboundMessage(
        "<1@home.example>", HandleRef("email", "ana@home.example"), "Where is it?", content=(mail,)
    )
    async with company.pool.acquire() as connection:
        await record(connection, [Delivery("mail", "email", message, None, "", None, b"")])
    await company.drain()
    left = (await company.rows("select account_id, to_address, in_reply_to, content::text as content from outbox"))[0]
    assert tuple(left)[:3] == ("mail", "ana@home.example", "<1@home.example>")
    (answer,) = msgspec.json.decode(left["content"], type=tuple[Mail, ...])
    assert (answer.subject, answer.automatic) == ("Re: Late", "auto_reply")


async def test_a_contact_that_a_rule_closes_may_still_be_answered(company: Company, admin: Api) -> None:
    await publish(admin, {"queue": None, "close": True, "reply": {"text": "This number is not read."}})
    await writes(company)
    await company.settle()
    assert await said(company) == ["This number is not read."]
    assert await company.states() == ["closed"]

"""Webhooks at a real process: what is answered, what is stored, and that nothing else is (INV1-INV8, INV27; T1-T6)."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlencode
from uuid import UUID

import pytest
from twilio.request_validator import RequestValidator

from store.ids import new_id
from tests.conftest import database, execute, migrate_quietly
from tests.flow.gateway_process import (
    PUBLIC_URL,
    SECRET,
    Gateway,
    Twilio,
    found_company,
    made_up_signature,
    running,
    sign,
    twilio_of,
)

PHONE = "+14155550123"
CAP = 128 * 1024


@pytest.fixture(scope="module")
def shared_url(admin_url: str) -> Iterator[str]:
    """One company for the tests of this file that do not stop anything."""
    name = f"screenpop_webhooks_{os.getpid()}"
    asyncio.run(execute(admin_url, f'drop database if exists "{name}" with (force)', f'create database "{name}"'))
    url = database(admin_url, name)
    asyncio.run(migrate_quietly(url))
    asyncio.run(found_company(url))
    yield url
    asyncio.run(execute(admin_url, f'drop database "{name}" with (force)'))


@pytest.fixture(scope="module")
def processes(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Gateway]]:
    """Two processes of that company."""
    folder = tmp_path_factory.mktemp("gateways")
    with running(shared_url, folder / "0.log") as one, running(shared_url, folder / "1.log") as two:
        for gateway in (one, two):
            asyncio.run(gateway.up())
        yield [one, two]


@pytest.fixture
async def twilio(shared_url: str, processes: list[Gateway]) -> AsyncIterator[Twilio]:
    async with twilio_of(shared_url, *(gateway.url for gateway in processes)) as twilio:
        await twilio.forget()
        yield twilio


async def test_a_signed_form_is_answered_2xx_and_is_one_entry(twilio: Twilio) -> None:
    fields = twilio.form(PHONE, "Grüße & 100 % = ✓")
    answer = await twilio.post(fields)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert await twilio.value("select body from entry") == "Grüße & 100 % = ✓"
    assert await twilio.value("select body from raw_event") == urlencode(fields).encode()
    assert (await twilio.post(fields)).status_code == 200
    assert (await twilio.rows())["entry"] == 1


async def test_one_message_sixteen_times_at_once_to_two_processes_is_one_entry(twilio: Twilio) -> None:
    fields = twilio.form(PHONE, "hello")
    answers = await asyncio.gather(*(twilio.post(fields, process=n % 2) for n in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    rows = await twilio.rows()
    assert {rows[table] for table in ("seen", "raw_event", "customer", "conversation", "contact", "entry")} == {1}


async def test_five_first_messages_at_once_of_each_of_fifty_people(twilio: Twilio) -> None:
    forms = [twilio.form(f"+1415555{person:04d}", f"{person}.{n}") for n in range(5) for person in range(50)]
    answers = await asyncio.gather(*(twilio.post(form, process=n % 2) for n, form in enumerate(forms)))
    assert {answer.status_code for answer in answers} == {200}
    rows = await twilio.rows()
    assert (rows["customer"], rows["conversation"], rows["contact"], rows["entry"]) == (50, 50, 50, 250)
    sql = "select count(distinct (customer_id, conversation_id)) from entry"
    assert await twilio.value(sql) == 50


def forgeries(fields: dict[str, str]) -> dict[str, str]:
    """Signatures of this form that are not Twilio's."""
    right = sign(PUBLIC_URL, fields)
    return {
        "none": "",
        "made up": made_up_signature(),
        "of another secret": sign(PUBLIC_URL, fields, "f" * 32),
        "of another form": sign(PUBLIC_URL, {**fields, "Body": "other"}),
        "of another address": sign(PUBLIC_URL.replace("sms-main", "other"), fields),
        "right but for one letter": ("B" if right.startswith("A") else "A") + right[1:],
    }


@pytest.mark.parametrize("what", forgeries({}))
async def test_a_forged_form_is_403_and_changes_no_row(twilio: Twilio, what: str) -> None:
    fields = twilio.form(PHONE, "hello")
    before = await twilio.rows()
    answer = await twilio.post(fields, signature=forgeries(fields)[what])
    assert answer.status_code == 403
    assert await twilio.changed(before) == set()


async def test_a_body_without_its_hash_is_403_where_twilios_library_raises_type_error(twilio: Twilio) -> None:
    body = json.dumps({"MessageSid": "SM1", "From": PHONE, "Body": "hello"})
    with pytest.raises(TypeError):
        RequestValidator(SECRET).validate(PUBLIC_URL, body, sign(PUBLIC_URL, {}))
    before = await twilio.rows()
    for path in ("", "?x=1", "?bodySHA256=", "?bodySHA256=" + "0" * 64):
        answer = await twilio.raw(body.encode(), path, "application/json")
        assert answer.status_code == 403, path
    assert await twilio.changed(before) == set()


async def test_an_unknown_account_is_404_and_other_methods_are_405(twilio: Twilio) -> None:
    before = await twilio.rows()
    answer = await twilio.client.post(f"{twilio.urls[0]}/hooks/nobody", data=twilio.form(PHONE, "hello"))
    assert answer.status_code == 404
    assert (await twilio.client.put(f"{twilio.urls[0]}/hooks/sms-main", content=b"x")).status_code == 405
    assert await twilio.changed(before) == set()


async def test_a_body_over_the_cap_is_413_whether_or_not_it_says_so(twilio: Twilio) -> None:
    before = await twilio.rows()
    url, headers = f"{twilio.urls[0]}/hooks/sms-main", {"Content-Type": "application/x-www-form-urlencoded"}

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(CAP // 1024 + 1):
            yield b"x" * 1024

    declared = await twilio.client.post(url, content=b"x" * (CAP + 1), headers=headers)
    chunked = await twilio.client.post(url, content=pieces(), headers=headers)
    assert (declared.status_code, chunked.status_code) == (413, 413)
    just_below = await twilio.client.post(url, content=b"x" * CAP, headers=headers)
    assert just_below.status_code == 403, "as large as is allowed is read, and then found to be forged"
    assert await twilio.changed(before) == set()


UNREADABLE: dict[str, tuple[dict[str, str], str]] = {
    "no sender": ({"From": ""}, "From"),
    "an unknown message kind": ({"SmsStatus": "exploded"}, "SmsStatus"),
    "U+0000": ({"Body": "nul \x00 byte"}, "Body"),
    "over-long": ({"Body": "x" * 20_000}, "Body"),
    "another account's": ({"AccountSid": "AC" + "9" * 32}, "AccountSid"),
}


@pytest.mark.parametrize("what", UNREADABLE)
async def test_what_is_genuine_but_unreadable_is_2xx_and_one_dead_letter_however_often(
    twilio: Twilio, what: str
) -> None:
    changes, field = UNREADABLE[what]
    _, token = await twilio.hire("admin")
    before = await twilio.rows()
    fields = twilio.form(PHONE, "hello", **changes)
    answers = await asyncio.gather(*(twilio.post(fields, process=n % 2) for n in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    url = f"{twilio.urls[1]}/v1/dead-letters"
    listed = (await twilio.client.get(url, headers={"Authorization": f"Bearer {token}"})).json()
    assert [(letter["account"], letter["field"]) for letter in listed["items"]] == [("sms-main", field)]
    assert await twilio.changed(before) == {"dead_letter"}
    assert (await twilio.post(twilio.form(PHONE, "the next one"))).status_code == 200
    assert (await twilio.rows())["entry"] == 1


async def test_bytes_that_are_no_form_field_by_field_are_kept_as_a_dead_letter(twilio: Twilio) -> None:
    body = b"Body=%FF&MessageSid=SM1"
    answer = await twilio.raw(body, signature=sign(PUBLIC_URL, {"Body": "\ufffd", "MessageSid": "SM1"}))
    assert answer.status_code == 200
    assert await twilio.value("select body from dead_letter") == body


async def test_stop_is_consent_without_a_contact_and_a_reply_is_then_refused(twilio: Twilio) -> None:
    agent, token = await twilio.hire()
    try:
        async with twilio.screen(token) as screen:
            await twilio.post(twilio.form(PHONE, "hello"))
            offer = (await screen.offer())["offer"]
            await screen.send(type="accept", offer=offer, ref="a")
            [conversation] = (await screen.next("profile"))["conversations"]
            assert (await twilio.post(twilio.form(PHONE, " Stop "), process=1)).status_code == 200
            assert await twilio.value("select opted_out from consent")
            reply = {"conversation": conversation["id"], "body": "pity", "id": str(new_id())}
            await screen.send(type="reply", ref="r", **reply)
            error = await screen.next("error")
            assert (error["ref"], error["code"]) == ("r", "opted_out")
        assert await twilio.value("select count(*) from outbox") == 0
        assert (await twilio.post(twilio.form("+14155550199", "STOP"))).status_code == 200
        assert (await twilio.rows())["contact"] == 1, "an opt-out word makes no contact"
    finally:
        await twilio.pool.execute("update agent_state set presence = 'offline' where agent_id = $1", agent)


@pytest.mark.parametrize("named", [True, False])
async def test_receipts_move_a_reply_forward_only_in_whatever_order_and_however_often(
    twilio: Twilio, named: bool
) -> None:
    await twilio.post(twilio.form(PHONE, "hello"))
    entry = await a_reply(twilio)
    path = f"/status?entry={entry}" if named else "/status"
    steps = [
        ("delivered", "delivered"),
        ("sent", "delivered"),
        ("undelivered", "delivered"),
        ("delivered", "delivered"),
    ]
    steps += [
        ("delivered", "delivered"),
        ("queued", "delivered"),
        ("read", "read"),
        ("failed", "read"),
        ("read", "read"),
        ("delivered", "read"),
    ]
    for status, expected in steps:
        fields = {"MessageSid": "SMreply", "AccountSid": twilio.form("", "")["AccountSid"], "MessageStatus": status}
        answers = await asyncio.gather(*(twilio.post(fields, path, process=n) for n in (0, 1)))
        assert [answer.status_code for answer in answers] == [200, 200]
        assert await twilio.value("select state from outbox where entry_id = $1", entry) == expected, status
    told = await twilio.pool.fetch(
        "select body::jsonb ->> 'status' as s from event where body like '%receipt%' order by seq"
    )
    assert [row["s"] for row in told] == ["delivered", "read"], "a screen is told of each change once"
    unknown = {"MessageSid": "SMreply", "AccountSid": fields["AccountSid"], "MessageStatus": "vanished"}
    assert (await twilio.post(unknown, path)).status_code == 200
    assert (await twilio.rows())["dead_letter"] == 1


RECEIPTS_TOLD = """
select body::jsonb ->> 'status' as status from event where body::jsonb ->> 'kind' = 'receipt' order by seq
"""
REPLY = """
insert into outbox (entry_id, customer_id, conversation_id, account_id, to_address, body, at, state, provider_id)
select $1, customer_id, conversation_id, 'sms-main', '+14155550123', 'hi', now(), 'sent', 'SMreply' from entry
returning entry_id
"""


async def a_reply(twilio: Twilio) -> UUID:
    """A reply that the provider has taken, as the sender leaves it."""
    entry: UUID = await twilio.value(REPLY, new_id())
    return entry


async def test_no_log_line_holds_what_customers_write_or_who_they_are(twilio: Twilio, processes: list[Gateway]) -> None:
    await twilio.post(twilio.form(PHONE, "a secret text"))
    await twilio.post(twilio.form(PHONE, "a secret text", SmsStatus="odd"))
    await twilio.post(twilio.form(PHONE, "a secret text"), signature=made_up_signature())
    for gateway in processes:
        logged = gateway.log.read_text()
        assert not [word for word in ("secret text", PHONE, PHONE[1:], SECRET) if word in logged]
    assert "webhook_forged" in processes[0].log.read_text()

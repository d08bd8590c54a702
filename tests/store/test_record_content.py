"""What a message holds besides words: kept, shown by event and snapshot alike; and what nobody wrote opens nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from model.content import Location, Mail
from model.event import EntryAdded, WindowChanged
from model.inbound import HandleRef, InboundFile, InboundMessage
from model.timeline import Media
from profiles.attachments import MOST_FILES
from profiles.profile import fetch_snapshot
from profiles.record import Delivery
from tests.store.company import Company, open_company
from tests.store.merged import told
from tests.store.races import recorder, text

ADA = HandleRef("email", "ada@example.com")
PHONE = HandleRef("phone", "+14155550100")


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.rows(
            "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id) values"
            " ('wa', 'whatsapp', 'meta', '1', '{secret}', 'US', 'http://localhost/hooks/wa', 'general'),"
            " ('mail', 'email', 'raw', 'help@example.com', '{secret}', 'US', 'http://localhost/hooks/mail', 'general'),"
            " ('mail-2', 'email', 'raw', 'it@example.com', '{secret}', 'US', 'http://localhost/hooks/m2', 'general')"
        )
        yield company


def whatsapp(key: str, body: str = "hello", **more: Any) -> Delivery:
    """A message of somebody's who can be answered for a day."""
    message = InboundMessage(key, PHONE, body, **more)
    return Delivery("wa", "whatsapp", message, None, "", None, b"raw", window_seconds=86_400)


def mail(key: str, *references: str, account: str = "mail", by: HandleRef = ADA, **more: Any) -> Delivery:
    """A mail with this Message-ID, which answers others."""
    content = Mail("Order", None, message_id=key, references=references)
    message = InboundMessage(key, by, "hello", content=(content,), **more)
    return Delivery(account, "email", message, None, "", None, b"raw")


async def snapshot(company: Company) -> Any:
    """The only customer's."""
    customer = await company.value("select distinct root_id from customer")
    async with company.pool.acquire() as connection:
        return await fetch_snapshot(connection, customer)


async def events(company: Company) -> list[Any]:
    """The only customer's, oldest first."""
    return await told(company, await company.value("select distinct root_id from customer"))


@pytest.mark.parametrize("alone", [True, False])
async def test_content_files_and_what_it_answers_are_shown_by_event_and_snapshot_alike(
    company: Company, alone: bool
) -> None:
    one = recorder(company)
    await one.submit(whatsapp("w1"))
    place = Location(52.5, 13.4, "Fernsehturm")
    photo = Media("https://media.example.com/1", "image/jpeg", name="a/../\u200b.ht\u200baccess")
    await company.rows("update handle set verified = $1", alone)  # what has to be learned goes to the batch
    await one.submit(whatsapp("w2", "", content=(place,), media=(photo,), in_reply_to="w1"))
    shown = (await snapshot(company)).timeline
    assert [event.entry for event in await events(company) if isinstance(event, EntryAdded)] == list(shown)
    first, second = shown
    assert (second.content, second.in_reply_to) == ((place,), first.id)
    [medium] = second.media
    assert (medium.state, medium.name, medium.url) == ("pending", "a_.._.htaccess", photo.url)
    [row] = await company.rows("select id, entry_id, state, url from attachment")
    assert (row["id"], row["entry_id"], row["state"]) == (medium.id, second.id, "pending")


@pytest.mark.parametrize("alone", [True, False])
async def test_each_message_moves_the_window_in_which_it_may_be_answered(company: Company, alone: bool) -> None:
    one = recorder(company)
    for key in ("w1", "w2"):
        await company.rows("update handle set verified = $1", alone)
        await one.submit(whatsapp(key))
    moved = [event for event in await events(company) if isinstance(event, WindowChanged)]
    assert [(each.handle, each.account) for each in moved] == [(PHONE.value, "wa")] * 2
    closes_at = await company.value("select closes_at from reply_window")
    assert closes_at == moved[1].closes_at > moved[0].closes_at
    [ago] = await company.rows("select max(at) as at from entry")
    assert abs(closes_at - ago["at"] - timedelta(days=1)) < timedelta(seconds=5)


async def test_a_text_message_costs_nothing_of_this(company: Company) -> None:
    await recorder(company).submit(text("hello"))
    [row] = await company.rows("select content, provider_id, in_reply_to, media from entry")
    assert set(row.values()) == {None}
    for table in ("reply_window", "attachment", "entry_state"):
        assert await company.value(f"select count(*) from {table}") == 0


async def test_files_that_came_with_a_message_are_kept_and_those_over_the_limits_refused(company: Company) -> None:
    files = tuple(InboundFile(f"{n}.txt", "text/plain", b"%d" % n) for n in range(MOST_FILES + 2))
    await recorder(company).submit(mail("a", files=files))
    rows = await company.rows("select state, data, size from attachment order by position")
    assert [row["data"] for row in rows[:MOST_FILES]] == [file.data for file in files[:MOST_FILES]]
    assert [(row["state"], row["data"]) for row in rows[MOST_FILES:]] == [("refused", None)] * 2
    [entry] = (await snapshot(company)).timeline
    assert [medium.state for medium in entry.media] == ["stored"] * MOST_FILES + ["refused"] * 2
    assert all("limit" in medium.error or "others" in medium.error for medium in entry.media[MOST_FILES:])


@pytest.mark.parametrize("channel", ["email", "whatsapp"])
async def test_what_nobody_wrote_is_an_entry_that_opens_nothing(company: Company, channel: str) -> None:
    one = recorder(company)
    make = mail if channel == "email" else whatsapp
    await one.submit(make("a", automatic=True))
    [entry] = (await snapshot(company)).timeline
    assert (entry.kind, entry.direction, entry.conversation) == ("message", "in", None)
    for table in ("contact", "conversation"):
        assert await company.value(f"select count(*) from {table}") == 0
    await one.submit(make("b"))
    await company.rows("update conversation set status = 'waiting', needs_attention = false")
    await one.submit(make("c", automatic=True))
    assert (await snapshot(company)).timeline[-1].conversation is not None
    [row] = await company.rows("select status, needs_attention from conversation")
    assert tuple(row) == ("waiting", False)
    assert await company.value("select messages from contact") == 1
    await company.rows("update conversation set status = 'closed', closed_at = now()")
    await one.submit(make("d", automatic=True))
    assert await company.value("select status from conversation") == "closed"


async def test_a_mail_is_work_of_its_own_class_in_the_customers_one_conversation(company: Company) -> None:
    one = recorder(company)
    chat = HandleRef("social", "visitor", "chat")
    await one.submit(mail("a"))
    both = InboundMessage("s1", chat, "and by chat", also=(ADA,))
    await one.submit(Delivery("sms-main", "chat", both, None, "", None, b""))
    await one.submit(mail("b"))
    rows = await company.rows("select class, messages from contact order by class")
    assert [tuple(row) for row in rows] == [("mail", 2), ("messaging", 1)]
    assert await company.value("select count(*) from conversation") == 1


ENDED = "update conversation set status = 'closed', closed_at = now() - $1::interval, needs_attention = false"


@pytest.mark.parametrize(
    ("days", "references", "reopens"),
    [(29, ("gone", "a"), True), (29, (), False), (31, ("a",), False), (2, (), True), (29, ("b", "zzz"), False)],
)
async def test_a_mail_of_the_thread_reopens_it_within_thirty_days(
    company: Company, days: int, references: tuple[str, ...], reopens: bool
) -> None:
    one = recorder(company)
    await one.submit(mail("a"))
    await company.rows("update contact set state = 'closed'")
    await company.rows(ENDED, timedelta(days=days))
    first = await company.value("select id from conversation")
    await one.submit(mail("c", *references, account="mail-2"))
    [entry] = (await snapshot(company)).timeline[-1:]
    assert (entry.conversation == first) == reopens


async def test_somebody_elses_thread_is_not_reopened_by_naming_it(company: Company) -> None:
    one = recorder(company)
    await one.submit(mail("a"))
    await company.rows(ENDED, timedelta(days=1))
    await one.submit(mail("b", "a", by=HandleRef("email", "eve@example.com")))
    rows = await company.rows("select customer_id, status from conversation order by opened_at")
    assert [row["status"] for row in rows] == ["closed", "new"]
    assert rows[0]["customer_id"] != rows[1]["customer_id"]


async def test_content_that_cannot_be_stored_is_poison(company: Company) -> None:
    from gateway.recorder import Poison

    one = recorder(company)
    for name in ("\x00", "\ud800"):
        with pytest.raises(Poison):
            await one.submit(whatsapp(f"p{ord(name)}", content=(Location(1, 2, name),)))
    await one.submit(msgspec.structs.replace(whatsapp("fine")))
    assert await company.value("select count(*) from entry") == 1

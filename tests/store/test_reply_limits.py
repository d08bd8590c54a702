"""What a channel does not take is said before it is queued, with the field and what to do instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from model.agent import Actor
from model.content import Mail, Mailbox, Template
from model.inbound import HandleRef, InboundMessage
from model.limits import ReplyLimits
from model.refusal import Refused
from model.wire import Reply
from profiles.profile import fetch_snapshot
from profiles.record import Delivery
from profiles.reply import reply
from profiles.stored import Attachment, keep_upload
from store.feeds import transaction
from store.ids import new_id
from store.pool import Connection
from tests.store.company import Company, open_company
from tests.store.races import recorder

PHONE = HandleRef("phone", "+14155550100")
ADA = HandleRef("email", "ada@example.com")
LIMITS = ReplyLimits(
    most_characters=20,
    most_files=2,
    most_file_bytes=10,
    file_types=("image/*", "application/pdf"),
    window_seconds=86_400,
    templates=True,
)
OPEN = ReplyLimits(most_characters=1000, most_files=5, most_file_bytes=1000, subject=True)


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.rows(
            "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id) values"
            " ('wa', 'whatsapp', 'meta', '1', '{secret}', 'US', 'http://localhost/hooks/wa', 'general'),"
            " ('mail', 'email', 'raw', 'help@example.com', '{secret}', 'US', 'http://localhost/hooks/mail', 'general')"
        )
        yield company


@pytest.fixture
async def boss(company: Company) -> Actor:
    return await company.hire("Mia", role="supervisor")


async def written(company: Company, key: str = "w1") -> Reply:
    """A customer writes by WhatsApp; a reply to them."""
    message = InboundMessage(key, PHONE, "hello")
    await recorder(company).submit(Delivery("wa", "whatsapp", message, None, "", None, b"", window_seconds=86_400))
    return Reply(await company.value("select id from conversation"), "hi", new_id())


async def send(company: Company, actor: Actor, frame: Reply, limits: ReplyLimits | None = LIMITS) -> UUID | Refused:
    async def limits_of(_connection: Connection, _account: str) -> ReplyLimits | None:
        return limits

    async with transaction(company.pool, company.announce) as tx:
        return await reply(tx, actor, frame, limits_of)


async def upload(company: Company, actor: Actor, kind: str = "image/png", size: int = 5) -> UUID:
    """A file this agent uploads."""
    attachment = Attachment(new_id(), "a.png", kind, size)
    async with company.pool.acquire() as connection:
        await keep_upload(connection, actor.id, attachment, b"x" * size)
    return attachment.id


def refusal(outcome: UUID | Refused) -> tuple[str, str | None]:
    assert isinstance(outcome, Refused), outcome
    assert outcome.message.endswith(".")
    return outcome.code, outcome.field


async def test_each_limit_has_a_code_and_names_the_field(company: Company, boss: Actor) -> None:
    frame = await written(company)

    async def refused(limits: ReplyLimits = LIMITS, **what: Any) -> tuple[str, str | None]:
        return refusal(await send(company, boss, msgspec.structs.replace(frame, **what), limits))

    async def files(*kinds: str, size: int = 5) -> tuple[UUID, ...]:
        return tuple([await upload(company, boss, kind, size) for kind in kinds])

    assert await refused(body="x" * 21) == ("too_long", "body")
    assert await refused(subject="Order") == ("no_subject", "subject")
    assert await refused(OPEN, template=Template("welcome", "en")) == ("no_templates", "template")
    assert await refused(attachments=await files(*["image/png"] * 3)) == ("too_many_files", "attachments")
    assert await refused(attachments=await files("text/html")) == ("file_type", "attachments")
    assert await refused(attachments=await files("image/png", size=11)) == ("file_too_large", "attachments")
    assert await refused(body="  ") == ("bad_frame", "body")
    assert await company.value("select count(*) from outbox") == 0
    assert isinstance(await send(company, boss, msgspec.structs.replace(frame, body="x" * 20)), UUID)


async def test_outside_the_window_only_a_template_may_go(company: Company, boss: Actor) -> None:
    frame = await written(company)
    await company.rows("update reply_window set closes_at = now()")
    assert refusal(await send(company, boss, frame)) == ("window_closed", "template")
    without = msgspec.structs.replace(LIMITS, templates=False)
    assert refusal(await send(company, boss, frame, without)) == ("window_closed", "body")
    await company.rows("delete from reply_window")
    assert refusal(await send(company, boss, frame)) == ("templates_only", "template")
    template = Template("welcome", "en", ("Ada",))
    sent = await send(company, boss, msgspec.structs.replace(frame, body="", template=template))
    assert isinstance(sent, UUID)
    [row] = await company.rows("select content::text from outbox")
    assert msgspec.json.decode(row["content"], type=tuple[Template, ...]) == (template,)
    await written(company, "w2")
    assert isinstance(await send(company, boss, msgspec.structs.replace(frame, id=new_id())), UUID)


async def test_a_file_belongs_to_its_author_until_it_is_used_and_to_one_reply_then(
    company: Company, boss: Actor
) -> None:
    frame = await written(company)
    other = await company.hire("Eve", role="supervisor")
    file = await upload(company, boss)
    named = msgspec.structs.replace(frame, body="", attachments=(file,))
    gone = ("not_found", "attachments")
    assert refusal(await send(company, other, named)) == gone
    assert refusal(await send(company, boss, msgspec.structs.replace(named, attachments=(new_id(),)))) == gone
    twice = msgspec.structs.replace(named, attachments=(file, file))
    assert refusal(await send(company, boss, twice)) == ("bad_frame", "attachments")
    assert isinstance(await send(company, boss, named), UUID)
    assert await send(company, boss, named) == named.id  # the same frame again
    assert refusal(await send(company, boss, msgspec.structs.replace(named, id=new_id()))) == gone
    row = (await company.rows("select entry_id, account_id from attachment"))[0]
    assert (row["entry_id"], row["account_id"]) == (named.id, "wa")
    assert await company.value("select files from outbox") == [file]
    customer = await company.value("select id from customer")
    async with company.pool.acquire() as connection:
        snapshot = await fetch_snapshot(connection, customer)
    assert snapshot is not None
    [medium] = snapshot.timeline[-1].media
    assert (medium.id, medium.state, medium.size) == (file, "stored", 5)


async def test_what_it_answers_must_be_this_customers_and_known_to_the_provider(company: Company, boss: Actor) -> None:
    frame = await written(company)
    said = await company.value("select id from entry")
    assert isinstance(await send(company, boss, msgspec.structs.replace(frame, in_reply_to=said)), UUID)
    assert await company.value("select in_reply_to from outbox") == "w1"
    note = msgspec.structs.replace(frame, id=new_id(), in_reply_to=new_id())
    assert refusal(await send(company, boss, note)) == ("not_found", "in_reply_to")
    await company.rows("update entry set provider_id = null where id = $1", said)
    unnamed = msgspec.structs.replace(frame, id=new_id(), in_reply_to=said)
    assert refusal(await send(company, boss, unnamed)) == ("no_quote", "in_reply_to")


async def test_a_mail_continues_its_thread_under_its_subject(company: Company, boss: Actor) -> None:
    content = Mail("AW: Order 7", None, message_id="b@x", references=("a@x",))
    message = InboundMessage("m1", ADA, "hello", content=(content,), provider_id="b@x")
    await recorder(company).submit(Delivery("mail", "email", message, None, "", None, b""))
    frame = Reply(await company.value("select id from conversation"), "hi", new_id())
    assert isinstance(await send(company, boss, frame, OPEN), UUID)
    [row] = await company.rows("select content::text, in_reply_to from outbox")
    [mail] = msgspec.json.decode(row["content"], type=tuple[Mail, ...])
    assert (mail.subject, mail.to) == ("Re: Order 7", (Mailbox(ADA.value),))
    assert (mail.in_reply_to, mail.references, row["in_reply_to"]) == ("b@x", ("a@x", "b@x"), "b@x")
    bad = msgspec.structs.replace(frame, id=new_id(), subject="Order\r\nBcc: eve@example.com")
    assert refusal(await send(company, boss, bad, OPEN)) == ("invalid", "subject")
    await company.rows("update entry set content = null")
    assert refusal(await send(company, boss, msgspec.structs.replace(frame, id=new_id()), OPEN)) == (
        "invalid",
        "subject",
    )

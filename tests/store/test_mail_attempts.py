"""What counts against a mail: attempts that ended while it was read, and none of our own trouble (INV1, T23)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from adapters.base import WebhookRequest
from gateway import mail_reader, mail_worker
from gateway.accounts import Accounts
from gateway.mail_reader import Reader, Slow
from gateway.mail_store import commit_mail, pieces_of
from gateway.mail_worker import MOST_ATTEMPTS, MailNeeds, MailWorker, ReadLimits
from model.content import Mail
from model.inbound import InboundMessage
from profiles.record import Delivery
from tests.store.company import Company, open_company

MAIL = b"From: Ana <ana@home.example>\r\nSubject: Order\r\nMessage-ID: <m@home.example>\r\n\r\nWhere is it?"
WAITING = "select count(*) from mail where state = 'waiting'"
AT_ONCE = "update mail set due_at = clock_timestamp(), lease_until = case when $1 then null else lease_until end"


class Recording:
    """Takes what is recorded, once its trouble is over."""

    def __init__(self, trouble: Callable[[], Any] | None, times: int) -> None:
        self.trouble = trouble
        self.left = times
        self.taken: list[Delivery] = []

    async def submit(self, delivery: Delivery) -> None:
        if self.left and self.trouble is not None:
            self.left -= 1
            await self.trouble()
        self.taken.append(delivery)

    def said(self) -> tuple[str, str | None]:
        """The text of the only one, and why it is no more."""
        [delivery] = self.taken
        message = delivery.message
        assert isinstance(message, InboundMessage)
        [content] = message.content
        assert isinstance(content, Mail)
        return message.body, content.incomplete


@pytest.fixture
async def company(database_url: str) -> AsyncIterator[Company]:
    async with open_company(database_url) as company:
        await company.rows(
            "insert into account (id, channel, provider, address, secrets, region, public_url, queue_id) values"
            " ('mail', 'email', 'raw', 'help@desk.example', '{0123456789abcdef}', 'US', 'http://localhost/hooks/mail',"
            " 'general')"
        )
        account = await Accounts(company.pool).get("mail")
        assert account is not None
        await commit_mail(company.pool, account, "m", WebhookRequest("POST", "", "", (), MAIL))
        yield company


@asynccontextmanager
async def working(company: Company, recording: Recording) -> AsyncIterator[asyncio.Task[None]]:
    """A worker that reads mail for as long as the block."""
    needs = MailNeeds(Accounts(company.pool), cast(Any, recording), cast(Any, None))
    worker = MailWorker(company.pool, company.announce, needs, ReadLimits(2.0, 256 * 1024 * 1024))
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def settled(company: Company) -> None:
    """Return when the mail was read; it waits for no attempt."""
    async with asyncio.timeout(30):
        while await company.value(WAITING):
            await company.rows(AT_ONCE, False)
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_worker, "POLL_SECONDS", 0.02)


async def no_connection() -> None:
    raise TimeoutError


async def test_a_mail_that_could_not_be_recorded_five_times_is_read_whole(company: Company) -> None:
    recording = Recording(no_connection, 5)
    async with working(company, recording):
        await settled(company)
    assert (recording.left, recording.said()) == (0, ("Where is it?", None))
    assert await company.value("select state || coalesce(why, '') from mail") == "done"


async def test_a_mail_over_whose_recording_we_were_killed_five_times_is_read_whole(company: Company) -> None:
    reached = asyncio.Event()

    async def never() -> None:
        reached.set()
        await asyncio.Event().wait()

    recording = Recording(never, 5)
    for _ in range(5):
        reached.clear()
        async with working(company, recording), asyncio.timeout(30):
            await reached.wait()
        assert await company.value("select lease_until > clock_timestamp() from mail"), "nobody gave it back"
        await company.rows(AT_ONCE, True)
    async with working(company, recording):
        await settled(company)
    assert recording.said() == ("Where is it?", None)


async def test_a_mail_whose_bytes_could_not_be_had_is_read_whole_later(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles: list[Exception] = [ConnectionResetError(), TimeoutError(), BrokenPipeError()] * 2

    async def pieces(*given: Any) -> AsyncIterator[bytes]:
        if troubles:
            raise troubles.pop()
        async for piece in pieces_of(*given):
            yield piece

    monkeypatch.setattr(mail_worker, "pieces_of", pieces)
    recording = Recording(None, 0)
    async with working(company, recording):
        await settled(company)
    assert (troubles, recording.said()) == ([], ("Where is it?", None))


async def test_a_mail_that_is_slow_to_read_is_given_up_after_some_attempts(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    async def slow(*_: Any) -> None:
        nonlocal tried
        tried += 1
        raise Slow

    monkeypatch.setattr(Reader, "read", slow)
    recording = Recording(no_connection, 1)
    async with working(company, recording):
        await settled(company)
    assert MOST_ATTEMPTS <= tried <= MOST_ATTEMPTS + 1
    assert "several attempts" in (recording.said()[1] or "")


async def test_a_reader_that_breaks_off_ends_the_mail_at_once(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise asyncio.IncompleteReadError(b"", 8)

    monkeypatch.setattr(mail_reader, "_ask", broken)
    recording = Recording(None, 0)
    async with working(company, recording):
        await settled(company)
    assert "more time or memory" in (recording.said()[1] or "")

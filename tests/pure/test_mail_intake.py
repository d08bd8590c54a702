"""Bodies of mail on their way in: what one sender holds, others do not have to do without (T23)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from starlette.requests import Request

from adapters.base import WebhookRequest
from gateway import mail_intake
from gateway.mail_intake import MailIntake
from tests.adapters.email import mailgun_requests, mails

PIECE = 32 * 1024
MAIL = b"From: ana@home.example\r\n\r\n" + b"x" * 3 * PIECE
ACCOUNTS = {account.id: account for account in (mails.account("raw"), mails.account("mailgun"))}


class Known:
    """The accounts."""

    async def get(self, id_: str) -> Any:
        return ACCOUNTS.get(id_)


class Kept:
    """Takes what is committed, at once or when it is let."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, _pool: Any, _account: Any, _key: str, webhook: WebhookRequest) -> bool:
        self.bodies.append(webhook.body)
        await self.may.wait()
        return True


@pytest.fixture
async def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    monkeypatch.setattr(mail_intake, "commit_mail", kept)
    monkeypatch.setattr(mail_intake, "MOST_UNDER_WAY", 8 * PIECE)
    monkeypatch.setattr(mail_intake, "MOST_UNPROVEN", 2 * PIECE, raising=False)
    return kept


@pytest.fixture
def intake(kept: Kept) -> MailIntake:
    return MailIntake(cast(Any, None), cast(Any, Known()), cast(Any, None), lambda: None)


async def post(intake: MailIntake, provider: str, body: bytes, *headers: tuple[str, str], ends: bool = True) -> int:
    """Send a body; without an end the client stays, and says nothing more."""
    said = [{"type": "http.request", "body": body, "more_body": not ends}]

    async def receive() -> Any:
        if not said:
            await asyncio.Event().wait()
        return said.pop()

    scope = {
        **{"type": "http", "method": "POST", "path": f"/hooks/email-{provider}", "query_string": b""},
        "path_params": {"account": f"email-{provider}"},
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    answer = await intake.answer(Request(scope, receive))
    assert answer is not None
    return answer.status_code


async def raw(intake: MailIntake) -> int:
    return await post(intake, "raw", MAIL, ("authorization", f"Bearer {mails.SECRET}"))


async def mailgun(intake: MailIntake) -> int:
    body = mailgun_requests.parsed(body_plain="x" * PIECE)
    return await post(intake, "mailgun", body, ("content-type", mails.MULTIPART))


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_strangers_who_send_slowly_hold_up_no_other_account(intake: MailIntake, kept: Kept) -> None:
    slow = [asyncio.create_task(post(intake, "mailgun", b"x" * PIECE, ends=False)) for _ in range(8)]
    await turns()
    assert [task.result() for task in slow if task.done()] == [503] * 6, "their own share is full"
    assert await raw(intake) == 200
    assert kept.bodies == [MAIL]
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert await mailgun(intake) == 200, "what they held is free again"


async def test_a_mail_that_is_verified_takes_nothing_of_the_share_of_strangers(intake: MailIntake, kept: Kept) -> None:
    kept.may.clear()
    mine = [asyncio.create_task(mailgun(intake)) for _ in range(4)]
    await turns()
    assert len(kept.bodies) == 4
    kept.may.set()
    assert await asyncio.gather(*mine) == [200] * 4
    assert await mailgun(intake) == 200

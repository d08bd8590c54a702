"""What a mail server hears about a mail for several recipients (INV1, INV5)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

import pytest
from aiosmtpd.smtp import Envelope
from msgspec.structs import replace

from adapters.base import AccountConfig, WebhookRequest
from gateway.mail_smtp import Handler
from tests.adapters.email import mails

MAIL = b"From: ana@home.example\r\n\r\nhello\r\n"
TAKEN, GONE, FAILING = "support@desk.example", "gone@desk.example", "failing@desk.example"


class House:
    """Two accounts, one of which cannot keep anything until it is `mended`; the third has just been removed."""

    def __init__(self) -> None:
        raw = mails.account("raw")
        self.accounts = {"taken": replace(raw, id="taken"), "failing": replace(raw, id="failing", address=FAILING)}
        self.mended = False
        self.kept: set[tuple[str, str]] = set()

    async def all(self) -> dict[str, AccountConfig]:
        return self.accounts

    async def take(self, _request: WebhookRequest, account: AccountConfig, key: str) -> bool:
        if account.id == "failing" and not self.mended:
            raise TimeoutError
        new = (account.id, key) not in self.kept
        self.kept.add((account.id, key))
        return new

    async def answer(self, *recipients: str, is_local: bool = False) -> str:
        """What a mail for them is answered."""
        handler = Handler(cast(Any, self), cast(Any, self), is_local=is_local)
        envelope = Envelope()
        envelope.rcpt_tos = list(recipients)
        return await handler.keep(envelope, MAIL)


@pytest.mark.parametrize(
    ("recipients", "answer"),
    [
        ((TAKEN,), "250"),
        ((TAKEN, "support+tag@desk.example"), "250"),
        ((GONE,), "550"),
        ((GONE, "no@desk.example"), "550"),
        ((FAILING,), "451"),
        ((TAKEN, GONE), "451"),
        ((GONE, TAKEN), "451"),
        ((TAKEN, FAILING), "451"),
        ((GONE, FAILING), "451"),
        ((GONE, FAILING, TAKEN), "451"),
    ],
)
async def test_no_mail_is_refused_that_was_kept_for_anybody(recipients: tuple[str, ...], answer: str) -> None:
    house = House()
    assert (await house.answer(*recipients))[:3] == answer
    lines = (await house.answer(*recipients, is_local=True)).split("\r\n")
    assert [line[:3] for line in lines] == [
        {GONE: "550", "no@desk.example": "550", FAILING: "451"}.get(each, "250") for each in recipients
    ]


async def test_a_mail_that_comes_again_is_kept_once_for_each() -> None:
    house = House()
    assert (await house.answer(TAKEN, FAILING)).startswith("451")
    house.mended = True
    assert (await house.answer(TAKEN, FAILING)).startswith("250")
    digest = sha256(MAIL).hexdigest()
    assert house.kept == {("taken", digest), ("failing", digest)}

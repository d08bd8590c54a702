"""A reader of mail that ends: by its limits it is the mail's fault, by a signal from outside it is not (T23)."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.base import WebhookRequest
from gateway.mail_child import Task
from gateway.mail_reader import Ended, Missing, Reader
from tests.adapters.email import mails

MAIL = b"From: ana@home.example\r\n\r\nhello"
TASK = Task(mails.account("raw"), WebhookRequest("POST", "", "", (), b""))


@pytest.mark.parametrize(
    ("given", "raised"),
    [
        (signal.SIGTERM, Missing),
        (signal.SIGINT, Missing),
        (signal.SIGPROF, Ended),
        (signal.SIGKILL, Ended),
    ],
)
async def test_a_reader_that_is_told_to_end_says_nothing_of_the_mail(given: signal.Signals, raised: type) -> None:
    reader = Reader()

    async def whole() -> AsyncIterator[bytes]:
        yield MAIL

    async def cut() -> AsyncIterator[bytes]:
        process: Any = reader._process
        process.send_signal(given)
        yield MAIL[:5]

    try:
        assert (await reader.read(TASK, len(MAIL), whole())).events, "it has begun"
        with pytest.raises(raised):
            await reader.read(TASK, len(MAIL), cut())
        assert (await reader.read(TASK, len(MAIL), whole())).events, "another takes its place"
    finally:
        await reader.stop()

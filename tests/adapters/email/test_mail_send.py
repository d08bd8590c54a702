"""A reply as a mail, and what is known of it after each way it can end (T30, INV24)."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.smtp import SMTP
from msgspec.structs import replace

from adapters.base import AccountConfig, Busy, Outgoing, OutgoingFile, Refused, SendOutcome, Sent, Unknown
from adapters.email.raw import RawMail
from adapters.email.reply_address import Thread
from model.content import Mail, Mailbox
from tests.adapters.email import mails
from tests.flow.gateway_process import free_port
from tests.flow.mail_world import Inbox

ENTRY = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
ANA = "ana@home.example"


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with Inbox.opened() as inbox:
        yield inbox


def account(port: int) -> AccountConfig:
    settings = {"smtp_host": "127.0.0.1", "smtp_port": str(port), "smtp_tls": "none", "from_name": "Desk"}
    return mails.account("raw", **settings)


def outgoing(**changes: object) -> Outgoing:
    said = Mail(
        "Re: Your order",
        None,
        to=(Mailbox(ANA),),
        in_reply_to="<one@home.example>",
        references=("<zero@home.example>",),
    )
    plain = Outgoing(ENTRY, ANA, "Hello Ana,\n.\nGrüße", "<one@home.example>", (said,))
    return replace(plain, **changes)


async def send(port: int, given: Outgoing | None = None, timeout: float = 5.0) -> SendOutcome:
    return await RawMail().send(account(port), given or outgoing(), timeout)


async def test_a_reply_is_a_mail_in_its_thread_that_answers_come_back_to(inbox: Inbox) -> None:
    file = OutgoingFile("Rechnung ü.pdf", "application/pdf", b"%PDF-1.4", "")
    outcome = await send(inbox.port, outgoing(files=(file,)))
    back, to, raw = await inbox.mail()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    thread = Thread(account(0))
    assert outcome == Sent(thread.message_id(ENTRY, ANA), "sent")
    assert (to, back) == ([ANA], thread.reply_address(ENTRY, ANA))
    assert message["Message-ID"] == thread.message_id(ENTRY, ANA)
    assert message["From"] == "Desk <support@desk.example>"
    assert message["Reply-To"] == back
    assert (message["Subject"], message["To"]) == ("Re: Your order", ANA)
    assert message["In-Reply-To"] == "<one@home.example>"
    assert message["References"] == "<zero@home.example> <one@home.example>"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip().replace("\r\n", "\n") == "Hello Ana,\n.\nGrüße"
    [attached] = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("Rechnung ü.pdf", b"%PDF-1.4")


@pytest.mark.parametrize(("automatic", "said"), [("auto_reply", "auto-replied"), (None, None)])
async def test_an_answer_that_nobody_wrote_says_so_to_other_machines(
    inbox: Inbox, automatic: Any, said: str | None
) -> None:
    await send(inbox.port, outgoing(content=(Mail("Re: Your order", None, automatic=automatic),)))
    _back, _to, raw = await inbox.mail()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert message["Auto-Submitted"] == said


@pytest.mark.parametrize(
    "changes",
    [
        {"content": (Mail("a\r\nBcc: x@evil.example", None),)},
        {"content": (Mail("a\nb", None),)},
        {"content": (Mail("a\0b", None),)},
        {"content": (Mail("ok", None, cc=(Mailbox("x@evil.example\r\nBcc: y"),)),)},
        {"to": "ana@home.example\r\nBcc: x@evil.example"},
        {"to": "ana@home.example, x@evil.example"},
        {"to": "<ana@home.example>"},
        {"to": "no address"},
        {"files": (OutgoingFile("a\r\nX: y", "text/plain", b"x", ""),)},
    ],
)
async def test_nothing_that_goes_into_a_header_can_add_one(inbox: Inbox, changes: dict[str, object]) -> None:
    outcome = await send(inbox.port, outgoing(**changes))
    assert isinstance(outcome, Refused)
    assert inbox.mails == []


@pytest.mark.parametrize("name", ["<a>\r\nBcc: x@evil.example", "not an id"])
async def test_what_is_no_message_id_is_left_out(inbox: Inbox, name: str) -> None:
    await send(inbox.port, outgoing(in_reply_to=name, content=(Mail("ok", None, references=(name,)),)))
    message = email.message_from_bytes((await inbox.mail())[2])
    assert message["In-Reply-To"] is None
    assert message["References"] is None
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    ("to_recipient", "to_text", "kind"),
    [
        ("450 4.2.1 busy", "250 ok", Busy),
        ("550 5.1.1 <ana@home.example> no such mailbox", "250 ok", Refused),
        ("250 ok", "451 4.3.0 later", Busy),
        ("250 ok", "421 4.3.2 closing", Busy),
        ("250 ok", "554 5.7.1 no", Refused),
        ("250 ok", "250 ok", Sent),
    ],
)
async def test_what_an_answer_means(inbox: Inbox, to_recipient: str, to_text: str, kind: type) -> None:
    inbox.to_recipient, inbox.answer = to_recipient, lambda _server: to_text
    outcome = await send(inbox.port)
    assert isinstance(outcome, kind)
    assert ANA not in str(outcome)


async def test_an_end_after_the_text_leaves_it_unknown_and_before_it_does_not(inbox: Inbox) -> None:
    def drop(server: SMTP) -> str:
        assert server.transport is not None
        server.transport.close()
        return "250 ok"

    inbox.answer = drop
    assert isinstance(await send(inbox.port), Unknown)
    assert isinstance(await send(free_port()), Busy)


async def test_a_server_that_hangs_is_unknown_after_the_text_and_busy_before() -> None:
    said: list[bytes] = []
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: bytes) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            said.append(line)
            if line.startswith(until):
                await reader.read()
                break
            if line.strip() == b".":
                continue
            if line[:4] in (b"EHLO", b"MAIL", b"RCPT", b"RSET"):
                writer.write(b"250 ok\r\n")
            elif line[:4] == b"DATA":
                writer.write(b"354 go\r\n")
        writer.close()
        ended.set()

    for until, kind in ((b"RCPT", Busy), (b".", Unknown)):
        server = await asyncio.start_server(lambda r, w, u=until: serve(r, w, u), "127.0.0.1", 0)  # type: ignore[misc]
        outcome = await send(server.sockets[0].getsockname()[1], timeout=1.0)
        server.close()
        await ended.wait()
        ended.clear()
        await asyncio.sleep(0.01)  # closing takes a turn
        assert isinstance(outcome, kind), until


async def test_without_a_server_configured_nothing_is_tried() -> None:
    outcome = await RawMail().send(mails.account("raw"), outgoing(id=uuid4()), 1.0)
    assert isinstance(outcome, Refused)
    assert "settings.smtp_host" in outcome.error
    assert outcome.retryable

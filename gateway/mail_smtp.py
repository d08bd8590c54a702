"""Mail by SMTP or LMTP, for a mail server of one's own in front: `screenpop serve --smtp PORT --lmtp PORT`.

A recipient is one of the accounts of provider `raw`, by its address. 250 only after COMMIT; larger than 32 MiB 552;
when it cannot be kept 451, and the mail server comes again. There is no TLS and no password here: it listens on one's
own network, and who sends is proved by that mail server (`settings.trusted_authserv`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from adapters.base import AccountConfig, WebhookRequest
from adapters.email.limits import MOST_BYTES
from adapters.email.raw import ENVELOPE_RECIPIENT
from adapters.email.reply_address import is_ours
from gateway.accounts import Accounts
from gateway.intake import WEBHOOKS
from gateway.mail_intake import Full, MailIntake

MOST_RECIPIENTS: Final = 100
IDLE_SECONDS: Final = 60.0
DATA_SECONDS: Final = 300.0
MOST_SESSIONS: Final = 50
MOST_DRAINED: Final = 4 * MOST_BYTES
AGAIN: Final = "451 4.3.0 not taken: try again"
READ_AT_ONCE: Final = 1 << 24
"""More than the reader ever holds."""

log = structlog.get_logger()


class MailServer(SMTP):
    """aiosmtpd with a reading of mail that takes lines of any length, and no more memory for many short ones."""

    sessions = 0

    def __init__(self, handler: Handler, **given: Any) -> None:
        super().__init__(handler, **given)
        self._taker = handler
        self._is_counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse more sessions than are served."""
        if MailServer.sessions >= MOST_SESSIONS and isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 too many sessions\r\n")
            transport.close()
            return
        MailServer.sessions += 1
        self._is_counted = True
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it back."""
        if self._is_counted:
            self._is_counted = False
            MailServer.sessions -= 1
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """A session that was refused has none to end."""
        ended: bool | None = super().eof_received() if self._is_counted else None
        return ended

    async def push(self, status: Any) -> None:
        """Answer; a mail that was too large is counted."""
        if str(status).startswith("552"):
            WEBHOOKS.labels("", "too_large").inc()
            log.error("mail_too_large", most=MOST_BYTES)
        await super().push(status)

    @syntax("DATA")
    async def smtp_DATA(self, argument: str) -> None:  # the library finds commands by name
        """Take a mail."""
        if await self.check_helo_needed():
            return
        envelope, transport = self.envelope, self.transport
        if envelope is None or transport is None:
            return
        if argument or not envelope.rcpt_tos:
            await self.push("501 5.5.4 Syntax: DATA" if argument else "503 5.5.1 need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        taken = Taken(self._taker.intake)
        try:
            async with asyncio.timeout(DATA_SECONDS):
                while (data := await self._reader.read(READ_AT_ONCE)) and taken.add(data):
                    self._reset_timeout()
            if not taken.ended:
                transport.close()
                return
            self._reader.feed_data(taken.rest)  # nothing else is in it: it was read empty
            await self.push(taken.refusal or await self._taker.keep(envelope, await asyncio.to_thread(taken.mail)))
        except TimeoutError:
            await self.push("421 4.4.2 the mail came too slowly")
            transport.close()
        finally:
            taken.give_back()
            self._set_post_data_state()  # type: ignore[no-untyped-call]


class Taken:
    """A mail on its way in, until the line that is a dot; over the limit it is read on, and let go (RFC 5321,
    4.2.5)."""

    END: Final = b"\r\n.\r\n"

    def __init__(self, intake: MailIntake) -> None:
        self._intake = intake
        self._pieces: list[bytes] = []
        self._last = b"\r\n"
        self._size = 0
        self._read = 0
        self.refusal: str | None = None
        self.ended = False
        self.rest = b""

    def add(self, data: bytes) -> bool:
        """Take what came; whether more is to come."""
        seen = self._last + data
        found = seen.find(self.END)
        if found >= 0:
            self.ended = True
            end = found + len(self.END) - len(self._last)
            data, self.rest = data[:end], data[end:]
        self._last = seen[-len(self.END) + 1 :]
        self._keep(data)
        self._read += len(data)
        return not self.ended and self._read <= MOST_DRAINED

    def _keep(self, data: bytes) -> None:
        if self.refusal is None and self._size + len(data) > MOST_BYTES + len(self.END):
            self.refusal = "552 5.3.4 larger than 32 MiB"
        if self.refusal is None:
            try:
                self._intake.hold(len(data))
                self._size += len(data)
                self._pieces.append(data)
            except Full:
                self.refusal = "451 4.3.1 too much mail at once: try again"
        if self.refusal is not None:
            self._pieces.clear()
            self.give_back()

    def mail(self) -> bytes:
        """The mail, dots taken off that were put before dots."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        plain = whole[:-3].replace(b"\r\n..", b"\r\n.")
        return plain[1:] if plain.startswith(b"..") else plain

    def give_back(self) -> None:
        """It is held no more."""
        self._intake.let_go(self._size)
        self._size = 0


class LocalMailServer(MailServer):
    """LMTP (RFC 2033): greets by LHLO, and answers for each recipient."""

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, argument: str) -> None:  # the library finds commands by name
        """The greeting."""
        await super().smtp_EHLO(argument)

    async def smtp_HELO(self, _argument: str) -> None:
        """Not a command of LMTP."""
        await self.push("500 5.5.1 LHLO, please: this is LMTP")

    async def smtp_EHLO(self, argument: str) -> None:
        """Not a command of LMTP."""
        await self.smtp_HELO(argument)


class Handler:
    """What aiosmtpd asks."""

    def __init__(self, accounts: Accounts, intake: MailIntake, *, is_local: bool) -> None:
        self._accounts = accounts
        self.intake = intake
        self._is_local = is_local

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient that is an account's."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        try:
            account = await self._account(address)
        except Exception as error:  # the database is away
            log.warning("mail_recipient_unknown", error=type(error).__name__)
            return "451 4.3.0 try again"
        if account is None:
            return "550 5.1.1 no account of ours has this address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def keep(self, envelope: Envelope, mail: bytes) -> str:
        """Keep the mail, once for each account it is for; the answer, by LMTP one for each recipient.

        By SMTP one answer is for all. A refusal would have a bounce written to whose mail was kept, so there is one
        only where nobody took it. Of different answers none is right: then the mail server comes again, what was kept
        is known by its bytes, and who is not there any more is refused by name.
        """
        digest = await asyncio.to_thread(lambda: sha256(mail).hexdigest())
        answers = [await self._keep(mail, digest, address) for address in envelope.rcpt_tos]
        if self._is_local:
            return "\r\n".join(answers)
        if len({answer[:3] for answer in answers}) == 1:
            return answers[0]
        log.warning("mail_partly_taken", answers=[answer[:3] for answer in answers])
        return AGAIN

    async def _keep(self, mail: bytes, digest: str, address: str) -> str:
        try:
            account = await self._account(address)
            if account is None:
                return "550 5.1.1 no account of ours has this address"
            added = await self.intake.take(self._request(mail, address), account, digest)
        except Exception as error:  # ours: the mail server keeps it, and comes again
            log.warning("mail_not_taken", error=type(error).__name__)
            return AGAIN
        WEBHOOKS.labels(account.id, "recorded" if added else "replayed").inc()
        return "250 2.0.0 taken"

    def _request(self, body: bytes, address: str) -> WebhookRequest:
        return WebhookRequest(
            method="LMTP" if self._is_local else "SMTP",
            path="",
            query="",
            headers=(("content-type", "message/rfc822"), (ENVELOPE_RECIPIENT, address)),
            body=body,
            received_at=datetime.now(UTC),
        )

    async def _account(self, address: str) -> AccountConfig | None:
        return _account_of(address, (await self._accounts.all()).values())


def _account_of(address: str, accounts: Iterable[AccountConfig]) -> AccountConfig | None:
    raw = (account for account in accounts if (account.channel, account.provider) == ("email", "raw"))
    return next((account for account in raw if is_ours(address, account)), None)


@asynccontextmanager
async def mail_server(
    accounts: Accounts, intake: MailIntake, host: str, ports: dict[str, int | None]
) -> AsyncIterator[None]:
    """Listen on the ports given for `smtp` and `lmtp`, for as long as the block."""
    loop = asyncio.get_running_loop()
    servers = []
    for name, port in ports.items():
        if port is None:
            continue
        kind = LocalMailServer if name == "lmtp" else MailServer
        handler = Handler(accounts, intake, is_local=name == "lmtp")
        servers.append(await loop.create_server(lambda k=kind, h=handler: _session(k, h), host, port))  # type: ignore[misc]
    try:
        yield
    finally:
        for server in servers:
            server.close()


def _session(kind: type[MailServer], handler: Handler) -> MailServer:
    return kind(
        handler,
        data_size_limit=MOST_BYTES,
        enable_SMTPUTF8=True,
        decode_data=False,
        hostname="screenpop",
        ident="screenpop",
        timeout=IDLE_SECONDS,
        loop=asyncio.get_running_loop(),
    )

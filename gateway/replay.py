"""Take a dead letter once more: read and recorded as a webhook of today, with the account of today.

What it says that was recorded already is known by its key and changes nothing, so a letter may be taken as often and
by as many at once as anybody likes. It goes only after everything in it is committed.
"""

from __future__ import annotations

from uuid import UUID

from adapters.base import ParseError, WebhookRequest
from adapters.email.adapter import MailAdapter
from adapters.registry import UnknownProvider, adapter_for
from gateway.accounts import Accounts
from gateway.intake import Intake
from gateway.mail_worker import MailWorker
from profiles.dead_letters import Replayed, WholeDeadLetter, fetch_dead_letter, give_up_reason, raise_letter
from store.pool import Pool


class Replay:
    """Takes letters by the same parts that take webhooks."""

    def __init__(self, pool: Pool, accounts: Accounts, intake: Intake, mail: MailWorker) -> None:
        self._pool = pool
        self._accounts = accounts
        self._intake = intake
        self._mail = mail

    async def __call__(self, id_: UUID) -> Replayed | None:
        """What came of it; None where there is no such letter. Raises what our own failures raise: it stays."""
        async with self._pool.acquire() as connection:
            letter = await fetch_dead_letter(connection, id_)
        if letter is None:
            return None
        why = await self._take(letter)
        async with self._pool.acquire() as connection:
            if why is None:
                await raise_letter(connection, id_)
                return Replayed(id_, True)
            await give_up_reason(connection, id_, *why)
            return Replayed(id_, False, *why)

    async def _take(self, letter: WholeDeadLetter) -> tuple[str, str | None] | None:
        account = await self._accounts.get(letter.account)
        if account is None:
            return "the account is not configured any more", "account"
        try:
            adapter = adapter_for(account.provider, account.channel)
            request = _request(letter)
            if isinstance(adapter, MailAdapter):  # read as all mail is: apart, within limits, HTML and all
                return await self._mail.again(request, account, adapter.commit_key(request))
            unread = await self._intake.record(adapter.parse(request, account), request, account, adapter)
        except UnknownProvider as error:
            return str(error), "provider"
        except ParseError as error:
            return error.reason, error.field
        return (unread[0].reason, unread[0].field) if unread else None


def _request(letter: WholeDeadLetter) -> WebhookRequest:
    """As it was when it was verified; nothing of it is verified again, for signatures grow old."""
    kind = () if letter.content_type is None else (("content-type", letter.content_type),)
    path = f"/hooks/{letter.account}" + (f"/{letter.step}" if letter.step is not None else "")
    return WebhookRequest("POST", path, letter.query, kind, letter.body, letter.step)

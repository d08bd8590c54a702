"""A reply on its way: one mail over one SMTP connection, and what is known of it afterwards.

https://www.rfc-editor.org/rfc/rfc5321#section-4.2: 4yz may be tried again, 5yz not. Once the server was told to expect
the text, an end without an answer says nothing: it may have it.
"""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final

import aiosmtplib
from aiosmtplib import SMTP

from adapters.base import AccountConfig, Busy, Outgoing, Refused, SendOutcome, Sent, Unknown
from adapters.email.compose import Unfit, compose

_CONNECT_SECONDS: Final = 5.0
_GONE: Final = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError, TimeoutError)
_LOCAL_HOST: Final = "screenpop.invalid"


async def send_mail(account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
    """Send once and say what is known. Raises only on cancellation."""
    settings = account.settings
    if not settings.get("smtp_host"):
        return Refused("the account cannot send: set settings.smtp_host", retryable=True)
    try:
        message, back, recipients = compose(account, outgoing, datetime.now(UTC))
        data = await asyncio.to_thread(message.as_bytes)  # the files become base64
    except (Unfit, ValueError) as error:
        return Refused(str(error) if isinstance(error, Unfit) else "the mail cannot be put together from this")
    attempt = _Attempt(account, timeout)
    try:
        async with asyncio.timeout(timeout):
            await attempt.send(back, recipients, data, needs_utf8=not all(each.isascii() for each in recipients))
    except aiosmtplib.SMTPResponseException as error:
        return _refusal(error.code, error.message, attempt)
    except aiosmtplib.SMTPRecipientsRefused as error:
        first = error.recipients[0]
        return _refusal(first.code, first.message, attempt)
    except aiosmtplib.SMTPNotSupported as error:
        return Refused(f"the mail server does not take this: {error}")
    except (*_GONE, aiosmtplib.SMTPException) as error:
        return _lost(type(error).__name__, attempt)
    finally:
        attempt.close()
    return Sent(_id_of(message), "sent")


class _Attempt:
    """One connection. `asked`: the server was told to expect the text, and has not said what became of it."""

    def __init__(self, account: AccountConfig, timeout: float) -> None:
        settings = account.settings
        tls = settings.get("smtp_tls", "starttls")
        self._account = account
        self._client = SMTP(
            hostname=settings["smtp_host"],
            port=int(settings.get("smtp_port", "587")),
            local_hostname=account.address.rpartition("@")[2] or _LOCAL_HOST,
            timeout=timeout,
            use_tls=tls == "implicit",
            start_tls=tls == "starttls",
            tls_context=ssl.create_default_context() if tls != "none" else None,
        )
        self.asked = False

    async def send(self, back: str, recipients: list[str], data: bytes, *, needs_utf8: bool) -> None:
        settings = self._account.settings
        async with asyncio.timeout(_CONNECT_SECONDS):
            await self._client.connect()
        if settings.get("smtp_user"):
            await self._client.login(settings["smtp_user"], settings["smtp_password"])
        options = ["SMTPUTF8"] if needs_utf8 else []
        if needs_utf8 and not self._client.supports_extension("smtputf8"):
            raise aiosmtplib.SMTPNotSupported("addresses with other than plain letters")
        encoding = "utf-8" if needs_utf8 else "ascii"
        await self._client.mail(back, options=options, encoding=encoding)
        for recipient in recipients:
            await self._client.rcpt(recipient, encoding=encoding)
        self.asked = True
        await self._client.data(data)
        self.asked = False

    def close(self) -> None:
        """Close; the mail is taken or not by now, and a good-bye changes nothing."""
        self._client.close()


def _refusal(code: int, said: str, attempt: _Attempt) -> SendOutcome:
    """What an answer that is no success means. An answer to the text settles it: the server does not have it."""
    reason = f"the mail server answers {code}: {_plain(said)}"
    if code == 421 or 400 <= code < 500:
        return Busy(None, reason)
    if 500 <= code < 600:
        return Refused(reason, retryable=code in (530, 534, 535, 538))
    return _lost(f"answer {code}", attempt)


def _lost(why: str, attempt: _Attempt) -> SendOutcome:
    if attempt.asked:
        return Unknown(f"no answer from the mail server ({why}): it may or may not have taken the mail")
    return Busy(None, f"the mail server could not be reached, or broke off before it had the mail ({why})")


def _plain(said: str) -> str:
    """The server's words without addresses, in one line."""
    words = [("…" if "@" in word else word) for word in said.split()]
    return " ".join(words)[:200] or "no reason"


def _id_of(message: EmailMessage) -> str:
    return str(message["Message-ID"])

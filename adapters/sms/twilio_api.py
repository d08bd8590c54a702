"""One message to Twilio's REST API, and what its outcome means.

The library writes the request and reads the answer; under it stands a transport of ours on the project's HTTP
client, as the library's custom HTTP client allows
(https://www.twilio.com/docs/libraries/reference/twilio-python/#custom-http-client). Its own `AsyncTwilioHttpClient`
ignores its timeout and cannot tell whether a request had left when the connection failed. That is what decides:

- Nothing of the request was written (refused, no such host, no free connection, too slow to connect): Busy.
- It was written and no answer came (timeout, reset, an unreadable 2xx): Unknown. Twilio takes no idempotency key,
  so another attempt could be a second message.
- 429: Busy; Twilio documents that such a request is never processed (https://www.twilio.com/docs/api/errors/20429).
- 502 and 504: Unknown; a gateway lost the answer of a server that may have done the work.
- Other 5xx and 408: Busy; the server itself says that it did not do it. Twilio gives no written guarantee for 500,
  so a second message is possible in that class, and preferred to an unanswered customer.
- Other 4xx: Refused.

Nothing is retried here, by the library or by us, and nothing is logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import httpx2
import msgspec
from twilio.base.exceptions import (
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from adapters.base import AccountConfig, Busy, Outgoing, Refused, SendOutcome, Sent, Unknown
from adapters.http_call import CONNECT_SECONDS, LOST_ANSWER, OURS_TO_FIX, retry_after_seconds
from adapters.sms.twilio_errors import describe
from adapters.sms.twilio_signature import callback_overrides
from model.content import Template

# The library reads TWILIO_* from the environment where it is given none; ours is read in one place.
_NO_ENVIRONMENT = {"": ""}
# What the library puts before Twilio's own words.
_PREFIX = "Unable to create record: "

_SENT_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "delivered"}
_FAILED_STATUSES = frozenset(("failed", "undelivered", "canceled"))


class Exchange(AsyncHttpClient):  # type: ignore[misc]  # the library ships no types
    """The transport of one send: remembers whether the request left, and when to come back."""

    def __init__(self, session: httpx2.AsyncClient, timeout: float) -> None:
        super().__init__(logging.getLogger(__name__), True)
        self.left_us = False
        self.retry_after_seconds: float | None = None
        self._session = session
        self._timeout = httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_unused: object,
    ) -> Response:
        """Called by the library."""
        response = await self._session.request(
            method,
            url,
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=self._timeout,
            extensions={"trace": self._trace},
        )
        self.retry_after_seconds = retry_after_seconds(response.headers.get("retry-after"))
        return Response(response.status_code, response.text, response.headers)

    async def _trace(self, event: str, _info: object) -> None:
        if ".send_request_" in event:
            self.left_us = True


async def send_message(
    session: httpx2.AsyncClient, account: AccountConfig, outgoing: Outgoing, timeout: float
) -> SendOutcome:
    """Send once and say what is known. Raises only on cancellation."""
    exchange = Exchange(session, timeout)
    try:
        async with asyncio.timeout(timeout):
            created = await _create(exchange, account, outgoing)
    except (TwilioRestException, TwilioServiceException) as error:
        return _refusal(error, exchange)
    except Exception as error:  # whatever broke, what is known of the message is the same
        reason = type(error).__name__
        if exchange.left_us:
            return Unknown(f"no answer from Twilio ({reason}): it may or may not have taken the message")
        return Busy(None, f"Twilio could not be reached ({reason})")
    return _acceptance(created.sid, created.status, created.error_code)


async def _create(exchange: Exchange, account: AccountConfig, outgoing: Outgoing) -> MessageInstance:
    account_sid = account.settings["account_sid"]
    client = Client(account_sid, account.secrets[0], http_client=exchange, environment=_NO_ENVIRONMENT)
    base = account.settings.get("api_base")
    if base:
        client.api.base_url = base
    service = account.settings.get("messaging_service_sid")
    sender = {"messaging_service_sid": service} if service else {"from_": account.address}
    return await client.messages.create_async(
        to=outgoing.to, status_callback=callback_url(account, outgoing), **_content(outgoing), **sender
    )


def _content(outgoing: Outgoing) -> dict[str, object]:
    """Words and files, which Twilio fetches; or a template by its ContentSid, whose parameters are counted from 1."""
    template = next((each for each in outgoing.content if isinstance(each, Template)), None)
    if template:
        variables = {str(number): value for number, value in enumerate(template.parameters, 1)}
        return {"content_sid": template.name, "content_variables": msgspec.json.encode(variables).decode()}
    files = {"media_url": [file.url for file in outgoing.files]} if outgoing.files else {}
    return {"body": outgoing.body, **files} if outgoing.body or not files else {**files}


def callback_url(account: AccountConfig, outgoing: Outgoing) -> str:
    """Where the receipts of this message go: our id travels in the address, so a receipt always finds its entry."""
    overrides = callback_overrides(account)
    return f"{account.public_url}/status?entry={outgoing.id}" + (f"#{overrides}" if overrides else "")


def _acceptance(sid: object, status: object, error_code: object) -> SendOutcome:
    if not isinstance(sid, str) or not sid:
        return Unknown("Twilio answered without naming the message: it may or may not have taken it")
    if status in _FAILED_STATUSES:
        return Refused(describe(error_code if isinstance(error_code, int) else None, f"the message is {status}"))
    known = _SENT_STATUSES.get(str(status))
    return Sent(provider_id=sid, status="delivered" if known == "delivered" else "sent" if known else "sending")


def _refusal(error: TwilioRestException | TwilioServiceException, exchange: Exchange) -> SendOutcome:
    """What an answer that is no 2xx means."""
    status: int = error.status
    code = error.code if isinstance(error.code, int) and error.code != status else None
    text = str(getattr(error, "msg", "") or getattr(error, "detail", "") or "").removeprefix(_PREFIX)
    reason = describe(code, text if code else f"HTTP {status}")
    if status in LOST_ANSWER:
        return Unknown(f"{reason}: it may or may not have taken the message")
    if status in (408, 429) or status >= 500:
        return Busy(exchange.retry_after_seconds, reason)
    return Refused(reason, retryable=status in OURS_TO_FIX)

"""What all mail providers have in common: the secret in the request, limits of a reply, and sending by SMTP."""

from __future__ import annotations

import binascii
import hmac
import re
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from adapters.base import AccountConfig, Answer, Forged, Outgoing, ReplyLimits, SendOutcome, WebhookRequest
from adapters.email.headers import mailboxes
from adapters.email.limits import MOST_BYTES, MOST_FILES
from adapters.email.reply_address import LONGEST_LOCAL
from model.inbound import InboundEvent

SMTP_SETTINGS: Final = (
    *("smtp_host", "smtp_port", "smtp_tls", "smtp_user", "smtp_password"),
    *("from_name", "reply_address", "recipients"),
)
_TLS: Final = ("starttls", "implicit", "none")
Fetch = Callable[[str], Awaitable[bytes]]
"""Gets an address through the one HTTP client that reaches no address of our own network."""
MOST_CHARACTERS: Final = 100_000
MOST_SENT_BYTES: Final = 20 * 1024 * 1024
"""Of all files of a reply: many servers take 25 MB, and base64 makes a third more of it."""


class MailAdapter(ABC):
    """One provider. A subclass says how a webhook is proved and read; `parse` is pure and may take its time.

    A webhook of mail is committed before it is read, under `commit_key`, and read in a process with limits.
    """

    provider = ""
    channels = frozenset(("email",))
    max_body = MOST_BYTES
    headers_prove = True
    """Whether `verify_headers` shows who sends. Else bodies have a smaller limit until they are verified."""
    settings: tuple[str, ...] = ()
    """Those it knows besides `SMTP_SETTINGS`."""

    def check_account(self, account: AccountConfig) -> list[str]:
        """Everything wrong with the configuration, each naming the field and the remedy."""
        problems = [*_problems(account), *self._problems(account)]
        known = (*SMTP_SETTINGS, *self.settings)
        problems += [
            f"settings.{name} is not known: there are {', '.join(known)}"
            for name in sorted(set(account.settings) - set(known))
        ]
        return [f"{account.id}: {problem}" for problem in problems]

    def _problems(self, account: AccountConfig) -> Iterator[str]:
        """What is wrong with the settings of this provider."""
        return iter(())

    def verify_headers(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged when the headers alone show that the request is not the provider's: its body is never read."""
        verify_secret(request, account)

    async def prepare(  # noqa: B027  # most need nothing
        self, request: WebhookRequest, account: AccountConfig, fetch: Fetch
    ) -> None:
        """Get what verifying needs, in so far as the request may be right. Raises Forged where it cannot be."""

    def verify(self, request: WebhookRequest, account: AccountConfig) -> None:
        """Raise Forged unless the request carries a secret of the account."""
        verify_secret(request, account)

    @abstractmethod
    def parse(self, request: WebhookRequest, account: AccountConfig) -> list[InboundEvent]:
        """The events of a verified request, or ParseError."""

    def commit_key(self, request: WebhookRequest) -> str:
        """What makes a request the same one come again, found without reading it."""
        return sha256(request.body).hexdigest()

    def to_confirm(self, request: WebhookRequest) -> str | None:
        """The address to ask for once, of a verified request that wants no more than that."""
        return None

    def answer(self, request: WebhookRequest, account: AccountConfig) -> Answer:
        """An empty 200."""
        if request.method == "GET":
            raise Forged(f"{self.provider} sends no challenge: configure the webhook as POST")
        return Answer(b"")

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """What mail servers commonly take."""
        return ReplyLimits(MOST_CHARACTERS, MOST_FILES, MOST_SENT_BYTES, subject=True)

    async def send(self, account: AccountConfig, outgoing: Outgoing, timeout: float) -> SendOutcome:
        """Hand one mail to the account's SMTP server, once."""
        from adapters.email.smtp import send_mail  # the reading process has no need of it

        return await send_mail(account, outgoing, timeout)

    async def aclose(self) -> None:  # noqa: B027
        """Nothing is kept open between sends."""


def verify_secret(request: WebhookRequest, account: AccountConfig) -> None:
    """The secret as password of the webhook's address (`https://hook:secret@…`, Basic), or as a Bearer token."""
    given = request.header("authorization")
    if not given:
        raise Forged("no Authorization: put the secret into the webhook's address, or send it as Bearer token")
    scheme, _, value = given.partition(" ")
    candidate = _password(value) if scheme.lower() == "basic" else value if scheme.lower() == "bearer" else None
    if candidate is None or not is_secret(candidate, account):
        raise Forged("the Authorization holds no secret of this account")


def is_secret(candidate: str, account: AccountConfig) -> bool:
    """Whether it is one of the account's secrets, compared in constant time. An empty one never is."""
    given = candidate.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(secret.encode(), given) for secret in account.secrets if secret.strip()]
    return any(matches)


def _password(encoded: str) -> str | None:
    try:
        raw = binascii.a2b_base64(encoded.encode("ascii"), strict_mode=True)
        text = raw.decode("utf-8")
    except (ValueError, UnicodeError):
        return None
    _, colon, password = text.partition(":")
    # One spelling only: others decode to the same.
    return password if colon and b64encode(raw).decode() == encoded else None


def within(request: WebhookRequest, seconds_since_1970: str, account: AccountConfig, usual: int = 300) -> None:
    """Raise Forged when a signed time is too far from when the request arrived; `settings.tolerance_seconds`."""
    if request.received_at is None or not re.fullmatch(r"[0-9]{1,12}", seconds_since_1970):
        raise Forged("no time to judge the signature by")
    tolerance = float(account.settings.get("tolerance_seconds", usual))
    if abs(request.received_at.timestamp() - int(seconds_since_1970)) > tolerance:
        raise Forged("signed too long ago, or in the future: check this machine's clock")


def _problems(account: AccountConfig) -> Iterator[str]:
    if not account.secrets or any(not secret.strip() or secret != secret.strip() for secret in account.secrets):
        yield "secrets is empty, or holds one that is empty or has space around it: give at least 16 random characters"
    elif any(len(secret) < 16 for secret in account.secrets):
        yield "secrets holds one shorter than 16 characters: it also signs reply addresses, give a longer one"
    parts = urlsplit(account.public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield "public_url is no address: give one like https://example.com/hooks/email-main"
    yield from _address_problems(account)
    settings = account.settings
    if settings.get("smtp_tls", "starttls") not in _TLS:
        yield f"settings.smtp_tls is none of {', '.join(_TLS)}"
    if not re.fullmatch(r"[1-9][0-9]{0,4}", settings.get("smtp_port", "587")):
        yield "settings.smtp_port is no port: 587 for STARTTLS, 465 for implicit TLS"
    if not settings.get("tolerance_seconds", "300").isdigit():
        yield "settings.tolerance_seconds is no whole number of seconds"
    if bool(settings.get("smtp_user")) != bool(settings.get("smtp_password")):
        yield "settings.smtp_user and settings.smtp_password belong together: give both or neither"
    if any(character in settings.get("from_name", "") for character in "\r\n\0"):
        yield "settings.from_name holds a line break: remove it"


def _address_problems(account: AccountConfig) -> Iterator[str]:
    for field, address in (
        ("address", account.address),
        ("settings.reply_address", account.settings.get("reply_address", account.address)),
    ):
        found = mailboxes(address)
        if len(found) != 1 or found[0].email != address:
            yield f"{field} is no mail address: give one like support@example.com"
            return
    base = account.settings.get("reply_address", account.address)
    if len(base.partition("@")[0]) > LONGEST_LOCAL:
        yield (
            f"address has more than {LONGEST_LOCAL} characters before the @, so a signed reply address is too long: "
            "give settings.reply_address, a shorter mailbox that ends here too"
        )

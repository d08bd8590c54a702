"""The demo company's addresses on every channel: what the product is configured with, and what the world outside plays.

An account whose adapter is not installed is left out. One secret of the company stands behind all of them; the others
are derived from it, so that nothing else has to be remembered.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters.registry import UnknownProvider, adapter_for
from gateway.demo.outside.telnyx import private_key
from store.pool import Connection

NUMBER = "+15005550006"
VOICE_NUMBER = "+15005550007"
WHATSAPP_NUMBER = "+15005550008"
MAIL_DOMAIN = "desk.example"
MAIL_SERVER = f"mx.{MAIL_DOMAIN}"

SAVE_ACCOUNT = """
insert into account (id, channel, provider, address, secrets, region, public_url, settings, queue_id)
values ($1, $2, $3, $4, array[$5], 'US', $6, $7::jsonb, 'general')
on conflict (id) do update set public_url = excluded.public_url, settings = account.settings || excluded.settings
"""


class Address(Struct, frozen=True):
    """One account of the company, as `demo.json` lists it."""

    id: str
    channel: str
    provider: str
    address: str
    secret: str
    public_url: str
    settings: dict[str, str]


class Keys(Struct, frozen=True):
    """What the company's accounts are made from."""

    account_sid: str
    auth_token: str
    hooks_url: str
    """What account ids are appended to."""
    outside_url: str
    smtp_port: int

    def secret_of(self, account: str) -> str:
        """A secret of an account's own."""
        return hmac.new(self.auth_token.encode(), account.encode(), hashlib.sha256).hexdigest()[:32]

    def identity_of(self, account: str) -> str:
        """An id of fifteen digits, as Meta gives pages and numbers."""
        return "1" + str(int(self.secret_of(f"{account}:id"), 16))[:14]

    def address(self, account: str, channel: str, provider: str, address: str, settings: dict[str, str]) -> Address:
        """An account with the secret and the webhook address that are its own."""
        url = f"{self.hooks_url}/{account}"
        return Address(account, channel, provider, address, self.secret_of(account), url, settings)


def addresses(keys: Keys) -> list[Address]:
    """Every account whose channel is installed."""
    words = {"title": "Ask us", "greeting": "Hello! We usually answer within minutes.", "demo_page": "on"}
    chat = keys.address("chat-main", "chat", "screenpop", "chat-main", words)
    every = [*_phones(keys), *_carriers(keys), *_mail(keys), *_meta(keys), *_chats(keys), chat, _generic(keys)]
    return [one for one in every if _is_installed(one)]


async def save_addresses(connection: Connection, accounts: list[Address]) -> None:
    """Configure them, or move them to where they are at this start."""
    for one in accounts:
        settings = msgspec.json.encode(one.settings).decode()
        await connection.execute(
            SAVE_ACCOUNT, one.id, one.channel, one.provider, one.address, one.secret, one.public_url, settings
        )


def _is_installed(one: Address) -> bool:
    try:
        adapter_for(one.provider, one.channel)
    except UnknownProvider:
        return False
    return True


def _generic(keys: Keys) -> Address:
    settings = {"callback_url": f"{keys.outside_url}/generic/generic-main/replies"}
    return keys.address("generic-main", "generic", "standard", "shop", settings)


def _phones(keys: Keys) -> list[Address]:
    settings = {"account_sid": keys.account_sid, "api_base": keys.outside_url}
    made = [
        keys.address("sms-main", "sms", "twilio", NUMBER, settings),
        keys.address("voice-main", "voice", "twilio", VOICE_NUMBER, settings),
    ]
    # Twilio signs with the one Auth Token of its account, whatever the number.
    return [replace(one, secret=keys.auth_token) for one in made]


def _carriers(keys: Keys) -> list[Address]:
    """Further carriers of text messages, each with a number of its own."""

    def number(provider: str, digit: int, *names: str) -> Address:
        account = f"{provider}-main"
        settings = {"api_base": keys.outside_url} | {name: keys.secret_of(f"{account}:{name}") for name in names}
        return keys.address(account, "sms", provider, f"+1500555001{digit}", settings)

    own = ("callback_user", "account_id", "application_id", "api_token", "api_secret")
    telnyx = number("telnyx", 3, "api_key")
    public = private_key(telnyx.settings["api_key"]).public_key().public_bytes_raw()
    return [
        number("vonage", 0, "api_key", "api_secret"),
        number("bandwidth", 1, *own),
        number("messagebird", 2, "access_key", "channel_id"),
        replace(telnyx, secret=base64.b64encode(public).decode()),  # what Telnyx signs with it keeps to itself
    ]


def _mail(keys: Keys) -> list[Address]:
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": str(keys.smtp_port), "smtp_tls": "none"}
    return [
        keys.address("email-main", "email", "postmark", f"support@{MAIL_DOMAIN}", smtp),
        keys.address("email-raw", "email", "raw", f"help@{MAIL_DOMAIN}", {**smtp, "trusted_authserv": MAIL_SERVER}),
    ]


def _chats(keys: Keys) -> list[Address]:
    """X, Viber, Slack, LINE and Telegram."""
    base = {"api_base": keys.outside_url}
    names = ("consumer_key", "access_token", "access_token_secret")
    signing = {name: keys.secret_of(f"x-main:{name}") for name in names}
    bot = {"bot_token": f"xoxb-{keys.secret_of('slack-main:bot')}"}
    line = base | {"data_base": keys.outside_url, "access_token": keys.secret_of("line-main:access")}
    telegram = base | {"bot_token": f"{keys.identity_of('telegram-main')}:{keys.secret_of('telegram-main:bot')}"}
    return [
        keys.address("line-main", "line", "line", f"U{keys.secret_of('line-main:id')}", line),
        keys.address("telegram-main", "telegram", "telegram", keys.identity_of("telegram-main"), telegram),
        keys.address("x-main", "x", "x", keys.identity_of("x-main"), base | signing),
        keys.address(
            "viber-main", "viber", "viber", f"pa:{keys.identity_of('viber-main')}", base | {"sender_name": "Desk"}
        ),
        keys.address("slack-main", "slack", "slack", f"A{keys.identity_of('slack-main')}", base | bot),
    ]


def _meta(keys: Keys) -> list[Address]:
    made = []
    for channel in ("whatsapp", "messenger", "instagram"):
        account = f"{channel}-main"
        settings = {"api_base": keys.outside_url, "access_token": keys.secret_of(f"{account}:access")}
        settings |= {"verify_token": keys.secret_of(f"{account}:verify")}
        identity = keys.identity_of(account)
        if channel == "whatsapp":
            settings["phone_number_id"] = identity
        address = WHATSAPP_NUMBER if channel == "whatsapp" else identity
        made.append(keys.address(account, channel, "meta", address, settings))
    return made

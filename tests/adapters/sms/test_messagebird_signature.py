"""MessageBird's proof, held to the vectors that all of MessageBird's own SDKs are tested with.

https://github.com/messagebird/python-rest-api/blob/master/tests/test_request_validator/webhook_signature_test_data.json
"""

from __future__ import annotations

from datetime import datetime

import pytest
from msgspec.structs import replace

from adapters.base import AccountConfig, Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.sms.messagebird_requests import ACCOUNT

MESSAGEBIRD = adapter_for("messagebird", "sms")
SECRET = "36efdd1aace2e26cd490f0d951138253bef2f7c6d34d18981da781555cc4cebb"
AT = datetime.fromisoformat("2021-07-05T12:00:00+02:00")
HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
WITH_BODY = HEAD + (
    "eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiI5M2U1NTAwNi1hMGU4LTQ1MjYtYTE5"
    "MC1mYTVmZjAwZWExMTYiLCJ1cmxfaGFzaCI6IjQxZjA1ZjBkZGQwYTIyYWIyMDlhYzQ2ZjQ3YzQ1NzJkOWNlZmEyNTdlZDc0YjI0MDA0YmFlNzUz"
    "ZWNlNmMyNjAiLCJwYXlsb2FkX2hhc2giOiJkZmZkNjAyMWJiMmJkNWIwYWY2NzYyOTA4MDllYzNhNTMxOTFkZDgxYzdmNzBhNGIyODY4OGEzNjIx"
    "ODI5ODZmIn0._H--TOuYFLpeEH39-rg5E3IHVkjHozBcaKVWPRC5m9I"
)
WITHOUT = HEAD + (
    "eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiJjOTQ2YWY3Ny1lMTgyLTRlYWEtYjJm"
    "Zi0xYTU0NWI1ZTk5MWEiLCJ1cmxfaGFzaCI6IjQxZjA1ZjBkZGQwYTIyYWIyMDlhYzQ2ZjQ3YzQ1NzJkOWNlZmEyNTdlZDc0YjI0MDA0YmFlNzUz"
    "ZWNlNmMyNjAifQ.huo2ou6JDoDc7sV25d75UMWeYhBeavQlLsqIibSZuac"
)
NOT_YET = HEAD + (
    "eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ4MjgwMCwiZXhwIjoxNjI1NDgyODYwLCJqdGkiOiJmOWY4YzM4Mi0yNDQ5LTQzMTEtYjcy"
    "Yi0xZGY3MTY4NzkzMWUiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzlj"
    "Nzc4M2U5ZDcifQ.ZELgDFNGhjZH9CffQKcq3sytBe2I0KciLxpBhcfstHQ"
)
OVER = HEAD + (
    "eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3NTYwMCwiZXhwIjoxNjI1NDc1NjYwLCJqdGkiOiI1ZjAyZjUyMi02MDMwLTQ2YzgtYjVh"
    "My0wMTI0NjQ3OGQ4YmMiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzlj"
    "Nzc4M2U5ZDcifQ.45MSST3B_2PsjNUeiuW54_vUQgVw4rBXrdWrOUEz3lM"
)


def asked(token: str, url: str, body: bytes = b"") -> tuple[WebhookRequest, AccountConfig]:
    """A vector's request, and the account it is for."""
    address, _, query = url.partition("?")
    headers = (("messagebird-signature-jwt", token),)
    account = replace(ACCOUNT, secrets=(SECRET,), public_url=address)
    return WebhookRequest("POST", "/path", query, headers, body, received_at=AT), account


@pytest.mark.parametrize(("token", "body"), [(WITH_BODY, b"Hello, World!"), (WITHOUT, b"")])
def test_messagebirds_own_vectors_verify(token: str, body: bytes) -> None:
    MESSAGEBIRD.verify(*asked(token, "https://example.com/path?bar=1&foo=2", body))


@pytest.mark.parametrize(
    ("token", "url", "body"),
    [
        (NOT_YET, "https://example.com/", b""),
        (OVER, "https://example.com/", b""),
        (WITHOUT, "https://example.com/path?foo=2&bar=1", b""),
        (WITHOUT, "https://example.com/path?bar=1&foo=2", b"Hello, World!"),
        (WITH_BODY, "https://example.com/path?bar=1&foo=2", b"Hello, world!"),
        (WITH_BODY, "https://example.com/path?bar=1&foo=2", b""),
    ],
)
def test_what_its_vectors_call_invalid_is_forged(token: str, url: str, body: bytes) -> None:
    with pytest.raises(Forged):
        MESSAGEBIRD.verify(*asked(token, url, body))

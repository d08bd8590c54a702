"""Pigeon Post under the cases every provider is held to, and what is its own."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import httpx2
import pytest
from pigeon_post import Pigeon
from pigeon_requests import ACCOUNT, FIXTURES, SECRET, Harness, signed

from adapters.base import Outgoing, Sent, WebhookRequest
from adapters.http_call import Call
from adapters.testing import LEAST_READ, HarnessBase, WebhookSecurityCases, fuzz
from model.content import Unsupported
from model.inbound import DeliveryReceipt, HandleRef, InboundEvent, InboundMessage

AT = datetime(2026, 11, 3, 9, 12, 44, tzinfo=UTC)
CUSTOMER = HandleRef("phone", "+14155550123")


@pytest.fixture
def harness() -> HarnessBase:
    return Harness()


class TestPigeonPost(WebhookSecurityCases):
    """Everything a webhook must withstand."""


def test_mutated_fixtures_raise_only_parse_error(harness: HarnessBase) -> None:
    assert fuzz(harness, seconds=0.5, seed=1).share >= LEAST_READ


def test_the_signature_of_the_document_is_genuine() -> None:
    body = b'{"id":"ev-7","type":"message","to":"+15105550100","from":"+14155550123","text":"Good day"}'
    known = "cfc6e6e51d30742de9648d96a5d78300dee6cb3c7b72a56d149e8e219d4eb059"
    headers = (("x-pigeon-time", "1793697164"), ("x-pigeon-signature", known))
    request = WebhookRequest("POST", "/hooks/sms-pigeon", "", headers, body, received_at=AT)
    Pigeon().verify(request, ACCOUNT)


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("message", InboundMessage("ev-1", CUSTOMER, "Hello")),
        ("receipt", DeliveryReceipt("ev-2", "pg-9", "delivered")),
        ("feather", InboundMessage("ev-3", CUSTOMER, "", content=(Unsupported("feather"),))),
    ],
)
def test_each_fixture_is_read_as_what_it_is(name: str, event: InboundEvent) -> None:
    body = (FIXTURES / f"pigeon_{name}.json").read_bytes()
    assert Pigeon().parse(signed(body), ACCOUNT) == [event]


def test_a_reply_is_one_request_that_may_be_repeated() -> None:
    entry = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
    assert Pigeon().calls(ACCOUNT, Outgoing(entry, "+14155550123", "Hello back")) == [
        Call(
            "https://api.pigeon.example/messages",
            headers={"Authorization": f"Bearer {SECRET}"},
            json={"id": str(entry), "from": "+15105550100", "to": "+14155550123", "text": "Hello back"},
            repeatable=True,
        )
    ]
    assert Pigeon().accepted(httpx2.Response(200, json={"message": "pg-9"})) == Sent("pg-9", "sending")
    assert Pigeon().accepted(httpx2.Response(200, json={})) is None

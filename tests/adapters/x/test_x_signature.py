"""X's proofs, held to values that were published by X."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from adapters import oauth1
from adapters.base import Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.x.x_requests import ACCOUNT, signed

X = adapter_for("x", "x")
# https://github.com/xdevplatform/autohook/blob/master/test/signature.js, with the consumer secret "test".
PUBLISHED = {
    b"test=1&other_test=2": "sha256=25Cu3iwbbiqBTwQRzcKJZwisjf736V2Q8UaTlkfLSoc=",
    b'{"test_number":1,"test_string":"two"}': "sha256=YWHphPn/JFq43jkF0y4/w8R/SelmLjvpunhVFY8JhlI=",
}
CHALLENGE = "SYYKwb5URQ4OnNXL3KWDH9ph6EIaP+4PTQFxLk5FIK4="
TEST = replace(ACCOUNT, secrets=("test",))


@pytest.mark.parametrize("body", PUBLISHED)
def test_the_signatures_of_xs_own_tests_verify(body: bytes) -> None:
    headers = (("x-twitter-webhooks-signature", PUBLISHED[body]),)
    X.verify(WebhookRequest("POST", "/hooks/x-main", "", headers, body), TEST)
    with pytest.raises(Forged):
        X.verify(WebhookRequest("POST", "/hooks/x-main", "", headers, body + b" "), TEST)


def test_after_rotation_either_secret_verifies() -> None:
    X.verify(signed(b"{}", "old"), replace(ACCOUNT, secrets=("new", "old")))


def test_the_challenge_is_answered_with_a_signature_of_its_token() -> None:
    """https://docs.x.com/x-api/webhooks/quickstart, "Securing webhooks"; the digest was made with openssl."""
    answer = X.answer(WebhookRequest("GET", "/hooks/x-main", "crc_token=challenge_string&nonce=1", (), b""), TEST)
    assert answer.content_type == "application/json"
    expected = "sha256=" + CHALLENGE
    assert json.loads(answer.body) == {"response_token": expected}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "crc_token=",
        "crc_token=a&crc_token=b",
        "nonce=1",
        "crc_token=%7B%22for_user_id%22%3A1%7D",
        "crc_token=a%20b",
    ],
)
def test_nothing_that_could_be_a_webhook_is_signed(query: str) -> None:
    with pytest.raises(Forged):
        X.answer(WebhookRequest("GET", "/hooks/x-main", query, (), b""), ACCOUNT)


def test_requests_are_signed_as_the_example_of_the_document() -> None:
    """https://docs.x.com/resources/fundamentals/authentication/oauth-1-0a/creating-a-signature."""
    keys = oauth1.Keys(
        "xvz1evFS4wEEPTGEFPHBog",
        "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    )
    said = "Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21"
    url = f"https://api.twitter.com/1.1/statuses/update.json?include_entities=true&status={said}"
    at = datetime.fromtimestamp(1318622958, UTC)
    header = oauth1.authorization("POST", url, keys, "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", at)
    assert 'oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"' in header
    assert header.startswith("OAuth oauth_consumer_key=")
    assert "kAcSOqF" not in header + repr(keys)

"""Vonage's proof, held to the token in the tests of Vonage's own SDK.

https://github.com/Vonage/vonage-python-sdk/blob/main/jwt/tests/test_verify_jwt.py. That token bears no hash of a body
and an old time, so its signature is held against `claims_of`, which every webhook goes through.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from adapters.base import Forged
from adapters.jwt_hs256 import claims_of
from adapters.registry import adapter_for
from tests.adapters.sms.tokens import digest, token
from tests.adapters.sms.vonage_requests import ACCOUNT, Harness

TOKEN = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMyNTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9."
    "88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM"
)
SECRET = "qwertyuiopasdfghjklzxcvbnm123456"
HARNESS = Harness()
VONAGE = adapter_for("vonage", "sms")
NOW = int(datetime.now(UTC).timestamp())


def test_the_token_of_vonages_own_tests_is_genuine_and_claims_what_it_says() -> None:
    claims = claims_of(TOKEN, ["another", SECRET])
    assert (claims.iss, claims.iat, claims.payload_hash) == ("Online JWT Builder", 1697634680, None)


@pytest.mark.parametrize("changed", ["asdf", TOKEN[:-1], TOKEN + "A", TOKEN.replace("J9.", "J8."), TOKEN + ".x", ""])
def test_no_other_token_is(changed: str) -> None:
    with pytest.raises(Forged):
        claims_of(changed, [SECRET])


def test_another_secret_is_none_of_its() -> None:
    with pytest.raises(Forged):
        claims_of(TOKEN, ["asdf"])


@pytest.mark.parametrize(
    ("claims", "algorithm"),
    [
        ({"iat": NOW}, "HS256"),
        ({"iat": NOW, "payload_hash": digest(b"other")}, "HS256"),
        ({"payload_hash": "BODY"}, "HS256"),
        ({"iat": NOW - 400, "payload_hash": "BODY"}, "HS256"),
        ({"iat": NOW + 400, "payload_hash": "BODY"}, "HS256"),
        ({"iat": NOW, "payload_hash": "BODY"}, "none"),
        ({"iat": NOW, "payload_hash": "BODY"}, "HS512"),
    ],
)
def test_a_token_that_does_not_prove_this_body_now_is_forged(claims: dict[str, object], algorithm: str) -> None:
    request = HARNESS.signed()
    said = claims | ({"payload_hash": digest(request.body)} if claims.get("payload_hash") == "BODY" else {})
    proof = ("authorization", f"Bearer {token(said, ACCOUNT.secrets[0], algorithm)}")
    with pytest.raises(Forged):
        VONAGE.verify(replace(request, headers=(request.headers[0], proof)), ACCOUNT)


def test_a_token_in_time_is_genuine() -> None:
    request = HARNESS.signed_at(HARNESS.signed().body, ACCOUNT.secrets[0], datetime.now(UTC) - timedelta(minutes=4))
    VONAGE.verify(request, ACCOUNT)

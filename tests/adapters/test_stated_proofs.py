"""Proofs that an adapter only states: what each of their parts is for."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from adapters.base import AccountConfig, Forged, WebhookRequest
from adapters.proof import Given, Proof, Signed

BODY, TIME = b'{"said": "Hello"}', "1531420618"
ACCOUNT = AccountConfig(
    *("x-main", "x", "x", "1", ("old", "new"), "DE", "https://desk.example.com/hooks/x-main"), {"user": "hook"}
)


def asked(**headers: str) -> WebhookRequest:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    at = datetime.fromtimestamp(int(TIME) + 10, UTC)
    return WebhookRequest("POST", "/hooks/x-main", "", named, BODY, received_at=at)


def signature(said: bytes, secret: str = "new") -> bytes:
    return hmac.new(secret.encode(), said, hashlib.sha256).digest()


PLAIN, PREFIXED = Signed("x-mac"), Signed("x-mac", "base64", prefix="sha256=")
TIMED = Signed("x-mac", prefix="v0=", time="x-time", form=b"v0:%b:%b")
SECRET, PASSWORD = Given("x-secret"), Given("authorization", user="user")
OVER_TIME = b"v0:" + TIME.encode() + b":" + BODY
BASIC = "Basic " + b64encode(b"hook:new").decode()
GOOD: list[tuple[Proof, dict[str, str]]] = [
    (PLAIN, {"x_mac": signature(BODY).hex()}),
    (PLAIN, {"x_mac": signature(BODY, "old").hex()}),
    (PREFIXED, {"x_mac": "sha256=" + b64encode(signature(BODY)).decode()}),
    (TIMED, {"x_mac": "v0=" + signature(OVER_TIME).hex(), "x_time": TIME}),
    (SECRET, {"x_secret": "new"}),
    (PASSWORD, {"authorization": BASIC}),
]
BAD: list[tuple[Proof, dict[str, str]]] = [
    (PLAIN, {}),
    (PLAIN, {"x_mac": ""}),
    (PLAIN, {"x_mac": signature(BODY + b" ").hex()}),
    (PLAIN, {"x_mac": signature(BODY, "another").hex()}),
    (PREFIXED, {"x_mac": b64encode(signature(BODY)).decode()}),
    (TIMED, {"x_mac": "v0=" + signature(OVER_TIME).hex()}),
    (TIMED, {"x_mac": "v0=" + signature(OVER_TIME).hex(), "x_time": str(int(TIME) + 1)}),
    (TIMED, {"x_mac": "v0=" + signature(OVER_TIME).hex(), "x_time": "now"}),
    (SECRET, {"x_secret": "ne"}),
    (PASSWORD, {"authorization": "new"}),
    (PASSWORD, {"authorization": "Basic " + b64encode(b"else:new").decode()}),
]


@pytest.mark.parametrize(("proof", "headers"), GOOD)
def test_what_is_proved_passes(proof: Proof, headers: dict[str, str]) -> None:
    proof.check(asked(**headers), ACCOUNT)


@pytest.mark.parametrize(("proof", "headers"), BAD)
def test_nothing_else_does(proof: Proof, headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        proof.check(asked(**headers), ACCOUNT)


def test_a_signature_of_five_minutes_ago_is_old() -> None:
    headers = {"x_mac": "v0=" + signature(OVER_TIME).hex(), "x_time": TIME}
    later = datetime.fromtimestamp(int(TIME) + 301, UTC)
    with pytest.raises(Forged, match="too long ago"):
        TIMED.check(replace(asked(**headers), received_at=later), ACCOUNT)


@pytest.mark.parametrize("proof", [PLAIN, TIMED, SECRET, PASSWORD])
def test_without_a_secret_nothing_is_proved(proof: Proof) -> None:
    with pytest.raises(Forged, match="no secret"):
        proof.check(asked(x_mac="", x_secret="", authorization=""), replace(ACCOUNT, secrets=("",)))


def test_without_the_user_no_password_is() -> None:
    with pytest.raises(Forged):
        PASSWORD.check(asked(authorization="Basic " + b64encode(b":new").decode()), replace(ACCOUNT, settings={}))

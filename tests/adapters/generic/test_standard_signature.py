"""The signature that the SDKs of Standard Webhooks publish, as a fact.

https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript/src/webhook.test.ts
("sign function works", "multi sig payload is valid").
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.generic.standard import StandardWebhooks
from tests.adapters.generic.standard_requests import ACCOUNT

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
AT = datetime.fromtimestamp(1614265330, UTC)


def verify(signature: str = SIGNATURE, secret: str = SECRET, body: bytes = BODY, seconds: int = 0) -> None:
    headers = (
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
    )
    at = datetime.fromtimestamp(AT.timestamp() + seconds, UTC)
    request = WebhookRequest("POST", "/hooks/generic-main", "", headers, body, received_at=at)
    StandardWebhooks().verify(request, replace(ACCOUNT, secrets=(secret,)))


def test_the_published_signature_is_genuine() -> None:
    verify()
    verify(secret=SECRET.removeprefix("whsec_"))


def test_one_of_several_signatures_is_enough_and_other_versions_are_skipped() -> None:
    verify(" ".join((OTHER, OTHER.replace("v1", "v2"), SIGNATURE, OTHER)))
    verify(f"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== {SIGNATURE}")


@pytest.mark.parametrize(
    "signature",
    [
        OTHER,
        SIGNATURE.replace("v1,", "v1a,"),
        SIGNATURE.replace("v1,", "v2,"),
        SIGNATURE.removeprefix("v1,"),
        SIGNATURE[:8],
        "v1,",
        f"{SIGNATURE}  {SIGNATURE}",
        " ".join([OTHER] * 10 + [SIGNATURE]),
    ],
)
def test_no_other_signature_is(signature: str) -> None:
    with pytest.raises(Forged):
        verify(signature)


def test_neither_another_body_nor_an_old_or_coming_time_is() -> None:
    with pytest.raises(Forged):
        verify(body=BODY + b" ")
    for seconds in (301, -301):
        with pytest.raises(Forged):
            verify(seconds=seconds)
    for seconds in (300, -300):
        verify(seconds=seconds)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_id_and_time_are_signed_too(name: str) -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }
    for changed in ({**headers, name: "1614265331"}, {key: headers[key] for key in headers if key != name}):
        request = WebhookRequest("POST", "/", "", tuple(changed.items()), BODY, received_at=AT)
        with pytest.raises(Forged):
            StandardWebhooks().verify(request, replace(ACCOUNT, secrets=(SECRET,)))

"""Telnyx's proof, made with the first key of RFC 8032: what it signed is written down here as a fact.

The tests of Telnyx's SDK (https://github.com/team-telnyx/telnyx-python) make their own keys and publish no signature.

https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks, https://www.rfc-editor.org/rfc/rfc8032#section-7.1
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.sms.telnyx_requests import ACCOUNT

TELNYX = adapter_for("telnyx", "sms")
PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
TIME, BODY = 1627294466, b'{"data":{"record_type":"event"}}'
SIGNATURE = "9p7ooHiSsW9K/uqr/YlNEJ07vrvY0RDt3hTVUoUVVtgVuZHD8rp55NZwNRrIqTTWrjBKvdw55snetSIXGX6RCg=="
ACCOUNT_OF_THE_RFC = replace(ACCOUNT, secrets=(PUBLIC,))


def asked(body: bytes = BODY, time: int = TIME, signature: str = SIGNATURE, arrived: int = TIME + 10) -> WebhookRequest:
    headers = (("telnyx-timestamp", str(time)), ("telnyx-signature-ed25519", signature))
    return WebhookRequest(
        "POST", "/hooks/telnyx-main", "", headers, body, received_at=datetime.fromtimestamp(arrived, UTC)
    )


def test_what_the_key_of_the_rfc_signed_verifies() -> None:
    TELNYX.verify(asked(), ACCOUNT_OF_THE_RFC)


@pytest.mark.parametrize(
    "request_",
    [
        asked(body=BODY + b" "),
        asked(time=TIME + 1),
        asked(arrived=TIME + 301),
        asked(arrived=TIME - 301),
        asked(signature=SIGNATURE[:-4] + "AA=="),
        asked(signature="not base64"),
    ],
)
def test_it_verifies_nothing_else(request_: WebhookRequest) -> None:
    with pytest.raises(Forged):
        TELNYX.verify(request_, ACCOUNT_OF_THE_RFC)


@pytest.mark.parametrize("secret", ["nonsense", "AAAA", "MCowBQYDK2VwAyEA"])
def test_what_is_no_key_is_named_at_the_start(secret: str) -> None:
    assert any("is no key" in problem for problem in TELNYX.check_account(replace(ACCOUNT, secrets=(secret,))))

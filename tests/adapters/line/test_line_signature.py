"""LINE's proof, held to the value in the tests of LINE's own SDK.

https://github.com/line/line-bot-sdk-python/blob/master/tests/v3/test_webhook.py
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.line.line_requests import ACCOUNT

LINE = adapter_for("line", "line")
THEIRS = replace(ACCOUNT, secrets=("channel_secret",))
SIGNATURE = "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="


def asked(body: bytes, signature: str = SIGNATURE) -> WebhookRequest:
    return WebhookRequest("POST", "/hooks/line-main", "", (("x-line-signature", signature),), body)


def test_the_signature_of_lines_own_tests_verifies() -> None:
    LINE.verify(asked(b"bodybodybodybody"), THEIRS)


@pytest.mark.parametrize(
    ("body", "signature"),
    [(b"bodybodybodybodY", SIGNATURE), (b"bodybodybodybody", "invalid_signature"), (b"", SIGNATURE)],
)
def test_it_verifies_nothing_else(body: bytes, signature: str) -> None:
    with pytest.raises(Forged):
        LINE.verify(asked(body, signature), THEIRS)

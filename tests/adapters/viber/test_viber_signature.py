"""Viber's proof, held to the value in the tests of Viber's own SDK.

https://github.com/Viber/viber-bot-python/blob/master/tests/api/test_api.py
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.viber.viber_requests import ACCOUNT, signed

VIBER = adapter_for("viber", "viber")
BODY = b'{"event":"webhook","timestamp":4977069964384421269,"message_token":1478683725125}'
HEADERS = (("x-viber-content-signature", "d21b343448c8aee33b8e93768ef6ceb64a6ba6163099973a2b8bd028fea510ef"),)
THEIRS = replace(ACCOUNT, secrets=("44dafb7e0f40021e-61a47a1e6778d187-f2c5a676a07050b3",))


def test_the_signature_of_vibers_own_tests_verifies() -> None:
    VIBER.verify(WebhookRequest("POST", "/hooks/viber-main", "", HEADERS, BODY), THEIRS)


@pytest.mark.parametrize("body", [BODY + b" ", b'{"event":"webhook"}', b""])
def test_it_verifies_nothing_else(body: bytes) -> None:
    with pytest.raises(Forged):
        VIBER.verify(WebhookRequest("POST", "/hooks/viber-main", "", HEADERS, body), THEIRS)


def test_after_rotation_either_token_verifies() -> None:
    VIBER.verify(signed(b"{}", "old"), replace(ACCOUNT, secrets=("new", "old")))

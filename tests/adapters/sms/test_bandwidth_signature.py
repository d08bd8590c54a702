"""Bandwidth's proof is user and password, held to the example of https://www.rfc-editor.org/rfc/rfc7617#section-2."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.sms.bandwidth_requests import ACCOUNT

BANDWIDTH = adapter_for("bandwidth", "sms")
ALADDIN = replace(ACCOUNT, secrets=("open sesame",), settings={**ACCOUNT.settings, "callback_user": "Aladdin"})


def asked(proof: str) -> WebhookRequest:
    return WebhookRequest("POST", "/hooks/bandwidth-main", "", (("authorization", proof),), b"[]")


def test_the_example_of_the_rfc_verifies() -> None:
    BANDWIDTH.verify(asked("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ALADDIN)


@pytest.mark.parametrize("proof", ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "basic QWxhZGRpbg==", "Bearer x", "Aladdin"])
def test_it_verifies_nothing_else(proof: str) -> None:
    with pytest.raises(Forged):
        BANDWIDTH.verify(asked(proof), ALADDIN)


def test_without_a_user_nothing_verifies() -> None:
    nobody = replace(ALADDIN, settings={})
    with pytest.raises(Forged):
        BANDWIDTH.verify(asked("Basic Om9wZW4gc2VzYW1l"), nobody)
    assert any("settings.callback_user" in problem for problem in BANDWIDTH.check_account(nobody))

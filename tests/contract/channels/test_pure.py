"""Every provider under the same cases, without a network."""

from __future__ import annotations

import pytest

from adapters.registry import UnknownProvider, adapter_for, registered
from adapters.testing.cases import WebhookSecurityCases
from tests.contract.channels.harness import HarnessBase, harnesses

HARNESSES = harnesses()


@pytest.fixture(params=sorted(HARNESSES), scope="module")
def harness(request: pytest.FixtureRequest) -> HarnessBase:
    return HARNESSES[request.param]


class TestEveryProvider(WebhookSecurityCases):
    """All of `harnesses()`."""


def test_every_registered_provider_takes_part() -> None:
    played = {(one.account.provider, one.account.channel) for one in HARNESSES.values()}
    assert played == set(registered())


def test_an_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(UnknownProvider, match="twilio sms"):
        adapter_for("carrier pigeon", "sms")

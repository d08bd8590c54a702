"""Slack's proof, held to the worked example of its document.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.registry import adapter_for
from tests.adapters.slack.slack_requests import ACCOUNT, signed

SLACK = adapter_for("slack", "slack")
TIME = 1531420618
BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
HEADERS = (
    ("x-slack-request-timestamp", str(TIME)),
    ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
)
THEIRS = replace(ACCOUNT, secrets=("8f742231b10e8888abcd99yyyzzz85a5",))


def published(seconds_later: int) -> WebhookRequest:
    """The document's request, as it arrives so many seconds after it was signed."""
    at = datetime.fromtimestamp(TIME, UTC) + timedelta(seconds=seconds_later)
    return WebhookRequest("POST", "/hooks/slack-main", "", HEADERS, BODY, received_at=at)


@pytest.mark.parametrize("late", [0, 299, -299])
def test_the_signature_of_the_document_verifies(late: int) -> None:
    SLACK.verify(published(late), THEIRS)


@pytest.mark.parametrize("late", [301, -301, 86_400])
def test_five_minutes_later_it_does_not(late: int) -> None:
    with pytest.raises(Forged, match="too long ago"):
        SLACK.verify(published(late), THEIRS)


def test_another_time_in_the_header_is_forged() -> None:
    headers = (("x-slack-request-timestamp", str(TIME + 1)), HEADERS[1])
    with pytest.raises(Forged, match="does not match"):
        SLACK.verify(replace(published(0), headers=headers), THEIRS)


def test_after_rotation_either_secret_verifies() -> None:
    SLACK.verify(signed(b"{}", "old"), replace(ACCOUNT, secrets=("new", "old")))

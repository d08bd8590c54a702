"""What all of Meta's channels share: the published signature, the challenge, the configuration."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.meta_webhook import verify_signature
from adapters.registry import adapter_for
from tests.adapters.meta_signing import ACCESS_TOKEN, SECRET, VERIFY_TOKEN, challenge, sign
from tests.adapters.meta_world import ACCOUNTS

CHANNELS = sorted(ACCOUNTS)
ASKED = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}


def test_a_signature_published_by_another_that_uses_the_scheme_is_accepted() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries, "Testing the webhook payload
    # validation": the same scheme and the same form of the header's value.
    account = replace(ACCOUNTS["whatsapp"], secrets=("It's a Secret to Everybody",))
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = (("x-hub-signature-256", signature),)
    verify_signature(WebhookRequest("POST", "/hooks/x", "", headers, b"Hello, World!"), account)


def test_a_changed_body_is_forged() -> None:
    headers = (("x-hub-signature-256", sign(b"{}", SECRET)),)
    with pytest.raises(Forged):
        verify_signature(WebhookRequest("POST", "/hooks/x", "", headers, b"{ }"), ACCOUNTS["whatsapp"])


def test_the_old_signature_alone_is_forged() -> None:
    headers = (("x-hub-signature", "sha1=" + "0" * 40),)
    with pytest.raises(Forged):
        verify_signature(WebhookRequest("POST", "/hooks/x", "", headers, b"{}"), ACCOUNTS["whatsapp"])


def test_a_signature_on_another_method_is_forged() -> None:
    headers = (("x-hub-signature-256", sign(b"{}", SECRET)),)
    with pytest.raises(Forged):
        verify_signature(WebhookRequest("GET", "/hooks/x", "", headers, b"{}"), ACCOUNTS["whatsapp"])


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_challenge_is_echoed_to_who_knows_the_token(channel: str) -> None:
    answer = adapter_for("meta", channel).answer(challenge(urlencode(ASKED)), ACCOUNTS[channel])
    assert (answer.status, answer.body) == (200, b"1158201444")
    assert answer.content_type.startswith("text/plain")


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    "query",
    [
        "",
        urlencode({**ASKED, "hub.verify_token": VERIFY_TOKEN + "x"}),
        urlencode({**ASKED, "hub.verify_token": VERIFY_TOKEN[:-1]}),
        urlencode({**ASKED, "hub.verify_token": ""}),
        urlencode({**ASKED, "hub.verify_token": "ü"}),
        urlencode({**ASKED, "hub.mode": "unsubscribe"}),
        urlencode({**ASKED, "hub.challenge": "<script>"}),
        urlencode({**ASKED, "hub.challenge": "1" * 300}),
        urlencode(ASKED) + "&hub.verify_token=other",
        urlencode(ASKED).replace("hub.challenge", "challenge"),
        urlencode(ASKED) + "&x=%FF",
        urlencode(ASKED) + "&x=%00",
        urlencode(ASKED) + "".join(f"&x{number}=1" for number in range(50)),
    ],
)
def test_another_challenge_is_forged(channel: str, query: str) -> None:
    with pytest.raises(Forged):
        adapter_for("meta", channel).answer(challenge(query), ACCOUNTS[channel])


@pytest.mark.parametrize("token", ["", " "])
def test_without_a_verify_token_no_challenge_is_answered(token: str) -> None:
    account = ACCOUNTS["messenger"]
    empty = replace(account, settings={**account.settings, "verify_token": token})
    with pytest.raises(Forged):
        adapter_for("meta", "messenger").answer(challenge(urlencode({**ASKED, "hub.verify_token": token})), empty)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"public_url": "desk.example.com/hooks/a"}, "public_url"),
        ({"public_url": "https://desk.example.com/hooks/a/"}, "public_url"),
        ({"public_url": "https://desk.example.com/hooks/a?b=1"}, "public_url"),
        ({"public_url": "https://u:p@desk.example.com/hooks/a"}, "public_url"),
        ({"public_url": "https://desk.example.com:99999/hooks/a"}, "public_url"),
        ({"address": "the shop"}, "address"),
        ({"address": ""}, "address"),
        ({"secrets": (SECRET, "")}, "secrets"),
        ({"secrets": (f"{SECRET}\n",)}, "secrets"),
        ({"settings": {"access_token": ""}}, "access_token"),
        ({"settings": {"access_token": " x"}}, "access_token"),
        ({"settings": {"verify_token": ""}}, "verify_token"),
        ({"settings": {"api_base": "nowhere"}}, "api_base"),
        ({"settings": {"acess_token": "x"}}, "acess_token"),
    ],
)
def test_a_wrong_configuration_is_named_with_its_field_and_never_its_secret(
    channel: str, changes: dict[str, object], named: str
) -> None:
    account = ACCOUNTS[channel]
    settings = changes.get("settings")
    if isinstance(settings, dict):
        changes = {"settings": {**account.settings, **settings}}
    problems = adapter_for("meta", channel).check_account(replace(account, **changes))
    assert [problem for problem in problems if named in problem]
    assert SECRET not in "".join(problems)
    assert ACCESS_TOKEN not in "".join(problems)


def test_what_a_channel_needs_besides_is_named() -> None:
    whatsapp, messenger = ACCOUNTS["whatsapp"], ACCOUNTS["messenger"]
    without = {name: value for name, value in whatsapp.settings.items() if name != "phone_number_id"}
    (problem,) = adapter_for("meta", "whatsapp").check_account(replace(whatsapp, settings=without))
    assert "phone_number_id" in problem
    unsure = replace(messenger, settings={**messenger.settings, "human_agent": "maybe"})
    (problem,) = adapter_for("meta", "messenger").check_account(unsure)
    assert "human_agent" in problem


@pytest.mark.parametrize("channel", CHANNELS)
def test_limits_are_those_of_the_documents(channel: str) -> None:
    limits = adapter_for("meta", channel).limits(ACCOUNTS[channel])
    most = {"whatsapp": 4096, "messenger": 2000, "instagram": 1000}
    assert limits.most_characters == most[channel]
    assert limits.window_seconds == 86_400
    assert limits.templates is (channel == "whatsapp")
    assert limits.most_files == 1

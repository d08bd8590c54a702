"""What is particular to a provider: which sender checks count, SNS's certificates, tokens that are good once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from adapters.base import Forged, WebhookRequest
from adapters.email.mailgun import MailgunMail
from adapters.email.postmark import PostmarkMail
from adapters.email.ses import SesMail
from adapters.email.sns import check_certificate, is_sns_address
from model.content import Mail
from model.inbound import InboundMessage
from tests.adapters.email import mailgun_requests, mails, postmark_requests, sendgrid_requests, ses_requests
from tests.contract.channels.harness import HarnessBase

HARNESSES: dict[str, HarnessBase] = {
    "mailgun": mailgun_requests.Harness(),
    "postmark": postmark_requests.Harness(),
    "sendgrid": sendgrid_requests.Harness(),
    "ses": ses_requests.Harness(),
}


def message_of(harness: HarnessBase, body: bytes | WebhookRequest | None = None) -> tuple[InboundMessage, Mail]:
    """The message of a request, and its `Mail`."""
    request = body if isinstance(body, WebhookRequest) else harness.resigned(body) if body else harness.signed()
    message = harness.adapter.parse(request, harness.account)[-1]
    assert isinstance(message, InboundMessage)
    content = message.content[0]
    assert isinstance(content, Mail)
    return message, content


@pytest.mark.parametrize("provider", HARNESSES)
def test_each_provider_gives_text_sender_and_files(provider: str) -> None:
    message, mail = message_of(HARNESSES[provider])
    assert message.body
    assert mail.authenticated
    assert message.handle.value == (mail.sender.email if mail.sender else None)
    assert mail.to
    assert message.provider_id
    assert len(message.files) == {"mailgun": 1, "postmark": 2, "sendgrid": 2, "ses": 0}[provider]
    if message.files:
        assert message.html is not None
        assert "data:image/" in message.html


def test_sendgrids_charsets_are_those_it_names() -> None:
    assert message_of(HARNESSES["sendgrid"])[0].body == "Where is my order, Grüße?"


def test_mailguns_quotation_is_found_by_us() -> None:
    message, mail = message_of(HARNESSES["mailgun"])
    assert message.body.endswith("Thanks,\nBob")
    assert mail.quoted is not None


OTHER_ENVELOPE = '{"to":["support@desk.example"],"from":"x@evil.example"}'
TWICE = json.dumps([["X-Mailgun-Spf", "Pass"], *mailgun_requests.LISTED]).replace("d=home.example", "d=evil.example")


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("sendgrid", sendgrid_requests.parsed(SPF="fail", dkim="{@evil.example : pass}")),
        ("sendgrid", sendgrid_requests.parsed(SPF="pass", dkim="none", envelope=OTHER_ENVELOPE)),
        ("postmark", postmark_requests.inbound(Headers=[])),
        ("postmark", postmark_requests.inbound(Headers=[{"Name": "X-Spam-Tests", "Value": "DKIM_VALID_AU"}] * 2)),
        ("mailgun", mailgun_requests.parsed(message_headers=TWICE)),
        ("ses", mails.fixture("ses_utf8.json")),
    ],
)
def test_a_check_that_failed_or_anybody_could_have_written_proves_nothing(provider: str, body: bytes) -> None:
    message, mail = message_of(HARNESSES[provider], body)
    assert not mail.authenticated
    assert message.handle.value.endswith("@unproven.invalid")


def test_mailguns_checks_count_only_where_its_filter_is_said_to_be_on() -> None:
    harness = HARNESSES["mailgun"]
    off = replace(harness.account, settings={})
    message = harness.adapter.parse(harness.signed(), off)[-1]
    assert isinstance(message, InboundMessage)
    assert message.claims


def test_mailguns_token_is_what_a_mail_is_committed_under() -> None:
    adapter = MailgunMail()
    one = mailgun_requests.Harness().signed()
    other = replace(one, body=one.body.replace(b"This is Bob", b"This is Eve"))
    adapter.verify(other, mailgun_requests.Harness.account)  # the signature is not over the mail
    assert adapter.commit_key(one) == adapter.commit_key(other)
    assert adapter.commit_key(one) != adapter.commit_key(mailgun_requests.Harness().signed())


def test_a_postmark_mail_that_comes_again_is_the_same_under_its_id() -> None:
    harness = HARNESSES["postmark"]
    one, other = (message_of(harness, postmark_requests.inbound(Tag=tag))[0] for tag in ("a", "b"))
    assert one.key == other.key == "73e6d360-66eb-11e1-8e72-a8904824019b"
    assert PostmarkMail().commit_key(harness.signed()) != one.key


@pytest.mark.parametrize(
    ("url", "is_theirs"),
    [
        ("https://sns.us-east-1.amazonaws.com/x.pem", True),
        ("http://sns.us-east-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.us-east-1.amazonaws.com.evil.example/x.pem", False),
        ("https://evil.example/sns.us-east-1.amazonaws.com/x.pem", False),
        ("https://sns.us-east-1.amazonaws.com@evil.example/x.pem", False),
        ("https://evil@sns.us-east-1.amazonaws.com/x.pem", False),
        ("https://sns.us-east-1.amazonaws.com:8443/x.pem", False),
        ("https://sns.us-east-1.amazonaws.com\\@evil.example/x.pem", False),
        ("https://s3.us-east-1.amazonaws.com/sns/x.pem", False),
        ("https://snsxus-east-1.amazonaws.com/x.pem", False),
        ("https://[sns.us-east-1.amazonaws.com/x.pem", False),
        ("", False),
    ],
)
def test_certificates_and_confirmations_are_asked_of_snss_own_host_only(url: str, is_theirs: bool) -> None:
    assert is_sns_address(url, ses_requests.TOPIC) is is_theirs


async def test_the_certificate_is_fetched_once_and_checked_to_its_authority() -> None:
    authority, key, pem = ses_requests.world()
    settings = {"topic_arn": ses_requests.TOPIC, "authority": authority.pem.decode()}
    account = replace(ses_requests.Harness.account, settings=settings)
    request, fetched = ses_requests.Harness().signed(), list[str]()

    async def fetch(url: str) -> bytes:
        fetched.append(url)
        return pem

    adapter = SesMail()
    with pytest.raises(Forged):
        adapter.verify(request, account)
    for _ in range(2):
        await adapter.prepare(request, account, fetch)
        adapter.verify(request, account)
    assert fetched == [ses_requests.CERTIFICATE_URL]
    elsewhere = ses_requests.message("{}", key, SigningCertURL="https://evil.example/x.pem")
    with pytest.raises(Forged):
        await adapter.prepare(replace(request, body=json.dumps(elsewhere).encode()), account, fetch)
    assert len(fetched) == 1
    of_another = ses_requests.Authority()
    now = datetime.now(UTC)
    for chain, authorities in (
        (pem, of_another.pem),
        (of_another.leaf()[1], authority.pem),
        (authority.leaf("evil.example")[1], authority.pem),
        (authority.leaf(days=-1)[1], authority.pem),
        (authority.pem, authority.pem),
        (b"", authority.pem),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None),
    ):
        with pytest.raises(Forged):
            check_certificate(chain, authorities, now)
    with pytest.raises(Forged):
        check_certificate(pem, authority.pem, now + timedelta(days=400))


@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
def test_a_notification_changed_in_any_signed_field_is_forged(field: str) -> None:
    harness = HARNESSES["ses"]
    request = harness.signed()
    said = json.loads(request.body)
    said[field] = said[field][:-1] + ("a" if said[field][-1] != "a" else "b")
    with pytest.raises(Forged):
        harness.adapter.verify(replace(request, body=json.dumps(said).encode()), harness.account)


def test_a_subscription_is_confirmed_at_sns_only() -> None:
    harness, adapter = ses_requests.Harness(), SesMail()
    for changes, url in (
        ({}, ses_requests.SUBSCRIBE_URL),
        ({"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}, None),
        ({"Type": "UnsubscribeConfirmation"}, None),
    ):
        request = harness._request(json.dumps(ses_requests.confirmation(**changes)).encode(), mails.SECRET)
        adapter.verify(request, harness.account)
        assert adapter.to_confirm(request) == url
    assert adapter.to_confirm(harness.signed()) is None

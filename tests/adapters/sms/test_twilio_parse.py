"""What Twilio's fields mean: messages, media, consent, receipts; and everything else a ParseError with its field."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import AccountConfig, ParseError
from adapters.sms.opt_out import START_WORDS, STOP_WORDS
from adapters.sms.twilio import TwilioSms
from model.inbound import ConsentChange, DeliveryReceipt, HandleRef, Ignored, InboundEvent, InboundMessage
from model.timeline import Media
from tests.adapters.sms.twilio_requests import CUSTOMER, MESSAGE_SID, NUMBER, account, fixture, message, request

TWILIO = TwilioSms()
ENTRY = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
PERSON = HandleRef(kind="phone", value=CUSTOMER)
SENT_SID = "SMfedcba9876543210fedcba9876543210"


def parse(
    body: bytes | list[tuple[str, str]], ours: AccountConfig | None = None, *, step: str | None = None, query: str = ""
) -> list[InboundEvent]:
    encoded = body if isinstance(body, bytes) else urlencode(body).encode()
    return TWILIO.parse(request(encoded, None, step=step, query=query), ours or account())


def refused(body: bytes | list[tuple[str, str]], ours: AccountConfig | None = None, **where: str) -> str | None:
    """The field a ParseError names."""
    with pytest.raises(ParseError) as caught:
        parse(body, ours, **where)
    assert caught.value.reason
    return caught.value.field


def status_fields(status: str, **changes: str) -> list[tuple[str, str]]:
    return list({"MessageSid": SENT_SID, "MessageStatus": status, "From": NUMBER, "To": CUSTOMER, **changes}.items())


def test_an_sms_is_a_message_of_a_phone() -> None:
    assert parse(fixture("inbound_sms")) == [
        InboundMessage(key=MESSAGE_SID, handle=PERSON, body="Hello, is my order on its way?")
    ]


def test_an_mms_carries_its_media_in_order_and_needs_no_text() -> None:
    (event,) = parse(fixture("inbound_mms"))
    assert isinstance(event, InboundMessage)
    assert event.body == ""
    assert [one.content_type for one in event.media] == ["image/jpeg", "application/pdf"]
    assert event.media[1].url.endswith("/Media/ME02")


def test_a_messaging_service_delivers_for_numbers_that_are_not_the_accounts_address() -> None:
    (event,) = parse(fixture("inbound_service"))
    assert isinstance(event, InboundMessage)
    assert event.body == 'Über 50% & "mehr"'
    assert event.name_hint == "Zoë 🌻"


def test_a_short_code_is_no_phone() -> None:
    (event,) = parse(fixture("inbound_short_code"))
    assert isinstance(event, InboundMessage)
    assert event.handle == HandleRef(kind="social", value="72345", scope=f"sms:{NUMBER}")


def test_an_opt_out_declared_by_twilio_is_one_in_any_language() -> None:
    assert parse(fixture("inbound_stop_advanced")) == [
        ConsentChange(key="SM0123456789abcdef0123456789abcd03", handle=PERSON, body="Basta", opted_out=True)
    ]


@pytest.mark.parametrize("word", sorted(STOP_WORDS | START_WORDS - {"YES"}))
@pytest.mark.parametrize("spelling", ["{}", " {}\r\n", "{} "])
def test_an_opt_out_word_alone_changes_consent(word: str, spelling: str) -> None:
    body = spelling.format(word.capitalize())
    (event,) = parse(message(Body=body))
    assert event == ConsentChange(key=MESSAGE_SID, handle=PERSON, body=body, opted_out=word in STOP_WORDS)


@pytest.mark.parametrize("body", ["stop please", "Please cancel", "HELP", "INFO", "end.", "STOP ALL", "stopp"])
def test_an_opt_out_word_among_others_is_a_message(body: str) -> None:
    (event,) = parse(message(Body=body))
    assert isinstance(event, InboundMessage)


def test_yes_is_an_answer_as_well_as_an_opt_in() -> None:
    answer, consent = parse(message(Body="Yes"))
    assert isinstance(answer, InboundMessage)
    assert consent == ConsentChange(key=f"{MESSAGE_SID}:consent", handle=PERSON, body="Yes", opted_out=False)


@pytest.mark.parametrize(("declared", "opted_out"), [("START", False), ("STOP", True), ("stop", True)])
def test_what_twilio_declares_wins_over_the_words(declared: str, opted_out: bool) -> None:
    (event,) = parse(message(Body="STOP", OptOutType=declared))
    assert isinstance(event, ConsentChange)
    assert event.opted_out is opted_out


@pytest.mark.parametrize("declared", ["HELP", "SOMETHING NEW"])
def test_help_and_what_is_new_stay_messages(declared: str) -> None:
    (event,) = parse(message(Body="help me", OptOutType=declared))
    assert isinstance(event, InboundMessage)


@pytest.mark.parametrize(
    ("status", "expected"), [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("Delivered", "delivered")]
)
def test_a_receipt_names_our_entry_and_is_one_per_status(status: str, expected: str) -> None:
    (event,) = parse(status_fields(status), step="status", query=f"entry={ENTRY}")
    assert isinstance(event, DeliveryReceipt)
    assert (event.status, event.outbound_id, event.error) == (expected, ENTRY, None)
    assert event.key == f"{SENT_SID}:{status.lower()}"


def test_a_captured_receipt_without_our_id_still_names_the_providers() -> None:
    assert parse(fixture("status_delivered"), step="status") == [
        DeliveryReceipt(key=f"{SENT_SID}:delivered", provider_id=SENT_SID, status="delivered")
    ]


def test_a_failure_says_why_and_what_to_do() -> None:
    (event,) = parse(fixture("status_undelivered"), step="status")
    assert isinstance(event, DeliveryReceipt)
    assert event.status == "failed"
    assert event.error == "Twilio 30003: the phone cannot be reached: it may be off or out of coverage"


def test_a_failure_with_an_unknown_code_hides_the_number_in_twilios_words() -> None:
    fields = status_fields("failed", ErrorCode="39999", ErrorMessage=f"Could not reach {CUSTOMER} today")
    (event,) = parse(fields, step="status")
    assert isinstance(event, DeliveryReceipt)
    assert event.error == "Twilio 39999: Could not reach … today"


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending", "receiving", "received"])
def test_an_intermediate_status_is_ignored(status: str) -> None:
    (event,) = parse(status_fields(status), step="status")
    assert isinstance(event, Ignored)
    assert event.key == f"{SENT_SID}:{status}"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"MessageSid": ""}, "MessageSid"),
        ({"MessageSid": "S" * 65}, "MessageSid"),
        ({"MessageSid": "SM 1"}, "MessageSid"),
        ({"MessageSid": "SM\x00"}, "MessageSid"),
        ({"From": ""}, "From"),
        ({"From": "  "}, "From"),
        ({"From": "+" * 200}, "From"),
        ({"Body": "x" * 16001}, "Body"),
        ({"Body": "a\x00b"}, "Body"),
        ({"NumMedia": "-1"}, "NumMedia"),
        ({"NumMedia": "33"}, "NumMedia"),
        ({"NumMedia": "٣"}, "NumMedia"),
        ({"NumMedia": "1"}, "MediaUrl0"),
        ({"NumMedia": "1", "MediaUrl0": "file:///etc/passwd"}, "MediaUrl0"),
        ({"NumMedia": "1", "MediaUrl0": "https://a/" + "b" * 2048}, "MediaUrl0"),
        ({"SmsStatus": "delivered"}, "SmsStatus"),
        ({"AccountSid": "AC00000000000000000000000000000002"}, "AccountSid"),
        ({"Anything": "a\x00b"}, "Anything"),
    ],
)
def test_what_cannot_be_read_names_its_field(changes: dict[str, str], field: str) -> None:
    assert refused(message(**changes)) == field


@pytest.mark.parametrize("missing", ["MessageSid", "From", "Body"])
def test_what_is_missing_is_named(missing: str) -> None:
    assert refused([pair for pair in message() if pair[0] != missing]) == missing


@pytest.mark.parametrize("name", ["MessageSid", "From", "Body", "AccountSid", "NumMedia"])
def test_a_field_read_by_us_may_come_once_only(name: str) -> None:
    assert refused([*message(), (name, "other")]) == name


@pytest.mark.parametrize("encoded", ["%FF", "%ED%A0%80", "%C3", "%F8%88%80%80%80", "%C0%80"])
def test_what_is_not_utf8_is_named(encoded: str) -> None:
    assert refused(urlencode(message()).encode() + f"&Extra={encoded}".encode()) == "Extra"


def test_too_many_fields_are_refused_and_two_hundred_are_not() -> None:
    many = [*message(), *((f"Extra{index}", "") for index in range(194))]
    assert len(parse(many)) == 1
    assert refused([*many, ("One", "more")]) is None


def test_a_body_that_is_no_form_is_refused() -> None:
    with pytest.raises(ParseError) as caught:
        TWILIO.parse(request(b"{}", None, kind="application/json"), account())
    assert caught.value.field == "Content-Type"


@pytest.mark.parametrize(
    ("settings", "to", "accepted"),
    [
        ({}, NUMBER, True),
        ({}, "(510) 555-0100", True),
        ({}, "+15105550199", False),
        ({"messaging_service_sid": "MG1"}, "+15105550199", True),
        ({"messaging_service_sid": "MG2"}, "+15105550199", False),
    ],
)
def test_without_an_account_sid_the_message_must_be_addressed_to_us(
    settings: dict[str, str], to: str, accepted: bool
) -> None:
    fields, ours = message(To=to, MessagingServiceSid="MG1"), account(settings=settings)
    if accepted:
        assert len(parse(fields, ours)) == 1
    else:
        assert refused(fields, ours) == "To"


@pytest.mark.parametrize("step", ["voice", "status/", "STATUS", "%73tatus"])
def test_an_unknown_step_is_refused(step: str) -> None:
    assert refused(message(), step=step) == "step"


@pytest.mark.parametrize("query", ["entry=1", "entry=", f"entry={ENTRY}&entry={ENTRY}", "entry=%FF", "entry=%00"])
def test_an_entry_that_is_not_ours_is_refused(query: str) -> None:
    assert refused(status_fields("sent"), step="status", query=query) == "entry"


@pytest.mark.parametrize("status", ["", "exploded", "sent;", "x" * 65])
def test_an_unknown_status_is_refused(status: str) -> None:
    assert refused(status_fields(status), step="status") in ("MessageStatus", "SmsStatus")


names = st.sampled_from([name for name, _ in message()]) | st.sampled_from(
    ["NumMedia", "MediaUrl0", "OptOutType", "SmsStatus", "MessageStatus", "ErrorCode", "ProfileName"]
)
values = st.text(max_size=40) | st.sampled_from(["1", "sent", "failed", "STOP", CUSTOMER, "https://a/b"])


@given(
    st.lists(st.tuples(names, values), max_size=12),
    st.sampled_from([None, "", "status"]),
    st.text(alphabet="entry=0f-&%", max_size=60) | st.just(f"entry={ENTRY}"),
)
def test_any_fields_give_events_or_a_parse_error(fields: list[tuple[str, str]], step: str | None, query: str) -> None:
    merged = {**dict(message()), **dict(fields)} if step != "status" else dict(status_fields("sent")) | dict(fields)
    try:
        events = parse(list(merged.items()), step=step, query=query)
    except ParseError as error:
        assert error.reason
    else:
        assert events
        assert all(getattr(event, "key", None) for event in events)


def test_media_without_a_type_are_bytes() -> None:
    (event,) = parse(message(NumMedia="1", MediaUrl0="https://media.example/1"))
    assert isinstance(event, InboundMessage)
    assert event.media == (Media(url="https://media.example/1", content_type="application/octet-stream"),)

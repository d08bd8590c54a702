"""What Vonage's, Bandwidth's, Telnyx's and MessageBird's fixtures are read as, and what is hard about them."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from adapters.base import AccountConfig, ParseError
from adapters.media import Credentials, MediaClient, MediaFile, MediaOutcome
from adapters.sms.carriers import Carrier
from model.content import Content, Location, Notice, Unsupported
from model.inbound import (
    ConsentChange,
    DeliveryReceipt,
    HandleRef,
    Ignored,
    InboundEvent,
    InboundMessage,
    MessageEchoed,
    Unreadable,
)
from model.timeline import Media
from tests.adapters.sms import bandwidth_requests, messagebird_requests, telnyx_requests, vonage_requests
from tests.adapters.sms.json_carrier import FIXTURES, CarrierHarness

HARNESSES: dict[str, CarrierHarness] = {
    "vonage": vonage_requests.Harness(),
    "bandwidth": bandwidth_requests.Harness(),
    "telnyx": telnyx_requests.Harness(),
    "messagebird": messagebird_requests.Harness(),
}
CUSTOMER, LEAVING = HandleRef("phone", "+14155550123"), HandleRef("phone", "+14155550124")
ENTRY = UUID("0197b6c2-5c3f-7c1e-8a4b-0123456789ab")
HOSTED = "https://api-us.nexmo.com/v3/media/"
BANDWIDTHS = "https://messaging.bandwidth.com/api/v2/users/9900000/media/14762070468292/"
ASKED = "Where is my parcel?"
MESSAGES: dict[str, tuple[str, tuple[Media, ...], tuple[Content, ...]]] = {
    "vonage_text": (ASKED, (), ()),
    "vonage_keyword": ("MUG blue", (), ()),
    "vonage_mms_image": ("Look", (Media(HOSTED + "mug.jpg", "image/jpeg", name="mug.jpg"),), ()),
    "vonage_mms_audio": ("", (Media(HOSTED + "hello.mp3", "audio/mpeg", name="hello.mp3"),), ()),
    "vonage_mms_video": ("", (Media(HOSTED + "mug.mp4", "video/mp4", name="mug.mp4"),), ()),
    "vonage_mms_vcard": ("", (Media(HOSTED + "maya.vcf", "text/vcard", name="maya.vcf"),), ()),
    "vonage_mms_file": ("", (Media(HOSTED + "invoice.pdf", "application/octet-stream", name="invoice.pdf"),), ()),
    "vonage_mms_text": ("And another thing", (), ()),
    "vonage_unsupported": ("", (), (Unsupported("unsupported"),)),
    "bandwidth_text": (ASKED, (), ()),
    "bandwidth_media": (
        "Look",
        tuple(Media(BANDWIDTHS + name, "application/octet-stream") for name in ("0/mug.png", "1/maya.vcf")),
        (),
    ),
    "bandwidth_group": ("All of you", (), (Notice("Sent to a group of 2"),)),
    "bandwidth_empty": ("", (), (Unsupported("nothing"),)),
    "telnyx_text": (ASKED, (), ()),
    "telnyx_media": ("Look", (Media("https://media.telnyx.example/mug.png", "image/png", size=1024),), ()),
    "telnyx_group": ("All of you", (), (Notice("Sent to a group of 2"),)),
    "telnyx_empty": ("", (), (Unsupported("nothing"),)),
    "messagebird_text": (ASKED, (), ()),
    "messagebird_image": ("Look", (Media("https://media.messagebird.example/image", "image/jpeg"),), ()),
    "messagebird_video": ("Look", (Media("https://media.messagebird.example/video", "video/mp4"),), ()),
    "messagebird_audio": ("Look", (Media("https://media.messagebird.example/audio", "audio/mpeg"),), ()),
    "messagebird_file": ("Look", (Media("https://media.messagebird.example/file", "application/octet-stream"),), ()),
    "messagebird_location": ("", (), (Location(52.379112, 4.900384),)),
    "messagebird_new_kind": ("", (), (Unsupported("hologram"),)),
}
RECEIPTS = {
    **{f"vonage_status_{name}": name for name in ("delivered", "read")},
    "vonage_status_submitted": "sent",
    **dict.fromkeys(("vonage_status_rejected", "vonage_status_undeliverable"), "failed"),
    "bandwidth_status_sending": "sent",
    **{f"bandwidth_status_{name}": name for name in ("delivered", "read", "failed")},
    **dict.fromkeys(("telnyx_sent", "telnyx_finalized_delivery_unconfirmed"), "sent"),
    "telnyx_finalized_delivered": "delivered",
    **dict.fromkeys(("telnyx_finalized_sending_failed", "telnyx_finalized_delivery_failed"), "failed"),
    **{f"messagebird_updated_{name}": name for name in ("sent", "delivered", "read", "failed")},
    "messagebird_updated_transmitted": "sent",
    "messagebird_updated_rejected": "failed",
}
CONSENT = {f"{name}_{word}": word == "stop" for name in HARNESSES for word in ("stop", "start")}
IGNORED = (
    *("bandwidth_new_kind", "telnyx_new_kind", "messagebird_received_again", "messagebird_created_ours"),
    *("messagebird_updated_accepted", "messagebird_updated_deleted", "messagebird_conversation"),
)
OTHERS = ("vonage_short_code", "bandwidth_several", "messagebird_created_elsewhere")


def read(name: str, body: bytes | None = None) -> list[InboundEvent]:
    harness = HARNESSES[name.partition("_")[0]]
    return harness.adapter.parse(harness.resigned(body or (FIXTURES / f"{name}.json").read_bytes()), harness.account)


@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_is_shown_as_what_it_is(name: str) -> None:
    (event,) = read(name)
    assert isinstance(event, InboundMessage)
    assert (event.body, event.media, event.content) == MESSAGES[name]
    assert (event.handle, event.automatic) == (CUSTOMER, False)
    assert event.occurred_at


@pytest.mark.parametrize("name", RECEIPTS)
def test_receipts_find_our_entry_and_name_no_number(name: str) -> None:
    (event,) = read(name)
    assert isinstance(event, DeliveryReceipt)
    assert (event.status, event.outbound_id) == (RECEIPTS[name], ENTRY)
    assert bool(event.error) == (event.status == "failed")
    assert "4155550123" not in (event.error or "")


def test_each_status_of_one_message_at_bandwidth_is_an_event_of_its_own() -> None:
    told = json.loads((FIXTURES / "bandwidth_status_sending.json").read_bytes())
    later = [told[0] | {"type": "message-delivered"}]
    events = [read("bandwidth_status_sending", json.dumps(one).encode())[0] for one in (told, later, later)]
    keys = [event.key for event in events if isinstance(event, DeliveryReceipt)]
    assert (len(keys), len(set(keys)), keys[1]) == (3, 2, keys[2])


@pytest.mark.parametrize(("name", "path"), [("vonage", ("from",)), ("bandwidth", (0, "message", "owner"))])
def test_what_became_of_a_message_of_another_number_is_a_letter(name: str, path: tuple[str | int, ...]) -> None:
    told = json.loads((FIXTURES / f"{name}_status_delivered.json").read_bytes())
    *way, last = path
    holder = told
    for step in way:
        holder = holder[step]
    holder[last] = "+15105550999"
    with pytest.raises(ParseError, match="not this account's number"):
        read(f"{name}_status_delivered", json.dumps(told).encode())


class Asked(MediaClient):
    """Keeps what it is asked with."""

    async def get(self, url: str, **asked: object) -> MediaOutcome:
        self.asked = (url, asked.get("credentials"))
        return MediaFile(b"", "image/png")


@pytest.mark.parametrize(
    ("name", "proof", "hosts"),
    [
        (
            "vonage",
            "Basic YTFiMmMzZDQ6U2VjcmV0MTIzNDU2Nzg5MA==",
            {"api-us.nexmo.com", "api-eu.nexmo.com", "api.nexmo.com"},
        ),
        ("bandwidth", "Basic dG9rZW46c2VjcmV0", {"messaging.bandwidth.com"}),
    ],
)
async def test_files_are_fetched_with_credentials_for_the_carriers_hosts_alone(
    name: str, proof: str, hosts: set[str]
) -> None:
    client, adapter = Asked(), HARNESSES[name].adapter
    assert isinstance(adapter, Carrier)
    await adapter.fetch_media(HARNESSES[name].account, Media("https://elsewhere.example/x", "image/png"), client)
    assert client.asked == ("https://elsewhere.example/x", Credentials(proof, frozenset(hosts)))


@pytest.mark.parametrize("name", CONSENT)
def test_words_that_opt_out_or_in_change_consent(name: str) -> None:
    events = read(name)
    change = events[-1]
    assert isinstance(change, ConsentChange)
    assert (change.handle, change.opted_out) == (LEAVING, CONSENT[name])
    assert len(events) == (2 if name == "telnyx_start" else 1)  # YES is an answer too


@pytest.mark.parametrize("name", IGNORED)
def test_what_says_nothing_is_ignored(name: str) -> None:
    assert [type(event) for event in read(name)] == [Ignored]


def test_every_fixture_is_among_these() -> None:
    known = {*MESSAGES, *RECEIPTS, *CONSENT, *IGNORED, *OTHERS}
    assert {path.stem for name in HARNESSES for path in FIXTURES.glob(f"{name}_*.json")} == known


def test_a_short_code_is_no_phone() -> None:
    (event,) = read("vonage_short_code")
    assert isinstance(event, InboundMessage)
    assert event.handle == HandleRef("social", "72345", "sms:+15105550100")


def test_what_was_said_elsewhere_for_us_stands_once_as_it_was_said() -> None:
    (event,) = read("messagebird_created_elsewhere")
    assert isinstance(event, MessageEchoed)
    assert (event.handle, event.body, event.provider_id) == (
        CUSTOMER, "From the inbox", "8909570be3cd4eb2a9c1f27f3c3a0eee"
    )  # fmt: skip


def test_one_event_of_several_that_cannot_be_read_costs_the_others_nothing() -> None:
    both = json.loads((FIXTURES / "bandwidth_several.json").read_bytes())
    assert [event.body for event in read("bandwidth_several") if isinstance(event, InboundMessage)] == ["One", "Two"]
    both[0]["message"]["id"] = 7
    first, second = read("bandwidth_several", json.dumps(both).encode())
    assert isinstance(first, Unreadable)
    assert first.field == "[0].message.id"
    assert isinstance(second, InboundMessage)


@pytest.mark.parametrize("name", HARNESSES)
def test_long_words_are_a_file_too(name: str) -> None:
    harness = HARNESSES[name]
    (event,) = read(f"{name}_text", harness.changed(harness.words, "x" * 17_000))
    assert isinstance(event, InboundMessage)
    assert (len(event.body), len(event.files[0].data)) == (16_000, 17_000)


def test_a_status_nobody_knows_is_a_letter() -> None:
    told = json.loads((FIXTURES / "vonage_status_delivered.json").read_bytes()) | {"status": "eaten"}
    with pytest.raises(ParseError, match="unknown kind of status"):
        read("vonage_status_delivered", json.dumps(told).encode())


def test_a_channel_that_is_no_text_message_is_a_letter() -> None:
    told = json.loads((FIXTURES / "vonage_text.json").read_bytes()) | {"channel": "whatsapp"}
    with pytest.raises(ParseError, match="SMS and MMS only"):
        read("vonage_text", json.dumps(told).encode())


@pytest.mark.parametrize("name", HARNESSES)
def test_an_account_that_cannot_send_says_what_is_missing(name: str) -> None:
    harness = HARNESSES[name]
    bare = AccountConfig("x", "sms", name, "+15105550100", (), "US", "https://desk.example.com/hooks/x", {})
    problems = harness.adapter.check_account(bare)
    for needed in harness.account.settings:
        assert any(f"settings.{needed} is missing" in problem for problem in problems)

"""Phone numbers: E.164 or nothing, and never a short code glued to a person."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import phones
from model.inbound import HandleRef

REGIONS = st.sampled_from([*sorted(phonenumbers.SUPPORTED_REGIONS), "", "XX", "us"])
MOBILE = phonenumbers.PhoneNumberType.MOBILE
EXAMPLES = {
    country: example
    for country in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (example := phonenumbers.example_number_for_type(country, MOBILE))  # Tristan da Cunha has none
}
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LIKE_NUMBERS = st.text(alphabet="+＋0123456789 ()-./;ext=٠١٢٣\u00a0\u2013whatsapp:tel", max_size=40)


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("+14155550123", "US", "+14155550123"),
        ("+15551234567", "US", "+15551234567"),
        (" +1 (415) 555-0123 ", "DE", "+14155550123"),
        ("(202) 555-0143", "us", "+12025550143"),
        ("0171 1234567", "DE", "+491711234567"),
        ("whatsapp:+4915112345678", "US", "+4915112345678"),
        ("WhatsApp: +4915112345678", "US", "+4915112345678"),
        ("tel:+44-20-7946-0958", "US", "+442079460958"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("+٤٤٢٠٧٩٤٦٠٩٥٨", "US", "+442079460958"),
        ("＋442079460958", "US", "+442079460958"),
        ("+390612345678", "US", "+390612345678"),
        ("+5215512345678", "US", "+525512345678"),
        ("+525512345678", "US", "+525512345678"),
        ("+5511912345678", "US", "+5511912345678"),
        ("+5491112345678", "US", "+5491112345678"),
        ("+8613800138000", "US", "+8613800138000"),
    ],
)
def test_a_subscriber_number_becomes_e164(raw: str, region: str, expected: str) -> None:
    assert phones.normalise(raw, region) == expected
    assert phones.sender(raw, region, "sms", "+15105550100") == HandleRef(kind="phone", value=expected)


@pytest.mark.parametrize("region", ["US", "DE", "IS", "AT", ""])
@pytest.mark.parametrize(
    "raw", ["12345", "72345", "262966", "911", "ACME", "CALL4CASH", "1-800-FLOWERS", "+1", "+266696687", "+49 12", "ü"]
)
def test_a_short_code_or_name_becomes_a_social_handle_of_our_address_alone(raw: str, region: str) -> None:
    assert phones.normalise(raw, region) is None
    handle = phones.sender(raw, region, "sms", "+15105550100")
    assert handle == HandleRef(kind="social", value=raw, scope="sms:+15105550100")
    assert phones.sender(raw, region, "sms", "+15105550199") != handle


@pytest.mark.parametrize("raw", ["", "   ", "whatsapp:", "tel: "])
def test_nothing_is_no_handle(raw: str) -> None:
    assert phones.sender(raw, "US", "sms", "+15105550100") is None


def test_a_number_without_country_and_region_is_no_phone() -> None:
    assert phones.normalise("4155550123", "") is None


def test_display_is_the_international_form_and_leaves_the_rest_alone() -> None:
    assert phones.display("+14155550123") == "+1 415-555-0123"
    assert phones.display("+442079460958") == "+44 20 7946 0958"
    assert phones.display("72345") == "72345"
    assert phones.display("ACME") == "ACME"


@given(st.one_of(LIKE_NUMBERS, st.text(max_size=80)), REGIONS)
def test_any_text_gives_e164_or_nothing_and_the_same_when_repeated(raw: str, region: str) -> None:
    phone = phones.normalise(raw, region)
    if phone is not None:
        assert E164.fullmatch(phone)
        assert phones.normalise(phone, region) == phone
        assert phones.normalise(f"whatsapp:{phone}", "") == phone
        assert phones.display(phone).startswith("+")


@given(st.sampled_from(sorted(EXAMPLES)), REGIONS)
def test_every_countrys_mobile_number_survives_in_all_its_spellings(country: str, region: str) -> None:
    example, form = EXAMPLES[country], phonenumbers.PhoneNumberFormat
    e164 = phonenumbers.format_number(example, form.E164)
    assert phones.normalise(e164, region) == e164
    assert phones.normalise(phonenumbers.format_number(example, form.INTERNATIONAL), region) == e164
    national = phonenumbers.format_number(example, form.NATIONAL)
    if sum(map(str.isdecimal, national)) > 6:
        assert phones.normalise(national, country) == e164


@given(st.text(alphabet="0123456789", min_size=1, max_size=6), REGIONS)
def test_six_digits_or_fewer_are_never_a_phone(code: str, region: str) -> None:
    handle = phones.sender(code, region, "sms", "+15105550100")
    assert handle is not None
    assert handle.kind == "social"

"""One form for every handle: however a number is written, whatever a network sends; and which handles mean nobody."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.inbound import HandleKind, HandleRef
from model.refusal import Refused
from profiles.handles import canonical, classify, parse_handle, parse_phone

BRAZIL = [
    ("+551187654321", "+5511987654321"),
    ("+5511987654321", "+5511987654321"),
    ("+552178123456", "+5521978123456"),
    ("+551132654321", "+551132654321"),  # a landline has eight digits for ever
    ("+5511387654321", "+5511387654321"),  # nine digits that do not begin with 9 are left as they are
]
MEXICO = [
    ("+5215512345678", "+525512345678"),
    ("+525512345678", "+525512345678"),
    ("+52015512345678", "+525512345678"),
    ("+520445512345678", "+525512345678"),
    ("+521234567890", "+521234567890"),  # ten digits that begin with 1 are no mobile prefix
]
ARGENTINA = [
    ("+5491123456789", "+541123456789"),
    ("+541123456789", "+541123456789"),
    ("+54923456789", "+54923456789"),  # too short to hold the 9 of mobiles
]


@pytest.mark.parametrize(("written", "value"), [*BRAZIL, *MEXICO, *ARGENTINA, ("+14155550123", "+14155550123")])
def test_national_forms_are_one_handle(written: str, value: str) -> None:
    """I1."""
    assert canonical("phone", written) == value


@pytest.mark.parametrize(
    ("text", "region", "value"),
    [
        ("whatsapp:+5511987654321", "US", "+5511987654321"),
        ("551187654321@c.us", "US", "+5511987654321"),
        ("5215512345678@s.whatsapp.net", "US", "+525512345678"),
        ("tel:+1-415-555-0123", "DE", "+14155550123"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("00 1 415 555 0123", "DE", "+14155550123"),
        ("011 44 20 7946 0000", "US", "+442079460000"),
        ("0044 20 7946 0000", "US", "+442079460000"),
        ("+44 (0)20 7946 0000", "US", "+442079460000"),
        ("(+49) 30 1234567", "US", "+49301234567"),
        ("030 1234567", "DE", "+49301234567"),
        ("5511987654321", "US", "+5511987654321"),
        ("＋１４１５５５５０１２３", "DE", "+14155550123"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("+52 1 55 1234 5678", "US", "+525512345678"),
        ("011 15-2345-6789", "AR", "+541123456789"),
        ("+54 9 11 2345 6789", "US", "+541123456789"),
        ("+54 11 15 2345 6789", "US", "+541123456789"),
        ("(11) 8765-4321", "BR", "+5511987654321"),
    ],
)
def test_any_written_form_of_a_number_is_read(text: str, region: str, value: str) -> None:
    ref = parse_handle("phone", text, region)
    assert isinstance(ref, HandleRef), ref
    assert ref.value == value


EXAMPLES = [
    number
    for region in ("US", "DE", "GB", "BR", "MX", "AR", "FR", "IN", "JP", "ES", "IT", "AU")
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]
FORMATS = (
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.RFC3966,
    phonenumbers.PhoneNumberFormat.NATIONAL,
)


@given(st.sampled_from(EXAMPLES), st.integers(0, 99), st.sampled_from(FORMATS), st.sampled_from(["", "whatsapp:", " "]))
def test_all_written_forms_of_a_number_are_equal(
    example: phonenumbers.PhoneNumber, last: int, form: int, before: str
) -> None:
    number = phonenumbers.PhoneNumber()
    number.merge_from(example)
    assert number.national_number is not None
    assert number.country_code is not None
    number.national_number = number.national_number // 100 * 100 + last
    region = phonenumbers.region_code_for_country_code(number.country_code)
    plain = parse_phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None)
    written = phonenumbers.format_number(number, form)
    read = parse_phone(before + written, region)
    assert plain is not None
    assert read is not None, written
    assert read.value == plain.value == canonical("phone", plain.value)


@given(st.sampled_from(["phone", "email", "social"]), st.text(min_size=1))
def test_the_one_form_of_the_one_form_is_itself(kind: HandleKind, value: str) -> None:
    assert canonical(kind, canonical(kind, value)) == canonical(kind, value)


def test_case_and_the_spelling_of_a_domain_make_no_other_address_but_dots_and_tags_do() -> None:
    assert canonical("email", "Ada.L@EXAMPLE.com") == "ada.l@example.com"
    assert (
        canonical("email", "ada@exämple.com")
        == canonical("email", "ada@xn--exmple-cua.com")
        == "ada@xn--exmple-cua.com"
    )
    assert len({canonical("email", f"{local}@x.com") for local in ("adal", "ada.l", "adal+shop")}) == 3
    assert canonical("social", "AbC") == "AbC"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("phone", "1-800-FLOWERS"),
        ("phone", "415 555 0123 x12"),
        ("phone", "12345"),
        ("phone", "+1 415 555 01234567"),
        ("phone", ""),
        ("email", "ada"),
        ("email", "ada@localhost"),
        ("email", "a b@example.com"),
        ("email", "ada@example.com\x00"),
        ("social", "  "),
        ("social", "x" * 255),
    ],
)
def test_what_is_no_handle_is_refused_with_what_to_do(kind: HandleKind, text: str) -> None:
    refused = parse_handle(kind, text, "US")
    assert isinstance(refused, Refused), refused
    assert (refused.code, refused.field) == ("invalid", "value")
    assert refused.message.endswith(".")


@given(st.text(max_size=60), st.sampled_from(["phone", "email", "social"]))
def test_anything_written_is_read_or_refused(text: str, kind: HandleKind) -> None:
    outcome = parse_handle(kind, text, "US")
    assert isinstance(outcome, Refused) or canonical(kind, outcome.value) == outcome.value


@pytest.mark.parametrize(
    ("kind", "value", "standing"),
    [
        ("email", "none@example.com", "placeholder"),
        ("email", "no-email@shop.de", "placeholder"),
        ("email", "test1@gmail.com", "placeholder"),
        ("email", "x@x.com", "placeholder"),
        ("email", "info@acme.example", "role"),
        ("email", "no-reply@acme.example", "role"),
        ("email", "sales+eu@acme.example", "role"),
        ("email", "informa.tion@acme.example", "role"),
        ("email", "ada@example.com", "personal"),
        ("email", "testa@example.com", "personal"),
        ("email", "x1@example.com", "personal"),
        ("phone", "+10000000000", "placeholder"),
        ("phone", "+12345678901", "placeholder"),
        ("phone", "+266696687", "placeholder"),  # ANONYMOUS
        ("phone", "+14155550123", "personal"),
        ("phone", "+15550000000", "personal"),
        ("social", "none", "personal"),
    ],
)
def test_what_stands_for_nobody_or_for_a_company_is_known(kind: HandleKind, value: str, standing: str) -> None:
    assert classify(kind, value) == standing

"""What a carrier writes in `From` and `To` → E.164, or nothing.

Only a whole subscriber number becomes a phone handle, because a phone handle links profiles by itself. Short
codes ("72345") and alphanumeric senders ("ACME") belong to no subscriber and mean something only towards the
number they wrote to: they become `social` handles scoped by our address, and never meet a phone.

- Validity is judged by length alone: numbering plans open new ranges before any library knows them, and the
  carrier has already proved that the number exists.
- Letters are refused before parsing: vanity spelling would turn the sender "CALL4CASH" into a number.
- Six digits or fewer without "+" are a short code in every region, although in some (Germany) they could be a
  subscriber number. Carriers write subscribers with "+".
- Mexico dropped the mobile prefix 1 after +52 in 2019, and networks still send both: the form without it is ours.
  Brazil's ninth digit and Argentina's 9 are not folded here: without them the number differs in length or
  meaning, so they are equivalent forms that identity compares.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from model.inbound import HandleRef

_PREFIXES = ("whatsapp:", "tel:", "sms:", "rcs:")
# Digits of any script and the full-width plus, since the library folds them; no letters, no extensions.
_PLUS = "+\uff0b"
_NUMBER = re.compile(rf"[{_PLUS}]?[\d\s().\-/\u2010-\u2013]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE_MOST_DIGITS = 6
_LONGEST = 64


@lru_cache(maxsize=4096)
def normalise(raw: str, region: str) -> str | None:
    """E.164 of a subscriber number, or None where it is none. `region` reads numbers without "+"."""
    text = bare(raw)
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        return None
    if text[0] not in _PLUS and sum(map(str.isdecimal, text)) <= _SHORT_CODE_MOST_DIGITS:
        return None
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except NumberParseException:
        return None
    national = str(number.national_number)
    if number.country_code == 52 and len(national) == 11 and national[0] == "1":
        number.national_number = int(national[1:])
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    formatted = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return formatted if _E164.fullmatch(formatted) else None


def sender(raw: str, region: str, channel: str, address: str) -> HandleRef | None:
    """The handle of whoever wrote to `address`; None where nothing is written at all."""
    phone = normalise(raw, region)
    if phone:
        return HandleRef(kind="phone", value=phone)
    text = bare(raw)
    return HandleRef(kind="social", value=text, scope=f"{channel}:{address}") if text else None


def display(e164: str) -> str:
    """The number as people write it abroad; what is no number is shown as it is."""
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return e164
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def bare(raw: str) -> str:
    """Without surrounding space and channel prefix."""
    text = raw.strip()
    for prefix in _PREFIXES:
        if text[: len(prefix)].lower() == prefix:
            return text[len(prefix) :].strip()
    return text

"""Handles as text: the one form by which each is known, what people write read into it, and which mean nobody.

Equivalent forms are one handle, so that whichever form a network sends finds the same customer:

- Brazil gave mobile numbers a ninth digit by 2016; WhatsApp still names older accounts without it.
- Mexico dropped the mobile 1 after +52 in 2019; networks send both.
- Argentina writes mobiles abroad with a 9 after +54, at home with a 15 behind the area code; many drop the 9.

Replies are addressed to the form the channel wrote, which the handle keeps beside its value.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, Literal

from model.inbound import HandleKind, HandleRef
from model.refusal import Refused

Standing = Literal["personal", "role", "placeholder"]
"""personal: one person's; role: whoever serves at a company (info@); placeholder: no address at all (none@)."""

LONGEST: Final = 254
"""The longest address mail can carry (RFC 5321); phones and social ids are shorter."""

# Mobile numbers began with 6 to 9 before the ninth digit came; landlines begin with 2 to 5 and have eight for ever.
_BRAZIL = re.compile(r"\+55([1-9][0-9])([6-9][0-9]{7})")
_MEXICO = re.compile(r"\+52(?:1|01|044|045)([0-9]{10})")
_ARGENTINA = re.compile(r"\+549([0-9]{10})")


@lru_cache(maxsize=65536)
def canonical(kind: HandleKind, value: str) -> str:
    """The form by which this handle is known. Social ids are what their provider says, to the letter."""
    if kind == "phone":
        return _canonical_phone(value)
    return _canonical_email(value) if kind == "email" else value


def _canonical_phone(e164: str) -> str:
    country = e164[:3]
    if country == "+55":
        return _BRAZIL.sub(r"+55\g<1>9\2", e164) if _BRAZIL.fullmatch(e164) else e164
    if country == "+52":
        found = _MEXICO.fullmatch(e164)
        return "+52" + found[1] if found else e164
    if country == "+54":
        found = _ARGENTINA.fullmatch(e164)
        return "+54" + found[1] if found else e164
    return e164


def _canonical_email(address: str) -> str:
    """Only what every mail system agrees on: case, and the two spellings of a domain. Dots and +tags stay."""
    local, at, domain = address.strip().rpartition("@")
    if not at:
        return _lowered(address.strip())
    domain = domain.rstrip(".")
    if domain.isascii():
        return f"{_lowered(local)}@{domain.lower()}"
    import idna  # only foreign domains need it

    try:
        return f"{_lowered(local)}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return f"{_lowered(local)}@{_lowered(domain)}"


def _lowered(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


# -- what people write --------------------------------------------------------------------------------------------

_PREFIXES = ("whatsapp:", "tel:", "sms:", "rcs:", "mailto:")
_JID = re.compile(r"([0-9]{7,15})@(?:c\.us|s\.whatsapp\.net)")
# Digits of any script, the full-width plus and the signs people group by; the optional (0) of "+44 (0)20 …".
_NUMBER = re.compile(r"[(\s]*[+\uff0b]?[\d\s().\-/\u00a0\u2010-\u2015]+")
_TRUNK = re.compile(r"\(\s*0\s*\)")
_SHORT_CODE_MOST_DIGITS = 6
"""Of a number without country code: as many are a short code, which belongs to no subscriber."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def parse_handle(kind: HandleKind, text: str, region: str | None, scope: str = "") -> HandleRef | Refused:
    """The handle somebody wrote; `region` reads phones without country code, `scope` is that of a social id."""
    bare = _bare(text)
    if len(text) > LONGEST:
        return _invalid(f"A handle has at most {LONGEST} characters; shorten it.")
    if not bare or any(unicodedata.category(character) in ("Cc", "Cs") for character in bare):
        return _invalid("The handle is empty or holds control characters; write it out.")
    if kind == "social":
        return HandleRef(kind, bare, scope)
    if scope:
        return Refused("invalid", "Only social ids have a scope; leave it out.", "scope")
    if kind == "phone":
        number = parse_phone(bare, region)
        return number or _invalid(_no_phone(bare, region))
    return _parse_email(bare)


def _invalid(message: str) -> Refused:
    return Refused("invalid", message, "value")


@lru_cache(maxsize=4096)
def parse_phone(text: str, region: str | None) -> HandleRef | None:
    """A phone number however it is written, or None where it is none. Judged by length, as carriers do."""
    bare = _bare(text)
    jid = _JID.fullmatch(bare)
    if jid:
        return _phone("+" + jid[1], None)
    if not _NUMBER.fullmatch(bare):
        return None
    written = _TRUNK.sub("", bare).replace("\uff0b", "+")
    digits = "".join(str(unicodedata.digit(character)) for character in written if character.isdecimal())
    if "+" not in written and len(digits) <= _SHORT_CODE_MOST_DIGITS:
        return None
    if "+" in written:
        return _phone("+" + digits, None)
    if digits.startswith("00"):
        return _phone("+" + digits[2:], None) or _phone(digits, region)
    # A number with its country code but without "+", as WhatsApp and many exports write it, is too long to be national.
    return _phone(digits, region) or _phone("+" + digits, None)


def _phone(number: str, region: str | None) -> HandleRef | None:
    # Here and not above: the library's tables take long to load, and recording does not need them.
    import phonenumbers

    try:
        read = phonenumbers.parse(number, region)
        form = f"+{read.country_code}{phonenumbers.national_significant_number(read)}"
        value = _canonical_phone(form)
        checked = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(checked) == phonenumbers.ValidationResult.IS_POSSIBLE
    if not possible or not _E164.fullmatch(value):
        return None
    # What a person writes does not say how a network wants it. Only in Argentina do texts need the longer form.
    return HandleRef("phone", value, form=form if _ARGENTINA.fullmatch(form) else None)


def _no_phone(text: str, region: str | None) -> str:
    if any(character.isalpha() for character in text):
        return "This is not a phone number: write digits only, without letters or an extension."
    where = f"in {region} or abroad" if region else "with a country code"
    return f"This is not a whole phone number {where}: write it with + and the country code."


def _parse_email(text: str) -> HandleRef | Refused:
    from email_validator import EmailNotValidError, validate_email  # rarely needed, and slow to load

    try:
        checked = validate_email(text, check_deliverability=False)
    except EmailNotValidError as failure:
        return _invalid(f"This is not an e-mail address: {failure} Correct it.")
    form = f"{checked.local_part}@{checked.ascii_domain}"
    value = canonical("email", form)
    return HandleRef("email", value, form=form if form != value else None)


def _bare(text: str) -> str:
    """Without surrounding space and channel prefixes."""
    bare = text.strip()
    while prefix := next((each for each in _PREFIXES if bare[: len(each)].lower() == each), ""):
        bare = bare[len(prefix) :].strip()
    return bare


# -- which mean nobody --------------------------------------------------------------------------------------------

# What networks send for a caller without number, spelt on a telephone's keys: ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN,
# UNAVAILABLE, PRIVATE.
_WITHHELD = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+7748283"})
_ROWS = ("01234567890123456789", "98765432109876543210")
_ROW_LENGTH = 8
_NOBODY = frozenset(
    """
    none no na nil null nobody noone unknown unbekannt anonymous anonym noemail nomail nomailaddress noaddress
    nonegiven notgiven notprovided notavailable donthave donothave idonthaveone sinemail sincorreo notiene keine
    keinemail pasdemail semmail sememail naotem test testing tester example sample fake dummy asdf asdfasdf qwerty
    abc xyz xxx xx x aaa foobar placeholder youremail myemail someone somebody
    """.split()  # noqa: SIM905  # words, and there are many
)
_ROLES = frozenset(
    """
    info information infos contact contacto contato kontakt contactus office buero secretary sekretariat reception
    frontdesk empfang switchboard zentrale central hello hallo hola bonjour mailbox post sales vertrieb ventas
    vendas vente commercial support help helpdesk service services customerservice customercare customersupport
    kundenservice kundendienst atencion sac admin administrator administration administracion billing invoice
    invoices rechnung facturas facturation accounts accounting accountspayable buchhaltung finance payments orders
    order bestellung pedidos booking bookings reservation reservations reservas returns shipping logistics
    warehouse purchasing procurement einkauf compras hr humanresources jobs careers bewerbung recruiting marketing
    press presse news newsletter events team everyone staff management legal privacy datenschutz compliance
    security abuse postmaster webmaster hostmaster root noc it edv itsupport noreply donotreply noresponder
    naoresponder nichtantworten mailerdaemon bounce bounces notification notifications notify alerts alert system
    daemon robot bot enquiries inquiries enquiry inquiry feedback complaints shop store web website online
    customer email guest mail user
    """.split()  # noqa: SIM905  # words, and there are many
)


@lru_cache(maxsize=65536)
def classify(kind: HandleKind, value: str) -> Standing:
    """Whether this value stands for one person. Social ids always do: their provider gives each account its own."""
    if kind == "phone":
        return "placeholder" if _is_made_up_number(value) else "personal"
    return _classify_email(value) if kind == "email" else "personal"


def _is_made_up_number(value: str) -> bool:
    if value in _WITHHELD:
        return True
    digits = value.removeprefix("+")
    # With up to three digits of a country code before it: +1 000…, +49 1234567890. Real numbers have an eighth digit
    # that breaks the row.
    for national in (digits[start:] for start in range(min(4, len(digits)))):
        if len(national) < _ROW_LENGTH:
            break
        if len(set(national)) == 1 or any(national in row for row in _ROWS):
            return True
    return False


def _classify_email(value: str) -> Standing:
    local, _, domain = value.rpartition("@")
    name = local.split("+", 1)[0]
    # test1@ and no-reply@ are what they are without digits and signs; x1@ may be somebody's.
    letters = re.sub(r"[^a-z]", "", name)
    plain = letters if len(letters) > 2 else re.sub(r"[^a-z0-9]", "", name)
    first = domain.split(".", 1)[0]
    if not letters and len(set(name)) == 1:  # 0@…, 111@…, -@…
        return "placeholder"
    if plain in _NOBODY or (name == first and (len(set(name)) == 1 or plain in _ROLES)):
        return "placeholder"
    return "role" if plain in _ROLES else "personal"

"""Who wrote on WhatsApp: a phone, a business-scoped user id, or both.

- `from` and `wa_id` are whole international numbers without "+". The two differ where a country changed its numbers
  and the account is older: Brazil, Mexico, Argentina. The handle is the number as it is written today, `form` what
  WhatsApp calls the account and what answers go to. (Brazil and Argentina are folded where handles are matched.)
- A user with a username may come without number. Then a business-scoped id names them: two letters of a country, a dot
  and up to 128 letters and digits, which mean something only to one business portfolio
  (https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
"""

from __future__ import annotations

import re

from adapters.base import AccountConfig
from model.inbound import HandleRef

_WA_ID = re.compile(r"\+?([1-9][0-9]{6,14})")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,132}")
_MEXICO = re.compile(r"521([0-9]{10})")


def phone_of(wa_id: str | None) -> HandleRef | None:
    """The phone a WhatsApp id stands for, or None where it is no number."""
    found = _WA_ID.fullmatch(wa_id or "")
    if found is None:
        return None
    digits = found[1]
    mexican = _MEXICO.fullmatch(digits)
    if mexican:
        return HandleRef("phone", "+52" + mexican[1], form="+" + digits)
    return HandleRef("phone", "+" + digits)


def user_of(user_id: str | None, account: AccountConfig, business_account: str) -> HandleRef | None:
    """The handle of a business-scoped user id, or None where it is none."""
    if not user_id or not _USER_ID.fullmatch(user_id):
        return None
    portfolio = account.settings.get("portfolio_id") or business_account
    return HandleRef("social", user_id, f"whatsapp:{portfolio}")


def is_user_id(address: str) -> bool:
    """Whether a reply's address is a business-scoped user id rather than a number."""
    return _USER_ID.fullmatch(address) is not None

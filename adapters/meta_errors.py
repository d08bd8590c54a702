"""Meta's error codes with what to do about them.

- WhatsApp: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
- Messenger and Instagram: https://developers.facebook.com/docs/messenger-platform/error-codes
- Graph API: https://developers.facebook.com/docs/graph-api/guides/error-handling

Meta's own sentence may name the customer's number, so ours is preferred and digits are masked in theirs.
"""

from __future__ import annotations

import re
from typing import Final

_WINDOW = "more than 24 hours have passed since the customer last wrote"
_REMEDIES = {
    0: "the access token is refused: give a new one in settings.access_token",
    3: "the app lacks a permission or capability: grant it at Meta",
    4: "too many calls of the app at once",
    10: "the app may not do this: check its permissions and the messaging window",
    100: "a field of the request is not valid",
    190: "the access token has expired or was withdrawn: give a new one in settings.access_token",
    200: "the token's user may not write for this page or number: grant the permission at Meta",
    368: "the account is blocked for now for violating a policy: see Meta's Account Quality",
    551: "the customer cannot be reached: they have blocked us or left",
    613: "too many messages at once",
    80007: "the WhatsApp Business Account has reached its rate limit",
    130403: "the customer has chosen not to get this message",
    130429: "too many messages at once",
    130472: "Meta left this customer out of marketing messages as an experiment: wait until they write",
    130497: "the account may not write to this country",
    131000: "WhatsApp could not send it and gives no reason",
    131005: "the token may not send: grant whatsapp_business_messaging",
    131008: "a required field is missing",
    131009: "a field is not valid",
    131016: "WhatsApp is not available for the moment",
    131021: "a number cannot write to itself",
    131026: "it cannot be delivered: no WhatsApp, too old an app, or new terms not accepted",
    131030: "a test number can write only to numbers on its list",
    131031: "the account is locked: see Meta's Account Quality",
    131037: "the number's display name is not approved: have it approved at Meta",
    131042: "there is a problem with the payment method: mend it at Meta",
    131045: "the number is not registered: register it at Meta",
    131047: f"{_WINDOW}: send a template, or wait until they write",
    131048: "messages are held back because customers blocked or reported us: see the number's quality",
    131049: "Meta holds it back to keep engagement healthy: wait until the customer writes",
    131050: "the customer wants no marketing messages from us",
    131051: "WhatsApp does not know this kind of message",
    131052: "WhatsApp could not load the file: send it again",
    131053: "WhatsApp did not take the file: check its kind and size",
    131056: "too many messages to this one customer at once",
    131057: "the account is under maintenance",
    131062: "this kind of message cannot go to a customer without a phone number",
    132000: "the template takes another number of parameters",
    132001: "there is no approved template of this name and language",
    132005: "the template's text with its parameters is too long",
    132007: "the template breaks a policy",
    132012: "a parameter of the template has the wrong form",
    132015: "the template is paused because of its quality",
    132016: "the template is switched off for good because of its quality",
    133004: "WhatsApp is not available for the moment",
    133010: "the number is not registered: register it at Meta",
    2018001: "the customer is not known to this page: check which account they wrote to",
    2018065: f"{_WINDOW}: wait until they write",
    2018108: "the customer cannot be reached: they have blocked us, left, or closed the chat",
    2018278: f"{_WINDOW}: wait until they write",
    2534022: f"{_WINDOW}: wait until they write",
    2534014: "the customer is not known to this account: check which account they wrote to",
}

LATER: Final = frozenset((1, 2, 131000, 131016, 131057, 133004))
"""Meta's own trouble: it did not take the message, another attempt may pass."""
TOO_MANY: Final = frozenset((4, 17, 32, 341, 613, 80006, 80007, 130429, 131056))
"""Rates and throughput: nothing was taken."""
OURS_TO_FIX: Final = frozenset((0, 3, 10, 102, 190, 200, 131005, 131031, 131037, 131042, 131045, 131048, 133010))
"""Credentials, permissions, payment: an admin mends it, then the same message can be sent."""

_DIGITS = re.compile(r"\+?[0-9][0-9 ()-]{5,}[0-9]")


def describe(code: int | None, message: str = "", subcode: int | None = None) -> str:
    """One sentence for the agent, without the customer's number. A subcode that is known says more than its code."""
    remedy = _REMEDIES.get(subcode or 0) if subcode else None
    remedy = remedy or (_REMEDIES.get(code) if code is not None else None)
    remedy = remedy or _DIGITS.sub("…", message.strip())[:200]
    name = f"Meta {code}" if code is not None else "Meta"
    return f"{name}: {remedy}" if remedy else name

"""Twilio's error codes with what to do about them.

Each code has a page: https://www.twilio.com/docs/api/errors/21610 and so on. Twilio's own sentence often names
the customer's number, so ours is preferred and digits are masked in theirs.
"""

from __future__ import annotations

import re

_REMEDIES = {
    20003: "the credentials are refused: check settings.account_sid and the account's first secret",
    20404: "the account or resource is not found: check settings.account_sid and settings.api_base",
    20429: "too many requests at once",
    21211: "the number is not valid: check it on the profile",
    21408: "sending to this region is not enabled: allow it under Messaging geo permissions",
    21602: "the message has no text",
    21603: "no sender: set the account's address or settings.messaging_service_sid",
    21604: "no recipient",
    21606: "our number cannot send messages: check the account's address at Twilio",
    21608: "a trial account can write only to verified numbers",
    21609: "the status callback is not a valid address: check the account's public_url",
    21610: "the customer has opted out (STOP): they must write START before we may reply",
    21612: "this sender cannot reach this number: use another sender or channel",
    21614: "the number is not a mobile number: use another channel",
    21617: "the text is longer than 1,600 characters: split it",
    21703: "the Messaging Service has no sender: add a number to its pool",
    30001: "Twilio's queue for this sender overflowed: send again later",
    30002: "the account is suspended: contact Twilio",
    30003: "the phone cannot be reached: it may be off or out of coverage",
    30004: "the recipient blocks messages or cannot receive them",
    30005: "the number does not exist or is no longer in use",
    30006: "a landline, or a carrier that takes no messages: use another channel",
    30007: "the carrier filtered the message as unwanted",
    30008: "the carrier gave no reason",
    30034: "the sending number is not registered (A2P 10DLC): register it at Twilio",
    63003: "the address is not known to the channel: check the number on the profile",
    63007: "our address cannot send on this channel: check the account's address at Twilio",
    63012: "the channel is not available for the moment",
    63013: "the message breaks a policy of the channel",
    63016: "more than 24 hours have passed since the customer last wrote: send a template, or wait until they write",
    63018: "the channel takes no more messages from us for now",
    63019: "the file could not be fetched or is of a kind the channel does not take",
    63021: "the channel does not take this content",
    63024: "the number has no WhatsApp",
    63027: "there is no template of this ContentSid in this language",
    63028: "the template takes another number of parameters",
    63032: "WhatsApp left this customer out of marketing messages as an experiment: wait until they write",
    63049: "Meta holds marketing messages back from this customer: wait until they write",
}

_DIGITS = re.compile(r"\+?[0-9][0-9 ()-]{5,}[0-9]")


def describe(code: int | None, message: str = "") -> str:
    """One sentence for the agent, without the customer's number."""
    remedy = _REMEDIES.get(code or 0) or _DIGITS.sub("…", message.strip())[:200]
    name = f"Twilio {code}" if code else "Twilio"
    return f"{name}: {remedy}" if remedy else name

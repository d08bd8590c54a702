"""Words by which a person opts out of text messages, or in again, where the carrier does not say so itself.

The carriers' own lists, which agree on these: https://support.bandwidth.com/hc/en-us/articles/360025951893,
https://developers.telnyx.com/docs/messaging/messages/advanced-opt-in-out,
https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out. A word counts when it is the whole message.
"""

from __future__ import annotations

from model.inbound import ConsentChange, InboundEvent, InboundMessage

STOP_WORDS = frozenset(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"))
START_WORDS = frozenset(("START", "UNSTOP", "YES"))
# Opts in again, but is also the commonest answer to a question: it stays a message too.
_ANSWER_WORDS = frozenset(("YES",))


def opted_out(text: str) -> bool | None:
    """True: out, False: in again, None: no change."""
    word = text.strip().upper()
    if word in STOP_WORDS:
        return True
    return False if word in START_WORDS else None


def with_consent(message: InboundMessage, declared: bool | None) -> list[InboundEvent]:
    """The message, the change of consent it amounts to, or both. `declared`: `opted_out`, or what the carrier says."""
    if declared is None:
        return [message]
    if message.body.strip().upper() in _ANSWER_WORDS:
        key = f"{message.key}:consent"
        return [message, ConsentChange(key=key, handle=message.handle, body=message.body, opted_out=declared)]
    return [ConsentChange(key=message.key, handle=message.handle, body=message.body, opted_out=declared)]

"""Messenger, by Meta's Messenger Platform.

Configure the app's webhook for pages at Meta as the account's public URL, with `settings.verify_token`, subscribed to
`messages`, `messaging_postbacks`, `messaging_referrals`, `messaging_optins`, `message_deliveries`, `message_reads`,
`message_reactions`, `message_edits` and `message_echoes`; then subscribe the page to the app. The account's `address`
is the page's id, `settings.access_token` the page's, the secrets the app's.
"""

from __future__ import annotations

from adapters.base import AccountConfig, Outgoing, OutgoingFile, Refused, ReplyLimits
from adapters.http_call import as_form
from adapters.meta_graph import Call
from adapters.meta_page_adapter import HUMAN_AGENT_SECONDS, MESSAGES, PageAdapter, kind_of, window_seconds
from adapters.meta_page_parse import FILE_MARK, MARK

MOST_TEXT = 2000
"""https://developers.facebook.com/docs/messenger-platform/reference/send-api#message."""
MOST_FILE_BYTES = 25 * 1000 * 1000
"""https://developers.facebook.com/docs/messenger-platform/send-messages#sending_attachments."""


class Messenger(PageAdapter):
    """The adapter. It holds nothing but the connections shared by all sends."""

    channels = frozenset(("messenger",))
    object = "page"
    address = "the page's, digits only: it stands in the page's About section"

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Meta's own: https://developers.facebook.com/docs/messenger-platform/reference/send-api."""
        return ReplyLimits(
            most_characters=MOST_TEXT,
            most_files=1,
            most_file_bytes=MOST_FILE_BYTES,
            window_seconds=window_seconds(account),
        )

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """The file with its bytes, then the words. Both bear our mark, which comes back with the echo."""
        if len(outgoing.files) > 1:
            return Refused("Messenger takes one file with a message: send the others apart")
        envelope = _envelope(account, outgoing)
        mark = f"{MARK}{outgoing.id}"
        file_mark = mark + FILE_MARK if outgoing.body else mark
        calls = [_file(envelope, file, file_mark) for file in outgoing.files]
        if outgoing.body:
            calls.append(Call(MESSAGES, json={**envelope, "message": {"text": outgoing.body, "metadata": mark}}))
        return calls


def _envelope(account: AccountConfig, outgoing: Outgoing) -> dict[str, object]:
    envelope: dict[str, object] = {"recipient": {"id": outgoing.to}, "messaging_type": "RESPONSE"}
    if window_seconds(account) == HUMAN_AGENT_SECONDS:
        envelope |= {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    return envelope | ({"reply_to": {"mid": outgoing.in_reply_to}} if outgoing.in_reply_to else {})


def _file(envelope: dict[str, object], file: OutgoingFile, mark: str) -> Call:
    attachment = {"type": kind_of(file.content_type), "payload": {"is_reusable": False}}
    fields = {**envelope, "message": {"attachment": attachment, "metadata": mark}}
    return Call(MESSAGES, form=as_form(fields), file=(file.name, file.data, file.content_type), field="filedata")

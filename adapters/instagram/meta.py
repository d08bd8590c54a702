"""Instagram, by Meta's Messenger Platform or by the API with Instagram login.

Configure the app's webhook for Instagram at Meta as the account's public URL, with `settings.verify_token`, subscribed
to `messages`, `messaging_postbacks`, `messaging_referral`, `messaging_seen`, `message_reactions` and, where it is
offered, `message_edit`. The account's `address` is the id of our professional account as webhooks name it,
`settings.access_token` its page's or its own. With Instagram login `settings.api_base` is `https://graph.instagram.com`.
"""

from __future__ import annotations

from adapters.base import AccountConfig, Outgoing, OutgoingFile, Refused, ReplyLimits
from adapters.meta_graph import Call
from adapters.meta_page_adapter import HUMAN_AGENT_SECONDS, MESSAGES, PageAdapter, kind_of, window_seconds

MOST_BYTES = 1000
"""Of UTF-8: https://developers.facebook.com/docs/messenger-platform/instagram/features/send-message."""
_MB = 1000 * 1000
# The same page, "Media types and specifications".
_FILES = {
    "image/png": 8 * _MB,
    "image/jpeg": 8 * _MB,
    "image/gif": 8 * _MB,
    "audio/aac": 25 * _MB,
    "audio/mp4": 25 * _MB,
    "audio/wav": 25 * _MB,
    "video/mp4": 25 * _MB,
    "video/ogg": 25 * _MB,
    "video/quicktime": 25 * _MB,
    "video/webm": 25 * _MB,
    "video/x-msvideo": 25 * _MB,
    "application/pdf": 25 * _MB,
}


class Instagram(PageAdapter):
    """The adapter. It holds nothing but the connections shared by all sends."""

    channels = frozenset(("instagram",))
    object = "instagram"
    address = "our Instagram account's, digits only: webhooks call it entry.id"

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """Meta's own. Text is measured in bytes there; a character may take four."""
        return ReplyLimits(
            most_characters=MOST_BYTES,
            most_files=1,
            most_file_bytes=max(_FILES.values()),
            file_types=tuple(_FILES),
            window_seconds=window_seconds(account),
        )

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """The file by its address, since Instagram fetches, or the words.

        Not both: they would be two messages, and Instagram's echoes bear no mark by which the first could be told from
        one that somebody sends from the app.
        """
        if len(outgoing.body.encode()) > MOST_BYTES:
            return Refused(f"Instagram takes {MOST_BYTES} bytes of text, where é has two and 😀 four: shorten it")
        if len(outgoing.files) > 1:
            return Refused("Instagram takes one file with a message: send the others apart")
        if outgoing.files and outgoing.body:
            return Refused("Instagram takes a file without words: send them apart, one after the other")
        messages: list[dict[str, object]] = []
        for file in outgoing.files:
            refused = _refused(file)
            if refused:
                return refused
            messages.append({"attachment": {"type": kind_of(file.content_type), "payload": {"url": file.url}}})
        if outgoing.body:
            messages.append({"text": outgoing.body})
        envelope = _envelope(account, outgoing)
        return [Call(MESSAGES, json={**envelope, "message": message}) for message in messages]


def _refused(file: OutgoingFile) -> Refused | None:
    most = _FILES.get(file.content_type.partition(";")[0].strip())
    if most is None:
        return Refused(f"Instagram does not take files of the kind {file.content_type[:100]}: convert it")
    if len(file.data) > most:
        return Refused(f"Instagram takes files of this kind up to {most // _MB} MB: send a smaller one")
    return None


def _envelope(account: AccountConfig, outgoing: Outgoing) -> dict[str, object]:
    envelope: dict[str, object] = {"recipient": {"id": outgoing.to}}
    if window_seconds(account) == HUMAN_AGENT_SECONDS:
        envelope |= {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    return envelope | ({"reply_to": {"mid": outgoing.in_reply_to}} if outgoing.in_reply_to else {})

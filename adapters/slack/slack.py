"""Messages to an app in Slack, by the Events API and the Web API.

- Proof: `X-Slack-Signature`, "v0=" and the HMAC-SHA256 of `v0:<time>:<body>` with the app's signing secret, the time in
  `X-Slack-Request-Timestamp` (https://docs.slack.dev/authentication/verifying-requests-from-slack).
- Events: https://docs.slack.dev/apis/events-api and https://docs.slack.dev/reference/events/message; what was pressed
  comes as a form (https://docs.slack.dev/interactivity/handling-user-interaction). A message is known by channel and
  time: one entry, whether it came as `message` or as `app_mention`.
- A person is their user id: alone in a direct chat with the app, where a reply to the person lands; with the channel
  elsewhere, where a reply goes to the channel. In a channel shared with another company ours are no customers.
- Sending: https://docs.slack.dev/reference/methods/chat.postMessage; errors come with status 200. No key makes a repeat
  harmless, and nothing is told of a message that was taken. Files would need three requests more; they are not taken.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx2
from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from adapters.base import AccountConfig as Account
from adapters.base import Answer, Busy, Forged, Outgoing, ParseError, Refused, SendOutcome, Sent, Unknown
from adapters.base import WebhookRequest as Request
from adapters.forms import form_of
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call
from adapters.json_body import body_of, bounded, decoded, instant, settled
from adapters.media import Credentials, MediaClient, MediaFile, MediaOutcome, MediaRefused
from adapters.proof import fresh, required, same, secrets_of
from adapters.slack.text import emoji, plain
from model import inbound
from model.content import Choice, Content, Shared, Unsupported, VoiceNote
from model.inbound import HandleRef, InboundEvent
from model.limits import ReplyLimits
from model.timeline import Media

API, FILE_HOST = "https://slack.com/api", "files.slack.com"
MOST_TEXT, MOST = 4000, 50
NEEDED = {"bot_token": "give the bot user's token, xoxb-…, with the scope chat:write"}
LOST = frozenset(("fatal_error", "internal_error", "request_timeout"))  # "possible some aspect succeeded"
TOO_MANY = frozenset(("ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable"))
OURS_TO_FIX = re.compile(r"account_inactive|invalid_auth|missing_\w+|not_(authed|in_\w+|allowed_\w+)|token_\w+")
ABOUT_US = "url_verification app_rate_limited view_submission view_closed shortcut message_action block_suggestion"
SAID = frozenset(("", "file_share", "me_message", "thread_broadcast"))
UNSAID = re.compile(r"(assistant|bot|channel|ekm|file|group|huddle|message|pinned|reminder|reply|unpinned)_.+")
_CHALLENGE = re.compile(rb'"challenge"\s*:\s*"([\w.-]{1,200})"')
Id = Annotated[str, Meta(min_length=1, max_length=100)]
Short = Annotated[str, Meta(max_length=4096)]


class Attached(Struct):
    """A file; or a message that was passed on, or the look of a link."""

    name: Short | None = None
    mimetype: Short = "application/octet-stream"
    size: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    mode: Short = ""
    subtype: Short | None = None
    url_private: Short = ""
    url_private_download: Short | None = None
    is_share: bool = False
    from_url: Short | None = None
    text: str = ""


class Event(Struct):
    """A message, what happened to one, and what it was before and is now."""

    channel: Id = ""
    ts: Id = ""
    event_ts: Id = ""
    text: str | None = None
    user: Id | None = None
    bot_id: Id | None = None
    subtype: Short | None = None
    thread_ts: Id | None = None
    user_team: Short | None = None
    user_profile: dict[str, Any] = {}
    files: list[Attached] = []
    attachments: list[Attached] = []
    message: Event | None = None
    previous_message: Event | None = None
    deleted_ts: Id | None = None
    reaction: Short = ""
    item: dict[str, Short] = {}


class Action(Struct):
    """What was pressed; the option that was chosen has text and value too."""

    text: dict[str, Any] = {}
    value: Short | None = None
    action_id: Short = ""
    action_ts: Short = ""
    selected_option: Action | None = None


class Told(Struct):
    """An event in its envelope, or what was pressed."""

    type: Id
    api_app_id: Short = ""
    event_id: Short = ""
    event: Raw = Raw()
    authorizations: list[dict[str, Any]] = []
    is_ext_shared_channel: bool = False
    user: Raw = Raw()
    channel: Raw = Raw()
    actions: list[Action] = []

    def ours(self, name: str) -> object:
        """Our workspace's `team_id`, or the `user_id` of our bot in it."""
        return self.authorizations[0].get(name) if self.authorizations else None


class Who(Struct):
    id: Id


class Posted(Struct):
    ok: bool
    error: Short = ""
    channel: Short = ""
    ts: Short = ""


TOLD, WHO, EVENT, POSTED = Decoder(Told), Decoder(Who), Decoder(Event), Decoder(Posted)


class Slack(HttpAdapter):
    """The adapter."""

    provider = "slack"
    channels = frozenset(("slack",))
    title = "Slack"
    secret_is = "give the app's signing secret, not its verification token"
    needed = NEEDED

    def verify(self, request: Request, account: Account) -> None:
        """Raise Forged unless Slack signed this body within five minutes."""
        secrets, given = secrets_of(account), required(request, "x-slack-signature")
        said = b"v0:%b:%b" % (fresh(request, required(request, "x-slack-request-timestamp")).encode(), request.body)
        if not same(given, *(f"v0={hmac.digest(secret.encode(), said, 'sha256').hex()}" for secret in secrets)):
            raise Forged("the signature does not match any secret of the account")

    def answer(self, request: Request, account: Account) -> Answer:
        """The challenge, where the address is being configured; an empty 200 otherwise."""
        empty = super().answer(request, account)
        found = _CHALLENGE.search(request.body) if b'"url_verification"' in request.body else None
        return Answer(found[1]) if found else empty

    def parse(self, request: Request, account: Account) -> list[InboundEvent]:
        """The events of a verified webhook, or ParseError."""
        told, scope = decoded(TOLD, _json(request)), f"slack:{account.address}"
        if told.type in ABOUT_US.split():
            return [inbound.Ignored(told.type, "says nothing of a customer")]
        if told.api_app_id != account.address:
            raise ParseError("another app's: check the account's address", "api_app_id")
        if told.type == "block_actions":
            return settled(_pressed(told, scope), "actions")
        if told.type != "event_callback":
            raise ParseError("unknown kind of webhook", "type")
        read = _EVENTS.get(decoded(TOLD, told.event).type)
        if read is None:
            return [inbound.Ignored(told.event_id, "a kind of event that nobody says")]
        return [read(decoded(EVENT, told.event), told, scope)]

    def limits(self, account: Account) -> ReplyLimits:
        """What Slack shows as one message: https://docs.slack.dev/reference/methods/chat.postMessage#truncating."""
        return ReplyLimits(most_characters=MOST_TEXT)

    def calls(self, account: Account, outgoing: Outgoing) -> list[Call] | Refused:
        """One request; in a thread where a message of this conversation is answered."""
        if outgoing.files:
            return Refused("Slack takes no files from here: send words, or a link to the file")
        message = {"channel": outgoing.to, "text": escape(outgoing.body, quote=False), "mrkdwn": False}
        channel, _, ts = (outgoing.in_reply_to or "").partition(":")
        if channel and ts and (channel == outgoing.to or (channel[0] == "D" and outgoing.to[0] not in "CG")):
            message["thread_ts"] = ts
        headers = {"Authorization": f"Bearer {account.settings['bot_token']}"}
        return [Call(f"{base_of(account, API)}/chat.postMessage", headers=headers, json=message)]

    def accepted(self, response: httpx2.Response) -> SendOutcome | None:
        """Channel and time, or the error that stands in a 200."""
        posted = said_in(POSTED, response)
        if posted is None or (posted.ok and not posted.ts):
            return None
        if posted.ok:
            return Sent(f"{posted.channel}:{posted.ts}", "sent")
        error = f"Slack: {posted.error[:100]}"
        if posted.error in LOST:
            return Unknown(f"{error}: it may or may not have taken the message")
        if posted.error in TOO_MANY:
            return Busy(None, error)
        return Refused(error, retryable=OURS_TO_FIX.fullmatch(posted.error) is not None)

    async def fetch_media(self, account: Account, media: Media, client: MediaClient) -> MediaOutcome:
        """A file, handed out to the bot's token, which Slack's file host alone sees."""
        hosts = frozenset((FILE_HOST, urlsplit(base_of(account, API)).netloc.lower()))
        bearer = Credentials(f"Bearer {account.settings.get('bot_token', '')}", hosts)
        outcome = await client.get(media.url, credentials=bearer)
        if isinstance(outcome, MediaFile) and "html" in outcome.content_type and "html" not in media.content_type:
            return MediaRefused("Slack asks to sign in: give the bot's token the scope files:read.")
        return outcome


def _json(request: Request) -> bytes:
    """The body, or what a form carries of what was pressed."""
    if request.body.startswith(b"{"):
        return body_of(request)
    return body_of(replace(request, body=form_of(request, 50).required("payload", 256 * 1024).encode()))


def _who(user: str, channel: str, scope: str) -> tuple[HandleRef, tuple[HandleRef, ...]]:
    """The person there, and the same person in the direct chat where that is elsewhere."""
    person = HandleRef("social", user, scope)
    if not channel or channel.startswith("D"):
        return person, ()
    return HandleRef("social", user, f"{scope}:{channel}", channel), (person,)


def _message(event: Event, told: Told, scope: str) -> InboundEvent:
    subtype, key = event.subtype or "", f"{event.channel}:{event.ts}"
    if subtype in ("message_changed", "message_deleted"):
        return _changed(event, scope)
    if event.bot_id or not event.user or event.user in (told.ours("user_id"), "USLACKBOT"):
        return inbound.Ignored(key, "said by an app")
    if told.is_ext_shared_channel and event.user_team and event.user_team == told.ours("team_id"):
        return inbound.Ignored(key, "said by one of ours in a shared channel")
    if subtype not in SAID and UNSAID.fullmatch(subtype):
        return inbound.Ignored(key, f"{subtype[:100]} is not said")
    if not event.ts:
        raise ParseError("missing", "event.ts")
    body, files = bounded(plain((event.text or "").replace(f"<@{told.ours('user_id')}>", "")).strip())
    content: list[Content] = [] if subtype in SAID else [Unsupported(subtype[:100], "not known here")]
    content += [Shared("message", each.from_url, each.text[:300]) for each in event.attachments if each.is_share]
    here = [each for each in event.files[:MOST] if each.mode != "external" and each.url_private]
    media = tuple(
        Media(each.url_private_download or each.url_private, each.mimetype, None, each.name, each.size) for each in here
    )
    content += [Shared("file", each.url_private, each.name) for each in event.files if each.mode == "external"]
    content += [Unsupported("file", "Slack gives no address") for each in event.files if not each.url_private]
    content += [VoiceNote() for each in here if each.subtype == "slack_audio"]
    handle, also = _who(event.user, event.channel, scope)
    name = str(event.user_profile.get("display_name") or event.user_profile.get("real_name") or "")[:200] or None
    answers = f"{event.channel}:{event.thread_ts}" if event.thread_ts not in (None, event.ts) else None
    at = instant(event.ts.partition(".")[0])
    return inbound.InboundMessage(key, handle, body, media, at, name, also, (), tuple(content), None, answers, files)


def _changed(event: Event, scope: str) -> InboundEvent:
    """Edited or taken back. Slack also tells of looks that it adds to links, with the same words."""
    now, was = event.message or Event(), event.previous_message or Event()
    ts, user, when = now.ts or event.deleted_ts or was.ts, was.user or now.user, event.event_ts or event.ts
    key, at = f"{event.channel}:{ts}:{when}", instant(when.partition(".")[0])
    gone = event.subtype == "message_deleted" or now.subtype == "tombstone"
    if now.bot_id or was.bot_id or not (user and ts) or (now.text == was.text and not gone):
        return inbound.Ignored(key, "by an app, of nobody, or with the same words")
    handle, target = _who(user, event.channel, scope)[0], f"{event.channel}:{ts}"
    if gone:
        return inbound.MessageUnsent(key, handle, target, at)
    return inbound.MessageEdited(key, handle, target, bounded(plain(now.text or ""))[0], at)


def _reaction(event: Event, told: Told, scope: str, *, given: bool = True) -> InboundEvent:
    channel, ts = event.item.get("channel", ""), event.item.get("ts", "")
    if not (event.user and channel and ts):
        return inbound.Ignored(told.event_id, "a reaction to no message")
    handle, at = _who(event.user, channel, scope)[0], instant(event.event_ts.partition(".")[0])
    sign = emoji(event.reaction) if given else None
    return inbound.MessageReacted(told.event_id, handle, f"{channel}:{ts}", sign, at)


def _pressed(told: Told, scope: str) -> Iterator[InboundEvent]:
    """Buttons and lists of a message: each what was chosen."""
    user, place = decoded(WHO, told.user).id, decoded(WHO, told.channel).id if len(told.channel) else ""
    handle, also = _who(user, place, scope)
    for number, action in enumerate(told.actions[:MOST]):
        chosen = action.selected_option or action
        title = plain(str(chosen.text.get("text", "")))[:200] or chosen.value or action.action_id
        choice = Choice("list" if action.selected_option else "button", title, chosen.value or action.action_id)
        key = f"{place}:{user}:{action.action_ts}:{number}"
        yield inbound.InboundMessage(key, handle, title, also=also, content=(choice,))


_EVENTS: dict[str, Callable[[Event, Told, str], InboundEvent]] = {
    "message": _message,
    "app_mention": _message,
    "reaction_added": _reaction,
    "reaction_removed": partial(_reaction, given=False),
}

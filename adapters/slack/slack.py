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

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from html import escape, unescape
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from adapters.base import AccountConfig as Account
from adapters.base import Answer, Outgoing, ParseError, ReplyLimits
from adapters.base import WebhookRequest as Request
from adapters.bounds import Short, Size
from adapters.forms import form_of
from adapters.http_call import Call, Codes
from adapters.json_api import HandsOutFiles
from adapters.json_body import body_of, bounded, decoded, instant, meant_for, readable, settled
from adapters.media import MediaClient, MediaFile, MediaOutcome, MediaRefused
from adapters.messages import ANY_TYPE, Part, message_of, pressed, social
from adapters.proof import Signed
from model import inbound
from model.content import Shared, Unsupported, VoiceNote
from model.inbound import HandleRef, Ignored, InboundEvent
from model.timeline import Media

MOST = 50
NEEDED = {"bot_token": "give the bot user's token, xoxb-…, with the scope chat:write"}
CODES = Codes(
    busy=frozenset(("ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable")),
    lost=frozenset(("fatal_error", "internal_error", "request_timeout")),  # "possible some aspect succeeded"
    ours_to_fix=re.compile(r"account_inactive|invalid_auth|missing_\w+|not_(authed|in_\w+|allowed_\w+)|token_\w+"),
)
ABOUT_US = "url_verification app_rate_limited view_submission view_closed shortcut message_action block_suggestion"
SAID = frozenset(("", "file_share", "me_message", "thread_broadcast"))
UNSAID = re.compile(r"(assistant|bot|channel|ekm|file|group|huddle|message|pinned|reminder|reply|unpinned)_.+")
EMOJI = {"+1": "👍", "-1": "👎", "heart": "❤", "tada": "🎉", "eyes": "👀", "joy": "😂", "pray": "🙏", "ok_hand": "👌"}
EMOJI |= {"white_check_mark": "✅", "thumbsup": "👍", "thumbsdown": "👎", "smile": "😄", "clap": "👏", "fire": "🔥"}
_CHALLENGE = re.compile(r"[\w.-]{1,200}")
_MARKED = re.compile(r"<([@#!]?)([^<>|]{1,3000})(?:\|([^<>]{0,3000}))?>")
Id = Annotated[str, Meta(min_length=1, max_length=100)]


class Attached(Struct):
    """A file; or a message that was passed on, or the look of a link."""

    name: Short | None = None
    mimetype: Short = ANY_TYPE
    size: Size | None = None
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
    challenge: Short = ""
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


TOLD, WHO, EVENT = Decoder(Told), Decoder(Who), Decoder(Event)


class Slack(HandsOutFiles):
    """The adapter."""

    provider, channels, title, api = "slack", frozenset(("slack",)), "Slack", "https://slack.com/api"
    proof = Signed("x-slack-signature", prefix="v0=", time="x-slack-request-timestamp", form=b"v0:%b:%b")
    secret_is, needed = "give the app's signing secret, not its verification token", NEEDED
    credentials, media_hosts = ("bot_token",), frozenset(("files.slack.com",))
    names, words, fault, codes = "{channel}:{ts}", "Slack: {error}", "error", CODES
    # What Slack shows as one message: https://docs.slack.dev/reference/methods/chat.postMessage#truncating
    replies = ReplyLimits(most_characters=4000)

    def answer(self, request: Request, account: Account) -> Answer:
        """The challenge, where the address is being configured; an empty 200 otherwise."""
        empty, told = super().answer(request, account), readable(TOLD, request.body)
        is_asked = told is not None and told.type == "url_verification" and _CHALLENGE.fullmatch(told.challenge)
        return Answer(told.challenge.encode()) if told and is_asked else empty

    def parse(self, request: Request, account: Account) -> list[InboundEvent]:
        """The events of a verified webhook, or ParseError."""
        told = decoded(TOLD, _json(request))
        if told.type in ABOUT_US.split():
            return [Ignored(told.type, "says nothing of a customer")]
        meant_for(told.api_app_id, account, "api_app_id", "another app's")
        if told.type == "block_actions":
            return settled(_pressed(told, account), "actions")
        if told.type != "event_callback":
            raise ParseError("unknown kind of webhook", "type")
        read = _EVENTS.get(decoded(TOLD, told.event).type)
        if read is None:
            return [Ignored(told.event_id, "a kind of event that nobody says")]
        return [read(decoded(EVENT, told.event), told, account)]

    def calls(self, account: Account, outgoing: Outgoing) -> list[Call]:
        """One request; in a thread where a message of this conversation is answered."""
        message = {"channel": outgoing.to, "text": escape(outgoing.body, quote=False), "mrkdwn": False}
        channel, _, ts = (outgoing.in_reply_to or "").partition(":")
        if channel and ts and (channel == outgoing.to or (channel[0] == "D" and outgoing.to[0] not in "CG")):
            message["thread_ts"] = ts
        return [self.call(account, "/chat.postMessage", message)]

    async def fetch_media(self, account: Account, media: Media, client: MediaClient) -> MediaOutcome:
        """A file, handed out to the bot's token, which Slack's file host alone sees."""
        outcome = await super().fetch_media(account, media, client)
        if isinstance(outcome, MediaFile) and "html" in outcome.content_type and "html" not in media.content_type:
            return MediaRefused("Slack asks to sign in: give the bot's token the scope files:read.")
        return outcome


def _json(request: Request) -> bytes:
    """The body, or what a form carries of what was pressed."""
    if request.body.startswith(b"{"):
        return body_of(request)
    return body_of(replace(request, body=form_of(request, 50).required("payload", 256 * 1024).encode()))


def plain(text: str) -> str:
    """Slack's text without marks: https://docs.slack.dev/messaging/formatting-message-text."""
    return unescape(_MARKED.sub(_unmarked, text))


def _unmarked(found: re.Match[str]) -> str:
    sign, what, label = found.groups("")
    if sign in ("@", "#"):
        return sign + (label or what)
    if sign == "!":
        return label or f"@{what}"
    bare = what.removeprefix("mailto:").removeprefix("tel:")
    return bare if label in ("", bare) else f"{label} ({bare})"


def _who(user: str, channel: str, account: Account) -> tuple[HandleRef, tuple[HandleRef, ...]]:
    """The person there, and the same person in the direct chat where that is elsewhere."""
    person = social(account, user)
    if not channel or channel.startswith("D"):
        return person, ()
    return HandleRef("social", user, f"{person.scope}:{channel}", channel), (person,)


def _message(event: Event, told: Told, account: Account) -> InboundEvent:
    subtype, key = event.subtype or "", f"{event.channel}:{event.ts}"
    if subtype in ("message_changed", "message_deleted"):
        return _changed(event, account)
    if event.bot_id or not event.user or event.user in (told.ours("user_id"), "USLACKBOT"):
        return Ignored(key, "said by an app")
    if told.is_ext_shared_channel and event.user_team and event.user_team == told.ours("team_id"):
        return Ignored(key, "said by one of ours in a shared channel")
    if subtype not in SAID and UNSAID.fullmatch(subtype):
        return Ignored(key, f"{subtype[:100]} is not said")
    if not event.ts:
        raise ParseError("missing", "event.ts")
    text = plain((event.text or "").replace(f"<@{told.ours('user_id')}>", "")).strip()
    parts: list[Part] = [] if subtype in SAID else [Unsupported(subtype[:100], "not known here")]
    parts += [Shared("message", each.from_url, each.text[:300]) for each in event.attachments if each.is_share]
    parts += [part for each in event.files[:MOST] for part in _file(each)]
    who, also = _who(event.user, event.channel, account)
    name = str(event.user_profile.get("display_name") or event.user_profile.get("real_name") or "")[:200]
    answers = f"{event.channel}:{event.thread_ts}" if event.thread_ts not in (None, event.ts) else None
    return message_of(key, who, text, parts, _at(event.ts), name, also=also, in_reply_to=answers)


def _file(file: Attached) -> list[Part]:
    if not file.url_private:
        return [Unsupported("file", "Slack gives no address")]
    if file.mode == "external":
        return [Shared("file", file.url_private, file.name)]
    medium = Media(file.url_private_download or file.url_private, file.mimetype, None, file.name, file.size)
    return [medium, VoiceNote()] if file.subtype == "slack_audio" else [medium]


def _at(ts: str) -> datetime | None:
    return instant(ts.partition(".")[0])


def _changed(event: Event, account: Account) -> InboundEvent:
    """Edited or taken back. Slack also tells of looks that it adds to links, with the same words."""
    now, was = event.message or Event(), event.previous_message or Event()
    ts, user, when = now.ts or event.deleted_ts or was.ts, was.user or now.user, event.event_ts or event.ts
    key, at = f"{event.channel}:{ts}:{when}", _at(when)
    gone = event.subtype == "message_deleted" or now.subtype == "tombstone"
    if now.bot_id or was.bot_id or not (user and ts) or (now.text == was.text and not gone):
        return Ignored(key, "by an app, of nobody, or with the same words")
    handle, target = _who(user, event.channel, account)[0], f"{event.channel}:{ts}"
    if gone:
        return inbound.MessageUnsent(key, handle, target, at)
    return inbound.MessageEdited(key, handle, target, bounded(plain(now.text or ""))[0], at)


def _reaction(event: Event, told: Told, account: Account, *, given: bool = True) -> InboundEvent:
    channel, ts = event.item.get("channel", ""), event.item.get("ts", "")
    if not (event.user and channel and ts):
        return Ignored(told.event_id, "a reaction to no message")
    handle, at = _who(event.user, channel, account)[0], _at(event.event_ts)
    sign = _sign(event.reaction) if given else None
    return inbound.MessageReacted(told.event_id, handle, f"{channel}:{ts}", sign, at)


def _sign(name: str) -> str:
    """The emoji, or its name between colons; a skin's tone is left out."""
    bare = name.partition("::")[0][:62]
    return EMOJI.get(bare, f":{bare}:")


def _pressed(told: Told, account: Account) -> Iterator[InboundEvent]:
    """Buttons and lists of a message: each what was chosen."""
    user, place = decoded(WHO, told.user).id, decoded(WHO, told.channel).id if len(told.channel) else ""
    handle, also = _who(user, place, account)
    for number, action in enumerate(told.actions[:MOST]):
        chosen = action.selected_option or action
        id_, key = chosen.value or action.action_id, f"{place}:{user}:{action.action_ts}:{number}"
        title = plain(str(chosen.text.get("text", ""))) or id_
        yield pressed(key, handle, "list" if action.selected_option else "button", title, id_, also=also)


_EVENTS: dict[str, Callable[[Event, Told, Account], InboundEvent]] = {
    "message": _message,
    "app_mention": _message,
    "reaction_added": _reaction,
    "reaction_removed": partial(_reaction, given=False),
}

"""Chats with a bot on Telegram, by the Bot API: https://core.telegram.org/bots/api.

- Proof: `X-Telegram-Bot-Api-Secret-Token`, the secret that the webhook was set with (`setWebhook`, `secret_token`): not
  over the body, so only https keeps it whole.
- Events: `updates`. Set the webhook with `allowed_updates` `message`, `edited_message`, `message_reaction`,
  `callback_query` and `my_chat_member`.
- Sending: `sendMessage`, `sendPhoto`, `sendVideo`, `sendAudio`, `sendDocument`. No key makes a repeat harmless, and
  bots are told neither delivery nor reading. The bot's token stands in the address: it is never logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec
from msgspec.json import Decoder

from adapters.base import AccountConfig, Answer, Busy, Forged, Outgoing, Refused, ReplyLimits, SendOutcome, Sent
from adapters.base import WebhookRequest as Request
from adapters.http_adapter import HttpAdapter, base_of, said_in
from adapters.http_call import Call
from adapters.media import MediaBusy, MediaClient, MediaFile, MediaOutcome, MediaRefused
from adapters.proof import required, same, secrets_of
from adapters.telegram.updates import OURS, parse, pressed_in
from adapters.telegram.wire import Taken
from model.inbound import InboundEvent
from model.timeline import Media

API = "https://api.telegram.org"
MOST_TEXT, MOST_CAPTION = 4096, 1024
WAYS = {"image/jpeg": "photo", "image/png": "photo", "video/mp4": "video", "audio/mpeg": "audio", "audio/mp4": "audio"}
MOST_PHOTO = 10 * 1000 * 1000
NEEDED = {"bot_token": "ask @BotFather for it"}
ANSWER, TAKEN = Decoder(dict[str, Any]), Decoder(Taken)
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FILE = re.compile(r"[A-Za-z0-9_-]{1,300}")
_PATH = re.compile(r"[A-Za-z0-9_./-]{1,300}")


class Telegram(HttpAdapter):
    """The adapter."""

    provider, channels, title = "telegram", frozenset(("telegram",)), "Telegram"
    secret_is = "make one of letters, digits, _ and -, and give it to setWebhook as secret_token"
    needed = NEEDED

    def problems(self, account: AccountConfig) -> Iterator[str]:
        """Also a secret that Telegram does not take."""
        yield from super().problems(account)
        if not all(_SECRET.fullmatch(secret) for secret in account.secrets if secret.strip()):
            yield f"secrets hold one that Telegram does not take: {self.secret_is}"

    def verify(self, request: Request, account: AccountConfig) -> None:
        """Raise Forged unless the request gives the webhook's secret."""
        secrets, given = secrets_of(account), required(request, "x-telegram-bot-api-secret-token")
        if not same(given, *secrets):
            raise Forged("not the secret the webhook was set with")

    def parse(self, request: Request, account: AccountConfig) -> list[InboundEvent]:
        """The one event of a webhook, or ParseError."""
        return parse(request, account)

    def answer(self, request: Request, account: AccountConfig) -> Answer:
        """Empty; to a pressed button that it was taken, or it would go on turning.

        A method in the answer is carried out: https://core.telegram.org/bots/api#making-requests-when-getting-updates.
        """
        pressed = pressed_in(request.body)
        if pressed is None:
            return super().answer(request, account)
        done = {"method": "answerCallbackQuery", "callback_query_id": pressed}
        return Answer(msgspec.json.encode(done), "application/json")

    def limits(self, account: AccountConfig) -> ReplyLimits:
        """https://core.telegram.org/bots/api#sending-files."""
        return ReplyLimits(most_characters=MOST_TEXT, most_files=1, most_file_bytes=50 * 1000 * 1000)

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call] | Refused:
        """A file with its words, or before them where they are long."""
        if len(outgoing.files) > 1:
            return Refused("Telegram takes one file with a message: send the others apart")
        base = f"{base_of(account, API)}/bot{account.settings['bot_token']}"
        answers: dict[str, Any] = {}
        chat, _, number = (outgoing.in_reply_to or "").partition(":")
        if chat == outgoing.to and number.isdecimal():
            answers = {"reply_parameters": {"message_id": int(number), "allow_sending_without_reply": True}}
        calls, body = [], outgoing.body
        for one in outgoing.files:
            way = WAYS.get(one.content_type, "document")
            way = "document" if way == "photo" and len(one.data) > MOST_PHOTO else way
            form = {"chat_id": outgoing.to} | {name: _json(value) for name, value in answers.items()}
            if len(body) <= MOST_CAPTION:
                form, body = form | {"caption": body}, ""
            files = {way: (one.name, one.data, one.content_type)}
            calls.append(Call(f"{base}/send{way.capitalize()}", form=form, files=files))
        if body:
            calls.append(Call(f"{base}/sendMessage", json={"chat_id": outgoing.to, "text": body, **answers}))
        return calls

    def accepted(self, response: httpx2.Response) -> SendOutcome | None:
        """Chat and number of the message."""
        taken = said_in(TAKEN, response)
        return Sent(f"{taken.result.chat.id}:{taken.result.message_id}", "sent") if taken else None

    def failed(self, response: httpx2.Response, *, repeatable: bool) -> SendOutcome:
        """How long to wait stands in the body. 403: they have blocked the bot, which nobody here can mend."""
        answer = said_in(ANSWER, response) or {}
        more = answer.get("parameters")
        after = more.get("retry_after") if isinstance(more, dict) else None
        if response.status_code == 429:
            return Busy(float(after) if isinstance(after, int | float) else None, self.reason(response))
        if response.status_code == 403:
            return Refused(self.reason(response))
        return super().failed(response, repeatable=repeatable)

    def reason(self, response: httpx2.Response) -> str:
        """Telegram's words."""
        words = (said_in(ANSWER, response) or {}).get("description")
        return f"Telegram: {words[:300]}" if isinstance(words, str) and words else super().reason(response)

    async def fetch_media(self, account: AccountConfig, media: Media, client: MediaClient) -> MediaOutcome:
        """Ask where the file is, then fetch it: both under the bot's token, from the Bot API's host alone."""
        id_, base = media.url.removeprefix(OURS), base_of(account, API)
        token = account.settings.get("bot_token", "")
        if not _FILE.fullmatch(id_) or not urlsplit(base).netloc:
            return MediaRefused("The file has no id by which Telegram would hand it out.")
        told = await client.get(f"{base}/bot{token}/getFile?file_id={id_}", most_bytes=64 * 1024)
        if not isinstance(told, MediaFile):
            return told
        try:
            path = str(ANSWER.decode(told.data)["result"]["file_path"])
        except (msgspec.MsgspecError, KeyError, TypeError):
            return MediaBusy("Telegram does not tell where the file is.")
        if not _PATH.fullmatch(path) or ".." in path:
            return MediaRefused("Telegram tells no path for the file.")
        return await client.get(f"{base}/file/bot{token}/{path}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

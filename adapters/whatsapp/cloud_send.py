"""A reply as the Cloud API takes it: text, a file with or without caption, or a template.

https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages. A file is uploaded
first, which sends nothing: whatever becomes of the upload, the reply has not left. Words too long for a caption, and
those beside a voice message or sticker, which take none, follow as a message of their own.
"""

from __future__ import annotations

from typing import Any, Final

import httpx2

from adapters.base import AccountConfig, Busy, Outgoing, OutgoingFile, Refused, SendOutcome, Sent, Unknown
from adapters.meta_graph import Call, call
from adapters.pieces import Way
from adapters.whatsapp.cloud_parse import FILE_MARK
from adapters.whatsapp.people import is_user_id
from model.content import Template

_MOST_CAPTION = 1024
MOST_TEXT: Final = 4096
_MOST_CALLS = 3
"""The upload, the file, the words: each gets its part of the time."""
_MIB = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."


# https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media, "Supported
# media types". Stickers are left out: a picture an agent picks is meant as a picture.
KINDS: Final = (
    Way("image", ("image/jpeg", "image/png"), 5 * _MIB, _MOST_CAPTION),
    Way("video", ("video/mp4", "video/3gpp"), 16 * _MIB, _MOST_CAPTION),
    Way("audio", ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * _MIB),
    Way(
        "document",
        (
            "application/pdf",
            "text/plain",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_OFFICE}wordprocessingml.document",
            f"{_OFFICE}spreadsheetml.sheet",
            f"{_OFFICE}presentationml.presentation",
        ),
        100 * _MIB,
        _MOST_CAPTION,
    ),
)


async def send_reply(
    session: httpx2.AsyncClient, account: AccountConfig, outgoing: Outgoing, timeout: float
) -> SendOutcome:
    """Send once and say what is known. Raises only on cancellation."""
    timeout /= _MOST_CALLS if outgoing.files else 1
    parts = await _parts(session, account, outgoing, timeout)
    if not isinstance(parts, list):
        return parts
    outcome: SendOutcome = Refused("there is nothing to send: give a text, a file or a template")
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        outcome = await call(session, account, _message(account, outgoing, part, is_last), timeout)
        if not isinstance(outcome, Sent):
            return Unknown(f"the file was sent, but not the words: {outcome.error}") if number else outcome
    return outcome


async def _parts(
    session: httpx2.AsyncClient, account: AccountConfig, outgoing: Outgoing, timeout: float
) -> list[dict[str, Any]] | Refused | Busy | Unknown:
    """The messages the reply is made of, each with its `type`."""
    template = next((each for each in outgoing.content if isinstance(each, Template)), None)
    if template:
        return [{"type": "template", "template": _template(template)}]
    words = [{"type": "text", "text": {"body": outgoing.body, "preview_url": True}}] if outgoing.body else []
    if not outgoing.files:
        return words
    if len(outgoing.files) > 1:
        return Refused("WhatsApp takes one file with a message: send the others apart")
    file = outgoing.files[0]
    kind = next((kind for kind in KINDS if kind.is_for(file.content_type)), None)
    if kind is None:
        return Refused(f"WhatsApp does not take files of the kind {file.content_type[:100]}: convert it")
    if len(file.data) > kind.most_bytes:
        return Refused(f"WhatsApp takes {kind.name} files up to {kind.most_bytes // _MIB} MB: send a smaller one")
    uploaded = await _upload(session, account, file, timeout)
    if not isinstance(uploaded, Sent):
        return uploaded
    medium: dict[str, Any] = {"id": uploaded.provider_id}
    if kind.name == "document":
        medium["filename"] = file.name
    if 0 < len(outgoing.body) <= kind.most_caption:
        medium["caption"], words = outgoing.body, []
    return [{"type": kind.name, kind.name: medium}, *words]


async def _upload(
    session: httpx2.AsyncClient, account: AccountConfig, file: OutgoingFile, timeout: float
) -> Sent | Refused | Busy:
    made = Call(
        f"{account.settings['phone_number_id']}/media",
        form={"messaging_product": "whatsapp", "type": file.content_type},
        file=(file.name, file.data, file.content_type),
    )
    outcome = await call(session, account, made, timeout)
    # An upload is no message: made twice it is only unused once.
    return (
        Busy(None, "the file could not be handed over, and nothing was sent")
        if isinstance(outcome, Unknown)
        else outcome
    )


def _message(account: AccountConfig, outgoing: Outgoing, part: dict[str, Any], is_last: bool) -> Call:
    to = outgoing.to
    # A user without a number is named by `recipient`; where both are given `to` wins.
    person = {"recipient": to} if is_user_id(to) else {"to": to.removeprefix("whatsapp:").removeprefix("+")}
    message: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", **person, **part}
    # Comes back with every status, so that a receipt always finds its entry. That is told by its last part.
    message["biz_opaque_callback_data"] = str(outgoing.id) if is_last else f"{outgoing.id}{FILE_MARK}"
    if outgoing.in_reply_to:
        message["context"] = {"message_id": outgoing.in_reply_to}
    return Call(f"{account.settings['phone_number_id']}/messages", json=message)


def _template(template: Template) -> dict[str, Any]:
    parameters = [{"type": "text", "text": text} for text in template.parameters]
    components = [{"type": "body", "parameters": parameters}] if parameters else []
    return {"name": template.name, "language": {"code": template.language}, "components": components}

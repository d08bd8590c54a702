"""What customers do on WhatsApp, Messenger and Instagram, and what Meta reports of our messages, as webhooks say it.

Kinds of a wish, besides `message` (`body`, `media`): `sticker`, `voice`, `location`, `contacts`, `button`, `list`,
`order`, `reaction` (`target`, `emoji`; none takes it back), `edit` and `unsend` (`target`), `unsupported`, `echo`,
`read`, `number_changed` (`new`), `referral`, `postback`, `story_reply`, `story_mention`; `raw` sends `payload` as it
is. What a channel does not have is refused. `id` names the event instead of a new one; `name` is the customer's.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from gateway.demo.outside.world import Account


class Act:
    """One event of a webhook: under which field it comes, and what it holds."""

    def __init__(self, identity: str, field: str, value: dict[str, Any]) -> None:
        self.identity, self.field, self.value = identity, field, value


def delivery(account: Account, *acts: Act) -> dict[str, Any]:
    """A webhook with these events."""
    if account.channel != "whatsapp":
        entry = {"id": account.address, "time": _now_ms(), "messaging": [each.value for each in acts]}
        return {"object": "page" if account.channel == "messenger" else "instagram", "entry": [entry]}
    number = {"phone_number_id": account.settings["phone_number_id"]}
    metadata = {"display_phone_number": account.address.lstrip("+"), **number}
    changes = [
        {"field": each.field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **each.value}}
        for each in acts
    ]
    return {"object": "whatsapp_business_account", "entry": [{"id": "100200300400500", "changes": changes}]}


def act(account: Account, wish: dict[str, Any]) -> list[Act]:
    """What a customer's wish becomes."""
    return _on_whatsapp(account, wish) if account.channel == "whatsapp" else [_on_page(account, wish)]


def after_sending(
    account: Account, line: dict[str, Any], message: dict[str, Any], is_failing: bool, is_late: bool
) -> list[Act]:
    """What Meta reports of a message it took."""
    if account.channel == "whatsapp":
        code = 131047 if is_late else 131026 if is_failing else None
        return [
            _status(line, message, status, code) for status in ("failed",) * bool(code) or ("sent", "delivered", "read")
        ]
    ours, theirs = account.address, line["to"]
    said: dict[str, Any] = {"mid": line["id"], "is_echo": True, "text": line["body"]}
    said |= {"metadata": mark} if (mark := (message.get("message") or {}).get("metadata")) else {}
    echo = _event(ours, theirs, message=said)
    if is_failing:
        return [Act(line["id"], "message_echoes", echo)]
    if account.channel == "instagram":
        return [Act(line["id"], "messages", each) for each in (echo, _event(theirs, ours, read={"mid": line["id"]}))]
    at = _now_ms()
    delivered = _event(theirs, ours, delivery={"mids": [line["id"]], "watermark": at})
    return [
        Act(line["id"], "messages", each) for each in (echo, delivered, _event(theirs, ours, read={"watermark": at}))
    ]


# -- WhatsApp


def _status(line: dict[str, Any], message: dict[str, Any], status: str, code: int | None) -> Act:
    told: dict[str, Any] = {"id": line["id"], "status": status, "timestamp": _now(), "recipient_id": line["to"]}
    if mark := message.get("biz_opaque_callback_data"):
        told["biz_opaque_callback_data"] = mark
    if code:
        title = {131047: "Re-engagement message", 131026: "Message undeliverable"}[code]
        told["errors"] = [{"code": code, "title": title, "message": title, "error_data": {"details": title}}]
    return Act(line["id"], "messages", {"statuses": [told]})


def _on_whatsapp(account: Account, wish: dict[str, Any]) -> list[Act]:
    kind, identity = wish.get("kind", "message"), wish.get("id") or f"wamid.{uuid4().hex}"
    sender = wish["from"].lstrip("+")
    who = {"user_id": sender} if "." in sender else {"wa_id": sender}
    person = {"profile": {"name": wish.get("name", "")}, **who}
    if kind == "raw":
        return [Act(identity, wish.get("field", "messages"), wish["payload"])]
    written = {"from_user_id": sender} if "." in sender else {"from": sender}
    base = {
        **written,
        "id": identity,
        "timestamp": _now(),
        **({"context": {"id": wish["answers"]}} if wish.get("answers") else {}),
    }
    if kind == "echo":
        echo = {"from": account.address.lstrip("+"), "to": sender, "id": identity, "timestamp": _now()}
        return [
            Act(
                identity, "smb_message_echoes", {"message_echoes": [{**echo, **_typed("text", {"body": wish["body"]})}]}
            )
        ]
    if kind == "number_changed":
        changed = {"type": "user_changed_number", "wa_id": wish["new"].lstrip("+"), "body": "User changed their number"}
        return [Act(identity, "messages", {"messages": [{**base, **_typed("system", changed)}]})]
    contents = [_typed(*each) for each in _whatsapp_contents(kind, wish)]
    ids = [identity, *(f"{identity}{number}" for number in range(1, len(contents)))]
    return [
        Act(one, "messages", {"contacts": [person], "messages": [{**base, "id": one, **content}]})
        for one, content in zip(ids, contents, strict=True)
    ]


def _typed(kind: str, content: Any) -> dict[str, Any]:
    return {"type": kind, kind: content}


def _whatsapp_contents(kind: str, wish: dict[str, Any]) -> list[tuple[str, Any]]:
    """Type and content; several files are several messages there."""
    body, media = wish.get("body", ""), wish.get("media") or []
    if kind == "message":
        files = [(_kind_of(one), {"id": one["id"], "mime_type": one["content_type"]}) for one in media]
        if files and body:
            files[0][1]["caption"] = body
        return files or [("text", {"body": body})]
    if kind in ("voice", "sticker"):
        more = {"voice": True} if kind == "voice" else {"animated": False}
        return [
            (
                "audio" if kind == "voice" else kind,
                {"id": media[0]["id"], "mime_type": media[0]["content_type"], **more},
            )
        ]
    simple: dict[str, tuple[str, Any]] = {
        "location": ("location", wish.get("location") or {"latitude": 48.1371, "longitude": 11.5754, "name": body}),
        "contacts": ("contacts", wish.get("contacts") or [{"name": {"formatted_name": body}, "phones": []}]),
        "button": ("interactive", _typed("button_reply", {"id": wish.get("payload", "1"), "title": body})),
        "list": ("interactive", _typed("list_reply", {"id": wish.get("payload", "1"), "title": body})),
        "order": ("order", {"catalog_id": "1", "text": body, "product_items": wish.get("items") or []}),
        "reaction": (
            "reaction",
            {"message_id": wish.get("target"), **({"emoji": wish["emoji"]} if wish.get("emoji") else {})},
        ),
        "edit": ("edit", {"original_message_id": wish.get("target"), "message": _typed("text", {"body": body})}),
        "unsend": ("revoke", {"original_message_id": wish.get("target")}),
        "unsupported": ("unsupported", {"type": wish.get("type", "poll_creation")}),
    }
    return [simple[kind]]


def _kind_of(medium: dict[str, Any]) -> str:
    kind = str(medium["content_type"]).partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "document"


# -- Messenger and Instagram


def _event(sender: str, recipient: str, **what: Any) -> dict[str, Any]:
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": _now_ms(), **what}


def _on_page(account: Account, wish: dict[str, Any]) -> Act:
    kind, identity = wish.get("kind", "message"), wish.get("id") or f"m_{uuid4().hex}"
    theirs, ours = wish["from"], account.address
    if kind == "raw":
        return Act(identity, "messages", wish["payload"])
    if kind == "echo":
        return Act(
            identity, "messages", _event(ours, theirs, message={"mid": identity, "is_echo": True, "text": wish["body"]})
        )
    name, value = _page_content(kind, identity, account, wish)
    return Act(identity, "messages", _event(theirs, ours, **{name: value}))


def _page_content(kind: str, identity: str, account: Account, wish: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    body, target = wish.get("body", ""), wish.get("target")
    message: dict[str, Any] = {"mid": identity, **({"text": body} if body else {})}
    message |= {"reply_to": {"mid": wish["answers"]}} if wish.get("answers") else {}
    if kind == "message":
        files = [{"type": _page_kind(one), "payload": {"url": one["url"]}} for one in wish.get("media") or []]
        return "message", message | ({"attachments": files} if files else {})
    emoji = wish.get("emoji")
    given = {"action": "react", "emoji": emoji, "reaction": "other"} if emoji else {"action": "unreact"}
    story = {
        "url": wish.get("url", "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1"),
        "id": "17900000000000003",
    }
    is_instagram = account.channel == "instagram"
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "reaction": ("reaction", {"mid": target, **given}),
        "edit": ("message_edit", {"mid": target, "text": body, "num_edit": wish.get("number", 1)}),
        "read": ("read", {"mid": target} if is_instagram else {"watermark": _now_ms()}),
        "referral": ("referral", {"ref": body, "source": "SHORTLINK", "type": "OPEN_THREAD"}),
        "postback": ("postback", {"mid": identity, "title": body, "payload": wish.get("payload", "1")}),
        "button": ("message", message | {"quick_reply": {"payload": wish.get("payload", "1")}}),
        "unsend": ("message", {"mid": target, "is_deleted": True}),
        "unsupported": ("message", message | {"is_unsupported": True}),
    }
    if is_instagram:
        mention = {"type": "story_mention", "payload": {"url": story["url"]}}
        kinds |= {"story_reply": ("message", message | {"reply_to": {"story": story}})}
        kinds |= {"story_mention": ("message", message | {"attachments": [mention]})}
    return kinds[kind]


def _page_kind(medium: dict[str, Any]) -> str:
    kind = _kind_of(medium)
    return "file" if kind == "document" else kind


def _now() -> str:
    return str(int(time.time()))


def _now_ms() -> int:
    return int(time.time() * 1000)

"""Whether anybody wrote it: bounces, complaints, automatic answers, mail to many. None of them is ever answered (T31).

RFC 3834 (Auto-Submitted), RFC 3464 (delivery reports), RFC 5965 (complaints), RFC 2919 and 2369 (lists), and what was
used before and beside them.
"""

from __future__ import annotations

import re
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from adapters.email.characters import decode
from adapters.email.headers import Headers, decoded, split
from adapters.email.letter import Letter
from adapters.email.reply_address import Thread

Automatic = Literal["bounce", "complaint", "auto_reply", "bulk"]

_DAEMONS: Final = ("mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon")
_ADDRESS: Final = re.compile(r"[^\s<>()@;,\"]{1,64}@[^\s<>()@;,\"]{1,190}")
_MOST_REPORT: Final = 64 * 1024
_MOST_RECIPIENTS: Final = 50
_WHY: Final = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such domain",
    "1.3": "the address is not valid",
    "1.10": "the domain takes no mail",
    "2.1": "the mailbox is closed",
    "2.2": "the mailbox is full",
    "2.3": "the mail is too large for the mailbox",
    "3.4": "the mail is too large",
    "4.1": "their mail server does not answer",
    "4.4": "there is no way to their mail server",
    "4.7": "it could not be delivered in time",
    "7.1": "their mail server refuses it",
}


class Undelivered(Struct, frozen=True):
    """A mail of ours that came back. `recipient`: who it was for."""

    entry: UUID
    recipient: str
    reason: str


def automatic_of(letter: Letter) -> Automatic | None:
    """What kind of automatic mail it is, if any."""
    headers = letter.headers
    if letter.file_of("message/feedback-report") is not None:
        return "complaint"
    report = _report(letter)
    if report is not None:
        return "bounce" if _failed(report) else "auto_reply"
    author = headers.author
    name = author.email.partition("@")[0].lower() if author else ""
    if name in _DAEMONS or headers.first("x-failed-recipients"):
        return "bounce"
    return _by_headers(headers)


def _by_headers(headers: Headers) -> Automatic | None:
    submitted = headers.first("auto-submitted").partition(";")[0].strip().lower()
    precedence = headers.first("precedence").strip().lower()
    if submitted not in ("", "no") or precedence in ("auto_reply", "auto-reply"):
        return "auto_reply"
    if any(headers.first(name) for name in ("x-autoreply", "x-autorespond", "x-auto-reply", "x-autoresponder")):
        return "auto_reply"
    if precedence in ("bulk", "list", "junk"):
        return "bulk"
    return "bulk" if any(headers.first(f"list-{name}") for name in ("id", "unsubscribe", "post")) else None


def undelivered(letter: Letter, thread: Thread, addresses: list[str]) -> Undelivered | None:
    """Which mail of ours a bounce is about: by our signed id in what came back, or the signed address it came to."""
    returned = letter.file_of("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")
    old = split(returned[: 4 * _MOST_REPORT])[0] if returned else Headers(())
    report = _report(letter) or {}
    recipients = _addresses(report.get("final-recipient", []) + report.get("original-recipient", []))
    recipients += _addresses(letter.headers.all("x-failed-recipients"))
    recipients += [each.email for each in old.addresses("to")]
    ids = (*old.ids("message-id"), *letter.headers.ids("in-reply-to"), *letter.headers.ids("references"))
    for recipient in dict.fromkeys(recipients[:_MOST_RECIPIENTS]):
        entry = thread.answered(addresses, ids, recipient)
        if entry is not None:
            return Undelivered(entry, recipient, _reason(report))
    return None


def _report(letter: Letter) -> dict[str, list[str]] | None:
    """The fields of a delivery report, of all its recipients together."""
    raw = letter.file_of("message/delivery-status", "message/global-delivery-status")
    if raw is None:
        return None
    fields: dict[str, list[str]] = {}
    for block in re.split(rb"\r?\n\r?\n", raw[:_MOST_REPORT])[:_MOST_RECIPIENTS]:
        for name, value in split(block.strip() + b"\n\n")[0].fields:
            fields.setdefault(name, []).append(value)
    return fields


def _failed(report: dict[str, list[str]]) -> bool:
    actions = {value.strip().lower() for value in report.get("action", [])}
    return "failed" in actions or not actions


def _reason(report: dict[str, list[str]]) -> str:
    """One sentence for the agent, without the customer's address."""
    status = next((value.split()[0] for value in report.get("status", []) if value.strip()), "")
    said = next((decoded(value).partition(";")[2] for value in report.get("diagnostic-code", [])), "")
    why = _WHY.get(status.partition(".")[2]) or _ADDRESS.sub("…", " ".join(said.split()))[:200]
    code = f" ({status})" if re.fullmatch(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", status) else ""
    return f"The mail came back{code}: {why}." if why else f"The mail came back{code} as undeliverable."


def _addresses(values: list[str]) -> list[str]:
    return [found[0] for value in values if (found := _ADDRESS.search(decode(value.encode("utf-8", "replace"), None)))]

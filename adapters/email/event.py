"""A mail as what happened: an `InboundMessage` with a `Mail`, and for a bounce what became of our reply.

Proven is the sender whose domain the provider has checked, or who answers under an address or id we signed for them,
unless DMARC says that the mail is not theirs: what we signed can be stolen, and is then good for the thread alone.
Anyone else only claims to be who the From says: the mail then hangs on an address that means nobody, one for each
claimed sender, and the claim suggests (T13, T14).
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Final

from msgspec import Struct

from adapters.base import AccountConfig
from adapters.email import html as pages
from adapters.email.automatic import Automatic, Undelivered, automatic_of, undelivered
from adapters.email.characters import storable
from adapters.email.letter import Letter
from adapters.email.limits import MOST_QUOTED, MOST_SIGNATURE, MOST_TEXT
from adapters.email.proof import NOTHING, Proof
from adapters.email.quotes import Visible, take_apart
from adapters.email.reply_address import Thread, writes_as_us
from model.content import Mail, Mailbox
from model.inbound import DeliveryReceipt, HandleRef, InboundEvent, InboundFile, InboundMessage

NOBODY_DOMAIN: Final = "unproven.invalid"
_MOST_SUBJECT: Final = 998
_LONGEST_HANDLE: Final = 200


class Arrival(Struct, frozen=True):
    """How a mail came: its key, what is proven of its sender, and where it was addressed by the envelope."""

    key: str
    proof: Proof = NOTHING
    recipients: tuple[str, ...] = ()


class _Read(Struct, frozen=True):
    """What was found out of a letter."""

    author: Mailbox | None
    proven: bool
    automatic: Automatic | None
    answered: str | None
    returned: Undelivered | None
    visible: Visible
    html: str | None


def events_of(letter: Letter, arrival: Arrival, account: AccountConfig) -> list[InboundEvent]:
    """The events of one mail. Pure."""
    read = _read(letter, arrival, account)
    events: list[InboundEvent] = []
    if read.returned is not None:
        events.append(_receipt(read.returned, arrival, account))
    handle, claims = _sender(read)
    files = (*letter.files, *_rest(read.visible))
    message = InboundMessage(
        key=arrival.key,
        handle=handle,
        body=read.visible.body[:MOST_TEXT],
        occurred_at=_plausible(letter.headers.instant("date")),
        name_hint=read.author.name if read.author else None,
        claims=claims,
        content=(_mail(letter, read),),
        provider_id=next(iter(letter.headers.ids("message-id")), None),
        in_reply_to=read.answered,
        files=files,
        automatic=read.automatic is not None,
        html=read.html,
    )
    return [*events, message]


def _read(letter: Letter, arrival: Arrival, account: AccountConfig) -> _Read:
    headers, thread = letter.headers, Thread(account)
    author = headers.author
    addresses = [*arrival.recipients, *(each.email for name in ("to", "cc") for each in headers.addresses(name))]
    ids = (*headers.ids("in-reply-to"), *reversed(headers.ids("references")))
    entry = thread.answered(addresses, ids, author.email) if author and headers.names_one_author else None
    own = author is not None and writes_as_us(author.email, account)
    automatic = automatic_of(letter) or ("bulk" if own else None)
    html = pages.clean(letter.html, letter.pictures()) if letter.html else None
    if letter.html and html is None:
        letter.omitted = letter.omitted or "its HTML is too long or too deeply nested to be shown"
    text = letter.text if letter.text and letter.text.strip() else pages.text_of(letter.html or "")
    return _Read(
        author=author,
        proven=not own and not arrival.proof.refuses(headers) and (entry is not None or arrival.proof.covers(headers)),
        automatic=automatic,
        answered=thread.message_id(entry, author.email) if entry and author else next(iter(ids), None),
        returned=undelivered(letter, thread, addresses) if automatic == "bounce" else None,
        visible=take_apart(storable(text)),
        html=html,
    )


def _receipt(returned: Undelivered, arrival: Arrival, account: AccountConfig) -> DeliveryReceipt:
    return DeliveryReceipt(
        key=f"{arrival.key}:bounce",
        provider_id=Thread(account).message_id(returned.entry, returned.recipient),
        status="failed",
        outbound_id=returned.entry,
        error=returned.reason,
    )


def _sender(read: _Read) -> tuple[HandleRef, tuple[HandleRef, ...]]:
    """The handle the mail hangs on, and what is only claimed. A bounce stands with whom our mail was for."""
    if read.returned is not None:
        return HandleRef("email", read.returned.recipient), ()
    if read.author is None:
        return HandleRef("email", f"nobody@{NOBODY_DOMAIN}"), ()
    if read.proven:
        return HandleRef("email", read.author.email), ()
    return unproven(read.author.email)


def unproven(email: str) -> tuple[HandleRef, tuple[HandleRef, ...]]:
    """The handle that means nobody for who claims this address, and the claim. A reply goes to what was claimed."""
    local, _, domain = email.lower().rpartition("@")
    plain = local.replace("@", "=").replace(" ", "")
    value = f"nobody+{plain}={domain}@{NOBODY_DOMAIN}"
    if len(value) > _LONGEST_HANDLE:
        value = f"nobody+{sha256(email.lower().encode()).hexdigest()[:32]}@{NOBODY_DOMAIN}"
    return HandleRef("email", value, form=email), (HandleRef("email", email),)


def _mail(letter: Letter, read: _Read) -> Mail:
    headers = letter.headers
    return Mail(
        subject=headers.text("subject")[:_MOST_SUBJECT],
        sender=read.author,
        to=headers.addresses("to"),
        cc=headers.addresses("cc"),
        reply_to=next(iter(headers.addresses("reply-to")), None),
        date=headers.instant("date"),
        message_id=next(iter(headers.ids("message-id")), None),
        in_reply_to=next(iter(headers.ids("in-reply-to")), None),
        references=headers.ids("references"),
        quoted=read.visible.quoted[:MOST_QUOTED] if read.visible.quoted else None,
        signature=read.visible.signature[:MOST_SIGNATURE] if read.visible.signature else None,
        html=read.html is not None,
        automatic=read.automatic,
        authenticated=read.proven,
        incomplete=letter.omitted,
    )


def _rest(visible: Visible) -> tuple[InboundFile, ...]:
    """A text longer than is shown, whole, as a file."""
    if len(visible.body) <= MOST_TEXT and len(visible.quoted or "") <= MOST_QUOTED:
        return ()
    whole = visible.body + (f"\n\n{visible.quoted}" if visible.quoted else "")
    return (InboundFile("message.txt", "text/plain", whole.encode("utf-8", "replace")),)


def _plausible(at: datetime | None) -> datetime | None:
    """Dates of mail are what some clock said; those of another century say nothing."""
    return at if at is not None and 1980 <= at.year <= 2100 else None

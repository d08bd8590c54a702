"""A reply as a mail: its headers, its text, its files. Pure.

Whatever goes into a header is refused when it holds a line break or another control character (T30): nothing an agent
writes, and no name a customer gave, can add a recipient.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from adapters.base import AccountConfig, Outgoing
from adapters.email.reply_address import Thread
from model.content import Mail

_CONTROL: Final = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_ADDRESS: Final = re.compile(
    r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_ID: Final = re.compile(r"<[^<>\s\x00-\x1f\x7f]{1,900}>")
_MOST_REFERENCES: Final = 20
_FILE: Final = re.compile(r"([a-z0-9!#$&^_.+-]+)/([a-z0-9!#$&^_.+-]+)")


class Unfit(ValueError):
    """What cannot be sent as a mail, and why: for the agent."""


def compose(account: AccountConfig, outgoing: Outgoing, now: datetime) -> tuple[EmailMessage, str, list[str]]:
    """The mail, the address failures are to come back to, and whom it goes to."""
    mail = next((each for each in outgoing.content if isinstance(each, Mail)), None)
    to = _address(outgoing.to)
    thread = Thread(account)
    message = EmailMessage(policy=SMTP.clone(max_line_length=78))
    message["From"] = Address(
        _line("settings.from_name", account.settings.get("from_name", "")), addr_spec=account.address
    )
    message["To"] = Address(addr_spec=to)
    copies = [_address(each.email) for each in mail.cc] if mail else []
    if copies:
        message["Cc"] = [Address(addr_spec=each) for each in copies]
    message["Subject"] = _line("subject", mail.subject if mail else "") or "Your message"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = thread.message_id(outgoing.id, to)
    back = thread.reply_address(outgoing.id, to)
    message["Reply-To"] = Address(addr_spec=back)
    _thread(message, outgoing, mail)
    if mail and mail.automatic:  # nobody wrote it, and no machine is to answer it (RFC 3834)
        message["Auto-Submitted"] = "auto-replied"
        message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_text(outgoing.body), cte="quoted-printable")
    for file in outgoing.files:
        kind = _FILE.fullmatch(file.content_type.lower()) or _FILE.fullmatch("application/octet-stream")
        assert kind is not None  # noqa: S101  # the second one matches
        main = kind[1] if kind[1] != "message" and kind[1] != "multipart" else "application"
        name = _line("file", file.name)
        message.add_attachment(file.data, maintype=main, subtype=kind[2], filename=name or "file")
    return message, back, [to, *copies]


def _thread(message: EmailMessage, outgoing: Outgoing, mail: Mail | None) -> None:
    answered = outgoing.in_reply_to or (mail.in_reply_to if mail else None)
    references = [each for each in (*(mail.references if mail else ()), answered) if each and _ID.fullmatch(each)]
    if answered and _ID.fullmatch(answered):
        message["In-Reply-To"] = answered
    if references:
        message["References"] = " ".join(list(dict.fromkeys(references))[-_MOST_REFERENCES:])


def _text(body: str) -> str:
    return body.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd") + "\n"


def _line(what: str, text: str) -> str:
    if _CONTROL.search(text):
        raise Unfit(f"The {what} holds a line break or another control character; take it out.")
    return text.strip()


def _address(given: str) -> str:
    """The address with its domain as mail servers know it."""
    local, at, domain = given.strip().rpartition("@")
    if not domain.isascii():
        import idna  # only foreign domains need it

        try:
            domain = idna.encode(domain, uts46=True).decode()
        except idna.IDNAError:
            domain = ""
    address = f"{local}{at}{domain}"
    if not _ADDRESS.fullmatch(address) or _CONTROL.search(given):
        raise Unfit("The customer's address is none a mail can go to; correct it on the profile.")
    return address

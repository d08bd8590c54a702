"""What people and systems write into forms: names, phones, mailboxes, types of files. None of it proves anything."""

from __future__ import annotations

import re

from adapters.messages import ANY_TYPE
from adapters.phones import normalise
from model.inbound import HandleRef

_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_EMAIL = re.compile(r"[^\s@\x00-\x1f]{1,64}@[^\s@\x00-\x1f]{1,189}")
_MOST_NAME = 200


def name_of(written: str | None) -> str | None:
    """A name in one line, None where there is none."""
    return " ".join((written or "").split())[:_MOST_NAME] or None


def handles_of(phone: str | None, email: str | None, region: str) -> tuple[HandleRef, ...]:
    """Phone and e-mail, in this order; what is neither is left out."""
    number, mailbox = normalise(phone or "", region), (email or "").strip()
    found = [HandleRef("phone", number)] if number else []
    return (*found, *([HandleRef("email", mailbox)] if _EMAIL.fullmatch(mailbox) else []))


def type_of(written: str) -> str:
    """A content type as it is written, or that of a file of which nothing is known."""
    return written if _TYPE.fullmatch(written) else ANY_TYPE

"""Entity tags: `"<state>.<whole>"`.

`state` is of what may be edited and is what If-Match compares: an edit is not refused because a message arrived
meanwhile. `whole` is of the answer as it is, so If-None-Match never hides a change.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec
from msgspec import Struct

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
NOT_EDITED: Final = frozenset(
    {
        *("contacts_30_days", "first_contact_at", "last_contact_at", "segments", "open_tasks", "topics"),
        *("provenance", "created_at", "placeholder"),
    }
)
"""Fields of a customer that follow from other things than an edit of it."""


def etag_of(answer: Struct) -> str:
    """The entity tag of an answer."""
    whole = msgspec.json.encode(answer)
    state = {name: getattr(answer, name) for name in answer.__struct_fields__ if name not in NOT_EDITED}
    return f'"{_digest(msgspec.json.encode(state))}.{_digest(whole)}"'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:24]


def same_state(given: str, current: str) -> bool:
    """Whether If-Match allows a change of what has the tag `current`. A weak tag never does (RFC 9110, 13.1.1)."""
    if given.strip() == "*":
        return True
    state = current.strip('"').partition(".")[0]
    return any(not weak and tag.partition(".")[0] == state for weak, tag in _TAG.findall(given))


def unchanged(given: str | None, current: str) -> bool:
    """Whether If-None-Match says that the asker has this answer already."""
    if given is None:
        return False
    return given.strip() == "*" or any(f'"{tag}"' == current for _, tag in _TAG.findall(given))

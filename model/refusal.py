"""A request that was understood and changes nothing: a normal outcome, not an exception."""

from __future__ import annotations

from msgspec import Struct

from model.to_screen import ErrorCode


class Refused(Struct, frozen=True):
    """Why nothing was changed: a documented code and a sentence with the remedy; `field` names what is at fault."""

    code: ErrorCode
    message: str
    field: str | None = None

"""The handles of a profile: for reading, and how each came here."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import asyncpg
import msgspec

from model.customer import HandleView, ReplyWindow

_COLUMNS = (
    *("id", "kind", "scope", "value", "label", "main", "shared", "verified", "textable"),
    *("opted_out", "rule", "account", "by_name", "linked_at", "created_at", "leaf", "windows"),
)


_windows = msgspec.json.Decoder(tuple[ReplyWindow, ...]).decode


def read_handles(row: asyncpg.Record) -> tuple[HandleView, ...]:
    """The handles in the columns `h_…` of `profiles.customer`."""
    if row["h_id"] is None:
        return ()
    columns = zip(*(row[f"h_{name}"] for name in _COLUMNS), strict=True)
    has_main: set[str] = set()
    return tuple(_read(column, has_main) for column in columns)


def _read(column: tuple[Any, ...], has_main: set[str]) -> HandleView:
    id_, kind, scope, value, label, main, shared, verified, textable, opted_out, *how = column
    rule, account, by, linked_at, added_at, leaf, windows = how
    # Merged profiles may bring a main handle each: the profile's own comes first and is the one of its kind.
    main = main and kind not in has_main
    if main:
        has_main.add(kind)
    return HandleView(
        id=id_,
        kind=kind,
        scope=scope,
        value=value,
        display=display(kind, value),
        label=label,
        main=main,
        shared=shared,
        verified=verified,
        textable=textable,
        opted_out=tuple(opted_out.split()) if opted_out else (),
        source=_source(rule, account, by, linked_at or added_at),
        added_at=added_at,
        windows=_windows(windows) if windows else (),
        leaf=leaf,
    )


@lru_cache(maxsize=8192)
def display(kind: str, value: str) -> str:
    """A handle as people write it; a phone the international way."""
    if kind != "phone":
        return value
    # Here and not above: the library's tables take longer to load than everything else in this package.
    import phonenumbers

    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _source(rule: str | None, account: str | None, by: str | None, at: datetime) -> str:
    """How a handle came here, for reading: `first contact on sms-main, 12 Nov 2026`."""
    how = (rule or "added by hand").replace("_", " ")
    return f"{how}{f' on {account}' if account else ''}{f' by {by}' if by else ''}, {at.day} {at:%b %Y}"

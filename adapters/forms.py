"""Form fields from raw bytes, bounded and strict.

`urllib.parse.parse_qsl` reads bytes as ASCII only and replaces what is not UTF-8 silently; here the caller
decides: `lenient` for a signature over text we cannot read, strict for everything that is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from adapters.base import Forged, ParseError, WebhookRequest

FORM = "application/x-www-form-urlencoded"
_MANY = 50
# Of JSON within a form. None of them, nor what they stand for, can be a part of another escape.
_OFTEN = (
    (b"%22", b'"'),
    (b"%3A", b":"),
    (b"%2C", b","),
    (b"%7B", b"{"),
    (b"%7D", b"}"),
    (b"%5B", b"["),
    (b"%5D", b"]"),
)


def content_type(request: WebhookRequest) -> str:
    """The bare media type in lower case; empty where there is none."""
    return (request.header("content-type") or "").partition(";")[0].strip().lower()


def raw_fields(encoded: bytes, limit: int) -> list[tuple[bytes, bytes]]:
    """Names and values in order, percent-decoded, not yet text. ValueError beyond `limit` fields."""
    if encoded.count(b"&") >= limit:
        raise ValueError(f"more than {limit} fields")
    pairs = (part.partition(b"=") for part in encoded.split(b"&") if part)
    return [(_unquote(name), _unquote(value)) for name, _, value in pairs]


def lenient(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    """Every value of every name; bytes that are no UTF-8 become U+FFFD."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.decode("utf-8", "replace"), []).append(value.decode("utf-8", "replace"))
    return found


class Fields:
    """The fields of a verified form; each is asked for by name and judged when read."""

    def __init__(self, encoded: bytes, limit: int) -> None:
        try:
            fields = raw_fields(encoded, limit)
        except ValueError as error:
            raise ParseError(str(error)) from None
        self._values: dict[str, list[str]] = {}
        for raw_name, raw_value in fields:
            name = _text(raw_name, None)
            self._values.setdefault(name, []).append(_text(raw_value, name[:64]))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def optional(self, name: str, most: int) -> str | None:
        """The value, None where absent. Given twice or longer than `most` characters: ParseError."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise ParseError(f"given {len(values)} times", name)
        if len(values[0]) > most:
            raise ParseError(f"longer than {most} characters", name)
        return values[0]

    def required(self, name: str, most: int) -> str:
        """The value; absent or empty: ParseError."""
        value = self.optional(name, most)
        if not value:
            raise ParseError("missing" if value is None else "empty", name)
        return value


def form_of(request: WebhookRequest, limit: int) -> Fields:
    """The body's fields, or ParseError where the body is no form."""
    try:
        kind = content_type(request)
    except Forged as error:
        raise ParseError(str(error), "Content-Type") from None
    if kind != FORM:
        raise ParseError(f"not {FORM}", "Content-Type")
    return Fields(request.body, limit)


def query_of(request: WebhookRequest, limit: int) -> Fields:
    """The fields of the query string."""
    return Fields(request.query.encode("utf-8", "surrogatepass"), limit)


def _unquote(encoded: bytes) -> bytes:
    plain = encoded.replace(b"+", b" ")
    if plain.count(b"%") > _MANY:  # one at a time they cost more than all the rest of reading the form
        for escaped, sign in _OFTEN:
            plain = plain.replace(escaped, sign)
    return unquote_to_bytes(plain) if b"%" in plain else plain


def _text(raw: bytes, field: str | None) -> str:
    """Strict UTF-8 without U+0000, which PostgreSQL text cannot hold. Lone surrogates are not UTF-8."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ParseError("not UTF-8", field) from None
    if "\0" in text:
        raise ParseError("contains U+0000", field)
    return text

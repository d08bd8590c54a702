"""Forms with files, as SendGrid and Mailgun post them: found by offsets, bounded, nothing copied but what is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from adapters.base import Forged, ParseError, WebhookRequest
from adapters.email.characters import decode
from adapters.email.headers import split
from adapters.email.limits import MOST_FIELDS, MOST_PARTS
from adapters.email.parts import parameters_of, pieces_of, places
from adapters.forms import FORM, raw_fields

MULTIPART: Final = "multipart/form-data"
_MOST_SMALL: Final = 1024
_NAME: Final = re.compile(rb'(?i)content-disposition:[^\r\n]{0,200}?\bname="?([\w-]{1,64})"?')


class FormFile(Struct, frozen=True):
    """A file of a form."""

    field: str
    name: str | None
    content_type: str
    data: bytes

    def __repr__(self) -> str:
        return f"FormFile({self.field!r}, {self.content_type}, {len(self.data)} bytes)"


class Form:
    """The fields and files of a verified form. Bytes stay so: what they mean is said by another field."""

    def __init__(self, request: WebhookRequest) -> None:
        self._fields: dict[str, list[bytes]] = {}
        self.files: list[FormFile] = []
        kind, parameters = _kind(request)
        if kind == MULTIPART:
            self._read_parts(request.body, parameters.get("boundary", ""))
        elif kind == FORM:
            try:
                for name, value in raw_fields(request.body, MOST_FIELDS):
                    self._fields.setdefault(name.decode("utf-8", "replace"), []).append(value)
            except ValueError as error:
                raise ParseError(str(error)) from None
        else:
            raise ParseError(f"neither {MULTIPART} nor {FORM}", "Content-Type")

    def _read_parts(self, body: bytes, boundary: str) -> None:
        pieces = pieces_of(body, 0, len(body), boundary) if boundary else []
        if not pieces:
            raise ParseError("no part of the form is found by its boundary", "Content-Type")
        if len(pieces) > MOST_PARTS:
            raise ParseError(f"more than {MOST_PARTS} parts")
        for start, end in pieces:
            headers, data = split(body, start, end)
            given = parameters_of("content-disposition", headers.first("content-disposition"))
            name = given.get("name", "")
            if "filename" in given:
                kind = headers.first("content-type")
                self.files.append(FormFile(name, given["filename"] or None, kind, body[data:end]))
            elif name:
                self._fields.setdefault(name, []).append(body[data:end])

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def raw(self, name: str) -> bytes | None:
        """The field's bytes. Given twice: ParseError."""
        values = self._fields.get(name)
        if values is not None and len(values) > 1:
            raise ParseError(f"given {len(values)} times", name)
        return values[0] if values else None

    def text(self, name: str, charset: str | None = None) -> str:
        """The field as text, empty where it is absent."""
        return decode(self.raw(name) or b"", charset)


def small_field(request: WebhookRequest, name: str) -> str:
    """A short field found without reading the form: a proof is looked at before anything else is.

    Forged where it is absent, given twice, or too long.
    """
    kind, parameters = _kind(request)
    if kind == FORM:
        found = [_value(request.body, place) for place in _pairs(request.body, name.encode())]
    elif kind == MULTIPART and parameters.get("boundary"):
        found = list(_parts(request.body, parameters["boundary"], name.encode()))
    else:
        raise Forged(f"a proof is carried by {MULTIPART} or {FORM} only")
    if len(found) != 1 or not 0 < len(found[0]) <= _MOST_SMALL or not found[0].isascii():
        raise Forged(f"the field {name} is given {len(found)} times, or is empty or too long")
    return found[0].decode("ascii")


def _pairs(body: bytes, name: bytes) -> Iterator[int]:
    if body.startswith(name + b"="):
        yield len(name) + 1
    for place in places(body, b"&" + name + b"=", 0, len(body)):
        yield place + len(name) + 2


def _value(body: bytes, start: int) -> bytes:
    return body[start : start + _MOST_SMALL + 1].partition(b"&")[0]


def _parts(body: bytes, boundary: str, name: bytes) -> Iterator[bytes]:
    for start, end in pieces_of(body, 0, len(body), boundary):
        head, blank, _ = body[start : min(end, start + 4096)].partition(b"\r\n\r\n")
        found = _NAME.search(head)
        if found is not None and blank and found[1] == name:
            yield body[start + len(head) + 4 : min(end, start + len(head) + 5 + _MOST_SMALL)]


def _kind(request: WebhookRequest) -> tuple[str, dict[str, str]]:
    try:
        value = request.header("content-type") or ""
    except Forged as error:
        raise ParseError(str(error), "Content-Type") from None
    return value.partition(";")[0].strip().lower(), parameters_of("content-type", value)

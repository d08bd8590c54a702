"""What somebody wrote, apart from what they repeat and what they always write below (their signature).

Where the repeated part begins is found by the headers that mail programs put above it ("On … wrote:", in twelve
languages, mail-parser-reply), or else by lines marked `>`. The library's own cutting is not used: it takes lists for
signatures and loses indentation. A signature begins at the line `-- ` (RFC 3676, section 4.3).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from msgspec import Struct

LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pl", "sv", "da", "cs", "ja", "ko", "zh")
_LONGEST_LINE: Final = 300
"""The library's expressions take the square of a line's length; no header is longer."""
_MOST_SEARCHED: Final = 20_000
_SIGNATURE: Final = re.compile(r"(?m)^-- ?$")
_DIVIDER: Final = re.compile(r"(?m)^[ \t]*(?:-{3,} ?[\w ]{1,40} ?-{3,}|_{10,})[ \t]*$")
_ATTRIBUTION: Final = re.compile(r"(?:\A|\n)(?!>)[^\n]{0,400}:[ \t]*\n\s*\Z")


class Visible(Struct, frozen=True):
    """A text taken apart."""

    body: str
    quoted: str | None = None
    signature: str | None = None


def take_apart(text: str) -> Visible:
    """The visible reply, what it quotes, and the signature. What is nothing but a quotation is shown as it is."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    start = _quotation(text)
    body, quoted = (text, "") if start is None else (text[:start], text[start:])
    if not body.strip() and quoted:
        body, quoted = _below(quoted)
    elif text.startswith(">") and "\n>" not in text.lstrip(">").partition("\n\n")[2]:
        body, quoted = _below(text)
    found = _SIGNATURE.search(body)
    signature = body[found.end() :].strip() if found and body[: found.start()].strip() else ""
    if found and signature:
        body = body[: found.start()]
    return Visible(body.strip(), quoted.strip("\n") or None, signature or None)


def _quotation(text: str) -> int | None:
    """Where the repeated part begins."""
    places = [found for found in (_by_header(text), _by_marks(text), _by_divider(text)) if found is not None]
    return min(places, default=None)


def _by_header(text: str) -> int | None:
    lines = text[:_MOST_SEARCHED].split("\n")
    searched = "\n".join(line if len(line) <= _LONGEST_LINE else "." * len(line) for line in lines)
    found = _headers().search(searched)
    if found is None:
        return None
    return found.start() + (len(found[0]) - len(found[0].lstrip("\n")))


def _by_marks(text: str) -> int | None:
    """Where the last block marked `>` begins, when nothing but that follows, with the line above that introduces it."""
    lines = text.split("\n")
    first = len(lines)
    while first and (lines[first - 1].startswith(">") or not lines[first - 1].strip()):
        first -= 1
    if not any(line.startswith(">") for line in lines[first:]):
        return None
    start = sum(len(line) + 1 for line in lines[:first])
    introduced = _ATTRIBUTION.search(text[max(0, start - 500) : start])
    return start - (len(introduced[0].lstrip("\n")) if introduced else 0)


def _by_divider(text: str) -> int | None:
    """A line like `-----Original Message-----`, or a line of underscores with the headers of a mail below."""
    for found in _DIVIDER.finditer(text[:_MOST_SEARCHED]):
        below = text[found.end() :].lstrip("\n").split("\n", 2)
        if len(below) > 1 and all(re.match(r"[*> ]*\w[\w -]{1,30}\*?: ?\S", line) for line in below[:2]):
            return found.start()
    return None


def _below(quoted: str) -> tuple[str, str]:
    """Of a text that begins with a quotation: what was written under it."""
    lines = quoted.split("\n")
    marked = [place for place, line in enumerate(lines) if line.startswith(">")]
    last = marked[-1] + 1 if marked else len(lines)
    body = "\n".join(lines[last:]).strip()
    return (body, "\n".join(lines[:last])) if body else (quoted, "")


@cache
def _headers() -> re.Pattern[str]:
    from mailparser_reply.parser import EmailMessage  # compiling its expressions takes 0.1 s

    pattern: re.Pattern[str] = EmailMessage(text="", languages=list(LANGUAGES)).HEADER_REGEX
    return pattern

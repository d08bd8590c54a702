"""Mails that make readers work for ever, fill memory or fail: each with what it must become."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

Becomes = Literal["whole", "part"]

HEAD = b"From: Bo Bomb <bo@bomb.example>\r\nTo: support@desk.example\r\nMessage-ID: <%d@bomb.example>\r\n"


class Bomb(Struct, frozen=True):
    """A mail. `part`: it is beyond a limit, and its entry says so; `text`: what its entry's text begins with."""

    name: str
    source: bytes
    becomes: Becomes
    text: str = ""
    files: int = 0


def bombs() -> list[Bomb]:
    """The five of the promise first, then others."""
    return [
        Bomb("nested 2,000 deep", _head("nested") + nested(2000), "part"),
        Bomb("50,000 parts", _head("parts") + _multipart(b"\r\nx\r\n", 50_000), "part", "x"),
        Bomb("32,000 recipients", _recipients(32_000), "part", "hello"),
        Bomb("20,000 broken encoded words", _head("=?utf-8?b?x" * 20_000) + b"\r\nhello\r\n", "part", "hello"),
        Bomb("30 MB", _head("large") + _large(22 * 2**20), "whole", "see the file", 1),
        Bomb("10,000 headers", _head("headers") + b"X-A: b\r\n" * 10_000 + b"\r\nhello\r\n", "part", "hello"),
        Bomb("a header of 1 MB", _head("long") + b"X-A: " + b"y" * 10**6 + b"\r\n\r\nhello\r\n", "part", "hello"),
        Bomb("HTML 20,000 elements deep", _head("html") + _html(b"<div>" * 20_000), "part"),
        Bomb("message/rfc822 500 times", _head("mails") + _mails(500), "whole", "", 1),
        Bomb("15 million empty lines", _head("lines") + b"\r\n" * 15_000_000, "whole"),
        Bomb(
            "unknown charset",
            _head("charset") + _text(b"text/plain; charset=klingon", b"gr\xfc\xdfe"),
            "whole",
            "grüße",
        ),
        Bomb("a multipart without boundary", _head("none") + _text(b"multipart/mixed", b"hello"), "whole", "hello"),
        Bomb("a boundary that never ends", _head("open") + _multipart(b"\r\nhello\r\n", 1)[:-8], "whole", "hello"),
        Bomb("8-bit headers", _head("gr\xfc\xdfe".encode("latin-1")) + b"\r\nhello", "whole", "hello"),
        Bomb(
            "uuencode in the text",
            _head("uu") + b"\r\nhello\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n",
            "whole",
            "hello",
            1,
        ),
        Bomb("winmail.dat", _head("tnef") + _tnef(), "whole", "hello", 1),
        Bomb("U+0000 everywhere", _head("nul\0") + b"\r\n" + b"\0" * 1000, "whole", "\ufffd"),
        Bomb("no mail at all", os.urandom(100_000), "whole", "", 1),
    ]


def _head(subject: str | bytes) -> bytes:
    said = subject if isinstance(subject, bytes) else subject.encode()
    return HEAD % (abs(hash(said)) % 10**9) + b"Subject: " + said + b"\r\n"


def nested(depth: int) -> bytes:
    """Multiparts in one another."""
    begin = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    end = b"".join(b"\r\n--b%d--\r\n" % n for n in reversed(range(depth)))
    return begin + b"Content-Type: text/plain\r\n\r\ndeep" + end


def _multipart(part: bytes, count: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + (b"--b\r\n" + part) * count + b"--b--\r\n"


def _recipients(count: int) -> bytes:
    addresses = b", ".join(b"a%d@home.example" % n for n in range(count))
    return _head("all").replace(b"To: ", b"To: " + addresses + b", ") + b"\r\nhello\r\n"


def _large(size: int) -> bytes:
    data = base64.encodebytes(os.urandom(size))
    head = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return _multipart(b"\r\nsee the file\r\n--b\r\n" + head + data + b"\r\n", 1)


def _html(source: bytes) -> bytes:
    return _text(b"text/html", source)


def _text(kind: bytes, body: bytes) -> bytes:
    return b"Content-Type: " + kind + b"\r\n\r\n" + body + b"\r\n"


def _mails(depth: int) -> bytes:
    return b"".join(_layers(depth)) + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


def _layers(depth: int) -> Iterator[bytes]:
    for number in range(depth):
        yield b"Content-Type: message/rfc822\r\n\r\nSubject: %d\r\n" % number


def _tnef() -> bytes:
    data = base64.encodebytes(b"\x78\x9f\x3e\x22" + os.urandom(500))
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return _multipart(b"\r\nhello\r\n--b\r\n" + head + data, 1)

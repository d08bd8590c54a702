"""Genuine bodies made wrong: mostly inside their own format, so that reading gets past the first bracket."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import parse_qsl, urlencode

DEEP = 1000
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        2**31,
        2**63,
        -(10**40),
        1e308,
        -0.5,
        "",
        " ",
        "x",
        "0",
        "-1",
        "\0",
        "\ud800",
        "\u202e",
    ),
    *(
        "x" * 300,
        "x" * 20_000,
        "9" * 5000,
        "2026-13-45T99:99:99Z",
        "http://[",
        "+1" + "5" * 40,
        "é" * 64,
        "=?utf-8?b?/?=",
    ),
    *([], {}, [[]], [None], {"": {}}, {"id": {"id": {}}}, [{}] * 40),
)


def mutated(body: bytes, kind: str, rng: random.Random) -> bytes:
    """One to three changes. `kind`: the content type the body is sent with."""
    wrong = body
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        wrong = _once(wrong, kind, rng)
    return wrong


def _once(body: bytes, kind: str, rng: random.Random) -> bytes:
    if rng.random() < 0.15:
        return _bytes(body, rng)
    if "json" in kind or body[:1] in (b"{", b"["):
        return _json(body, rng)
    if "form-urlencoded" in kind:
        return _form(body, rng)
    return _lines(body, rng)


def _bytes(body: bytes, rng: random.Random) -> bytes:
    wrong = bytearray(body)
    at = rng.randrange(len(wrong) + 1)
    match rng.randrange(5):
        case 0:
            return bytes(wrong[:at])
        case 1:
            wrong[at:at] = rng.choice((b"\0", b"\xff", b"\xed\xa0\x80", b"[" * DEEP, b"9" * 5000, b'"', b"%", b"\r\n"))
        case 2:
            del wrong[at : at + rng.choice((1, 1, 8, 64))]
        case 3:
            wrong[at:at] = wrong[at : at + 64]
        case _ if at < len(wrong):
            wrong[at] ^= 1 << rng.randrange(8)
    return bytes(wrong)


def _json(body: bytes, rng: random.Random) -> bytes:
    try:
        whole = json.loads(body)
        return _value(whole, rng) if isinstance(whole, dict | list) else _bytes(body, rng)
    except (ValueError, RecursionError):  # no JSON, or too deep to be written again
        return _bytes(body, rng)


def _value(whole: Any, rng: random.Random) -> bytes:
    parent, key = rng.choice(_places(whole))
    match rng.randrange(8):
        case 0 if isinstance(parent, dict):
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[rng.choice(("x", "", "type", "id", f"{key}x"))] = parent[key]
        case 2 if isinstance(parent, list):
            parent.extend(parent[:1] * rng.choice((1, 5, 200)))
        case 3:
            parent[key] = [parent[key]]
        case 4:
            other, name = rng.choice(_places(whole))
            parent[key] = json.loads(json.dumps(other[name]))
        case 5:
            text = json.dumps(whole)
            nested = rng.choice(("[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP, "9" * 5000))
            return text.replace(json.dumps(parent[key]), nested, 1).encode("utf-8", "surrogatepass")
        case _:
            parent[key] = rng.choice(VALUES)
    return json.dumps(whole, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass")


def _places(whole: Any) -> list[tuple[Any, Any]]:
    """Every value below the top, as its container and key; the top itself inside a list when there is none."""
    found: list[tuple[Any, Any]] = []
    todo = [whole]
    while todo:
        container = todo.pop()
        pairs = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in pairs:
            found.append((container, key))
            if isinstance(value, dict | list):
                todo.append(value)
    return found or [([whole], 0)]


def _form(body: bytes, rng: random.Random) -> bytes:
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    if not fields:
        return _bytes(body, rng)
    at = rng.randrange(len(fields))
    name, value = fields[at]
    match rng.randrange(5):
        case 0:
            del fields[at]
        case 1:
            fields.append((name, value))
        case 2:
            fields[at] = (name, rng.choice(fields)[1])
        case 3:
            fields[at] = (name + rng.choice(("x", "0", "1", "")), value)
        case _:
            fields[at] = (name, str(rng.choice(VALUES)))
    return urlencode(fields, errors="surrogatepass").encode()


def _lines(body: bytes, rng: random.Random) -> bytes:
    """Mail and multipart: whole lines moved, doubled, dropped, cut and made strange."""
    lines = body.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        case 2:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        case 3:
            name = lines[at].partition(b":")[0]
            lines[at] = (
                name + b": " + rng.choice((b"\xff\xfe", b"=?x?b?/?=" * 50, b"a" * 5000, b"<" * 500, b'"', b"\0"))
            )
        case 4:
            lines[at : at + 1] = [lines[at]] * rng.choice((2, 50))
        case _:
            return _bytes(body, rng)
    return b"\n".join(lines)

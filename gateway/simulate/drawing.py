"""Waiting over the day as a picture: mean and nine in ten, by the time of arrival. A PNG needs no more than zlib."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from math import floor, log10

from gateway.simulate.summing import percentile
from router.simulation.given import Arrival, Outcome

WIDTH, HEIGHT = 1200, 500
LEFT, RIGHT, TOP, BOTTOM = 90, 20, 50, 45
BUCKETS = 96
SCALE = 2
Colour = tuple[int, int, int]
PAPER, INK, RULE, MEAN, TAIL = (255, 255, 255), (60, 60, 60), (225, 225, 225), (20, 90, 200), (240, 180, 120)
# Five dots wide and seven high; each row's bits from left to right.
GLYPHS: dict[str, tuple[int, ...]] = {
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (31, 2, 4, 2, 1, 17, 14),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    ":": (0, 12, 12, 0, 12, 12, 0),
    ".": (0, 0, 0, 0, 0, 12, 12),
    "%": (24, 25, 2, 4, 8, 19, 3),
    "a": (0, 0, 14, 1, 15, 17, 15),
    "c": (0, 0, 14, 16, 16, 17, 14),
    "d": (1, 1, 13, 19, 17, 17, 15),
    "e": (0, 0, 14, 17, 31, 16, 14),
    "g": (0, 15, 17, 17, 15, 1, 14),
    "h": (16, 16, 22, 25, 17, 17, 17),
    "i": (4, 0, 12, 4, 4, 4, 14),
    "m": (0, 0, 26, 21, 21, 17, 17),
    "n": (0, 0, 22, 25, 17, 17, 17),
    "o": (0, 0, 14, 17, 17, 17, 14),
    "r": (0, 0, 22, 25, 16, 16, 16),
    "s": (0, 0, 14, 16, 14, 1, 30),
    "t": (8, 8, 28, 8, 8, 9, 6),
    "w": (0, 0, 17, 17, 21, 21, 10),
}


class Picture:
    """Dots, and what can be put on them."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(bytes(PAPER) * width) for _ in range(height)]

    def box(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        """Filled; what lies outside is left out."""
        left, right = max(left, 0), min(right, self.width)
        for row in self._rows[max(top, 0) : max(bottom, 0)]:
            row[left * 3 : right * 3] = bytes(colour) * max(right - left, 0)

    def write(self, text: str, left: int, top: int, colour: Colour = INK) -> None:
        """What has no glyph is a space."""
        for place, letter in enumerate(text):
            for line, bits in enumerate(GLYPHS.get(letter, ())):
                for dot in range(5):
                    if bits >> (4 - dot) & 1:
                        x, y = left + (place * 6 + dot) * SCALE, top + line * SCALE
                        self.box(x, y, x + SCALE, y + SCALE, colour)

    def png(self) -> bytes:
        """As a file."""
        head = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        dots = zlib.compress(b"".join(b"\0" + row for row in self._rows), 6)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", dots) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def draw_waiting(arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> bytes:
    """A PNG: how long those who came at each time of the day waited, answered or not."""
    begin = min(arrival.at for arrival in arrivals)
    length = max(arrival.at for arrival in arrivals) - begin or 1.0
    buckets: list[list[float]] = [[] for _ in range(BUCKETS)]
    for arrival, one in zip(arrivals, outcomes, strict=True):
        ended = one.answered if one.answered is not None else one.left
        if ended is not None:
            place = min(int((arrival.at - begin) / length * BUCKETS), BUCKETS - 1)
            buckets[place].append(ended - arrival.at)
    tails = [percentile(sorted(waits), 0.9) or 0.0 for waits in buckets]
    means = [sum(waits) / len(waits) if waits else 0.0 for waits in buckets]
    step = _round_step(max(*tails, *means, 1.0) / 5)
    picture = Picture(WIDTH, HEIGHT)
    _axes(picture, begin, length, step)
    width = (WIDTH - LEFT - RIGHT) / BUCKETS
    for place, (mean, tail) in enumerate(zip(means, tails, strict=True)):
        left, right = LEFT + round(place * width), LEFT + round((place + 1) * width) - 1
        picture.box(left, _y(tail, step), right, HEIGHT - BOTTOM, TAIL)
        picture.box(left, _y(mean, step) - 2, right, _y(mean, step) + 1, MEAN)
    return picture.png()


def _y(seconds: float, step: float) -> int:
    """Six steps high."""
    return HEIGHT - BOTTOM - round(seconds / (6 * step) * (HEIGHT - TOP - BOTTOM))


def _round_step(step: float) -> float:
    size: float = 10.0 ** floor(log10(step))
    return next(size * each for each in (1, 2, 5, 10) if size * each >= step)


def _axes(picture: Picture, begin: float, length: float, step: float) -> None:
    picture.write("seconds waited", 10, 15)
    picture.box(400, 15, 428, 29, TAIL)
    picture.write("90 % waited no more", 440, 15)
    picture.box(760, 20, 788, 24, MEAN)
    picture.write("mean", 800, 15)
    for number in range(7):
        y = _y(number * step, step)
        picture.box(LEFT, y, WIDTH - RIGHT, y + 1, RULE)
        picture.write(f"{number * step:7g}", 0, y - 7)
    for number in range(9):
        at = begin + length * number / 8
        x = LEFT + round((WIDTH - LEFT - RIGHT) * number / 8)
        picture.box(x, TOP, x + 1, HEIGHT - BOTTOM, RULE)
        picture.write(f"{at // 3600:02.0f}:{at % 3600 // 60:02.0f}", min(x - 30, WIDTH - 62), HEIGHT - BOTTOM + 12)
    picture.box(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM + 2, INK)

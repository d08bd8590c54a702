"""Patterns of RE2, whose time is linear in the text whatever the pattern is, and whose memory is bounded."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import re2

MOST_MEMORY: Final = 2 << 20
LARGEST: Final = 1_500
"""Instructions of one pattern: a class such as `\\pL` has 1,200."""
MOST_PATTERNS: Final = 100
"""Of one rule set."""
LONGEST_SEARCHED: Final = 8_000
"""Characters that a pattern is searched in: where memory runs out, some tenths of a second."""


class BadPattern(ValueError):
    """A pattern that RE2 does not take; the message says why."""


def _options() -> Any:
    options = re2.Options()
    options.max_mem = MOST_MEMORY
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    return options


_OPTIONS: Final = _options()


@lru_cache(maxsize=4 * MOST_PATTERNS)
def compile_pattern(pattern: str) -> Callable[[bytes], bool]:
    """A function that says whether a text in UTF-8 holds the pattern somewhere; without regard to case, unless the
    pattern says `(?-i)`. Raises BadPattern."""
    try:
        compiled = re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        raise BadPattern(_reason(error)) from None
    if compiled.programsize > LARGEST:
        raise BadPattern(f"it grows to {compiled.programsize} steps, and {LARGEST} are allowed; repeat less")
    search = compiled.search
    return lambda text: search(text) is not None


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
    return "it is too large; repeat less" if "too large" in text else text

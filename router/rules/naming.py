"""What there is to name, what a wrong name may have meant, and what is said of a fault."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

from router.rules.fields import FIELDS, Catalog

MOST_GUESSES: Final = 20


class Problem(Struct, frozen=True):
    """Why a rule set cannot be used as it is. `place`: where in it; `code`: the kind of fault."""

    place: str
    code: str
    message: str


class Choices:
    """What a name that is not there may have meant: guessed for the first only, since guessing takes long."""

    def __init__(self) -> None:
        self._left = MOST_GUESSES

    def __call__(self, given: str, known: Iterable[str]) -> str:
        """The end of a message that begins with what is not there."""
        if not self._left:
            return "; correct it."
        self._left -= 1
        names = sorted(known)
        close = get_close_matches(given, names, 1)
        if close:
            return f"; did you mean {close[0]!r}?"
        shown = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
        return f"; there are: {shown}." if names else "; there are none yet."


class Names:
    """What there is to name, folded once for all rules. `values`: by field, where it has few."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.values = catalog.values | {
            name: frozenset(field.choices) for name, field in FIELDS.items() if field.choices
        }
        self.folded = {field: frozenset(map(str.casefold, values)) for field, values in self.values.items()}
        self.topics = frozenset(map(str.casefold, catalog.topics))
        self.choice = Choices()

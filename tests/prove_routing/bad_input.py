"""What may be wrong, and the tests that show the answer to it."""

from __future__ import annotations

from typing import Final

BAD_INPUT: Final[dict[str, tuple[str, ...]]] = {}

"""The page on rules says what the code does."""

from __future__ import annotations

from router.rules.fields import MEANINGS, OPERATORS
from tests.pure.rules_page import PAGE, page


def test_the_page_on_rules_is_up_to_date() -> None:
    old = PAGE.read_text(encoding="utf-8")
    assert old == page(old), "run: python -m tests.pure.rules_page"


def test_every_operator_is_explained() -> None:
    assert set(MEANINGS) == {"exists"}.union(*OPERATORS.values())

"""The page on channels says what the code does."""

from __future__ import annotations

from tests.contract.channels.table import PAGE, page


def test_the_page_on_channels_is_up_to_date() -> None:
    old = PAGE.read_text(encoding="utf-8")
    assert old == page(old), "run: python -m tests.contract.channels.table"

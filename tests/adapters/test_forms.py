"""Form fields from raw bytes."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from adapters.forms import raw_fields

PIECES = st.sampled_from(
    [b"%", b"%2", b"%22", b"%25", b"22", b"%3A", b"%3a", b"%7B", b"%C3%BC", b"B", b"+", b"%5", b"D"]
)


@given(st.lists(PIECES, max_size=300).map(b"".join))
def test_many_escapes_are_read_as_few_are(value: bytes) -> None:
    assert raw_fields(b"x=" + value, 10) == [(b"x", unquote_to_bytes(value.replace(b"+", b" ")))]

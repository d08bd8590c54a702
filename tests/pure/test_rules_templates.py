"""R2: sentences with a customer's values in them: what is missing, what must not be said, what is no template."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rules.templates import LONGEST_VALUE, BadTemplate, fill


def test_a_value_or_what_stands_after_the_bar() -> None:
    text = "Hello {name|there}, {{{fields.limit}}} is what {company|} may spend."
    assert fill(text, {"name": "Ada", "fields.limit": "18420.00"}).text == ("Hello Ada, {18420.00} is what  may spend.")
    assert fill(text, {"fields.limit": 3.0}).text == "Hello there, {3} is what  may spend."
    assert fill("{name} {plan} {name}", {"plan": "gold"}).missing == ("name",)


@pytest.mark.parametrize("text", ["Hello {name", "Hello name}", "{}", "{ |x}", "{name|a|b}", "{na{me}}"])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate):
        fill(text, {"name": "Ada"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ada\r\nBcc: x", "Hello Ada Bcc: x!"),
        ("Ada@mail.example", "Hello there!"),
        ("Locked out, see evil.example", "Hello there!"),
        ("<b>Ada</b>", "Hello bAda/b!"),
        ("\u202eadA\u2066", "Hello adA!"),
        ("Ada\x00\x1b[31m", "Hello Ada[31m!"),
        ("see https://evil.example", "Hello there!"),
        ("www.evil.example", "Hello there!"),
        ("evil.example/free", "Hello there!"),
        ("   ", "Hello there!"),
        ("{plan}", "Hello {plan}!"),
        ("می\u200cخواهم", "Hello می\u200cخواهم!"),
        ("a" * 500, f"Hello {'a' * (LONGEST_VALUE - 1)}…!"),
        (True, "Hello there!"),
        (("a",), "Hello there!"),
    ],
)
def test_a_value_is_said_without_what_could_do_harm(name: object, said: str) -> None:
    assert fill("Hello {name|there}!", {"name": name, "plan": "gold"}).text == said


@given(st.text())
def test_no_value_breaks_out_of_its_place(name: str) -> None:
    text = fill("[{name|there}]", {"name": name}).text
    assert text is not None and text[0] == "[" and text[-1] == "]"
    inside = text[1:-1]
    assert 0 < len(inside) <= LONGEST_VALUE
    assert not any(sign in "<>\n\r" or unicodedata.category(sign) in ("Cc", "Co", "Cs") for sign in inside)

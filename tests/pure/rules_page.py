"""Fields and operators of rules, worked out of the code; `python -m tests.pure.rules_page` writes the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from router.rules.fields import CUSTOM, CUSTOM_KINDS, EXTERNAL, FIELDS, MEANINGS, OPERATORS, POOL, POOL_FACTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "rules.md"
BEGIN, END = "<!-- begin: worked out of the code -->", "<!-- end: worked out of the code -->"


def page(old: str) -> str:
    """The page with its tables anew."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n" + "\n".join(_tables()) + f"\n\n{END}{after}"


def _tables() -> Iterator[str]:
    yield "| field | kind | what it tells |"
    yield "|---|---|---|"
    for name, field in FIELDS.items():
        values = f": {', '.join(field.choices)}" if field.choices else ""
        yield f"| `{name}` | {field.kind.replace('_', ' ')} | {field.meaning}{values} |"
    texts = " and ".join(sorted(name for name, kind in CUSTOM_KINDS.items() if kind == "text" != name))
    yield f"| `{CUSTOM}<key>` | as defined; {texts} are text | a custom field of the profile |"
    for name, meaning in POOL_FACTS.items():
        yield f"| `{POOL}<queue>.{name}` | number | {meaning} |"
    said = "titles, texts, status and amounts that this source answered last, of 50 lines; it is not asked for it"
    yield f"| `{EXTERNAL}<source>` | set | {said} |"
    yield ""
    yield "| kind | operators |"
    yield "|---|---|"
    for kind, operators in OPERATORS.items():
        yield f"| {kind.replace('_', ' ')} | {', '.join(f'`{each}`' for each in operators)}, `exists` |"
    yield ""
    yield "| operator | holds where the value is |"
    yield "|---|---|"
    yield from (f"| `{name}` | {meaning} |" for name, meaning in MEANINGS.items())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""The JSON Schema of what may be posted; `python -m tests.adapters.generic.schema` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec

from adapters.generic.standard import NOT_THEIRS, Posted
from model.content import Content

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "generic.schema.json"
TITLE = "What a system posts to a generic account of Screenpop"


def schema() -> str:
    """As the file has it."""
    kinds = [kind for kind in get_args(Content) if kind not in NOT_THEIRS]
    (whole, *of_content), definitions = msgspec.json.schema_components([Posted, *kinds], ref_template="#/$defs/{name}")
    for kind in ("Message", "Echo"):
        definitions[kind]["properties"]["content"]["items"] = {"anyOf": of_content}
    described: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": TITLE}
    return json.dumps({**described, **whole, "$defs": definitions}, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(schema(), encoding="utf-8")

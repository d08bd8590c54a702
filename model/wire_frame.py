"""What the frames from a screen have in common."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Ref = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(min_length=1, max_length=16_000)]
Reason = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(min_length=1, max_length=63)]


class FromScreen(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """What every frame of a screen shares."""

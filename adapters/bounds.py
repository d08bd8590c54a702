"""Bounds on what is read of a provider's JSON, as types for the fields of Structs: they do for most providers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=300)]
Short = Annotated[str, Meta(max_length=4096)]
"""A name, a label, an address: what is no text of a customer's."""
Size = Annotated[int, Meta(ge=0, le=2**53)]
"""Of a file, in bytes."""
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]

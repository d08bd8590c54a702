"""What a reply on a channel may be."""

from __future__ import annotations

from msgspec import Struct


class ReplyLimits(Struct, frozen=True):
    """What a reply on a channel may be. Asked before an agent writes, and again before it is queued."""

    most_characters: int
    most_files: int = 0
    most_file_bytes: int = 0
    file_types: tuple[str, ...] = ()
    """Content types taken, `image/*` for all of a kind; empty takes every type."""
    window_seconds: int | None = None
    """A reply must leave this soon after the customer's last message; only a template may later."""
    templates: bool = False
    subject: bool = False

    def takes(self, content_type: str) -> bool:
        """Whether a file of this type may go."""
        family = content_type.partition("/")[0] + "/*"
        return not self.file_types or content_type in self.file_types or family in self.file_types

"""Slack's text: marks of people, channels and links, made plain; emoji by their names.

https://docs.slack.dev/messaging/formatting-message-text; what is sent has no marks, only the three signs escaped.
"""

from __future__ import annotations

import re
from html import unescape

_EMOJI = {"+1": "👍", "-1": "👎", "heart": "❤", "tada": "🎉", "eyes": "👀", "joy": "😂", "pray": "🙏", "ok_hand": "👌"}
_EMOJI |= {"white_check_mark": "✅", "thumbsup": "👍", "thumbsdown": "👎", "smile": "😄", "clap": "👏", "fire": "🔥"}
_MARKED = re.compile(r"<([@#!]?)([^<>|]{1,3000})(?:\|([^<>]{0,3000}))?>")


def plain(text: str) -> str:
    """Without marks."""
    return unescape(_MARKED.sub(_unmarked, text))


def emoji(name: str) -> str:
    """The sign, or the name between colons; a skin's tone is left out."""
    bare = name.partition("::")[0][:62]
    return _EMOJI.get(bare, f":{bare}:")


def _unmarked(found: re.Match[str]) -> str:
    sign, what, label = found.groups("")
    if sign in ("@", "#"):
        return sign + (label or what)
    if sign == "!":
        return label or f"@{what}"
    bare = what.removeprefix("mailto:").removeprefix("tel:")
    return bare if label in ("", bare) else f"{label} ({bare})"

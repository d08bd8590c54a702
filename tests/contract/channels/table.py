"""What each provider can, worked out of adapters and fixtures; `python -m tests.contract.channels.table` writes it.

The page says nothing by hand that code knows, so that it cannot be wrong for long: a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from adapters.base import ReplyLimits
from model.inbound import InboundEvent
from tests.contract.channels.harness import HarnessBase, harnesses

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "channels.md"
BEGIN, END = "<!-- begin: worked out of the code -->", "<!-- end: worked out of the code -->"
WORDS = {
    "MessageReacted": "reactions",
    "MessageEdited": "edits",
    "MessageUnsent": "taken back",
    "MessageEchoed": "said elsewhere for us",
    "DeliveryReceipt": "receipts",
    "ReadUpTo": "receipts up to a time",
    "Typing": "typing",
    "ConsentChange": "opt-out",
    "HandleChanged": "changed address",
}
CONTENT = {
    "Cards": "contact cards",
    "Choice": "choices",
    "Form": "forms",
    "Forwarded": "forwarded",
    "Location": "places",
    "Notice": "notices",
    "Order": "orders",
    "Referral": "referrals",
    "Shared": "shared posts",
    "Sticker": "stickers",
    "Story": "stories",
    "Unsupported": "unsupported kinds, shown as such",
    "VoiceNote": "voice notes",
    "Mail": "mail",
}


def tables() -> str:
    """The three tables, as Markdown."""
    found = harnesses()
    return "\n".join((*_inbound(found), "", *_replies(found), "", *_proofs(found)))


def events(harness: HarnessBase) -> list[InboundEvent]:
    """What the fixtures of a provider are read as."""
    return [
        event for request in harness.requests().values() for event in harness.adapter.parse(request, harness.account)
    ]


def _inbound(found: dict[str, HarnessBase]) -> Iterator[str]:
    yield "| provider | a message may hold | besides messages | kinds with a fixture |"
    yield "|---|---|---|---|"
    for name, harness in found.items():
        all_ = events(harness)
        holds = {type(content).__name__ for event in all_ for content in getattr(event, "content", ())}
        files = ["files"] if any(getattr(event, "media", ()) or getattr(event, "files", ()) for event in all_) else []
        besides = {type(event).__name__ for event in all_}
        held = ["text", *files, *_named(CONTENT, holds)] if "InboundMessage" in besides else ["calls"]
        yield f"| {name} | {_list(held)} | {_list(_named(WORDS, besides))} | {len(harness.requests())} |"


def _replies(found: dict[str, HarnessBase]) -> Iterator[str]:
    yield "| provider | text | files | only within | templates | subject |"
    yield "|---|---|---|---|---|---|"
    for name, harness in found.items():
        limits = harness.adapter.limits(harness.account)
        text = f"{limits.most_characters:,}" if limits.most_characters else "–"
        hours = f"{limits.window_seconds // 3600} h" if limits.window_seconds else "–"
        cells = (name, text, _files(limits), hours, _yes(limits.templates), _yes(limits.subject))
        yield f"| {' | '.join(cells)} |"


def _proofs(found: dict[str, HarnessBase]) -> Iterator[str]:
    yield "| provider | proof | over the body | over the address | with a time | largest webhook |"
    yield "|---|---|---|---|---|---|"
    for name, harness in found.items():
        none = "none" if harness.unsigned() is None else "in the body"
        proof = f"`{harness.proof}`" if harness.proof else none
        covers = (harness.covers_body, harness.covers_address, harness.stale() is not None)
        cells = (name, proof, *map(_yes, covers), _size(harness.adapter.max_body))
        yield f"| {' | '.join(cells)} |"


def _named(words: dict[str, str], names: Iterable[str]) -> list[str]:
    known = set(names)
    return [word for name, word in words.items() if name in known]


def _files(limits: ReplyLimits) -> str:
    if not limits.most_files:
        return "–"
    kinds = f", {len(limits.file_types)} types" if limits.file_types else ""
    return f"{limits.most_files}, to {_size(limits.most_file_bytes)}{kinds}"


def _size(size: int) -> str:
    return f"{size / 2**20:.3g} MiB" if size >= 2**20 else f"{size // 1024} KiB"


def _yes(true: bool) -> str:
    return "yes" if true else "–"


def _list(words: list[str]) -> str:
    return ", ".join(words) or "–"


def page(old: str) -> str:
    """The page with the tables of now."""
    before, _, rest = old.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""What a screen may resume: the names in its `hello`, judged before anything is read."""

from __future__ import annotations

from msgspec import Struct

from gateway.policy import may
from model import to_screen, wire
from model.agent import Actor
from model.event import FeedId
from pushers.feeds import Page, parse_feed


class Claims(Struct, frozen=True):
    """Where a screen says it stands, of the feeds it may follow; `errors` answer the rest, which is ignored."""

    agent: int | None
    customers: dict[FeedId, int]
    errors: tuple[to_screen.Error, ...]


def judge_claims(hello: wire.Hello, actor: Actor, most: int) -> Claims:
    """Sort the feeds of a hello: own agent feed, customers (at most `most`), and what is refused."""
    agent: int | None = None
    customers: dict[FeedId, int] = {}
    errors: list[to_screen.Error] = []
    for name, position in (hello.resume or {}).items():
        feed = parse_feed(name)
        if feed is None:
            errors.append(_error("bad_frame", "Not the name of a feed.", hello, name[:80]))
        elif feed == FeedId("agent", actor.id):
            agent = position
        elif feed.kind == "agent":
            errors.append(_error("forbidden", "Another agent's feed is theirs alone.", hello, name))
        elif not may(actor, "customer.read", feed.id):
            errors.append(_error("forbidden", "This customer is not shown to you.", hello, name))
        elif len(customers) >= most:
            errors.append(_error("gone", f"A screen follows at most {most} customers; open it again.", hello, name))
        else:
            customers[feed] = position
    return Claims(agent, customers, tuple(errors))


def _error(code: to_screen.ErrorCode, message: str, hello: wire.Hello, name: str) -> to_screen.Error:
    return to_screen.Error(code, message, hello.ref, f"resume.{name}")


def complete_pages(pages: list[Page], same_epoch: bool) -> dict[FeedId, Page]:
    """The feeds that can be resumed without a hole; under another epoch none can."""
    return {page.feed: page for page in pages if same_epoch and page.complete}

"""The pure parts of screens beside the session: profiles put together, what may be resumed, who may come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from gateway.screen_handshake import own_origin
from gateway.screen_hello import judge_claims
from gateway.screen_limits import Arrivals
from model import to_screen
from model.agent import Actor
from model.contact import ProfileContact
from model.customer import (
    Candidate,
    Card,
    Conversation,
    Customer,
    Detail,
    MergeView,
    Pin,
    Relationship,
    Suggestion,
    Task,
)
from model.event import FeedId
from model.timeline import Author, Entry
from model.wire import Hello
from pushers.feeds import LogEvent, Page
from pushers.snapshot import Opening, encode_snapshot, profile_frame

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
AN_ID = UUID(int=1 << 80)
CUSTOMER_FEED = f"customer:{AN_ID}"


def a_profile() -> to_screen.Profile:
    customer = Customer(AN_ID, 'Ana "Q" é', (), None, "Lisbon", "pt", None, None, ("vip",), NOW, 3, NOW, None)
    contact = ProfileContact(AN_ID, AN_ID, "sms", "messaging", "assigned", Author(AN_ID, "Bo"), NOW)
    entry = Entry(AN_ID, "message", "sms", "in", "hi", NOW, None, AN_ID)
    talk = Conversation(AN_ID, "open", NOW, None, True, (contact,))
    author = Author(AN_ID, "Bo")
    return to_screen.Profile(
        reason="accepted",
        ref="r1",
        offer=AN_ID,
        contact=contact,
        customer=customer,
        candidates=(),
        conversations=(talk,),
        timeline=(entry, entry),
        more=True,
        details=(Detail(AN_ID, "takes the stairs", NOW, author, 1),),
        relationships=(Relationship(AN_ID, "family", "sister", AN_ID, "Eva", NOW, None),),
        pins=(Pin(AN_ID, entry, AN_ID, "Eva", NOW, author),),
        tasks=(Task(AN_ID, AN_ID, "Ana", None, "call back", NOW, author, None, "open", 1, NOW, None),),
        suggestions=(Suggestion(AN_ID, AN_ID, "Anna", 0.9, (), NOW),),
        merges=(MergeView(AN_ID, AN_ID, AN_ID, "Anna", "by_hand", NOW, author),),
        cards=(Card("shop", "Orders", "fresh"),),
        feed=CUSTOMER_FEED,
        seq=41,
    )


@dataclass(frozen=True)
class ASnapshot:
    customer_id: UUID
    seq: int
    customer: Customer
    candidates: tuple[Candidate, ...]
    conversations: tuple[Conversation, ...]
    timeline: tuple[Entry, ...]
    more: bool
    details: tuple[Detail, ...]
    relationships: tuple[Relationship, ...]
    pins: tuple[Pin, ...]
    tasks: tuple[Task, ...]
    suggestions: tuple[Suggestion, ...]
    merges: tuple[MergeView, ...]
    cards: tuple[Card, ...]


def snapshot_of(whole: to_screen.Profile, customer: Customer) -> ASnapshot:
    names = (field for field in ASnapshot.__dataclass_fields__ if field not in ("customer_id", "customer"))
    return ASnapshot(customer_id=AN_ID, customer=customer, **{name: getattr(whole, name) for name in names})


def test_a_profile_put_together_is_byte_for_byte_the_encoded_struct() -> None:
    whole = a_profile()
    assert whole.customer is not None
    encoded = encode_snapshot(snapshot_of(whole, whole.customer))
    assert profile_frame(encoded, Opening("accepted", "r1", AN_ID, whole.contact)) == msgspec.json.encode(whole)
    opened = msgspec.structs.replace(whole, reason="opened", ref=None, offer=None, contact=None)
    assert profile_frame(encoded, Opening("opened")) == msgspec.json.encode(opened)


def test_while_nobody_knows_who_writes_the_customer_is_null_and_candidates_are_named() -> None:
    whole = a_profile()
    assert whole.customer is not None
    asked = (Candidate(AN_ID, "Ana", None, "first contact", NOW),)
    nobody = msgspec.structs.replace(whole, customer=None, candidates=asked)
    placeholder = msgspec.structs.replace(whole.customer, placeholder=True)
    encoded = encode_snapshot(snapshot_of(nobody, placeholder))
    assert profile_frame(encoded, Opening("accepted", "r1", AN_ID, whole.contact)) == msgspec.json.encode(nobody)


def test_a_hello_resumes_own_agent_feed_and_customers_and_is_told_of_every_other() -> None:
    me, other = UUID(int=7 << 80), UUID(int=8 << 80)
    customers = {f"customer:{UUID(int=n << 80)}": n for n in range(20, 23)}
    hello = Hello("e", {f"agent:{me}": 3, f"agent:{other}": 4, "customer:x": 1, **customers}, "r")
    claims = judge_claims(hello, Actor(me, "Bo", "agent"), 2)
    assert claims.agent == 3
    assert {str(feed): position for feed, position in claims.customers.items()} == dict(list(customers.items())[:2])
    assert [(error.code, error.field) for error in claims.errors] == [
        ("forbidden", f"resume.agent:{other}"),
        ("bad_frame", "resume.customer:x"),
        ("gone", f"resume.{list(customers)[2]}"),
    ]


@pytest.mark.parametrize(
    ("after", "head", "seqs", "complete"),
    [
        (5, 5, [], True),
        (5, 8, [6, 7, 8], True),
        (5, 305, list(range(6, 306)), True),
        (5, 306, list(range(6, 307)), False),
        (5, 8, [7, 8], False),
        (5, 8, [6, 8], False),
        (5, 8, [6, 7], False),
        (5, 8, [], False),
        (9, 8, [], False),
        (-1, 2, [0, 1, 2], False),
        (2**70, 8, [], False),
        (0, None, [], False),
    ],
)
def test_a_resume_is_complete_only_without_a_hole_and_within_three_hundred(
    after: int, head: int | None, seqs: list[int], complete: bool
) -> None:
    events = tuple(LogEvent(seq, b"{}") for seq in seqs)
    assert Page(FeedId("customer", AN_ID), after, head, events).complete is complete


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://desk.example.com", "desk.example.com", True),
        ("https://desk.example.com", "desk.example.com", True),
        ("https://desk.example.com", "desk.example.com:443", True),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("https://listed.example.com", "desk.example.com", True),
        ("https://listed.example.com:8443", "desk.example.com", False),
        ("http://listed.example.com", "desk.example.com", False),
        ("https://evil.example", "desk.example.com", False),
        ("https://desk.example.com.evil.example", "desk.example.com", False),
        ("https://desk.example.com:8443", "desk.example.com", False),
        ("https://desk.example.com@evil.example", "desk.example.com", False),
        ("https://evil.example/desk.example.com", "desk.example.com", False),
        ("null", "desk.example.com", False),
        ("", "", False),
        ("http://[bad", "desk.example.com", False),
        ("file://", "", False),
    ],
)
def test_only_listed_origins_and_the_own_host_open_screens(origin: str, host: str, own: bool) -> None:
    assert own_origin(origin, host, ("https://listed.example.com",)) is own


def test_new_connections_beyond_a_hundred_a_second_are_turned_away() -> None:
    arrivals = Arrivals(100)
    assert sum(arrivals.admit(5.0) for _ in range(150)) == 100
    assert sum(arrivals.admit(5.5) for _ in range(150)) == 50
    assert sum(arrivals.admit(60.0) for _ in range(150)) == 100

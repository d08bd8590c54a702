"""The screen protocol of one connection, without any connection (INV17, INV20, INV21; T27)."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from model import to_screen
from model.event import AgentEvent, HeldEnded, OfferEnded, OfferMade, OfferUpdated
from model.wire import Accept, Hello, Reply
from pushers import close_codes
from pushers.close_codes import CLOSE_CODES
from pushers.session import MAX_FRAME_BYTES, MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES, Session

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
AN_ID = UUID(int=1 << 80)
AGENT_FEED = f"agent:{AN_ID}"
CUSTOMER_FEED = f"customer:{AN_ID}"
HELLO = '{"type":"hello"}'

read_frame = msgspec.json.Decoder(to_screen.ServerFrame).decode


def frames(session: Session) -> list[to_screen.ServerFrame]:
    """Everything queued, as the screen reads it."""
    found: list[to_screen.ServerFrame] = []
    while batch := session.to_send():
        found += map(read_frame, batch)
    return found


def errors(session: Session) -> list[tuple[str, str | None, str | None]]:
    return [(f.code, f.ref, f.field) for f in frames(session) if isinstance(f, to_screen.Error)]


def closed(session: Session) -> close_codes.CloseCode | None:
    return session.should_close


def greeted() -> Session:
    session = Session(0)
    assert session.receive(HELLO, 0) == Hello()
    return session


def test_the_first_frame_is_hello() -> None:
    session = Session(0)
    assert session.receive(f'{{"type":"accept","offer":"{AN_ID}","ref":"a"}}', 0) is None
    assert errors(session) == [("hello_first", "a", None)]
    assert session.receive('{"type":"hello","epoch":"e","resume":{"agent:x":-3}}', 0) == Hello("e", {"agent:x": -3})
    assert session.receive(f'{{"type":"accept","offer":"{AN_ID}","ref":"a"}}', 0) == Accept(AN_ID, "a")


def test_a_second_hello_changes_nothing() -> None:
    session = greeted()
    assert session.receive('{"type":"hello","ref":"again"}', 1) is None
    assert errors(session) == [("hello_twice", "again", None)]
    assert closed(session) is None


def test_without_hello_a_session_ends_after_ten_seconds() -> None:
    session = Session(100)
    session.check(109.9)
    assert closed(session) is None
    session.check(110)
    assert closed(session) is close_codes.HELLO_TIMEOUT
    late = Session(100)
    late.receive(HELLO, 101)
    late.check(500)
    assert closed(late) is None


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ('{"type":"wave","ref":"r"}', "unknown_frame", "type"),
        ('{"type":"accept","ref":"r"}', "bad_frame", "offer"),
        ('{"type":"accept","offer":"x","ref":"r"}', "bad_frame", "offer"),
        ('{"type":"presence","status":"asleep","ref":"r"}', "bad_frame", "status"),
        (f'{{"type":"open","customer":"{AN_ID}","tab":1,"ref":"r"}}', "bad_frame", "tab"),
        (f'{{"type":"timeline","customer":"{AN_ID}","limit":201,"ref":"r"}}', "bad_frame", "limit"),
        ('{"type":5,"ref":"r"}', "bad_frame", "type"),
        ('{"ref":"r"}', "bad_frame", "type"),
        (
            f'{{"type":"note","conversation":"{AN_ID}","id":"{AN_ID}","body":"a\\u0000b","ref":"r"}}',
            "bad_frame",
            "body",
        ),
    ],
)
def test_a_wrong_frame_is_answered_with_its_field_and_ref(data: str, code: str, field: str) -> None:
    session = greeted()
    assert session.receive(data, 0) is None
    assert errors(session) == [(code, "r", field)]


def test_the_wrong_value_of_a_resumed_feed_names_resume() -> None:
    session = Session(0)
    assert session.receive('{"type":"hello","resume":{"agent:x":"three"}}', 0) is None
    assert errors(session) == [("bad_frame", None, "resume[...]")]


@pytest.mark.parametrize(
    "data",
    [
        "",
        "not json",
        "[]",
        '{"type":"hello"} x',
        '{"x":' * 5_000,
        '{"type":"hello","resume":' + "[" * 20_000,
        '{"type":"hello","ref":"\ud800"}',
        '{"type":"hello","ref":"\\ud800"}',
        b'{"type":"hello"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_frame_is_a_bad_frame(data: str | bytes) -> None:
    session = Session(0)
    assert session.receive(data, 0) is None
    assert [code for code, _, _ in errors(session)] == ["bad_frame"]
    assert not session.greeted


def test_an_escaped_backslash_before_u0000_is_ordinary_text() -> None:
    frame = Reply(AN_ID, "write \\u0000 here", AN_ID)
    assert greeted().receive(msgspec.json.encode(frame).decode(), 0) == frame


def test_three_bad_frames_in_a_row_close_the_session_and_a_good_one_starts_the_count_anew() -> None:
    session = greeted()
    for _ in range(2):
        session.receive("x", 0)
    assert session.receive(f'{{"type":"leave","customer":"{AN_ID}"}}', 0) is not None
    for _ in range(2):
        session.receive("x", 0)
    assert closed(session) is None
    session.receive("x", 0)
    assert closed(session) is close_codes.BAD_FRAMES
    assert session.receive(f'{{"type":"leave","customer":"{AN_ID}"}}', 1) is None


def test_unknown_frames_of_a_newer_client_do_not_close_the_session() -> None:
    session = greeted()
    for _ in range(10):
        session.receive('{"type":"wave"}', 0)
    assert closed(session) is None


def test_a_frame_of_64_kib_passes_and_a_longer_one_closes_the_session() -> None:
    session = Session(0)
    exact = HELLO + " " * (MAX_FRAME_BYTES - len(HELLO))
    assert session.receive(exact, 0) == Hello()
    assert session.receive(exact + " ", 0) is None
    assert closed(session) is close_codes.TOO_BIG


def test_forty_frames_pass_at_once_then_a_hundred_a_minute() -> None:
    session = greeted()
    leave = f'{{"type":"leave","customer":"{AN_ID}"}}'
    assert [session.receive(leave, 0) is not None for _ in range(41)] == [True] * 39 + [False] * 2
    assert {code for code, _, _ in errors(session)} == {"rate_limited"}
    assert session.receive(leave, 60) is not None
    passed = sum(session.receive(leave, 60 + second) is not None for second in range(1, 601))
    assert passed == 600  # one a second is below the rate
    assert closed(session) is None


def test_a_flood_is_first_refused_and_then_closed() -> None:
    session = greeted()
    leave = f'{{"type":"leave","customer":"{AN_ID}"}}'
    sent = 1
    while closed(session) is None:
        session.receive(leave, 0)
        sent += 1
    assert closed(session) is close_codes.TOO_MANY_FRAMES
    assert sent == 81


def test_more_than_a_thousand_unread_frames_close_the_session_as_slow() -> None:
    session = greeted()
    for _ in range(MAX_QUEUED_FRAMES):
        session.send(to_screen.Result("r"))
    assert closed(session) is None
    session.send(to_screen.Result("r"))
    assert closed(session) is close_codes.SLOW
    assert session.to_send() == []


def test_more_than_a_mebibyte_unread_closes_the_session_and_what_was_taken_does_not_count() -> None:
    session = greeted()
    frame = b"x" * 65_536
    for _ in range(10 * MAX_QUEUED_BYTES // len(frame)):
        session.send(frame)
        session.to_send()
    for _ in range(MAX_QUEUED_BYTES // len(frame)):
        session.send(frame)
    assert closed(session) is None
    session.send(b"x")
    assert closed(session) is close_codes.SLOW


def test_what_is_taken_at_once_is_little_so_that_the_rest_stays_counted() -> None:
    session = greeted()
    for _ in range(30):
        session.send(b"x" * 30_000)
    assert len(session.to_send()) == 3
    for _ in range(100):
        session.send(b"")
    for _ in range(9):
        session.to_send()
    assert len(session.to_send()) == 16


def test_an_event_is_spliced_in_byte_for_byte() -> None:
    session = greeted()
    session.begin(CUSTOMER_FEED, 6)
    body = b'{"kind" : "entry",  "entry":{"body":"\\u00e9 1.50"}}'
    session.publish(CUSTOMER_FEED, 7, body)
    assert session.to_send() == [
        b'{"type":"event","feed":"%b","seq":7,"event":%b}' % (CUSTOMER_FEED.encode(), body),
    ]


def offer_made() -> OfferMade:
    return OfferMade(
        offer=AN_ID,
        contact=AN_ID,
        customer_name="Ana",
        handle="+4930",
        channel="sms",
        account="main",
        queue="Support",
        preview="hi",
        messages=1,
        waiting_since=NOW,
        offered_at=NOW,
        expires_at=NOW,
        customer=AN_ID,
    )


ACTING: list[tuple[AgentEvent, str]] = [
    (offer_made(), "OfferFrame"),
    (OfferUpdated(AN_ID, "hello?", 2), "OfferUpdatedFrame"),
    (OfferEnded(AN_ID, AN_ID, "timed_out"), "OfferEndedFrame"),
    (HeldEnded(AN_ID, "finished"), "ContactEndedFrame"),
]


@pytest.mark.parametrize(("event", "acting"), ACTING, ids=lambda each: each if isinstance(each, str) else "")
def test_a_live_event_that_asks_the_agent_to_act_is_followed_by_its_acting_frame(
    event: AgentEvent, acting: str
) -> None:
    session = greeted()
    session.begin(AGENT_FEED, 0)
    assert session.publish(AGENT_FEED, 1, msgspec.json.encode(event)) == event
    record, frame = frames(session)
    assert isinstance(record, to_screen.EventFrame)
    assert type(frame).__name__ == acting
    wanted = msgspec.to_builtins(event)
    assert all(wanted[name] == value for name, value in msgspec.to_builtins(frame).items() if name != "type")


@pytest.mark.parametrize("event", [event for event, _ in ACTING])
def test_a_replayed_event_is_only_a_record(event: AgentEvent) -> None:
    session = greeted()
    session.begin(AGENT_FEED, 0)
    assert session.publish(AGENT_FEED, 1, msgspec.json.encode(event), live=False) is None
    assert [type(frame) for frame in frames(session)] == [to_screen.EventFrame]


def test_an_event_of_a_newer_server_is_passed_on_as_a_record() -> None:
    session = greeted()
    session.begin(AGENT_FEED, 0)
    assert session.publish(AGENT_FEED, 1, b'{"kind":"later","x":1}') is None
    assert [type(frame) for frame in frames(session)] == [to_screen.EventFrame]


def test_a_gap_in_a_feed_closes_the_session_instead_of_leaving_a_hole() -> None:
    session = greeted()
    session.begin(CUSTOMER_FEED, 4)
    session.publish(CUSTOMER_FEED, 6, b"{}")
    assert closed(session) is close_codes.OUT_OF_STEP


def test_an_event_the_screen_has_already_is_passed_over() -> None:
    session = greeted()
    session.begin(CUSTOMER_FEED, 4)
    for seq in (3, 4, 5, 5, 2):
        session.publish(CUSTOMER_FEED, seq, b"{}")
    assert [frame.seq for frame in frames(session) if isinstance(frame, to_screen.EventFrame)] == [5]
    assert closed(session) is None


def test_a_feed_that_has_ended_publishes_nothing() -> None:
    session = greeted()
    session.begin(CUSTOMER_FEED, 4)
    session.end(CUSTOMER_FEED)
    session.publish(CUSTOMER_FEED, 5, b"{}")
    assert session.to_send() == []
    assert closed(session) is None


def test_the_range_of_a_close_code_says_whether_to_reconnect() -> None:
    assert len(CLOSE_CODES) == len({code.name for code in CLOSE_CODES.values()})
    for number, code in CLOSE_CODES.items():
        assert code.code == number
        assert code.reconnect == (number < 4000 or 4500 <= number < 5000)
        assert code.sentence.endswith(".")
        assert len(code.name.encode()) <= 123  # what a close frame holds


def test_a_hint_is_of_a_feed_that_has_begun_and_gives_way_to_all_else() -> None:
    session = greeted()
    mark = to_screen.TypingFrame(AN_ID, None, "chat", None, False)
    session.hint("customer:x", mark)
    assert frames(session) == []
    session.begin("customer:x", 4)
    session.hint("customer:x", mark)
    assert frames(session) == [mark]
    assert session.position("customer:x") == 4
    for _ in range(MAX_QUEUED_FRAMES):
        session.hint("customer:x", mark)
    assert closed(session) is None
    assert session.crowded
    session.end("customer:x")
    frames(session)
    session.hint("customer:x", mark)
    assert frames(session) == []

"""Adapters that state where answers say what: names, errors, credentials."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx2
import pytest

from adapters.base import AccountConfig, Busy, Outgoing, OutgoingFile, Refused, ReplyLimits, SendOutcome, Sent, Unknown
from adapters.base import WebhookRequest as Request
from adapters.http_call import Call, Codes
from adapters.json_api import JsonApi, filled, found_in
from adapters.proof import Given
from model.inbound import InboundEvent

ACCOUNT = AccountConfig(
    *("x-main", "x", "x", "1", ("key",), "DE", "https://desk.example.com/hooks/x-main"),
    {"access_token": "t0k", "user": "u", "password": "p"},
)
TOLD = {"data": [{"id": 7}, {"id": "last", "ok": True}], "error": {"code": "E1", "words": "no"}}
MUG = OutgoingFile("mug.png", "image/png", b"\x89PNG", "https://files.example/mug.png")


class Example(JsonApi):
    provider, channels, title, api = "x", frozenset(("x",)), "Example", "https://api.example.com/"
    secret_is, proof, replies = "make one", Given("x-secret"), ReplyLimits(100, most_files=1)
    known = frozenset(ACCOUNT.settings)
    names, words, fault = "{chat}:{id}", "Example {error.code}: {error.words}", "error.code"
    codes = Codes(busy=frozenset(("BUSY",)), lost=frozenset(("LOST",)), ours_to_fix=frozenset((401,)))

    def parse(self, request: Request, account: AccountConfig) -> list[InboundEvent]:
        return []

    def calls(self, account: AccountConfig, outgoing: Outgoing) -> list[Call]:
        return [self.call(account, "/send", {"text": outgoing.body})]


class WithPassword(Example):
    credentials = ("user", "password")


class WithKey(Example):
    header, scheme, credentials = "X-Key", "", ()


class WithAddress(Example):
    header = ""


@pytest.mark.parametrize(
    ("path", "there"),
    [("data.0.id", 7), ("data.-1.id", "last"), ("data.2.id", None), ("data.id", None), ("error.code.x", None)],
)
def test_what_stands_somewhere_is_found(path: str, there: object) -> None:
    assert found_in(TOLD, path) == there


def test_a_form_is_filled_with_text_and_numbers_alone() -> None:
    assert filled("{data.0.id}/{data.1.ok}/{error}", TOLD) == ("7//", ["7", "", ""])


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ({"chat": 1, "id": 2}, Sent("1:2", "sent")),
        ({"chat": 1}, None),
        ([], None),
        ({"error": {"code": "E1", "words": "no"}}, Refused("Example E1: no")),
        ({"error": {"code": "BUSY"}}, Busy(None, "Example BUSY: ")),
        ({"error": {"code": "LOST"}}, Unknown),
        ({"error": {"code": 401}}, Refused("Example 401: ", retryable=True)),
        ({"chat": 1, "id": 2, "error": {"code": 0}}, Sent("1:2", "sent")),
    ],
)
def test_a_2xx_names_the_message_or_holds_an_error(
    answer: Any, meaning: SendOutcome | type[SendOutcome] | None
) -> None:
    outcome = Example().accepted(httpx2.Response(200, json=answer))
    assert isinstance(outcome, meaning) if isinstance(meaning, type) else outcome == meaning


def test_an_error_is_told_in_the_providers_words_or_by_its_status() -> None:
    assert Example().reason(httpx2.Response(500, json=TOLD)) == "Example E1: no"
    assert Example().reason(httpx2.Response(500, content=b"<html>")) == "Example answered HTTP 500"


@pytest.mark.parametrize(
    ("adapter", "headers"),
    [
        (Example(), {"Authorization": "Bearer t0k"}),
        (WithPassword(), {"Authorization": "Basic dTpw"}),
        (WithKey(), {"X-Key": "key"}),
        (WithAddress(), {}),
    ],
)
def test_a_call_carries_the_credentials_that_are_stated(adapter: Example, headers: dict[str, str]) -> None:
    (call,) = adapter.calls(ACCOUNT, Outgoing(UUID(int=1), "2", "Hello"))
    assert call == Call("https://api.example.com/send", headers, {"text": "Hello"})


def test_with_a_file_a_call_is_a_form() -> None:
    call = Example().call(ACCOUNT, "/send", {"to": "2", "also": {"x": 1}}, files={"photo": MUG}, more={"X-Id": "1"})
    assert (call.form, call.json) == ({"to": "2", "also": '{"x":1}'}, None)
    assert call.files == {"photo": ("mug.png", b"\x89PNG", "image/png")}
    assert call.headers["X-Id"] == "1"


async def test_more_files_than_are_taken_are_refused_before_anything_is_sent() -> None:
    outcome = await Example().send(ACCOUNT, Outgoing(UUID(int=1), "2", "Look", files=(MUG, MUG)), 1.0)
    assert outcome == Refused("Example takes 1 with a message: send the other files apart")
